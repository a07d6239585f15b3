"""The problems, who solves them, and how each result is judged."""

import numpy as np

from benchmarks.peers import judge
from benchmarks.peers.case import REFERENCE, Case, Contender, Problem, make_rows
from benchmarks.peers.ratios import RATIO_CASES

__all__ = ["CASES", "REFERENCE", "Case", "Contender", "Problem", "make_rows"]

DENSE_ROWS = 5000  # above, a dense eigenproblem takes too long


# -------------------------------------------------------------------------------------- verdicts


def judge_tca(problem, Xs, Xt, arrays):
    """Objective of each span, and its share below the optimum or, for many rows, the best."""
    options = problem.options
    X, e = np.concatenate([Xs, Xt]), judge.contrast(len(Xs), len(Xt))
    K = judge.kernel(X, X, options["gamma"])
    facts = {}
    for name, found in arrays.items():
        rows = K[: len(Xs)] @ found["W"]
        facts[name] = {
            "objective": judge.tca_objective(K, e, options["alpha"], found["W"]),
            "embedding": float(np.abs(rows - found["source"]).max() / np.abs(rows).max()),
        }
    best = max((one["objective"] for one in facts.values()), default=None)
    reference = "best here"
    if len(X) <= DENSE_ROWS:
        best = judge.tca_optimum(K, e, options["alpha"], options["n_components"])
        reference = "dense optimum"
    for one in facts.values():
        one |= {"shortfall": 1 - one["objective"] / best, "against": reference}
    return facts


def judge_kmm(problem, Xs, Xt, arrays):
    """Exact MMD^2, gap and feasibility of the weights as they were returned."""
    options = problem.options
    gamma, upper = options["gamma"], options["max_weight"]
    K = judge.kernel(Xs, Xs, gamma)
    cross = judge.kernel(Xs, Xt, gamma).mean(axis=1)
    target_mean = judge.kernel(Xt, Xt, gamma).mean()
    epsilon = options["epsilon"]
    epsilon = judge.kmm_epsilon(len(Xs)) if epsilon is None else epsilon
    facts = {
        name: judge.kmm_facts(K, cross, target_mean, found["weights"], upper, epsilon)
        for name, found in arrays.items()
    }
    bound = max((one["bound"] for one in facts.values()), default=None)
    before = K.mean() - 2 * cross.mean() + target_mean
    for one in facts.values():
        one |= {"excess": one["mmd2"] - bound, "before": before}
        # 1e-6 of a weight is the interior point's own tolerance
        one["feasible"] = "yes" if one["violation"] <= 1e-6 * max(1.0, upper) else "NO"
    return facts


def judge_coral(problem, Xs, Xt, arrays):
    """Distance of the covariances, and of the rows from those of the exact map."""
    exact = judge.coral_rows(Xs, Xt)
    facts = {}
    for name, found in arrays.items():
        rows = found["source"]
        facts[name] = {
            "before": judge.covariance_distance(Xs, Xt),
            "distance": judge.covariance_distance(rows, Xt),
            "rows": float(np.abs(rows - rows.mean(axis=0) - exact).max()),
        }
    return facts


def judge_monge(problem, Xs, Xt, arrays):
    """Distance of the moments, and how much further than needed the rows moved."""
    facts = {}
    for name, found in arrays.items():
        rows = found["source"]
        facts[name] = {
            "before": judge.covariance_distance(Xs, Xt),
            "distance": judge.covariance_distance(rows, Xt),
            "means": float(np.abs(rows.mean(axis=0) - Xt.mean(axis=0)).max()),
            "excess": judge.transport_excess(Xs, rows, Xt),
        }
    return facts


# ----------------------------------------------------------------------------------------- cases


