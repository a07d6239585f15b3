"""Kernel mean matching: MMD^2 units, limits, and the certificate."""

import numpy as np
import pytest

from skransfer.kernels import (
    DenseOperator,
    LowRankOperator,
    backend_of,
    canonical_order,
    kernel_operator,
    kernel_sums,
    to_host,
)
from skransfer.solvers.kmm import kmm_weights
from skransfer.solvers.qp import QPResult, frank_wolfe_gap, objective


def _domains(n_s=200, n_t=150, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_s, d)), rng.normal(size=(n_t, d)) * 0.7 + 0.4


def _solve(source, target, *, dtype=None, form="auto", knobs=None, **kernel):
    op = kernel_operator(source, dtype=dtype, form=form, **kernel)
    means = kernel_sums(source, target, **kernel) / target.shape[0]
    own = to_host(kernel_sums(target, **kernel)).mean() / target.shape[0]
    return kmm_weights(op, means, own, **knobs or {})


def _on_device(*arrays):
    strict = pytest.importorskip("array_api_strict")
    return [strict.asarray(x, device=strict.Device("device1")) for x in arrays]


def _mmd2(source, target, w, **kernel):
    """The definition, entry by entry."""
    n, m = len(source), len(target)
    K = [
        kernel_operator(a, b, **kernel).to_dense()
        for a, b in ((source, source), (source, target), (target, target))
    ]
    return w @ K[0] @ w / n**2 - 2 * w @ K[1].sum(axis=1) / (n * m) + K[2].sum() / m**2


@pytest.mark.parametrize(
    "kernel",
    [
        {"gamma": 0.3},
        {"gamma": 0.01},
        {"gamma": 5.0},
        {"kernel": "linear"},
        {"kernel": "poly", "gamma": 0.2, "degree": 2},
        {"kernel": "laplacian", "gamma": 0.3},
    ],
)
def test_numbers_are_what_they_say(kernel, each_engine):
    source, target = _domains()
    weights, info = _solve(source, target, **kernel)
    n = len(source)
    before, after = (_mmd2(source, target, w, **kernel) for w in (np.ones(n), weights))
    np.testing.assert_allclose(info["mmd2_before"], before, atol=1e-12 * (1 + before))
    np.testing.assert_allclose(info["mmd2_after"], after, atol=1e-11 * (1 + before))
    assert info["converged"]
    width = max(1.0, kernel_operator(source, **kernel).diagonal().mean())
    assert info["gap"] <= info["gap_tol"] == pytest.approx(min(1e-6 * width, 1e-4 * before))
    assert after < before
    epsilon = (np.sqrt(n) - 1) / np.sqrt(n)
    assert (weights >= 0).all()
    assert (weights <= 1000).all()
    assert n * (1 - epsilon) - 1e-6 <= weights.sum() <= n * (1 + epsilon) + 1e-6


def test_no_weights_beat_the_certificate():
    source, target = _domains(80, 80)
    knobs = {"max_weight": 3.0, "epsilon": 0.2}
    weights, info = _solve(source, target, gamma=0.3, knobs=knobs)
    rng = np.random.default_rng(0)
    for _ in range(300):
        other = rng.exponential(size=80) ** rng.uniform(0.2, 3)
        other *= 80 * rng.uniform(0.8, 1.2) / other.sum()
        if other.max() <= 3:
            assert _mmd2(source, target, other, gamma=0.3) > info["mmd2_after"] - info["gap"]
    assert weights.max() <= 3.0
    assert 64 - 1e-9 <= weights.sum() <= 96 + 1e-9


@pytest.mark.parametrize("gamma", [1e-8, 1e-4, 0.3, 30.0])
def test_equal_domains_get_exactly_one(gamma):
    source, _ = _domains()
    weights, info = _solve(source, source, gamma=gamma)
    np.testing.assert_array_equal(weights, 1.0)
    assert info["converged"]
    assert info["n_iter"] == 0


@pytest.mark.parametrize("gamma", [1e-2, 1e-4, 1e-6])
def test_wide_kernels_do_not_accept_the_start(gamma, each_engine):
    """An absolute tolerance of 1e-6 would: MMD^2(1) is below it already."""
    source, target = _domains()
    weights, info = _solve(source, target, gamma=gamma)
    assert info["converged"]
    assert info["mmd2_after"] < 1e-2 * info["mmd2_before"]
    # The mean, all that a wide kernel sees, is matched.
    apart = np.linalg.norm(weights @ source / weights.sum() - target.mean(axis=0))
    assert apart < 0.1 * np.linalg.norm(source.mean(axis=0) - target.mean(axis=0))


