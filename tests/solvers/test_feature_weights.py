"""Weights of f-MMD against the kernel itself, other solvers and weak duality."""

import numpy as np
import pytest
from scipy import optimize, sparse
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.preprocessing import StandardScaler

from skransfer.solvers.feature_weights import maximize_over_weights, mmd_feature_weights


@pytest.fixture(params=["continuous", "sparse counts"])
def domains(request):
    rng = np.random.RandomState(0)
    if request.param == "sparse counts":
        return rng.poisson(0.4, size=(37, 4)) * 1.0, rng.poisson(0.7, size=(23, 4)) * 1.0
    return rng.normal(size=(37, 4)), rng.normal(0.4, 1.5, size=(23, 4))


def _standardized(source, target):
    """Centered and scaled over both domains, each with half of the mass."""
    shares = np.r_[np.full(len(source), 1 / len(source)), np.full(len(target), 1 / len(target))]
    scaler = StandardScaler().fit(np.vstack([source, target]), sample_weight=shares)
    return scaler.transform(source), scaler.transform(target)


def _discrepancy(source, target, weights, degree):
    """Squared maximum mean discrepancy of the kernel itself."""
    X = np.vstack([source, target]) * np.sqrt(weights)
    contrast = np.r_[np.full(len(source), 1 / len(source)), np.full(len(target), -1 / len(target))]
    return contrast @ polynomial_kernel(X, degree=degree, gamma=1, coef0=1) @ contrast


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("degree", [1, 2])
def test_no_weights_give_a_larger_discrepancy(domains, degree, container):
    rows = _standardized(*domains)
    weights = mmd_feature_weights(*map(container, domains), degree)
    assert weights.min() >= 0
    assert np.linalg.norm(weights) == pytest.approx(1)
    best = _discrepancy(*rows, weights, degree)
    rng = np.random.RandomState(0)
    for start in rng.uniform(size=(10, 4)):
        found = optimize.minimize(
            lambda w: -_discrepancy(*rows, w, degree),
            start / np.linalg.norm(start),
            bounds=[(0, 1)] * 4,
            constraints={"type": "ineq", "fun": lambda w: 1 - w @ w},
            method="SLSQP",
        )
        assert -found.fun <= best * (1 + 1e-5)
    np.testing.assert_allclose(-found.fun, best, rtol=1e-4)


def _problems():
    rng = np.random.RandomState(0)
    Q = rng.uniform(size=(6, 6))
    Q = Q + Q.T
    yield "dense", Q, rng.uniform(size=6)
    yield "no linear part", Q, np.zeros(6)
    yield "no quadratic part", np.zeros((6, 6)), rng.uniform(size=6)
    blocks = np.zeros((6, 6))
    blocks[:3, :3] = Q[:3, :3]
    low = np.r_[np.zeros(3), 0.1 * rng.uniform(size=3)]
    yield "the linear part misses the leading block", blocks, low
    yield "and is long", blocks, 100 * low
    yield "nearly misses it", blocks, low + np.r_[1e-9, np.zeros(5)]
    yield "tiny", 1e-30 * Q, 1e-30 * rng.uniform(size=6)
    yield "equal blocks", np.kron(np.eye(2), Q[:3, :3]), np.zeros(6)


@pytest.mark.parametrize(
    ("Q", "b"), [pair for _, *pair in _problems()], ids=[name for name, *_ in _problems()]
)
def test_the_maximum_is_certified(Q, b):
    weights = maximize_over_weights(Q, b)
    assert weights.min() >= 0
    assert np.linalg.norm(weights) == pytest.approx(1, abs=1e-12)
    # Weak duality: for every multiplier m > the largest eigenvalue, m + b'(m - Q)^-1 b bounds the
    # objective over the whole ball. The least bound meets the value that was found.
    top = np.linalg.eigvalsh(Q)[-1]
    scale = max(Q.max(), b.max())

    def bound(log_gap):
        multiplier = top + scale * np.exp(log_gap)
        return multiplier + b @ np.linalg.solve(multiplier * np.eye(6) - Q, b)

    least = optimize.minimize_scalar(bound, bounds=(-30, 8), method="bounded").fun
    value = weights @ Q @ weights + 2 * b @ weights
    assert value <= least * (1 + 1e-9)
    assert value >= least * (1 - 1e-7)


def test_constant_features_do_not_differ_by_rounding():
    # 0.1 added up 7 and 11 times gives means that are not equal.
    X = np.full((18, 3), 0.1)
    X[7:, 1] = 0.3  # one value in each
    X[:, 2] = np.arange(18)
    for degree in (1, 2):
        for container in (np.asarray, sparse.csr_matrix):
            weights = mmd_feature_weights(container(X[:7]), container(X[7:]), degree)
            assert weights[0] == 0
            assert weights[1] > 0.7


def test_features_that_are_alike_get_equal_weights():
    Q = np.kron(np.eye(2), np.array([[1.0, 0.5], [0.5, 1.0]]))
    np.testing.assert_allclose(maximize_over_weights(Q, np.zeros(4)), np.full(4, 0.5))
    np.testing.assert_array_equal(maximize_over_weights(np.zeros((2, 2)), np.zeros(2)), [0, 0])


def test_equal_domains_give_no_weight():
    rows = np.random.RandomState(0).normal(size=(30, 3))
    for degree in (1, 2):
        np.testing.assert_array_equal(mmd_feature_weights(rows, rows, degree), np.zeros(3))


@pytest.mark.parametrize("degree", [1, 2])
def test_equal_domains_in_another_order_differ_by_rounding_which_counts_as_nothing(degree):
    rng = np.random.default_rng(0)
    X = rng.normal(loc=(0.0, 1.0, 100.0, -3.0), size=(200, 4))
    weights = mmd_feature_weights(X, X[rng.permutation(200)], degree)
    np.testing.assert_array_equal(weights, np.zeros(4))


def test_degree_two_sees_what_degree_one_does_not():
    rng = np.random.RandomState(0)
    source, target = rng.normal(size=(500, 4)), rng.normal(size=(500, 4))
    target[:, 1] = 0.9 * target[:, 0] + 0.4 * target[:, 1]  # correlation alone
    seen = mmd_feature_weights(source, target)
    assert seen[:2].min() > 10 * seen[2:].max()
    blind = mmd_feature_weights(source, target, degree=1)
    assert blind[:2].min() < 10 * blind[2:].max()


def test_matrices_that_cannot_fit_are_refused_first():
    rows = sparse.csr_matrix((4, 10_000_000))
    with pytest.raises(MemoryError, match="degree=1"):
        mmd_feature_weights(rows, rows)
