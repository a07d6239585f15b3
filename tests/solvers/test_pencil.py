"""Transfer components against the dense generalized eigenproblem that defines them."""

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from sklearn.decomposition import KernelPCA

from skransfer.kernels import DenseOperator, LowRankOperator, kernel_operator, to_host
from skransfer.solvers import _krylov_pencil, pencil
from skransfer.solvers.pencil import ComponentSolver, transfer_components


def dense_transfer_components(K, contrast, alpha, k, penalty=None):
    """Leading eigenpairs of (KHK, KLK + alpha G), literally."""
    n = len(K)
    H = np.eye(n) - 1 / n
    E = np.atleast_2d(contrast.T).T
    G = np.eye(n) if penalty is None else np.diag(penalty)
    w, V = scipy.linalg.eigh(
        K @ H @ K.copy(), K @ E @ E.T @ K.copy() + alpha * G, subset_by_index=[n - k, n - 1]
    )
    return w[::-1], V[:, ::-1]


def _domains(n, d, seed=0):
    rng = np.random.default_rng(seed)
    n_s = n // 2
    X = np.r_[rng.normal(size=(n_s, d)), rng.normal(size=(n - n_s, d)) * 0.8 + 0.4]
    X[1] = X[0]
    contrast = np.r_[np.full(n_s, 1 / n_s), np.full(n - n_s, -1 / (n - n_s))]
    return X, contrast


@pytest.fixture
def always_iterate(monkeypatch):
    monkeypatch.setattr(pencil, "_DENSE_ROWS", 0)


PROBLEMS = {
    "rbf": (10, {"gamma": 0.1}, 1.0, 10),
    "smooth": (4, {"gamma": 0.02}, 1.0, 8),
    "narrow": (10, {"gamma": 2.0}, 1.0, 6),
    "small alpha": (10, {"gamma": 0.1}, 1e-4, 10),
    "large alpha": (10, {"gamma": 0.1}, 1e4, 10),
    "laplacian": (6, {"kernel": "laplacian", "gamma": 0.1}, 1.0, 10),
    "poly": (5, {"kernel": "poly", "gamma": 0.2, "degree": 2}, 1.0, 10),
    "linear": (12, {"kernel": "linear"}, 1.0, 8),
    "sigmoid": (5, {"kernel": "sigmoid", "gamma": 0.05}, 1.0, 4),
}


@pytest.mark.parametrize("n", [60, 640])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_equals_the_dense_definition(problem, n, each_engine):
    d, options, alpha, k = PROBLEMS[problem]
    X, contrast = _domains(n, d)
    op = kernel_operator(X, **options)
    found = transfer_components(op, contrast, alpha, k, random_state=0)
    values, V = dense_transfer_components(op.to_dense(), contrast, alpha, k)
    assert found.form == ("dense" if n == 60 else "krylov")
    assert found.converged
    assert found.residual < 1e-7
    assert found.W.shape == (n, k)
    np.testing.assert_allclose(found.values, values, rtol=1e-6, atol=1e-14 * values[0])
    angle = scipy.linalg.subspace_angles(found.embedding, op @ V).max()
    assert angle < 1e-6
    np.testing.assert_allclose(found.embedding, op @ found.W, atol=1e-10 * values[0])


@pytest.mark.parametrize("form", ["dense", "krylov"])
def test_constraint_and_objective_hold(form, monkeypatch):
    monkeypatch.setattr(pencil, "_DENSE_ROWS", 10**9 if form == "dense" else 0)
    X, contrast = _domains(300, 6)
    op = kernel_operator(X, gamma=0.1)
    found = transfer_components(op, contrast, 0.5, 7, random_state=0)
    assert found.info == {
        "form": form,
        "n_passes": found.n_passes,
        "residual": found.residual,
        "converged": True,
    }
    K = op.to_dense()
    u = K @ contrast
    constraint = found.W.T @ (np.outer(u, u) + 0.5 * np.eye(300)) @ found.W
    np.testing.assert_allclose(constraint, np.eye(7), atol=1e-11)
    Z = found.embedding - found.embedding.mean(axis=0)
    np.testing.assert_allclose(Z.T @ Z, np.diag(found.values), atol=1e-9 * found.values[0])
    assert (np.diff(found.values) < 0).all()


