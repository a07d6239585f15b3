"""Features of two domains aligned by the words that both share: a bipartite graph."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.solvers.structural_correspondence import leading_directions

__all__ = ["aligned_features"]

Array = NDArray[np.float64]


def aligned_features(
    marks: Any, independent: NDArray[np.intp], n_components: int
) -> tuple[Array, Array]:
    r"""Coordinates of the domain-specific features, by the domain-independent ones beside them.

    The bipartite graph joins a specific feature i to an independent feature j by the number
    :math:`M_{ij}` of rows that have both. The leading eigenvectors of its normalized adjacency

    .. math:: D^{-1/2} \begin{pmatrix} 0 & M \\ M^\top & 0 \end{pmatrix} D^{-1/2}

    are the pairs of singular vectors of :math:`D_1^{-1/2} M D_2^{-1/2}`, over :math:`\sqrt 2`,
    and the eigenvalues its singular values: no square matrix of all features is needed.

    Parameters
    ----------
    marks : CSR matrix of shape (n, d)
        Presence, see :func:`skransfer.solvers.pivots.presence`.
    independent : ndarray of int, shape (l,)
        Columns of the domain-independent features; all others are specific.
    n_components : int

    Returns
    -------
    coordinates : ndarray of shape (d, k)
        Part of the eigenvectors on the specific features; zero rows for independent features,
        and for those that are never beside one.
    eigenvalues : ndarray of shape (k,)
        Decreasing, in (0, 1]; one eigenvalue 1 for each connected component of the graph.

    Raises
    ------
    MemoryError
        If the matrices needed cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.pivots import presence
    >>> from skransfer.solvers.spectral_alignment import aligned_features
    >>> rows = np.array([[1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1]])
    >>> coordinates, eigenvalues = aligned_features(presence(rows), np.array([0, 1]), 2)
    >>> coordinates.shape, eigenvalues
    ((4, 2), array([1., 1.]))
    """
    d = marks.shape[1]
    specific = np.setdiff1d(np.arange(d), independent)
    columns = marks.tocsc()
    joint = sp.csr_array(columns[:, specific].T @ columns[:, independent])
    left, right = (_inverse_root(np.asarray(joint.sum(axis=axis)).ravel()) for axis in (1, 0))
    normalized = sp.diags_array(left) @ joint @ sp.diags_array(right)
    directions, values = leading_directions(normalized, n_components)
    coordinates = np.zeros((d, len(values)))
    coordinates[specific] = directions / np.sqrt(2.0)
    return coordinates, np.minimum(values, 1.0)


def _inverse_root(degrees: Array) -> Array:
    return np.divide(1.0, np.sqrt(degrees), out=np.zeros_like(degrees), where=degrees > 0)
