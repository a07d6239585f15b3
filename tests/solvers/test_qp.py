"""The box-and-slab program against enumeration, linear programs and a general solver."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog, minimize
from sklearn import config_context

from skransfer.kernels import DenseOperator, backend_of, kernel_operator, to_host
from skransfer.solvers import qp
from skransfer.solvers._box_slab import sparse_start
from skransfer.solvers.qp import box_slab_qp, frank_wolfe_gap, objective, project_box_slab


def _operator(K):
    return DenseOperator((K + K.T) / 2, symmetric=True)


def _value(K, kappa, x):
    return 0.5 * x @ K @ x - kappa @ x


def _enumerated(K, kappa, upper, low, high):
    """Least value over all points that solve the equations of some active set: for tiny n."""
    n, best = len(kappa), np.inf
    for state in itertools.product((0, 1, 2), repeat=n):  # at 0, free, at the upper bound
        state = np.array(state)
        x = np.where(state == 2, upper, 0.0)
        free = np.flatnonzero(state == 1)
        right = kappa[free] - K[np.ix_(free, state == 2)] @ x[state == 2]
        for total in (None, low, high):
            A, b = K[np.ix_(free, free)], right
            if total is not None:
                one = np.ones((len(free), 1))
                A = np.block([[A, one], [one.T, np.zeros((1, 1))]])
                b = np.r_[right, total - x.sum()]
            z = np.linalg.lstsq(A, b, rcond=None)[0][: len(free)] if len(b) else np.zeros(0)
            point = x.copy()
            point[free] = z
            inside = (point >= -1e-9).all() and (point <= upper + 1e-9).all()
            if inside and low - 1e-9 <= point.sum() <= high + 1e-9:
                best = min(best, _value(K, kappa, point))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_equals_enumeration_of_all_active_sets(seed, each_engine):
    rng = np.random.default_rng(seed)
    rank = (5, 2)[seed % 2]
    A = rng.normal(size=(5, rank))
    K, kappa = A @ A.T, 3 * rng.normal(size=5)
    upper = rng.uniform(0.5, 2)
    low = rng.uniform(0, 4) * upper
    high = low if seed % 3 == 0 else rng.uniform(low, 5 * upper)
    found = box_slab_qp(_operator(K), kappa, upper=upper, low=low, high=high, gap_tol=1e-10)
    assert found.converged
    assert (found.x >= 0).all()
    assert (found.x <= upper).all()
    assert low - 1e-9 <= found.x.sum() <= high + 1e-9
    expected = _enumerated(K, kappa, upper, low, high)
    np.testing.assert_allclose(found.objective, expected, atol=1e-8)
    np.testing.assert_allclose(found.objective, _value(K, kappa, found.x), atol=1e-12)


KERNELS = {
    "rbf": {"gamma": 0.3},
    "smooth": {"gamma": 0.01},
    "linear": {"kernel": "linear"},
    "poly": {"kernel": "poly", "gamma": 0.3, "degree": 2},
    "laplacian": {"kernel": "laplacian", "gamma": 0.3},
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("upper", "low", "high"), [(5.0, 30, 50), (1.2, 40, 40), (100.0, 0, 900)])
def test_equals_a_general_solver(kernel, upper, low, high, each_engine):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(30, 3)) * 0.7 + 0.5
    op = kernel_operator(X, **KERNELS[kernel])
    K, kappa = op.to_dense(), 40 / 30 * kernel_operator(X, Y, **KERNELS[kernel]).sum(axis=1)
    found = box_slab_qp(op, kappa, upper=upper, low=low, high=high, gap_tol=1e-7)
    slab = [
        {"type": "ineq", "fun": lambda x: x.sum() - low, "jac": np.ones_like},
        {"type": "ineq", "fun": lambda x: high - x.sum(), "jac": lambda x: -np.ones_like(x)},
    ]
    start = np.full(40, (low + min(high, 40 * upper)) / 80)
    reference = minimize(
        lambda x: _value(K, kappa, x),
        start,
        jac=lambda x: K @ x - kappa,
        bounds=[(0, upper)] * 40,
        constraints=slab,
        method="SLSQP",
        options={"maxiter": 2000, "ftol": 1e-12},
    )
    assert found.converged
    scale = abs(reference.fun) + 1
    assert abs(found.objective - reference.fun) < 1e-5 * scale
    assert found.objective < reference.fun + 2e-7 + 1e-9 * scale


@pytest.mark.parametrize("seed", range(20))
def test_gap_equals_the_linear_program(seed):
    rng = np.random.default_rng(seed)
    n, upper = 12, rng.uniform(0.1, 3)
    low, high = np.sort(rng.uniform(0, 1.2 * n * upper, size=2))
    low = min(low, n * upper)
    gradient = rng.normal(size=n) + rng.normal()
    x = project_box_slab(rng.normal(size=n), upper, low, high)
    found = linprog(
        gradient, A_ub=[np.ones(n), -np.ones(n)], b_ub=[high, -low], bounds=[(0, upper)] * n
    )
    expected = gradient @ x - found.fun
    np.testing.assert_allclose(frank_wolfe_gap(x, gradient, upper, low, high), expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_projection_satisfies_its_variational_inequality(seed):
    rng = np.random.default_rng(seed)
    n, upper = 15, rng.uniform(0.1, 3)
    low, high = np.sort(rng.uniform(0, n * upper, size=2))
    low = high if seed % 4 == 0 else low
    v = rng.normal(scale=3, size=n)
    x = project_box_slab(v, upper, low, high)
    assert (x >= 0).all()
    assert (x <= upper).all()
    assert low - 1e-9 <= x.sum() <= high + 1e-9
    # x is the projection if and only if no feasible s has (v - x)'(s - x) > 0.
    assert frank_wolfe_gap(x, x - v, upper, low, high) < 1e-8


def test_corners_of_the_projection():
    np.testing.assert_allclose(project_box_slab(np.zeros(4), 1.0, 4.0, 4.0), np.ones(4))
    np.testing.assert_allclose(project_box_slab(np.full(4, 9.0), 1.0, 0.0, 0.0), np.zeros(4))
    np.testing.assert_allclose(project_box_slab(np.full(4, 9.0), 1.0, 0.0, 2.0), np.full(4, 0.5))


@pytest.mark.parametrize("kernel", ["rbf", "smooth", "linear", "poly"])
def test_hard_kernels_are_certified(kernel, each_engine):
    """Linear and polynomial kernels stall where K_ii = 1 is assumed; smooth ones creep."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(300, 5)), rng.normal(size=(300, 5)) * 0.7 + 0.5
    op = kernel_operator(X, **KERNELS[kernel])
    kappa = kernel_operator(X, Y, **KERNELS[kernel]).sum(axis=1)
    found = box_slab_qp(op, kappa, upper=10.0, low=150, high=450, gap_tol=1e-8 * 300**2)
    assert found.converged
    assert found.n_iter < 100 * 300
    exact = op @ found.x - kappa
    np.testing.assert_allclose(found.gradient, exact, rtol=0, atol=1e-9 * np.abs(kappa).max())
    assert frank_wolfe_gap(found.x, exact, 10.0, 150, 450) <= 1.001e-8 * 300**2


