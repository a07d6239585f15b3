"""The width of KLIEP's kernels by the likelihood of rows that are held out.

The criterion of Sugiyama et al. (AISM 2008) for target rows, with two changes that make it tell
more: a landmark is held out with the row that it equals, and source rows may be held out as well.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_random_state, gen_batches

from skransfer.kernels import Backend, backend_of, canonical_order, check_memory, to_host
from skransfer.solvers._landmarks import rows_at
from skransfer.solvers._log_kernels import (
    log_kernel_means,
    log_sum,
    scaled_rows,
    squared_distances,
    stripe_height,
)
from skransfer.solvers._mixture import mixture_proportions

__all__ = ["held_out_likelihoods", "row_folds"]

Array = NDArray[np.float64]


def row_folds(
    X: Any, landmarks: Any, cv: int, random_state: Any = 0
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Folds of rows, equal rows in the same one, and where the landmarks are.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        In an order that depends on the rows alone. Rows on a device are copied to the host.
    landmarks : {array, CSR matrix} of shape (b, d)
    cv : int
        Most folds, at least 2; fewer where there are fewer distinct rows.
    random_state : int or RandomState instance, default=0
        Draws the folds.

    Returns
    -------
    folds : ndarray of shape (n,)
        0, 1, ...: of sizes that differ by one distinct row at most.
    landmark_folds : ndarray of shape (b,)
        Fold of the rows that equal the landmark; -1 if there are none.

    Raises
    ------
    ValueError
        If all rows are equal.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kliep_folds import row_folds
    >>> rows = np.array([[1.0], [1.0], [2.0], [3.0]])
    >>> folds, landmark_folds = row_folds(rows, rows[1:3], cv=3)
    >>> bool(folds[0] == folds[1] == landmark_folds[0]), len(set(folds.tolist()))
    (True, 3)
    """
    n, rows = X.shape[0], [to_host(X), to_host(landmarks)]
    stacked = sp.vstack(rows, format="csr") if sp.issparse(X) else np.vstack(rows)
    groups = canonical_order(stacked)[1]
    distinct, first = np.unique(groups[:n], return_index=True)
    if len(distinct) < 2:
        raise ValueError(
            'gamma="cv" needs at least two rows of a domain that differ; give gamma as a number, '
            '"scale" or "median".'
        )
    fold_of = np.full(len(groups), -1, dtype=np.intp)
    folds = np.arange(len(distinct)) % min(cv, len(distinct))
    fold_of[distinct[np.argsort(first)]] = check_random_state(random_state).permutation(folds)
    return fold_of[groups[:n]], fold_of[groups[n:]]


