"""Convex combination of the probabilities of a source classifier and one of the target."""

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets

from skransfer.base import Traits
from skransfer.parameter._affine_transfer_classifier import AffineTransferClassifier
from skransfer.parameter._interpolation import BaseInterpolation
from skransfer.parameter._probabilities import BaseProbabilityClassifier
from skransfer.parameter._source_outputs import source_proba, union_classes

__all__ = ["LinearInterpolationClassifier"]


class LinearInterpolationClassifier(BaseInterpolation, BaseProbabilityClassifier):
    r"""Linear interpolation of source and target classifiers (LinInt), with honest weights.

    .. math:: p(x) = \sum_k w_k p_k(x), \qquad \min_{w \ge 0, \; 1^\top w = 1} \;
        \sum_i s_i \Bigl\lVert e_{y_i} - \sum_k w_k p_k^{(-i)}(x_i) \Bigr\rVert^2

    over the labeled target rows, with the indicator :math:`e_y` of a class, row weights :math:`s_i`
    and probabilities :math:`p_k^{(-i)}` fitted without the fold of row i [1]_ [2]_. The loss is
    Brier's, which one row that a model is sure and wrong about cannot rule. Weights from the rows
    that a model was fitted on would trust it too much, and a held-out half would waste labels. What
    does not help gets weight 0: little is lost with a wrong source.

    Parameters
    ----------
    estimator : estimator or None, default=None
        The classifier for the candidates "target" and "pooled". None: ``LogisticRegression()``.
        Where labels are of one class, that class is predicted.
    source : FrozenEstimator, estimator or None, default=None
        The source classifier, of any kind: ``FrozenEstimator(model)`` for a fitted one. Its
        probabilities are those of ``predict_proba``, else of ``decision_function`` taken as logits.
        An unfitted estimator, or None for ``LogisticRegression()``, is fitted on the source rows,
        if there are any. Without model and source rows this is ``estimator`` on the target rows.
    candidates : sequence of str, default=("source", "target")
        What is combined: "source", the source as it is; "affine", its calibration on the target
        (:class:`AffineTransferClassifier`); "target", the estimator on the labeled target rows;
        "pooled", the estimator on the rows of both sides, if there are source rows; "constant", the
        frequencies of the classes. Each one more costs a
        little where labels are few.
    cv : int, "auto", cross-validation generator or iterable, default="auto"
        Folds: a number deals out the distinct rows of each class, whatever their order.
        "auto": 5 folds. Leaving out one row at a time makes its class the rarer one in the rows
        that are left, and the target's model looks worse than it is.

    Attributes
    ----------
    candidates_ : tuple of str
        Those that there were.
    candidate_weights_ : ndarray of shape (n_candidates,)
        w. All on the first candidate if there is but one distinct row.
    cv_loss_ : ndarray of shape (n_candidates,)
        Held-out Brier score of each candidate alone, the sum over the classes; NaN where nothing
        was held out.
    estimators_ : dict of str to estimator
        Fitted models of positive weight, by candidate.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source and of the labeled target rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    LinearInterpolationRegressor : The same for numbers.
    AffineTransferClassifier : One candidate alone.

    Notes
    -----
    A fit of each candidate for each fold and one more, and an exact active set method for w.
    Integer weights equal repeated rows if they do for the estimator. A fitted model keeps the
    models that it uses, and no rows.

    References
    ----------
    .. [1] H. Daume III. Frustratingly easy domain adaptation. ACL, 2007, as the baseline LININT.
    .. [2] M. LeBlanc, R. Tibshirani. Combining estimates in regression and classification. Journal
       of the American Statistical Association 91, 1996. :doi:`10.1080/01621459.1996.10476733`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skransfer import LinearInterpolationClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(600, 6))
    >>> source = GaussianNB().fit(X, X @ np.ones(6) > 0.0)
    >>> y = X @ np.linspace(0.5, 1.5, 6) > 0.0
    >>> model = LinearInterpolationClassifier(source=FrozenEstimator(source)).fit(X[:20], y[:20])
    >>> alone = LinearInterpolationClassifier(source=FrozenEstimator(source), candidates=["target"])
    >>> print(model.score(X[20:], y[20:]) > alone.fit(X[:20], y[:20]).score(X[20:], y[20:]))
    True
    """

    traits = Traits(
        target_labels="required",
        needs_source=False,
        examples=MappingProxyType({"candidates": ({}, ("constant", "affine")), "cv": ({}, 3)}),
    )

    def _default_source(self) -> Any:
        return LogisticRegression()

    def _read_labels(self, model: Any, y: NDArray[Any]) -> NDArray[Any]:
        check_classification_targets(y)
        self.classes_ = np.unique(y) if model is None else union_classes(model, y)
        self._may_be_constant = model is not None
        return y

    def _fit_learner(self, X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None) -> Any:
        # Few labels may be of one class; without a source it is for the estimator to complain.
        if self._may_be_constant and len(np.unique(y)) == 1:
            return self._constant().fit(X, y)
        return super()._fit_learner(X, y, weights)

    def _truth(self, y: NDArray[Any]) -> NDArray[np.float64]:
        return (y[:, None] == self.classes_).astype(np.float64)

    def _outputs(self, model: Any, X: Any) -> NDArray[np.float64]:
        return source_proba(model, X, self.classes_)

    def _constant(self) -> Any:
        return DummyClassifier(strategy="prior")

    def _affine(self, source: FrozenEstimator) -> Any:
        return AffineTransferClassifier(source=source, calibration="bcts")

    def _proba(self, X: Any) -> NDArray[np.float64]:
        return self._combined(X)
