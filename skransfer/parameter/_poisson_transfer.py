"""Poisson regression that is pulled toward a source model."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import PoissonRegressor

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge, Traits, source_coefficients
from skransfer.parameter._glm_regression import BaseGLMRegression
from skransfer.parameter._source_precision import source_rows
from skransfer.solvers._glm_fit import RegressionFit
from skransfer.solvers._glm_losses import HalfPoisson
from skransfer.solvers.glm_gain import fit_gain
from skransfer.solvers.poisson import fit_poisson

__all__ = ["PoissonTransfer"]


class PoissonTransfer(BaseGLMRegression):
    r"""Poisson regression toward the coefficients of a source model (biased regularization).

    .. math:: \min_{w, b} \; \frac{1}{\sum_i s_i} \sum_i s_i (e^{\eta_i} - y_i \eta_i)
        + \frac{\alpha}{2} (w - w_s)^\top P\, (w - w_s), \qquad \eta_i = x_i^\top w + b

    over the labeled target rows: counts :math:`y_i` of mean :math:`e^{\eta_i}`, source coefficients
    :math:`w_s`, row weights :math:`s_i` and the precision :math:`P` [1]_. The source's
    coefficients are rate ratios; a target with another base rate changes only the intercept, which
    is neither penalized nor pulled. :math:`\alpha \to \infty` gives the source's coefficients with
    the best intercept, :math:`\alpha \to 0` maximum likelihood on the target alone.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source model, log-linear in X: ``FrozenEstimator(model)`` for a fitted
        PoissonRegressor, GammaRegressor or TweedieRegressor with log link, possibly at the end of
        a Pipeline of affine steps. An unfitted estimator, or None for ``PoissonRegressor()``, is
        fitted on the source rows, if there are any. Without model and source rows this is
        :class:`sklearn.linear_model.PoissonRegressor`.
    alpha : float or "loo", default="loo"
        Strength of the pull, as in PoissonRegressor. "loo": the value of least approximate
        leave-one-out deviance [2]_ on a grid of 19 values relative to the mean count and the
        variance of the features; of equal errors the largest.
    fit_intercept : bool, default=True
        Whether to fit :math:`b`.
    prior_precision : {"identity", "source_gram"} or array-like, default="identity"
        :math:`P`: the identity; the mean curvature of the loss on the source rows, a Gram matrix
        that trusts the source where it saw variance (with ``alpha = n_source / n_target`` and a
        source without penalty, the loss on both domains to second order, with an intercept each);
        or an array of shape (n_features,) or (n_features, n_features), positive definite. Sparse X
        takes the identity and diagonals.
    rescale_source : bool, default=False
        First fit a gain of the source's predictor, kept where its leave-one-out deviance is
        smaller.
    tol : float, default=1e-10
        Bound on each entry of the gradient, relative to the size of its column.
    max_iter : int, default=1000
        Most iterations at one ``alpha``; a ConvergenceWarning tells when they did not suffice.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        :math:`w`.
    intercept_ : float
        :math:`b`.
    alpha_ : float
        Strength used.
    loo_error_ : float
        Approximate leave-one-out half deviance at ``alpha_``, mean over the rows; NaN if alpha was
        given.
    source_gain_ : float
        Gain of the source's predictor, 1 without ``rescale_source`` or where it did not help.
    shift_norm_ : float
        :math:`\lVert w - w_s \rVert`: how far the target pulled the model away.
    source_coef_ : ndarray of shape (n_features,)
        :math:`w_s` as used, after rescaling.
    n_iter_ : int
        Iterations of the last fit.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    RidgeTransfer : The same with squared errors.

    Notes
    -----
    An iteration of Newton's method takes :math:`O(n p^2)` time for n labeled target rows and p
    features, one of L-BFGS, used beyond 600 parameters, :math:`O(n p)`. Integer weights equal
    repeated rows, in the choice of alpha too; with a rate as y and the exposure as weight, the
    exposure is an offset. Sparse X is never made dense. ``score`` is :math:`R^2`, as in all
    regressors here; PoissonRegressor's is the deviance explained
    (:func:`sklearn.metrics.d2_tweedie_score`).

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
    >>> from sklearn.linear_model import PoissonRegressor
    >>> from sklearn.metrics import d2_tweedie_score
    >>> from skransfer import PoissonTransfer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 3))
    >>> source = PoissonRegressor(alpha=1e-3)
    >>> source = source.fit(X, rng.poisson(np.exp(X @ [0.5, 1.0, -0.5])))
    >>> y = rng.poisson(np.exp(X @ [0.5, 1.0, -0.8] - 1.0))  # rarer, and one effect stronger
    >>> model = PoissonTransfer(source=FrozenEstimator(source)).fit(X[:20], y[:20])
    >>> ours, theirs = model.predict(X[20:]), source.predict(X[20:])
    >>> d2_tweedie_score(y[20:], ours, power=1) > d2_tweedie_score(y[20:], theirs, power=1) + 0.1
    True
    """

    traits = Traits(
        target_labels="required",
        needs_source=False,
        inert=MappingProxyType({"tol": "Newton's method usually ends far below it"}),
        examples=MappingProxyType(
            {
                "alpha": ({}, 10.0),
                "prior_precision": ({"alpha": 1.0}, np.arange(1.0, 5.0)),
                "rescale_source": ({"alpha": 1e3}, True),
                "max_iter": ({"alpha": 1e-2}, 1),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="neither"), StrOptions({"loo"})],
        "fit_intercept": ["boolean"],
        "prior_precision": [StrOptions({"identity", "source_gram"}), "array-like"],
        "rescale_source": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        alpha: float | str = "loo",
        fit_intercept: bool = True,
        prior_precision: Any = "identity",
        rescale_source: bool = False,
        tol: float = 1e-10,
        max_iter: int = 1000,
    ) -> None:
        self.source = source
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.prior_precision = prior_precision
        self.rescale_source = rescale_source
        self.tol = tol
        self.max_iter = max_iter

    def _default_source(self) -> Any:
        return PoissonRegressor(max_iter=1000)

    def _source_coef(self, model: Any, X: Any) -> NDArray[np.float64]:
        return source_coefficients(model, X, link="log").coef

    def _gain(self, scores: NDArray[np.float64], y: NDArray[np.float64], weights: Any) -> float:
        return fit_gain(
            scores,
            y[:, None],
            HalfPoisson(),
            sample_weight=weights,
            fit_intercept=self.fit_intercept,
        ).gain

    def _curvature(self, source: Knowledge) -> NDArray[np.float64]:
        means = np.asarray(source.model.predict(source_rows(source)), dtype=np.float64)
        weights = source.sample_weight
        return means / (len(means) if weights is None else weights.sum())

    def _solve(self, X: Any, y: NDArray[np.float64], **options: Any) -> RegressionFit:
        return fit_poisson(
            X,
            y,
            self.alpha,  # type: ignore[arg-type]
            fit_intercept=self.fit_intercept,
            tol=self.tol,
            max_iter=self.max_iter,
            **options,
        )

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.exp(self._predictor(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags
