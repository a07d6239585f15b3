"""Easy transfer learning."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval, StrOptions, take_rows
from skransfer.base import BaseTransfer, Traits
from skransfer.base.judging import PredictsRows
from skransfer.base.labels import clean_labels
from skransfer.base.transfer import Stacked
from skransfer.solvers.coral import CoralMap
from skransfer.solvers.intra_domain import nearest_priced, solve_class_program
from skransfer.solvers.moments import rows_where

__all__ = ["EasyTL"]


class EasyTL(PredictsRows, BaseTransfer):
    r"""Easy transfer learning (EasyTL): a classifier with nothing to tune.

    The source is aligned to the target, each class is described by the center of its rows, and
    the target rows are given to classes all at once [1]_. With :math:`D_{cj}` the Euclidean
    distance of target row j from the center of class c,

    .. math:: \min_{M \ge 0} \sum_{cj} D_{cj} M_{cj} \quad\text{subject to}\quad
        \sum_c M_{cj} = 1, \quad \sum_j M_{cj} \ge 1,

    the intra-domain program: each row to its nearest center, but no class without a row. Its dual
    has a price :math:`p_c \ge 0` for each class, and the row belongs to the class of the least
    :math:`D_{cj} - p_c`. That rule serves new rows too. Prices are 0 where each class is nearest
    to some row: then it is the nearest center.

    Parameters
    ----------
    alignment : {"coral", None}, default="coral"
        Intra-domain alignment: "coral" recolors the source as :class:`CORAL` does. None: the rows
        are taken as they are, which the paper calls EasyTL(c); another alignment may come before
        it in a pipeline.
    alpha : float or "ledoit_wolf", default=1.0
        Added to the diagonals of both covariances by "coral".
    min_rows : int, default=1
        Least number of target rows of a class in ``fit``, 1 as in the paper. 0: the nearest
        center, for targets that may lack classes.
    train_on : {"source", "labeled"}, default="source"
        Rows that the centers are made of. "source" never reads a target label; "labeled" adds the
        target rows that have one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the rows whose labels are read.
    centers_ : ndarray of shape (n_classes, n_features)
        Centers of the classes, after the alignment.
    prices_ : ndarray of shape (n_classes,)
        :math:`p_c`, in the units of the distances.
    map_ : CoralMap or None
        The fitted alignment.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    CORAL : The alignment, for any estimator.
    SelfLabeling : Pseudo-labels for any classifier.

    Notes
    -----
    The program is solved exactly, in integers: rows start at their nearest centers, and each row
    that a class lacks comes along the cheapest chain of moves. Of the optimal prices those in the
    middle are taken, so that on the rows of ``fit`` the rule gives the program's solution, except
    where several are optimal: equal rows get equal classes, even if the program would part them.
    The solution has no entries but 0 and 1, so there are no probabilities;
    ``decision_function`` is :math:`p_c - D_{cj}`.

    An affine map takes centers to centers, so only these are mapped: beside the alignment, time is
    O(n d) and sparse X is not made dense. Standardize features first, and each domain by itself
    where the domains differ in scale, as the paper does. With one domain it is the
    nearest-centroid classifier.

    References
    ----------
    .. [1] J. Wang, Y. Chen, H. Yu, M. Huang, Q. Yang. Easy transfer learning by exploiting
       intra-domain structures. ICME, 2019. :arxiv:`1904.01376`

    Examples
    --------
    >>> from skransfer import EasyTL
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> model = EasyTL().fit(X, y, sample_domain=sample_domain)
    >>> model.decision_function(X[:3]).shape, model.centers_.shape
    ((3,), (2, 10))
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            {"alignment": ({}, None), "alpha": ({}, 0.0), "min_rows": ({}, 15)}
        ),
    )
    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"sample_domain": True}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alignment": [StrOptions({"coral"}), None],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"ledoit_wolf"})],
        "min_rows": [Interval(Integral, 0, None, closed="left")],
        "train_on": [StrOptions({"source", "labeled"})],
    }

    def __init__(
        self,
        *,
        alignment: str | None = "coral",
        alpha: float | str = 1.0,
        min_rows: int = 1,
        train_on: str = "source",
    ) -> None:
        self.alignment = alignment
        self.alpha = alpha
        self.min_rows = min_rows
        self.train_on = train_on

    def _takes_params(self) -> bool:
        return False

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> None:
        X, domains = data.numeric, data.domains
        read = domains.source if self.train_on == "source" else data.known
        labels = clean_labels(take_rows(data.y, np.flatnonzero(read)), classifier=True)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        of_row = np.full(X.shape[0], -1)
        of_row[read] = codes
        self.map_ = None
        if self.alignment == "coral" and not domains.single:
            sides = (rows_where(X, mask) for mask in (domains.source, domains.target))
            self.map_ = CoralMap.fit(*sides, self.alpha)
        self.centers_ = self._centers(X, of_row, domains.source)
        self.prices_ = np.zeros(len(self.classes_))
        if not domains.single:
            costs = self._distances(rows_where(X, domains.target))
            self._check_enough(len(costs))
            self.prices_ = solve_class_program(costs, self.min_rows).prices

    def _centers(
        self, X: Any, of_row: NDArray[np.intp], source: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Means of the classes; the source's part of each is aligned."""
        total = np.zeros((len(self.classes_), X.shape[1]))
        for side in (source, ~source):
            rows = np.flatnonzero(side & (of_row >= 0))
            indicators = sp.csr_array(
                (np.ones(len(rows)), (of_row[rows], rows)), shape=(len(total), X.shape[0])
            )
            sums, counts = indicators @ X, np.bincount(of_row[rows], minlength=len(total))
            means = (sums.toarray() if sp.issparse(sums) else sums) / np.maximum(counts, 1)[:, None]
            if side is source and self.map_ is not None:
                means = self.map_(means)
            total += counts[:, None] * means
        return total / np.bincount(of_row[of_row >= 0])[:, None]

    def _check_enough(self, n_target: int) -> None:
        if n_target < self.min_rows * len(self.classes_):
            raise ValueError(
                f"min_rows={self.min_rows} asks the target for {self.min_rows} rows of each of "
                f"{len(self.classes_)} classes, and it has {n_target} rows. Pass more of them, or "
                "min_rows=0, which takes the nearest center."
            )

    def _distances(self, X: Any) -> NDArray[np.float64]:
        if sp.issparse(X):
            return np.asarray(euclidean_distances(X.astype(np.float64), self.centers_))
        return np.asarray(cdist(X, self.centers_))

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.classes_[nearest_priced(self._distances(X), self.prices_)])

    def decision_function(self, X: Any, *, sample_domain: Any = None) -> NDArray[np.float64]:
        """Prices minus distances from the centers; arguments as in ``predict``.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes), or (n_samples,) with two classes
            With two, by how much the second exceeds the first.
        """
        X, _ = self._check_rows(X, sample_domain)
        scores = self.prices_ - self._distances(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
