"""The loop of maps and pseudo-labels, with maps and classifiers whose course is known."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from skransfer.base import Domains
from skransfer.feature._pseudo_labels import (
    PseudoLabelMapper,
    RowClasses,
    Solution,
    name_rows,
    read_classes,
    refine,
)
from skransfer.instance import KMM

D = Domains(np.array([0, -1, 0, -1, -2]))
Y = np.array(["b", None, "a", "c", None], dtype=object)


class Copy(PseudoLabelMapper):
    """Maps rows to themselves plus a feature of the classes, and counts how often."""

    def __init__(
        self, estimator=None, *, labeler=None, max_iter=10, train_on="source", verbose=0, gain=0.0
    ):
        self.estimator = estimator
        self.labeler = labeler
        self.max_iter = max_iter
        self.train_on = train_on
        self.verbose = verbose
        self.gain = gain

    def _fit_map(self, X, y, domains):
        def solve(codes):
            self.seen_ = codes
            return Solution(None, X + self.gain * codes[:, None], {"objective": codes.sum()})

        return self._refine(solve, read_classes(y, domains, self.train_on), domains).rows

    def _map(self, X, domains):
        return X


def test_what_may_be_read():
    ours = read_classes(Y, D)
    assert ours.names.tolist() == ["a", "b"]
    assert ours.codes.tolist() == [1, -1, 0, -1, -1]
    assert ours.unlabeled.tolist() == [1, 3, 4]
    more = read_classes(Y, D, "labeled")
    assert more.names.tolist() == ["a", "b", "c"]
    assert more.codes.tolist() == [1, -1, 0, 2, -1]
    integers = read_classes(np.array([0, -1, 1, 1, -1]), D, "labeled")
    assert integers.codes.tolist() == [0, -1, 1, 1, -1]  # -1 is unknown
    single = read_classes(np.array([4, 2, 4, 2, 2]), Domains.one(5))
    assert single.codes.tolist() == [1, 0, 1, 0, 0]
    assert len(single.unlabeled) == 0


def test_classes_are_not_numbers_of_any_kind():
    with pytest.raises(ValueError, match="label type"):
        read_classes(np.array([0.25, np.nan, 0.5, np.nan, np.nan]), D)


def _refine(script, max_iter, first=None, verbose=0):
    """The course of the loop for labels that are given in advance."""
    solved, asked = [], []

    def solve(codes):
        solved.append(codes.tolist())
        return Solution(len(solved), np.full((5, 1), len(solved)), {"objective": -len(solved)})

    def label(mapped):
        asked.append(mapped[0, 0])
        named = np.array([1, -1, 0, -1, -1])
        named[[1, 3, 4]] = script[len(asked) - 1]
        return named

    found = refine(solve, label, read_classes(Y, D), max_iter, first=first, verbose=verbose)
    return found, solved, asked


def test_labels_at_rest_end_it():
    found, solved, asked = _refine([[0, 0, 1], [0, 1, 1], [0, 1, 1]], 10)
    assert solved == [[1, -1, 0, -1, -1], [1, 0, 0, 0, 1], [1, 0, 0, 1, 1]]
    assert asked == [1, 2, 3]
    assert found.n_solved == found.solution.found == 3
    assert found.codes.tolist() == solved[-1]
    np.testing.assert_allclose(found.history["changed"], [np.nan, 1, 1 / 3, 0])
    assert found.history["objective"].tolist() == [-1, -2, -3, -3]


@pytest.mark.parametrize("max_iter", [1, 2, 3])
def test_no_more_maps_than_allowed(max_iter):
    found, solved, asked = _refine([[0, 0, 1], [0, 1, 1], [0, 0, 1]], max_iter)
    assert len(solved) == found.n_solved == max_iter
    assert len(asked) == max_iter - 1


def test_first_labels_may_be_given():
    first = np.array([1, 0, 0, 1, 1])
    found, solved, _ = _refine([[0, 1, 1]], 10, first=first)
    assert solved == [first.tolist()]
    assert found.history["changed"][1] == 0.0  # they were those of the first map


def test_verbose_speaks(capsys):
    _refine([[0, 0, 1], [0, 0, 1]], 10, verbose=1)
    assert capsys.readouterr().out.splitlines() == [
        "labeling 1: 100.00% of 3 target rows changed",
        "labeling 2: 0.00% of 3 target rows changed",
    ]


ROWS = np.array([[0.0], [0.2], [5.0], [4.0], [4.4]])


def test_a_mapper_reports_the_labels_of_its_last_map():
    mapper = Copy().fit(ROWS, Y, sample_domain=D.ids)
    assert mapper.pseudo_labels_.tolist() == ["b", "a", "a"]
    assert mapper.n_iter_ == 2
    assert mapper.history_["changed"][1:].tolist() == [1, 0]
    labeled = Copy(train_on="labeled").fit(ROWS, Y, sample_domain=D.ids)
    assert labeled.pseudo_labels_.tolist() == ["b", "c", "c"]
    assert labeled.seen_.tolist() == [1, 1, 0, 2, 2]
    unlabeled = Copy(max_iter=1).fit(ROWS, Y, sample_domain=D.ids)
    assert unlabeled.pseudo_labels_.tolist() == [None, None, None]
    numbers = Copy(max_iter=1).fit(ROWS, [0, 9, 1, 9, 9], sample_domain=D.ids)
    assert np.isnan(numbers.pseudo_labels_).all()


def test_who_labels():
    y = np.array([0, 9, 1, 9, 9])
    assert Copy()._labels_with().n_neighbors == 1
    assert isinstance(Copy(DecisionTreeClassifier())._labels_with(), DecisionTreeClassifier)
    both = Copy(LogisticRegression(), labeler=DecisionTreeClassifier())
    assert isinstance(both._labels_with(), DecisionTreeClassifier)
    assert isinstance(both.fit(ROWS, y, sample_domain=D.ids).estimator_, LogisticRegression)
    assert not hasattr(both.labeler, "classes_")  # a clone was fitted


@pytest.mark.parametrize(
    ("estimator", "labeler", "message"),
    [
        (Ridge(), None, "Ridge is no classifier.*TCA"),
        (Ridge(), KNeighborsClassifier(1), "Ridge is no classifier"),
        (None, Ridge(), "labeler=Ridge.*no classifier"),
        (None, KMM(LogisticRegression()), "transfer estimator"),
        (KMM(LogisticRegression()), None, "transfer estimator"),
    ],
)
def test_who_cannot_label(estimator, labeler, message):
    with pytest.raises(TypeError, match=message):
        Copy(estimator, labeler=labeler).fit(ROWS, [0, 0, 1, 0, 0], sample_domain=D.ids)


def test_labels_are_needed():
    with pytest.raises(ValueError, match="requires y"):
        Copy().fit(ROWS, sample_domain=D.ids)


PLACES = np.array([[0.0], [9.0], [8.0], [1.0], [7.0]])
CLASSES = RowClasses(np.array(["a", "b"]), np.array([0, 1, -1, 1, -1]), np.array([2, 4]))


def test_known_rows_keep_their_class():
    labeler = KNeighborsClassifier(1)
    np.testing.assert_array_equal(name_rows(labeler, PLACES, CLASSES), [0, 1, 1, 1, 1])
    np.testing.assert_array_equal(CLASSES.codes, [0, 1, -1, 1, -1])
    with pytest.raises(NotFittedError):
        check_is_fitted(labeler)


def test_without_unlabeled_rows_nothing_is_fitted():
    known = CLASSES._replace(codes=np.array([0, 1, 0, 1, 1]), unlabeled=np.empty(0, np.intp))
    np.testing.assert_array_equal(name_rows(None, PLACES, known), known.codes)
