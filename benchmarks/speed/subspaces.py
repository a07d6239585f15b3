"""Subspace mappers beside two PCAs: ``python -m benchmarks.speed.subspaces``.

Each decomposes the same two domains, turn about in one process; medians are compared. All give the
k leading axes; before anything is timed, those of ours are checked against the full decomposition,
and the largest angle between the subspaces is what the page shows of each program's error.
"""

import numpy as np
from scipy import sparse
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from benchmarks.speed.page import finish, medians, parser, table
from skransfer import GFK, SubspaceAlignment

TITLE = "GFK and subspace alignment beside two principal component analyses"

ABOUT = """\
Rows of two domains of n rows each, with variances that fall like 1 / j^2 along the j-th axis
(sparse: counts with a long tail), k = {k}, float64. Seconds of one fit, median of {runs}. A PCA is
scikit-learn's, fitted on one domain and then on the other, with each of its solvers: "full",
"covariance_eigh" (both left out where they are far behind) and "arpack" are exact, "randomized" is
not. The next columns divide by the fastest two PCAs that are exact, and by the fastest of all.
Error: largest angle, in degrees, between the source's k axes and those of the full
decomposition."""

FULL = (
    (20_000, 100, False),
    (5000, 500, False),
    (2000, 1500, False),
    (300, 3000, False),
    (1500, 4000, False),
    (2000, 20_000, True),
    (20_000, 1000, True),
)
QUICK = ((60, 8, False), (20, 30, False), (20, 30, True))
HEAD = ("rows", "program", "seconds", "over exact PCAs", "over fastest PCAs", "error")
SOLVERS = ("full", "covariance_eigh", "arpack", "randomized")


def domains(n, d, is_sparse, seed=0):
    """Stacked rows of two domains, and their ids."""
    rng = np.random.default_rng(seed)
    ids = np.repeat([0, -1], n)
    if is_sparse:
        frequency = 1 / np.arange(1, d + 1)
        words = min(80, d // 2)
        columns = rng.choice(d, size=2 * n * words, p=frequency / frequency.sum())
        rows = np.repeat(np.arange(2 * n), words)
        X = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(2 * n, d))
        X.sum_duplicates()
        return X, ids
    X = rng.normal(size=(2 * n, d)) / np.arange(1, d + 1)
    # The target's axes are those of the source, turned in pairs.
    X[n:] = np.cos(0.5) * X[n:] + np.sin(0.5) * X[n:, ::-1]
    return X, ids


def two_pcas(X, ids, k, solver):
    """Fit one PCA on each domain; the source's axes."""
    fitted = [
        PCA(k, svd_solver=solver, random_state=0).fit(X[side]) for side in (ids >= 0, ids < 0)
    ]
    return fitted[0].components_.T


def source_axes(method, X, ids, k):
    """Fit ours; the source's axes."""
    return method(n_components=k).fit(X, sample_domain=ids).map_.source.directions


def programs(X, ids, k):
    """What is timed, by name; scikit-learn's PCA of sparse rows has fewer solvers."""
    solvers = ("covariance_eigh", "arpack") if sparse.issparse(X) else SOLVERS
    n, d = X.shape[0] // 2, X.shape[1]
    # What takes minutes, and is never the fastest, is left out.
    slow = {"full": min(n, d) > 1000, "covariance_eigh": d > max(n, 1000)}
    solvers = [solver for solver in solvers if not slow.get(solver, False)]
    work = {
        f'two PCA(svd_solver="{solver}")': lambda s=solver: two_pcas(X, ids, k, s)
        for solver in solvers
    }
    work["GFK"] = lambda: source_axes(GFK, X, ids, k)
    work["SubspaceAlignment"] = lambda: source_axes(SubspaceAlignment, X, ids, k)
    return work


def reference(X, ids, k):
    """The source's axes from all singular values."""
    rows = X[ids >= 0]
    dense = rows.toarray() if sparse.issparse(rows) else rows
    dense = dense - dense.mean(axis=0)
    if len(dense) > dense.shape[1]:
        return np.linalg.eigh(dense.T @ dense)[1][:, -k:]
    left = np.linalg.eigh(dense @ dense.T)[1][:, -k:]
    return np.linalg.qr(dense.T @ left)[0]


def measured(shapes, k, runs):
    """Rows of the table."""
    for n, d, is_sparse in shapes:
        X, ids = domains(n, d, is_sparse)
        kept = min(k, n - 1, d)
        work, truth = programs(X, ids, kept), reference(X, ids, kept)
        errors = {
            name: np.rad2deg(subspace_angles(function(), truth).max())
            for name, function in work.items()
        }
        if max(errors["GFK"], errors["SubspaceAlignment"]) > 1e-3:
            raise AssertionError(f"Wrong axes are not timed: {errors}")
        seconds = dict(zip(work, medians(list(work.values()), runs), strict=True))
        pcas = {name: taken for name, taken in seconds.items() if "PCA" in name}
        exact = min(taken for name, taken in pcas.items() if "randomized" not in name)
        for name, taken in seconds.items():
            yield [
                f"{n} x {d}{', sparse' if is_sparse else ''}",
                name,
                f"{taken:.4f}",
                f"{taken / exact:.2f}",
                f"{taken / min(pcas.values()):.2f}",
                f"{errors[name]:.1g}",
            ]


def main(arguments=None):
    """Measure and report."""
    options = parser(__doc__.splitlines()[0]).parse_args(arguments)
    shapes, k, runs = (QUICK, 3, 1) if options.quick else (FULL, 20, 3)
    parts = [ABOUT.format(k=k, runs=runs), table(HEAD, measured(shapes, k, runs))]
    finish(TITLE, parts, "benchmarks.speed.subspaces", options)


if __name__ == "__main__":
    main()
