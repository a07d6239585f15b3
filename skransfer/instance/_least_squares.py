"""What least-squares density ratios share, plain and relative."""

from numbers import Integral, Real
from typing import Any, ClassVar

from skransfer._compat import Interval, StrOptions
from skransfer.base import Domains
from skransfer.instance._ratio import EstimatesRatio
from skransfer.solvers.moments import rows_where
from skransfer.solvers.ratio import ALPHAS, RatioFit, fit_ratio, gamma_candidates, no_ratio

__all__ = ["RATIO_EXAMPLES", "LeastSquaresRatio"]

# For ``Traits.examples``: values that must change the fit.
RATIO_EXAMPLES: dict[str, tuple[dict[str, Any], Any]] = {
    "n_landmarks": ({}, 5),
    "gamma": ({}, 0.7),
    "alpha": ({}, 0.2),
    "max_weight": ({}, 0.9),
    "flatten": ({}, 0.5),
    "random_state": ({"n_landmarks": 5}, 0),
}


class LeastSquaresRatio(EstimatesRatio):
    """The hooks of a reweighter around :func:`skransfer.solvers.ratio.fit_ratio`."""

    _ratio_constraints: ClassVar[dict[str, list[Any]]] = {
        **EstimatesRatio._ratio_constraints,
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "gamma": [
            StrOptions({"loo", "scale", "median"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "alpha": [StrOptions({"loo"}), Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    n_landmarks: int
    gamma: Any
    alpha: Any
    random_state: Any
    share: float = 0.0  # of the target in the denominator; a parameter of the relative ratio

    def _fit_ratio(self, X: Any, domains: Domains) -> Any:
        source, gammas = rows_where(X, domains.source), gamma_candidates(self.gamma, X)
        ratio = fit_ratio(
            source,
            rows_where(X, domains.target),
            gammas=gammas,
            alphas=ALPHAS if isinstance(self.alpha, str) else [self.alpha],
            share=self.share,
            n_landmarks=self.n_landmarks,
            random_state=self.random_state,
        )
        self._keep(ratio)
        # Moments for each width and its leave-one-out score, then those of the best.
        self.solver_info_["n_passes"] = 2 * len(gammas) + 1
        return ratio(source)

    def _fit_nothing(self, X: Any) -> None:
        self._keep(no_ratio(X))

    def _keep(self, ratio: RatioFit) -> None:
        self._ratio_, self.loo_score_ = ratio, ratio.loo_score
        self.gamma_, self.alpha_ = ratio.gamma, ratio.alpha
        self.landmarks_, self.coef_ = ratio.landmarks, ratio.coef
        self.solver_info_ = {
            "form": "landmarks",
            "n_landmarks": ratio.landmarks.shape[0],
            "n_passes": 0,
            "loo_score": ratio.loo_score,
        }

    def _ratio(self, X: Any) -> Any:
        return self._ratio_(X)
