"""The command line of ``python -m benchmarks.quality``: print, or write, a page."""

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks.quality.page import markdown_table
from benchmarks.report import versions

__all__ = ["main"]

NAMES = (
    "office_caltech10",
    "mappings",
    "kmm",
    "ratios",
    "tradaboost",
    "amazon_weights",
    "transfer_trees",
    "rotated_digits",
    "regression_transfer",
    "wrong_source",
)


def main(argv=None):
    """Run a comparison; return 1 if one of its checks does not hold, 2 if data are missing."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality",
        description="Our numbers beside published ones, as a Markdown page.",
    )
    parser.add_argument("name", choices=NAMES, help="the comparison")
    parser.add_argument("--n-jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--repeats", type=int, metavar="N", help="random repetitions")
    parser.add_argument("--peers", metavar="FILE", help="interpreter that has the peers (ratios)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the page there")
    options = parser.parse_args(argv)
    module = import_module(f"benchmarks.quality.{options.name}")
    settings = {} if options.repeats is None else {"repeats": options.repeats}
    if options.peers is not None:
        settings["peers"] = options.peers
    start = time.perf_counter()
    try:
        text, checks = module.run(n_jobs=options.n_jobs, **settings)
    except (OSError, ImportError) as error:
        print(f"Data are missing: {error}", file=sys.stderr)
        print("Set SKRANSFER_DATA to the folder that holds them.", file=sys.stderr)
        return 2
    command = f"python -m benchmarks.quality {options.name}"
    if options.repeats is not None:
        command += f" --repeats {options.repeats}"
    if options.peers is not None:
        command += " --peers peers/bin/python"
    found = versions()
    names = ("skransfer", "scikit-learn", "numpy", "scipy", "python")
    made = ", ".join(f"{name} {found[name]}" for name in names)
    verdicts = [[c.what, c.found, "yes" if c.holds else "NO"] for c in checks]
    page = "\n\n".join(
        [
            f"# {module.TITLE}",
            f"Made by `{command}` with {made}, in {time.perf_counter() - start:.0f} s.",
            text,
            "## Checks",
            markdown_table(["what", "found", "holds"], verdicts),
        ]
    )
    print(page)
    if options.output is not None:
        options.output.write_text(page + "\n", encoding="utf-8")
        if hasattr(module, "draw"):
            module.draw(options.output.with_name(f"{options.name}.png"))
    return int(not all(check.holds for check in checks))
