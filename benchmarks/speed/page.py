"""What the pages of measurements share: medians, tables, versions, where they go."""

import argparse
import os
import platform
import statistics
import time
from datetime import date
from pathlib import Path

import numba
import numpy as np
import scipy
import sklearn

import skransfer
from skransfer.kernels import n_workers

__all__ = ["finish", "medians", "parser", "table"]


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
    options = argparse.ArgumentParser(description=text)
    options.add_argument("--output", type=Path, metavar="FILE", help="write the page there")
    options.add_argument("--quick", action="store_true", help="small sizes: does it work?")
    return options


def finish(title, parts, module, options):
    """Print the page, with versions and threads, and write it if a file was named."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    facts = (
        f"{date.today().isoformat()}, `python -m {module}{' --quick' if options.quick else ''}`, "
        f"{n_workers()} threads of {os.cpu_count()} cores, load {load} at the end. "
        f"skransfer {skransfer.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"scikit-learn {sklearn.__version__}, numba {numba.__version__}, "
        f"Python {platform.python_version()}, {platform.machine()}."
    )
    text = "\n\n".join([f"# {title}", facts, *parts]) + "\n"
    print(text)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")
