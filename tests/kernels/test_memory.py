"""The estimate of what is available, from files laid out as Linux does."""

import numpy as np
import pytest

from skransfer.kernels import _memory, available_memory, check_memory


def _write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 1000),
        ({"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   1 kB\n"}, 1000),
        ({"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   0 kB\n"}, 1000),
        ({"proc/meminfo": "MemTotal: 9 kB\n"}, 1000),
        ({"sys/fs/cgroup/memory.max": "max\n"}, 1000),
        ({"sys/fs/cgroup/memory.max": "700\n"}, 700),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "600\n"}, 600),
        (
            {
                "proc/self/cgroup": "0::/batch/job7\n",
                "sys/fs/cgroup/batch/job7/memory.max": "max\n",
                "sys/fs/cgroup/batch/memory.max": "500\n",
                "sys/fs/cgroup/memory.max": "900\n",
            },
            500,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/docker/a\n0::/\n",
                "sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes": "400\n",
            },
            400,
        ),
    ],
)
def test_the_tightest_bound_counts(tmp_path, files, expected):
    _write(tmp_path, files)
    assert available_memory(system=str(tmp_path), physical=1000) == expected


def test_this_machine_has_memory():
    assert available_memory() > 2**20


def test_where_nothing_is_known_nothing_is_refused(tmp_path, monkeypatch):
    monkeypatch.delattr(_memory.os, "sysconf")
    assert available_memory(system=str(tmp_path)) is None
    monkeypatch.setattr(_memory, "available_memory", lambda: None)
    check_memory(1e30, "Anything", ["nothing"])


def test_a_refusal_names_need_supply_and_ways_out(monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda: 2 * 2**30)
    check_memory(2 * 2**30, "K", ["a"])
    with pytest.raises(MemoryError) as caught:
        check_memory(3 * 2**30, "The thing", ["do this", "do that"])
    text = str(caught.value)
    assert text == (
        "The thing needs about 3.0 GiB, and 2.0 GiB are available. Ways out: do this; do that."
    )
    assert np.isfinite(len(text))
