"""Geodesic flow kernel."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, is_classifier, is_regressor
from sklearn.utils.multiclass import type_of_target

from skransfer._compat import Interval, StrOptions, take_rows
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.base.labels import clean_labels
from skransfer.solvers.geodesic import GeodesicFlow
from skransfer.solvers.moments import rows_where

__all__ = ["GFK"]


class GFK(ClassNamePrefixFeaturesOutMixin, BaseMapper):
    r"""Geodesic flow kernel (GFK).

    The principal subspaces of the domains are two points, and the shortest way from the source's
    to the target's, :math:`\Phi`, passes through subspaces that share features of both. Their
    inner products are averaged over the way [1]_:

    .. math:: \langle z_i, z_j \rangle = \int_0^1
        (\Phi(t)^\top x_i)^\top (\Phi(t)^\top x_j)\, dt = x_i^\top G\, x_j .

    :math:`G = F F^\top` has rank 2k and a closed form, so rows are mapped by the d x 2k matrix F,
    and any estimator works on them. The paper standardizes each domain, which makes the means
    zero; here each row is centered by the mean of its domain, and scales are left to the user.
    Labels are ignored, unless ``source_subspace="pls"``.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the mapped source rows. None: only the map is fitted.
    n_components : int, float or "auto", default=20
        Dimension k of the subspaces, an integer: or fewer if the rows of a domain vary along
        fewer. A float in (0, 1]: the least number that carries this share of the variance in
        both domains. "auto": the subspace disagreement measure of [1]_, the least number at which
        each domain has a direction that is orthogonal to the subspace of both, at most half of
        the features.
    source_subspace : {"pca", "pls"}, default="pca"
        "pls": the source's subspace is that of partial least squares toward its labels (class
        indicators, or the numbers of a regression); fit then needs y.
    with_centering : bool, default=True
        False: means are only taken off where the subspaces are found, and :math:`x F` are the
        mapped rows of either domain. How far the means are apart is then kept.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.

    Attributes
    ----------
    components_ : ndarray of shape (2 * n_components_, n_features)
        :math:`F^\top`: the target's components bent half way toward the source, then their
        change along the way.
    angles_ : ndarray of shape (n_components_,)
        Principal angles between the subspaces in radians, in increasing order.
    n_components_ : int
        Dimension of the subspaces.
    map_ : GeodesicFlow
        The fitted map, with the means and variances of both subspaces.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    SubspaceAlignment : Turns the source's subspace onto the target's, at once.
    TCA : Finds one subspace for both domains.

    Notes
    -----
    Each row is centered by the mean of its side: pass ``sample_domain`` to ``transform`` and
    ``predict`` to treat source rows as source rows. With ``with_centering=False`` all rows are
    mapped alike. On the average over 16 tasks, images and counts that were not standardized,
    neither was better, but single tasks differ by ten points.

    Where the subspaces are equal the map is that of principal component analysis, beside k columns
    of zeros; subspaces of all features are equal, whatever the domains. Where the paper needs k to
    be at most half of the features, because it works with the orthogonal complement, here k may be
    any.

    Time is that of two principal component analyses, :math:`O(n d^2 + d^3)` for n rows and d
    features in a domain, or :math:`O(n^2 d)` if d is not less than n; no d x d matrix is formed
    then, and G never is. An integer k that is small beside n and d costs less: Lanczos's method
    finds these components alone. "auto" needs all, and joins the two covariances, about as much
    again. Sparse X is not made dense; mapped rows are dense. CuPy rows are decomposed and mapped on
    their GPU, where all components are computed always.

    Signs follow a rule that does not depend on the order of the rows: the first of the largest
    loadings of each of the target's components is positive.

    References
    ----------
    .. [1] B. Gong, Y. Shi, F. Sha, K. Grauman. Geodesic flow kernel for unsupervised domain
       adaptation. CVPR, 2012. :doi:`10.1109/CVPR.2012.6247911`

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skransfer import GFK
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> model = GFK(KNeighborsClassifier(1), n_components=1)
    >>> model.fit(X, y, sample_domain=sample_domain).angles_.shape
    (1,)
    >>> model.transform(X[:3]).shape
    (3, 2)
    """

    traits = Traits(
        target_labels="optional",
        on_device=True,
        examples=MappingProxyType({"source_subspace": ({"n_components": 1}, "pls")}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="right"),
            StrOptions({"auto"}),
        ],
        "source_subspace": [StrOptions({"pca", "pls"})],
        "with_centering": ["boolean"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_components: int | float | str = 20,
        source_subspace: str = "pca",
        with_centering: bool = True,
        train_on: str = "source",
    ) -> None:
        self.estimator = estimator
        self.n_components = n_components
        self.source_subspace = source_subspace
        self.with_centering = with_centering
        self.train_on = train_on

    def _needs_labels(self) -> bool:
        return self.source_subspace == "pls" or super()._needs_labels()

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        # One domain is the same object twice, and decomposed once.
        source, target = (rows_where(X, mask) for mask in (domains.source, domains.target))
        responses = None
        if self.source_subspace == "pls":
            responses = self._responses(take_rows(y, np.flatnonzero(domains.source)))
        self.map_ = GeodesicFlow.fit(source, target, self.n_components, responses)
        self.components_ = self.map_.factor.T
        self.angles_ = self.map_.angles
        self.n_components_ = self.angles_.shape[0]

    def _responses(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers of a regression as they are, and indicators of classes."""
        labels = clean_labels(y, classifier=not is_regressor(self))
        numbers = not is_classifier(self) and type_of_target(labels).startswith("continuous")
        if numbers or is_regressor(self):
            return labels.astype(np.float64).reshape(len(labels), -1)
        classes, codes = np.unique(labels, return_inverse=True)
        return np.eye(len(classes))[codes]

    def _map(self, X: Any, domains: Domains) -> Any:
        return self.map_(X, domains.ids >= 0 if self.with_centering else None)

    @property
    def _n_features_out(self) -> int:
        return 2 * self.n_components_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required |= self.source_subspace == "pls"
        return tags