def test_several_contrasts(always_iterate):
    X, _ = _domains(300, 6)
    E = np.random.default_rng(0).normal(size=(300, 4))
    E[:, 2] = 0
    op = kernel_operator(X, gamma=0.1)
    found = transfer_components(op, E, 0.3, 6, random_state=0)
    values, V = dense_transfer_components(op.to_dense(), E, 0.3, 6)
    np.testing.assert_allclose(found.values, values, rtol=1e-9)
    assert scipy.linalg.subspace_angles(found.embedding, op @ V).max() < 1e-6


def test_small_components_are_not_lost_in_the_square():
    """The dense pencil squares K and loses these; longer arithmetic does not."""
    X = np.linspace(-1, 1, 700)[:, None] ** 3
    contrast = np.r_[np.full(350, 1 / 350), np.full(350, -1 / 350)]
    op = kernel_operator(X, gamma=0.5)
    iterated = transfer_components(op, contrast, 1.0, 9, random_state=0)
    K = op.to_dense().astype(np.longdouble)
    u = K @ contrast.astype(np.longdouble)
    centered = K - K.mean(axis=0)
    lengths = np.linalg.svd(
        np.asarray(
            centered - np.outer(centered @ u / (u @ u), u) * (1 - np.sqrt(1 / (1 + u @ u))),
            dtype=float,
        ),
        compute_uv=False,
    )
    assert iterated.form == "krylov"
    assert iterated.values[8] < 1e-17 * iterated.values[0]
    np.testing.assert_allclose(np.sqrt(iterated.values), lengths[:9], rtol=1e-4)


@pytest.mark.parametrize("n", [100, 700])
def test_null_directions_are_dropped(n):
    X, contrast = _domains(n, 5)
    X[:, 2] = 4.0  # constant: its direction has no scatter
    for dtype in (np.float64, np.float32):
        op = kernel_operator(X.astype(dtype), kernel="linear")
        found = transfer_components(op, contrast, 1.0, 20, random_state=0)
        values, _ = dense_transfer_components(X @ X.copy().T, contrast, 1.0, 4)
        assert found.W.shape == (n, 4)
        assert found.embedding.shape == (n, 4)
        np.testing.assert_allclose(found.values, values, rtol=1e-5)


def test_more_components_than_rows():
    X, contrast = _domains(30, 8)
    found = transfer_components(kernel_operator(X, gamma=0.3), contrast, 1.0, 100)
    # Rows 0 and 1 are equal, and centering takes one more dimension.
    assert found.W.shape[1] == 28


def test_equal_rows_leave_nothing():
    op = kernel_operator(np.full((40, 3), 1 / 3))
    with pytest.raises(ValueError, match=r"no difference.*gamma"):
        transfer_components(op, np.zeros(40), 1.0, 2)


@pytest.mark.parametrize("n", [80, 650])
def test_one_domain_is_kernel_pca_of_a_centered_kernel(n):
    X, _ = _domains(n, 6)
    K = kernel_operator(X, gamma=0.1).to_dense()
    K = K - K.mean(axis=0)
    K = K - K.mean(axis=1, keepdims=True)
    op = DenseOperator((K + K.T) / 2, symmetric=True)
    found = transfer_components(op, np.zeros(n), 2.0, 5, random_state=0)
    expected = KernelPCA(5, kernel="precomputed").fit(op.to_dense())
    np.testing.assert_allclose(found.values, expected.eigenvalues_**2 / 2.0, rtol=1e-9)
    ours = found.embedding / np.sqrt(expected.eigenvalues_ / 2.0)
    theirs = expected.transform(op.to_dense())
    signs = np.sign((ours * theirs).sum(axis=0))
    np.testing.assert_allclose(ours * signs, theirs, atol=1e-7)


def test_large_alpha_ignores_the_domains():
    X, contrast = _domains(200, 6)
    op = kernel_operator(X, gamma=0.1)
    found = transfer_components(op, contrast, 1e9, 5)
    free = transfer_components(op, np.zeros(200), 1e9, 5)
    np.testing.assert_allclose(found.values, free.values, rtol=1e-6)


