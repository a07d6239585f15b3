"""Semi-supervised transfer component analysis."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.base.kernel import KERNEL_EXAMPLES, UsesKernel
from skransfer.feature._kernel_components import KernelComponents
from skransfer.feature._label_columns import label_columns
from skransfer.kernels import single_blas
from skransfer.solvers.neighbor_graph import neighbor_graph
from skransfer.solvers.semisupervised_components import (
    check_room,
    edge_laplacian,
    semisupervised_components,
)

__all__ = ["SSTCA"]


class SSTCA(KernelComponents, BaseMapper):
    r"""Semi-supervised transfer component analysis (SSTCA).

    Like :class:`TCA`, find components in which the two domains have the same mean; let them
    depend on the labels that are known, beside having variance, and vary little between near
    rows [1]_:

    .. math:: \max_W \; \operatorname{tr}\bigl(W^\top K H \tilde K_{yy} H K W\bigr)
        \quad\text{subject to}\quad
        W^\top \bigl(K (L + \lambda M) K + \alpha I\bigr) W = I.

    :math:`K` is the kernel matrix of the pooled rows, :math:`H = I - 11^\top/n` centers it,
    :math:`L = e e^\top` contrasts the domain means and :math:`M` is the Laplacian of the graph of
    nearest neighbors. :math:`\tilde K_{yy} = \gamma\, V V^\top + (1 - \gamma) I` joins the labels
    :math:`V`, indicators of the classes or standardized quantities, to the variance: by the
    Hilbert-Schmidt independence criterion with a linear kernel on labels.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the mapped source rows. None: only the map is fitted, and labels that are not
        whole numbers are taken as quantities, all others as classes.
    n_components : int, default=20
        Number of directions kept; fewer if the kernel matrix has a lower rank.
    kernel : str or callable, default="rbf"
        A kernel of :func:`sklearn.metrics.pairwise.pairwise_kernels`, or a function of two rows.
    gamma : float, "scale" or "median", default="scale"
        Inverse width of the kernel, in units of 1 / squared feature. "scale": 1 / (d var(X)),
        as in SVC; "median": from the median distance of the pooled rows.
    degree : int, default=3
        Degree of the polynomial kernel.
    coef0 : float, default=1.0
        Constant term of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Further arguments of a callable kernel.
    alpha : float, default=1.0
        Strength of the penalty on W, :math:`\mu` in [1]_. Larger: directions of larger variance,
        less adaptation.
    label_weight : float, default=0.9
        :math:`\gamma`, from 0 (variance only) to 1 (labels only, and then no more components
        than classes less one). V is centered over the rows with a label and scaled to a largest
        singular value of 1: variance that the labels explain counts :math:`1 / (1 - \gamma)`
        times as much as other variance, whatever the number of rows. The paper's :math:`\gamma`
        weighs indicators as they are, so that its 0.5 is nearly 1 here where classes have many
        rows.
    smoothness : float, default=1.0
        Weight :math:`\lambda` of the mean squared difference between neighbors, beside the
        squared difference of the domain means. The paper divides by :math:`n^2` in place of the
        sum of the weights of the edges. 0: no graph is built.
    n_neighbors : int, default=5
        Edges that each row starts to its nearest rows, of either domain.
    neighbor_weights : {"heat", "binary", "cosine"}, default="heat"
        "heat": weights exp(-gamma |x - z|^2), with the gamma of the kernel; "binary": 1;
        "cosine": neighbors by the cosine of the angle between rows, which is the weight too.
    feature_map : transformer, default=None
        Features that stand for the kernel where there are too many rows for n x n matrices:
        ``Nystroem(n_components=300)``, or another kernel approximation of scikit-learn, which
        gets its kernel from the parameters here. None: the kernel itself.
    train_on : {"source", "labeled"}, default="source"
        Rows whose labels are used, by the map and by the estimator. "source" never reads a target
        label; "labeled" adds the target rows that have one.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_samples, n_components_)
        :math:`W`: coefficients of the directions on the rows of ``fit``.
    eigenvalues_ : ndarray of shape (n_components_,)
        Objective of each direction, per unit of the constraint, decreasing.
    n_components_ : int
        Number of directions found.
    components_ : ndarray of shape (n_map_features, n_components_) or None
        With a ``feature_map``, or a linear kernel of fewer features than rows: the directions
        in the space of the features. None otherwise.
    feature_map_ : transformer or None
        The fitted clone of ``feature_map``.
    X_fit_ : ndarray or CSR matrix of shape (n_samples, n_features) or None
        Rows seen in ``fit``, both sides; None where ``components_`` serve new rows.
    gamma_ : float
        Inverse width used.
    solver_info_ : dict
        How the problem was solved: ``form`` ("dense", "low-rank"), ``kernel_form`` ("dense",
        "tiled", "low-rank": how the matrix was held), ``kernel_bytes`` and ``n_edges`` of the
        graph.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    TCA : Without labels and neighbors, and with an iterative solver for many rows.
    SMIDA : Labels, and any number of domains.

    Notes
    -----
    Both sides share one map, so ``sample_domain`` changes nothing in ``transform``. With
    ``label_weight=0`` and ``smoothness=0`` this is :class:`TCA`. With one domain the contrast is
    zero; labels and neighbors still count.

    The graph gives the constraint full rank, so the problem has no shortcut: :math:`O(n^3)` time
    and six n x n matrices for n pooled rows. On one core 2 000 rows take about 3 seconds. With
    ``feature_map``, or ``kernel="linear"`` and d < n features, it takes O(n d^2 + d^3), besides
    the graph in O(n^2 d). The signs of the components follow a rule that does not depend on the
    order of the rows.

    References
    ----------
    .. [1] S. J. Pan, I. W. Tsang, J. T. Kwok, Q. Yang. Domain adaptation via transfer component
       analysis. IEEE Transactions on Neural Networks 22(2), 2011.
       :doi:`10.1109/TNN.2010.2091281`

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from skransfer import SSTCA
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> sstca = SSTCA(SVC(), n_components=5).fit(X, y, sample_domain=sample_domain)
    >>> sstca.transform(X[:3]).shape
    (3, 5)
    """

    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            KERNEL_EXAMPLES | {"label_weight": ({}, 0.5), "neighbor_weights": ({}, "binary")}
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        **UsesKernel._kernel_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "label_weight": [Interval(Real, 0, 1, closed="both")],
        "smoothness": [Interval(Real, 0, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "neighbor_weights": [StrOptions({"heat", "binary", "cosine"})],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_components: int = 20,
        kernel: Any = "rbf",
        gamma: Any = "scale",
        degree: int = 3,
        coef0: float = 1.0,
        kernel_params: dict[str, Any] | None = None,
        alpha: float = 1.0,
        label_weight: float = 0.9,
        smoothness: float = 1.0,
        n_neighbors: int = 5,
        neighbor_weights: str = "heat",
        feature_map: Any = None,
        train_on: str = "source",
    ) -> None:
        self.estimator = estimator
        self.n_components = n_components
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.alpha = alpha
        self.label_weight = label_weight
        self.smoothness = smoothness
        self.n_neighbors = n_neighbors
        self.neighbor_weights = neighbor_weights
        self.feature_map = feature_map
        self.train_on = train_on

    def _needs_labels(self) -> bool:
        return True

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        self._resolve_gamma(X)
        K = self._operator(X)
        check_room(K)  # before the graph, which takes long for many rows
        graph = self._graph(X)
        with single_blas():  # besides the kernel's own threads: many small products
            found = semisupervised_components(
                K,
                domains.contrast,
                label_columns(self, y, domains),
                edge_laplacian(graph),
                self.n_components,
                alpha=self.alpha,
                label_weight=self.label_weight,
                smoothness=self.smoothness,
            )
        self._keep(found, {"form": found.form, "n_edges": graph.nnz // 2}, K, X)
        return found.embedding.astype(X.dtype, copy=False)

    def _graph(self, X: Any) -> Any:
        """The graph of neighbors; without edges where they do not count."""
        if not self.smoothness:
            return sp.csr_array((X.shape[0], X.shape[0]))
        return neighbor_graph(X, self.n_neighbors, weights=self.neighbor_weights, gamma=self.gamma_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
