"""Logistic regression that is pulled toward a source model."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge, Traits
from skransfer.base.folds import class_folds
from skransfer.base.warning import warn_user
from skransfer.parameter._linear_classes import (
    ClassRows,
    class_rows,
    columns_for,
    source_curvature,
    with_source_classes,
)
from skransfer.parameter._source_precision import prior_matrix
from skransfer.solvers._glm_classes import ChosenC, LinearFit
from skransfer.solvers.glm import choose_C, class_proba, fit_logistic
from skransfer.solvers.glm_folds import choose_C_by_folds
from skransfer.solvers.squared_hinge import choose_margin_C, fit_squared_hinge

__all__ = ["LogisticTransfer"]


def _has_proba(model: "LogisticTransfer") -> bool:
    if model.loss != "log":
        raise AttributeError(f"loss={model.loss!r} gives no probabilities; use loss='log'.")
    return True


class LogisticTransfer(BaseSourceInformed):
    r"""Logistic regression toward the coefficients of a source model (biased regularization).

    .. math:: \min_{W, b} \; \sum_i s_i\, \ell(y_i, W x_i + b)
        + \frac{1}{2C} \operatorname{tr} (W - W_s) P (W - W_s)^\top

    over the labeled target rows, with the log-loss :math:`\ell`, the source coefficients
    :math:`W_s`, row weights :math:`s_i` and the precision :math:`P` [1]_. The intercept is neither
    penalized nor pulled. :math:`C \to 0` gives the source's probabilities up to the intercept,
    :math:`C \to \infty` maximum likelihood on the target alone. The approximate leave-one-out loss
    has a closed form [2]_, so ``C="loo"`` needs no refits.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source classifier, linear in X: ``FrozenEstimator(model)`` for a fitted one, possibly
        a Pipeline of affine steps (its scaler is then part of the knowledge). An unfitted
        estimator, or None for ``LogisticRegression()`` (``LinearSVC()`` with the squared hinge),
        is fitted on the source rows, if there are any. Without model and source rows this is
        :class:`sklearn.linear_model.LogisticRegression`.
    C : float, "loo" or "cv", default="loo"
        Inverse strength of the pull, as in LogisticRegression. "loo": the value of least
        leave-one-out loss among 15 from 1e-4 to 1e3; of equal losses the smallest. "cv": the same
        with 5 folds, each class divided evenly by what the rows hold, not by their order; for
        problems with more than 4000 parameters, or rows in groups of near copies.
    loss : {"log", "squared_hinge"}, default="log"
        The squared hinge [3]_ is that of :class:`sklearn.svm.LinearSVC`, one class against the
        others and without probabilities; here its intercept is not penalized.
    fit_intercept : bool, default=True
        Whether to fit :math:`b`.
    prior_precision : {"identity", "source_gram"} or array-like, default="identity"
        :math:`P`: the identity; the curvature of the loss on the source rows, a Gram matrix that
        trusts the source where it saw variance (with ``C=1`` and a source without penalty, the
        loss on both domains to second order, with an intercept each); or an array of shape
        (n_features,) or (n_features, n_features), positive definite. Sparse X takes the identity
        and diagonals.
    rescale_source : bool, default=False
        First fit a gain of the source's scores with new intercepts (Platt's scaling), kept where
        its leave-one-out loss is smaller. It protects against a source that is too sure of
        itself, not sure enough, or wrong in sign.
    keep_source_classes : bool, default=False
        Whether ``classes_`` has the classes that only the source knows. Their scores stay those
        of the source; the target's classes are fitted among themselves.
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
        the source does not know starts at zero, one that the target does not have is dropped
        unless ``keep_source_classes``.
    C_ : float
        Inverse strength used.
    loo_loss_ : float
        Loss of the rows held out at ``C_`` (natural logarithm), mean over the rows; NaN if C was
        given.
    source_gain_ : float
        Gain of the source's scores, 1 without ``rescale_source`` or where it did not help.
    shift_norm_ : float
        :math:`\lVert W - W_s \rVert_F`: how far the target pulled the model away.
    source_coef_ : ndarray of the shape of coef_
        :math:`W_s` as used, after rescaling, matched to ``classes_``.
    n_iter_ : int
        Iterations of the last fit.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    RidgeTransfer : The same for regression.
    PoissonTransfer : The same for counts.
    AdaptiveSVC : The squared hinge with a source of any kind.

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
    .. [3] K.-W. Chang, C.-J. Hsieh, C.-J. Lin. Coordinate descent method for large-scale L2-loss
       linear support vector machines. Journal of Machine Learning Research 9, 2008.

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
        inert=MappingProxyType(
            {
                "tol": "Newton's method usually ends far below it",
                "rescale_source": "the gain stays 1 where rows held out speak for no other",
                "keep_source_classes": "shows only where the source has a class of its own",
            }
        ),
        examples=MappingProxyType(
            {
                "C": ({}, 0.01),
                "loss": ({"C": 1.0}, "squared_hinge"),
                "prior_precision": ({"C": 1.0}, np.arange(1.0, 5.0)),
                "max_iter": ({"C": 1.0}, 1),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "C": [Interval(Real, 0, None, closed="neither"), StrOptions({"loo", "cv"})],
        "loss": [StrOptions({"log", "squared_hinge"})],
        "fit_intercept": ["boolean"],
        "prior_precision": [StrOptions({"identity", "source_gram"}), "array-like"],
        "rescale_source": ["boolean"],
        "keep_source_classes": ["boolean"],
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
        loss: str = "log",
        fit_intercept: bool = True,
        prior_precision: Any = "identity",
        rescale_source: bool = False,
        keep_source_classes: bool = False,
        tol: float = 1e-10,
        max_iter: int = 1000,
    ) -> None:
        self.source = source
        self.C = C
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.prior_precision = prior_precision
        self.rescale_source = rescale_source
        self.keep_source_classes = keep_source_classes
        self.tol = tol
        self.max_iter = max_iter

    def _default_source(self) -> Any:
        return LogisticRegression() if self.loss == "log" else LinearSVC(dual=False)

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        check_classification_targets(y)
        if sample_weight is not None:  # a row of weight zero may be all there is of a class
            seen = sample_weight > 0
            X, y, sample_weight = X[seen], y[seen], sample_weight[seen]
        classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError(
                "LogisticTransfer needs labeled target rows of at least 2 classes, got 1 class: "
                f"{classes[0]!r}."
            )
        codes = np.searchsorted(classes, y)
        rows = class_rows(source.model, X, classes, margins=self.loss != "log")
        self.source_gain_ = 1.0
        if self.rescale_source and rows is not None:
            self.source_gain_ = rows.gain(
                X, classes, codes, sample_weight=sample_weight, fit_intercept=self.fit_intercept
            )
            rows = rows.scaled(self.source_gain_)
        coef, intercept = columns_for(rows, classes, X.shape[1])
        precision = prior_matrix(
            self.prior_precision,
            source,
            lambda: source_curvature(source, margins=self.loss != "log"),
            centered=self.fit_intercept,
        )
        chosen = self._solve(X, codes, sample_weight, coef, intercept, precision)
        fit = chosen.fit if isinstance(chosen, ChosenC) else chosen
        self.loo_loss_ = float(chosen.losses.min() if isinstance(chosen, ChosenC) else np.nan)
        self.C_, self.n_iter_ = fit.C, max(fit.n_iter, 1)
        self.shift_norm_ = float(np.linalg.norm(fit.coef - coef))
        fitted = ClassRows(fit.coef, fit.intercept, classes, self.loss != "log")
        if self.keep_source_classes and rows is not None:
            fitted, coef = with_source_classes(rows, fitted)
        self.coef_, self.intercept_, self.classes_ = fitted[:3]
        self.source_coef_ = coef

    def _solve(
        self, X: Any, codes: Any, weights: Any, coef: Any, intercept: Any, precision: Any
    ) -> ChosenC | LinearFit:
        """Solve at the C given, or at the one that rows held out choose."""
        log, K = self.loss == "log", int(codes.max()) + 1
        options: dict[str, Any] = {
            "source_coef": coef,
            "source_intercept": intercept,
            "sample_weight": weights,
            "precision": precision,
            "fit_intercept": self.fit_intercept,
            "tol": self.tol,
            "max_iter": self.max_iter,
        }
        chosen: ChosenC | LinearFit
        if self.C == "loo":
            chosen = (choose_C if log else choose_margin_C)(X, codes, K, **options)
        elif self.C == "cv":
            ranks = np.ones(len(codes)) if weights is None else weights
            folds = class_folds(X, codes, ranks, 5)
            chosen = choose_C_by_folds(X, codes, K, folds, loss=self.loss, **options)  # type: ignore[arg-type]
        else:
            solve = fit_logistic if log else fit_squared_hinge
            chosen = solve(X, codes, K, float(self.C), **options)
        if not (chosen.fit if isinstance(chosen, ChosenC) else chosen).converged:
            warn_user(
                f"LogisticTransfer stopped after max_iter={self.max_iter} iterations before its "
                f"gradient fell below tol={self.tol}; scale the features or raise max_iter.",
                ConvergenceWarning,
            )
        return chosen

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

    @available_if(_has_proba)
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

    @available_if(_has_proba)
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
