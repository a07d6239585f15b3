"""TCA and KMM where the kernel matrix does not fit: ``python -m benchmarks.speed.large``.

Each fit runs in a process of its own, so that the memory it takes can be read; data and a small
fit that compiles come before the clock starts. The default ``working_memory`` of 1024 MiB holds.
"""

import argparse
import json
import sys
import time

import numpy as np
from sklearn.kernel_approximation import Nystroem

from benchmarks.speed.alone import peak_mib, run_alone
from benchmarks.speed.page import finish, parser, table
from skransfer import KMM, TCA

TITLE = "Fits beyond the memory of a kernel matrix"
CASES = {
    "TCA, n = 3000, d = 50, float64": ("tca", 3000, 50, "float64"),
    "TCA, n = 5000, d = 50, float64": ("tca", 5000, 50, "float64"),
    "TCA, n = 7000, d = 50, float64": ("tca", 7000, 50, "float64"),
    "TCA, n = 10 000, d = 50, float64": ("tca", 10_000, 50, "float64"),
    "TCA, n = 14 000, d = 50, float64": ("tca", 14_000, 50, "float64"),
    "TCA, n = 20 000, d = 50, float64": ("tca", 20_000, 50, "float64"),
    "TCA, n = 30 000, d = 50, float64": ("tca", 30_000, 50, "float64"),
    "TCA, n = 50 000, d = 50, float32": ("tca", 50_000, 50, "float32"),
    "KMM, n_s = n_t = 20 000, d = 10, float64": ("kmm", 20_000, 10, "float64"),
    "KMM, n_s = n_t = 20 000, d = 20, float64": ("kmm", 20_000, 20, "float64"),
    "KMM with Nystroem(300), n_s = n_t = 1 000 000, d = 10, float32": (
        "kmm-map", 1_000_000, 10, "float32",
    ),
}  # fmt: skip
QUICK = {
    "TCA, n = 1000": ("tca", 1000, 5, "float64"),
    "KMM, n = 500": ("kmm", 500, 3, "float64"),
    "KMM with Nystroem, n = 3000": ("kmm-map", 3000, 3, "float32"),
}


def rows(n_source, n_target, d, dtype):
    """Standard normal source rows, target rows moved by 0.4 and narrowed to 0.8."""
    rng = np.random.default_rng(0)
    source = rng.standard_normal((n_source, d), dtype=dtype)
    target = 0.8 * rng.standard_normal((n_target, d), dtype=dtype) + np.dtype(dtype).type(0.4)
    return np.concatenate([source, target]), np.repeat([0, -1], [n_source, n_target])


def method(kind, d, n):
    """The estimator of a case."""
    if kind == "tca":
        return TCA(n_components=20, gamma=1 / d, random_state=0)
    features = Nystroem(n_components=min(300, n // 10), random_state=0)
    return KMM(gamma=1 / d, feature_map=features if kind == "kmm-map" else None)


def worker(kind, n, d, dtype):
    """Fit one case and print what was found as JSON."""
    n = int(n)
    halves = (n // 2, n - n // 2) if kind == "tca" else (n, n)
    X, domains = rows(*halves, int(d), dtype)
    small = rows(700, 700, int(d), dtype)
    method(kind, int(d), 1400).fit(small[0], sample_domain=small[1])
    before = peak_mib(reset=True)
    started = time.perf_counter()
    fitted = method(kind, int(d), n).fit(X, sample_domain=domains)
    seconds = time.perf_counter() - started
    info = fitted.solver_info_
    print(json.dumps({"seconds": seconds, "mib": peak_mib() - before, "info": info}, default=float))


def told(info):
    """What the solver says of itself."""
    if "residual" in info:
        return f"{info['kernel_form']}, {info['n_passes']} passes, residual {info['residual']:.0e}"
    text = f"{info['kernel_form']}, certified gap {info['gap']:.1e}, "
    text += f"MMD^2 {info['mmd2_before']:.2e} to {info['mmd2_after']:.2e}"
    if "mmd2_exact" in info:
        text += f"; exact kernel (estimate) {info['mmd2_exact_before']:.2e} to "
        text += f"{info['mmd2_exact']:.2e}"
    return text


def measured(cases, runs):
    """Table rows, and the times by case."""
    for name, case in cases.items():
        found = []
        for _ in range(runs if case[1] < 10_000 else 1):
            found.append(run_alone("benchmarks.speed.large", case))
        seconds = float(np.median([one["seconds"] for one in found]))
        mib = max(one["mib"] for one in found)
        print(f"{name}: {seconds:.2f} s", file=sys.stderr)
        yield case, seconds, [
            name, f"{seconds:.2f}", f"{mib:.0f}", len(found), told(found[-1]["info"]),
        ]  # fmt: skip


def growth(measurements):
    """Exponent of n in the time of TCA, on either side of the switch from dense to tiled."""
    points = [
        (c[1], s, "tiled" in r[-1])
        for c, s, r in measurements
        if c[:1] + c[3:] == ("tca", "float64")
    ]
    for form, tiled in (("dense", False), ("tiled", True)):
        n, seconds = zip(*[p[:2] for p in points if p[2] == tiled] or [(1, 1)], strict=True)
        if len(n) > 1:
            slope = np.polyfit(np.log(n), np.log(seconds), 1)[0]
            yield f"TCA, {form}: time grows as n^{slope:.2f} (n = {n[0]} to {n[-1]})."


def main(arguments=None):
    """Measure and report, or do the work of one case."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    options = options.parse_args(arguments)
    if options.worker:
        worker(*options.worker)
        return
    measurements = list(measured(QUICK if options.quick else CASES, 1 if options.quick else 3))
    parts = [
        (
            "RBF kernel of gamma = 1/d, 20 components; source N(0, 1), target N(0.4, 0.8). "
            "Resident memory is the growth of the process's peak during fit, the rows not counted."
        ),
        table(
            ["fit", "seconds (median)", "resident MiB", "runs", "what the solver says"],
            [row for _, _, row in measurements],
        ),
        *growth(measurements),
    ]
    finish(TITLE, parts, "benchmarks.speed.large", options)


if __name__ == "__main__":
    main()
