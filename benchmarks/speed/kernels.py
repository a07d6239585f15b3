"""Kernel products beside scikit-learn's: ``python -m benchmarks.speed.kernels``.

K @ V from rows, once, without holding K (form "tiled"), against ``rbf_kernel(X, X.copy()) @ V``;
the copy keeps scikit-learn off a symmetric product that OpenBLAS gets wrong on long arrays.
Agreement in float64 is checked first.
"""

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel

from benchmarks.speed.page import finish, medians, parser, table
from skransfer.kernels import engine, kernel_operator, single_blas

TITLE = "Kernel products"
SIZES, WIDTHS, COLUMNS = (1000, 10_000, 30_000), (2, 10, 64, 256), (1, 32)
QUICK = (300, 1000), (2, 10), (1, 32)


def check(X, gamma):
    """Stop unless the product is right on the first rows."""
    part = X[:800]
    V = np.random.default_rng(0).normal(size=(len(part), 3))
    wide = part.astype(np.float64)
    expected = rbf_kernel(wide, wide.copy(), gamma=gamma) @ V
    found = kernel_operator(part, gamma=gamma, form="tiled") @ V
    tol = 1e-11 if X.dtype == np.float64 else 1e-4
    np.testing.assert_allclose(found, expected, rtol=tol, atol=tol * np.abs(expected).max())


def product_rows(sizes, widths, columns):
    """Table rows for all sizes."""
    for dtype in (np.float32, np.float64):
        for n in sizes:
            for d in widths:
                X = np.random.default_rng(d).normal(size=(n, d)).astype(dtype)
                check(X, 1 / d)
                for t in columns:
                    yield measure(X, np.ones((n, t), dtype=dtype))


def measure(X, V):
    """One table row."""
    (n, d), t = X.shape, V.shape[1]

    def ours():
        return kernel_operator(X, gamma=1 / d, form="tiled") @ V

    def theirs():
        return rbf_kernel(X, X.copy(), gamma=1 / d) @ V

    runs = 11 if n <= 1000 else (3 if n <= 10_000 else 1)
    seconds = medians([ours, theirs], runs)
    name = np.dtype(X.dtype).name
    per_entry = [f"{1e9 * taken / n**2:.2f}" for taken in seconds]
    return [name, n, d, t, *per_entry, f"{seconds[1] / seconds[0]:.1f}", runs]


def limit_rows(widths):
    """Ns per entry of this machine's matrix product and exponential, on one thread, on a tile."""
    for dtype in (np.float32, np.float64):
        for d in widths:
            A = np.random.default_rng(0).normal(size=(384, d)).astype(dtype)
            B, out = A.copy(), np.empty((384, 384), dtype)
            values = -np.abs(out)
            with single_blas():
                product, exponential = medians(
                    [
                        lambda A=A, B=B, out=out: np.matmul(A, B.T, out=out),
                        lambda values=values: engine().exponential(values, -0.0),
                    ],
                    101,
                )
            ns = [f"{1e9 * taken / out.size:.2f}" for taken in (product, exponential)]
            yield [np.dtype(dtype).name, d, *ns]


def main(arguments=None):
    """Measure and report."""
    options = parser(__doc__.splitlines()[0]).parse_args(arguments)
    sizes, widths, columns = QUICK if options.quick else (SIZES, WIDTHS, COLUMNS)
    head = ["dtype", "n", "d", "columns of V", "ours, ns/entry", "scikit-learn, ns/entry"]
    parts = [
        "K @ V with an RBF kernel, from rows, K not held; entries are all n^2. Medians, in turn.",
        table([*head, "ratio", "runs"], product_rows(sizes, widths, columns)),
        (
            "Limits of one thread on one tile of 384 x 384 (a symmetric product computes half of "
            "the tiles; each needs the product, the exponential, and products with V):"
        ),
        table(
            ["dtype", "d", "matrix product, ns/entry", "exponential, ns/entry"], limit_rows(widths)
        ),
    ]
    finish(TITLE, parts, "benchmarks.speed.kernels", options)


if __name__ == "__main__":
    main()
