"""Joint adaptation in rounds: ``python -m benchmarks.speed.joint``.

Ten maps and labelings of JDA against one fit of TCA; and against the problem as scripts solve it,
with the dense matrices of the formula and a nonsymmetric eigensolver.
"""

import time

import numpy as np
import scipy.linalg
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.speed.page import finish, parser, table
from skransfer import JDA, TCA

TITLE = "Joint distribution adaptation in ten rounds"

ABOUT = """\
Half of the n rows are source rows, d = {d}, {c} classes, RBF kernel, {k} components, alpha = 1,
float64. JDA labels by 1NN and computes {rounds} maps, or fewer if no label changes. Medians of
{repeats} runs, JDA and TCA in turn."""

DENSE = """\
Dense: K H K and K M K + I as matrices, all eigenvectors of the nonsymmetric generalized problem by
`scipy.linalg.eig`, as programs for JDA solve it; one map of the ten is timed, and the time is
multiplied by ten. The row marked * was not measured: the time of the row above times the cube of
the ratio of the numbers of rows."""

N_FEATURES, N_CLASSES, N_COMPONENTS, ROUNDS = 20, 10, 20, 10


def rows(n, seed=0):
    """Classes around means that lie close together, the target's moved."""
    rng = np.random.default_rng(seed)
    y, domains = rng.integers(N_CLASSES, size=n), np.repeat([0, -1], [n // 2, n - n // 2])
    X = 0.6 * rng.normal(size=(N_CLASSES, N_FEATURES))[y] + rng.normal(size=(n, N_FEATURES))
    X[domains < 0] += 0.6 * rng.normal(size=N_FEATURES)
    return X, y, domains


def seconds(call):
    """Time of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def make_jda():
    """JDA as it is timed."""
    return JDA(KNeighborsClassifier(1), n_components=N_COMPONENTS, max_iter=ROUNDS, random_state=0)


def against_tca(n, repeats):
    """Number of rows, maps, and median seconds of TCA and of JDA."""
    X, y, domains = rows(n)
    n_maps = make_jda().fit(X, y, sample_domain=domains).n_iter_
    tca, jda = [], []
    for _ in range(repeats):
        mapper = TCA(n_components=N_COMPONENTS, random_state=0)
        tca.append(seconds(lambda m=mapper: m.fit(X, sample_domain=domains)))
        jda.append(seconds(lambda: make_jda().fit(X, y, sample_domain=domains)))
    return n, n_maps, float(np.median(tca)), float(np.median(jda))


def dense_map(n):
    """Seconds of one map by dense matrices and a nonsymmetric eigensolver."""
    X, y, domains = rows(n)
    K = rbf_kernel(X, X.copy(), gamma=1 / (N_FEATURES * X.var()))
    H, M = np.eye(n) - 1 / n, np.zeros((n, n))
    for c in range(N_CLASSES):
        ours, theirs = (domains >= 0) & (y == c), (domains < 0) & (y == c)
        e = ours / ours.sum() - theirs / theirs.sum()
        M += np.outer(e, e)
    M /= np.linalg.norm(M)

    def solve():
        A, B = K @ H @ K, K @ M @ K + np.eye(n)
        values, W = scipy.linalg.eig(A, B)  # noqa: TID251 - what is compared
        return K @ W[:, np.argsort(-values.real)[:N_COMPONENTS]].real

    return seconds(solve)


def main(arguments=None):
    """Measure and report."""
    options = parser(__doc__.splitlines()[0]).parse_args(arguments)
    repeats = 1 if options.quick else 7
    sizes = [300] if options.quick else [500, 1000, 2000, 3000]
    ours = [against_tca(n, repeats) for n in sizes]
    about = ABOUT.format(d=N_FEATURES, c=N_CLASSES, k=N_COMPONENTS, rounds=ROUNDS, repeats=repeats)
    speed = [
        [n, n_maps, f"{tca:.3f}", f"{jda:.3f}", f"{jda / tca:.1f}"] for n, n_maps, tca, jda in ours
    ]
    of_jda = {n: jda for n, _, _, jda in ours}
    measured = {n: ROUNDS * dense_map(n) for n in ([300] if options.quick else [500, 1000, 1500])}
    last = max(measured)
    far = 2 * last
    dense = [[n, f"{t:.1f}"] for n, t in measured.items()]
    dense.append([f"{far} *", f"{measured[last] * (far / last) ** 3:.1f}"])
    for row, n in zip(dense, [*measured, far], strict=True):
        known = n in of_jda
        total = float(row[1])
        row += [f"{of_jda[n]:.3f}", f"{total / of_jda[n]:.0f}"] if known else ["", ""]
    parts = [
        about,
        table(["rows", "maps", "TCA, s", "JDA, s", "ratio"], speed),
        DENSE,
        table(["rows", "dense, s", "JDA, s", "times faster"], dense),
    ]
    finish(TITLE, parts, "benchmarks.speed.joint", options)


if __name__ == "__main__":
    main()
