"""The kernel parameters that all kernel methods share, under scikit-learn's names."""

from inspect import signature
from itertools import chain
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.kernel_approximation import Nystroem
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS
from sklearn.utils import gen_batches

from skransfer._compat import HasMethods, Interval, StrOptions
from skransfer.kernels import (
    Backend,
    KernelOperator,
    LowRankOperator,
    backend_of,
    canonical_order,
    check_memory,
    dtype_of,
    kernel_operator,
    kernel_sums,
    representative_rows,
    resolve_gamma,
    to_host,
)

__all__ = ["FEATURE_BATCH", "KERNEL_EXAMPLES", "UsesKernel"]

FEATURE_BATCH = 65_536  # rows that a feature map is given at a time

# For ``Traits.examples``: degree and coef0 matter to the polynomial kernel only.
KERNEL_EXAMPLES: dict[str, tuple[dict[str, Any], Any]] = {
    "kernel": ({}, "laplacian"),
    "gamma": ({}, 0.7),
    "degree": ({"kernel": "poly", "gamma": 0.1}, 2),
    "coef0": ({"kernel": "poly", "gamma": 0.1}, 0.5),
    "kernel_params": (
        {"kernel": lambda x, z, power=1.0: float(abs(x @ z) ** power)},
        {"power": 2.0},
    ),
    "feature_map": ({}, Nystroem(n_components=7, random_state=0)),
}
# Kernels that a feature map of scikit-learn approximates, where it has no parameter of that name.
# (AdditiveChi2Sampler stands for another kernel than "additive_chi2": features of its own kind.)
_KERNEL_OF = {"RBFSampler": "rbf", "PolynomialCountSketch": "poly"}
# Rows that a Nystroem map draws its landmarks from.
_DRAWN_FROM = 20_000
_WAYS_OUT = ("choose fewer n_components in feature_map", "pass float32 rows", "fit on fewer rows")


