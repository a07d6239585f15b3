"""Rank classifiers for a new task, and reuse the best."""

from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.utils.metaestimators import available_if

from skransfer._compat import StrOptions
from skransfer.base import Knowledge, NamedModel, Traits
from skransfer.parameter._hypothesis_transfer_classifier import HypothesisTransferClassifier
from skransfer.parameter._one_vs_rest import used_rows
from skransfer.parameter._pool import as_model_rows, class_scores, label_codes
from skransfer.parameter._zoo import BaseModelZoo
from skransfer.solvers.ridge import fit_ridge
from skransfer.solvers.transferability import h_score, leep, logme, nce

__all__ = ["ModelZooClassifier"]


def _method_has(name: str) -> Any:
    def check(self: Any) -> bool:
        return hasattr(getattr(self, "method_", None) or self._reuse(), name)

    return check


class ModelZooClassifier(BaseModelZoo):
    r"""Rank fitted classifiers for a new task by transferability, and reuse the best.

    Each model of the zoo is asked once for the labeled target rows, and scored by how much its
    outputs tell of their labels, without fitting anything that is kept. The best one becomes the
    source of a transfer method. A zoo of many models costs little more than their predictions,
    where cross-validation of each would fit the method many times.

    Parameters
    ----------
    source : list, FrozenEstimator, estimator or None, default=None
        The zoo: a list of ``FrozenEstimator(model)``, or of pairs of a name and such a model; one
        frozen model; or an unfitted estimator, None for ``LogisticRegression()``, which is fitted
        on each source domain by itself, if there are source rows. Without models and source rows
        ``method`` is fitted without a source.
    method : estimator, default=None
        Reuses the best model: a classifier of ``skransfer.parameter`` with a parameter ``source``,
        which is set. None: :class:`HypothesisTransferClassifier`, which takes models of any
        kind. Its own ``source`` is not looked at.
    metric : {"leep", "nce", "logme", "h_score", "loo"}, default="leep"
        Score of a model, greater is better. The labels through the model's classes, whatever those
        are: "leep" [1]_ takes its probabilities and "nce" [2]_ its predicted classes. A linear
        function of its scores: "logme" [3]_ with an intercept, "h_score" [4]_, or "loo", the
        negative leave-one-out mean squared error of a ridge regression of labels -1 and +1. See
        :mod:`skransfer.metrics`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the labeled target rows.
    scores_ : ndarray of shape (n_sources,)
        Score of each model, in the order of ``sources_``.
    ranking_ : ndarray of shape (n_sources,)
        Positions of the models in ``sources_``, best first.
    best_source_ : pair or None
        The best model, with attributes ``name`` and ``model``: to predict as it stands, ask
        ``best_source_.model``. None without sources.
    sources_ : tuple
        All models as such pairs; those fitted here are named by their domain.
    method_ : estimator
        The method, fitted from the best model.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    ModelZooRegressor : The same for numbers.
    HypothesisTransferClassifier : Weighs several models instead of taking one.
    GreedyTransferClassifier : Takes a few of very many.

    Notes
    -----
    The predictions of each model on the labeled target rows, and a fit of ``method``. Where two
    models are equally good the first is taken. The choice is part of the fit, so that
    cross-validation of the zoo judges it too. "leep" and "nce" are optimistic for models with
    very many classes.

    References
    ----------
    .. [1] C. Nguyen, T. Hassner, M. Seeger, C. Archambeau. LEEP: a new measure to evaluate
       transferability of learned representations. ICML, 2020.
    .. [2] A. Tran, C. Nguyen, T. Hassner. Transferability and hardness of supervised
       classification tasks. ICCV, 2019.
    .. [3] K. You, Y. Liu, J. Wang, M. Long. LogME: practical assessment of pre-trained models for
       transfer learning. ICML, 2021.
    .. [4] Y. Bao, Y. Li, S.-L. Huang, L. Zhang, L. Zheng, A. Zamir, L. Guibas. An
       information-theoretic approach to transferability in task transfer learning. ICIP, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.frozen import FrozenEstimator
    >>> from skransfer import ModelZooClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> zoo = []
    >>> for j in range(3):
    ...     model = RandomForestClassifier(10, random_state=0).fit(X, np.abs(X[:, j]) > 0.7)
    ...     zoo.append((f"feature {j}", FrozenEstimator(model)))
    >>> Xt = rng.normal(size=(20, 3))
    >>> yt = np.abs(Xt[:, 1]) > 0.8
    >>> model = ModelZooClassifier(source=zoo).fit(Xt, yt)
    >>> model.best_source_.name
    'feature 1'
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="required",
        multi_source="distinguished",
        needs_source=False,
        inert=MappingProxyType({"metric": "there is nothing to choose from one source domain"}),
        examples=MappingProxyType({"method": ({}, HypothesisTransferClassifier(alpha=10.0))}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseModelZoo._parameter_constraints,
        "metric": [StrOptions({"leep", "nce", "logme", "h_score", "loo"})],
    }
    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}

    def __init__(self, *, source: Any = None, method: Any = None, metric: str = "leep") -> None:
        super().__init__(source=source, method=method, metric=metric)

    def _default_source(self) -> Any:
        return LogisticRegression()

    def _default_method(self) -> Any:
        return HypothesisTransferClassifier()

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        X, y, weights, self.classes_ = used_rows(type(self).__name__, X, y, sample_weight)
        super()._fit_from(source, X, y, None if sample_weight is None else weights)

    def _score_model(
        self,
        one: NamedModel,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> float:
        codes, rows = np.searchsorted(self.classes_, y), as_model_rows(one.model, X)
        if self.metric == "leep":
            if not hasattr(one.model, "predict_proba"):
                raise ValueError(
                    f'The source model {one.name!r} has no predict_proba, which metric="leep" '
                    'needs; "nce" takes predicted classes and "logme" decision values.'
                )
            proba = np.asarray(one.model.predict_proba(rows), dtype=np.float64)
            return leep(proba / proba.sum(axis=1, keepdims=True), codes, sample_weight)
        if self.metric == "nce":
            states = np.unique(np.asarray(one.model.predict(rows)), return_inverse=True)[1]
            return nce(states, codes, sample_weight)
        scores = class_scores(one, X)
        if self.metric == "h_score":
            return h_score(scores, codes, sample_weight=sample_weight)
        Y = label_codes(y, self.classes_)
        if self.metric == "logme":
            indicators = (Y + 1.0) / 2.0
            return logme(scores, indicators, center=True, sample_weight=sample_weight)
        return -fit_ridge(scores, Y, sample_weight=sample_weight).loo_error

    @available_if(_method_has("decision_function"))
    def decision_function(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Signed scores of ``method_``; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        X, _ = self._check_rows(X, sample_domain)
        return self.method_.decision_function(X)

    @available_if(_method_has("predict_proba"))
    def predict_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Probabilities of ``classes_`` by ``method_``; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
        """
        X, _ = self._check_rows(X, sample_domain)
        return self.method_.predict_proba(X)