def test_small_alpha_makes_the_means_equal():
    X, contrast = _domains(200, 6)
    op = kernel_operator(X, gamma=0.1)
    apart = [
        np.abs(contrast @ f.embedding).max() / f.embedding.std()
        for f in (transfer_components(op, contrast, a, 5) for a in (1e4, 1e-8))
    ]
    assert apart[1] < 1e-4 * apart[0]


@pytest.mark.parametrize("n", [150, 700])
def test_row_order_carries_no_information(n):
    X, contrast = _domains(n, 6)
    first = transfer_components(kernel_operator(X, gamma=0.1), contrast, 1.0, 8, random_state=0)
    order = np.random.default_rng(5).permutation(n)
    again = transfer_components(
        kernel_operator(X[order], gamma=0.1), contrast[order], 1.0, 8, random_state=0
    )
    scale = np.abs(first.embedding).max()
    np.testing.assert_allclose(again.embedding, first.embedding[order], atol=1e-6 * scale)
    np.testing.assert_allclose(again.values, first.values, rtol=1e-9)


def test_signs_follow_the_values_alone():
    rng = np.random.default_rng(0)
    skewed = rng.exponential(size=200)
    shifted = np.r_[np.linspace(-1, 1, 200)] + 3
    even = np.linspace(-1, 1, 200)
    Z = np.column_stack([skewed, -skewed, shifted, -shifted, even, -even])
    assert pencil.odd_signs(Z)[:4].tolist() == [1, -1, 1, -1]
    assert set(pencil.odd_signs(Z)[4:]) <= {1.0, -1.0}
    order = rng.permutation(200)
    np.testing.assert_array_equal(pencil.odd_signs(Z[order])[:4], pencil.odd_signs(Z)[:4])


@pytest.mark.parametrize("n", [200, 700])
def test_single_precision_agrees_with_double(n):
    X, contrast = _domains(n, 6)
    X = X.astype(np.float32)
    single = transfer_components(kernel_operator(X, gamma=0.1), contrast, 1.0, 8, random_state=0)
    double = transfer_components(
        kernel_operator(X, gamma=0.1, dtype=np.float64), contrast, 1.0, 8, random_state=0
    )
    np.testing.assert_allclose(single.values, double.values, rtol=1e-6)
    scale = np.abs(double.embedding).max()
    np.testing.assert_allclose(single.embedding, double.embedding, atol=1e-5 * scale)


def test_hard_spectra_end(always_iterate, monkeypatch):
    # No gap anywhere: the identity, and a spectrum that decays like 1/j^(1/4).
    contrast = _domains(300, 2)[1]
    eye = transfer_components(DenseOperator(np.eye(300), symmetric=True), contrast, 1.0, 5)
    np.testing.assert_allclose(eye.values, 1.0, rtol=1e-9)
    Q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(300, 300)))
    K = (Q * np.arange(1.0, 301) ** -0.25) @ Q.T
    op = DenseOperator((K + K.T) / 2, symmetric=True)
    values, _ = dense_transfer_components(op.to_dense(), contrast, 1.0, 5)
    found = transfer_components(op, contrast, 1.0, 5, random_state=0)
    assert found.converged
    np.testing.assert_allclose(found.values, values, rtol=1e-8)
    monkeypatch.setattr(_krylov_pencil, "_MAX_PASSES", 2)
    short = transfer_components(op, contrast, 1.0, 5, random_state=0)
    assert not short.converged
    assert short.residual > 1e-3


