"""Balanced distribution adaptation."""

from skransfer.feature._joint_components import BalancedComponents

__all__ = ["BDA"]


class BDA(BalancedComponents):
    r"""Balanced distribution adaptation (BDA).

    Joint adaptation with a weight between the difference of the domains' means over all rows and
    that within the classes [1]_:

    .. math:: \max_W \; \operatorname{tr}(W^\top K H K W)
        \quad\text{subject to}\quad W^\top (K M K + \alpha I) W = I, \qquad
        M \propto (1 - \mu) M_0 + \mu \sum_c M_c.

    :math:`K` is the kernel matrix of the pooled rows and :math:`H = I - 11^\top/n` centers it.
    :math:`M_0 = e e^\top` contrasts the means of the domains (1 / n_s on source rows, -1 / n_t on
    target rows) and :math:`M_c` those of the rows of class c; M has Frobenius norm 1. A classifier
    of the mapped rows names the classes of the target rows, the map is computed for these, and so
    on.

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
    balance : float from 0 to 1 or "auto", default="auto"
        :math:`\mu`, the weight of the classes. 0: the domains alone; 0.5: as JDA; 1: the classes
        alone. "auto": from how well linear classifiers tell the domains apart, over all rows and
        within each class, estimated anew for each labeling (see Notes).
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
    balance_ : float
        Balance of the last map; NaN with one domain.
    pseudo_labels_ : ndarray of shape (n_target,)
        Classes of the target rows that the last map was computed for, in their order in X: NaN
        (None, if labels are no numbers) where there is none, as with ``max_iter=1``. With
        ``train_on="labeled"`` labels that were given stand among them. Empty with one domain.
    history_ : dict of ndarrays
        Entry 0 is of the first map, entry t of the t-th labeling: ``changed``, the share of the
        unlabeled target rows with another label than before (NaN at 0), ``balance`` and
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
    JDA : The classes weigh as much as the domains.
    WBDA : For classes whose shares differ between the domains.

    Notes
    -----
    Both sides share one map, so ``sample_domain`` changes nothing in ``transform``. With
    ``balance=0.5`` this is :class:`JDA`; with ``balance=0`` labels have no part, and the map is
    that of :class:`TCA` with ``alpha * (1 / n_s + 1 / n_t)``. A class that no target row is given
    to is left out until one is. With one domain nothing is contrasted and no label is made.

    The estimate, after [2]_: d_0 is the proxy A-distance of the domains, 2 (1 - 2 error) of a
    linear classifier that tells their rows apart, and d the mean of those of single classes; the
    balance is d / (d_0 + d). The classifier is ridge regression and its error that of leaving each
    row out, in closed form: no row is judged by a classifier that it trained, and none is drawn at
    random. It sees the rows as they are, or with ``kernel="precomputed"`` the kernel; the cost is
    O(n d min(n, d)), once for the domains and again for each class whose rows changed.

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
    .. [1] J. Wang, Y. Chen, S. Hao, W. Feng, Z. Shen. Balanced distribution adaptation for transfer
       learning. ICDM, 2017. :doi:`10.1109/ICDM.2017.150`
    .. [2] J. Wang, W. Feng, Y. Chen, H. Yu, M. Huang, P. S. Yu. Visual domain adaptation with
       manifold embedded distribution alignment. ACM Multimedia, 2018.
       :doi:`10.1145/3240508.3240512`

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skransfer import BDA
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> target = sample_domain < 0
    >>> bda = BDA(KNeighborsClassifier(1), n_components=5)
    >>> bda.fit(X, y, sample_domain=sample_domain).transform(X[:3]).shape
    (3, 5)
    >>> bda.pseudo_labels_.shape == y[target].shape
    True
    """

    _weighted = False
