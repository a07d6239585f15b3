"""Density ratios beside ADAPT and skada, against the analytic ratio of the rows."""

from benchmarks.peers import judge
from benchmarks.peers.case import MEAN, REFERENCE, STD, Case, Contender, Problem

__all__ = ["RATIO_CASES", "judge_ratio"]

SIZES = ((2, (500, 1000, 2000)), (10, (500, 1000, 2000)))
QUICK = ((2, (100, 200, 300)), (10, (100, 200, 300)))
COLUMNS = {
    "error": "error",
    "rank": "rank corr.",
    "mean": "mean w",
    "max": "max w",
    "effective": "effective rows",
}
NOTES = """\
Error: mean squared difference from the analytic ratio at the source rows, both scaled to mean 1, as
a share of the variance of the true one; 1 is what equal weights reach, and more is worse than not
to weight at all. Rank corr.: Spearman's, with the true ratio; below 0 weights are upside down.
Of the true ratio the effective rows are about 0.69 n (d = 2) and 0.15 n (d = 10)."""


def judge_ratio(problem, Xs, Xt, arrays):
    """How near the weights are to the analytic ratio."""
    ratio = judge.gaussian_ratio(Xs, MEAN, STD)
    return {name: judge.ratio_facts(found["weights"], ratio) for name, found in arrays.items()}


def _case(name, title, text, limit, *peers):
    def problems(sizes):
        return tuple(Problem(n, d, {}) for d, rows in sizes for n in rows)

    return Case(
        name=name,
        title=title,
        text=text,
        pooled=False,
        contenders=(Contender(REFERENCE, f"our-{name}"), *peers),
        problems=problems(SIZES),
        quick=problems(QUICK),
        judge=judge_ratio,
        columns=COLUMNS,
        check=("error", limit),
        notes=NOTES,
    )


GRID = {"widths": 11, "penalties": 9}  # of ours, which the peers get where they take a grid

RATIO_CASES = (
    _case(
        "ulsif",
        "Least-squares density ratio beside ADAPT",
        """\
`ULSIF()` beside ADAPT's `ULSIF`, 100 kernels each. Ours chooses gamma among 11 and the penalty
among 9 values by leave-one-out; ADAPT once gets the same grid for its own score, and once runs with
its defaults (gamma = 1 / d, penalty 1). skada has none.""",
        0.8,
        Contender("ADAPT, the same grid", "adapt-ulsif", GRID),
        Contender("ADAPT, defaults", "adapt-ulsif"),
    ),
    _case(
        "rulsif",
        "Relative density ratio beside ADAPT",
        """\
`RULSIF()` beside ADAPT's `RULSIF`, a share of 0.1 of the target in the denominator each, as in the
page on uLSIF. The target of the estimate is the relative ratio; the table has its distance from the
plain ratio, the same for all contenders.""",
        0.8,
        Contender("ADAPT, the same grid", "adapt-rulsif", GRID),
        Contender("ADAPT, defaults", "adapt-rulsif"),
    ),
    _case(
        "kliep",
        "KLIEP beside ADAPT and skada",
        """\
`KLIEP()` beside ADAPT's (Frank-Wolfe and its older solver) and skada's, 100 kernels and 5 folds
each; the peers choose among the same 11 widths.""",
        0.8,
        Contender("ADAPT (Frank-Wolfe)", "adapt-kliep", {**GRID, "solver": "FW"}),
        Contender("ADAPT (gradient)", "adapt-kliep", {**GRID, "solver": "original"}),
        Contender("skada", "skada-kliep", GRID),
    ),
    _case(
        "discriminative",
        "Ratio from a domain classifier beside ADAPT and skada",
        """\
`DiscriminativeReweighting()`, ADAPT's `IWC` and skada's `DiscriminatorReweight`, each around
logistic regression with its defaults. Scales differ between the domains, so that the true log ratio
is quadratic, which a linear classifier cannot follow: the error stays, the order need not.""",
        1.2,
        Contender("ADAPT (IWC)", "adapt-discriminative"),
        Contender("skada", "skada-discriminative"),
    ),
    _case(
        "gaussian",
        "Ratio of two fitted Gaussians beside skada",
        """\
`GaussianReweighting()` beside skada's `GaussianReweight`. The rows are Gaussian: the model
holds.""",
        0.3,
        Contender("skada", "skada-gaussian"),
    ),
    _case(
        "kde",
        "Ratio of kernel density estimates beside skada",
        """\
`KDEReweighting()` beside skada's `DensityReweight`, which has scikit-learn's bandwidth of 1.""",
        1.0,
        Contender("skada", "skada-kde"),
    ),
    _case(
        "neighbors",
        "Nearest-neighbor weights beside ADAPT and skada",
        """\
`NearestNeighborReweighting()`, ADAPT's `NearestNeighborsWeighting` (5 neighbors) and skada's
`NearestNeighborReweight` with Laplace smoothing, otherwise with their defaults.""",
        1.5,
        Contender("ADAPT", "adapt-neighbors"),
        Contender("skada", "skada-neighbors"),
    ),
)
