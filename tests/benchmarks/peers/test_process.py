"""A process for each measurement, here with a fake peer."""

import sys
import textwrap

import numpy as np
import pytest

from benchmarks.peers import process, worker

JOB = {"contender": "fake", "options": {}, "warm_rows": 2, "repeat": 2, "long": 9.0}
ROWS = np.arange(6.0).reshape(3, 2)


@pytest.fixture
def fake(tmp_path):
    """A script that serves one call, whose body the test gives."""

    def make(body):
        path = tmp_path / "fake.py"
        source = f"""
            import os, sys, time
            sys.path.insert(0, {str(process.ROOT)!r})
            from benchmarks.peers.worker import serve

            def make(Xs, Xt, options):
                def call():
                    {body}
                return call, lambda found: {{"found": found}}

            serve(sys.argv[1], {{"fake": make}})
        """
        path.write_text(textwrap.dedent(source))
        return path

    return make


def test_run_job(fake):
    path = fake("return Xs @ Xt.T, int(os.environ['OMP_NUM_THREADS'])")
    path.write_text(path.read_text().replace('{"found": found}', '{"K": found[0], "t": found[1]}'))
    outcome, arrays = process.run_job(
        JOB, ROWS, ROWS, python=sys.executable, threads=1, worker=path
    )
    assert outcome.status == "ok"
    assert len(outcome.seconds) == 2
    assert outcome.peak >= 0
    assert arrays["t"] == 1
    np.testing.assert_array_equal(arrays["K"], ROWS @ ROWS.T)


def test_failure_is_told(fake):
    path = fake("raise ValueError('no such thing')")
    outcome, arrays = process.run_job(JOB, ROWS, ROWS, python=sys.executable, worker=path)
    assert outcome.status.endswith("ValueError: no such thing")
    assert outcome.time is None
    assert arrays == {}


def test_time_limit(fake, monkeypatch):
    monkeypatch.setattr(process, "START_SECONDS", 0.0)
    path = fake("time.sleep(60)")
    outcome, _ = process.run_job(JOB, ROWS, ROWS, python=sys.executable, limit=0.5, worker=path)
    assert outcome.status == "stopped after 0.5 s"


def test_our_side():
    job = {**JOB, "contender": "our-coral", "options": {"alpha": 0.0}, "warm_rows": 9}
    rows = np.random.default_rng(0).normal(size=(9, 2))
    outcome, arrays = process.run_job(job, rows, 2 * rows)
    assert outcome.status == "ok"
    np.testing.assert_allclose(np.cov(arrays["source"].T), 4 * np.cov(rows.T))


def test_peers_do_not_see_this_folder():
    assert worker.__file__ == str(process.WORKER)
    assert set(process.thread_variables(3).values()) == {"3"}
