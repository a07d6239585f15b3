"""Copies of the features, one for all domains and one for each."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import get_tags

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseAdapter, BaseMapper, Domains
from skransfer.base.transfer import Stacked
from skransfer.kernels import check_memory

__all__ = ["BaseAugmentation", "spread"]


def spread(X: Any, parts: list[tuple[Any, float]], n_blocks: int, as_sparse: bool) -> Any:
    """Put multiples of each row into some of the blocks of a longer row of zeros.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
        Rows.
    parts : list of (blocks, factor)
        ``blocks`` is a number or one number a row; the blocks of a row must differ between parts.
    n_blocks : int
        Blocks of a long row.
    as_sparse : bool
        Whether the long rows come as CSR.

    Returns
    -------
    Z : ndarray or CSR array of shape (n, n_blocks * d)
        In the dtype of X.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.feature._augmentation import spread
    >>> spread(np.array([[1.0], [2.0]]), [(0, 1.0), (np.array([1, 2]), -1.0)], 3, False)
    array([[ 1., -1.,  0.],
           [ 2.,  0., -2.]])
    """
    n, d = X.shape
    every = np.arange(n)
    if not as_sparse:
        X = X.toarray() if sparse.issparse(X) else X
        way = "sparse_output=True, which keeps no zeros"
        check_memory(n * n_blocks * d * X.itemsize, f"{n_blocks} copies of the features", [way])
        Z = np.zeros((n, n_blocks, d), dtype=X.dtype)
        for blocks, factor in parts:
            Z[every, blocks] = X.dtype.type(factor) * X
        return Z.reshape(n, n_blocks * d)
    X = sparse.csr_array(X)
    row = np.repeat(every, np.diff(X.indptr))
    # Most estimators refuse sparse rows with indices of 64 bits.
    fits = max(n_blocks * d, X.nnz) <= np.iinfo(np.int32).max
    index = np.int32 if fits else np.int64
    starts = X.indptr.astype(index, copy=False)
    wide = sparse.csr_array((n, n_blocks * d), dtype=X.dtype)
    for blocks, factor in parts:
        if factor:
            columns = X.indices + np.broadcast_to(blocks, n).astype(np.int64)[row] * d
            part = X.dtype.type(factor) * X.data, columns.astype(index, copy=False), starts
            wide = wide + sparse.csr_array(part, shape=wide.shape)
    return wide


class BaseAugmentation(OneToOneFeatureMixin, BaseMapper):
    """Rows in the long space of common and domain features; labeled rows of both sides learn."""

    _min_rows = 1
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAdapter._parameter_constraints,
        "sharing": [Interval(Real, 0, 1, closed="both")],
        "intercept_scaling": [Interval(Real, 0, None, closed="left")],
        "sparse_output": ["boolean", StrOptions({"auto"})],
    }

    sharing: float
    intercept_scaling: float
    sparse_output: bool | str

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        # One domain has the ids of the target: its only block is the target's.
        self.source_ids_ = np.unique(domains.ids[domains.ids >= 0])

    def _map(self, X: Any, domains: Domains) -> Any:
        common, own = self._factors()
        return self._spread(X, [(0, common), (self._blocks(domains.ids), own)])

    def _factors(self) -> tuple[float, float]:
        """Factors of the common copy and of the domain's own."""
        return float(np.sqrt(2 * self.sharing)), float(np.sqrt(2 * (1 - self.sharing)))

    def _blocks(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Block of the own copy of each row: the sources in the order of their ids, the target."""
        known = self.source_ids_
        unseen = sorted(set(ids[ids >= 0].tolist()) - set(known.tolist()))
        if unseen:
            raise ValueError(
                f"sample_domain has the source ids {unseen[:6]}, which fit did not see (it saw "
                f"{known.tolist()[:6]}), so they have no features of their own; leave "
                "sample_domain out to treat the rows as target rows."
            )
        return np.where(ids < 0, len(known), np.searchsorted(known, ids)) + 1

    def _spread(self, X: Any, parts: list[tuple[Any, float]]) -> Any:
        as_sparse = sparse.issparse(X) if self.sparse_output == "auto" else self.sparse_output
        if self.intercept_scaling:
            constant = np.full((X.shape[0], 1), self.intercept_scaling, dtype=X.dtype)
            join = sparse.hstack if sparse.issparse(X) else np.hstack
            X = join([X, constant])
        return spread(X, parts, len(self.source_ids_) + 2, bool(as_sparse))

    def _training_rows(self, data: Stacked) -> NDArray[np.bool_]:
        if not (data.known & data.domains.target).any():
            raise ValueError(
                f"{type(self).__name__} learns from labeled target rows and y labels none of "
                "them; label some, or use a method without target labels (KMM, TCA, CORAL)."
            )
        return data.known

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the copies: ``common_x0``, ``source0_x0``, ``target_x0``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features that go in; None: those seen in ``fit``, or x0, x1, ...

        Returns
        -------
        names : ndarray of str
            The number in a source's prefix is its id.
        """
        names = list(super().get_feature_names_out(input_features))
        if self.intercept_scaling:
            constant = "intercept"
            while constant in names:  # a feature of the user's
                constant += "_"
            names.append(constant)
        prefixes = ["common", *(f"source{k}" for k in self.source_ids_), "target"]
        return np.array([f"{one}_{name}" for one in prefixes for name in names], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.estimator is not None and self.sparse_output is not False:
            tags.input_tags.sparse = get_tags(self.estimator).input_tags.sparse
        return tags
