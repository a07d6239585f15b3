"""A cell hides what it must, judges the right rows, and turns an exception into a result."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from benchmarks.methods import METHODS, Method
from benchmarks.runner import Cell, hide_labels, run_cell, run_tasks
from benchmarks.tasks import Data, Task
from skransfer import SourceOnly

SEEN = {}


class Spy(ClassifierMixin, BaseEstimator):
    """Notes what reaches it; predicts the first class."""

    __metadata_request__fit = {"sample_domain": True}

    def fit(self, X, y, sample_domain=None):
        SEEN.update(X=X, y=y, sample_domain=sample_domain)
        return self

    def predict(self, X):
        SEEN["judged"] = X
        return np.zeros(len(X), dtype=int)


class Broken(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        raise ArithmeticError("no such luck")

    def predict(self, X):
        return X


def _data(kind="classification", seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 3))
    y = rng.integers(2, size=40) if kind == "classification" else rng.normal(size=40)
    sample_domain = np.repeat([0, -1], 20)
    labeled = np.zeros(40, dtype=bool)
    labeled[20:24] = True
    return Data(X, y, sample_domain, labeled)


def _task(**changes):
    settings = {"name": "toy", "load": lambda seed: _data(seed=seed), "protocol": "toy"}
    return Task(**{**settings, **changes})


def _method(make, **settings):
    return Method("spy", lambda base, seed: make, **settings)


def test_hidden_labels_do_not_reach_the_method():
    SEEN.clear()
    data = _data()
    cell = run_cell(_task(few_labels=True), _method(Spy()), 0, "linear", data)
    hidden = np.isnan(SEEN["y"])
    assert hidden.tolist() == [False] * 24 + [True] * 16
    np.testing.assert_array_equal(SEEN["y"][:24], data.y[:24])
    np.testing.assert_array_equal(SEEN["sample_domain"], data.sample_domain)
    np.testing.assert_array_equal(SEEN["judged"], data.X[24:])
    assert cell.score == pytest.approx(100 * np.mean(data.y[24:] == 0))


def test_a_scaler_in_front_hands_the_domains_on():
    class Learner(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            SEEN.update(X=X, y=y)
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

    SEEN.clear()
    data = _data()
    shifted = data._replace(X=data.X + 1000)
    cell = run_cell(_task(scale=True), _method(SourceOnly(Learner())), 0, "linear", shifted)
    assert cell.status == "ok", cell.traceback
    np.testing.assert_array_equal(SEEN["y"], data.y[:20])
    assert np.abs(SEEN["X"]).max() < 10


@pytest.mark.parametrize(
    ("y", "unknown"),
    [(np.arange(4), np.nan), (np.array(list("abab")), None), (np.ones((4, 2)), np.nan)],
)
def test_hide_labels(y, unknown):
    before = y.copy()
    hidden = hide_labels(y, np.array([False, True, False, True]))
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(hidden[[0, 2]], y[[0, 2]])
    gaps = hidden[[1, 3]].ravel()
    assert all(v is None for v in gaps) if unknown is None else np.isnan(gaps).all()


def test_an_exception_is_a_result():
    cell = run_cell(_task(), _method(Broken()), 3, "linear")
    assert (cell.status, cell.seed, cell.score) == ("error", 3, None)
    assert cell.reason == "ArithmeticError: no such luck"
    assert "Traceback" in cell.traceback


def test_a_score_that_is_not_finite_is_an_error():
    class Wild(Spy):
        def predict(self, X):
            return np.full(len(X), np.inf)

    data = _data("regression")
    cell = run_cell(_task(kind="regression", metric="RMSE"), _method(Wild()), 0, "linear", data)
    assert cell.status == "error"


@pytest.mark.parametrize(
    ("method", "task", "base", "words"),
    [
        ("TargetOnly", _task(), "linear", "labeled target rows"),
        ("RidgeTransfer", _task(few_labels=True), "linear", "regression only"),
        ("TrAdaBoost", _task(kind="regression", metric="R2"), "linear", "classification only"),
        ("KMM", _task(), "nn", "KNeighborsClassifier takes no sample_weight"),
        ("SourceOnly", _task(), "pls", "does no classification"),
    ],
)
def test_a_method_that_cannot_run_says_why(method, task, base, words):
    cell = run_cell(task, METHODS[method], 0, base)
    assert cell.status == "not applicable"
    assert words in cell.reason
    assert cell.traceback is None


def test_warnings_are_kept():
    import warnings

    class Warner(Spy):
        def fit(self, X, y, sample_domain=None):
            warnings.warn("mind the gap", UserWarning, stacklevel=2)
            return self

    cell = run_cell(_task(), _method(Warner()), 0, "linear")
    assert cell.warnings == ("UserWarning: mind the gap",)


def test_run_tasks_keeps_the_order_and_repeats_only_what_is_random():
    tasks = [_task(name="a"), _task(name="b", seeds=1)]
    seen = []

    def watch(finished, total):
        for unit in finished:
            seen.append((unit[:2], total))
            yield unit

    cells, facts = run_tasks(tasks, [METHODS["SourceOnly"]], 3, progress=watch)
    assert [(c.task, c.seed) for c in cells] == [("a", 0), ("a", 1), ("a", 2), ("b", 0)]
    assert all(isinstance(cell, Cell) and cell.status == "ok" for cell in cells)
    assert facts["a"] == {
        "n_source": 20,
        "n_target": 20,
        "n_labeled": 4,
        "n_judged": 16,
        "n_features": 3,
    }
    assert seen[-1] == (("b", 0), 4)
