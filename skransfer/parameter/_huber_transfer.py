"""Regression, robust to outliers, that is pulled toward a source model."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import HuberRegressor

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Traits, source_coefficients
from skransfer.parameter._glm_regression import BaseGLMRegression
from skransfer.solvers._glm_fit import RegressionFit
from skransfer.solvers.huber import fit_huber, fit_robust_gain

__all__ = ["HuberTransfer"]


class HuberTransfer(BaseGLMRegression):
    r"""Huber regression toward the coefficients of a source model (biased regularization).

    .. math:: \min_{w, b, \sigma} \; \sum_i s_i \left(\sigma + H_\epsilon\!\left(
        \frac{y_i - x_i^\top w - b}{\sigma}\right) \sigma\right)
        + \alpha\, (w - w_s)^\top P\, (w - w_s)

    over the labeled target rows. :math:`H_\epsilon(z) = z^2` up to :math:`|z| = \epsilon` and
    linear beyond [1]_, so a wrong label among few target rows does not pull the model away from
    the source; the scale :math:`\sigma` is estimated with the rest, jointly convex [2]_.
    :math:`w_s` are the source coefficients, :math:`s_i` row weights and :math:`P` the precision.
    The intercept is neither penalized nor pulled. :math:`\alpha \to \infty` gives the source's
    coefficients with the best intercept, :math:`\alpha \to 0` Huber regression on the target
    alone.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source model, linear in X: ``FrozenEstimator(model)`` for a fitted one, possibly a
        Pipeline of affine steps (its scaler is then part of the knowledge). An unfitted
        estimator, or None for ``HuberRegressor()``, is fitted on the source rows, if there are
        any. Without model and source rows this is :class:`sklearn.linear_model.HuberRegressor`.
    alpha : float or "loo", default="loo"
        Strength of the pull, as in HuberRegressor. "loo": the value at which the approximate
        leave-one-out residuals [3]_ have the least robust scale, on a grid of 19 values relative
        to the variance of the features over the scale of the source's residuals; of equal scales
        the largest.
    epsilon : float, default=1.35
        Where outliers begin, in units of :math:`\sigma`; greater than 1. At 1.35 the estimate is
        95 % efficient on normal errors.
    fit_intercept : bool, default=True
        Whether to fit :math:`b`.
    prior_precision : {"identity", "source_gram"} or array-like, default="identity"
        :math:`P`: the identity; the centered Gram matrix of the source rows, which trusts the
        source where it saw variance; or an array of shape (n_features,) or (n_features,
        n_features), positive definite. Sparse X takes the identity and diagonals.
    rescale_source : bool, default=False
        First fit a gain of the source's output, kept where its leave-one-out error is smaller.
        It protects against a source in other units.
    tol : float, default=1e-10
        Bound on each entry of the gradient, relative to the size of its column.
    max_iter : int, default=1000
        Most iterations at one scale; a ConvergenceWarning tells when they did not suffice.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        :math:`w`.
    intercept_ : float
        :math:`b`.
    scale_ : float
        :math:`\sigma`, in units of y.
    alpha_ : float
        Strength used.
    loo_error_ : float
        Robust scale of the leave-one-out residuals at ``alpha_``, in units of y: the root mean
        square where none is an outlier. NaN if alpha was given.
    source_gain_ : float
        Gain of the source's output, 1 without ``rescale_source`` or where it did not help.
    shift_norm_ : float
        :math:`\lVert w - w_s \rVert`: how far the target pulled the model away.
    source_coef_ : ndarray of shape (n_features,)
        :math:`w_s` as used, after rescaling.
    n_iter_ : int
        Iterations of the last fit, over all scales.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    RidgeTransfer : The same with squared errors, and exact leave-one-out.

    Notes
    -----
    About ten Newton fits of :math:`O(n p^2)` time for each value of alpha, n labeled target rows
    and p features. Integer weights equal repeated rows, in the choice of alpha too. Sparse X is
    never made dense.

    References
    ----------
    .. [1] P. J. Huber. Robust Statistics. Wiley, 1981.
    .. [2] A. B. Owen. A robust hybrid of lasso and ridge regression. Contemporary Mathematics 443,
       2007.
    .. [3] K. R. Rad, A. Maleki. A scalable estimate of the out-of-sample prediction error via
       approximate leave-one-out cross-validation. Journal of the Royal Statistical Society B
       82(4), 2020. :doi:`10.1111/rssb.12374`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import Ridge
    >>> from skransfer import HuberTransfer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> source = Ridge().fit(X, X @ [1.0, 2.0, 3.0])
    >>> y = X @ [1.0, 2.0, 4.0] + 0.1 * rng.normal(size=200)
    >>> y[:2] = 100.0  # two wrong labels among twelve
    >>> model = HuberTransfer(source=FrozenEstimator(source)).fit(X[:12], y[:12])
    >>> model.score(X[12:], y[12:]) > source.score(X[12:], y[12:])
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
        "epsilon": [Interval(Real, 1, None, closed="neither")],
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
        epsilon: float = 1.35,
        fit_intercept: bool = True,
        prior_precision: Any = "identity",
        rescale_source: bool = False,
        tol: float = 1e-10,
        max_iter: int = 1000,
    ) -> None:
        self.source = source
        self.alpha = alpha
        self.epsilon = epsilon
        self.fit_intercept = fit_intercept
        self.prior_precision = prior_precision
        self.rescale_source = rescale_source
        self.tol = tol
        self.max_iter = max_iter

    def _default_source(self) -> Any:
        return HuberRegressor(epsilon=self.epsilon, max_iter=10_000)

    def _source_coef(self, model: Any, X: Any) -> NDArray[np.float64]:
        return source_coefficients(model, X).coef

    def _gain(self, scores: NDArray[np.float64], y: NDArray[np.float64], weights: Any) -> float:
        return fit_robust_gain(
            scores[:, 0],
            y,
            epsilon=self.epsilon,
            sample_weight=weights,
            fit_intercept=self.fit_intercept,
        )

    def _solve(self, X: Any, y: NDArray[np.float64], **options: Any) -> RegressionFit:
        return fit_huber(
            X,
            y,
            self.alpha,  # type: ignore[arg-type]
            epsilon=self.epsilon,
            fit_intercept=self.fit_intercept,
            tol=self.tol,
            max_iter=self.max_iter,
            **options,
        )

    def _keep(self, fit: RegressionFit) -> None:
        self.scale_ = fit.scale

    def _predict(self, X: Any) -> NDArray[Any]:
        return self._predictor(X)
