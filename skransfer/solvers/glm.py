"""Biased logistic regression: the log-loss, with coefficients pulled towards a source model.

``min_{W, b} sum_i s_i l(y_i, W x_i + b) + tr((W - W_s) P (W - W_s)') / (2 C)``

(Chelba & Acero, EMNLP 2004, for maximum entropy models.) `C` is scikit-learn's: ``W_s = 0`` is its
`LogisticRegression`. The intercept is neither penalized nor pulled. A weight means what it says:
integer weights equal repeated rows, zero weights equal removed rows.
"""

from typing import Any, Literal

import numpy as np
from scipy.special import expit

from skransfer.solvers._glm_classes import (
    ChosenC,
    LinearFit,
    as_fit,
    check_grid,
    class_task,
    edge_of,
)
from skransfer.solvers._glm_losses import logit_proba
from skransfer.solvers._glm_task import deleted_logits, first_least


def fit_logistic(
    X: Any,
    codes: np.ndarray,
    n_classes: int,
    C: float = 1.0,
    *,
    source_coef: np.ndarray | None = None,
    source_intercept: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
    tol: float = 1e-12,
    max_iter: int = 1000,
    solver: Literal["auto", "newton", "lbfgs"] = "auto",
) -> LinearFit:
    """Minimize the biased logistic loss.

    The change ``W - W_s`` is what is computed, with the source's logits as offset; for n < p it is
    computed in the span of the rows. Newton's method up to 600 parameters, else L-BFGS finished by
    Newton-CG: the log-loss is flat to working precision long before its gradient is small.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n, p)
        Rows. Sparse `X` is not densified.
    codes : ndarray of int of shape (n,)
        Classes as 0, ..., `n_classes` - 1. A class without rows gets an intercept as low as `tol`
        asks for.
    n_classes : int
        Number of classes, at least 2.
    C : float, default=1.0
        Inverse strength of the pull, in (0, inf]. Towards 0: the source's coefficients with a new
        intercept. On separable rows large `C` gives large, finite coefficients; at infinity they
        are those at which the gradient falls below `tol`.
    source_coef : ndarray of shape (K, p), default=None
        ``W_s``, K = 1 for two classes; None is 0. See `expand_binary`.
    source_intercept : ndarray of shape (K,), default=None
        Where the intercept starts; None is 0. For K > 1 its sum is kept, as adding a number to all
        logits changes nothing; otherwise it does not influence the solution.
    sample_weight : ndarray of shape (n,), default=None
        Weights ``s_i >= 0``; None is 1 each.
    fit_intercept : bool, default=True
        Fit ``b``; else it is 0.
    precision : ndarray of shape (p,) or (p, p), default=None
        ``P``, positive definite: None is the identity, a vector its diagonal. With sparse `X` a
        full matrix is refused.
    tol : float, default=1e-12
        Bound on each gradient entry, relative to ``sqrt(sum_i s_i)`` times the root of the largest
        curvature of its column, ``sqrt(sum_i s_i x_ij^2 / 4 + 1 / C)``.
    max_iter : int, default=1000
        Limit on the iterations of all stages together.
    solver : {"auto", "newton", "lbfgs"}, default="auto"
        Force one of the two ways.

    Returns
    -------
    fit : LinearFit
        The solution; look at `converged`.

    Raises
    ------
    ValueError
        If shapes disagree, `codes` are not 0..n_classes-1, a weight is negative or not finite, all
        weights are zero, `precision` is not definite, or `C` is not positive.

    Notes
    -----
    Newton: O(n p^2 K^2) per iteration, 5 to 10 of them as a rule. L-BFGS: O(nnz K).

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.glm import fit_logistic
    >>> X, codes = np.array([[-1.0], [1.0], [-1.0], [1.0]]), np.array([0, 1, 1, 0])
    >>> fit_logistic(X, codes, 2, 1e-9, source_coef=np.array([[3.0]])).coef.round(6)
    array([[3.]])
    """
    task = class_task(
        X, codes, n_classes, source_coef, source_intercept, sample_weight, fit_intercept, precision
    )
    return as_fit([task], [task.minimize(C, tol, max_iter, solver=solver)], C, tol)


