"""Regression toward a source model with a loss other than the square: what the losses share."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning

from skransfer.base import BaseSourceInformed, Knowledge
from skransfer.base.warning import warn_user
from skransfer.parameter._source_precision import prior_matrix, source_rows
from skransfer.solvers._glm_fit import RegressionFit

__all__ = ["BaseGLMRegression"]


class BaseGLMRegression(BaseSourceInformed):
    """Match, rescale, solve; a subclass says with which loss."""

    _estimator_type = "regressor"
    coef_: NDArray[np.float64]
    intercept_: float

    @abstractmethod
    def _source_coef(self, model: Any, X: Any) -> NDArray[np.float64]:
        """Coefficients of the source on the scale of the predictor, one row."""

    @abstractmethod
    def _gain(self, scores: NDArray[np.float64], y: NDArray[np.float64], weights: Any) -> float:
        """Gain of the source's scores on the target rows."""

    @abstractmethod
    def _solve(self, X: Any, y: NDArray[np.float64], **options: Any) -> RegressionFit:
        """Solve with the options that all losses have."""

    def _curvature(self, source: Knowledge) -> NDArray[np.float64]:
        """Curvature of the loss at each source row."""
        return np.ones(source_rows(source).shape[0])

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        y, name = y.astype(np.float64), type(self).__name__
        coef, self.source_gain_ = np.zeros(X.shape[1]), 1.0
        if source.model is not None:
            if is_classifier(source.model):
                raise ValueError(
                    f"source is a classifier; {name} starts from a regressor and "
                    "LogisticTransfer from a classifier."
                )
            rows = self._source_coef(source.model, X)
            if len(rows) != 1:
                raise ValueError(f"The source model predicts {len(rows)} outputs and y has 1.")
            coef = rows[0]
            if self.rescale_source:  # type: ignore[attr-defined]
                self.source_gain_ = self._gain(np.asarray(X @ coef)[:, None], y, sample_weight)
                coef = self.source_gain_ * coef
        fit = self._solve(
            X,
            y,
            source_coef=coef,
            sample_weight=sample_weight,
            precision=prior_matrix(
                self.prior_precision,  # type: ignore[attr-defined]
                source,
                lambda: self._curvature(source),
                centered=self.fit_intercept,  # type: ignore[attr-defined]
            ),
        )
        if not fit.converged:
            warn_user(
                f"{name} stopped after max_iter iterations before its gradient fell below tol; "
                "scale the features or raise max_iter.",
                ConvergenceWarning,
            )
        self.coef_, self.intercept_, self.source_coef_ = fit.coef, fit.intercept, coef
        self.alpha_, self.loo_error_ = fit.alpha, fit.loo_error
        self.shift_norm_, self.n_iter_ = float(np.linalg.norm(fit.coef - coef)), max(fit.n_iter, 1)
        self._keep(fit)

    def _keep(self, fit: RegressionFit) -> None:
        """Store what only one loss has."""

    def _predictor(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(X @ self.coef_) + self.intercept_