def test_a_drifting_gradient_cannot_fake_the_certificate(monkeypatch):
    class Liar:
        calls = 0

        def smo(self, K, diagonal, x, gradient, upper, low, high, tol, max_iter):
            self.calls += 1
            gradient[:] = 0.0  # "optimal"
            return max_iter

    liar = Liar()
    monkeypatch.setattr(qp, "engine", lambda: liar)
    monkeypatch.setattr(qp, "pivot", lambda K, kappa, x, gradient, *rest: (x, gradient))
    op = kernel_operator(np.random.default_rng(0).normal(size=(20, 2)))
    found = box_slab_qp(op, np.arange(20.0), upper=5, low=10, high=30, gap_tol=1e-6, max_iter=500)
    assert liar.calls > 1
    assert not found.converged
    assert found.gap > 1
    np.testing.assert_allclose(found.gradient, op @ found.x - np.arange(20.0), atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_an_indefinite_kernel_ends_at_a_stationary_point(seed, each_engine):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 4))
    op = kernel_operator(X, kernel="sigmoid", gamma=1.0, coef0=-0.5)
    assert np.linalg.eigvalsh(op.to_dense())[0] < -1
    kappa = rng.normal(size=60)
    found = box_slab_qp(op, kappa, upper=3.0, low=20, high=60, gap_tol=1e-8)
    assert found.converged
    start = np.zeros(60)
    start[np.argsort(-kappa)[:7]] = [3, 3, 3, 3, 3, 3, 2]
    assert found.objective < _value(op.to_dense(), kappa, start)