def held_out_likelihoods(
    source: Any,
    target: Any,
    landmarks: Any,
    gammas: Array,
    folds: tuple[NDArray[np.intp], NDArray[np.intp]],
    *,
    source_folds: NDArray[np.intp] | None = None,
    tol: float = 1e-6,
    max_iter: int = 100,
) -> Array:
    r"""Mean logarithm of the ratio at target rows, each from a fit without the rows of its fold.

    Landmarks that equal a held-out row are left out as well, so that a fit knows nothing of the
    rows that judge it. (The kernel of a held-out row has a share that the other rows hardly
    determine, and that share decides the logarithm there.) A fold that would leave none keeps all.

    With `source_folds` the fit goes without a fold of the source, too, and the ratio is scaled to
    mean 1 over that fold: the score is :math:`\mathrm{mean}_t \log w - \log \mathrm{mean}_s w`
    over held-out rows. A fit may put large values where the source happens to have no rows;
    held-out target rows alone do not see that.

    Parameters
    ----------
    source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
        On any device, which holds the distances.
    landmarks : {array, CSR matrix} of shape (b, d)
    gammas : ndarray of shape (g,)
    folds : tuple of ndarray of shape (n_t,) and (b,)
        From `row_folds`.
    source_folds : ndarray of shape (n_s,), default=None
        The same number of folds; None: all source rows serve in each fit.
    tol, max_iter
        Of :func:`skransfer.solvers._mixture.mixture_proportions`.

    Returns
    -------
    ndarray of shape (g,)
        Higher is better; 0 is the score of constant weights.

    Raises
    ------
    MemoryError
        If n_t x b numbers cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kliep_folds import held_out_likelihoods
    >>> source, target = np.arange(12.0)[:, None] / 4, np.arange(6.0)[:, None] / 6
    >>> folds = np.arange(6) % 2, np.arange(6) % 2
    >>> held_out_likelihoods(source, target, target, np.array([0.01, 1.0, 50.0]), folds).round(2)
    array([0.02, 0.8 , 0.47])
    """
    n, b, backend = target.shape[0], landmarks.shape[0], backend_of(target)
    what = f"Cross-validation with {n} rows and {b} landmarks"
    check_memory(3 * 8 * n * b, what, ("choose a smaller n_landmarks", "give gamma"), backend)
    n_folds = int(folds[0].max()) + 1
    means, held_means = _fold_means(source, landmarks, gammas, source_folds, n_folds)
    distances = backend.concat(list(squared_distances(target, landmarks)))
    totals = np.zeros(len(gammas))
    for fold in range(n_folds):
        held, kept = folds[0] == fold, folds[1] != fold
        if not kept.any():
            kept[:] = True
        fit_on = _part(distances, ~held, kept, backend)
        judge_on = _part(distances, held, kept, backend)
        for k, gamma in enumerate(gammas.tolist()):
            scale = means[fold, k, kept]
            beta = _fit_scaled(fit_on, gamma, scale, tol=tol, max_iter=max_iter)
            used = beta > 0
            logs = np.log(beta[used]) - scale[used]
            judged = backend.asarray(logs) - gamma * backend.take(judge_on, used, axis=1)
            totals[k] += float(backend.xp.sum(log_sum(judged, axis=1)))
            totals[k] -= held.sum() * log_sum(logs + held_means[fold, k, kept][used], axis=0)
    return totals / n


# ----------------------------------------------------------------------------------- helpers


def _fold_means(
    source: Any,
    landmarks: Any,
    gammas: Array,
    folds: NDArray[np.intp] | None,
    n_folds: int,
) -> tuple[Array, Array]:
    """For each fold, the logarithms of the means over the rows that fit, and that judge.

    On the host: a number for each fold, width and landmark.
    """
    if folds is None:
        means = np.stack([to_host(log_kernel_means(source, landmarks, gammas))] * n_folds)
        return means, means
    sizes = np.bincount(folds, minlength=n_folds)
    parts = (rows_at(source, folds == fold) for fold in range(n_folds))
    held = np.stack([to_host(log_kernel_means(part, landmarks, gammas)) for part in parts])
    sums = held + np.log(sizes)[:, None, None]
    rest = [log_sum(np.delete(sums, fold, axis=0), axis=0) for fold in range(n_folds)]
    return np.stack(rest) - np.log(len(folds) - sizes)[:, None, None], held


def _part(
    distances: Any, rows: NDArray[np.bool_], columns: NDArray[np.bool_], backend: Backend
) -> Any:
    if backend.is_host:
        return distances[np.ix_(rows, columns)]
    return backend.take(backend.take(distances, rows), columns, axis=1)


def _fit_scaled(distances: Any, gamma: float, scale: Array, **options: Any) -> Array:
    """Proportions of the kernels that are given by distances and the logarithms of their means."""
    backend = backend_of(distances)
    n, b = distances.shape
    logs = backend.asarray(scale)
    blocks = [
        scaled_rows(-gamma * distances[rows, :] - logs)
        for rows in gen_batches(n, stripe_height(b, backend))
    ]
    return np.asarray(to_host(mixture_proportions(blocks, **options).proportions))
