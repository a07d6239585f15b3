"""Decision trees of one domain, changed by a few labeled rows of another.

Three ways to change a tree: new proportions in its leaves (`relabel`), expansion of leaves and
reduction of splits (`expand_reduce`, SER), and the same structure with new thresholds
(`restructure`, STRUT). Segev, Harel, Mannor, Crammer, El-Yaniv (2017) for the last two, which
they give for classification; for regression, squares around the mean take the place of errors and
impurities, and Gaussians that of class distributions. None writes into the tree that it is given.
"""

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import engine
from skransfer.solvers._tree_arrays import (
    Forest,
    TargetRows,
    TreeArrays,
    dense_rows,
    read_tree,
    target_rows,
    target_values,
)
from skransfer.solvers._tree_changes import (
    Changed,
    TreeChange,
    above,
    finish,
    grow_on,
    leaf_counts,
    node_values,
    node_weight,
    still_protected,
)

__all__ = [
    "Forest",
    "TargetRows",
    "TreeArrays",
    "TreeChange",
    "dense_rows",
    "expand_reduce",
    "protected_leaves",
    "read_tree",
    "relabel",
    "restructure",
    "target_rows",
    "target_values",
]

_GINI, _ENTROPY, _SQUARED = 0, 1, 2  # kinds of the kernels


