"""Logistic regression that is pulled toward a source model."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge, Traits, source_coefficients
from skransfer.base.warning import warn_user
from skransfer.solvers.glm import choose_C, class_proba, expand_binary, fit_logistic

__all__ = ["LogisticTransfer"]


class LogisticTransfer(BaseSourceInformed):
    r"""Logistic regression toward the coefficients of a source model (biased regularization).

    .. math:: \min_{W, b} \; \sum_i s_i\, \ell(y_i, W x_i + b)
        + \frac{1}{2C} \lVert W - W_s \rVert_F^2

    over the labeled target rows, with the log-loss :math:`\ell`, the source coefficients
    :math:`W_s` and row weights :math:`s_i` [1]_. The intercept is neither penalized nor pulled.
    :math:`C \to 0` gives the source's probabilities up to the intercept, :math:`C \to \infty`
    maximum likelihood on the target alone. The approximate leave-one-out loss has a closed form
    [2]_, so ``C="loo"`` needs no refits.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source classifier, linear in X: ``FrozenEstimator(model)`` for a fitted one, possibly
        a Pipeline of affine steps (its scaler is then part of the knowledge). An unfitted
        estimator, or None for ``LogisticRegression()``, is fitted on the source rows, if there
        are any. Without model and source rows this is
        :class:`sklearn.linear_model.LogisticRegression`.
    C : float or "loo", default="loo"
        Inverse strength of the pull, as in LogisticRegression. "loo": the value of least
        leave-one-out log-loss among 15 from 1e-4 to 1e3; of equal losses the smallest.
    fit_intercept : bool, default=True
        Whether to fit :math:`b`.
    tol : float, default=1e-10
        Bound on each entry of the gradient, relative to the size of its column.
    max_iter : int, default=1000
        Most iterations; a ConvergenceWarning tells when they did not suffice.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        :math:`W`; one row, for the second class, if there are two.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        :math:`b`.
    classes_ : ndarray of shape (n_classes,)
        Classes of the labeled target rows. Source coefficients are matched by name: a class that
        the source does not know starts at zero, one that the target does not have is dropped.
    C_ : float
        Inverse strength used.
    loo_loss_ : float
        Leave-one-out log-loss at ``C_`` (natural logarithm); NaN if C was given.
    shift_norm_ : float
        :math:`\lVert W - W_s \rVert_F`: how far the target pulled the model away.
    source_coef_ : ndarray of the shape of coef_
        :math:`W_s`, matched to ``classes_``.
    n_iter_ : int
        Iterations of the last fit.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    RidgeTransfer : The same for regression.

    Notes
    -----
    An iteration of Newton's method takes :math:`O(n p^2 K^2)` time for n labeled target rows, p
    features and K classes, one of L-BFGS, used beyond 600 parameters, :math:`O(n p K)`. Integer
    weights equal repeated rows, in the choice of C too. Sparse X is never made dense.

    References
    ----------
    .. [1] C. Chelba, A. Acero. Adaptation of maximum entropy capitalizer: little data can help a
       lot. EMNLP, 2004.
    .. [2] K. R. Rad, A. Maleki. A scalable estimate of the out-of-sample prediction error via
       approximate leave-one-out cross-validation. Journal of the Royal Statistical Society B
       82(4), 2020. :doi:`10.1111/rssb.12374`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import LogisticTransfer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> source = LogisticRegression().fit(X, X @ [1.0, 1.0] > 0)
    >>> y = X @ [1.0, 0.5] > 0.4
    >>> model = LogisticTransfer(source=FrozenEstimator(source)).fit(X[:20], y[:20])
    >>> bool(model.score(X[20:], y[20:]) > source.score(X[20:], y[20:]))
    True
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        inert=MappingProxyType({"tol": "Newton's method usually ends far below it"}),
        examples=MappingProxyType({"C": ({}, 0.01), "max_iter": ({"C": 1.0}, 1)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "C": [Interval(Real, 0, None, closed="neither"), StrOptions({"loo"})],
        "fit_intercept": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"sample_domain": True}

    def __init__(
        self,
        *,
        source: Any = None,
        C: float | str = "loo",
        fit_intercept: bool = True,
        tol: float = 1e-10,
        max_iter: int = 1000,
    ) -> None:
        self.source = source
        self.C = C
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    def _default_source(self) -> Any:
        return LogisticRegression()

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        check_classification_targets(y)
        seen = y if sample_weight is None else y[sample_weight > 0]
        self.classes_ = np.unique(seen)
        if len(self.classes_) < 2:
            raise ValueError(
                "LogisticTransfer needs labeled target rows of at least 2 classes, got 1 class: "
                f"{self.classes_[0]!r}."
            )
        if sample_weight is not None:  # a row of weight zero may be all there is of a class
            X, y, sample_weight = X[sample_weight > 0], seen, sample_weight[sample_weight > 0]
        coef, intercept = _matched(source.model, X, self.classes_)
        codes = np.searchsorted(self.classes_, y)
        options: dict[str, Any] = {
            "source_coef": coef,
            "source_intercept": intercept,
            "sample_weight": sample_weight,
            "fit_intercept": self.fit_intercept,
            "tol": self.tol,
            "max_iter": self.max_iter,
        }
        self.loo_loss_ = float("nan")
        if isinstance(self.C, str):
            chosen = choose_C(X, codes, len(self.classes_), **options)
            self.loo_loss_ = float(chosen.loo_losses.min())
            fit = chosen.fit
        else:
            fit = fit_logistic(X, codes, len(self.classes_), self.C, **options)
        if not fit.converged:
            warn_user(
                f"LogisticTransfer stopped after max_iter={self.max_iter} iterations before its "
                f"gradient fell below tol={self.tol}; scale the features or raise max_iter.",
                ConvergenceWarning,
            )
        self.coef_, self.intercept_, self.C_ = fit.coef, fit.intercept, fit.C
        self.n_iter_, self.source_coef_ = max(fit.n_iter, 1), coef
        self.shift_norm_ = float(np.linalg.norm(fit.coef - coef))

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
            One column, for the second class, if there are two.
        """
        X, _ = self._check_rows(X, sample_domain)
        scores = self._logits(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

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
        return class_proba(self._logits(X))

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

    def _logits(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(X @ self.coef_.T) + self.intercept_

    def _predict(self, X: Any) -> NDArray[Any]:
        scores = self._logits(X)
        codes = (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[codes])


def _matched(
    model: Any, X: Any, classes: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients and intercepts of the source, for the classes of the target."""
    n_rows = 1 if len(classes) == 2 else len(classes)
    if model is None:
        return np.zeros((n_rows, X.shape[1])), np.zeros(n_rows)
    if is_regressor(model):
        raise ValueError(
            "source is a regressor; LogisticTransfer starts from a classifier and RidgeTransfer "
            "from a regressor."
        )
    coef, intercept, names = source_coefficients(model, X)
    if names is None or coef.shape[0] not in (len(names), 1):
        raise ValueError(
            f"The source classifier has {coef.shape[0]} rows of coefficients and "
            f"{'no' if names is None else len(names)} classes; one row a class is needed "
            "(LogisticRegression, LinearSVC, RidgeClassifier; not SVC with several classes)."
        )
    if coef.shape[0] == 1:
        coef, intercept = expand_binary(coef, intercept)
    known = {name: row for row, name in enumerate(names.tolist())}
    if known.keys().isdisjoint(classes.tolist()):
        raise ValueError(
            f"The source knows the classes {names.tolist()[:5]} and the target rows have "
            f"{classes.tolist()[:5]}: none in common, so nothing can be transferred. Give equal "
            "classes equal names."
        )
    matched = np.zeros((len(classes), X.shape[1]))
    start = np.zeros(len(classes))
    for row, name in enumerate(classes.tolist()):
        if name in known:
            matched[row], start[row] = coef[known[name]], intercept[known[name]]
    if n_rows == 1:
        return matched[1:] - matched[:1], start[1:] - start[:1]
    return matched, start
