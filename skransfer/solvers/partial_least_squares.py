"""Axes of rows along which they vary with a response: partial least squares."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import check_memory
from skransfer.solvers.subspace import PrincipalAxes

__all__ = ["response_axes"]

Array = NDArray[np.float64]

# Covariance left, as a share of the first, below which nothing but rounding is left.
_EMPTY = 1e-10


def response_axes(X: Any, Y: Array, n_components: int) -> PrincipalAxes:
    r"""Weight vectors of partial least squares, Wold's PLS2 of responses on rows.

    Each axis has the greatest covariance with the responses, of what the scores of the axes
    before it do not explain:

    .. math:: \max_{\lVert w \rVert = 1} \lVert Y^\top X_a w \rVert, \qquad
        X_{a+1} = X_a - t t^\top X_a / t^\top t, \quad t = X_a w.

    The weights come out orthonormal. Rows are deflated through the d x q covariance alone, so
    sparse rows stay sparse: O(n d k) time.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
    Y : ndarray of shape (n, q)
        Responses; for classes their indicators.
    n_components : int
        Number of axes, or fewer if no covariance is left.

    Returns
    -------
    PrincipalAxes
        Variances are those of the rows along the axes.

    Raises
    ------
    ValueError
        If no feature varies with a response.
    MemoryError
        If the centered rows cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.partial_least_squares import response_axes
    >>> X = np.array([[0.0, 9.0], [1.0, -9.0], [0.0, -9.0], [1.0, 9.0]])
    >>> response_axes(X, X[:, :1], 1).directions.T  # the second varies more, but not with Y
    array([[1., 0.]])
    """
    n, d = X.shape
    mean = np.asarray(X.mean(axis=0, dtype=np.float64)).ravel()
    if not sp.issparse(X):
        check_memory(
            2 * 8 * n * d, f"Centering {n} rows of {d} features", ["use fewer rows or features"]
        )
    rows = X.astype(np.float64) if sp.issparse(X) else X - mean
    shift = mean if sp.issparse(X) else np.zeros(d)
    Y = Y - Y.mean(axis=0)
    left = np.asarray(rows.T @ Y) - np.outer(shift, Y.sum(axis=0))
    # What rounding makes of features or responses that do not vary together.
    size = np.sqrt(float(np.square(np.asarray(rows @ np.ones(d))).sum() + n * (mean @ mean)))
    most = max(_EMPTY * np.linalg.norm(left), 1e-14 * size * np.linalg.norm(Y))
    W, P, T = np.zeros((d, 0)), np.zeros((d, 0)), np.zeros((n, 0))
    while W.shape[1] < min(n_components, d) and np.linalg.norm(left) > most:
        w = left @ np.linalg.eigh(left.T @ left)[1][:, -1]
        w -= W @ (W.T @ w)
        w /= np.linalg.norm(w)
        t = rows @ w - shift @ w - T @ (P.T @ w)
        squares = float(t @ t)
        p = (np.asarray(rows.T @ t) - shift * t.sum()) / squares
        left = left - np.outer(p, t @ Y)
        W, P, T = (np.column_stack(pair) for pair in ((W, w), (P, p), (T, t)))
    if not W.shape[1]:
        raise ValueError("No feature varies with the labels: they give no subspace.")
    scores = np.asarray(rows @ W) - shift @ W
    return PrincipalAxes(mean, np.square(scores).sum(axis=0) / (n - 1), W)
