"""Target shift: bases against the dense smoother, weights against an exact solver."""

import numpy as np
import pytest
from scipy.optimize import minimize

from skransfer.kernels import kernel_operator, kernel_sums
from skransfer.solvers.target_shift import class_basis, smooth_basis, target_shift_weights


def rbf(a, b, gamma=1.0):
    return np.exp(-gamma * ((a[:, None] - b[None]) ** 2).sum(axis=-1))


def smoother(L, ridge):
    """L (L + lambda n I)^-1, the dense reference."""
    return np.linalg.solve(L + ridge * len(L) * np.eye(len(L)), L)


@pytest.mark.parametrize("ridge", [1e-3, 0.1])
def test_class_basis_is_that_of_the_delta_kernel(ridge):
    codes = np.random.RandomState(0).randint(3, size=40)
    V, shares = class_basis(codes, ridge)
    L = (codes[:, None] == codes).astype(float)
    np.testing.assert_allclose(V * shares @ V.T, smoother(L, ridge), atol=1e-12)


@pytest.mark.parametrize(("ridge", "n_outputs"), [(1e-3, 1), (0.1, 1), (1e-2, 2)])
def test_smooth_basis_is_that_of_the_gaussian_kernel(ridge, n_outputs):
    labels = np.random.RandomState(0).normal(size=(60, n_outputs))
    V, shares = smooth_basis(labels, 0.7, ridge)
    np.testing.assert_allclose(V.T @ V, np.eye(len(shares)), atol=1e-7)
    np.testing.assert_allclose(
        V * shares @ V.T, smoother(rbf(labels, labels, 0.7), ridge), atol=1e-7
    )


def test_smooth_basis_of_many_labels_needs_few_of_them():
    labels = np.random.RandomState(0).normal(size=(600, 1))
    V, shares = smooth_basis(labels, 1.0, 1e-2)
    exact = smoother(rbf(labels, labels), 1e-2)
    np.testing.assert_allclose(V * shares @ V.T, exact, atol=3e-6)
    assert V.shape[1] < 40


@pytest.mark.parametrize("kind", ["classes", "numbers"])
@pytest.mark.parametrize("alpha", [0.5, 5.0])
def test_weights_solve_the_program(kind, alpha):
    rng = np.random.RandomState(1)
    n, ridge, upper, epsilon = 30, 1e-2, 2.5, 0.1
    y = np.sort(rng.normal(size=n)) if kind == "numbers" else np.repeat([0.0, 1.0, 2.0], 10)
    source = np.c_[y, y**2] + 0.3 * rng.normal(size=(n, 2))
    target = source[-12:] + 0.1 * rng.normal(size=(12, 2))
    if kind == "numbers":
        basis, L = smooth_basis(y[:, None], 1.0, ridge), rbf(y[:, None], y[:, None])
    else:
        basis, L = class_basis(y.astype(int), ridge), (y[:, None] == y).astype(float)
    weights, info = target_shift_weights(
        kernel_operator(source),
        kernel_sums(source, target) / 12,
        kernel_sums(target).mean() / 12,
        basis,
        max_weight=upper,
        epsilon=epsilon,
        alpha=alpha,
        tol=1e-10,
    )
    assert info["converged"]
    S = smoother(L, ridge)
    Q, q = S @ rbf(source, source) @ S + alpha * np.eye(n), n * S @ rbf(source, target).mean(axis=1)

    def objective(w):
        return 0.5 * w @ Q @ w - q @ w

    exact = minimize(
        objective,
        np.ones(n),
        jac=lambda w: Q @ w - q,
        bounds=[(0, upper)] * n,
        constraints=[
            {"type": "ineq", "fun": lambda w: n * (1 + epsilon) - w.sum()},
            {"type": "ineq", "fun": lambda w: w.sum() - n * (1 - epsilon)},
        ],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert objective(weights) <= exact.fun + 1e-7 * abs(exact.fun)
    np.testing.assert_allclose(weights, exact.x, atol=2e-3)
    # The discrepancy reported is that of the mixture of conditional means.
    mixture = S @ weights / n
    mmd2 = (
        mixture @ rbf(source, source) @ mixture
        - 2 * mixture @ rbf(source, target).mean(axis=1)
        + rbf(target, target).mean()
    )
    assert info["mmd2_after"] == pytest.approx(mmd2, abs=1e-9)


def test_exact_mixture_gives_the_ratio_of_priors():
    rng = np.random.RandomState(0)
    parts = [rng.normal(mean, size=(50, 2)) for mean in (0.0, 3.0)]
    source, codes = np.concatenate(parts), np.repeat([0, 1], 50)
    target = np.concatenate([parts[0], *[parts[1]] * 3])  # shares 1/4 and 3/4 of the same rows
    weights, info = target_shift_weights(
        kernel_operator(source),
        kernel_sums(source, target) / 200,
        kernel_sums(target).mean() / 200,
        class_basis(codes),
        max_weight=10.0,
        epsilon=0.5,
    )
    np.testing.assert_allclose(weights, np.repeat([0.5, 1.5], 50), rtol=1e-3)
    assert info["rank"] == 2
