"""Correlation alignment."""

from numbers import Real
from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.solvers.coral import CoralMap
from skransfer.solvers.moments import rows_where

__all__ = ["CORAL"]


class CORAL(OneToOneFeatureMixin, BaseMapper):
    r"""Correlation alignment (CORAL).

    Recolor the source rows so that their mean and covariance become the target's [1]_; target
    rows stay as they are:

    .. math:: x \mapsto (x - \mu_s)\, (C_s + \alpha I)^{-1/2} (C_t + \alpha I)^{1/2} + \mu_t.

    Among the linear maps of the whitened source rows this one minimizes the Frobenius distance
    between the covariances, :math:`\lVert A^\top C_s A - C_t \rVert_F`. The paper standardizes
    each domain first, which makes the means zero; here they are estimated, so equal domains
    give the identity whatever their mean. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the recolored source rows. None: only the map is fitted.
    alpha : float or "ledoit_wolf", default=1.0
        Added to the diagonals of both covariances, in squared units of the features: standardize
        them first. 0 aligns the covariances exactly and needs a source covariance that can be
        inverted, so more source rows than features. "ledoit_wolf": each covariance is shrunk
        toward a multiple of the identity by the share that [2]_ estimates.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.

    Attributes
    ----------
    map_ : CoralMap
        The fitted map; ``map_.matrix()`` is the d x d matrix.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    TCA : Maps both domains into a common space of few dimensions.

    Notes
    -----
    The map is one-sided: pass ``sample_domain`` to ``transform`` and ``predict`` to treat source
    rows as source rows. Time is :math:`O(n d^2 + d^3)` for n rows and d features, or
    :math:`O(n^2 d)` if d exceeds n, in which case no d x d matrix is formed.

    Sparse X is accepted; recolored rows have no zeros, so mapped rows come dense, of either
    side, and take n d floats of memory. Moments are accumulated in float64, for float32 rows
    too. CuPy rows are decomposed and mapped on their GPU.

    References
    ----------
    .. [1] B. Sun, J. Feng, K. Saenko. Return of frustratingly easy domain adaptation.
       AAAI, 2016. :arxiv:`1511.05547`
    .. [2] O. Ledoit, M. Wolf. A well-conditioned estimator for large-dimensional covariance
       matrices. Journal of Multivariate Analysis 88(2), 2004.
       :doi:`10.1016/S0047-259X(03)00096-4`

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import CORAL, stack_domains
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(90, 2)), 3 * rng.normal(size=(80, 2)) + 1
    >>> X, y, sample_domain = stack_domains(source, np.zeros(90), target)
    >>> Z = CORAL(alpha=0).fit_transform(X, sample_domain=sample_domain)
    >>> np.allclose(np.cov(Z[:90].T), np.cov(target.T))
    True
    """

    traits = Traits(target_labels="optional", on_device=True)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"ledoit_wolf"})],
    }

    def __init__(
        self, estimator: Any = None, *, alpha: float | str = 1.0, train_on: str = "source"
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.train_on = train_on

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        source, target = (rows_where(X, mask) for mask in (domains.source, domains.target))
        self.map_ = CoralMap.fit(source, target, self.alpha)

    def _map(self, X: Any, domains: Domains) -> Any:
        return self.map_(X, domains.ids >= 0)
