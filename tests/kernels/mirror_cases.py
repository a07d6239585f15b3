"""Arguments of every inner loop, for the tests that compare engines.

A builder takes a random generator and a dtype, and returns the arguments and the positions of those
that are written.
"""

import numpy as np
import scipy.sparse as sp

from skransfer.kernels import _reference

NAMES = _reference.__all__


def _products(rng, dtype, n=37, m=41, d=5):
    X, Y = rng.normal(size=(n, d)).astype(dtype), rng.normal(size=(m, d)).astype(dtype)
    X[0], Y[1] = 0, X[1]
    products = np.ascontiguousarray(X @ Y.T)
    return X, Y, products


def _exponential(rng, dtype):
    values = -np.abs(rng.normal(scale=30, size=(37, 41))).astype(dtype)
    values[0, :4] = [0.0, -1e-30, -1e4, np.nan]
    return (values, 0.7), [0]


def _rbf_from_products(rng, dtype):
    X, Y, products = _products(rng, dtype)
    products[0, 0], products[3, 3] = np.nan, 1e6
    return (products, (X * X).sum(1), (Y * Y).sum(1), 0.3), [0]


def _add_gaussians(rng, dtype):
    # Whole numbers: distances without rounding.
    X, Y = (rng.integers(-2, 3, size=(n, 5)).astype(dtype) for n in (37, 41))
    products = np.ascontiguousarray(X @ Y.T)
    products[:, 3], products[5, 6] = -np.inf, -np.inf
    nearest, sums = np.full(41, np.inf), np.zeros((2, 41))
    seen = rng.random(41) < 0.5
    seen[3] = rng.integers(2)
    nearest[seen], sums[:, seen] = 1.5, rng.uniform(1, 9, size=(2, seen.sum()))
    norms = (X * X).sum(1), (Y * Y).sum(1)
    return (products, *norms, np.array([0.3, 7.0]), nearest, sums), [0, 4, 5]


def _polynomial_from_products(rng, dtype):
    degree = (0, 1, 2, 3, 11, 2.5)[rng.integers(6)]
    products = _products(rng, dtype)[2]
    return (np.abs(products) if degree == 2.5 else products, 0.3, 1.5, degree), [0]


def _sigmoid_from_products(rng, dtype):
    products = _products(rng, dtype)[2]
    products[0, 0] = np.nan
    return (products, 0.3, -0.5), [0]


def _l1_distances(rng, dtype):
    X, Y, out = _products(rng, dtype)
    return (X, np.ascontiguousarray(Y.T), out), [2]


def _chi2_distances(rng, dtype):
    X, Y, out = _products(rng, dtype)
    X, Y = np.abs(X), np.abs(Y)
    X[:, 0], Y[::2, 0] = 0, 0
    return (X, np.ascontiguousarray(Y.T), out), [2]


def _l1_distances_csr(rng, dtype):
    parts, shape = [], (37, 23)
    for n in shape:
        rows = sp.random(n, 12, density=0.3, format="csr", random_state=7, dtype=dtype)
        rows.data -= dtype(0.5)
        parts.append((rows.data, rows.indices, rows.indptr))
    return (*parts, 12, np.empty(shape, dtype)), [3]


def _smo(rng, dtype):
    n = 45
    X = rng.normal(size=(n, 3))
    K = np.exp(-((X[:, None] - X[None]) ** 2).sum(-1)).astype(dtype)
    x = rng.uniform(0, 2, size=n)
    x[::7], x[1::7] = 0, 2
    gradient = K.astype(float) @ x - rng.uniform(5, 20, size=n)
    slab = [(0.9, 1.1), (1.0, 1.0), (1.0, 3.0), (0.2, 1.0)][rng.integers(4)]
    low, high = slab[0] * x.sum(), slab[1] * x.sum()
    return (K, np.ones(n), x, gradient, 2.0, low, high, 1e-3, 400), [2, 3]


def _rows_in_bins(rng, n=60, d=3, width=9):
    """Bins, rows in any order, classes and weights in whole numbers; one feature is constant."""
    bins = rng.integers(0, width, size=(d, n)).astype(np.uint8)
    bins[1] = 0
    rows = rng.permutation(n)[:45].astype(np.uint32)
    n_classes = int(rng.integers(2, 5))
    codes = rng.integers(0, n_classes, size=n).astype(np.uint32)
    return bins, rows, codes, rng.integers(0, 9, size=n) * 2.0**40, (d, width, n_classes)


def _class_histogram(rng, dtype):
    *arguments, shape = _rows_in_bins(rng)
    return (*arguments, np.full(shape, np.nan)), [4]


def _best_split(rng, dtype):
    bins, rows, codes, weights, shape = _rows_in_bins(rng)
    histogram = np.empty(shape)
    _reference.class_histogram(bins, rows, codes, weights, histogram)
    if rng.integers(4) == 0:
        histogram[:, 0] = histogram.sum(axis=1)
        histogram[:, 1:] = 0  # nothing to split
    totals = histogram[0].sum(axis=0)
    return (histogram, totals, rng.choice([0.0, 0.01, 1.0]) * totals.sum()), []