def test_one_dimension_with_a_known_answer():
    # Two source points, a target at one of them: all the weight goes there.
    weights, _ = _solve(
        np.array([[0.0], [5.0]]), np.array([[5.0], [5.0]]), gamma=1.0, knobs={"epsilon": 0.0}
    )
    np.testing.assert_allclose(weights, [0, 2], atol=1e-4)
    # A discrete source: weights are the ratio of the frequencies.
    source, target = (
        np.repeat([[0.0], [9.0]], [60, 40], axis=0),
        np.repeat([[0.0], [9.0]], [30, 70], axis=0),
    )
    groups = canonical_order(source)[1]
    weights, _ = _solve(source, target, gamma=1.0, knobs={"groups": groups, "tol": 1e-12})
    np.testing.assert_allclose(weights[:60], 0.5, atol=1e-3)
    np.testing.assert_allclose(weights[60:], 1.75, atol=1e-3)


def test_equal_rows_share_their_weight():
    source, target = _domains(120, 100)
    source[60:] = source[:60]
    groups = canonical_order(source)[1]
    plain, plain_info = _solve(source, target, gamma=0.3)
    shared, info = _solve(source, target, gamma=0.3, knobs={"groups": groups})
    np.testing.assert_array_equal(shared[:60], shared[60:])
    np.testing.assert_allclose(shared[:60] + shared[60:], plain[:60] + plain[60:], atol=1e-12)
    np.testing.assert_allclose(
        _mmd2(source, target, shared, gamma=0.3), plain_info["mmd2_after"], atol=1e-12
    )
    assert info == plain_info


def test_tolerance_is_absolute_and_at_most_a_share_of_what_was_there():
    source, target = _domains()
    for tol, share in ((1e-2, 1e-2), (1e-9, None)):
        _, info = _solve(source, target, gamma=0.3, knobs={"tol": tol})
        expected = tol if share is None else share * info["mmd2_before"]
        assert info["gap_tol"] == pytest.approx(expected)
        assert info["gap"] <= info["gap_tol"]


def test_single_precision_has_a_coarser_floor():
    source, target = (a.astype(np.float32) for a in _domains())
    _, single = _solve(source, target, gamma=0.1)
    _, double = _solve(source, target, gamma=0.1, dtype=np.float64)
    assert single["gap_tol"] == 1e-6
    assert double["gap_tol"] <= 1e-6
    assert single["mmd2_after"] == pytest.approx(double["mmd2_after"], abs=2e-6)


def test_small_samples_and_small_bounds(each_engine):
    weights, _ = _solve(np.array([[0.0]]), np.array([[3.0]]))
    np.testing.assert_allclose(weights, [1.0])
    source, target = _domains(30, 10)
    weights, info = _solve(source, target, gamma=0.3, knobs={"max_weight": 0.9, "epsilon": 0.5})
    assert info["converged"]
    assert weights.max() <= 0.9
    weights, _ = _solve(source, target, gamma=0.3, knobs={"max_weight": 1.0, "epsilon": 0.0})
    np.testing.assert_allclose(weights, 1.0)


def test_a_limit_on_steps_is_reported():
    source, target = _domains()
    _, info = _solve(source, target, gamma=0.1, knobs={"max_iter": 2})
    assert info["n_iter"] == 2
    assert not info["converged"]
    assert info["gap"] > info["gap_tol"]


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"max_weight": 0.5, "epsilon": 0.1}, r"max_weight=0\.5 and epsilon=0\.1.*at least 0\.9"),
        ({"max_weight": 0.0}, r"max_weight=0\.0"),
        ({"epsilon": -0.1}, r"epsilon=-0\.1"),
    ],
)
def test_errors_name_the_argument(knobs, message):
    with pytest.raises(ValueError, match=message):
        _solve(*_domains(20, 20), knobs=knobs)