def test_start_is_feasible_and_sparse():
    kappa = np.array([1.0, 5.0, 3.0, 4.0])
    for upper, low, expected in (
        (10.0, 4.0, [0, 4, 0, 0]),
        (3.0, 7.0, [0, 3, 1, 3]),
        (1.0, 4.0, [1, 1, 1, 1]),
        (1.0, 0.0, [0, 0, 0, 0]),
    ):
        np.testing.assert_array_equal(sparse_start(kappa, upper, low), expected)


def test_a_given_start_is_projected_and_saves_steps():
    rng = np.random.default_rng(0)
    op = kernel_operator(rng.normal(size=(200, 3)), gamma=0.5)
    kappa, options = op.sum(axis=1) * rng.uniform(0.5, 1.5, 200), {"upper": 4.0, "low": 100}
    cold = box_slab_qp(op, kappa, high=300, gap_tol=1e-6, **options)
    warm = box_slab_qp(op, kappa, high=300, gap_tol=1e-5, init=cold.x + 1e-12, **options)
    assert warm.n_iter == 0
    assert warm.converged
    wild = box_slab_qp(op, kappa, high=300, gap_tol=1e-6, init=np.full(200, -7.0), **options)
    np.testing.assert_allclose(wild.objective, cold.objective, atol=1e-6)


def test_a_limit_on_steps_is_kept():
    rng = np.random.default_rng(0)
    op = kernel_operator(rng.normal(size=(100, 3)), gamma=0.1)
    found = box_slab_qp(op, op.sum(axis=1), upper=9, low=50, high=99, gap_tol=0, max_iter=3)
    assert found.n_iter == 3
    assert not found.converged
    assert found.gap > 0


def test_an_unreachable_tolerance_ends():
    rng = np.random.default_rng(0)
    op = kernel_operator(rng.normal(size=(60, 3)), gamma=0.1)
    found = box_slab_qp(op, op.sum(axis=1) * 1.1, upper=9, low=50, high=99, gap_tol=-1.0)
    assert not found.converged
    assert found.gap < 1e-9


def test_row_order_carries_no_information():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 8))
    kappa = rng.uniform(0.5, 1.5, size=150) * 5
    order = rng.permutation(150)
    first, again = (
        box_slab_qp(
            kernel_operator(X[o], gamma=0.5), kappa[o], upper=4.0, low=100, high=200, gap_tol=1e-10
        )
        for o in (np.arange(150), order)
    )
    np.testing.assert_allclose(again.objective, first.objective, atol=1e-9)
    np.testing.assert_allclose(again.x, first.x[order], atol=1e-4)


def test_single_precision_kernels_are_accumulated_in_double():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)).astype(np.float32)
    options = {"upper": 5.0, "low": 100, "high": 300, "gap_tol": 1e-4}
    op = kernel_operator(X, gamma=0.3)
    kappa = 1.3 * op.sum(axis=1)
    found = box_slab_qp(op, kappa, **options)
    assert found.converged
    K = op.to_dense().astype(np.float64)
    np.testing.assert_allclose(found.gradient, K @ found.x - kappa, atol=1e-10)
    wide = box_slab_qp(kernel_operator(X, gamma=0.3, dtype=np.float64), kappa, **options)
    np.testing.assert_allclose(found.objective, wide.objective, rtol=1e-6)


def test_inputs_are_not_written_to(each_engine):
    rng = np.random.default_rng(0)
    K = kernel_operator(rng.normal(size=(50, 3))).to_dense().copy()
    kappa, init = K.sum(axis=1), np.ones(50)
    for array in (K, kappa, init):
        array.flags.writeable = False
    found = box_slab_qp(
        DenseOperator(K, symmetric=True), kappa, upper=3, low=20, high=70, gap_tol=1e-6, init=init
    )
    assert found.x.flags.writeable


