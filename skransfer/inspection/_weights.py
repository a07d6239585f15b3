"""Pictures of weights: how they spread, where they are, and what they balance."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skransfer.base import check_domains
from skransfer.base.weight_summary import effective_sample_size
from skransfer.inspection._axes import SOURCE_COLOR, TARGET_COLOR, axes_or_new
from skransfer.kernels import to_host

__all__ = ["plot_balance", "plot_weights"]

_AREA = 18.0  # of a marker of mean weight, in points squared
_LARGEST_AREA = 900.0
_UNBALANCED = 0.1  # standardized difference that is often called too large


def plot_weights(
    reweighter: Any,
    X: Any = None,
    *,
    sample_domain: Any = None,
    features: tuple[int, ...] = (0, 1),
    ax: Any = None,
) -> Any:
    """Draw how the weights of a fitted reweighter spread or, with its rows, where they are.

    Parameters
    ----------
    reweighter : estimator
        Fitted, with ``weights_``.
    X : array-like or sparse matrix of shape (n_samples, n_features), default=None
        The rows of ``fit``. None: a histogram of the weights, scaled to mean 1. Else source rows,
        with an area in proportion to their weight, over the target's rows; with one feature, the
        weight of each row over it.
    sample_domain : array-like of shape (n_samples,) of int, default=None
        That of ``fit``; needed with X.
    features : tuple of one or two int, default=(0, 1)
        Columns of X to draw.
    ax : matplotlib axes, default=None
        None: a new figure.

    Returns
    -------
    ax : matplotlib axes

    Raises
    ------
    ValueError
        If X is not the X of ``fit`` or comes without its domains.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from skransfer import KMM
    >>> from skransfer.datasets import make_covariate_shift
    >>> from skransfer.inspection import plot_weights
    >>> X, y, sample_domain = make_covariate_shift(random_state=0)
    >>> kmm = KMM(alpha=0.1).fit(X, sample_domain=sample_domain)
    >>> plot_weights(kmm, X, sample_domain=sample_domain).get_xlabel()
    'feature 0'
    """
    check_is_fitted(reweighter, "weights_")
    weights = to_host(reweighter.weights_)
    scaled = weights / weights.mean()
    ax = axes_or_new(ax)
    if X is None:
        _draw_histogram(scaled, ax)
    else:
        _draw_rows(scaled, *_sides(X, sample_domain, features, len(scaled)), ax)
        names = getattr(reweighter, "feature_names_in_", None)
        labels = [f"feature {i}" if names is None else str(names[i]) for i in features]
        ax.set_xlabel(labels[0])
        ax.set_ylabel(labels[1] if len(features) > 1 else "weight / mean weight")
    size = effective_sample_size(scaled)
    ax.set_title(
        f"{type(reweighter).__name__}: {len(scaled)} source rows worth {size:.0f}",
        fontsize="medium",
    )
    return ax


def plot_balance(reweighter: Any, *, max_features: int = 25, ax: Any = None) -> Any:
    """Draw how far each feature's mean is from the target's, before and after weighting.

    Parameters
    ----------
    reweighter : estimator
        Fitted, with ``weight_summary()``.
    max_features : int, default=25
        Most features to draw: those that differ most before weighting.
    ax : matplotlib axes, default=None
        None: a new figure.

    Returns
    -------
    ax : matplotlib axes
        Standardized mean differences; the band of +-0.1 is shaded.

    Raises
    ------
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from skransfer import KMM
    >>> from skransfer.datasets import make_covariate_shift
    >>> from skransfer.inspection import plot_balance
    >>> X, y, sample_domain = make_covariate_shift(random_state=0)
    >>> kmm = KMM(alpha=0.1).fit(X, sample_domain=sample_domain)
    >>> sorted(tick.get_text() for tick in plot_balance(kmm).get_yticklabels())
    ['x0', 'x1']
    """
    summary = reweighter.weight_summary()
    before, after = summary.smd_before, summary.smd_after
    drawn = np.argsort(-np.abs(before), kind="stable")[:max_features][::-1]
    rows = np.arange(len(drawn))
    ax = axes_or_new(ax)
    ax.axvspan(-_UNBALANCED, _UNBALANCED, color="0.92", zorder=0)
    ax.axvline(0.0, color="0.6", linewidth=0.8, zorder=1)
    ax.hlines(rows, before[drawn], after[drawn], color="0.75", linewidth=1.2, zorder=2)
    ax.scatter(before[drawn], rows, facecolors="white", edgecolors="0.35", label="before", zorder=3)
    ax.scatter(after[drawn], rows, color=SOURCE_COLOR, label="after", zorder=4)
    ax.set_yticks(rows, [summary.feature_names[i] for i in drawn])
    ax.set_ylim(-0.6, len(drawn) + 0.2)
    ax.set_xlabel("standardized mean difference, source - target")
    ax.legend(loc="upper center", ncols=2, fontsize="small")
    hidden = len(before) - len(drawn)
    more = f" ({hidden} more features not drawn)" if hidden else ""
    ax.set_title(f"{type(reweighter).__name__}: balance{more}", fontsize="medium")
    return ax


def _draw_histogram(scaled: Any, ax: Any) -> None:
    """Weights on a logarithmic axis; those of zero in a bar of their own at the left."""
    positive = scaled[scaled > 0]
    low, high = np.log10([positive.min(), positive.max()])
    low = max(min(low, -0.5), high - 6)  # weights below a millionth of the largest are zero to us
    edges = np.logspace(low, max(high, 0.5), 31)
    shown = scaled[scaled >= edges[0]]
    ax.hist(shown, bins=edges, color=SOURCE_COLOR)
    ax.set_xscale("log")
    none = len(scaled) - len(shown)
    if none:
        left = edges[0] / 4
        ax.bar(left, none, width=left, color="0.6")
        ax.annotate(
            f"{none} rows\nwithout weight",
            (left, none),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize="small",
        )
        ax.margins(y=0.15)
    ax.axvline(1.0, color="0.3", linewidth=0.8, linestyle="--")
    ax.set_xlabel("weight / mean weight")
    ax.set_ylabel("source rows")


def _draw_rows(scaled: Any, source: Any, target: Any, ax: Any) -> None:
    if source.shape[1] == 1:
        ax.scatter(source[:, 0], scaled, s=10, color=SOURCE_COLOR, alpha=0.6, label="source")
        marks, along = np.full(len(target), 0.02), ax.get_xaxis_transform()
        look = {"s": 60, "marker": "|", "color": TARGET_COLOR, "label": "target"}
        ax.scatter(target[:, 0], marks, transform=along, **look)
        ax.margins(y=0.1)
    else:
        area = np.minimum(_AREA * scaled, _LARGEST_AREA)
        ax.scatter(*target.T, s=8, color=TARGET_COLOR, alpha=0.5, linewidth=0, label="target")
        ax.scatter(*source.T, s=area, color=SOURCE_COLOR, alpha=0.45, linewidth=0, label="source")
        none = scaled < 0.01
        if none.any():
            look = {"s": 6, "marker": "x", "linewidth": 0.6, "color": "0.6"}
            ax.scatter(*source[none].T, **look, label="weight 0")
    legend = ax.legend(loc="best", fontsize="small")
    for handle in legend.legend_handles:
        if hasattr(handle, "set_sizes"):
            handle.set_sizes([24.0])


def _sides(X: Any, sample_domain: Any, features: tuple[int, ...], n_weights: int) -> Any:
    """The columns to draw, of source and of target rows."""
    if sample_domain is None:
        raise ValueError("plot_weights needs sample_domain with X: which rows are source rows?")
    if len(features) not in (1, 2):
        raise ValueError(f"features={features!r}: give one or two columns.")
    domains = check_domains(sample_domain, X)
    if domains.n_source != n_weights:
        raise ValueError(
            f"X has {domains.n_source} source rows and the reweighter was fitted on {n_weights}: "
            "give the X and sample_domain of fit."
        )
    rows = X.to_numpy() if hasattr(X, "to_numpy") else to_host(X)
    rows = rows.tocsc() if sparse.issparse(rows) else np.asarray(rows)
    columns = rows[:, list(features)]
    columns = check_array(columns.toarray() if sparse.issparse(columns) else columns)
    return columns[domains.source], columns[domains.target]
