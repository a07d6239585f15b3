"""Every ratio method against the analytic ratio, with the peers' results beside ours."""

import warnings
from itertools import product

import numpy as np
from joblib import Parallel, delayed

import skransfer
from benchmarks.peers.judge import ratio_facts
from benchmarks.peers.process import run_job
from benchmarks.quality.page import Check, bullets, markdown_table
from skransfer.datasets import make_covariate_shift
from skransfer.exceptions import EffectiveSampleSizeWarning

__all__ = ["TITLE", "draw", "run", "weighted_means"]

TITLE = "Density ratios beside the analytic ratio"

# Shift and scale of the target by the number of features; the source is N(0, I).
SHIFTS = {1: (1.0, 0.5), 2: (0.7, 0.6), 10: (0.3, 0.8)}
SIZES = (200, 2000, 20_000)
MOST_FOR_KMM = 2000  # rows whose program takes seconds; with more, a minute a draw
OURS = {
    "KMM(alpha=0.1)": lambda: skransfer.KMM(alpha=0.1),
    "ULSIF": skransfer.ULSIF,
    "RULSIF": skransfer.RULSIF,
    "KLIEP": skransfer.KLIEP,
    "Discriminative": skransfer.DiscriminativeReweighting,
    "Gaussian": skransfer.GaussianReweighting,
    "KDE": skransfer.KDEReweighting,
    "NearestNeighbor": skransfer.NearestNeighborReweighting,
}
GRID = {"widths": 11, "penalties": 9}
# Name, key of its code, options, most rows that it is asked to do.
PEERS = (
    ("ADAPT KMM", "adapt-kmm", {"gamma": None, "max_weight": 1000.0, "epsilon": None}, 2000),
    ("ADAPT ULSIF", "adapt-ulsif", GRID, 200),
    ("ADAPT ULSIF, defaults", "adapt-ulsif", {}, 2000),
    ("ADAPT RULSIF, defaults", "adapt-rulsif", {}, 2000),
    ("ADAPT KLIEP", "adapt-kliep", {**GRID, "solver": "FW"}, 2000),
    ("ADAPT IWC", "adapt-discriminative", {}, 2000),
    ("ADAPT NearestNeighbors", "adapt-neighbors", {}, 2000),
    ("skada KLIEP", "skada-kliep", GRID, 2000),
    ("skada Discriminator", "skada-discriminative", {}, 2000),
    ("skada Gaussian", "skada-gaussian", {}, 2000),
    ("skada Density", "skada-kde", {}, 2000),
    ("skada NearestNeighbor", "skada-neighbors", {}, 2000),
)
ORACLE = "true ratio"
_MARKERS = "xX+*1234sdvP"
_COLORS = ("#4b2c82", "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#000000")
EXPLANATION = """\
Error: mean squared difference from the true ratio at the source rows, both scaled to mean 1, as a
share of the variance of the true one; equal weights have 1. Rank corr.: Spearman's, with the true
ratio. RULSIF estimates another, bounded ratio, which the table holds against the plain one. The
peers' domain classifiers are linear, and cannot follow a ratio whose logarithm is quadratic."""

RANGES = "`make_covariate_shift`, source N(0, I), target N(shift, scale^2): {}."
DEFAULTS = """\
n rows of each domain; means over the draws (of peers: 3 at n = 200, 1 at n = 2000). Every method
with its defaults, except `KMM(alpha=0.1)`, which record 0006 explains."""
GRIDS = """\
Peers: versions as in benchmarks/results; `ADAPT ULSIF` and both KLIEP choose among our 11 widths.
`ADAPT ULSIF` with the grid was run at n = 200 here; its page in benchmarks/results has n = 2000."""
MEANS = """\
Distance of the weighted source mean of x / of x^2 from the target's true one, mean over the draws;
a shift of the mean alone, d = 2. The last row has the true ratio for weights: what is left there is
the noise of the draws. RULSIF is not meant to come to zero, since its ratio is another one; ULSIF
keeps the bias of its penalty and of 100 kernels, and KDE and neighbors that of their smoothing,
which falls slowly."""


