"""A measurement in a process of its own, so that the memory it takes can be read."""

import json
import subprocess
import sys
from pathlib import Path

__all__ = ["peak_mib", "run_alone"]


def run_alone(module, arguments, timeout=None):
    """Run ``python -m module --worker ...`` and read the JSON that it prints.

    Parameters
    ----------
    module : str
        Full name of the module.
    arguments : sequence
        What follows ``--worker``.
    timeout : float, default=None
        Seconds after which the process is stopped.

    Raises
    ------
    RuntimeError
        If the worker fails, with what it printed.
    subprocess.TimeoutExpired
        If it takes too long.
    """
    command = [sys.executable, "-m", module, "--worker", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    if run.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))}:\n{run.stderr}")
    return json.loads(run.stdout)


def peak_mib(reset=False):
    """Most MiB this process has held since the last reset; Linux only, else NaN."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