def test_verbose_speaks(capsys):
    op = kernel_operator(np.arange(30.0)[:, None])
    options = {"upper": 3.0, "low": 10, "high": 20, "gap_tol": 1e-9}
    box_slab_qp(op, np.arange(30.0), verbose=1, **options)
    assert "objective" in capsys.readouterr().out
    box_slab_qp(op, np.arange(30.0), **options)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"upper": 0.0}, r"upper=0\.0"),
        ({"low": -1.0}, r"low=-1\.0"),
        ({"low": 9.0, "high": 8.0}, r"low=9\.0, high=8\.0"),
        ({"upper": 0.5}, r"upper=0\.5 cannot sum to low=4\.0.*max_weight.*epsilon"),
        ({"kappa": np.ones(4)}, "fit 4 linear terms"),
        ({"op": DenseOperator(np.ones((5, 5)), symmetric=False)}, "must be symmetric"),
    ],
)
def test_errors_name_the_argument(change, message):
    arguments = {"op": kernel_operator(np.eye(5)), "kappa": np.ones(5)}
    arguments |= {"upper": 2.0, "low": 4.0, "high": 6.0, "gap_tol": 1e-6}
    with pytest.raises(ValueError, match=message):
        box_slab_qp(**{**arguments, **change})


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("memory", [0.05, 0.5])  # MiB: less than the support, and enough for it
@pytest.mark.parametrize(("upper", "slab"), [(1000.0, 0.9), (2.0, 0.0), (1.5, 0.5)])
def test_a_matrix_that_is_not_held_has_the_same_optimum(upper, slab, memory, ridge, monkeypatch):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(300, 3)), 0.7 * rng.normal(size=(200, 3)) + 0.5
    kappa = 300 * kernel_operator(X, Y, gamma=0.5).to_dense().mean(axis=1)
    constraints = {"upper": upper, "low": 300 * (1 - slab), "high": 300 * (1 + slab)}
    tol = 1e-7 * 300**2 / 2
    held = box_slab_qp(
        kernel_operator(X, gamma=0.5), kappa, gap_tol=tol, ridge=ridge, **constraints
    )
    monkeypatch.setattr("skransfer.solvers._working_set._FEWEST", 20)
    with config_context(working_memory=memory):
        op = kernel_operator(X, gamma=0.5, form="tiled")
        found = box_slab_qp(op, kappa, gap_tol=tol, ridge=ridge, **constraints)
    assert held.converged
    assert found.converged
    assert abs(found.objective - held.objective) <= tol
    assert (found.x >= 0).all()
    assert (found.x <= upper).all()
    assert constraints["low"] * (1 - 1e-9) <= found.x.sum() <= constraints["high"] * (1 + 1e-9)
    K = op.to_dense() + ridge * np.eye(300)
    np.testing.assert_allclose(found.gradient, K @ found.x - kappa, atol=1e-8 * 300)


def test_parts_speak_and_stop_at_the_limit(capsys):
    rng = np.random.default_rng(0)
    op = kernel_operator(rng.normal(size=(200, 2)), gamma=2.0, form="tiled")
    kappa = np.full(200, 3.0)
    found = box_slab_qp(
        op, kappa, upper=5.0, low=10.0, high=100.0, gap_tol=1e-12, max_iter=3, verbose=1
    )
    assert not found.converged
    assert "rows: objective" in capsys.readouterr().out


@pytest.mark.parametrize(("low", "high"), [(0.0, 5.0), (40.0, 60.0), (20.0, 20.0)])
def test_gaps_and_projections_on_a_device(low, high):
    strict = pytest.importorskip("array_api_strict")
    rng = np.random.default_rng(0)
    v, gradient, kappa = rng.normal(size=(3, 50))
    there = [strict.asarray(a, device=strict.Device("device1")) for a in (v, gradient, kappa)]
    ours, theirs = (project_box_slab(x, 1.5, low, high) for x in (v, there[0]))
    assert backend_of(theirs) == backend_of(there[0])
    np.testing.assert_allclose(to_host(theirs), ours, rtol=1e-14, atol=1e-14)
    gap = frank_wolfe_gap(theirs, there[1], 1.5, low, high)
    assert gap == pytest.approx(frank_wolfe_gap(ours, gradient, 1.5, low, high), rel=1e-12)
    value = objective(theirs, there[1], there[2])
    assert value == pytest.approx(objective(ours, gradient, kappa), rel=1e-12)


def test_pairwise_steps_are_refused_on_a_device():
    strict = pytest.importorskip("array_api_strict")
    op = kernel_operator(strict.asarray(np.ones((3, 1)), device=strict.Device("device1")))
    kappa, bounds = op.sum(axis=1), {"upper": 1.0, "low": 0.0, "high": 2.0, "gap_tol": 1e-6}
    with pytest.raises(TypeError, match=r"device1.*use interior_point_qp"):
        box_slab_qp(op, kappa, **bounds)
    with pytest.raises(TypeError, match="beside NumPy arrays"):
        box_slab_qp(_operator(np.eye(3)), kappa, **bounds)
