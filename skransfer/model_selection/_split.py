"""Cross-validation that knows the two sides: who trains in each fold, and who is judged."""

from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from skransfer.model_selection._domain_kfold import DomainKFold
from skransfer.model_selection._strata import labeled_rows

__all__ = ["SourceKFold", "TargetKFold", "TwoSidedKFold"]


class TargetKFold(DomainKFold):
    """K folds over the target: source rows always train, target rows are held out in turn.

    What a fold reports is thus performance on the target, which is what transfer learning is
    for. A plain K-fold mixes both sides, and an easy source makes it look better than it is.

    Folds are stratified by target domain and, if the labels are classes, by class. Strata with
    fewer rows than folds are merged, so few labels are no reason for a warning: folds differ by
    at most one row in all and in each stratum, and a class with two rows or more is never held
    out as a whole. Labels are classes if they are strings, booleans or other objects, or
    integral numbers (as ints or floats) that repeat: each value 5 times on average, or at most
    20 values of which each occurs twice on average. With any other labels the folds are
    blocks of each domain, as in :class:`~sklearn.model_selection.KFold`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    holdout : {"labeled", "all"}, default="labeled"
        Which target rows are held out in turn. ``"labeled"``: those with a label; the others
        always train, as they do once the model is in use. For all scorers that compare with
        labels. ``"all"``: all of them, for scorers that need no label; folds are stratified by
        domain and by whether a row has a label, and never by a target label's value.
    shuffle : bool, default=False
        Whether rows are drawn at random. If False, each fold holds a block of each stratum.
    random_state : int, RandomState instance or None, default=None
        Only with ``shuffle=True``. An int gives the same folds in each call.

    See Also
    --------
    SourceKFold : Judge on source rows, when no target row has a label.
    TwoSidedKFold : Hold out a part of both sides.

    Notes
    -----
    Unknown labels are NaN, None or pandas NA, and -1 on target rows in integer class labels if
    no source row has that class.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.model_selection import TargetKFold
    >>> X = np.zeros((8, 1))
    >>> y = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, np.nan, np.nan]
    >>> sample_domain = [0, 0, -1, -1, -1, -1, -1, -1]
    >>> for train, test in TargetKFold(2).split(X, y, groups=sample_domain):
    ...     print(train, test)
    [0 4 5 6 1 7] [2 3]
    [0 2 3 6 1 7] [4 5]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        holdout: str = "labeled",
        shuffle: bool = False,
        random_state: int | RandomState | None = None,
    ):
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)
        if holdout not in ("labeled", "all"):
            raise ValueError(f"holdout must be 'labeled' or 'all', got {holdout!r}.")
        self.holdout = holdout

    def _held_out(
        self, y: NDArray[Any], ids: NDArray[np.int64]
    ) -> list[tuple[str, NDArray[np.bool_]]]:
        target = ids < 0
        if self.holdout == "all" or not target.any():
            return [("target rows", target)]
        return [("labeled target rows", target & labeled_rows(y, ids))]

    def _may_read(self, source: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if self.holdout == "all":
            return source
        return np.ones_like(source)

    def _way_out(self, n_rows: int, name: str) -> str:
        way_out = super()._way_out(n_rows, name)
        if name == "target rows":
            return way_out
        if n_rows < 2:
            way_out = "Too few target rows have a label in y."
        return (
            f"{way_out} holdout='all' holds out rows without a label too, for scorers that need "
            "none; SourceKFold judges on source rows."
        )


class SourceKFold(DomainKFold):
    """K folds over the source: target rows always train, source rows are held out in turn.

    For selection without target labels: held-out source rows have labels, and
    :class:`ImportanceWeightedScorer` weighs them to stand for the target. Unweighted, the score
    is performance on the source. Folds are stratified by source domain and class, by the rules
    of :class:`TargetKFold`; target labels are never read.

    Scorers given by name predict without domains, so they judge source rows as target rows: the
    same for weights, but not for a one-sided map such as CORAL. There, use
    :class:`ImportanceWeightedScorer`, or the estimator's own score with metadata routing on.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether rows are drawn at random. If False, each fold holds a block of each stratum.
    random_state : int, RandomState instance or None, default=None
        Only with ``shuffle=True``. An int gives the same folds in each call.

    See Also
    --------
    TargetKFold : Judge on target rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.model_selection import SourceKFold
    >>> X, sample_domain = np.zeros((6, 1)), [0, 0, 0, 0, -1, -1]
    >>> for train, test in SourceKFold(2).split(X, groups=sample_domain):
    ...     print(train, test)
    [2 4 3 5] [0 1]
    [0 4 1 5] [2 3]
    """

    def _held_out(
        self, y: NDArray[Any], ids: NDArray[np.int64]
    ) -> list[tuple[str, NDArray[np.bool_]]]:
        return [("source rows", ids >= 0)]


class TwoSidedKFold(DomainKFold):
    """K folds over each side: every fold holds out a part of the source and of the target.

    For scorers that compare the sides on rows not seen in training, such as a distance between
    the mapped domains. Target rows are held out with or without a label. Source folds are
    stratified by domain and class, target folds by domain and by whether a row has a label; the
    values of target labels are never read. Most scorers want rows of one side: see
    :class:`TargetKFold`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2; each side needs as many rows.
    shuffle : bool, default=False
        Whether rows are drawn at random. If False, each fold holds a block of each stratum.
    random_state : int, RandomState instance or None, default=None
        Only with ``shuffle=True``. An int gives the same folds in each call.

    See Also
    --------
    TargetKFold : Judge on target rows.
    SourceKFold : Judge on source rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.model_selection import TwoSidedKFold
    >>> X, sample_domain = np.zeros((6, 1)), [0, 0, 0, 0, -1, -1]
    >>> for train, test in TwoSidedKFold(2).split(X, groups=sample_domain):
    ...     print(train, test)
    [2 5 3] [0 1 4]
    [0 4 1] [2 3 5]
    """

    def _held_out(
        self, y: NDArray[Any], ids: NDArray[np.int64]
    ) -> list[tuple[str, NDArray[np.bool_]]]:
        return [("source rows", ids >= 0), ("target rows", ids < 0)]
