"""Joint distribution adaptation."""

from typing import Any

from skransfer.base import Domains, Traits
from skransfer.feature._joint_components import JOINT_EXAMPLES, Contrasts, JointComponents
from skransfer.feature._kernel_components import SOLVER_INERT
from skransfer.solvers.joint import joint_contrasts

__all__ = ["JDA"]


class JDA(JointComponents):
    r"""Joint distribution adaptation (JDA).

    Find directions in the space of a kernel along which the domains have the same mean, over all
    rows and within each class, while the pooled rows keep their variance [1]_:

    .. math:: \max_W \; \operatorname{tr}(W^\top K H K W)
        \quad\text{subject to}\quad W^\top (K M K + \alpha I) W = I, \qquad
        M \propto M_0 + \sum_c M_c.

    :math:`K` is the kernel matrix of the pooled rows and :math:`H = I - 11^\top/n` centers it.
    :math:`M_0 = e e^\top` contrasts the means of the domains (1 / n_s on source rows, -1 / n_t on
    target rows) and :math:`M_c` those of the rows of class c; M has Frobenius norm 1, as in the
    programs of the authors. A classifier of the mapped rows names the classes of the target rows,
    the map is computed for these, and so on.

    Parameters
    ----------
    estimator : classifier, default=None
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
        Strength of the penalty on W, :math:`\lambda` in [1]_. Larger: directions of larger
        variance, less adaptation.
    penalty : {"dual", "primal"}, default="dual"
        What ``alpha`` penalizes. "dual": the coefficients, W'W, as in the problem above. "primal":
        the directions in the space of the features, W'KW; for ``kernel="linear"``, where programs
        of the authors do so, or a ``feature_map``.
    labeler : classifier, default=None
        Names the classes of the target rows: clones of it learn from the mapped source rows.
        None: ``estimator`` does or, without one, ``KNeighborsClassifier(1)``.
    max_iter : int, default=10
        Most maps, T in [1]_; the first knows the source labels only. They end earlier when no
        label changes: the next map would be the same, and all after it.
    feature_map : transformer, default=None
        Features that stand for the kernel where there are too many rows for passes over its
        matrix: ``Nystroem(n_components=300)``, or another kernel approximation of scikit-learn,
        which gets its kernel from the parameters here. The problem is then one of moments, exact
        for these features, in O(n D^2) for D of them; their approximation is yours to judge. A
        transformer of another kind is used as it is. None: the kernel itself.
    tol : float, default=1e-5
        The iterative solver, used for many rows, stops when the components are accurate to about
        this much. The direct solver for few rows ignores it.
    train_on : {"source", "labeled"}, default="source"
        "source" never reads a target label; with "labeled" the target rows that have one keep it
        as their class, and the classifiers learn from them too.
    random_state : int, RandomState instance or None, default=None
        Start of the iterative solver.
    verbose : int, default=0
        1: a line for each labeling; 2: also for each step of the solver.

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
    pseudo_labels_ : ndarray of shape (n_target,)
        Classes of the target rows that the last map was computed for, in their order in X: NaN
        (None, if labels are no numbers) where there is none, as with ``max_iter=1``. With
        ``train_on="labeled"`` labels that were given stand among them. Empty with one domain.
    history_ : dict of ndarrays
        Entry 0 is of the first map, entry t of the t-th labeling: ``changed``, the share of the
        unlabeled target rows with another label than before (NaN at 0) and
        ``objective``, the captured variance.
    n_iter_ : int
        Maps computed.
    solver_info_ : dict
        How the problems were solved: ``form`` ("dense", "krylov", "low-rank"), ``n_passes`` over
        the kernel matrix in all, relative ``residual`` of the last, ``converged``, ``kernel_form``
        ("dense", "tiled", "low-rank": how the matrix was held) and ``kernel_bytes``.
    estimator_ : classifier
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    BDA : Weighs the classes against the domains.
    TCA : The first of these maps: no labels.

    Notes
    -----
    Both sides share one map, so ``sample_domain`` changes nothing in ``transform``. With
    ``max_iter=1`` the map is that of :class:`TCA` with ``alpha * (1 / n_s + 1 / n_t)``, since
    :class:`TCA` does not scale its matrix; the coefficients are larger by the root of
    1 / n_s + 1 / n_t. A class that no target row is given to is left out until one is. With
    one domain nothing is contrasted and no label is made.

    The programs of the authors count :math:`M_0` once for each of the C classes, the paper counts
    it once: for theirs use ``BDA(balance=1 / (C + 1))``, which with ``kernel="linear"``,
    ``penalty="primal"`` and rows of length 1, before and after the map, gives the published
    accuracies on digits and COIL.

    Each labeling costs a fit and a prediction of the labeler on mapped rows. User weights
    (``sample_weight``) reach the final fit of the estimator, not the labelers.

    Time is :math:`O(n^2 (d + k))` for n pooled rows, d features and k components, as of
    :class:`TCA`: the first map takes 6 to 10 passes over the kernel matrix, each later one, begun
    from the one before, about three of the same width. The kernel matrix is held where it fits
    scikit-learn's setting ``working_memory``, else computed tile by tile in each pass, in
    :math:`O(n k)` memory.

    Rows may be CuPy arrays: the maps, ``transform`` and the arrays learned are then on their GPU,
    and the labeler gets mapped rows on the host. A ``feature_map`` is fitted on the host; Nystroem
    maps on the GPU, any other on the host.

    References
    ----------
    .. [1] M. Long, J. Wang, G. Ding, J. Sun, P. S. Yu. Transfer feature learning with joint
       distribution adaptation. ICCV, 2013. :doi:`10.1109/ICCV.2013.274`

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skransfer import JDA
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> target = sample_domain < 0
    >>> jda = JDA(KNeighborsClassifier(1), n_components=5)
    >>> jda.fit(X, y, sample_domain=sample_domain).transform(X[:3]).shape
    (3, 5)
    >>> jda.pseudo_labels_.shape == y[target].shape
    True
    """

    traits = Traits(
        target_labels="optional",
        on_device=True,
        inert=SOLVER_INERT,
        examples=JOINT_EXAMPLES,
    )

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
        penalty: str = "dual",
        labeler: Any = None,
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
        self.penalty = penalty
        self.labeler = labeler
        self.max_iter = max_iter
        self.feature_map = feature_map
        self.tol = tol
        self.train_on = train_on
        self.random_state = random_state
        self.verbose = verbose

    def _contrasts(self, X: Any, domains: Domains) -> Contrasts:
        return lambda codes: (joint_contrasts(domains.source, codes), {})
