"""Marginalized stacked denoising autoencoders."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

from numpy.typing import NDArray

from skransfer._compat import Interval
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.feature._augmented import AugmentsRows
from skransfer.solvers.marginalized_denoising import DenoisingStack

__all__ = ["MarginalizedSDA"]


class MarginalizedSDA(AugmentsRows, BaseMapper):
    r"""Marginalized stacked denoising autoencoders (mSDA).

    Learn to restore rows of both domains of which features were deleted at random: a feature is
    then told by those that occur beside it, and words of one domain are filled in where their
    companions occur in the other [1]_. A layer is linear, and the mean over *all* deletions has a
    closed form. With S the products :math:`\bar X \bar X^\top` of the pooled rows, a constant
    appended, and q the probability that a feature is kept (1 for the constant),

    .. math:: W = \arg\min_W \mathbb{E}\, \lVert X - W \tilde X \rVert_F^2
        = P (Q + \alpha I)^{-1}, \qquad
        P_{ij} = S_{ij} q_j, \quad Q_{ij} = S_{ij} q_i q_j, \quad Q_{ii} = S_{ii} q_i.

    Each layer returns :math:`\tanh(W \bar x)` and is the input of the next. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the mapped source rows. None: only the map is fitted.
    noise : float, default=0.5
        Probability that a feature is deleted, in [0, 1).
    n_layers : int, default=3
        Number of layers. 0: rows stay as they are.
    alpha : float, default=1e-5
        Ridge penalty on W, beside products that are summed over the rows.
    n_frequent : int, default=1000
        Width of the layers where there are more features than that: the first layer then
        restores the most frequent features only, from blocks of this many features each, and
        averages over the blocks. Memory and time are those of this width; mapped rows get
        ``n_layers`` times as many columns.
    passthrough : bool, default=True
        Whether mapped rows keep the features themselves beside those of the layers.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.

    Attributes
    ----------
    layers_ : list of DenoisingLayer
        ``weights`` of shape (n_units, n_inputs) and ``bias`` of each layer.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    SCL : Predicts chosen features only, those that tell of the labels.

    Notes
    -----
    Both sides share one map, so ``sample_domain`` changes nothing in ``transform``. Meant for
    features in [0, 1] or of that size, such as counts of words scaled down: beyond, the hyperbolic
    tangent saturates. The penalty does not touch the constant.

    For n rows, d features and L layers of r units, where r is the less of d and ``n_frequent``,
    time is :math:`O(L^2 n r^2 + L r^3)`, plus :math:`O(d r (n + r))` where d is larger, and less
    for sparse rows. ``fit`` takes :math:`O(d r)` memory: rows pass the layers in chunks. Mapped
    rows have L r dense columns. Sparse rows are never made dense: with ``passthrough`` they come
    back sparse, though the columns of the layers have no zeros. In [1]_ blocks of features are
    drawn at random; here features are dealt to the blocks by their frequency.

    References
    ----------
    .. [1] M. Chen, Z. Xu, K. Q. Weinberger, F. Sha. Marginalized denoising autoencoders for
       domain adaptation. ICML, 2012. :arxiv:`1206.4683`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import MarginalizedSDA, stack_domains
    >>> source = np.array([[1, 0, 1, 0, 0, 0], [0, 1, 0, 1, 0, 0]] * 20)  # its words: 2 and 3
    >>> target = np.array([[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1]] * 20)  # its words: 4 and 5
    >>> X, y, sample_domain = stack_domains(source, [0, 1] * 20, target)
    >>> model = MarginalizedSDA(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    >>> model.predict([[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]])
    array([0, 1])
    """

    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType({"noise": ({}, 0.2), "n_frequent": ({}, 2)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "noise": [Interval(Real, 0, 1, closed="left")],
        "n_layers": [Interval(Integral, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "n_frequent": [Interval(Integral, 1, None, closed="left")],
        "passthrough": ["boolean"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        noise: float = 0.5,
        n_layers: int = 3,
        alpha: float = 1e-5,
        n_frequent: int = 1000,
        passthrough: bool = True,
        train_on: str = "source",
    ) -> None:
        self.estimator = estimator
        self.noise = noise
        self.n_layers = n_layers
        self.alpha = alpha
        self.n_frequent = n_frequent
        self.passthrough = passthrough
        self.train_on = train_on

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        if not (self.n_layers or self.passthrough):
            raise ValueError(
                "n_layers=0 and passthrough=False leave no feature; set passthrough=True, or "
                "use a layer."
            )
        self.layers_ = DenoisingStack.fit(
            X, self.n_layers, noise=self.noise, alpha=self.alpha, n_frequent=self.n_frequent
        ).layers

    def _map(self, X: Any, domains: Domains) -> Any:
        return self._beside(X, DenoisingStack(self.layers_)(X))

    @property
    def _n_new(self) -> int:
        return sum(len(layer.bias) for layer in self.layers_)
