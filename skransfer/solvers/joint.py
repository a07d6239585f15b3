r"""Contrasts of domains and of classes within domains, and how far two samples lie apart.

The discrepancy that joint adaptation penalizes is a sum of squared distances of means. With one
column e of contrasts for each pair of means, as :math:`\|Z^\top e\|^2` for mapped rows Z, the sum
is :math:`\operatorname{tr}(Z^\top M Z)` with :math:`M = E E^\top`: E has as many columns as there
are pairs, and the n x n matrix M is never needed.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import backend_of, check_memory, on_host

__all__ = ["DomainBalance", "joint_contrasts", "proxy_distance"]

Array = Any  # of float64, on any device
Codes = NDArray[np.intp]

# Strengths of the ridge penalty that are tried, as shares of the largest eigenvalue.
_STRENGTHS = np.logspace(-6, 1, 15)


def joint_contrasts(
    source: NDArray[np.bool_],
    codes: Codes,
    *,
    balance: float = 0.5,
    weighted: bool = False,
) -> NDArray[np.float64]:
    r"""Columns E with E E' = (1 - balance) M_0 + balance sum_c M_c, up to scale.

    M_0 contrasts the means of the domains and M_c those of class c in the domains (Long et al.,
    2013; with a balance: Wang et al., 2017). A class without rows in one of the domains has no
    difference of means and is left out.

    Parameters
    ----------
    source : ndarray of shape (n,) of bool
        Source rows; the others are target rows.
    codes : ndarray of shape (n,) of int
        Class of each row; -1: unknown. Rows of unknown class count for M_0.
    balance : float, default=0.5
        From 0 (domains alone) to 1 (classes alone; domains, if no class is left).
    weighted : bool, default=False
        Contrast p_s(c) times the source mean with p_t(c) times the target mean of a class, so
        that classes which have another share in the target are not forced onto each other. The
        shares are divided by p_s(c): with equal shares nothing changes.

    Returns
    -------
    ndarray of shape (n, 1 + c)
        Scaled so that the Frobenius norm of E E' is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.joint import joint_contrasts
    >>> source = np.array([True, True, False, False])
    >>> E = joint_contrasts(source, np.array([0, 1, 0, -1]))
    >>> (E / E[0, 0]).round(3)
    array([[ 1.,  2.],
           [ 1.,  0.],
           [-1., -2.],
           [-1., -0.]])
    """
    columns = [np.sqrt(1 - balance) * _contrast(source, ~source)]
    present = codes >= 0
    for code in np.unique(codes[present]):
        of_class = codes == code
        ours, theirs = source & of_class, ~source & of_class
        if not (ours.any() and theirs.any()):
            continue
        ratio = 1.0
        if weighted:
            ratio = (theirs.sum() / (~source & present).sum()) / (ours.sum() / source.sum())
        columns.append(np.sqrt(balance) * _contrast(ours, theirs, ratio))
    if balance == 1 and len(columns) == 1:
        columns = [_contrast(source, ~source)]
    E = np.column_stack(columns)
    # The Frobenius norm of E E' is that of E'E, a small matrix.
    return np.asarray(E / np.sqrt(np.linalg.norm(E.T @ E)))


def _contrast(
    ours: NDArray[np.bool_], theirs: NDArray[np.bool_], ratio: float = 1.0
) -> NDArray[np.float64]:
    return np.asarray(ours / ours.sum() - ratio * theirs / theirs.sum())


def proxy_distance(X: Any, is_target: NDArray[np.bool_], *, gram: bool = False) -> float:
    r"""The A-distance of two samples, by how well a linear classifier tells them apart.

    2 (1 - 2 error), from 0 (not at all) to 2 (always) (Ben-David, Blitzer, Crammer and Pereira,
    2007). The classifier is ridge regression on -1 and 1, both samples weighing the same; the
    error is that of leaving each row out, in closed form, and so is the choice of the penalty:
    neither the rows that a classifier learned from judge it, nor does chance deal them into folds.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Rows of both samples, on any device; or their kernel matrix.
    is_target : ndarray of shape (n,) of bool
        Rows of the second sample; two or more of each.
    gram : bool, default=False
        X is a kernel matrix.

    Returns
    -------
    float
        An error above one half counts as one half.

    Raises
    ------
    MemoryError
        If a matrix of the shorter side of X squared cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.joint import proxy_distance
    >>> X = np.r_[np.linspace(0, 1, 20), np.linspace(5, 6, 20)][:, None]
    >>> proxy_distance(X, np.arange(40) >= 20), proxy_distance(X, np.arange(40) % 2 == 0)
    (2.0, 0.0)
    """
    backend = backend_of(X)
    xp, y = backend.xp, backend.asarray(np.where(is_target, 1.0, -1.0))
    share = backend.asarray(np.where(is_target, 0.5 / is_target.sum(), 0.5 / (~is_target).sum()))
    root = xp.sqrt(share)
    squares, left = _spectrum(X, share, gram)
    inner = left.T @ (root * y)  # the weighted mean of y is 0
    best, error = np.inf, 0.5
    for strength in (_STRENGTHS * backend.largest(squares)).tolist():
        shrink = squares / (squares + strength)
        gap = 1 - share - (left**2) @ shrink  # one less the leverage, the intercept included
        deleted = (y - (left @ (shrink * inner)) / root) / xp.where(gap > 1e-12, gap, 1e-12)
        loss = float(share @ deleted**2)
        if loss < best:
            wrong = xp.sign(y - deleted) * y
            best, error = loss, float(share @ (1 - wrong) / 2)
    return max(0.0, 2 * (1 - 2 * error))


def _spectrum(X: Any, share: Array, gram: bool) -> tuple[Array, Array]:
    """Squared singular values and left vectors of the centered rows, weighted by their shares."""
    (n, d), backend = X.shape, backend_of(X)
    check_memory(
        3 * 8 * min(n, d) ** 2 + 8 * n * min(n, d),
        f"A linear classifier of {n} rows and {d} features",
        ("give balance as a number", "select or project features first"),
        backend,
    )
    root = backend.xp.sqrt(share)[:, None]
    if gram or n <= d:
        with backend.full_precision():
            G = X if gram else X @ X.T
        G = backend.wide(G.toarray() if sp.issparse(G) else G)
        G = G - share @ G
        G = (G - (G @ share)[:, None]) * root * root.T
        return _positive(G)
    if not sp.issparse(X):
        X = backend.wide(X)
    mean = share @ X
    if sp.issparse(X):
        small = (X.T @ X.multiply(share[:, None])).toarray() - np.outer(mean, mean)
    else:
        A = (X - mean) * root
        small = A.T @ (A + 0.0)  # a copy: a product of a matrix with itself can be wrong
    squares, right = _positive(small)
    right = right / backend.xp.sqrt(squares)
    return squares, (X @ right - mean @ right) * root


def _positive(small: Array) -> tuple[Array, Array]:
    """Eigenvalues of a scatter that are more than rounding, and their vectors."""
    backend = backend_of(small)
    squares, vectors = backend.eigh((small + small.T) / 2)
    kept = squares > 1e-10 * backend.largest(squares)
    return backend.take(squares, kept), backend.take(vectors, kept, axis=1)


class DomainBalance:
    r"""How much of the difference of two domains lies within the classes.

    d_0 is the `proxy_distance` of the domains and d the mean of those of single classes; the
    balance is d / (d_0 + d), as in Wang et al. (2018). Classes with fewer than two rows in one of
    the domains have no say. What was found is kept: from one labeling to the next, classes change
    little or not at all.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Rows, on any device, or their kernel matrix.
    source : ndarray of shape (n,) of bool
        Source rows; the others are target rows.
    gram : bool, default=False
        X is a kernel matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.joint import DomainBalance
    >>> rng = np.random.default_rng(0)
    >>> source, codes = np.arange(80) < 40, np.arange(80) % 2
    >>> X = rng.normal(size=(80, 1)) + 9 * (codes == source)[:, None]  # classes change places
    >>> DomainBalance(X, source)(codes) > 0.9
    True
    """

    def __init__(self, X: Any, source: NDArray[np.bool_], *, gram: bool = False) -> None:
        self._X, self._source, self._gram = X, source, gram
        self._known: dict[bytes, float] = {}

    def __call__(self, codes: Codes) -> float:
        """The balance for classes of the rows; -1: unknown.

        Parameters
        ----------
        codes : ndarray of shape (n,) of int

        Returns
        -------
        float
            From 0 to 1; one half where neither differs, or no class can be judged.
        """
        of_classes = []
        for code in np.unique(codes[codes >= 0]):
            rows = np.flatnonzero(codes == code)
            ours = int(self._source[rows].sum())
            if min(ours, len(rows) - ours) >= 2:
                of_classes.append(self._distance(rows))
        of_domains = self._distance(np.arange(len(codes)))
        of_class = float(np.mean(of_classes)) if of_classes else of_domains
        total = of_class + of_domains
        return of_class / total if total > 0 else 0.5

    def _distance(self, rows: NDArray[np.intp]) -> float:
        key = rows.tobytes()
        if key not in self._known:
            X = self._part(rows)
            self._known[key] = proxy_distance(X, ~self._source[rows], gram=self._gram)
        return self._known[key]

    def _part(self, rows: NDArray[np.intp]) -> Any:
        """Some rows, or their own kernel matrix."""
        if on_host(self._X):
            return self._X[rows][:, rows] if self._gram else self._X[rows]
        take = backend_of(self._X).take
        part = take(self._X, rows)
        return take(part, rows, axis=1) if self._gram else part
