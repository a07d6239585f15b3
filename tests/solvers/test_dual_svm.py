"""Dual SVMs against an interior point solver, LinearSVC, a certificate of its own, and limits."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.svm import LinearSVC

from skransfer.solvers import _svm_newton
from skransfer.solvers._svm_newton import proximal_newton
from skransfer.solvers._svm_problem import SVMProblem
from skransfer.solvers.dual_svm import fit_dual_svm

LOSSES = ["hinge", "squared_hinge"]


def _rows(n=40, p=4, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.geomspace(0.3, 3, p)
    signs = np.where(X @ rng.normal(size=p) + noise * rng.normal(size=n) > 0, 1.0, -1.0)
    return X, signs, rng.uniform(0.2, 3.0, size=n), 0.7 * rng.normal(size=n)


def _exact(X, signs, caps, scores, loss, scaling, direction=None, gamma=0.0):
    """The problem as the papers state it, in (w, b, slack), by an interior point solver."""
    clarabel = pytest.importorskip("clarabel")
    n, p = X.shape
    metric = np.eye(p)
    if direction is not None:
        u = direction / np.linalg.norm(direction)
        metric += gamma * (np.eye(p) - np.outer(u, u))
    squared = loss == "squared_hinge"
    P = np.zeros((p + 1 + n, p + 1 + n))
    P[:p, :p], P[p, p] = metric, scaling**-2.0
    P[p + 1 :, p + 1 :] = np.diag(2 * caps) if squared else 0.0
    q = np.concatenate([np.zeros(p + 1), np.zeros(n) if squared else caps])
    margins = np.hstack([signs[:, None] * X, signs[:, None], np.eye(n)])
    A = np.vstack([-margins, np.hstack([np.zeros((n, p + 1)), -np.eye(n)])])
    b = np.concatenate([signs * scores - 1.0, np.zeros(n)])
    if direction is not None:
        A = np.vstack([A, np.concatenate([-direction, np.zeros(n + 1)])])
        b = np.append(b, 0.0)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    cones = [clarabel.NonnegativeConeT(len(b))]
    P, A = sparse.csc_matrix(np.triu(P)), sparse.csc_matrix(A)
    solution = clarabel.DefaultSolver(P, q, A, b, cones, settings).solve()
    x = np.array(solution.x)
    return x[:p], x[p], solution.obj_val


def _objective(fit, X, signs, caps, scores, loss, scaling, direction=None, gamma=0.0):
    """The objective, written out from the fitted weights alone."""
    w, b = fit.coef, fit.intercept
    slack = np.maximum(0.0, 1.0 - signs * (scores + X @ w + b))
    value = (w @ w + (b / scaling) ** 2) / 2 + caps @ (slack**2 if loss != "hinge" else slack)
    if direction is not None:
        u = direction / np.linalg.norm(direction)
        value += gamma * (w @ w - (u @ w) ** 2) / 2
    return value


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_scores_against_an_interior_point_solver(loss, seed):
    X, signs, caps, scores = _rows(seed=seed)
    fit = fit_dual_svm(X, signs, caps, scores=scores, loss=loss, intercept_scaling=2.0, tol=1e-10)
    w, b, value = _exact(X, signs, caps, scores, loss, 2.0)
    assert fit.converged
    assert fit.primal == pytest.approx(value, rel=1e-8)
    np.testing.assert_allclose(fit.coef, w, atol=1e-6)
    assert fit.intercept == pytest.approx(b, abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("gamma", [0.0, 1.0, 100.0])
@pytest.mark.parametrize("agrees", [True, False])
def test_direction_against_an_interior_point_solver(loss, gamma, agrees):
    X, signs, caps, scores = _rows()
    scores = np.zeros_like(scores)
    plain = fit_dual_svm(X, signs, caps, loss=loss, intercept_scaling=1.0)
    direction = plain.coef + 0.3 * np.ones(4)
    direction = direction if agrees else -direction  # then the half-space is in the way
    fit = fit_dual_svm(
        X, signs, caps, loss=loss, intercept_scaling=1.0, direction=direction, gamma=gamma,
        tol=1e-10,
    )  # fmt: skip
    w, b, value = _exact(X, signs, caps, scores, loss, 1.0, direction, gamma)
    assert fit.converged
    assert fit.primal == pytest.approx(value, rel=1e-8)
    np.testing.assert_allclose(fit.coef, w, atol=1e-6)
    assert fit.intercept == pytest.approx(b, abs=1e-6)
    cosine = fit.coef @ direction / np.linalg.norm(fit.coef) / np.linalg.norm(direction)
    if agrees:
        assert cosine > 0.1
    else:
        assert abs(cosine) < 1e-10  # an angle of exactly 90 degrees


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("with_direction", [False, True])
@pytest.mark.parametrize("max_iter", [1, 5, 1000])
def test_the_certificate_holds(loss, with_direction, max_iter):
    X, signs, caps, scores = _rows(n=80)
    direction, gamma = (np.arange(1.0, 5.0), 3.0) if with_direction else (None, 0.0)
    args = {"direction": direction, "gamma": gamma}
    fit = fit_dual_svm(
        X, signs, caps, scores=scores, loss=loss, intercept_scaling=1.5, max_iter=max_iter,
        tol=1e-9, **args,
    )  # fmt: skip
    value = _objective(fit, X, signs, caps, scores, loss, 1.5, **args)
    least = _exact(X, signs, caps, scores, loss, 1.5, **args)[2]
    assert fit.primal == pytest.approx(value, rel=1e-10)
    assert value - least <= fit.gap + 1e-8 * value
    assert fit.n_iter <= max_iter
    # The bound from the multipliers alone, by weak duality.
    alpha = signs * fit.dual
    assert alpha.min() >= 0.0
    if loss == "hinge":
        assert (alpha <= caps).all()
    v = X.T @ fit.dual
    if with_direction:
        u = direction / np.linalg.norm(direction)
        v = v + max(0.0, -u @ v) * u
        v = np.append(v / np.sqrt(1 + gamma), np.sqrt(gamma / (1 + gamma)) * (u @ v))
    bound = fit.dual @ (signs - scores) - (v @ v + (1.5 * fit.dual.sum()) ** 2) / 2
    if loss != "hinge":
        bound -= (alpha**2 / caps).sum() / 4
    assert fit.gap == pytest.approx(value - bound, rel=1e-6, abs=1e-10 * value)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scaling", [None, 1.0, 5.0])
def test_without_a_source_it_is_linear_svc(loss, scaling):
    X, signs, _, _ = _rows(n=60)
    fit = fit_dual_svm(X, signs, np.full(60, 0.3), loss=loss, intercept_scaling=scaling, tol=1e-10)
    plain = LinearSVC(
        loss=loss, C=0.3, dual=True, tol=1e-9, max_iter=10**6, random_state=0,
        fit_intercept=scaling is not None, intercept_scaling=scaling or 1.0,
    ).fit(X, signs)  # fmt: skip
    np.testing.assert_allclose(fit.coef, plain.coef_[0], atol=1e-6)
    np.testing.assert_allclose(fit.intercept, plain.intercept_, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("newton", [True, False])
def test_containers_and_ways_agree(each_engine, loss, newton, monkeypatch):
    X, signs, caps, scores = _rows(noise=0.2)
    X[np.abs(X) < 0.4] = 0.0
    arguments = {"scores": scores, "loss": loss, "intercept_scaling": 1.0, "direction": np.ones(4)}
    reference = fit_dual_svm(X, signs, caps, tol=1e-11, **arguments)
    if not newton:
        monkeypatch.setattr(_svm_newton, "_LARGEST", 0)
    repeated = sparse.csr_array(sparse.coo_array(np.tile(X / 2, 2)))
    repeated.indices, repeated._shape = repeated.indices % 4, X.shape
    repeated.has_canonical_format = False
    single = X.astype(np.float32)
    for rows in (np.asfortranarray(X), sparse.csr_array(X), sparse.csr_matrix(X), repeated):
        fit = fit_dual_svm(rows, signs, caps, tol=1e-9, random_state=3, **arguments)
        assert fit.converged
        np.testing.assert_allclose(fit.coef, reference.coef, atol=1e-5)
    fits = [
        fit_dual_svm(rows, signs, caps, tol=1e-9, **arguments)
        for rows in (single, sparse.csr_array(single), single.astype(float))
    ]
    np.testing.assert_allclose(fits[0].coef, fits[2].coef, atol=1e-6)
    np.testing.assert_allclose(fits[1].coef, fits[2].coef, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [(300, 5), (30, 90)])
@pytest.mark.parametrize("anti", [False, True])
def test_newton_alone_finds_the_solution(loss, shape, anti):
    X, signs, caps, _ = _rows(*shape, noise=3.0)
    u = (-1 if anti else 1) * X.T @ signs
    u /= np.linalg.norm(u)
    problem = SVMProblem(
        X=X, extra=np.sqrt(0.75) * (X @ u)[:, None], scale=0.25, direction=u, root=np.sqrt(0.75),
        signs=signs, caps=100 * caps, target=signs, squared=loss != "hinge",
    )  # fmt: skip
    start = problem.point(np.zeros(len(signs)))
    for rows in (X, sparse.csr_array(X)):
        object.__setattr__(problem, "X", rows)
        point = proximal_newton(problem, start, 1e-7)
        assert point.gap <= 1e-7 * point.primal
    assert (start.dual == 0.0).all()


def test_newton_gives_up_where_its_systems_are_large(monkeypatch):
    monkeypatch.setattr(_svm_newton, "_LARGEST", 2)
    X, signs, caps, _ = _rows()
    problem = SVMProblem(
        X=X, extra=np.empty((40, 0)), scale=1.0, direction=None, root=0.0,
        signs=signs, caps=caps, target=signs, squared=True,
    )  # fmt: skip
    start = problem.point(np.zeros(40))
    assert proximal_newton(problem, start, 1e-9) is start


def test_large_cost_and_unequal_scales_converge():
    X, signs, _, _ = _rows(n=500, p=6, noise=5.0)
    X = X * np.geomspace(1e-3, 1e3, 6)
    for loss in LOSSES:
        fit = fit_dual_svm(X, signs, np.full(500, 100.0), loss=loss, intercept_scaling=1.0)
        assert fit.converged
        assert fit.n_iter < 100


def test_a_heavier_penalty_turns_the_weights_into_the_direction():
    X, signs, caps, _ = _rows()
    unit = X.T @ signs / np.linalg.norm(X.T @ signs)
    across, cosine = [], 0.0
    for gamma in (0.0, 1.0, 10.0, 1e3, 1e8):
        w = fit_dual_svm(X, signs, caps, direction=3 * unit, gamma=gamma, tol=1e-10).coef
        across.append(np.linalg.norm(w - (w @ unit) * unit))
        cosine = w @ unit / np.linalg.norm(w)
    assert (np.diff(across) < 0).all()
    assert cosine > 1 - 1e-10


def test_rows_of_zeros_and_satisfied_margins():
    X, signs = np.zeros((4, 2)), np.array([1.0, -1.0, 1.0, -1.0])
    fit = fit_dual_svm(X, signs, np.ones(4))
    assert fit.converged
    np.testing.assert_array_equal(fit.coef, 0.0)
    assert fit.primal == 4.0
    done = fit_dual_svm(X + 1.0, signs, np.ones(4), scores=1.5 * signs)
    assert (done.primal, done.gap, done.n_iter, done.converged) == (0.0, 0.0, 0, True)


def test_the_seed_decides():
    X, signs, caps, _ = _rows()
    fits = [fit_dual_svm(X, signs, caps, max_iter=1, random_state=seed) for seed in (None, 0, 1)]
    assert not fits[0].converged
    np.testing.assert_array_equal(fits[0].dual, fits[1].dual)
    assert (fits[1].dual != fits[2].dual).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"caps": np.zeros(40)}, "cap"),
        ({"signs": np.arange(40.0)}, "sign"),
        ({"loss": "logistic"}, "loss"),
        ({"direction": np.zeros(4)}, "direction"),
    ],
)
def test_bad_arguments(change, message):
    X, signs, caps, _ = _rows()
    arguments = {"X": X, "signs": signs, "caps": caps, **change}
    with pytest.raises(ValueError, match=message):
        fit_dual_svm(**arguments)
