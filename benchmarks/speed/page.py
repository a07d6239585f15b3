"""What the pages of measurements share: medians, tables, versions, where they go."""

import argparse
import os
import platform
import statistics
import sys
import time
from datetime import date
from pathlib import Path

import numba
import numpy as np
import scipy
import sklearn

import skransfer
from skransfer.kernels import n_workers

__all__ = ["finish", "medians", "page_text", "parser", "processor", "table", "write"]


def medians(functions, runs):
    """Median seconds of each function; they run in turn, after one call that is not counted."""
    times = [[] for _ in functions]
    for run in range(runs + 1):
        for function, taken in zip(functions, times, strict=True):
            started = time.perf_counter()
            function()
            if run:
                taken.append(time.perf_counter() - started)
    return [statistics.median(taken) for taken in times]


def table(header, rows):
    """A Markdown table."""
    lines = [list(header), ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def parser(text):
    """The options that every page has."""
    spec = sys.modules["__main__"].__spec__  # of ``python -m``, which would show as a file name
    name = f"python -m {spec.name}" if spec is not None else None
    options = argparse.ArgumentParser(prog=name, description=text)
    options.add_argument("--output", type=Path, metavar="FILE", help="write the page there")
    options.add_argument("--quick", action="store_true", help="small sizes: does it work?")
    return options


def processor():
    """Name of the processor: what Linux says, else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        return platform.processor() or platform.machine()


def page_text(title, parts, module, options):
    """The page, with versions and threads."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    facts = (
        f"{date.today().isoformat()}, `python -m {module}{' --quick' if options.quick else ''}`, "
        f"{n_workers()} threads of {os.cpu_count()} cores, load {load} at the end. "
        f"skransfer {skransfer.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"scikit-learn {sklearn.__version__}, numba {numba.__version__}, "
        f"Python {platform.python_version()}, {platform.machine()}."
    )
    return "\n\n".join([f"# {title}", facts, *parts]) + "\n"


def finish(title, parts, module, options):
    """Print the page, and write it if a file was named."""
    text = page_text(title, parts, module, options)
    print(text)
    if options.output:
        write(options.output, text)


def write(path, text):
    """Write a page, and the folder that it stands in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
