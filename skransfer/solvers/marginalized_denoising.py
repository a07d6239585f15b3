"""Linear denoising by all corruptions at once, stacked in layers."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import solve

from skransfer.kernels import check_memory
from skransfer.solvers.moments import DomainMoments, row_chunks

__all__ = ["DenoisingLayer", "DenoisingStack", "denoising_weights", "frequent_first"]

Array = NDArray[np.float64]

_WAYS_OUT = ("lower n_frequent", "use fewer layers", "pass float32 rows, which halve it")
_EPS = float(np.finfo(np.float64).eps)


def denoising_weights(
    cross: Array, inner: Array, squares: Array, noise: float, alpha: float
) -> Any:
    r"""Regression of clean targets on inputs of which any subset is set to zero.

    Each input is zero with probability p and kept with q = 1 - p. Over all corruptions the
    squared error of :math:`W \tilde x + b`, plus :math:`\alpha \lVert W \rVert^2`, is least at

    .. math:: W = q C \left( q^2 S + p q \operatorname{diag}(r) + \alpha I \right)^{-1}, \qquad
        b = \bar t - q W \bar x,

    which is the closed form :math:`P Q^{-1}` of Chen, Xu, Weinberger and Sha (2012) after the
    constant, which is never corrupted nor penalized, has been eliminated.

    Parameters
    ----------
    cross : ndarray of shape (r, d)
        C: centered products of targets and inputs, summed over the rows.
    inner : ndarray of shape (d, d)
        S: those of the inputs.
    squares : ndarray of shape (d,)
        Sum over the rows of the squared inputs, not centered.
    noise : float
        p, in [0, 1).
    alpha : float
        Positive.

    Returns
    -------
    ndarray of shape (r, d)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.marginalized_denoising import denoising_weights
    >>> scatter = np.diag([4.0, 9.0])
    >>> denoising_weights(scatter, scatter, np.array([4.0, 9.0]), 0.5, 1e-9).round(6)
    array([[1., 0.],
           [0., 1.]])
    """
    keep = 1.0 - noise
    system = keep**2 * inner
    diagonal = np.diag_indices_from(system)
    system[diagonal] += noise * keep * squares
    # Rounding of large sums may exceed a tiny alpha; the matrix must stay positive definite.
    rounding = len(system) * _EPS * float(system[diagonal].max(initial=0.0))
    system[diagonal] += max(alpha, rounding)
    found = solve(system, keep * cross.T, assume_a="pos", overwrite_a=True, check_finite=False)
    return np.ascontiguousarray(found.T)


class DenoisingLayer(NamedTuple):
    """One layer: h = tanh(W x + b).

    Attributes
    ----------
    weights : ndarray of shape (r, d)
    bias : ndarray of shape (r,)
    """

    weights: Array
    bias: Array

    def __call__(self, X: Any) -> NDArray[Any]:
        """Hidden representation of rows.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, r)
            float32 for float32 rows, else float64.
        """
        hidden = np.asarray(X @ self.weights.T.astype(X.dtype, copy=False))
        hidden += self.bias.astype(X.dtype)
        return np.tanh(hidden, out=hidden)


def frequent_first(X: Any) -> NDArray[np.intp]:
    """Numbers of the features, those that are not zero in the most rows first.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)

    Returns
    -------
    ndarray of int, shape (d,)
        Features as frequent as each other keep their order.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.marginalized_denoising import frequent_first
    >>> frequent_first(np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0]]))
    array([2, 1, 0])
    """
    if sp.issparse(X):
        nonzero = X.indices[X.data != 0]
        counts = np.bincount(nonzero, minlength=X.shape[1])
    else:
        counts = np.count_nonzero(X, axis=0)
    return np.argsort(-counts, kind="stable")


class DenoisingStack:
    """Layers of marginalized denoising, each fitted on what the one below gives.

    Up to ``n_frequent`` features, the first layer reconstructs all features from all. Above, it
    reconstructs the ``n_frequent`` most frequent ones, as the paper does: from each of several
    blocks of features in turn, of at most ``n_frequent`` each, and the mean of the
    reconstructions counts. The paper draws the blocks; here features are dealt to them by
    frequency, which gives each block frequent and rare ones without a generator.

    Use :meth:`fit`.

    Attributes
    ----------
    layers : list of DenoisingLayer

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.marginalized_denoising import DenoisingStack
    >>> X = np.random.default_rng(0).poisson(1.0, size=(50, 4)).astype(float)
    >>> DenoisingStack.fit(X, 2, noise=0.5, alpha=1e-5, n_frequent=3)(X).shape
    (50, 6)
    """

    def __init__(self, layers: list[DenoisingLayer]) -> None:
        self.layers = layers

    @classmethod
    def fit(
        cls, X: Any, n_layers: int, *, noise: float, alpha: float, n_frequent: int
    ) -> "DenoisingStack":
        """Fit the layers, from the first on.

        No hidden representation of all rows is held: the rows pass the layers in chunks.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d)
            Sparse rows are not made dense.
        n_layers : int
        noise : float
            Probability that a feature is set to zero, in [0, 1).
        alpha : float
            Positive.
        n_frequent : int

        Returns
        -------
        DenoisingStack

        Raises
        ------
        MemoryError
            If the weights and moments cannot fit.
        """
        width = min(X.shape[1], n_frequent)
        check_memory(
            8 * (7 * width**2 + 2 * width * X.shape[1] + width**2 * max(n_layers - 1, 0)),
            f"{n_layers} layers of {width} units over {X.shape[1]} features",
            _WAYS_OUT,
        )
        stack = cls([])
        for level in range(n_layers):
            if level == 0 and X.shape[1] > n_frequent:
                layer = _block_layer(X, n_frequent, noise, alpha)
            else:
                layer = stack._next_layer(X, noise, alpha)
            stack.layers.append(layer)
        return stack

    def _next_layer(self, X: Any, noise: float, alpha: float) -> DenoisingLayer:
        moments = None
        for _, chunk in row_chunks(X):
            hidden = chunk
            for layer in self.layers:
                hidden = layer(hidden)
            moments = moments or DomainMoments(hidden.shape[1])
            moments.update(hidden)
        assert moments is not None  # there are rows
        mean, scatter = moments.mean, moments.scatter
        squares = scatter.diagonal() + moments.count * mean**2
        weights = denoising_weights(scatter, scatter, squares, noise, alpha)
        return DenoisingLayer(weights, mean - (1.0 - noise) * weights @ mean)

    def __call__(self, X: Any) -> NDArray[Any]:
        """All hidden representations of rows, one beside the other.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, total number of units)

        Raises
        ------
        MemoryError
            If they cannot fit.
        """
        edges = np.cumsum([0] + [len(layer.bias) for layer in self.layers])
        check_memory(
            float(X.shape[0]) * float(edges[-1]) * X.dtype.itemsize,
            f"{edges[-1]} hidden units of {X.shape[0]} rows",
            (*_WAYS_OUT, "map the rows in parts"),
        )
        out = np.empty((X.shape[0], edges[-1]), dtype=X.dtype)
        for rows, chunk in row_chunks(X):
            hidden = chunk
            for layer, a, b in zip(self.layers, edges[:-1], edges[1:], strict=True):
                hidden = layer(hidden)
                out[rows, a:b] = hidden
        return out


def _block_layer(X: Any, width: int, noise: float, alpha: float) -> DenoisingLayer:
    """The first layer of very many features: frequent ones from blocks of all."""
    n, d = X.shape
    order = frequent_first(X)
    columns = X.tocsc() if sp.issparse(X) else X
    targets = _widened(columns, order[:width])
    center = np.asarray(targets.mean(axis=0)).ravel()
    weights, bias = np.empty((width, d)), center.copy()
    n_blocks = -(-d // width)
    for block in _dealt(order, n_blocks):
        inputs = _widened(columns, block)
        mean = np.asarray(inputs.mean(axis=0)).ravel()
        cross = _dense(targets.T @ inputs) - n * np.outer(center, mean)
        inner = _dense(inputs.T @ inputs)
        squares = inner.diagonal().copy()
        inner -= n * np.outer(mean, mean)
        part = denoising_weights(cross, inner, squares, noise, alpha) / n_blocks
        weights[:, block] = part
        bias -= (1.0 - noise) * part @ mean
    return DenoisingLayer(weights, bias)


def _dealt(order: NDArray[np.intp], n_blocks: int) -> Iterator[NDArray[np.intp]]:
    for first in range(n_blocks):
        yield order[first::n_blocks]


def _widened(columns: Any, which: NDArray[np.intp]) -> Any:
    return columns[:, which].astype(np.float64)


def _dense(matrix: Any) -> Array:
    return np.array(matrix.toarray() if sp.issparse(matrix) else matrix, dtype=np.float64)
