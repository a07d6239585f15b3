r"""Weights of labels: the target's rows as a mixture of what each label looks like in the source.

Target shift means that p(x | y) is common and p(y) is not. Zhang, Schoelkopf, Muandet and Wang
(ICML, 2013) match the target's kernel mean by that of the source with labels reweighted,

.. math:: \min_\beta \Bigl\lVert \hat U_{X \mid Y} \, \tfrac1n \sum_i \beta_i \psi(y_i)
    - \tfrac1m \sum_j \varphi(x_j^t) \Bigr\rVert^2, \qquad
    \hat U_{X \mid Y} = \Phi (L + \lambda n I)^{-1} \Psi^\top,

with the kernel matrices K of the source rows and L of their labels. With an eigendecomposition
:math:`L = V \Lambda V^\top` and :math:`D = \Lambda (\Lambda + \lambda n)^{-1}` only
:math:`D V^\top \beta` matters, so the program is kernel mean matching with the matrix
:math:`V D (V^\top K V) D V^\top`, whose rank is that of L.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, svd

from skransfer.kernels import KernelOperator, LowRankOperator, kernel_operator
from skransfer.solvers._landmarks import pick_landmarks
from skransfer.solvers.kmm import kmm_weights

__all__ = ["class_basis", "smooth_basis", "target_shift_weights"]

Array = NDArray[np.float64]

_NEGLIGIBLE = 1e-12  # share of the largest eigenvalue
_LANDMARKS = 200  # distinct labels that span the smooth functions of all labels


def class_basis(codes: NDArray[np.integer], ridge: float = 0.0) -> tuple[Array, Array]:
    """Orthonormal functions of a class, and what the ridge leaves of each.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Classes 0, 1, ..., each present.
    ridge : float, default=0.0
        lambda, for the kernel that is 1 for equal classes and else 0.

    Returns
    -------
    V : ndarray of shape (n, n_classes)
        Orthonormal columns, one a class.
    shares : ndarray of shape (n_classes,)
        In (0, 1]; 1 without a ridge.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.target_shift import class_basis
    >>> V, shares = class_basis(np.array([0, 0, 1]), ridge=0.1)
    >>> V.round(3).tolist(), shares.round(3)
    ([[0.707, 0.0], [0.707, 0.0], [0.0, 1.0]], array([0.87 , 0.769]))
    """
    counts = np.bincount(codes)
    V = np.zeros((len(codes), len(counts)))
    V[np.arange(len(codes)), codes] = 1.0 / np.sqrt(counts)[codes]
    return V, counts / (counts + ridge * len(codes))


def smooth_basis(labels: Array, gamma: float, ridge: float) -> tuple[Array, Array]:
    """Orthonormal smooth functions of numeric labels, and what the ridge leaves of each.

    Parameters
    ----------
    labels : ndarray of shape (n, n_outputs)
    gamma : float
        Inverse width of the Gaussian kernel of the labels.
    ridge : float
        lambda, positive.

    Returns
    -------
    V : ndarray of shape (n, r)
        Eigenvectors of the kernel matrix, of numerical rank r. From 200 labels on they are those
        of the Nystroem approximation with 200 of them.
    shares : ndarray of shape (r,)
        In (0, 1), falling.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.target_shift import smooth_basis
    >>> V, shares = smooth_basis(np.linspace(0, 1, 50)[:, None], gamma=1.0, ridge=1e-3)
    >>> shares[:3].round(3)
    array([0.999, 0.992, 0.902])
    """
    landmarks = pick_landmarks(np.unique(labels, axis=0), _LANDMARKS)
    small = kernel_operator(landmarks, landmarks, gamma=gamma).to_dense()
    values, vectors = eigh(small, check_finite=False)
    kept = values > _NEGLIGIBLE * values[-1]
    root = vectors[:, kept] / np.sqrt(values[kept])
    features = kernel_operator(labels, landmarks, gamma=gamma, form="tiled") @ root
    # Not from features' features, which has half of the digits.
    V, singular, _ = svd(features, full_matrices=False, check_finite=False)
    spectrum = singular**2
    kept = spectrum > _NEGLIGIBLE * spectrum[0]
    V, spectrum = V[:, kept], spectrum[kept]
    return V, spectrum / (spectrum + ridge * len(labels))


def target_shift_weights(
    op: KernelOperator,
    cross_means: NDArray[Any],
    target_mean: float,
    basis: tuple[Array, Array],
    *,
    groups: NDArray[np.integer] | None = None,
    **options: Any,
) -> tuple[Array, dict[str, Any]]:
    """Weights of source rows, as a function of their labels, that match the target's kernel mean.

    One pass of r columns over the kernel matrix; then O(n r^2) a step.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Kernel of the source rows.
    cross_means : ndarray of shape (n,)
        Mean of k(x_i, x_j^t) over the target rows j, for each source row i.
    target_mean : float
        Mean of the kernel over all pairs of target rows.
    basis : tuple of ndarray of shape (n, r) and (r,)
        From :func:`class_basis` or :func:`smooth_basis`.
    groups : ndarray of shape (n,), default=None
        Equal labels have equal numbers; their weights are made equal.
    **options
        ``max_weight``, ``epsilon``, ``alpha``, ``tol``, ``max_iter`` and ``verbose`` of
        :func:`skransfer.solvers.kmm.kmm_weights`.

    Returns
    -------
    weights : ndarray of shape (n,)
    info : dict
        As of :func:`skransfer.solvers.kmm.kmm_weights`, with ``rank``. MMD^2 is between the
        target and the mixture of the conditional means.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator, kernel_sums
    >>> from skransfer.solvers.target_shift import class_basis, target_shift_weights
    >>> source, target = np.array([[0.0], [0.0], [3.0]]), np.array([[0.0], [3.0]])
    >>> weights, _ = target_shift_weights(
    ...     kernel_operator(source),
    ...     kernel_sums(source, target) / 2,
    ...     kernel_sums(target).mean() / 2,
    ...     class_basis(np.array([0, 0, 1])),
    ... )
    >>> weights.round(2)
    array([0.75, 0.75, 1.5 ])
    """
    V, shares = basis
    product = op @ V
    inner = shares[:, None] * (V.T @ product) * shares
    values, vectors = eigh((inner + inner.T) / 2, check_finite=False)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    means = V @ (shares * (V.T @ np.asarray(cross_means, dtype=np.float64)))
    weights, info = kmm_weights(
        LowRankOperator(V @ root), means, target_mean, groups=groups, **options
    )
    return weights, info | {"rank": V.shape[1], "kernel_form": op.form, "kernel_bytes": op.nbytes}
