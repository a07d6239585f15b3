"""Semi-supervised maximum independence domain adaptation."""

from numbers import Real
from typing import Any, ClassVar

from numpy.typing import NDArray

from skransfer._compat import Interval
from skransfer.base import Domains, Traits
from skransfer.feature._independence import INDEPENDENCE_EXAMPLES, IndependentMapper
from skransfer.feature._kernel_components import SOLVER_INERT
from skransfer.feature._label_columns import label_columns

__all__ = ["SMIDA"]


class SMIDA(IndependentMapper):
    r"""Semi-supervised maximum independence domain adaptation (SMIDA).

    :class:`MIDA` with labels: components of large variance that are independent of domain
    features and depend on the labels that are known [1]_,

    .. math:: \max_{W^\top W = I} \; \operatorname{tr}\bigl(W^\top K H
        (\mu I - D D^\top + \gamma Y Y^\top) H K W\bigr).

    :math:`K` is the kernel matrix of the rows, :math:`H = I - 11^\top/n` centers it, the rows of
    :math:`D` are domain features and those of :math:`Y` labels: indicators of the classes, or
    standardized quantities, and zero where the label is not known. Both terms are Hilbert-Schmidt
    independence criteria with linear kernels.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the mapped source rows. None: only the map is fitted, and labels that are not
        whole numbers are taken as quantities, all others as classes.
    n_components : int, default=20
        Number of components; fewer if fewer directions have a positive objective.
    kernel : str or callable, default="linear"
        A kernel of :func:`sklearn.metrics.pairwise.pairwise_kernels`, "precomputed" (X then
        holds the kernel of the pooled rows, later of new rows against them; with
        ``augment=False``), or a function of two rows. The linear kernel suits what adds to the
        features, as the drift of sensors does, and is the fastest.
    gamma : float, "scale" or "median", default="scale"
        Inverse width of other kernels, in units of 1 / squared feature. "scale": 1 / (d var(X)),
        as in SVC; "median": from the median distance of the pooled rows. Domain features count
        as features where they are added to them.
    degree : int, default=3
        Degree of the polynomial kernel.
    coef0 : float, default=1.0
        Constant term of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Further arguments of a callable kernel.
    alpha : float, default=100.0
        Price of dependence on the domains, :math:`\lVert H D \rVert_2^2 / \mu` in the symbols of
        [1]_, which gives it the same meaning for any number of rows and any units of D: at 1,
        variance that the domain features explain counts nothing, and at 0 as much as any other.
    label_weight : float, default=10.0
        Worth of dependence on the labels, :math:`\gamma \lVert H Y \rVert_2^2 / \mu`: variance
        that the labels explain counts 1 + ``label_weight`` times. 0 is :class:`MIDA`. The default
        is that of the authors' program (:math:`\gamma = 0.1, \mu = 1`) for classes of 100 rows.
        Keep it well below ``alpha`` where labels are those of a few domains only: what they gain
        there may depend on the domain.
    domain_columns : list of int or str, default=None
        Columns of X that hold domain features, by position or by name: time, temperature,
        indicators of devices. They are standardized, and take the place of the domain ids
        (``sample_domain`` then says no more than which rows are the target). None: the ids, each
        domain with an indicator of its own.
    augment : bool, default=True
        Whether the kernel sees the domain features beside the other features, as [1]_
        recommends. See :class:`MIDA`.
    feature_map : transformer, default=None
        Features that stand for the kernel where there are too many rows for passes over its
        matrix: ``Nystroem(n_components=300)``, or another kernel approximation of scikit-learn,
        which gets its kernel from the parameters here. None: the kernel itself.
    tol : float, default=1e-5
        The iterative solver, used for many rows, stops when the objective grows by a smaller
        share. The direct solver for few rows ignores it.
    train_on : {"source", "labeled"}, default="source"
        Rows whose labels are used, by the map and by the estimator. "source" never reads a target
        label; "labeled" adds the target rows that have one.
    random_state : int, RandomState instance or None, default=None
        Start of the iterative solver.
    verbose : int, default=0
        1: a line for each iteration.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_samples, n_components_)
        :math:`W`: orthonormal coefficients of the components on the rows of ``fit``.
    eigenvalues_ : ndarray of shape (n_components_,)
        Objective of each component, over :math:`\mu`. Decreasing.
    n_components_ : int
        Number of components found.
    components_ : ndarray of shape (n_map_features, n_components_) or None
        With a ``feature_map``, or a linear kernel of fewer features than rows: the directions
        in the space of the features. None otherwise.
    feature_map_ : transformer or None
        The fitted clone of ``feature_map``.
    X_fit_ : ndarray or CSR matrix of shape (n_samples, n_kernel_features) or None
        Rows of ``fit`` as the kernel sees them; None where ``components_`` serve new rows.
    gamma_ : float
        Inverse width used.
    solver_info_ : dict
        How the problem was solved: ``form`` ("dense", "krylov", "low-rank"), ``n_passes`` over
        the kernel matrix, relative ``residual``, ``converged``, ``kernel_form`` ("dense",
        "tiled", "low-rank": how the matrix was held) and ``kernel_bytes``.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    MIDA : The same without labels, and more about domain features.
    SSTCA : Labels and neighborhoods, for two domains.

    Notes
    -----
    Y is centered over the rows with a label. The paper does so for quantities only; indicators
    of classes that are not centered add up to the indicator of the labeled rows, which is that
    of the source where the target has no labels, and so would reward what tells the domains
    apart.

    Cost, new rows, columns in a Pipeline and the case of one domain are as in :class:`MIDA`;
    with one domain the labels still count.

    Rows on a GPU stay there, as with :class:`MIDA`.

    References
    ----------
    .. [1] K. Yan, L. Kou, D. Zhang. Learning domain-invariant subspace using domain features and
       independence maximization. IEEE Transactions on Cybernetics 48(1), 2018.
       :doi:`10.1109/TCYB.2016.2633306`

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from skransfer import SMIDA
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> smida = SMIDA(SVC(), n_components=5).fit(X, y, sample_domain=sample_domain)
    >>> smida.transform(X[:3]).shape
    (3, 5)
    """

    traits = Traits(
        target_labels="optional",
        multi_source="distinguished",
        on_device=True,
        inert=SOLVER_INERT,
        examples=INDEPENDENCE_EXAMPLES,
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **IndependentMapper._parameter_constraints,
        "label_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_components: int = 20,
        kernel: Any = "linear",
        gamma: Any = "scale",
        degree: int = 3,
        coef0: float = 1.0,
        kernel_params: dict[str, Any] | None = None,
        alpha: float = 100.0,
        label_weight: float = 10.0,
        domain_columns: Any = None,
        augment: bool = True,
        feature_map: Any = None,
        tol: float = 1e-5,
        train_on: str = "source",
        random_state: Any = None,
        verbose: int = 0,
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
        self.domain_columns = domain_columns
        self.augment = augment
        self.feature_map = feature_map
        self.tol = tol
        self.train_on = train_on
        self.random_state = random_state
        self.verbose = verbose

    def _needs_labels(self) -> bool:
        return True

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        labels = label_columns(self, y, domains)
        return self._fit_components(X, domains, labels, self.label_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
