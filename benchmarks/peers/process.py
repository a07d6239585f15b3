"""A process of its own for each measurement: clean memory, and a time limit."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.peers.timing import Outcome

__all__ = ["run_job", "thread_variables"]

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("worker.py")
START_SECONDS = 120  # for imports and the small call before, on top of the limit


def thread_variables(threads):
    """Environment variables that hold every package to so many threads.

    Parameters
    ----------
    threads : int
        Threads.
    """
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    return dict.fromkeys(names, str(threads))


def run_job(job, Xs, Xt, *, python=None, threads=2, limit=600.0, worker=WORKER):
    """Run one contender on one problem.

    Parameters
    ----------
    job : dict
        Content of ``job.json``; see :func:`benchmarks.peers.worker.serve`.
    Xs, Xt : ndarray
        Rows.
    python : path-like, default=None
        Interpreter of the peers' environment; None: ours, which runs our side.
    threads : int, default=2
        Threads for BLAS, OpenMP and pools.
    limit : float, default=600.0
        Seconds after which the process is stopped, without those for its start.
    worker : path-like
        Script that runs there.

    Returns
    -------
    outcome : Outcome
        Without a prediction.
    arrays : dict of str to ndarray
        What the contender returned; empty if it did not.
    """
    command = [sys.executable, "-m", "benchmarks.peers.ours"]
    if python is not None:
        # -I: neither this folder nor the user's site-packages is searched for modules.
        command = [str(python), "-I", str(worker)]
    environment = {**os.environ, **thread_variables(threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "rows.npz", Xs=Xs, Xt=Xt)
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        try:
            done = subprocess.run(
                [*command, name],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=limit + START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome([], status=f"stopped after {limit:g} s"), {}
        if done.returncode or not (folder / "report.json").exists():
            lines = done.stderr.strip().splitlines() or ["no message"]
            return Outcome([], status=f"failed ({done.returncode}): {lines[-1]}"), {}
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        with np.load(folder / "arrays.npz") as found:
            arrays = dict(found)
    outcome = Outcome(report["seconds"], report["peak"], versions=report["versions"])
    return outcome, arrays
