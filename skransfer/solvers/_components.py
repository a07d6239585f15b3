"""Pieces that problems of components share: scaled columns, a basis of features, rounding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import KernelOperator, LowRankOperator, backend_of
from skransfer.solvers.moments import DomainMoments

__all__ = ["feature_basis", "kernel_noise", "scatter_of", "unit_columns"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)


def unit_columns(columns: NDArray[Any]) -> Array:
    """Centered columns U, scaled so that the largest eigenvalue of U U' is 1.

    With such a scale, U'Z of rows Z measures the part of the scatter of Z that U explains: a
    component that is one of two domains' indicators, or a multiple of a single continuous
    feature, is explained in full, whatever the number of rows.

    Parameters
    ----------
    columns : ndarray of shape (n, m)
        Columns that are constant are dropped.

    Returns
    -------
    ndarray of shape (n, m')

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._components import unit_columns
    >>> unit_columns(np.array([[1.0], [1.0], [0.0], [0.0]])).ravel()
    array([ 0.5,  0.5, -0.5, -0.5])
    """
    columns = np.asarray(columns, dtype=np.float64)
    centered = columns - columns.mean(axis=0)
    varied = np.ptp(columns, axis=0) > 0
    centered = centered[:, varied]
    if not centered.shape[1]:
        return centered
    # First to one size: squares of tiny or huge units would leave the range of floats.
    centered /= np.abs(centered).max()
    return np.asarray(centered / np.sqrt(np.linalg.eigvalsh(centered.T @ centered)[-1]))


def feature_basis(op: LowRankOperator) -> tuple[Any, Any, Any]:
    """For K = F F': T and R with F T orthonormal and K F T = F R, and the scatter of F.

    Eigenvectors of whatever begins and ends with K lie in the span of F: with W = F T u a problem
    of n rows becomes one of as many columns as F has independent ones, exactly. O(n D^2 + D^3).

    Parameters
    ----------
    op : LowRankOperator of shape (n, n)
        Of D features, without a diagonal.

    Returns
    -------
    T, R : array of shape (D, r)
        Where the features are.
    scatter : array of shape (D, D)
        F'HF.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import LowRankOperator
    >>> from skransfer.solvers._components import feature_basis
    >>> T, R, scatter = feature_basis(LowRankOperator(np.array([[3.0], [4.0]])))
    >>> float(abs(T[0, 0])), float(abs(R[0, 0])), float(scatter[0, 0])
    (0.2, 5.0, 0.5)
    """
    backend = op.backend
    moments = DomainMoments(op.features.shape[1], backend).update(op.features)
    mean = moments.mean
    gram = moments.scatter + moments.count * (mean[:, None] * mean[None, :])
    squares, vectors = backend.eigh((gram + gram.T) / 2)
    floor = max(_EPS, op.precision**2) * squares.shape[0] * backend.largest(squares)
    kept = squares > floor
    roots, vectors = backend.xp.sqrt(backend.take(squares, kept)), backend.take(vectors, kept, 1)
    return vectors / roots, vectors * roots, moments.scatter


def scatter_of(rows: Any, gram: Any) -> Any:
    """Z'HZ of rows Z, from Z'Z.

    Parameters
    ----------
    rows : array of shape (n, p)
        On any device.
    gram : array of shape (p, p)

    Returns
    -------
    array of shape (p, p)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._components import scatter_of
    >>> Z = np.array([[1.0], [3.0]])
    >>> scatter_of(Z, Z.T @ Z)
    array([[2.]])
    """
    mean = backend_of(rows).xp.mean(rows, axis=0)
    return gram - rows.shape[0] * (mean[:, None] * mean[None, :])


def kernel_noise(op: KernelOperator) -> float:
    """Bound of the spectral norm of the rounding errors in the entries of K.

    Random errors of one rounding in each entry have a norm of about 2 sqrt(n) roundings: a
    direction w with a smaller |K w| may be one of the null space.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import DenseOperator
    >>> from skransfer.solvers._components import kernel_noise
    >>> kernel_noise(DenseOperator(np.eye(4), symmetric=True)) < 1e-14
    True
    """
    largest = float(op.backend.xp.max(op.backend.xp.abs(op.diagonal())))
    return 8.0 * float(np.sqrt(op.shape[0])) * float(np.finfo(op.dtype).eps) * largest
