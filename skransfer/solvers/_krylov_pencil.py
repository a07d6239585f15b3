"""The pencil of transfer components, solved in spaces that grow."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skransfer.kernels import KernelOperator, to_host
from skransfer.solvers._components import kernel_noise, scatter_of
from skransfer.solvers._half_inverse import HalfInverse
from skransfer.solvers._pencil_forms import Found, defect, leading
from skransfer.solvers.krylov import KrylovSpace, check_room

__all__ = ["OVERSAMPLE", "KrylovPencil"]

Array = Any  # of float64, where the operator is
Values = NDArray[np.float64]  # a few numbers on the host: what decides when to stop

OVERSAMPLE = 5
_EPS = float(np.finfo(np.float64).eps)
_MAX_PASSES = 60
# Length of a defect at which a later search ends, over tol and the value: the relative error of
# the value is of the order of the square, 1e-8 at the default tol.
_LATER = 10


class KrylovPencil:
    """The first problem in a block Krylov space, later ones in spaces near the last solution.

    The Krylov space starts from the vector of ones, the contrasts and random columns.

    Every solution of every such problem is w = G^-1 K (H z / value - E c) / alpha, with z = K w
    and some c. So a later search starts from the leading directions of the Krylov space, from
    G^-1 K E, and from the last solution (with another G: from G^-1 K H z for its z), and takes in
    the defects of what it finds, as Davidson's method does. Defects also tell when to stop: their
    length bounds the error of the values.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric.
    k : int
        Number of components.
    tol : float
        As in `transfer_components`.
    random_state : int, RandomState or None
        For the random columns.
    verbose : int
        1: a line for each Rayleigh-Ritz step.
    """

    form = "krylov"

    def __init__(
        self, op: KernelOperator, k: int, tol: float, random_state: Any, verbose: int
    ) -> None:
        self._op, self._k, self._noise, self._backend = op, k, kernel_noise(op), op.backend
        self._tol, self._random_state, self._verbose = tol, random_state, verbose
        self._space: KrylovSpace | None = None
        self._half: HalfInverse | None = None  # of the first problem, in its space
        self._n_kept = 0  # directions of the first space that all later ones start from
        self._last: Found | None = None
        self._reduced: Array = None  # the last solution in the space, if that is without G

    def solve(self, E: Array, alpha: float, scale: Array | None) -> Found:
        """The leading components for contrasts E; ``scale`` is G^-1/2 as a column."""
        if self._space is None:
            self._last = self._first(E, alpha)
            if scale is None:
                return self._last
        self._last = self._next(E, alpha, scale)
        return self._last

    def _first(self, E: Array, alpha: float) -> Found:
        backend, (n, n_contrasts) = self._backend, E.shape
        check_room(backend, n, 1 + n_contrasts + self._k + OVERSAMPLE)
        # Drawn on the host: the same on every device.
        random = check_random_state(self._random_state).standard_normal((n, self._k + OVERSAMPLE))
        start = backend.concat([backend.ones((n, 1)), E, backend.asarray(random)], axis=1)
        space = self._space = KrylovSpace(self._op, start)
        converged = self._grow(space, E, alpha)
        self._half = HalfInverse(space.products.T @ E, alpha)
        self._reduced, values = leading(space.products, self._half, self._k, self._noise)
        W, embedding = space.basis @ self._reduced, space.products @ self._reduced
        root = space.products @ (space.basis.T @ E)  # K E: the space was seeded with E
        return Found(W, values, embedding, root, n_passes=space.n_passes, converged=converged)

    def _grow(self, space: KrylovSpace, E: Array, alpha: float) -> bool:
        """Extend the space until the k leading values stand still; False at the limit."""
        before: Values = np.zeros(0)
        while space.n_passes < _MAX_PASSES:
            half = HalfInverse(space.products.T @ E, alpha)
            small = half(half(scatter_of(space.products, space.gram)).T)
            every = to_host(self._backend.eigvalsh((small + small.T) / 2))
            values = every[::-1][: self._k]
            self._say(space.n_passes, values)
            if self._stand_still(values, before, self._rounding(space, values, half.scale)):
                return True
            if not space.grow():
                return True
            before = values
        return False

    def _next(self, E: Array, alpha: float, scale: Array | None) -> Found:
        root = self._op @ E
        space, n_passes = self._near(root, scale)
        noise = self._noise if scale is None else self._noise * self._backend.largest(scale)
        whole = HalfInverse(root if scale is None else scale * root, alpha)
        before: Values = np.zeros(0)
        while True:
            half = HalfInverse(space.products.T @ E, alpha)
            reduced, squares = leading(space.products, half, self._k, noise, space.gram)
            W, embedding = space.basis @ reduced, space.products @ reduced
            found = Found(W if scale is None else scale * W, squares, embedding, root)
            step = defect(self._op, found, alpha, scale)
            n_passes, values = n_passes + 1, to_host(squares)
            self._say(n_passes, values)
            lengths = self._backend.norms(whole(step))
            rounding = self._rounding(space, values, half.scale)
            done = bool((to_host(lengths) <= _LATER * self._tol * values + rounding).all())
            done = done or self._stand_still(values, before, rounding)
            if done or n_passes >= _MAX_PASSES or not space.extend(step):
                break
            n_passes, before = n_passes + 1, values
        if scale is None:
            self._reduced = reduced
        done = done or n_passes < _MAX_PASSES  # the space is invariant
        return found._replace(n_passes=n_passes, residuals=lengths, converged=done)

    def _near(self, root: Array, scale: Array | None) -> tuple[KrylovSpace, int]:
        """A space near the solution, and the passes made."""
        space, last, backend = self._space, self._last, self._backend
        assert space is not None
        assert last is not None
        assert self._half is not None
        if not self._n_kept:
            self._restrict(space, self._widely(space, self._half))
            self._n_kept = space.basis.shape[1]
        if scale is None:
            kept = backend.eye(space.basis.shape[1], self._n_kept)
            self._restrict(space, backend.concat([kept, self._reduced], axis=1))
            return space, 1 + int(space.extend(root))
        forward = self._op @ (last.embedding - backend.xp.mean(last.embedding, axis=0))
        start = backend.concat([space.products[:, : self._n_kept], root, forward], axis=1)
        return KrylovSpace(self._op, scale * start, scale), 3

    def _widely(self, space: KrylovSpace, half: HalfInverse) -> Array:
        """More directions than are asked for; the leading ones must be exact, the others not."""
        most = 4 * self._k + 16
        small = half(half(scatter_of(space.products, space.gram)).T)
        squares, vectors = self._backend.eigh((small + small.T) / 2)
        if squares.shape[0] > most and bool(squares[-most] > 1e-8 * squares[-1]):
            more = half(vectors[:, -most : -self._k])
            return self._backend.concat([self._reduced, more], axis=1)
        # The square has lost the small ones.
        return leading(space.products, half, most, self._noise)[0]

    def _restrict(self, space: KrylovSpace, directions: Array) -> None:
        """Keep some directions of the space."""
        Q = self._backend.orthonormal(directions)
        space.restrict(Q)
        self._reduced = Q.T @ self._reduced

    def _rounding(self, space: KrylovSpace, values: Values, scale: float) -> float:
        """Rounding moves the values by so much; changes below it mean nothing."""
        share = 4 * space.basis.shape[1] * _EPS
        share += space.precision if space.precision > _EPS else 0
        return float((self._noise * scale) ** 2 + share * values.max(initial=0.0))

    def _stand_still(self, values: Values, before: Values, rounding: float) -> bool:
        if len(values) != len(before):
            return False
        return bool((values - before <= self._tol**2 * values + rounding).all())

    def _say(self, n_passes: int, values: Values) -> None:
        if self._verbose:
            message = f"pass {n_passes}: captured scatter {values.sum():.9g}"
            print(message)  # noqa: T201 - what verbose asks for
