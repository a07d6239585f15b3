"""Axes of rows along which they vary with a response: partial least squares."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import backend_of, check_memory
from skransfer.solvers._column_moments import column_means
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
    X : {array, CSR matrix} of shape (n, d)
    Y : ndarray of shape (n, q)
        Responses, on the host; for classes their indicators.
    n_components : int
        Number of axes, or fewer if no covariance is left.

    Returns
    -------
    PrincipalAxes
        Where X is. Variances are those of the rows along the axes.

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
    (n, d), backend = X.shape, backend_of(X)
    xp, mean = backend.xp, column_means(X)
    if not sp.issparse(X):
        check_memory(
            2 * 8 * n * d,
            f"Centering {n} rows of {d} features",
            ["use fewer rows or features"],
            backend,
        )
    rows = X.astype(np.float64) if sp.issparse(X) else X - mean
    shift = mean if sp.issparse(X) else backend.zeros(d)
    Y = backend.asarray(Y - Y.mean(axis=0))
    left = rows.T @ Y - shift[:, None] * xp.sum(Y, axis=0)
    # What rounding makes of features or responses that do not vary together.
    size = float(backend.norm(rows @ backend.ones(d)) ** 2 + n * float(mean @ mean)) ** 0.5
    most = max(_EMPTY * backend.norm(left), 1e-14 * size * backend.norm(Y))
    W, P, T = backend.zeros((d, 0)), backend.zeros((d, 0)), backend.zeros((n, 0))
    while W.shape[1] < min(n_components, d) and backend.norm(left) > most:
        w = left @ backend.eigh(left.T @ left)[1][:, -1]
        w -= W @ (W.T @ w)
        w /= backend.norm(w)
        t = rows @ w - shift @ w - T @ (P.T @ w)
        p = (rows.T @ t - shift * xp.sum(t)) / float(t @ t)
        left = left - p[:, None] * (t @ Y)
        pairs = ((W, w), (P, p), (T, t))
        W, P, T = (backend.concat([known, new[:, None]], axis=1) for known, new in pairs)
    if not W.shape[1]:
        raise ValueError("No feature varies with the labels: they give no subspace.")
    scores = rows @ W - shift @ W
    return PrincipalAxes(mean, xp.sum(scores * scores, axis=0) / (n - 1), W)