def draw_rows(d, n, seed):
    """Rows of both domains and the ratio at all of them."""
    shift, scale = SHIFTS[d]
    return make_covariate_shift(
        n, n, d, shift=shift, scale=scale, return_ratio=True, random_state=seed
    )


def ours(name, d, n, seed):
    """Facts about the weights of one of our methods on one draw."""
    X, _, sample_domain, ratio = draw_rows(d, n, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EffectiveSampleSizeWarning)
        weights = OURS[name]().fit(X, sample_domain=sample_domain).weights_
    return ratio_facts(weights, ratio[sample_domain >= 0])


def theirs(key, options, d, n, seed, python):
    """Facts about the weights of a peer on one draw; None if it failed."""
    X, _, sample_domain, ratio = draw_rows(d, n, seed)
    if "gamma" in options:
        options = {**options, "gamma": 1.0 / (d * X.var())}
    job = {"contender": key, "options": options, "warm_rows": 30, "repeat": 0, "long": 1.0}
    source = sample_domain >= 0
    _, arrays = run_job(job, X[source], X[~source], python=python, threads=1, limit=300)
    return ratio_facts(arrays["weights"], ratio[source]) if arrays else None


def weighted_means(name, n, seed, d=2):
    """Distance of weighted source means from the target's true ones, of x and of x^2.

    The domains differ in their means alone here, so that every method's model holds.
    """
    shift = SHIFTS[d][0]
    X, _, sample_domain, ratio = make_covariate_shift(
        n, n, d, shift=shift, scale=1.0, return_ratio=True, random_state=seed
    )
    if name == ORACLE:
        weights = ratio[sample_domain >= 0]
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EffectiveSampleSizeWarning)
            weights = OURS[name]().fit(X, sample_domain=sample_domain).weights_
    source = X[sample_domain >= 0][:, 0]
    return (
        abs(np.average(source, weights=weights) - shift),
        abs(np.average(source**2, weights=weights) - (shift**2 + 1)),
    )


def run(n_jobs=1, repeats=5, peers=None):
    """Run everything and describe it.

    Parameters
    ----------
    n_jobs : int, default=1
        Processes.
    repeats : int, default=5
        Draws; the largest size gets 2 at most.
    peers : path-like, default=None
        Interpreter of the peers' environment; None: ours alone.

    Returns
    -------
    text : str
        Markdown without the title.
    checks : list of Check
        What must hold.
    """
    grid = list(product(SHIFTS, SIZES))
    found = {name: {} for name in OURS}
    for name, (d, n) in product(OURS, grid):
        if name.startswith("KMM") and n > MOST_FOR_KMM:
            continue
        draws = range(min(repeats, 2) if n == max(SIZES) else repeats)
        facts = Parallel(n_jobs=n_jobs)(delayed(ours)(name, d, n, seed) for seed in draws)
        found[name][d, n] = _means(facts)
    for name, key, options, most in PEERS if peers is not None else ():
        found[name] = {}
        for d, n in grid:
            if n <= most:
                draws = range(min(repeats, 3) if n == min(SIZES) else 1)
                facts = Parallel(n_jobs=n_jobs)(
                    delayed(theirs)(key, options, d, n, seed, peers) for seed in draws
                )
                if None not in facts:
                    found[name][d, n] = _means(facts)
    last.update(found)
    header = ["", *[f"d={d}, n={n}" for d, n in grid]]
    tables = [
        markdown_table(header, [_row(name, cells, grid, fact) for name, cells in found.items()])
        for fact in ("error", "rank")
    ]
    sizes = [n for n in SIZES if n <= 2000] + [8000]
    means = {
        name: [
            np.mean([weighted_means(name, n, seed) for seed in range(repeats)], axis=0)
            for n in sizes
            if not (name.startswith("KMM") and n > MOST_FOR_KMM)
        ]
        for name in (*OURS, ORACLE)
    }
    mean_rows = [
        [name, *[f"{a:.3f} / {b:.3f}" for a, b in values], *["-"] * (len(sizes) - len(values))]
        for name, values in means.items()
    ]
    rows = ", ".join(f"d = {d}: shift {m:g}, scale {s:g}" for d, (m, s) in SHIFTS.items())
    about = [RANGES.format(rows), DEFAULTS, GRIDS]
    parts = [
        bullets(about),
        "## Error",
        tables[0],
        "## Rank correlation",
        tables[1],
        EXPLANATION,
        "![Error and rank correlation against the rows](ratios.png)",
        "## Weighted means",
        MEANS,
        markdown_table(["", *[f"n={n}" for n in sizes]], mean_rows),
    ]
    return "\n\n".join(parts), _checks(found, means)


