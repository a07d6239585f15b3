"""Alignment of the location and scale of each feature."""

from types import MappingProxyType
from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin

from skransfer.base import BaseMapper, Domains, Traits
from skransfer.solvers.location_scale import LocationScaleMap

__all__ = ["MomentAlignment"]


class MomentAlignment(OneToOneFeatureMixin, BaseMapper):
    r"""Give each feature of the source the mean and standard deviation that it has in the target.

    Target rows stay as they are; source rows, feature by feature, become

    .. math:: x_j \mapsto \frac{x_j - \mu_{sj}}{\sigma_{sj}}\, \sigma_{tj} + \mu_{tj} .

    It is standardizing each domain by itself, in the units of the target: the usual first thing to
    do about sites, scanners, batches or sensors that differ in offset and gain. :class:`CORAL`
    with ``alpha=0`` is the same where features are uncorrelated, and so is :class:`LinearMonge`:
    it is the map that moves Gaussian features least [1]_. Correlations are not aligned, and labels
    are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the aligned source rows. None: only the map is fitted.
    with_centering : bool, default=True
        Whether locations are aligned. False: scales only, and sparse X stays sparse.
    with_scaling : bool, default=True
        Whether scales are aligned. False: rows are only shifted.
    robust : bool, default=False
        Median and interquartile range in place of mean and standard deviation, which single
        rows can change at will.
    per_domain : bool, default=True
        Whether each domain is aligned by itself where the source, or the target, has several: all
        get the location and scale of the rows of all targets together. False: the source is
        aligned as one, and target rows stay as they are.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.

    Attributes
    ----------
    map_ : LocationScaleMap
        The fitted map; ``map_.source`` and ``map_.target`` have the ``location`` and ``scale`` of
        both sides, ``map_.domains`` those of single domains by id.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    CORAL : Aligns the correlations too.
    LinearMonge : So does this, by the least move.

    Notes
    -----
    Rows are mapped by their domain: pass ``sample_domain`` to ``transform`` and ``predict``. Rows
    of a domain that ``fit`` did not see, and those whose domain is not named, are taken as rows of
    their side as a whole: target rows then stay as they are.

    A feature that does not vary in a domain is only shifted there, and one that does not vary in
    the target becomes constant. Where an interquartile range is 0, of either domain, the feature
    is only shifted.

    Domains that differ in their classes differ in their moments for that reason too, and are then
    aligned to what they should not be: :class:`BalancedWeighting` deals with that.

    O(n d) for n rows and d features, and O(n d log n) if robust. Sparse X is accepted; shifted
    rows have no zeros, so they come dense unless ``with_centering=False``. Moments are computed
    in float64, for float32 rows too. CuPy rows are measured and mapped on their GPU.

    References
    ----------
    .. [1] R. Flamary, K. Lounici, A. Ferrari. Concentration bounds for linear Monge mapping
       estimation and optimal transport domain adaptation, 2019. :arxiv:`1905.10155`

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import MomentAlignment, stack_domains
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(90, 2)), 3 * rng.normal(size=(80, 2)) + 1
    >>> X, y, sample_domain = stack_domains(source, np.zeros(90), target)
    >>> Z = MomentAlignment().fit_transform(X, sample_domain=sample_domain)
    >>> np.allclose(Z[:90].mean(axis=0), target.mean(axis=0))
    True
    >>> np.allclose(Z[:90].std(axis=0), target.std(axis=0))
    True
    """

    traits = Traits(
        target_labels="optional",
        on_device=True,
        multi_source="distinguished",
        inert=MappingProxyType(
            {"per_domain": "one source domain and one target domain are aligned alike"}
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "with_centering": ["boolean"],
        "with_scaling": ["boolean"],
        "robust": ["boolean"],
        "per_domain": ["boolean"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        with_centering: bool = True,
        with_scaling: bool = True,
        robust: bool = False,
        per_domain: bool = True,
        train_on: str = "source",
    ) -> None:
        self.estimator = estimator
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.robust = robust
        self.per_domain = per_domain
        self.train_on = train_on

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        self.map_ = LocationScaleMap.fit(
            X,
            domains.ids,
            per_domain=self.per_domain,
            center=self.with_centering,
            scale=self.with_scaling,
            robust=self.robust,
        )

    def _map(self, X: Any, domains: Domains) -> Any:
        return self.map_(X, domains.ids, named=domains.named)
