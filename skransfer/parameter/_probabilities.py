"""Classifiers that predict by probabilities, or by logits of which these are the softmax."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from skransfer.base import BaseSourceInformed

__all__ = ["BaseLogitClassifier", "BaseProbabilityClassifier"]


class BaseProbabilityClassifier(BaseSourceInformed):
    """A classifier around the hook ``_proba``."""

    _estimator_type = "classifier"
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}

    @abstractmethod
    def _proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of ``classes_`` for validated rows."""

    def predict_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Class probabilities; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        X, _ = self._check_rows(X, sample_domain)
        return self._proba(X)

    def predict_log_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Logarithms of the class probabilities; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        log_P : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, sample_domain=sample_domain))

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.classes_[self._proba(X).argmax(axis=1)])


class BaseLogitClassifier(BaseProbabilityClassifier):
    """A classifier around the hook ``_logits``."""

    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"sample_domain": True}

    @abstractmethod
    def _logits(self, X: Any) -> NDArray[np.float64]:
        """Logits of ``classes_`` for validated rows, a column for each class."""

    def decision_function(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Logits; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column, the log-odds of the second class, if there are two.
        """
        X, _ = self._check_rows(X, sample_domain)
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def _proba(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(softmax(self._logits(X), axis=1))

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.classes_[self._logits(X).argmax(axis=1)])
