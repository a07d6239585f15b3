"""The cases: sizes in order, and verdicts that tell contenders apart."""

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.peers import cases
from benchmarks.peers.cases import CASES, REFERENCE, Problem, make_rows


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_cases_are_well_formed(case):
    for problems in (case.problems, case.quick):
        for d in {problem.d for problem in problems}:
            sizes = [problem.n for problem in problems if problem.d == d and problem.timed]
            assert len(sizes) >= 3
            assert all(small < large for small, large in pairwise(sizes))
    assert case.contenders[0].name == REFERENCE
    assert case.contenders[0].is_ours


def test_rows_have_the_moments_stated():
    Xs, Xt = make_rows(20_000, 3)
    np.testing.assert_allclose(Xs.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(Xt.mean(axis=0), 0.4, atol=0.03)
    np.testing.assert_allclose(Xt.std(axis=0), 0.8, atol=0.03)


def test_many_rows_are_judged_against_the_best(monkeypatch):
    monkeypatch.setattr(cases, "DENSE_ROWS", 10)
    Xs, Xt = make_rows(20, 3)
    problem = Problem(20, 3, {"n_components": 2, "gamma": 0.3, "alpha": 1.0})
    rng = np.random.default_rng(0)
    given = {name: {"W": rng.normal(size=(40, 2)), "source": np.zeros((20, 2))} for name in "ab"}
    facts = cases.judge_tca(problem, Xs, Xt, given)
    shortfalls = sorted(one["shortfall"] for one in facts.values())
    assert shortfalls[0] == 0 < shortfalls[1]
    assert facts["a"]["against"] == "best here"
    assert facts["a"]["embedding"] == 1  # zeros are not K W


def test_weights_beyond_the_bound_are_not_allowed():
    Xs, Xt = make_rows(30, 3)
    problem = Problem(30, 3, {"gamma": 0.3, "max_weight": 2.0, "epsilon": None})
    given = {"flat": {"weights": np.ones(30)}, "peak": {"weights": np.r_[25.0, np.zeros(29)]}}
    facts = cases.judge_kmm(problem, Xs, Xt, given)
    assert facts["flat"]["feasible"] == "yes"
    assert facts["peak"]["feasible"] == "NO"
    assert facts["flat"]["excess"] >= 0
    assert facts["flat"]["mmd2"] == pytest.approx(facts["flat"]["before"])