class UsesKernel:
    """Kernel parameters and the operator that they define.

    For rows on a device the kernel is computed there. A feature map of scikit-learn is fitted on
    the host, and maps there too: rows go there and features come back. Nystroem alone is fitted to
    a sample, and its map is computed where the rows are, from copies of its landmarks.
    """

    _kernel_constraints: ClassVar[dict[str, list[Any]]] = {
        "kernel": [StrOptions(set(PAIRWISE_KERNEL_FUNCTIONS)), callable],
        "gamma": [StrOptions({"scale", "median"}), Interval(Real, 0, None, closed="neither")],
        "degree": [Interval(Integral, 1, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "kernel_params": [dict, None],
        "feature_map": [HasMethods(["fit", "transform"]), None],
    }

    kernel: Any
    gamma: Any
    degree: int
    coef0: float
    kernel_params: dict[str, Any] | None
    feature_map: Any
    feature_map_: Any
    gamma_: float

    def _resolve_gamma(self, X: Any) -> None:
        """Set ``gamma_`` from the pooled rows, and ``feature_map_`` where one was given."""
        self.gamma_ = resolve_gamma(self.gamma, X)
        self.feature_map_ = None if self.feature_map is None else self._fit_feature_map(X)

    def _fit_feature_map(self, X: Any) -> Any:
        """A fitted clone of the feature map, with this method's kernel.

        Rows are shown in an order that depends on their content alone, so that a map which draws
        some of them always draws the same. It gets them on the host.
        """
        if self.kernel == "precomputed":
            raise ValueError('kernel="precomputed" has no rows to map: leave feature_map=None.')
        fitted = clone(self.feature_map)
        name = type(fitted).__name__
        if self.kernel != _KERNEL_OF.get(name, self.kernel):
            raise ValueError(
                f"{name} approximates the kernel {_KERNEL_OF[name]!r}, and kernel={self.kernel!r} "
                "was asked for. Use Nystroem, which approximates any kernel, or change kernel."
            )
        if self._approximates_kernel(fitted):
            self._hand_on_kernel(fitted)
        rows = to_host(representative_rows(X, _DRAWN_FROM) if isinstance(fitted, Nystroem) else X)
        if rows.shape[0] <= _DRAWN_FROM:
            rows = rows[canonical_order(rows)[0]]
        return fitted.fit(rows)

    def _hand_on_kernel(self, fitted: Any) -> None:
        """Set the parameters of this method's kernel on a map that has them."""
        given, ours = fitted.get_params(deep=False), self._kernel_arguments()
        fresh = signature(type(fitted)).parameters
        for key in ours.keys() & given.keys():
            if given[key] not in (fresh[key].default, ours[key]):
                raise ValueError(
                    f"feature_map has {key}={given[key]!r} and {type(self).__name__} has "
                    f"{key}={ours[key]!r}: give the kernel to {type(self).__name__}, which "
                    "hands it on to the feature map."
                )
        fitted.set_params(**{key: ours[key] for key in ours if key in given})

    def _features(self, X: Any) -> Any:
        """The feature map's image of rows, of their float type and where they are.

        An array, or a CSR matrix where the map makes one.
        """
        width, backend = getattr(self.feature_map_, "n_components", X.shape[1]), backend_of(X)
        dtype = dtype_of(X)
        check_memory(
            X.shape[0] * width * dtype.itemsize,
            f"A feature map of {X.shape[0]} rows to {width} features",
            _WAYS_OUT,
            backend,
        )
        # In batches: a map may need as much again for what it computes on the way.
        batches = list(gen_batches(X.shape[0], FEATURE_BATCH))
        first = self._mapped(backend.take(X, batches[0]))
        rest = (self._mapped(backend.take(X, batch)) for batch in batches[1:])
        if sp.issparse(first):
            return sp.vstack([first, *rest], format="csr").astype(dtype, copy=False)
        out = backend.empty((X.shape[0], first.shape[1]), dtype)
        for batch, part in zip(batches, chain([first], rest), strict=True):
            out[batch, :] = part if backend.is_host else backend.astype(part, dtype)
        return out

    def _mean_features(self, X: Any) -> Any:
        """Mean of the feature map's image of rows, in double precision, where they are."""
        backend = backend_of(X)
        if type(self.feature_map_) is Nystroem:
            landmarks, root = self._landmarks(backend)
            return root @ (kernel_sums(landmarks, X, **self._kernel_arguments()) / X.shape[0])
        total = None
        for batch in gen_batches(X.shape[0], FEATURE_BATCH):
            part = self._mapped(backend.take(X, batch))
            if sp.issparse(part):
                summed = np.asarray(part.sum(axis=0, dtype=np.float64)).ravel()
            else:
                summed = backend.xp.sum(part, axis=0, dtype=backend.dtype(np.float64))
            total = summed if total is None else total + summed
        return total / X.shape[0]

    def _mapped(self, X: Any) -> Any:
        """The map of some rows; that of Nystroem by our own kernels, which are faster."""
        backend = backend_of(X)
        if type(self.feature_map_) is Nystroem:
            landmarks, root = self._landmarks(backend)
            return self._kernel_product(X, landmarks, root.T)
        mapped = self.feature_map_.transform(to_host(X))
        if sp.issparse(mapped) and not backend.is_host:
            raise TypeError(
                f"feature_map={self.feature_map!r} makes sparse features, which have no form on a "
                "device: choose one that makes dense features, such as Nystroem, or pass NumPy "
                "rows."
            )
        return mapped if backend.is_host else backend.asarray(mapped)

    def _landmarks(self, backend: Backend) -> tuple[Any, Any]:
        """Landmarks of a Nystroem map and the root that belongs to them, copied to a device."""
        fitted = self.feature_map_
        if backend.is_host:
            return fitted.components_, fitted.normalization_
        return backend.asarray(fitted.components_), backend.asarray(
            fitted.normalization_, np.float64
        )

    def _approximates_kernel(self, feature_map: Any) -> bool:
        """Whether a feature map stands for a kernel, and not for features of another kind."""
        return isinstance(feature_map, Nystroem) or type(feature_map).__name__ in _KERNEL_OF

    def _kernel_arguments(self) -> dict[str, Any]:
        """Arguments of the kernel, once ``gamma_`` is known."""
        return {
            "kernel": self.kernel,
            "gamma": self.gamma_,
            "degree": self.degree,
            "coef0": self.coef0,
            "kernel_params": self.kernel_params,
        }

    def _operator(self, X: Any) -> KernelOperator:
        """Kernel matrix of rows: by features where there are some or, exactly, where few do."""
        if self.feature_map_ is not None:
            return LowRankOperator(self._features(X))
        if self.kernel == "linear" and X.shape[1] < X.shape[0]:
            return LowRankOperator(X)
        return kernel_operator(X, **self._kernel_arguments())

    def _target_means(self, source: Any, target: Any) -> tuple[Any, float]:
        """Mean of the kernel of each source row with the target rows, and of all target pairs."""
        arguments, n_target = self._kernel_arguments(), target.shape[0]
        means = kernel_sums(source, target, **arguments) / n_target
        sums = kernel_sums(target, **arguments)
        return means, float(backend_of(sums).xp.mean(sums)) / n_target

    def _kernel_product(self, X: Any, Y: Any, V: Any) -> Any:
        """k(X, Y) @ V, without holding the kernel matrix."""
        return kernel_operator(X, Y, **self._kernel_arguments(), form="tiled") @ V
