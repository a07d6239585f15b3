"""Transfer component analysis."""

from types import MappingProxyType
from typing import Any, ClassVar

from numpy.typing import NDArray

from skransfer.base import BaseMapper, Domains, Traits
from skransfer.base.kernel import KERNEL_EXAMPLES
from skransfer.feature._kernel_components import SOLVER_INERT, KernelComponents, typed_as
from skransfer.kernels import single_blas
from skransfer.solvers.pencil import transfer_components

__all__ = ["TCA"]


class TCA(KernelComponents, BaseMapper):
    r"""Transfer component analysis (TCA).

    Find directions in the space of a kernel along which the two domains have the same mean
    while the pooled rows keep their variance [1]_:

    .. math:: \max_W \; \operatorname{tr}(W^\top K H K W)
        \quad\text{subject to}\quad W^\top (K L K + \alpha I) W = I.

    :math:`K` is the kernel matrix of the pooled rows, :math:`H = I - 11^\top/n` centers it and
    :math:`L = e e^\top` contrasts the domain means, with :math:`e_i = 1/n_s` on source rows and
    :math:`-1/n_t` on target rows. Because :math:`L` has rank one, the problem is a symmetric
    eigenproblem after a closed-form change of variables, and no :math:`n \times n` matrix but
    :math:`K` is ever formed. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the mapped source rows. None: only the map is fitted.
    n_components : int, default=20
        Number of directions kept; fewer if the kernel matrix has a lower rank.
    kernel : str or callable, default="rbf"
        A kernel of :func:`sklearn.metrics.pairwise.pairwise_kernels`, "precomputed" (X then
        holds the kernel of the pooled rows, later of new rows against them), or a function of
        two rows.
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
    feature_map : transformer, default=None
        Features that stand for the kernel where there are too many rows for passes over its
        matrix: ``Nystroem(n_components=300)``, or another kernel approximation of scikit-learn,
        which gets its kernel from the parameters here. The problem is then one of moments, exact
        for these features, in O(n D^2) for D of them; their approximation is yours to judge. A
        transformer of another kind is used as it is. None: the kernel itself.
    tol : float, default=1e-5
        The iterative solver, used for many rows, stops when the captured variance grows by a
        smaller share. The direct solver for few rows ignores it.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.
    random_state : int, RandomState instance or None, default=None
        Start of the iterative solver.
    verbose : int, default=0
        1: a line for each iteration.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_samples, n_components_)
        :math:`W`: coefficients of the directions on the rows of ``fit``.
    eigenvalues_ : ndarray of shape (n_components_,)
        Variance captured by each direction, per unit of the constraint, decreasing.
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
    CORAL : Aligns covariances in the space of the features; linear time in the rows.

    Notes
    -----
    Both sides share one map, so ``sample_domain`` changes nothing in ``transform``. Time is
    :math:`O(n^2 (d + k))` for n pooled rows, d features and k components. The kernel matrix is
    held where it fits scikit-learn's setting ``working_memory``, and else computed tile by tile
    in each of 6 to 10 passes, in :math:`O(n k)` memory. With one domain the contrast is zero, and
    the components maximize tr(W'KHKW) under W'W = I / alpha: scaled kernel PCA, if the kernel is
    centered. The signs of the components follow a rule that does not depend on the order of the
    rows.

    Rows may be CuPy arrays: the fit, ``transform`` and the arrays learned are then on their GPU.
    A ``feature_map`` is fitted on the host; Nystroem maps on the GPU, any other on the host, to
    which rows go and from which features come back.

    References
    ----------
    .. [1] S. J. Pan, I. W. Tsang, J. T. Kwok, Q. Yang. Domain adaptation via transfer component
       analysis. IEEE Transactions on Neural Networks 22(2), 2011.
       :doi:`10.1109/TNN.2010.2091281`

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from skransfer import TCA
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> tca = TCA(SVC(), n_components=5).fit(X, y, sample_domain=sample_domain)
    >>> tca.transform(X[:3]).shape
    (3, 5)
    """

    traits = Traits(
        target_labels="optional",
        on_device=True,
        inert=SOLVER_INERT,
        examples=MappingProxyType(KERNEL_EXAMPLES),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        **KernelComponents._component_constraints,
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
        self.feature_map = feature_map
        self.tol = tol
        self.train_on = train_on
        self.random_state = random_state
        self.verbose = verbose

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        self._resolve_gamma(X)
        K = self._operator(X)
        with single_blas():  # besides the kernel's own threads: many small products
            found = transfer_components(
                K,
                domains.contrast,
                self.alpha,
                self.n_components,
                tol=self.tol,
                random_state=self.random_state,
                verbose=self.verbose,
            )
        self._keep(found, found.info, K, X)
        return typed_as(X, found.embedding)
