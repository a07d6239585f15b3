"""Pictures of maps: where the rows of both domains lie before and after."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_regressor
from sklearn.decomposition import PCA
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from skransfer.base import check_domains
from skransfer.base.labels import check_labels, known_labels
from skransfer.inspection._axes import SOURCE_COLOR, TARGET_COLOR, axes_or_new
from skransfer.kernels import to_host
from skransfer.metrics import mmd

__all__ = ["plot_embedding"]

_MARKERS = ("o", "^", "s", "D", "v", "P")
_LINES = ("-", "--", ":", "-.")
_SIDES = (("source", SOURCE_COLOR), ("target", TARGET_COLOR))


class _Rows(NamedTuple):
    """Rows to draw: all of their columns, which are drawn, and what these are called."""

    values: Any
    drawn: NDArray[np.float64]
    names: list[str]


def plot_embedding(
    mapper: Any,
    X: Any,
    y: Any = None,
    *,
    sample_domain: Any,
    components: tuple[int, ...] | str = (0, 1),
    before: bool = False,
    max_rows: int = 1000,
    ax: Any = None,
) -> Any:
    """Draw the rows of both domains as a fitted mapper maps them.

    Colors tell the domains apart and markers the classes; target rows of unknown label are small
    dots. The title gives the squared maximum mean discrepancy of the domains, over all features,
    before and after: the Gaussian kernel's, as wide as the median distance, so that the units of
    a space do not matter. A small one says that the domains lie together, not that classes do.

    Parameters
    ----------
    mapper : estimator or None
        Fitted, with ``transform`` of rows and their ``sample_domain``. None: rows as they are.
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Rows of both domains: those of ``fit`` or others.
    y : array-like of shape (n_samples,), default=None
        Labels; unknown ones of target rows are NaN or None. Numbers that are no classes are not
        drawn.
    sample_domain : array-like of shape (n_samples,) of int
        ``>= 0`` marks source rows, ``< 0`` target rows.
    components : tuple of one or two int, or "pca", default=(0, 1)
        Columns of the mapped rows to draw: one gives histograms. "pca": their two principal
        components, for maps that keep many features.
    before : bool, default=False
        Draw the rows before the map in a panel of their own: the same columns if the map keeps
        the number of features, else all features if there are at most two, else their principal
        components.
    max_rows : int, default=1000
        Most rows of a domain to draw and to measure, spread evenly over the rows. The title says
        so if there are more.
    ax : matplotlib axes or two of them, default=None
        Two if ``before``. None: a new figure.

    Returns
    -------
    ax : matplotlib axes or ndarray of two of them

    Raises
    ------
    ValueError
        If X does not have rows of both domains, or there is no such component.
    TypeError
        If the mapper does not map rows.
    ImportError
        If matplotlib is missing.

    See Also
    --------
    skransfer.metrics.mmd : The discrepancy, with other kernels.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from skransfer import CORAL
    >>> from skransfer.datasets import make_subspace_shift
    >>> from skransfer.inspection import plot_embedding
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> coral = CORAL().fit(X, sample_domain=sample_domain)
    >>> plot_embedding(coral, X, y, sample_domain=sample_domain).get_xlabel()
    'x0'
    """
    domains = check_domains(sample_domain, X).require_both(2)
    classes = _classes(mapper, X, y, domains)
    kept = np.sort(np.concatenate([_spread(side, max_rows) for side in _masks(domains)]))
    rows = _array(X)
    panels = [_mapped(mapper, X, sample_domain, components)] if mapper is not None else []
    if before or mapper is None:
        like = panels[0] if panels else None
        panels.insert(0, _unmapped(mapper, rows, components, like))
    axes = [axes_or_new(ax)] if len(panels) == 1 else _two_axes(ax)
    for panel, place in zip(panels, axes, strict=True):
        draw = _draw_histograms if len(panel.names) == 1 else _draw_rows
        labels = None if classes is None else classes[kept]
        draw(panel.drawn[kept], labels, domains.source[kept], place)
        place.set_xlabel(panel.names[0])
        place.set_ylabel(panel.names[1] if len(panel.names) > 1 else "density")
    axes[0].legend(loc="best", fontsize="small")
    spaces = [] if getattr(mapper, "kernel", None) == "precomputed" else [rows]
    spaces += [panels[-1].values] if mapper is not None else []
    gaps = [max(mmd(space[kept], domains.ids[kept]), 0.0) for space in spaces]
    n = len(domains.ids)
    _set_titles(axes, mapper, gaps, "" if len(kept) == n else f" ({len(kept)} of {n} rows)")
    return axes[0] if len(axes) == 1 else np.array(axes, dtype=object)


# ----------------------------------------------------------------------------------- the rows


def _masks(domains: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return domains.source, domains.target


def _spread(mask: NDArray[np.bool_], most: int) -> NDArray[np.intp]:
    """Positions of rows under a mask, at most so many, evenly spread."""
    rows = np.flatnonzero(mask)
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def _array(X: Any) -> Any:
    return check_array(X.to_numpy() if hasattr(X, "to_numpy") else to_host(X), accept_sparse="csr")


def _classes(mapper: Any, X: Any, y: Any, domains: Any) -> Any:
    """Label of each row as text, "" if unknown; None if there are no classes."""
    if y is None or (mapper is not None and is_regressor(mapper)):
        return None
    y = check_labels(None, y, X)
    known = known_labels(y, domains, classifier=True)
    if type_of_target(list(y[known])) not in ("binary", "multiclass"):
        return None
    text = np.full(len(y), "", dtype=object)
    values = np.unique(y[known])
    whole = values.dtype.kind == "f" and not (values % 1).any()
    for value in values:
        text[known & (y == value)] = str(int(value) if whole else value)
    return text


def _mapped(mapper: Any, X: Any, sample_domain: Any, components: Any) -> _Rows:
    if not hasattr(mapper, "transform"):
        raise TypeError(f"{type(mapper).__name__} has no transform: it maps no rows.")
    check_is_fitted(mapper)
    Z = to_host(mapper.transform(X, sample_domain=sample_domain))
    Z = Z.tocsr() if sparse.issparse(Z) else np.asarray(Z)
    try:
        names = [str(name) for name in mapper.get_feature_names_out()]
    except (AttributeError, ValueError):
        names = [f"component {i}" for i in range(Z.shape[1])]
    return _drawn(Z, names, components)


def _unmapped(mapper: Any, rows: Any, components: Any, mapped: _Rows | None) -> _Rows:
    d = rows.shape[1]
    given = getattr(mapper, "feature_names_in_", [f"x{i}" for i in range(d)])
    names = [str(name) for name in given]
    if mapped is None or mapped.values.shape[1] == d:
        return _drawn(rows, names, components)
    wanted = min(len(mapped.names), d)
    return _drawn(rows, names, tuple(range(wanted)) if d <= 2 else "pca", wanted)


def _drawn(Z: Any, names: list[str], components: Any, n_principal: int = 2) -> _Rows:
    if isinstance(components, str):
        if components != "pca":
            raise ValueError(f'components={components!r}: give "pca", or one or two columns.')
        wanted = min(n_principal, *Z.shape)
        # On sparse rows without making them dense.
        solver = "arpack" if sparse.issparse(Z) and wanted < min(Z.shape) else "auto"
        Z_full = Z.toarray() if sparse.issparse(Z) and solver == "auto" else Z
        drawn = PCA(wanted, svd_solver=solver, random_state=0).fit_transform(Z_full)
        return _Rows(Z, drawn, [f"principal component {i}" for i in range(wanted)])
    if len(components) not in (1, 2):
        raise ValueError(f'components={components!r}: give "pca", or one or two columns.')
    if max(components) >= Z.shape[1] or min(components) < 0:
        if tuple(components) == (0, 1) and Z.shape[1] == 1:
            components = (0,)  # the default, of a map to one component
        else:
            raise ValueError(f"components={components!r}: the rows have {Z.shape[1]} columns.")
    columns = Z[:, list(components)]
    drawn = columns.toarray() if sparse.issparse(columns) else columns
    return _Rows(Z, drawn, [names[i] for i in components])


# -------------------------------------------------------------------------------- the picture


def _two_axes(ax: Any) -> list[Any]:
    if ax is None:
        figure = axes_or_new().figure
        figure.clear()
        figure.set_size_inches(9.0, 4.2)
        return list(figure.subplots(1, 2))
    if len(np.atleast_1d(ax)) != 2:
        raise ValueError("before=True draws two panels: give two axes, or ax=None.")
    return list(ax)


def _set_titles(axes: list[Any], mapper: Any, gaps: list[float], less: str) -> None:
    name = "no map" if mapper is None else type(mapper).__name__
    shown = r" $\rightarrow$ ".join(f"{gap:.3f}" for gap in gaps)
    title = f"{name}: MMD$^2$ {shown}"
    if len(axes) == 2:
        axes[0].set_title(f"before{less}", fontsize="medium")
    axes[-1].set_title(title if len(axes) == 2 else title + less, fontsize="medium")


def _draw_rows(drawn: Any, classes: Any, is_source: Any, ax: Any) -> None:
    if classes is None:
        classes = np.full(len(drawn), "", dtype=object)
    texts = sorted(set(classes) - {""})
    by_shape = len(texts) <= len(_MARKERS)
    markers = dict(zip(texts, _MARKERS, strict=False))
    if not by_shape:  # more than the eye can tell apart: the labels themselves
        markers = {text: f"${text if len(text) < 4 else i}$" for i, text in enumerate(texts)}
    for (side, color), mask in zip(_SIDES, (is_source, ~is_source), strict=True):
        look = {"color": color, "linewidth": 0, "alpha": 0.6}
        unknown = mask & (classes == "")
        if unknown.any():
            text = f"{side}, unknown" if texts else side
            ax.scatter(*drawn[unknown].T, s=10 if texts else 22, label=text, **look)
        if unknown.any() or not by_shape:  # few among many, or thin
            look |= {"alpha": 0.9}
        if unknown.any() and by_shape:
            look |= {"edgecolor": "black", "linewidth": 0.7}
        for text in texts:
            chosen = mask & (classes == text)
            if chosen.any():
                label = f"{side}, {text}" if by_shape else None
                size = 26 if by_shape else 42
                ax.scatter(*drawn[chosen].T, s=size, marker=markers[text], label=label, **look)
        if not by_shape:
            ax.scatter([], [], color=color, label=side)


def _draw_histograms(drawn: Any, classes: Any, is_source: Any, ax: Any) -> None:
    x = drawn[:, 0]
    edges = np.histogram_bin_edges(x, bins=30)
    for (side, color), mask in zip(_SIDES, (is_source, ~is_source), strict=True):
        ax.hist(x[mask], edges, density=True, color=color, alpha=0.35, label=side)
        texts = [] if classes is None else sorted(set(classes[mask]) - {""})
        for text, line in zip(texts, _LINES, strict=False):  # of more classes, the first
            chosen = mask & (classes == text)
            # Of the area that is the class's share of the domain.
            share = np.full(chosen.sum(), 1 / (mask.sum() * np.diff(edges)[0]))
            look = {"histtype": "step", "color": color, "linestyle": line, "linewidth": 1.4}
            ax.hist(x[chosen], edges, weights=share, label=f"{side}, {text}", **look)