def test_verbose_speaks(always_iterate, capsys):
    X, contrast = _domains(100, 3)
    op = kernel_operator(X, gamma=0.1)
    found = transfer_components(op, contrast, 1.0, 3, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == found.n_passes - 1
    assert lines[0].startswith("pass 1: captured scatter")
    transfer_components(op, contrast, 1.0, 3)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 0.0}, "alpha=0.0"),
        ({"alpha": -1.0}, "alpha=-1.0"),
        ({"n_components": 0}, "n_components=0"),
        ({"contrast": np.zeros(4)}, "contrast has 4 rows and the kernel matrix 6"),
        ({"op": DenseOperator(np.ones((6, 5)), symmetric=False)}, "not symmetric"),
    ],
)
def test_errors_name_the_argument(change, message):
    X, contrast = _domains(6, 2)
    arguments = {"op": kernel_operator(X), "contrast": contrast, "alpha": 1.0, "n_components": 2}
    with pytest.raises(ValueError, match=message):
        transfer_components(**{**arguments, **change})


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_three_thousand_rows(dtype):
    X, contrast = _domains(3000, 10)
    op = kernel_operator(X.astype(dtype), gamma=0.1)
    found = transfer_components(op, contrast, 1.0, 20, random_state=0)
    K = kernel_operator(X, gamma=0.1).to_dense()
    values, V = dense_transfer_components(K, contrast, 1.0, 20)
    np.testing.assert_allclose(found.values, values, rtol=1e-6)
    assert scipy.linalg.subspace_angles(found.embedding, K @ V).max() < 1e-5


@pytest.mark.parametrize("n", [60, 700])
def test_features_with_a_diagonal_are_not_taken_for_features_alone(n):
    X, contrast = _domains(n, 4)
    delta = np.random.default_rng(0).uniform(0.5, 2.0, size=n)
    op = LowRankOperator(X, delta)
    whole = DenseOperator(X @ X.T + np.diag(delta), symmetric=True)
    ours, expected = (transfer_components(o, contrast, 1.0, 3) for o in (op, whole))
    np.testing.assert_allclose(ours.values, expected.values, rtol=1e-8)
    assert ours.directions is None
    alone = transfer_components(LowRankOperator(X), contrast, 1.0, 3)
    assert alone.form == "low-rank"
    assert not np.allclose(alone.values, expected.values, rtol=1e-3)


def _class_contrasts(contrast, labels):
    """The contrast of the domains, and that of the domains within each class."""
    columns = [contrast]
    for label in np.unique(labels):
        inside = np.where(labels == label, contrast, 0)
        for side in (inside > 0, inside < 0):
            inside[side] /= np.abs(inside[side].sum())
        columns.append(inside)
    return np.column_stack(columns)


FORMS = {
    "dense": (90, {"gamma": 0.2}),
    "krylov": (400, {"gamma": 0.2}),
    "narrow": (400, {"gamma": 2.0}),
    "low-rank": (400, {"kernel": "linear"}),
}