def test_certificate_can_be_checked_by_hand():
    source, target = _domains(100, 90)
    weights, info = _solve(source, target, gamma=0.3)
    K = kernel_operator(source, gamma=0.3).to_dense()
    kappa = 100 / 90 * kernel_operator(source, target, gamma=0.3).to_dense().sum(axis=1)
    gap = 2 / 100**2 * frank_wolfe_gap(weights, K @ weights - kappa, 1000.0, 10.0, 190.0)
    np.testing.assert_allclose(info["gap"], gap, rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize("gamma", [0.01, 0.3])
def test_canonical_order_makes_weights_independent_of_row_order(gamma):
    """A smooth kernel hardly fixes single weights; in canonical order they agree all the same."""

    def solve(source, target):
        order, groups = canonical_order(source)
        rows, aims = source[order], target[canonical_order(target)[0]]
        weights = np.empty(len(source))
        weights[order], _ = _solve(rows, aims, gamma=gamma, knobs={"groups": groups[order]})
        return weights

    source, target = _domains()
    source[7], target[3] = source[8], target[4]
    expected = solve(source, target)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(source))
        np.testing.assert_allclose(
            solve(source[order], target[::-1]), expected[order], rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("gamma", [0.01, 0.3, 5.0])
@pytest.mark.parametrize(
    ("upper", "epsilon", "alpha"), [(1000.0, 0.9, 0.0), (3.0, 0.05, 0.0), (10.0, 0.0, 0.1)]
)
def test_on_a_device_another_solver_ends_as_near_to_the_optimum(
    dtype, gamma, upper, epsilon, alpha
):
    rows = [a.astype(dtype) for a in _domains(100, 80)]
    knobs = {"max_weight": upper, "epsilon": epsilon, "alpha": alpha}
    there = _on_device(*rows)
    expected, host = _solve(*rows, gamma=gamma, knobs=knobs)
    weights, info = _solve(*there, gamma=gamma, knobs=knobs)
    assert backend_of(weights) == backend_of(there[0])
    weights = to_host(weights)
    # The constraints hold, and the numbers are those of the definition, in double precision.
    assert (weights >= 0).all()
    assert (weights <= upper).all()
    assert 100 * (1 - epsilon) - 1e-10 <= weights.sum() <= 100 * (1 + epsilon) + 1e-10
    rounding = 1e-13 if dtype == np.float64 else 1e-6
    source, target = (a.astype(np.float64) for a in rows)
    after = _mmd2(source, target, weights, gamma=gamma)
    np.testing.assert_allclose(info["mmd2_after"], after, atol=rounding)
    K = kernel_operator(source, gamma=gamma).to_dense() + alpha * np.eye(100)
    gradient = K @ weights - 100 / 80 * kernel_sums(source, target, gamma=gamma)
    bounds = (upper, 100 * (1 - epsilon), 100 * (1 + epsilon))
    gap = 2 / 100**2 * frank_wolfe_gap(weights, gradient, *bounds)
    np.testing.assert_allclose(info["gap"], gap, atol=4 * rounding)
    # The same rule stops both solvers, at values that differ by less than what they certify.
    for name in ("gap_tol", "mmd2_before"):
        np.testing.assert_allclose(info[name], host[name], rtol=1e-9, atol=rounding)
    assert info["converged"]
    assert 0 < info["n_iter"] < 30
    ours, theirs = (
        found["mmd2_after"] + alpha * w @ w / 100**2
        for w, found in ((weights, info), (expected, host))
    )
    assert abs(ours - theirs) <= max(info["gap"], host["gap"]) + rounding


def test_a_matrix_that_is_not_held_is_computed_on_a_device():
    there = _on_device(*_domains(100, 80))
    weights, info = _solve(*there, gamma=0.3)
    other, tiled = _solve(*there, gamma=0.3, form="tiled")
    assert (info["kernel_form"], tiled["kernel_form"]) == ("dense", "tiled")
    np.testing.assert_allclose(to_host(other), to_host(weights), rtol=1e-6, atol=1e-8)


def _low_rank(features, goal, delta=None, **knobs):
    op = LowRankOperator(features, delta)
    return kmm_weights(op, op.embed(goal[:, None])[:, 0], 1.0, **knobs)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("delta", [None, 0.01])
def test_low_rank_kernels_on_a_device(dtype, delta):
    source, target = _domains(120, 90)
    features = np.c_[source, source**2, np.ones(120)].astype(dtype)
    goal = np.c_[target, target**2, np.ones(90)].mean(axis=0)
    delta = None if delta is None else np.full(120, delta)
    _, host = _low_rank(features, goal, delta)
    weights, info = _low_rank(*_on_device(features, goal), delta)
    assert info["kernel_form"] == "low-rank"
    assert info["converged"]
    assert abs(info["mmd2_after"] - host["mmd2_after"]) <= info["gap_tol"] + host["gap_tol"]
    wide, weights = features.astype(np.float64), to_host(weights) / 120
    off = weights @ wide - goal
    expected = off @ off + (1 - goal @ goal) + (0 if delta is None else 0.01 * weights @ weights)
    rounding = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(info["mmd2_after"], expected, atol=rounding)


def test_equal_rows_and_equal_domains_on_a_device():
    source, target = _domains(80, 60)
    source[40:] = source[:40]
    groups = canonical_order(source)[1]
    there = _on_device(source, target)
    weights, info = _solve(*there, gamma=0.3, knobs={"groups": groups})
    plain, plain_info = _solve(*there, gamma=0.3)
    assert backend_of(weights) == backend_of(there[0])
    weights, plain = to_host(weights), to_host(plain)
    assert info == plain_info
    np.testing.assert_array_equal(weights[:40], weights[40:])
    np.testing.assert_allclose(weights[:40] * 2, plain[:40] + plain[40:], rtol=1e-12)
    ones, info = _solve(there[0], there[0], gamma=0.3, knobs={"groups": groups})
    np.testing.assert_array_equal(to_host(ones), 1.0)
    assert info["n_iter"] == 0


def test_a_limit_on_steps_is_kept_on_a_device():
    _, info = _solve(*_on_device(*_domains(80, 60)), gamma=0.1, knobs={"max_iter": 2})
    assert info["n_iter"] == 2
    assert not info["converged"]
    assert info["gap"] > info["gap_tol"]


@pytest.mark.parametrize("seed", range(4))
def test_indefinite_matrices_end_no_worse_than_they_began(seed):
    rng = np.random.default_rng(seed)
    A, means = rng.normal(size=(40, 40)), rng.normal(size=40)
    A -= 6 * (seed % 2) * np.eye(40)
    for K, cross in ((A + A.T, means), _on_device(A + A.T, means)):
        weights, info = kmm_weights(DenseOperator(K, symmetric=True), cross, 1.0)
        weights = to_host(weights)
        value = weights @ (A + A.T) @ weights / 40**2 - 2 * weights @ means / 40 + 1.0
        np.testing.assert_allclose(info["mmd2_after"], value, rtol=1e-9)
        assert info["mmd2_after"] <= info["mmd2_before"]
        assert (weights >= 0).all()
        assert weights.max() <= 1000


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cupy_ends_as_near_to_the_optimum(cupy, dtype):
    source, target = (a.astype(dtype) for a in _domains(100, 80))
    there = [cupy.asarray(rows) for rows in (source, target)]
    groups = np.arange(100) // 2
    pairs = [
        (_solve(*rows, gamma=0.3, knobs={"groups": groups}) for rows in ((source, target), there)),
        (_low_rank(rows[0], rows[1].mean(axis=0)) for rows in ((source, target), there)),
    ]
    for (_, host), (weights, info) in pairs:
        assert isinstance(weights, cupy.ndarray)
        assert info["converged"]
        assert abs(info["mmd2_after"] - host["mmd2_after"]) <= info["gap_tol"] + host["gap_tol"]


def _creeping(n=80):
    """One dimension: hundreds of thousands of steps on pairs leave a gap of 1e-6."""
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(n, 1)), rng.normal(0.5, 1.0, size=(n, 1))
    means = kernel_sums(source, target, gamma=0.5) / n
    of_target = float(kernel_sums(target, gamma=0.5).mean()) / n
    return kernel_operator(source, gamma=0.5), means, of_target


def test_interior_points_finish_where_steps_on_pairs_creep(monkeypatch):
    problem = _creeping()
    weights, info = kmm_weights(*problem, tol=1e-10)
    assert info["converged"]
    assert info["gap"] <= info["gap_tol"] <= 1e-10
    assert 0 <= weights.min() <= weights.max() <= 1000

    def full(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr("skransfer.solvers.kmm.working_interior_qp", full)
    _, alone = kmm_weights(*problem, tol=1e-10)
    assert not alone["converged"]

    def stationary(op, kappa, **options):  # as of an indefinite kernel
        x = np.ones(len(kappa))
        gradient = op @ x - kappa
        return QPResult(x, gradient, objective(x, gradient, kappa), 0.0, 1, True)

    monkeypatch.setattr("skransfer.solvers.kmm.working_interior_qp", stationary)
    assert not kmm_weights(*problem, tol=1e-10)[1]["converged"]
    assert alone["mmd2_after"] > info["mmd2_after"]