def _tca(pooled, alpha=1.0, timed=True, d=50):
    return Problem(pooled // 2, d, {"n_components": 20, "gamma": 1 / d, "alpha": alpha}, timed)


def _kmm(n, d, max_weight=1000.0, timed=True):
    return Problem(n, d, {"gamma": 1 / d, "max_weight": max_weight, "epsilon": None}, timed)


def _linear(n, d):
    return Problem(n, d, {"alpha": 0.0})


TCA_CASE = Case(
    name="tca",
    title="Transfer component analysis beside ADAPT and skada",
    text="""\
One problem for all: 20 components, the rbf kernel with gamma = 1 / d, penalty `alpha`. ADAPT and
skada solve (I + mu K L K)^-1 K H K, so their `mu` is 1 / `alpha`. The judge takes the objective
tr((W'(KLK + alpha I)W)^-1 W'KHKW) of the span of the coefficients, which no scale of W changes,
and the dense optimum by a symmetric eigenproblem (up to 5000 rows; above, the best found here).""",
    pooled=True,
    contenders=(
        Contender(REFERENCE, "our-tca"),
        Contender("ADAPT", "adapt-tca"),
        Contender("skada", "skada-tca"),
    ),
    problems=(
        _tca(500),
        _tca(1000, alpha=10.0, timed=False),
        _tca(1000, alpha=0.1, timed=False),
        _tca(1000),
        _tca(3000),
        _tca(10_000),
    ),
    quick=(_tca(300), _tca(300, alpha=10.0, timed=False), _tca(600), _tca(900)),
    judge=judge_tca,
    columns={
        "objective": "objective",
        "shortfall": "shortfall",
        "against": "against",
        "embedding": "rows - K W",
    },
    check=("shortfall", 1e-6),
    notes="""\
Shortfall: 1 - objective / optimum. Rows - K W: largest difference of the returned source rows from
K W, as a share of the largest entry. The default of ADAPT and skada, mu = 0.1, is alpha = 10.""",
)

KMM_CASE = Case(
    name="kmm",
    title="Kernel mean matching beside ADAPT and skada",
    text="""\
One program for all: the rbf kernel with gamma = 1 / d, weights of at most B, epsilon of the paper.
ADAPT's `max_size` is raised above the rows: by default, more than 1000 rows are split into batches,
which is another problem. skada is shown with both of its solvers. The judge computes MMD^2 of the
weights exactly as they were returned, and the Frank-Wolfe gap in the same units.""",
    pooled=False,
    contenders=(
        Contender(REFERENCE, "our-kmm", {"tol": 1e-6}),
        Contender("skransfer, tol=1e-9", "our-kmm", {"tol": 1e-9}),
        Contender("ADAPT", "adapt-kmm"),
        Contender("skada (Frank-Wolfe)", "skada-kmm", {"solver": "frank-wolfe"}),
        Contender("skada (SLSQP)", "skada-kmm", {"solver": "scipy"}),
    ),
    problems=(
        _kmm(500, 10, max_weight=5.0, timed=False),
        *[_kmm(n, d) for d in (10, 20) for n in (500, 1000, 2000)],
    ),
    quick=(
        _kmm(200, 10, max_weight=5.0, timed=False),
        *[_kmm(n, d) for d in (10, 20) for n in (100, 200, 300)],
    ),
    judge=judge_kmm,
    columns={
        "before": "MMD2 of w = 1",
        "mmd2": "MMD2",
        "excess": "excess, at most",
        "gap": "gap",
        "max": "max w",
        "mean": "mean w",
        "feasible": "allowed",
    },
    check=("gap", 1e-6),
    notes="""\
Excess, at most: MMD^2 less the best lower bound that any of the results certifies. A negative
excess or gap is that of weights which break a constraint. skada's Frank-Wolfe solver is given B
and tol, and ignores both. Time is that of fitting weights, kernel matrices included.""",
)

CORAL_CASE = Case(
    name="coral",
    title="CORAL beside ADAPT and skada",
    text="""\
Without regularization, where the three state the same problem: `alpha=0`, ADAPT's `lambda_=0`,
skada's `reg=None`. With it they differ: skada's `reg` is a share of shrinkage, not a ridge.""",
    pooled=False,
    contenders=(
        Contender(REFERENCE, "our-coral"),
        Contender("ADAPT", "adapt-coral"),
        Contender("skada", "skada-coral"),
    ),
    problems=tuple(_linear(n, d) for d in (50, 200) for n in (1000, 10_000, 100_000)),
    quick=tuple(_linear(n, d) for d in (10, 50) for n in (300, 1000, 3000)),
    judge=judge_coral,
    columns={
        "before": "before",
        "distance": "covariances",
        "rows": "rows",
    },
    check=("distance", 1e-10),
    notes="""\
Covariances: Frobenius distance between that of the mapped source and that of the target, as a share
of the target's; before: without a map. Rows: largest difference from the exact map's rows, both
centered, since ADAPT does not move the mean and skada moves both domains to zero.""",
)

MONGE_CASE = Case(
    name="monge",
    title="Linear Monge map beside POT",
    text="""\
`LinearMonge(alpha=0)` beside `ot.da.LinearTransport(reg=0)`: fit, and move the source rows.""",
    pooled=False,
    contenders=(Contender(REFERENCE, "our-monge"), Contender("POT", "pot-monge")),
    problems=tuple(_linear(n, d) for d in (50, 200) for n in (1000, 10_000, 100_000)),
    quick=tuple(_linear(n, d) for d in (10, 50) for n in (300, 1000, 3000)),
    judge=judge_monge,
    columns={
        "before": "before",
        "distance": "covariances",
        "means": "means",
        "excess": "excess move",
    },
    check=("distance", 1e-10),
    notes="""\
Covariances as in the page on CORAL. Means: largest difference of an entry. Excess move: mean square
of the moves as a share above the least possible between these moments.""",
)

CASES = {case.name: case for case in (TCA_CASE, KMM_CASE, CORAL_CASE, MONGE_CASE, *RATIO_CASES)}