def _assert_solves(found, K, E, alpha, k, penalty=None):
    values, V = dense_transfer_components(K, E, alpha, k, penalty)
    assert found.converged
    np.testing.assert_allclose(found.values, values, rtol=1e-8)
    assert scipy.linalg.subspace_angles(found.embedding, K @ V).max() < 1e-6
    np.testing.assert_allclose(found.embedding, K @ found.W, atol=1e-9 * values[0] ** 0.5)
    U, G = K @ E, np.ones(len(K)) if penalty is None else penalty
    constraint = found.W.T @ (U @ (U.T @ found.W) + alpha * G[:, None] * found.W)
    np.testing.assert_allclose(constraint, np.eye(k), atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_each_of_a_sequence_equals_the_dense_definition(form):
    n, options = FORMS[form]
    X, contrast = _domains(n, 8)
    op = kernel_operator(X, **options)
    if form == "low-rank":
        op = LowRankOperator(X)
    K, rng, k = op.to_dense(), np.random.default_rng(0), 5
    solver = ComponentSolver(op, 0.5, k, tol=1e-8, random_state=0, repeated=True)
    labels = rng.integers(4, size=n)
    for _ in range(5):
        E = _class_contrasts(contrast, labels)
        found = solver.solve(E)
        assert found.form == form.replace("narrow", "krylov")
        _assert_solves(found, K, E, 0.5, k)
        labels[rng.choice(n, n // 10, replace=False)] = rng.integers(4)
    first = solver.solve(contrast)
    cold = transfer_components(op, contrast, 0.5, k, tol=1e-8)
    scale = np.abs(cold.embedding).max()
    np.testing.assert_allclose(first.embedding, cold.embedding, atol=1e-6 * scale)


def test_a_later_problem_takes_fewer_passes():
    X, contrast = _domains(800, 8)
    rng, op = np.random.default_rng(0), kernel_operator(X, gamma=0.1)
    solver = ComponentSolver(op, 1.0, 10, random_state=0, repeated=True)
    labels, passes = rng.integers(4, size=800), []
    for _ in range(5):
        passes.append(solver.solve(_class_contrasts(contrast, labels)).n_passes)
        labels[rng.choice(800, 40, replace=False)] = rng.integers(4)
    assert max(passes[1:]) < passes[0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", ["plain", "penalized"])
def test_a_diagonal_penalty(form, first):
    n, options = FORMS[form]
    X, contrast = _domains(n, 8)
    op = LowRankOperator(X) if form == "low-rank" else kernel_operator(X, **options)
    K, rng, k = op.to_dense(), np.random.default_rng(0), 5
    solver = ComponentSolver(op, 0.5, k, tol=1e-8, random_state=0, repeated=True)
    if first == "plain":
        solver.solve(contrast)
    G = np.exp(rng.normal(size=n))
    for spread in (0.1, 1.0, 3.0):
        _assert_solves(solver.solve(contrast, G**spread), K, contrast[:, None], 0.5, k, G**spread)
    _assert_solves(solver.solve(contrast), K, contrast[:, None], 0.5, k)
    found = solver.solve(contrast, np.full(n, 4.0))
    _assert_solves(found, K, contrast[:, None], 2.0, k)


def test_rows_of_large_penalty_take_no_part():
    X, contrast = _domains(120, 4)
    penalty = np.where(np.arange(120) % 3, 1.0, 1e12)
    for op in (kernel_operator(X, gamma=0.3), LowRankOperator(X)):
        found = ComponentSolver(op, 1.0, 3).solve(contrast, penalty)
        rows = np.abs(found.W).max(axis=1)
        assert rows[::3].max() < 1e-9 * rows.max()


def test_sparse_features_with_a_penalty():
    X, contrast = _domains(100, 6)
    X[np.abs(X) < 0.5] = 0
    G = np.linspace(0.5, 2, 100)
    dense, sparse = (
        ComponentSolver(LowRankOperator(F), 1.0, 3).solve(contrast, G)
        for F in (X, scipy.sparse.csr_array(X))
    )
    np.testing.assert_allclose(sparse.embedding, dense.embedding, atol=1e-10)


def test_what_a_sequence_refuses():
    X, contrast = _domains(6, 2)
    solver = ComponentSolver(kernel_operator(X), 1.0, 2)
    for penalty in (np.ones(5), np.r_[np.ones(5), 0.0], np.full(6, np.inf)):
        with pytest.raises(ValueError, match="penalty must be 6 positive numbers"):
            solver.solve(contrast, penalty)


def test_a_search_that_does_not_converge_says_so(monkeypatch):
    X, contrast = _domains(400, 8)
    op = kernel_operator(X, gamma=2.0)
    solver = ComponentSolver(op, 0.5, 5, random_state=0, repeated=True)
    assert solver.solve(contrast).converged
    monkeypatch.setattr(_krylov_pencil, "_MAX_PASSES", 3)
    labels = np.random.default_rng(0).integers(4, size=400)
    found = solver.solve(_class_contrasts(contrast, labels))
    assert not found.converged
    assert found.residual > 1e-6


@pytest.mark.parametrize("n", [60, 20])
def test_the_primal_penalty_is_that_of_directions(n):
    X, contrast = _domains(n, 30)
    solver = ComponentSolver(LowRankOperator(X), 0.3, 4, primal=True)
    for labels in (np.arange(n) % 3, np.arange(n) % 2):
        E = _class_contrasts(contrast, labels)
        found = solver.solve(E)
        centered, means = X - X.mean(axis=0), X.T @ E
        values, V = scipy.linalg.eigh(
            centered.T @ centered.copy(),
            means @ means.T + 0.3 * np.eye(30),
            subset_by_index=[26, 29],
        )
        np.testing.assert_allclose(found.values, values[::-1], rtol=1e-10)
        assert scipy.linalg.subspace_angles(found.directions, V).max() < 1e-6
        assert found.residual < 1e-10
        np.testing.assert_allclose(X.T @ found.W, found.directions, atol=1e-10)
        np.testing.assert_allclose(X @ found.directions, found.embedding, atol=1e-10)
    with pytest.raises(ValueError, match="penalty weighs the coefficients"):
        solver.solve(contrast, np.ones(n))


def test_the_primal_penalty_needs_features():
    X, _ = _domains(60, 4)
    with pytest.raises(ValueError, match="needs features"):
        ComponentSolver(kernel_operator(X), 0.3, 4, primal=True)


def _assert_same_there(here, there, device, rtol=1e-9):
    for name in ("W", "values", "embedding"):
        expected, found = getattr(here, name), getattr(there, name)
        assert found.device == device
        np.testing.assert_allclose(
            to_host(found), expected, rtol=0, atol=rtol * np.abs(expected).max(), err_msg=name
        )
    assert all(type(value) in (str, int, float, bool) for value in there.info.values())
    facts = ("form", "n_passes", "converged")
    assert [there.info[name] for name in facts] == [here.info[name] for name in facts]


@pytest.mark.parametrize(("form", "n"), [("dense", 90), ("krylov", 300), ("low-rank", 90)])
def test_a_sequence_on_a_device(form, n):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    X, contrast = _domains(n, 5)
    there = strict.asarray(X, device=device)
    E = _class_contrasts(contrast, np.arange(n) % 3)
    penalty = np.random.default_rng(0).uniform(0.5, 2, size=n)
    solvers = [
        ComponentSolver(
            LowRankOperator(rows) if form == "low-rank" else kernel_operator(rows, gamma=0.1),
            0.5,
            4,
            random_state=0,
            repeated=True,
        )
        for rows in (X, there)
    ]
    problems = [(contrast, None), (E, None), (E, penalty), (0 * contrast, None)]
    for columns, weights in problems:
        here, found = (solver.solve(columns, weights) for solver in solvers)
        assert here.form == form
        _assert_same_there(here, found, device)
    on_device = solvers[1].solve(E, strict.asarray(penalty, device=device))
    _assert_same_there(solvers[0].solve(E, penalty), on_device, device)


def test_a_wide_space_and_the_primal_penalty_on_a_device(always_iterate):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    X, contrast = _domains(250, 8)
    there = strict.asarray(X, device=device)
    # Many passes: the leading directions are found from squares, then restored.
    options = {"tol": 1e-9, "random_state": 0}
    _assert_same_there(
        *(
            transfer_components(kernel_operator(rows, gamma=1.0), contrast, 1e-2, 2, **options)
            for rows in (X, there)
        ),
        device,
    )
    primal = (ComponentSolver(LowRankOperator(rows), 0.5, 3, primal=True) for rows in (X, there))
    _assert_same_there(*(solver.solve(contrast) for solver in primal), device)


def test_single_precision_on_a_device():
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    X, contrast = _domains(700, 5)
    there = strict.asarray(X.astype(np.float32), device=device)
    double = transfer_components(kernel_operator(X, gamma=0.1), contrast, 0.5, 4, random_state=0)
    single = transfer_components(kernel_operator(there, gamma=0.1), contrast, 0.5, 4)
    assert single.form == "krylov"
    np.testing.assert_allclose(to_host(single.values), double.values, rtol=1e-5)
    found = to_host(single.embedding)
    assert np.abs(found - double.embedding).max() < 1e-5 * np.abs(double.embedding).max()


def test_a_penalty_on_a_device_is_checked():
    strict = pytest.importorskip("array_api_strict")
    X, contrast = _domains(30, 3)
    there = strict.asarray(X, device=strict.Device("device1"))
    solver = ComponentSolver(kernel_operator(there), 1.0, 2)
    with pytest.raises(ValueError, match="penalty must be 30 positive"):
        solver.solve(contrast, 0 * there[:, 0])
    with pytest.raises(TypeError, match="cannot be used beside"):
        ComponentSolver(kernel_operator(X), 1.0, 2).solve(contrast, there[:, 0] ** 2 + 1)