def relabel(tree: TreeArrays, rows: TargetRows, smoothing: float) -> TreeChange:
    r"""Keep all splits; mix the target's class proportions into those of the source.

    .. math:: p(c \mid v) = \frac{n_{vc} + \kappa\, p_s(c \mid v)}{n_v + \kappa}

    for the target weight :math:`n_{vc}` of class c in node v.

    Parameters
    ----------
    tree : TreeArrays
    rows : TargetRows
    smoothing : float
        :math:`\kappa \ge 0`, infinity allowed: the given proportions, to the last bit. A node
        without target rows keeps them for any value.

    Returns
    -------
    change : TreeChange

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transfer_trees import TreeArrays, relabel, target_rows
    >>> leaf = np.array([-1], dtype=np.int32)
    >>> tree = TreeArrays(leaf + 1, np.zeros(1), leaf, leaf, np.array([[1.0, 0.0]]), np.ones(1))
    >>> rows = target_rows(np.zeros((3, 1)), np.ones(3), None, 2)
    >>> relabel(tree, rows, smoothing=1.0).tree.values
    array([[0.25, 0.75]])
    """
    counts = leaf_counts(tree, rows)
    kept, origin = np.ones(len(tree.left), dtype=bool), np.arange(len(tree.left), dtype=np.int32)
    engine().reduce_tree(0, 0, kept, tree.splits, origin, counts)  # sums up to the root
    weight = node_weight(rows, counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(weight > 0, 1.0 / (1.0 + weight / smoothing), 1.0)[:, None]
        values = share * tree.values + (1.0 - share) * node_values(rows, counts, tree.values)
    none = np.zeros(rows.X.shape[1])
    return TreeChange(tree._replace(values=values, weight=weight), 0, 0, none, none)


def expand_reduce(
    tree: TreeArrays,
    rows: TargetRows,
    *,
    min_weight: float = 0.0,
    max_features: int | None = None,
    entropy: bool = False,
    seed: int = 0,
    protects: NDArray[np.intp] | None = None,
) -> TreeChange:
    """Structure expansion and reduction (SER).

    Each leaf with target rows of several classes grows a full tree on them. Then, from the leaves
    up, a split of the given tree becomes a leaf if that makes no more errors on the target rows,
    and gives way to one child if no target row reaches the other.

    Parameters
    ----------
    tree : TreeArrays
    rows : TargetRows
    min_weight : float, default=0.0
        Least weight of a grown leaf.
    max_features : int, default=None
        Features, not constant, that are tried at a new split, drawn at random. None: all.
    entropy : bool, default=False
        Grow by entropy, not by Gini impurity.
    seed : int, default=0
        Of the draws.
    protects : ndarray of shape (n_nodes,), default=None
        From `protected_leaves`: such a leaf, unless target rows of its class reach it, neither
        grows nor goes, and keeps its proportions.

    Returns
    -------
    change : TreeChange

    Notes
    -----
    Time ``O(n depth + n_nodes n_classes)`` and that of the grown trees.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transfer_trees import TreeArrays, expand_reduce, target_rows
    >>> leaf = np.array([-1], dtype=np.int32)
    >>> tree = TreeArrays(leaf + 1, np.zeros(1), leaf, leaf, np.array([[1.0, 0.0]]), np.ones(1))
    >>> rows = target_rows(np.array([[0.0], [1.0]]), np.array([0, 1]), None, 2)
    >>> change = expand_reduce(tree, rows)
    >>> change.n_expanded, change.tree.threshold.tolist()
    (1, [0.5, 0.0, 0.0])
    """
    reached = engine().leaves_of_rows(rows.X, tree.splits)
    counts = leaf_counts(tree, rows, reached)
    nodes = np.arange(len(tree.left), dtype=np.int32)
    protected = still_protected(protects, nodes, counts)
    if rows.regression:
        growing, kind = counts[:, 0] > 0, _SQUARED
    else:
        growing = (np.count_nonzero(counts, axis=1) > 1) & ~protected
        kind = _ENTROPY if entropy else _GINI
    how = (float(min_weight), max_features or rows.X.shape[1], kind)
    changed = grow_on(tree, rows, reached, growing, counts, (how, seed))
    splits, counts, origin, kept, _ = changed
    kept[nodes] = protected
    engine().reduce_tree(len(nodes), kind, kept, splits, origin, counts)
    return finish(tree, rows, changed._replace(kept=kept & (splits[2] < 0)))


def restructure(
    tree: TreeArrays,
    rows: TargetRows,
    *,
    min_weight: float = 0.0,
    protects: NDArray[np.intp] | None = None,
    variance: NDArray[np.float64] | None = None,
) -> TreeChange:
    r"""Structure transfer (STRUT): keep which features are asked, choose the thresholds anew.

    From the root down, the threshold at a node is, among the local maxima of the target rows'
    information gain, the one that maximizes the divergence gain

    .. math:: 1 - \frac{n_L}{n} \mathrm{JSD}(P_L, Q_L) - \frac{n_R}{n} \mathrm{JSD}(P_R, Q_R)

    of the target's class distributions P in the new children against the source's Q in the old
    ones, with the Jensen-Shannon divergence in bits; or with the children exchanged, where that
    gains more. A pure node becomes a leaf. Where no threshold divides the rows of a mixed node,
    the child whose source distribution is nearer to theirs takes its place.

    Parameters
    ----------
    tree : TreeArrays
    rows : TargetRows
    min_weight : float, default=0.0
        Least weight of a child.
    protects : ndarray of shape (n_nodes,), default=None
        From `protected_leaves`: such a leaf stays, and keeps its proportions unless target rows
        of its class reach it; splits above it that find no threshold keep their own.
    variance : ndarray of shape (n_nodes,), default=None
        In regression, of the source's labels at each node. Distributions are then Gaussians, whose
        squared Hellinger distance takes the place of the divergence; a hundredth of the source's
        variance is added to each variance.

    Returns
    -------
    change : TreeChange

    Raises
    ------
    ValueError
        If `variance` is missing in regression.

    Notes
    -----
    Time ``O(m log m + m n_classes)`` at a node that m rows reach.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transfer_trees import TreeArrays, restructure, target_rows
    >>> stump = TreeArrays(np.zeros(3, np.int32), np.array([0.5, 0, 0]),
    ...                    np.array([1, -1, -1], np.int32), np.array([2, -1, -1], np.int32),
    ...                    np.array([[0.5, 0.5], [1, 0], [0, 1]]), np.array([2.0, 1, 1]))
    >>> rows = target_rows(np.array([[5.0], [6.0]]), np.array([0, 1]), None, 2)
    >>> restructure(stump, rows).tree.threshold[0]
    np.float64(5.5)
    """
    splits = tuple(array.copy() for array in tree.splits)
    n_nodes = len(tree.left)
    origin, swapped = np.arange(n_nodes, dtype=np.int32), np.zeros(n_nodes, dtype=bool)
    counts = np.zeros((n_nodes, rows.stats.shape[1]))
    values = tree.values
    if rows.regression:
        if variance is None:
            raise ValueError("variance of the source's nodes is needed in regression.")
        mean = (tree.values[:, 0] - rows.center) / rows.unit
        values = np.column_stack([np.ones(n_nodes), mean, variance / rows.unit**2 + mean**2])
    engine().restructure(
        rows.X,
        rows.stats,
        np.arange(len(rows.stats)),
        (float(min_weight), _SQUARED if rows.regression else _ENTROPY),
        above(tree, protects),
        splits,
        values,
        origin,
        swapped,
        counts,
    )
    kept = still_protected(protects, origin, counts) & (splits[2] < 0)
    return finish(tree, rows, Changed(splits, counts, origin, kept, swapped))


def protected_leaves(
    tree: TreeArrays, rows: TargetRows, classes: NDArray[np.intp], threshold: float
) -> NDArray[np.intp]:
    r"""Leaves of rare classes which the target may miss by chance (Minvielle et al., 2019).

    A leaf l is protected for class k if its majority is k after correction of the priors,
    :math:`\arg\max_c p_s(c \mid l)\, p_t(c) / p_s(c)`, and if :math:`(1 - p_l)^{N_k}` exceeds the
    threshold, where :math:`p_l` is the share of the source's class k that lies in l and
    :math:`N_k` the weight of class k in the target: the probability that none of it falls into l.
    The target's priors are smoothed by one row distributed as the source.

    Parameters
    ----------
    tree : TreeArrays
        Of the source.
    rows : TargetRows
    classes : ndarray of shape (n_protected,)
        Codes of the classes to protect.
    threshold : float
        In [0, 1].

    Returns
    -------
    protects : ndarray of shape (n_nodes,)
        Class for which each node is protected; -1 for none.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transfer_trees import TreeArrays, protected_leaves, target_rows
    >>> stump = TreeArrays(np.zeros(3, np.int32), np.array([0.5, 0, 0]),
    ...                    np.array([1, -1, -1], np.int32), np.array([2, -1, -1], np.int32),
    ...                    np.array([[0.9, 0.1], [1, 0], [0, 1]]), np.array([10.0, 9, 1]))
    >>> rows = target_rows(np.zeros((5, 1)), np.zeros(5), None, 2)
    >>> protected_leaves(stump, rows, np.array([1]), 0.9)
    array([-1, -1,  1])
    """
    mass = rows.stats.sum(axis=0)
    prior = tree.values[0]
    known = prior > 0
    scale = np.where(known, prior, 1.0)
    odds = np.where(known, (mass + prior) / (mass.sum() + 1.0) / scale, 0.0)
    majority = np.argmax(tree.values * odds, axis=1)
    nodes = np.arange(len(majority))
    share = tree.values[nodes, majority] * tree.weight / (tree.weight[0] * scale[majority])
    by_chance = np.maximum(1.0 - share, 0.0) ** mass[majority] > threshold
    is_protected = (tree.left < 0) & by_chance & np.isin(majority, classes)
    return np.where(is_protected, majority, -1)