last = {}  # of the latest run, for the figure


def draw(path):
    """Draw the tables of the latest run: a column for each d, ours as lines, peers as crosses."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(SHIFTS), sharex=True, sharey="row")
    colors = dict(zip(OURS, _COLORS, strict=False))
    markers = {peer[0]: marker for peer, marker in zip(PEERS, _MARKERS, strict=False)}
    for column, d in enumerate(SHIFTS):
        for fact, panel in zip(("error", "rank"), panels[:, column], strict=True):
            for name, cells in last.items():
                points = [(n, cells[d, n][fact]) for n in SIZES if (d, n) in cells]
                if not points:
                    continue
                at = {"label": name}
                if name in colors:
                    panel.plot(*zip(*points, strict=True), color=colors[name], marker="o", **at)
                else:
                    tint = "#b35806" if name.startswith("ADAPT") else "#1b7f79"
                    mark = {"color": tint, "marker": markers[name], "linestyle": "", **at}
                    panel.plot(*zip(*points, strict=True), alpha=0.8, **mark)
            panel.axhline(1.0 if fact == "error" else 0.0, color="0.5", linewidth=0.8, zorder=0)
            panel.set_xscale("log")
            panel.grid(True, which="major", color="0.93")
            panel.spines[["top", "right"]].set_visible(False)
        panels[0, column].set_title(f"d = {d}", fontsize=11)
        panels[0, column].set_yscale("log")
        panels[1, column].set_xlabel("rows of each domain")
    panels[0, 0].set_ylabel("error (equal weights: 1)")
    panels[1, 0].set_ylabel("rank correlation with the true ratio")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
    figure.savefig(path)


def _means(facts):
    return {key: float(np.mean([one[key] for one in facts])) for key in facts[0]}


def _row(name, cells, grid, fact):
    return [name, *[f"{cells[at][fact]:.3f}" if at in cells else "-" for at in grid]]


def _checks(found, means):
    """What must hold for ours: nobody is upside down, and more rows help where the model holds."""
    ranks = [cells[at]["rank"] for name in OURS for at, cells in [*_largest(found[name])]]
    checks = [Check.above("least rank correlation of ours at the largest size", min(ranks), 0.5)]
    for name in ("ULSIF", "KLIEP", "Gaussian", "KDE"):
        shares = [
            found[name][d, max(SIZES)]["error"] / found[name][d, min(SIZES)]["error"]
            for d in SHIFTS
        ]
        what = f"{name}: largest error with {max(SIZES)} rows as a share of that with {min(SIZES)}"
        checks.append(Check.below(what, max(shares), 1.0))
    # Beside the noise of the draws, which the true ratio shows; RULSIF has another aim.
    for name, values in means.items():
        if name in ("RULSIF", ORACLE):
            continue
        checks.append(Check.below(f"{name}: distance of the mean of x", values[-1][0], 0.1))
    return checks


def _largest(cells):
    for d in SHIFTS:
        n = max(size for width, size in cells if width == d)
        yield (d, n), cells
