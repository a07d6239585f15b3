"""Linear support vector machine as a box-constrained dual: its rows, objectives and faces."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.utils import gen_batches

from skransfer.kernels import engine

__all__ = ["Point", "SVMProblem"]

Array = NDArray[np.float64]

_TINY = 1e-150  # curvature of a row of zeros: a step goes to the bound
_BATCH = 4096  # rows of float32 that are widened at a time
_DENSE = 200  # rows inside their box for which the equations of a face are solved


class Point(NamedTuple):
    """A dual point with what it certifies, computed afresh from it.

    Attributes
    ----------
    dual : ndarray of shape (n,)
        Multipliers times the signs of their rows.
    push : float
        Multiplier of the half-space, the best one beside ``dual``.
    coef, tail : ndarray of shape (p,), (k,)
        Weights of the columns of X and of the extra columns.
    scores : ndarray of shape (n,)
    primal, lower : float
        Objective of the weights, and the dual objective, which is a lower bound of it.
    """

    dual: Array
    push: float
    coef: Array
    tail: Array
    scores: Array
    primal: float
    lower: float

    @property
    def gap(self) -> float:
        """Duality gap."""
        return max(self.primal - self.lower, 0.0)


@dataclass(frozen=True)
class SVMProblem:
    """``min_v |v|^2 / 2 + sum_i caps_i loss(signs_i (target_i - z_i v))`` subject to ``g v >= 0``.

    The row z_i is ``(sqrt(scale) x_i, extra_i)`` and the loss is the positive part or its square.
    With a direction u of unit length, the last extra column is ``root * X u`` and g is
    ``(sqrt(scale) u, 0, root)``, a vector of unit length. X is not copied.
    """

    X: Any
    extra: Array
    scale: float
    direction: Array | None
    root: float
    signs: Array
    caps: Array
    target: Array
    squared: bool
    ridge: Array = field(init=False)
    low: Array = field(init=False)
    high: Array = field(init=False)
    curvature: Array = field(init=False)

    def __post_init__(self) -> None:
        """Box and diagonal of the dual."""
        upper = np.full(len(self.caps), np.inf) if self.squared else self.caps
        ridge = 0.5 / self.caps if self.squared else np.zeros(len(self.caps))
        squares = self.scale * _squared_norms(self.X) + (self.extra**2).sum(axis=1)
        derived = {
            "ridge": ridge,
            "low": np.where(self.signs < 0, -upper, 0.0),
            "high": np.where(self.signs > 0, upper, 0.0),
            "curvature": np.maximum(squares + ridge, _TINY),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def point(self, dual: Array) -> Point:
        """Weights, objectives and gap of multipliers of the rows."""
        coef = self.scale * _transposed_times(self.X, dual)
        tail = self.extra.T @ dual
        push = 0.0
        if self.direction is not None:
            push = max(0.0, -float(self.direction @ coef + self.root * tail[-1]))
            coef += self.scale * push * self.direction
            tail[-1] += self.root * push
        scores = _times(self.X, coef) + self.extra @ tail
        half = (coef @ coef / self.scale + tail @ tail) / 2
        slack = np.maximum(self.signs * (self.target - scores), 0.0)
        primal = half + self.caps @ (slack**2 if self.squared else slack)
        lower = self.target @ dual - half - (self.ridge * dual) @ dual / 2
        return Point(dual, push, coef, tail, scores, float(primal), float(lower))

    def descend(self, point: Point, order: NDArray[np.intp], seed: int, n: int, tol: float) -> int:
        """Epochs of coordinate descent, which overwrite the arrays of the point; their number."""
        rows, name = self.X, "box_descent"
        if sparse.issparse(rows):
            rows, name = (rows.data, rows.indices, rows.indptr), "box_descent_csr"
        problem = (self.target, self.ridge, self.curvature, self.low, self.high)
        state = (point.dual, point.coef, point.tail, order)
        epochs = getattr(engine(), name)
        return int(epochs(rows, self.extra, self.scale, *problem, *state, seed, n, tol))

    def guard(self) -> Array | None:
        """The vector g of the half-space."""
        if self.direction is None:
            return None
        guard = np.zeros(len(self.direction) + self.extra.shape[1])
        guard[: len(self.direction)] = np.sqrt(self.scale) * self.direction
        guard[-1] = self.root
        return guard

    def take(self, rows: NDArray[np.intp]) -> Any:
        """Rows z_i, dense or CSR as those of X."""
        X, extra = np.sqrt(self.scale) * _wide(self.X[rows]), self.extra[rows]
        if sparse.issparse(X):
            return sparse.hstack([X, sparse.csr_array(extra)], format="csr")
        return np.hstack([X, extra])

    def times(self, weights: Array) -> Array:
        """Products of all rows z_i with v."""
        size = self.X.shape[1]
        head = np.sqrt(self.scale) * weights[:size]
        return _times(self.X, head) + self.extra @ weights[size:]

    def transposed(self, dual: Array) -> Array:
        """Sum of all rows z_i, times multipliers."""
        head = np.sqrt(self.scale) * _transposed_times(self.X, dual)
        return np.concatenate([head, self.extra.T @ dual])

    def face(self, point: Point) -> Point | None:
        """Solution among the points with the same rows at their bounds, clipped to the box.

        On the right face this is the solution to full precision. None if there are too many rows
        inside the box.
        """
        free = np.flatnonzero((point.dual > self.low) & (point.dual < self.high))
        if not 0 < len(free) <= _DENSE:
            return None
        return self.point(np.clip(self._on_face(point, free), self.low, self.high))

    def _on_face(self, point: Point, free: NDArray[np.intp]) -> Array:
        X, extra = _wide(self.X[free]), self.extra[free]
        gram = self.scale * _dense(X @ X.T) + extra @ extra.T
        gram[np.diag_indices_from(gram)] += self.ridge[free]
        slope = point.scores[free] - self.target[free] + self.ridge[free] * point.dual[free]
        if self.direction is not None and point.push > 0.0:  # it moves along, at no cost
            along = X @ self.direction
            gram -= np.outer(along, along)
        dual = point.dual.copy()
        if self.squared:
            dual[free] -= linalg.solve(gram, slope, assume_a="pos")
            return dual
        values, vectors = linalg.eigh(gram)  # rows may repeat, or be more than the columns
        kept = values > len(free) * np.finfo(np.float64).eps * max(values[-1], 0.0)
        dual[free] -= vectors[:, kept] @ ((vectors[:, kept].T @ slope) / values[kept])
        return dual


def _wide(X: Any) -> Any:
    return X.astype(np.float64, copy=False)


def _dense(X: Any) -> Array:
    return np.asarray(X.toarray() if sparse.issparse(X) else X)


def _parts(X: Any) -> Any:
    """The rows as they are, or in parts: a product with float64 widens rows of float32."""
    if sparse.issparse(X) or X.dtype == np.float64:
        yield X, slice(None)
    else:
        for part in gen_batches(X.shape[0], _BATCH):
            yield _wide(X[part]), part


def _times(X: Any, weights: Array) -> Array:
    return np.concatenate([np.asarray(rows @ weights) for rows, _ in _parts(X)])


def _transposed_times(X: Any, dual: Array) -> Array:
    return np.asarray(sum(rows.T @ dual[part] for rows, part in _parts(X)))


def _squared_norms(X: Any) -> Array:
    if sparse.issparse(X):
        return np.asarray(_wide(X).power(2).sum(axis=1)).ravel()
    return np.concatenate([np.einsum("ij,ij->i", rows, rows) for rows, _ in _parts(X)])
