"""The laws catch estimators that break them: one culprit for each law."""

import warnings

import numpy as np
import pytest
from sklearn.base import OneToOneFeatureMixin
from sklearn.linear_model import LogisticRegression

from skransfer import SourceOnly
from skransfer.base import BaseMapper, BaseReweighter, BaseRowSelector, Traits
from skransfer.utils.estimator_checks import check_transfer_estimator, estimator_laws


class Weights(BaseReweighter):
    """A lawful reweighter: weights fall with the distance from the target's mean."""

    traits = Traits(target_labels="optional")

    def __init__(self, estimator=None, *, train_on="source", width=1.0):
        self.estimator = estimator
        self.train_on = train_on
        self.width = width

    def _fit_weights(self, X, y, domains):
        X = X.toarray() if hasattr(X, "toarray") else X
        self.center_ = X[domains.target].mean(axis=0)
        return self._weights(X[domains.source], y, domains)

    def _weights(self, source, y, domains):
        distances = ((source.astype(float) - self.center_) ** 2).mean(axis=1)
        return np.exp(-distances / self.width)


class Center(OneToOneFeatureMixin, BaseMapper):
    """A lawful map: source rows move to the target's mean."""

    traits = Traits(target_labels="optional")

    def __init__(self, estimator=None, *, train_on="source"):
        self.estimator = estimator
        self.train_on = train_on

    def _fit_map(self, X, y, domains):
        X = X.toarray() if hasattr(X, "toarray") else X
        self.offset_ = X[domains.target].mean(axis=0) - X[domains.source].mean(axis=0)

    def _map(self, X, domains):
        X = X.toarray() if hasattr(X, "toarray") else X
        return X + np.outer(domains.ids >= 0, self.offset_).astype(X.dtype)


class PeeksAtTargetLabels(Weights):
    def _weights(self, source, y, domains):
        if y is None or domains.single or y.dtype.kind not in "if":
            return super()._weights(source, y, domains)
        return super()._weights(source, y, domains) + np.nansum(y[domains.target] == 0)


class TrustsTheFirstRow(Weights):
    def _weights(self, source, y, domains):
        self.center_ = source[0]
        return super()._weights(source, y, domains)


class UsesTheSizeOfIds(Weights):
    def _weights(self, source, y, domains):
        return super()._weights(source, y, domains) ** (1 + domains.ids.max() / 10)


class DrawsFromTheGlobalGenerator(Weights):
    def _weights(self, source, y, domains):
        return super()._weights(source, y, domains) + 0 * np.random.rand()


class RemembersTheLastFit(Weights):
    def _weights(self, source, y, domains):
        self._calls = getattr(self, "_calls", 0) + 1
        return super()._weights(source, y, domains) ** self._calls


class IgnoresAnArgument(Weights):
    def _weights(self, source, y, domains):
        distances = ((source.astype(float) - self.center_) ** 2).mean(axis=1)
        return np.exp(-distances)


class ChangesAParameter(Weights):
    def _weights(self, source, y, domains):
        weights = super()._weights(source, y, domains)
        self.width = 2.0
        return weights


class LosesDigits(Weights):
    def _weights(self, source, y, domains):
        exact = source.dtype == np.float64
        return super()._weights(source, y, domains) ** (1.0 if exact else 2.0)


class MapsByTheBatch(Center):
    def _map(self, X, domains):
        mapped = super()._map(X, domains)
        return mapped - mapped.mean(axis=0)


class MapsTrainingRowsOtherwise(Center):
    def _fit_map(self, X, y, domains):
        super()._fit_map(X, y, domains)
        return self._map(X, domains) * 2


class KeepsDoublePrecision(Center):
    def _map(self, X, domains):
        return super()._map(X, domains).astype(np.float64)


class DropsTheFirstTargetRows(BaseRowSelector):
    traits = Traits(target_labels="required")

    def __init__(self, estimator):
        self.estimator = estimator

    def _select(self, known, domains):
        rows = np.flatnonzero(domains.target & known)
        mask = np.zeros(len(known), dtype=bool)
        mask[rows[10:]] = True
        return mask


CULPRITS = [
    (PeeksAtTargetLabels, "label_blind"),
    (TrustsTheFirstRow, "row_order"),
    (UsesTheSizeOfIds, "domain_ids_are_names"),
    (DrawsFromTheGlobalGenerator, "inputs_untouched"),
    (RemembersTheLastFit, "clone_and_pickle"),
    (IgnoresAnArgument, "arguments_matter"),
    (ChangesAParameter, "inputs_untouched"),
    (LosesDigits, "float32"),
    (MapsByTheBatch, "subset_invariance"),
    (MapsTrainingRowsOtherwise, "fit_transform"),
    (KeepsDoublePrecision, "float32"),
    (DropsTheFirstTargetRows, "row_order"),
    (DropsTheFirstTargetRows, "no_transfer_limit"),
]


@pytest.mark.parametrize("cls", [Weights, Center])
def test_lawful_estimators_pass(cls):
    assert len(check_transfer_estimator(cls(LogisticRegression(tol=1e-9)))) > 20
    assert "row_order" in check_transfer_estimator(Center())


@pytest.mark.parametrize(("cls", "law"), CULPRITS, ids=lambda value: str(value))
def test_culprits_are_caught(cls, law):
    laws = dict(estimator_laws(cls(LogisticRegression(tol=1e-9))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(AssertionError):
            laws[law]()


def test_exempt_laws_are_left_out_and_named():
    class Exempt(Weights):
        traits = Traits(target_labels="optional", exempt={"row_order": "a reason"})

    names = [name for name, _ in estimator_laws(Exempt())]
    assert "row_order" not in names
    assert "label_blind" in names


def test_baselines_hold_all_laws():
    assert "searches" in check_transfer_estimator(SourceOnly(LogisticRegression(tol=1e-9)))
