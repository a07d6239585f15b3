"""Transfer joint matching."""

from numbers import Integral
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skransfer._compat import Interval
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.base.kernel import KERNEL_EXAMPLES
from skransfer.feature._kernel_components import KernelComponents, in_all, typed_as
from skransfer.kernels import single_blas
from skransfer.solvers.joint import joint_contrasts
from skransfer.solvers.row_sparsity import row_sparse_components

__all__ = ["TransferJointMatching"]


class TransferJointMatching(KernelComponents, BaseMapper):
    r"""Transfer joint matching (TJM).

    Match the means of the domains in the space of a kernel, and leave out the source rows that are
    unlike the target's [1]_:

    .. math:: \min_A \; \operatorname{tr}(A^\top K M K A)
        + \alpha \bigl(\|A_s\|_{2,1} + \|A_t\|_F^2\bigr)
        \quad\text{subject to}\quad A^\top K H K A = I, \qquad M \propto e e^\top.

    :math:`K` is the kernel matrix of the pooled rows, :math:`H = I - 11^\top/n` centers it, and
    :math:`e` contrasts the means of the domains (1 / n_s on source rows, -1 / n_t on target rows);
    M has Frobenius norm 1, as in the programs of the authors. :math:`A_s` and :math:`A_t` are the
    rows of the coefficients A that belong to source and target; the sum of the lengths of the
    former makes many of them zero. Solved by a sequence of problems in which the square of each
    row's length is weighted by :math:`G_{ii} = 1 / (2 \|a_i\|)` on source rows, of the last
    solution, and by 1 on target rows:

    .. math:: \max_W \; \operatorname{tr}(W^\top K H K W)
        \quad\text{subject to}\quad W^\top (K M K + \alpha G) W = I.

    A is W with each column divided by the root of the variance that it captures. Labels are
    ignored.

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
        Strength of the penalty on A, :math:`\lambda` in [1]_. Larger: directions of larger
        variance, less adaptation.
    max_iter : int, default=10
        Most problems solved, T in [1]_; the first has G = I. Fewer where the objective comes to
        rest.
    feature_map : transformer, default=None
        Features that stand for the kernel where there are too many rows for passes over its
        matrix: ``Nystroem(n_components=300)``, or another kernel approximation of scikit-learn,
        which gets its kernel from the parameters here. The problem is then one of moments, exact
        for these features, in O(n D^2) for D of them; their approximation is yours to judge. A
        transformer of another kind is used as it is. None: the kernel itself.
    tol : float, default=1e-5
        The problems end when the objective falls by a smaller share of itself; and the iterative
        solver, used for many rows, when the components are accurate to about this much.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.
    random_state : int, RandomState instance or None, default=None
        Start of the iterative solver.
    verbose : int, default=0
        1: a line for each problem; 2: also for each step of the solver.

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
    source_norms_ : ndarray of shape (n_source,)
        Lengths of the source rows of A, in the order in which they stand in X: the part that each
        plays in the map. With one domain, of all rows.
    history_ : dict of ndarrays
        ``objective``: the problem's own, after each solution; it never rises.
    n_iter_ : int
        Problems solved.
    solver_info_ : dict
        How the problems were solved: ``form`` ("dense", "krylov", "low-rank"), ``n_passes`` over
        the kernel matrix in all, relative ``residual`` of the last, ``converged``, ``kernel_form``
        ("dense", "tiled", "low-rank": how the matrix was held) and ``kernel_bytes``.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    TCA : Without the choice of rows.
    JDA : Matches the means of the classes too.

    Notes
    -----
    Both sides share one map, so ``sample_domain`` changes nothing in ``transform``. The mapped rows
    are K W, scaled as those of :class:`TCA`. With ``max_iter=1``, and with one domain, no row is
    weighted: the map is then that of :class:`TCA` with ``alpha * (1 / n_s + 1 / n_t)``, or of one
    domain.

    A length below 1/2 costs more than its square, so that the choice depends on the scale of A,
    which is that of the inverse kernel: with kernels as usual all lengths are small, the rows that
    are unlike the target's fade first and in the end all source rows do. ``max_iter`` is what
    stops that, as in [1]_.

    Time is :math:`O(n^2 (d + k))` for n pooled rows, d features and k components, as of
    :class:`TCA`: the first problem takes 6 to 10 passes over the kernel matrix, each later one,
    begun from the one before, about as many of the same width. The kernel matrix is held where it
    fits scikit-learn's setting ``working_memory``, else computed tile by tile in each pass, in
    :math:`O(n k)` memory.

    Rows may be CuPy arrays: the fit, ``transform`` and the arrays learned are then on their GPU.
    A ``feature_map`` is fitted on the host; Nystroem maps on the GPU, any other on the host.

    References
    ----------
    .. [1] M. Long, J. Wang, G. Ding, J. Sun, P. S. Yu. Transfer joint matching for unsupervised
       domain adaptation. CVPR, 2014. :doi:`10.1109/CVPR.2014.183`

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from skransfer import TransferJointMatching
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> tjm = TransferJointMatching(SVC(), n_components=5)
    >>> tjm.fit(X, y, sample_domain=sample_domain).transform(X[:3]).shape
    (3, 5)
    >>> len(tjm.source_norms_) == (sample_domain >= 0).sum()
    np.True_
    """

    traits = Traits(
        target_labels="optional",
        on_device=True,
        inert=MappingProxyType({"random_state": "used by the iterative solver only"}),
        examples=MappingProxyType(KERNEL_EXAMPLES | {"tol": ({}, 0.5)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        **KernelComponents._component_constraints,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
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
        max_iter: int = 10,
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
        self.max_iter = max_iter
        self.feature_map = feature_map
        self.tol = tol
        self.train_on = train_on
        self.random_state = random_state
        self.verbose = verbose

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        self._resolve_gamma(X)
        K = self._operator(X)
        max_iter, E = self.max_iter, np.zeros((X.shape[0], 1))
        if domains.single:
            max_iter = 1
        else:
            E = joint_contrasts(domains.source, np.full(X.shape[0], -1))
        with single_blas():  # besides the kernel's own threads: many small products
            sparse = row_sparse_components(
                self._solver(K, repeated=max_iter > 1),
                E,
                domains.source,
                self.alpha,
                max_iter=max_iter,
                tol=self.tol,
                verbose=int(self.verbose),
            )
        self.source_norms_ = sparse.row_norms
        self.history_ = {"objective": sparse.objective}
        self.n_iter_ = len(sparse.objective)
        self._keep(sparse.found, in_all(sparse.found, sparse.solved), K, X)
        return typed_as(X, sparse.found.embedding)
