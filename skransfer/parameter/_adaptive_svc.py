"""Linear support vector machine that adjusts the scores of any source classifier."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge, Traits
from skransfer.parameter._one_vs_rest import fit_one_vs_rest, source_scores, used_rows

__all__ = ["AdaptiveSVC"]


class AdaptiveSVC(BaseSourceInformed):
    r"""Adaptive support vector machine (A-SVM): a linear adjustment of a source's scores.

    .. math:: f(x) = \gamma f_s(x) + w^\top x + b, \qquad
        \min_{w, b} \; \tfrac12 \lVert w \rVert^2 + \tfrac12 (b / \sigma)^2
        + C \sum_i s_i\, \ell\bigl(1 - y_i f(x_i)\bigr)

    over the labeled target rows, with the scores :math:`f_s` of any source classifier, row weights
    :math:`s_i`, labels :math:`y_i = \pm 1` and the hinge loss :math:`\ell(z) = \max(0, z)`, as in
    the paper [1]_, or its square [2]_. :math:`C \to 0` gives :math:`\gamma f_s`; ``gamma=0`` is
    :class:`sklearn.svm.LinearSVC` on the target alone. Several classes are learned one against
    the rest.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source classifier, linear in X or not: ``FrozenEstimator(model)`` for a fitted one. Its
        scores are those of ``decision_function``, else the logits of ``predict_proba``, clipped
        to probabilities from 0.001 to 0.999. An unfitted estimator, or None for ``LinearSVC()``, is
        fitted on the source rows, if there are any. Without model and source rows this is
        :class:`sklearn.svm.LinearSVC`.
    C : float, default=1.0
        Cost of the target rows: the inverse strength of the pull to the source. The paper's code
        penalizes without the factor 1/2, so its C is twice this one.
    gamma : float, default=1.0
        Weight of the source's scores, the paper's :math:`\Gamma`.
    fit_intercept : bool, default=True
        Whether to fit b.
    intercept_scaling : float, default=1.0
        :math:`\sigma`: b is penalized as the weight of a constant feature of this value, as in
        LinearSVC.
    loss : {"squared_hinge", "hinge"}, default="squared_hinge"
        :math:`\ell`; the default is that of LinearSVC.
    tol : float, default=1e-6
        Largest duality gap, relative to the objective.
    max_iter : int, default=1000
        Most passes over the rows; a ConvergenceWarning tells when they did not suffice.
    random_state : int, RandomState instance or None, default=None
        Of the order in which rows are visited. None stands for 0: fits are repeatable.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        w, of the adjustment alone; one row, for the second class, if there are two. With a linear
        source, ``gamma * source.coef_ + coef_`` are the coefficients of f.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        b, of the adjustment alone.
    classes_ : ndarray of shape (n_classes,)
        Classes of the labeled target rows. Source scores are matched by name: a class that the
        source does not know has the score 0, one that the target does not have is dropped.
    source_ : estimator or None
        The fitted source, which predictions ask.
    shift_norm_ : float
        Norm of ``coef_``: how far the target pulled the model away.
    dual_gap_ : float
        Duality gap relative to the objective, the largest of all classes: the objective is
        certified to be that close to its minimum.
    n_iter_ : int
        Passes over the rows, the most for one class.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    PMTSVC : A linear source gives a direction instead of scores.
    LogisticTransfer : The same with the log-loss, for linear sources.

    Notes
    -----
    A pass of dual coordinate descent [2]_ takes time proportional to the entries of X that are not
    zero. Where dozens of passes do not suffice, Newton steps follow if there are at most 400
    features, or rows on the margin: :math:`O(n p^2)` each for n rows and p features. Sparse X is
    never made dense. Integer weights equal repeated rows. A fitted model keeps the source, and no
    rows.

    References
    ----------
    .. [1] J. Yang, R. Yan, A. G. Hauptmann. Cross-domain video concept detection using adaptive
       SVMs. ACM Multimedia, 2007. :doi:`10.1145/1291233.1291276`
    .. [2] C.-J. Hsieh, K.-W. Chang, C.-J. Lin, S. S. Keerthi, S. Sundararajan. A dual coordinate
       descent method for large-scale linear SVM. ICML, 2008. :doi:`10.1145/1390156.1390208`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.svm import SVC
    >>> from skransfer import AdaptiveSVC
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> source = SVC().fit(X, (X**2).sum(axis=1) > 1.5)  # not linear
    >>> y = ((X - 0.3) ** 2).sum(axis=1) > 1.5
    >>> model = AdaptiveSVC(source=FrozenEstimator(source)).fit(X[:40], y[:40])
    >>> bool(model.score(X[40:], y[40:]) > source.score(X[40:], y[40:]))
    True
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        inert=MappingProxyType(
            {
                "tol": "the last step usually ends far below it",
                "random_state": "the solution is the same",
            }
        ),
        examples=MappingProxyType({"loss": ({}, "hinge"), "max_iter": ({"C": 100.0}, 1)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "C": [Interval(Real, 0, None, closed="neither")],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "loss": [StrOptions({"hinge", "squared_hinge"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }
    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"sample_domain": True}

    def __init__(
        self,
        *,
        source: Any = None,
        C: float = 1.0,
        gamma: float = 1.0,
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        loss: str = "squared_hinge",
        tol: float = 1e-6,
        max_iter: int = 1000,
        random_state: Any = None,
    ) -> None:
        self.source = source
        self.C = C
        self.gamma = gamma
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.loss = loss
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def _default_source(self) -> Any:
        return LinearSVC(random_state=0)

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        X, y, weights, self.classes_ = used_rows(type(self).__name__, X, y, sample_weight)
        self.source_, self._gamma = source.model, float(self.gamma)
        fit = fit_one_vs_rest(self, X, y, weights, self.classes_, scores=self._source_part(X))
        self.coef_, self.intercept_ = fit.coef, fit.intercept
        self.dual_gap_, self.n_iter_ = fit.gap, fit.n_iter
        self.shift_norm_ = float(np.linalg.norm(fit.coef))

    def _source_part(self, X: Any) -> NDArray[np.float64] | None:
        if self.source_ is None:
            return None
        return self._gamma * source_scores(self.source_, X, self.classes_)

    def decision_function(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Signed scores f; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column, for the second class, if there are two.
        """
        X, _ = self._check_rows(X, sample_domain)
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def _scores(self, X: Any) -> NDArray[np.float64]:
        scores = np.asarray(X @ self.coef_.T) + self.intercept_
        source = self._source_part(X)
        return scores if source is None else scores + source

    def _predict(self, X: Any) -> NDArray[Any]:
        scores = self._scores(X)
        codes = (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[codes])
