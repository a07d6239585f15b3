"""Subspace alignment."""

from numbers import Integral, Real
from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin

from skransfer._compat import Interval
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.solvers.moments import rows_where
from skransfer.solvers.subspace import SubspaceMap

__all__ = ["SubspaceAlignment"]


class SubspaceAlignment(ClassNamePrefixFeaturesOutMixin, BaseMapper):
    r"""Subspace alignment (SA).

    Describe each domain by its own principal components and turn the source's toward the
    target's [1]_. With orthonormal bases :math:`P_S, P_T` of the k leading components,

    .. math:: M = \arg\min_M \lVert P_S M - P_T \rVert_F = P_S^\top P_T,

    source rows become :math:`(x - \mu_s) P_S M` and target rows :math:`(x - \mu_t) P_T`. The
    paper standardizes each domain first, which makes the means zero; here they are estimated.
    Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the mapped source rows. None: only the map is fitted.
    n_components : int or float, default=20
        An integer: the number of components, or fewer if the rows of a domain vary along fewer.
        A float in (0, 1]: the least number that carries this share of the variance in both
        domains.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.

    Attributes
    ----------
    source_components_ : ndarray of shape (n_components_, n_features)
        :math:`P_S^\top`: components of the source, by decreasing variance.
    target_components_ : ndarray of shape (n_components_, n_features)
        :math:`P_T^\top`: components of the target.
    alignment_ : ndarray of shape (n_components_, n_components_)
        :math:`M`. Its singular values are the cosines of the angles between the subspaces: all
        ones if these are the same.
    n_components_ : int
        Number of components kept.
    map_ : SubspaceMap
        The fitted map, with the means and variances.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    CORAL : Aligns covariances, scales included, and keeps all features.
    TCA : Finds one subspace for both domains.

    Notes
    -----
    The map is two-sided: pass ``sample_domain`` to ``transform`` and ``predict`` to treat source
    rows as source rows. Where rows of one domain are all there is, M is the identity and the map
    is that of principal component analysis. Only directions are aligned: what the domains differ
    in along them, in scale or in mean given the class, is kept.

    Time is :math:`O(n d^2 + d^3)` for n rows and d features in a domain, or :math:`O(n^2 d)` if d
    is not less than n, in which case no d x d matrix is formed. An integer number of components,
    if small beside n and d, is found alone, by Lanczos's method; else all are computed and the
    leading ones kept. Components of less than 1e-10 of the largest variance count as none. Sparse
    X is not made dense; mapped rows are dense. CuPy rows are decomposed and mapped on their GPU,
    where all components are computed always.

    Signs follow a rule that does not depend on the order of the rows: the first of the largest
    loadings of each component is positive. Where variances are equal, components are any rotation
    of each other; cutting between such components makes the subspace arbitrary. The paper bounds
    the number of stable components by the gaps between variances and chooses among them by
    cross-validation.

    References
    ----------
    .. [1] B. Fernando, A. Habrard, M. Sebban, T. Tuytelaars. Unsupervised visual domain
       adaptation using subspace alignment. ICCV, 2013. :doi:`10.1109/ICCV.2013.368`

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import SubspaceAlignment
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> aligned = SubspaceAlignment(LogisticRegression(), n_components=2)
    >>> aligned.fit(X, y, sample_domain=sample_domain).alignment_.shape
    (2, 2)
    >>> aligned.transform(X[:3]).shape
    (3, 2)
    """

    traits = Traits(target_labels="optional", on_device=True)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="right"),
        ],
    }

    def __init__(
        self, estimator: Any = None, *, n_components: int | float = 20, train_on: str = "source"
    ) -> None:
        self.estimator = estimator
        self.n_components = n_components
        self.train_on = train_on

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        # One domain is the same object twice, and decomposed once.
        source, target = (rows_where(X, mask) for mask in (domains.source, domains.target))
        self.map_ = SubspaceMap.fit(source, target, self.n_components)
        self.source_components_ = self.map_.source.directions.T
        self.target_components_ = self.map_.target.directions.T
        self.alignment_ = self.map_.alignment
        self.n_components_ = self.alignment_.shape[0]

    def _map(self, X: Any, domains: Domains) -> Any:
        return self.map_(X, domains.ids >= 0)

    @property
    def _n_features_out(self) -> int:
        return self.n_components_
