"""What a reader should know of learned weights before trusting them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["WeightSummary", "effective_sample_size"]

_LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_SHOWN = 10  # features in the printed table


@dataclass(frozen=True, eq=False)
class WeightSummary:
    """Spread of the weights, and balance of each feature before and after them.

    Attributes
    ----------
    n_source : int
        Number of source rows.
    effective_sample_size : float
        (sum w)^2 / sum w^2: so many equally weighted rows carry as much information.
    quantiles : dict of float to float
        Quantiles of the weights, scaled to mean 1.
    maximum : float
        Largest weight, as a multiple of the mean.
    largest_share : float
        Share of all weight on the 1 % of the rows (at least one) that have most.
    n_zero : int
        Rows without weight.
    feature_names : list of str
        Names of the features.
    smd_before, smd_after : ndarray of shape (n_features,)
        Standardized mean difference, source minus target, of each feature without and with the
        weights; the standard deviations are those of the unweighted rows.

    Examples
    --------
    >>> from skransfer import KMM
    >>> from skransfer.datasets import make_covariate_shift
    >>> X, y, sample_domain = make_covariate_shift(random_state=0)
    >>> summary = KMM(alpha=0.1).fit(X, sample_domain=sample_domain).weight_summary()
    >>> summary.n_source
    200
    >>> bool((abs(summary.smd_after) < abs(summary.smd_before)).all())
    True
    """

    n_source: int
    effective_sample_size: float
    quantiles: dict[float, float]
    maximum: float
    largest_share: float
    n_zero: int
    feature_names: list[str]
    smd_before: NDArray[np.float64]
    smd_after: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        weights: NDArray[np.float64],
        balance: tuple[NDArray[np.float64], NDArray[np.float64]],
        feature_names: Any = None,
    ) -> "WeightSummary":
        """The summary of weights and of the differences that they leave.

        Parameters
        ----------
        weights : ndarray of shape (n_source,)
            On any scale.
        balance : tuple of ndarray of shape (n_features,)
            Standardized differences before and after.
        feature_names : sequence of str, default=None
            None: x0, x1, ...

        Returns
        -------
        summary : WeightSummary
        """
        scaled = weights / weights.max()
        scaled = scaled / scaled.mean()
        n, top = len(weights), max(1, len(weights) // 100)
        before, after = balance
        names = range(len(before)) if feature_names is None else feature_names
        named = [f"x{i}" for i in names] if feature_names is None else [str(x) for x in names]
        return cls(
            n_source=n,
            effective_sample_size=effective_sample_size(weights),
            quantiles=dict(zip(_LEVELS, np.quantile(scaled, _LEVELS).tolist(), strict=True)),
            maximum=float(scaled.max()),
            largest_share=float(np.partition(scaled, n - top)[n - top :].sum() / scaled.sum()),
            n_zero=int((weights == 0).sum()),
            feature_names=named,
            smd_before=before,
            smd_after=after,
        )

    def __repr__(self) -> str:
        share = self.effective_sample_size / self.n_source
        top = f"largest 1 % of rows: {self.largest_share:.0%} of all weight; zero: {self.n_zero}"
        quantiles = "  ".join(f"{q:.0%} {v:.3g}" for q, v in self.quantiles.items())
        size = f"{self.effective_sample_size:.1f} ({share:.0%})"
        lines = [
            f"weights of {self.n_source} source rows, worth {size} equally weighted ones",
            f"quantiles  {quantiles}",
            top,
            "standardized mean difference, source - target     before    after",
        ]
        order = np.argsort(-np.abs(self.smd_before), kind="stable")[:_SHOWN]
        lines += [
            f"  {self.feature_names[i]:45.45} {self.smd_before[i]:8.3f} {self.smd_after[i]:8.3f}"
            for i in order
        ]
        rest = len(self.feature_names) - len(order)
        return "\n".join([*lines, f"  ... and {rest} more features"] if rest else lines)


def effective_sample_size(weights: NDArray[np.float64]) -> float:
    """Return (sum w)^2 / sum w^2, the number of equally weighted rows that inform as much.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        Not negative, not all zero.

    Returns
    -------
    size : float
        Between 1 and n.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.base.weight_summary import effective_sample_size
    >>> effective_sample_size(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    scaled = weights / weights.max()  # squares of tiny weights would be zero
    return float(scaled.sum() ** 2 / (scaled**2).sum())
