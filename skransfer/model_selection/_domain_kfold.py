"""What the splitters share: held-out rows in balanced folds, all other rows in training."""

from abc import abstractmethod
from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from skransfer.base.domains import check_ids
from skransfer.model_selection._strata import deal, interleave, row_strata, stratum_labels

__all__ = ["DomainKFold"]

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


class DomainKFold(BaseCrossValidator):
    """Base of the splitters: some rows are held out in turn, all others always train.

    A subclass says which rows are held out (``_held_out``) and whose label values may shape the
    folds (``_may_read``).
    """

    # With metadata routing on, ``sample_domain=d`` arrives in ``split`` as ``groups``.
    __metadata_request__split: ClassVar[dict[str, str]] = {"groups": "sample_domain"}

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: int | RandomState | None = None,
    ):
        if not isinstance(n_splits, Integral) or isinstance(n_splits, bool):
            raise ValueError(
                f"n_splits must be an integer, got {n_splits!r} of type {type(n_splits).__name__}."
            )
        if n_splits < 2:
            raise ValueError(f"n_splits must be 2 or more to train and to judge, got {n_splits}.")
        if not isinstance(shuffle, bool):
            raise TypeError(f"shuffle must be True or False, got {shuffle!r}.")
        if not shuffle and random_state is not None:
            raise ValueError(
                "random_state has no effect with shuffle=False: leave it at None, or set "
                "shuffle=True."
            )
        self.n_splits: int = int(n_splits)
        self.shuffle: bool = shuffle
        self.random_state: int | RandomState | None = random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Ignored; here for compatibility.

        Returns
        -------
        n_splits : int
        """
        return self.n_splits

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Fold]:
        """Generate the row numbers of the training and of the test rows of each fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The stacked rows; only their number counts.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            The stacked labels, NaN or None where unknown.
        groups : array-like of shape (n_samples,) of int
            The ``sample_domain``: >= 0 source, < 0 target. With metadata routing on it is
            filled from ``sample_domain``.

        Yields
        ------
        train : ndarray of int
            Source and target rows interleaved, each domain and class in about its proportion.
        test : ndarray of int
            The rows held out, sorted.

        Raises
        ------
        ValueError
            If ``groups`` is missing or not valid, or there are fewer rows to hold out than
            ``n_splits``.
        """
        if groups is None:
            raise ValueError(
                f"{type(self).__name__} needs the domain of each row: pass sample_domain=... "
                "with metadata routing on, groups=... (the same array) with it off."
            )
        ids = check_ids(groups, X)
        labels = stratum_labels(y, len(ids))
        check_consistent_length(labels, ids)
        source = ids >= 0
        domains, classes = row_strata(labels, ids, self._may_read(source))
        rng = check_random_state(self.random_state) if self.shuffle else None
        folds = np.full(len(ids), -1, dtype=np.intp)
        for name, judged in self._held_out(labels, ids):
            self._require_rows(int(judged.sum()), name)
            folds[judged] = deal(domains[judged], classes[judged], self.n_splits, rng)
        for fold in range(self.n_splits):
            train = np.flatnonzero(folds != fold)
            yield interleave(train, domains, classes, source), np.flatnonzero(folds == fold)

    @abstractmethod
    def _held_out(
        self, y: NDArray[Any], ids: NDArray[np.int64]
    ) -> list[tuple[str, NDArray[np.bool_]]]:
        """Name and mask of each set of rows that is held out in turn."""

    def _may_read(self, source: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mask of the rows whose label values may shape the folds: the source, by default.

        So a selection with a label-free scorer never reads a target label, not even through
        the composition of the folds.
        """
        return source

    def _require_rows(self, n_rows: int, name: str) -> None:
        if n_rows >= self.n_splits:
            return
        raise ValueError(
            f"{self!r} cannot hold out {name} in turn: n_splits={self.n_splits}, but there are "
            f"only {n_rows} such rows. {self._way_out(n_rows, name)}"
        )

    def _way_out(self, n_rows: int, name: str) -> str:
        if n_rows >= 2:
            return f"Set n_splits to {n_rows} or less."
        sign = ">= 0" if name.startswith("source") else "negative"
        return f"In sample_domain the ids of {name} are {sign}; at least 2 rows are needed."