def loo_logits(
    X: Any,
    codes: np.ndarray,
    n_classes: int,
    C: float = 1.0,
    *,
    source_coef: np.ndarray | None = None,
    source_intercept: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
    tol: float = 1e-12,
    max_iter: int = 1000,
) -> tuple[np.ndarray, float]:
    """Approximate the logits of each row by the model fitted without it, from one fit.

    One Newton step from the full solution on the loss without ``m = min(1, s_i)`` units of row i
    (approximate leave-one-out, Rad & Maleki, JRSS B 2020). With ``U_i = J_i H^-1 J_i'`` (K x K),
    ``J_i = I (x) (x_i', 1)``, the curvature ``A_i`` of the row's loss and its slope ``p_i - y_i``,

    ``eta_i + U_i (I - m A_i U_i)^-1 m (p_i - y_i)``.

    One step falls short of the refit where a row matters much: losses are a little too small for
    large `C` and few rows.

    Parameters
    ----------
    X, codes, n_classes, C, source_coef, source_intercept, sample_weight, fit_intercept, \
precision, tol, max_iter
        As in `fit_logistic`.

    Returns
    -------
    logits : ndarray of shape (n, K)
        Corrected logits; of a row of zero weight, the logits of the fit. Of a row that alone stands
        for its class: corrected with the intercepts held, as without it that of its class would
        fall without bound, for every `C`.
    loss : float
        Their weighted mean log-loss.

    Raises
    ------
    ValueError
        As `fit_logistic`; and if more than 4000 parameters remain after the reduction to the span
        of the rows.

    Notes
    -----
    O(n r^2 K^2 + (r K)^3), r = min(n, p) + 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.glm import loo_logits
    >>> X, codes = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> logits, loss = loo_logits(X, codes, 2)
    >>> logits.shape, round(loss, 2)
    ((4, 1), 0.45)
    """
    task = class_task(
        X, codes, n_classes, source_coef, source_intercept, sample_weight, fit_intercept, precision
    )
    task.check_size()
    found = task.minimize(C, tol, max_iter)
    coef, intercept = task.coefficients(found.theta)
    logits = np.asarray(task.X @ coef.T) + intercept
    corrected = deleted_logits(task.problem, found.theta, C, task.classes)
    logits[task.kept] = corrected
    return logits, task.mean_loss(corrected)


def choose_C(
    X: Any,
    codes: np.ndarray,
    n_classes: int,
    Cs: np.ndarray | None = None,
    *,
    source_coef: np.ndarray | None = None,
    source_intercept: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
    tol: float = 1e-12,
    max_iter: int = 1000,
) -> ChosenC:
    """Choose `C` by approximate leave-one-out log-loss, each fit started from the one before.

    Parameters
    ----------
    X, codes, n_classes, source_coef, source_intercept, sample_weight, fit_intercept, precision, \
tol, max_iter
        As in `fit_logistic`.
    Cs : ndarray of shape (m,), default=None
        Grid; None is ``logspace(-4, 3, 15)``.

    Returns
    -------
    chosen : ChosenC
        The best `C`, all losses and the fit.

    Raises
    ------
    ValueError
        As `loo_logits`.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.glm import choose_C
    >>> X, codes = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 1, 0, 1])
    >>> chosen = choose_C(X, codes, 2, source_coef=np.array([[0.4]]))
    >>> len(chosen.losses), bool(chosen.losses.min() == chosen.losses[0])
    (15, True)
    """
    task = class_task(
        X, codes, n_classes, source_coef, source_intercept, sample_weight, fit_intercept, precision
    )
    task.check_size()
    grid = check_grid(Cs)
    found, losses = [], []
    start = task.start
    for C in grid:
        found.append(task.minimize(float(C), tol, max_iter, start))
        start = found[-1].theta
        losses.append(task.held_out_loss(start, float(C)))
    loss = np.array(losses)
    best = first_least(loss)
    fit = as_fit([task], [found[best]], float(grid[best]), tol)
    return ChosenC(fit.C, grid, loss, fit, edge_of(best, len(grid)))


def expand_binary(coef: np.ndarray, intercept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write a binary model (one row) as the equal two-class one: ``(-w/2, +w/2)``.

    Parameters
    ----------
    coef : ndarray of shape (1, p)
        Coefficients of class 1.
    intercept : ndarray of shape (1,)
        Intercept of class 1.

    Returns
    -------
    coef, intercept : ndarray of shape (2, p), (2,)
        Softmax of these logits gives the same probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.glm import expand_binary
    >>> expand_binary(np.array([[2.0]]), np.array([1.0]))
    (array([[-1.], [ 1.]]), array([-0.5, 0.5]))
    """
    half = np.array([-0.5, 0.5])
    return half[:, None] * np.asarray(coef), half * np.asarray(intercept)


def class_proba(logits: np.ndarray) -> np.ndarray:
    """Return class probabilities, shape (n, n_classes), from logits (n, 1) or (n, K).

    Parameters
    ----------
    logits : ndarray of shape (n, K)
        One column is the logit of class 1.

    Returns
    -------
    proba : ndarray of shape (n, n_classes)
        Rows sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.glm import class_proba
    >>> class_proba(np.array([[0.0]]))
    array([[0.5, 0.5]])
    """
    eta = np.asarray(logits, dtype=np.float64)
    return np.c_[expit(-eta), expit(eta)] if eta.shape[1] == 1 else logit_proba(eta)
