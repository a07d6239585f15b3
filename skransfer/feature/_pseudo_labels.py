"""Maps that use the classes of target rows, as a classifier of the mapped rows names them."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import HasMethods, Interval, take_rows
from skransfer.base import BaseMapper, Domains
from skransfer.base.labels import class_names, clean_labels, known_labels
from skransfer.base.weighting import check_not_nested
from skransfer.kernels import to_host

__all__ = [
    "PseudoLabelMapper",
    "Refined",
    "RowClasses",
    "Solution",
    "check_labeler",
    "name_rows",
    "read_classes",
    "refine",
]


class RowClasses(NamedTuple):
    """What a fit may know of the classes of its rows.

    Attributes
    ----------
    names : ndarray of shape (n_classes,)
        Class names, sorted.
    codes : ndarray of shape (n_samples,)
        Class of each row by its place in ``names``; -1 on target rows whose label is unknown or
        may not be read.
    unlabeled : ndarray of shape (n_unlabeled,)
        Index of those rows.
    """

    names: NDArray[Any]
    codes: NDArray[np.intp]
    unlabeled: NDArray[np.intp]


class Solution(NamedTuple):
    """A map for given classes.

    Attributes
    ----------
    found : object
        Whatever the solver returned.
    rows : array of shape (n_samples, n_components)
        The rows of fit, mapped.
    facts : dict of float
        What is recorded of it: the objective.
    """

    found: Any
    rows: Any
    facts: dict[str, float]


class Refined(NamedTuple):
    """What `refine` found.

    Attributes
    ----------
    solution : Solution
        The last.
    codes : ndarray of shape (n_samples,)
        Classes that it was computed for.
    history : dict of ndarray
        Entry 0 is of the first map, entry t of the t-th time that rows were labeled: ``changed``,
        the share of the unlabeled rows with another label than before (NaN at 0), and the facts.
    n_solved : int
        Maps computed.
    """

    solution: Solution
    codes: NDArray[np.intp]
    history: dict[str, NDArray[np.float64]]
    n_solved: int


def read_classes(y: Any, domains: Domains, train_on: str = "source") -> RowClasses:
    """The classes of the rows of a fit, as far as they may be read.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels; validated.
    domains : Domains
    train_on : {"source", "labeled"}, default="source"
        "labeled": the labels of target rows count too, where they are known.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.base import Domains
    >>> from skransfer.feature._pseudo_labels import read_classes
    >>> y, domains = np.array([3.0, 5.0, np.nan, 3.0]), Domains(np.array([0, 0, -1, -1]))
    >>> read_classes(y, domains).codes
    array([ 0,  1, -1, -1])
    >>> read_classes(y, domains, "labeled").codes
    array([ 0,  1, -1,  0])
    """
    readable = domains.source
    if train_on == "labeled":
        readable = readable | known_labels(y, domains, classifier=True)
    index = np.flatnonzero(readable)
    labels = clean_labels(take_rows(y, index), classifier=True)
    check_classification_targets(labels)
    names, found = np.unique(labels, return_inverse=True)
    codes = np.full(len(domains.ids), -1, dtype=np.intp)
    codes[index] = found
    return RowClasses(names, codes, np.flatnonzero(~readable))


def check_labeler(owner: Any, labeler: Any) -> None:
    """Refuse, early, what cannot name classes.

    Raises
    ------
    TypeError
        If it is no classifier, or is a transfer estimator itself.
    """
    check_not_nested(owner, labeler)
    if not is_classifier(labeler):
        raise TypeError(
            f"labeler={labeler!r} is to name the classes of target rows, and is no classifier."
        )


def name_rows(labeler: Any, rows: Any, classes: RowClasses) -> NDArray[np.intp]:
    """Classes of all rows: those that may be read, and what a clone of the labeler says.

    Parameters
    ----------
    labeler : classifier
        Fitted to the rows whose class may be read.
    rows : array of shape (n_samples, n_features)
        On any device: the labeler gets them on the host.
    classes : RowClasses

    Returns
    -------
    ndarray of shape (n_samples,) of int
        Places in ``classes.names``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skransfer.feature._pseudo_labels import RowClasses, name_rows
    >>> classes = RowClasses(np.array(["a", "b"]), np.array([0, 1, -1]), np.array([2]))
    >>> name_rows(KNeighborsClassifier(1), np.array([[0.0], [9.0], [8.0]]), classes)
    array([0, 1, 1])
    """
    codes = classes.codes.copy()
    if len(classes.unlabeled):
        rows = to_host(rows)
        known = np.flatnonzero(codes >= 0)
        fitted = clone(labeler).fit(rows[known], classes.names[codes[known]])
        codes[classes.unlabeled] = np.searchsorted(
            classes.names, fitted.predict(rows[classes.unlabeled])
        )
    return codes


def refine(
    solve: Callable[[NDArray[np.intp]], Solution],
    label: Callable[[NDArray[Any]], NDArray[np.intp]],
    classes: RowClasses,
    max_iter: int,
    *,
    first: NDArray[np.intp] | None = None,
    verbose: int = 0,
) -> Refined:
    """Compute a map, label the target rows with it, compute the map for these labels, and so on.

    Labels that stay as they were end it: the next map would be the same, and so on forever.

    Parameters
    ----------
    solve : callable
        ``solve(codes)`` returns the map for classes of all rows; -1: none yet.
    label : callable
        ``label(mapped)`` returns the classes of all rows, learned from those that may be read.
    classes : RowClasses
    max_iter : int
        Most maps, the first included.
    first : ndarray of shape (n_samples,), default=None
        Classes of all rows for the first map. None: those that may be read.
    verbose : int, default=0
        1: a line for each labeling.

    Returns
    -------
    Refined
    """
    codes, unlabeled = classes.codes if first is None else first, classes.unlabeled
    solution, n_solved = solve(codes), 1
    records = [{"changed": np.nan, **solution.facts}]
    while n_solved < max_iter and len(unlabeled):
        named = label(solution.rows)
        changed = float(np.mean(named[unlabeled] != codes[unlabeled]))
        if verbose:
            print(  # noqa: T201 - what verbose asks for
                f"labeling {len(records)}: {changed:.2%} of {len(unlabeled)} target rows changed"
            )
        if changed:
            codes = named
            solution, n_solved = solve(codes), n_solved + 1
        records.append({"changed": changed, **solution.facts})
        if not changed:
            break
    history = {name: np.array([record[name] for record in records]) for name in records[0]}
    return Refined(solution, codes, history, n_solved)


class PseudoLabelMapper(BaseMapper):
    """A mapper that adapts classes, and labels the target rows to know them.

    A method calls ``_refine`` in its hook ``_fit_map``; that sets ``pseudo_labels_``,
    ``history_`` and ``n_iter_``.
    """

    _reads_classes = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "labeler": [HasMethods(["fit", "predict"]), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
    }

    labeler: Any
    max_iter: int
    train_on: str
    verbose: Any

    def _refine(
        self,
        solve: Callable[[NDArray[np.intp]], Solution],
        classes: RowClasses,
        domains: Domains,
        rows: Any = None,
    ) -> Solution:
        """The last of the maps that `refine` goes through.

        Where `rows` are given they name the first classes, as they are; else the first map knows
        the classes that may be read.
        """
        labeler = self._labels_with()

        def label(mapped: Any) -> NDArray[np.intp]:
            return name_rows(labeler, mapped, classes)

        first = None if rows is None else label(rows)
        found = refine(solve, label, classes, self.max_iter, first=first, verbose=self.verbose)
        self.history_, self.n_iter_ = found.history, found.n_solved
        side = np.flatnonzero(domains.target & ~domains.source)
        self.pseudo_labels_ = class_names(classes.names, found.codes[side])
        return found.solution

    def _labels_with(self) -> Any:
        if self.labeler is not None:
            return self.labeler
        return KNeighborsClassifier(1) if self.estimator is None else self.estimator

    def _check_parts(self) -> None:
        super()._check_parts()
        check_labeler(self, self._labels_with())