def _partition_rows(rng, dtype):
    bins, rows, *_ = _rows_in_bins(rng)
    return (bins[0], int(rng.integers(9)), rows), [2]


def _tree_leaves(rng, dtype):
    child = np.array([1, 3, 5, 0, 0, 0, 0]) if rng.integers(3) else np.zeros(7, dtype=int)
    columns = rng.integers(0, 3, size=(2, 40)).astype(float)
    return (columns, rng.integers(0, 2, size=7), rng.integers(0, 2, size=7) * 1.0, child), []


def _box_descent(rng, dtype, n=60, p=13):
    rows = rng.normal(size=(n, p)).astype(dtype)
    rows[rng.random(size=rows.shape) < 0.4] = 0
    extra, scale = rng.normal(size=(n, int(rng.integers(3)))), rng.uniform(0.2, 1.0)
    ridge = np.full(n, rng.choice([0.0, 0.3]))
    wide = rows.astype(float)
    curvature = scale * (wide**2).sum(axis=1) + (extra**2).sum(axis=1) + ridge + 1e-9
    signs = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    caps = rng.choice([0.02, np.inf], size=n)
    low, high = np.minimum(0, signs * caps), np.maximum(0, signs * caps)
    dual = np.clip(0.03 * rng.normal(size=n), low, high)
    vectors = dual, scale * wide.T @ dual, extra.T @ dual, rng.permutation(n)
    limits = int(rng.integers(2**31)), 12, rng.choice([0.0, 0.5])
    problem = extra, scale, signs + 0.3 * rng.normal(size=n), ridge, curvature, low, high
    return (rows, *problem, *vectors, *limits), [8, 9, 10, 11]


def _box_descent_csr(rng, dtype):
    (rows, *others), written = _box_descent(rng, dtype)
    rows = sp.csr_array(rows)
    return ((rows.data, rows.indices, rows.indptr), *others), written


def _rows_and_tree(rng, n=50, d=3):
    """Rows on a grid, their statistics, and a tree whose nodes 0 to 3 are inner; the kind."""
    X = rng.integers(0, 6, size=(n, d)).astype(np.float32)
    kind = int(rng.integers(3))
    weights, labels = rng.integers(1, 4, size=n) * 1.0, rng.integers(0, 3, size=n)
    if kind < 2:
        stats, values = np.eye(3)[labels] * weights[:, None], rng.dirichlet(np.ones(3), size=9)
    else:
        stats = weights[:, None] * np.column_stack([np.ones(n), labels, labels**2])
        values = np.column_stack([np.ones(9), rng.normal(size=9), rng.uniform(1, 3, size=9)])
    feature = rng.integers(0, d, size=9).astype(np.int32)
    left = np.array([1, 3, 5, 7, -1, -1, -1, -1, -1], dtype=np.int32)
    right = np.where(left >= 0, left + 1, -1).astype(np.int32)
    tree = (feature, rng.integers(0, 5, size=9) + 0.5, left, right)
    return X, stats, tree, values, kind


def _leaves_of_rows(rng, dtype):
    X, _, tree, *_ = _rows_and_tree(rng)
    return (X, tree), []


def _forest_values(rng, dtype):
    X, _, tree, values, _ = _rows_and_tree(rng)
    roots = np.array([0, 1, 8], dtype=np.int32)
    return (X, tree, roots, values, np.full((len(X), values.shape[1]), np.nan)), [4]


def _grow_leaves(rng, dtype):
    X, stats, _, _, kind = _rows_and_tree(rng)
    rows, ends = rng.permutation(50)[:40], np.array([12, 13, 40])
    n_try = int(rng.integers(1, 4))
    how = (float(rng.integers(0, 4)), n_try, kind)
    side = np.full(80, -1, dtype=np.int32)
    tree = (np.zeros(80, dtype=np.int32), np.zeros(80), side, side.copy())
    arguments = (X, stats, rows, ends, how, 2**31 - 1 - n_try, tree)
    return (*arguments, np.zeros((80, 3))), [2, 6, 7]


def _reduce_tree(rng, dtype):
    _, stats, tree, _, kind = _rows_and_tree(rng)
    kept = np.zeros(9, dtype=bool)
    kept[rng.integers(4, 9)] = rng.integers(2)
    counts = stats[:9] * rng.integers(2, size=9)[:, None]
    arguments = (int(rng.choice([4, 9])), kind, kept, tree, np.arange(9, dtype=np.int32), counts)
    return arguments, [2, 3, 4, 5]


def _restructure(rng, dtype):
    X, stats, tree, values, kind = _rows_and_tree(rng)
    guarded = np.zeros(9, dtype=bool)
    guarded[[0, 1, 3, rng.choice([7, 8])]] = rng.integers(2)
    X[:, rng.integers(3)] = 1  # nothing to divide
    rows = rng.permutation(50)[: rng.choice([2, 8, 45])]
    arguments = (X, stats, rows, (float(rng.integers(3)), kind), guarded, tree, values)
    changed = np.arange(9, dtype=np.int32), np.zeros(9, dtype=bool), np.zeros_like(values)
    return (*arguments, *changed), [2, 5, 7, 8, 9]


CASES = {name: globals()[f"_{name}"] for name in NAMES}
