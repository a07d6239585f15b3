"""Ridge regression that is pulled toward a source model."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge, Traits, source_coefficients
from skransfer.base.warning import warn_user
from skransfer.parameter._source_precision import prior_matrix
from skransfer.solvers.ridge import fit_ridge, rescale_source

__all__ = ["RidgeTransfer"]


class RidgeTransfer(BaseSourceInformed):
    r"""Ridge regression toward the coefficients of a source model (biased regularization).

    .. math:: \min_{w, b} \; \sum_i s_i (y_i - x_i^\top w - b)^2
        + \alpha\, (w - w_s)^\top P\, (w - w_s)

    over the labeled target rows, with the source coefficients :math:`w_s`, row weights
    :math:`s_i` and the precision :math:`P` [1]_ [2]_. The intercept is neither penalized nor
    pulled. :math:`\alpha \to \infty` gives the source's coefficients with the best intercept,
    :math:`\alpha \to 0` least squares on the target alone (with fewer rows than features: the
    solution nearest to the source). The leave-one-out error has a closed form, so
    ``alpha="loo"`` costs one decomposition.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source model, linear in X: ``FrozenEstimator(model)`` for a fitted one, possibly a
        Pipeline of affine steps (its scaler is then part of the knowledge). An unfitted
        estimator, or None for ``Ridge()``, is fitted on the source rows, if there are any.
        Without model and source rows this is :class:`sklearn.linear_model.Ridge`.
    alpha : float or "loo", default="loo"
        Strength of the pull, in squared units of the features. "loo": the value of least
        leave-one-out error on a grid of 37 values relative to the variance of the features; of
        equal errors the largest.
    fit_intercept : bool, default=True
        Whether to fit :math:`b`.
    prior_precision : {"identity", "source_gram"} or array-like, default="identity"
        :math:`P`: the identity; the centered Gram matrix of the source rows, which trusts the
        source where it saw variance (with ``alpha=1`` and a least-squares source this is least
        squares on both domains, with an intercept each); or an array of shape (n_features,) or
        (n_features, n_features), for a source without rows.
    rescale_source : bool, default=False
        First fit a gain of the source's output, kept where its leave-one-out error is smaller.
        It protects against a source in other units.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
        :math:`w`.
    intercept_ : float or ndarray of shape (n_outputs,)
        :math:`b`.
    alpha_ : float
        Strength used.
    loo_error_ : float
        Leave-one-out mean squared error at ``alpha_``, mean over the outputs, in squared units
        of y. NaN if the sparse iterative solver was used.
    shift_norm_ : float
        :math:`\lVert w - w_s \rVert`: how far the target pulled the model away.
    effective_dof_ : float
        Trace of the hat matrix, the intercept included.
    source_coef_ : ndarray of the shape of coef_
        :math:`w_s` as used, after rescaling.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    HuberTransfer : The same, robust to outliers in y.
    PoissonTransfer : The same for counts.
    LogisticTransfer : The same for classification.

    Notes
    -----
    Time :math:`O(n p \min(n, p))` for n labeled target rows and p features. Integer weights
    equal repeated rows, in the choice of alpha too. Several outputs share alpha. Sparse X is never
    made dense: up to 4000 rows or features the smaller Gram matrix is decomposed, beyond LSQR
    iterates, which needs a number as alpha.

    References
    ----------
    .. [1] C. Chelba, A. Acero. Adaptation of maximum entropy capitalizer: little data can help a
       lot. EMNLP, 2004.
    .. [2] I. Kuzborskij, F. Orabona. Stability and hypothesis transfer learning. ICML, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import Ridge
    >>> from skransfer import RidgeTransfer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> source = Ridge().fit(X, X @ [1.0, 2.0, 3.0, 4.0, 5.0])
    >>> y = X @ [1.0, 2.0, 3.0, 4.0, 6.0]
    >>> model = RidgeTransfer(source=FrozenEstimator(source)).fit(X[:4], y[:4])
    >>> model.score(X[4:], y[4:]) > source.score(X[4:], y[4:]) > 0.9
    True
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        examples=MappingProxyType(
            {
                "alpha": ({}, 10.0),
                "prior_precision": ({"alpha": 1.0}, np.arange(1.0, 5.0)),
                "rescale_source": ({"alpha": 1.0}, True),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"loo"})],
        "fit_intercept": ["boolean"],
        "prior_precision": [StrOptions({"identity", "source_gram"}), "array-like"],
        "rescale_source": ["boolean"],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        alpha: float | str = "loo",
        fit_intercept: bool = True,
        prior_precision: Any = "identity",
        rescale_source: bool = False,
    ) -> None:
        self.source = source
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.prior_precision = prior_precision
        self.rescale_source = rescale_source

    def _default_source(self) -> Any:
        return Ridge()

    def _multi_output(self) -> bool:
        return True

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        y = y.astype(np.float64)
        coef = self._source_coef(source.model, X, y)
        if self.rescale_source and source.model is not None:
            scale = rescale_source(
                np.asarray(X @ coef.T),
                y,
                sample_weight=sample_weight,
                fit_intercept=self.fit_intercept,
            )
            coef = coef * np.expand_dims(scale.slope, -1)
        fit = fit_ridge(
            X,
            y,
            self.alpha,  # type: ignore[arg-type]
            source_coef=coef,
            sample_weight=sample_weight,
            fit_intercept=self.fit_intercept,
            precision=prior_matrix(
                self.prior_precision, source, None, centered=self.fit_intercept, floor=0.0
            ),
        )
        if not fit.converged:
            warn_user(
                "RidgeTransfer stopped after the most iterations of LSQR; scale the features, or "
                "raise alpha.",
                ConvergenceWarning,
            )
        self.coef_, self.intercept_, self.source_coef_ = fit.coef, fit.intercept, coef
        self.alpha_, self.loo_error_ = fit.alpha, fit.loo_error
        self.effective_dof_ = fit.effective_dof
        self.shift_norm_ = float(np.linalg.norm(fit.coef - coef))

    def _source_coef(self, model: Any, X: Any, y: NDArray[Any]) -> NDArray[np.float64]:
        """Source coefficients in the shape of ``coef_``; zero without a source."""
        shape = (X.shape[1],) if y.ndim == 1 else (y.shape[1], X.shape[1])
        if model is None:
            return np.zeros(shape)
        if is_classifier(model):
            raise ValueError(
                "source is a classifier; RidgeTransfer starts from a regressor and "
                "LogisticTransfer from a classifier."
            )
        coef = source_coefficients(model, X).coef
        if coef.size != np.prod(shape):
            raise ValueError(
                f"The source model predicts {coef.shape[0]} outputs and y has "
                f"{1 if y.ndim == 1 else y.shape[1]}."
            )
        return coef.reshape(shape)

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(X @ self.coef_.T) + self.intercept_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
