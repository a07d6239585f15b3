"""Optimal transport between Gaussians."""

from numbers import Real
from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin

from skransfer._compat import Interval
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.kernels import backend_of
from skransfer.solvers.moments import rows_where
from skransfer.solvers.monge import MongeMap

__all__ = ["LinearMonge"]


class LinearMonge(OneToOneFeatureMixin, BaseMapper):
    r"""Linear Monge map: optimal transport between Gaussians.

    Give the source rows the target's mean and covariance by the map that moves them least [1]_;
    target rows stay as they are:

    .. math:: \min_T \; E \lVert x - T(x) \rVert^2
        \quad\text{subject to}\quad T_\# N(\mu_s, C_s) = N(\mu_t, C_t),

    whose solution is affine, with a symmetric matrix,

    .. math:: x \mapsto (x - \mu_s) A + \mu_t, \qquad
        A = C_s^{-1/2} (C_s^{1/2} C_t C_s^{1/2})^{1/2} C_s^{-1/2}.

    For rows that are not Gaussian it is the optimal map among those that are affine with a
    positive semidefinite matrix, and [2]_ bounds its error in adaptation. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the moved source rows. None: only the map is fitted.
    alpha : float, default=1e-3
        Added to the diagonals of both covariances, in squared units of the features: standardize
        them first. 0 matches the covariances exactly and needs a source covariance that can be
        inverted, so more source rows than features. Larger: the map tends to a shift by the
        difference of the means.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.

    Attributes
    ----------
    map_ : MongeMap
        The fitted map; ``map_.matrix()`` is the d x d matrix A.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    CORAL : Also gives source rows the target's moments; its matrix is not symmetric, so it
        turns rows further than it must.

    Notes
    -----
    The map is one-sided: pass ``sample_domain`` to ``transform`` and ``predict`` to treat source
    rows as source rows. A positive definite map never turns a row by a right angle or more: a
    rotation of the domain by a large angle is not undone.

    Time is :math:`O(n d^2 + d^3)` for n rows and d features, with matrices of d x d, whose memory
    is checked first. If the rows of both domains together are no more than the features, the
    problem is solved in the subspace that they span, exactly, in :math:`O(n^2 d)`, and no
    d x d matrix is formed.

    Sparse X is accepted; moved rows have no zeros, so mapped rows come dense, of either side, and
    take n d floats of memory. Moments are accumulated in float64, for float32 rows too. CuPy rows
    are mapped on their GPU.

    References
    ----------
    .. [1] M. Knott, C. S. Smith. On the optimal mapping of distributions. Journal of Optimization
       Theory and Applications 43(1), 1984. :doi:`10.1007/BF00934745`
    .. [2] R. Flamary, K. Lounici, A. Ferrari. Concentration bounds for linear Monge mapping
       estimation and optimal transport domain adaptation, 2019. :arxiv:`1905.10155`

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import LinearMonge, stack_domains
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(90, 2)), 3 * rng.normal(size=(80, 2)) + 1
    >>> X, y, sample_domain = stack_domains(source, np.zeros(90), target)
    >>> Z = LinearMonge(alpha=0).fit_transform(X, sample_domain=sample_domain)
    >>> np.allclose(np.cov(Z[:90].T), np.cov(target.T))
    True
    """

    traits = Traits(target_labels="optional", on_device=True)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, estimator: Any = None, *, alpha: float = 1e-3, train_on: str = "source"
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.train_on = train_on

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        source, target = (rows_where(X, mask) for mask in (domains.source, domains.target))
        self.map_ = MongeMap.fit(source, target, self.alpha)

    def _map(self, X: Any, domains: Domains) -> Any:
        source, backend = domains.ids >= 0, backend_of(X)
        Z = X.toarray() if hasattr(X, "toarray") else X + 0.0
        if source.any():
            Z[backend.asarray(source)] = self.map_(rows_where(X, source))
        return Z
