"""Weights on the simplex against the enumeration of all supports, projections and planted ones."""

import itertools

import numpy as np
import pytest

from skransfer.solvers.simplex import simplex_least_squares


def _enumerated(A, b, constraint):
    """Least objective over all supports whose unconstrained solution is feasible."""
    k = A.shape[1]
    best = np.inf if constraint == "simplex" else b @ b
    for size in range(1, k + 1):
        for support in map(list, itertools.combinations(range(k), size)):
            part = A[:, support]
            if constraint == "simplex":  # eliminate the last weight
                free = part[:, :-1] - part[:, -1:]
                w = np.linalg.lstsq(free, b - part[:, -1], rcond=None)[0]
                w = np.append(w, 1.0 - w.sum())
            else:
                w = np.linalg.lstsq(part, b, rcond=None)[0]
            if (w >= -1e-12).all():
                best = min(best, float(np.sum((part @ w - b) ** 2)))
    return best


def _problem(seed, n, k, *, shift=0.0):
    rng = np.random.RandomState(seed)
    A = rng.normal(size=(n, k)) + rng.normal(size=(n, 1))
    return A, A @ rng.normal(size=k) + rng.normal(size=n) + shift


@pytest.mark.parametrize("constraint", ["simplex", "nonneg"])
@pytest.mark.parametrize("n", [1, 3, 5, 40])
@pytest.mark.parametrize("seed", range(6))
def test_least_over_all_supports(constraint, n, seed):
    A, b = _problem(seed, n, 5)
    fit = simplex_least_squares(A, b, constraint=constraint)
    scale = b @ b
    assert (fit.weights >= 0.0).all()
    if constraint == "simplex":
        assert abs(fit.weights.sum() - 1.0) < 1e-14
    assert abs(fit.objective - _enumerated(A, b, constraint)) < 1e-12 * scale
    assert abs(fit.objective - np.sum((A @ fit.weights - b) ** 2)) < 1e-12 * scale
    assert fit.gap < 1e-11 * scale


@pytest.mark.parametrize("constraint", ["simplex", "nonneg"])
def test_the_gap_tells_a_large_problem_solved(constraint):
    A, b = _problem(0, 400, 60)
    A -= A.mean(axis=1, keepdims=True)
    fit = simplex_least_squares(A, b, constraint=constraint)
    assert fit.gap < 1e-10 * (b @ b)
    assert 1 < np.count_nonzero(fit.weights) < 60
    rng = np.random.RandomState(1)
    others = rng.dirichlet(np.full(60, 0.1), size=200)
    values = np.sum((A @ others.T - b[:, None]) ** 2, axis=0)
    assert fit.objective < values.min()


def test_planted_weights_are_found():
    A, _ = _problem(3, 20, 4)
    truth = np.array([0.0, 0.3, 0.7, 0.0])
    np.testing.assert_allclose(simplex_least_squares(A, A @ truth).weights, truth, atol=1e-12)
    free = simplex_least_squares(A, A @ (5 * truth), constraint="nonneg").weights
    np.testing.assert_allclose(free, 5 * truth, atol=1e-12)


def test_the_identity_projects_onto_the_simplex():
    # The known projection: subtract one number from all, cut at zero.
    point = np.array([0.9, 0.5, -0.3, 0.4])
    expected = np.array([0.9, 0.5, 0.0, 0.4]) - np.array([0.8, 0.8, 0.0, 0.8]) / 3
    np.testing.assert_allclose(simplex_least_squares(np.eye(4), point).weights, expected)


@pytest.mark.parametrize("constraint", ["simplex", "nonneg"])
def test_equal_and_dependent_columns(constraint):
    A, b = _problem(5, 30, 3)
    many = np.column_stack([A, A, A.mean(axis=1), A[:, :1] * (1 + 1e-15)])
    plain = simplex_least_squares(A, b, constraint=constraint)
    fit = simplex_least_squares(many, b, constraint=constraint)
    assert abs(fit.objective - plain.objective) < 1e-11 * (b @ b)
    np.testing.assert_allclose(many @ fit.weights, A @ plain.weights, atol=1e-8)


def test_equal_columns_alone():
    fit = simplex_least_squares(np.full((4, 3), 2.0), np.zeros(4))
    assert fit.weights.tolist() == [1.0, 0.0, 0.0]
    fit = simplex_least_squares(np.zeros((4, 3)), np.zeros(4))
    assert fit.weights.sum() == 1.0
    assert simplex_least_squares(np.zeros((4, 2)), np.ones(4), constraint="nonneg").objective == 4.0


@pytest.mark.parametrize("constraint", ["simplex", "nonneg"])
def test_integer_weights_are_repetitions(constraint):
    A, b = _problem(7, 12, 4)
    s = np.arange(12) % 3
    weighted = simplex_least_squares(A, b, constraint=constraint, sample_weight=s)
    repeated = simplex_least_squares(np.repeat(A, s, 0), np.repeat(b, s), constraint=constraint)
    np.testing.assert_allclose(weighted.weights, repeated.weights, atol=1e-10)


@pytest.mark.parametrize("factor", [1e-150, 1e-8, 1e8, 1e150])
def test_units_do_not_matter(factor):
    A, b = _problem(8, 12, 4)
    plain = simplex_least_squares(A, b).weights
    np.testing.assert_allclose(simplex_least_squares(A * factor, b * factor).weights, plain)
    free = simplex_least_squares(A, b, constraint="nonneg").weights
    columns = factor ** np.array([0.0, 1.0, 0.5, 0.0])
    scaled = simplex_least_squares(A * columns, b, constraint="nonneg").weights
    np.testing.assert_allclose(scaled * columns, free, atol=1e-12)


@pytest.mark.parametrize(
    ("A", "b", "options"),
    [
        (np.zeros((3, 0)), np.zeros(3), {}),
        (np.zeros((3, 2)), np.zeros(2), {}),
        (np.zeros(3), np.zeros(3), {}),
        (np.full((3, 2), np.nan), np.zeros(3), {}),
        (np.zeros((3, 2)), np.full(3, np.inf), {}),
        (np.zeros((3, 2)), np.zeros(3), {"constraint": "l2"}),
    ],
)
def test_errors(A, b, options):
    with pytest.raises(ValueError, match=r"A|constraint"):
        simplex_least_squares(A, b, **options)
