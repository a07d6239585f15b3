"""Maximum independence domain adaptation."""

from typing import Any

from numpy.typing import NDArray

from skransfer.base import Domains, Traits
from skransfer.feature._independence import INDEPENDENCE_EXAMPLES, IndependentMapper
from skransfer.feature._kernel_components import SOLVER_INERT

__all__ = ["MIDA"]


class MIDA(IndependentMapper):
    r"""Maximum independence domain adaptation (MIDA).

    Find components of large variance that are independent of *domain features*: what says where
    a row is from [1]_. These are the ids of any number of domains, or continuous features, such
    as the time of a measurement where sensors drift:

    .. math:: \max_{W^\top W = I} \; \operatorname{tr}\bigl(W^\top K H
        (\mu I - D D^\top) H K W\bigr).

    :math:`K` is the kernel matrix of the rows, :math:`H = I - 11^\top/n` centers it and the rows
    of :math:`D` are domain features. The first term is the variance of the embedding
    :math:`K W`, the second its dependence on them, by the Hilbert-Schmidt independence
    criterion with a linear kernel on the domain features. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the mapped source rows. None: only the map is fitted.
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
        Price of dependence, :math:`\lVert H D \rVert_2^2 / \mu` in the symbols of [1]_, which
        gives it the same meaning for any number of rows and any units of D: at 1, variance that
        the domain features explain counts nothing, and at 0 as much as any other. Much more than
        1: components that the domain features tell nothing about. (:math:`\mu = 1` and two
        domains of n / 2 rows are ``alpha = n / 2``.)
    domain_columns : list of int or str, default=None
        Columns of X that hold domain features, by position or by name: time, temperature,
        indicators of devices. They are standardized, and take the place of the domain ids
        (``sample_domain`` then says no more than which rows are the target). None: the ids, each
        domain with an indicator of its own.
    augment : bool, default=True
        Whether the kernel sees the domain features beside the other features, as [1]_
        recommends: rows from different backgrounds are then mapped in different ways. With the
        linear kernel each component has a bias for each domain, which can cancel a shift that
        would cost the component otherwise. False: the kernel sees the other features only.
    feature_map : transformer, default=None
        Features that stand for the kernel where there are too many rows for passes over its
        matrix: ``Nystroem(n_components=300)``, or another kernel approximation of scikit-learn,
        which gets its kernel from the parameters here. None: the kernel itself.
    tol : float, default=1e-5
        The iterative solver, used for many rows, stops when the objective grows by a smaller
        share. The direct solver for few rows ignores it.
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
        :math:`W`: orthonormal coefficients of the components on the rows of ``fit``.
    eigenvalues_ : ndarray of shape (n_components_,)
        Objective of each component, over :math:`\mu`: its scatter, less alpha times the part
        that depends on the domains. Decreasing.
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
    SMIDA : Components that depend on the labels as well.
    TCA : Two domains, equal means as a constraint.

    Notes
    -----
    Standardize features first: variance is what the components keep, and indicators of domains
    are 0 or 1. Columns keep no special place in a Pipeline: steps in front of this one must keep
    their number, or, for names, hand on frames (``set_output(transform="pandas")``).

    New rows without ``sample_domain`` are target rows. Where there are several target domains,
    and for a domain that ``fit`` has not seen, the indicators are those of its side on average;
    name the domain to do better. Domain columns are read from each row.

    Where ``sample_domain`` is None there is no domain to be independent of (unless there are
    ``domain_columns``, which count all the same), and the components are those of kernel PCA,
    scaled by their singular values, if the kernel is centered.

    Rows may be CuPy arrays: the fit, ``transform`` and the arrays learned are then on their GPU,
    and domain features pass through the host. A ``feature_map`` is fitted on the host; Nystroem
    maps on the GPU, any other on the host.

    Time is :math:`O(n^2 (d + k))` for n rows, d features and k components, and O(n d^2 + d^3)
    for a linear kernel or d features of ``feature_map``. The kernel matrix is held where it fits
    scikit-learn's setting ``working_memory``, and else computed tile by tile in each of 6 to 12
    passes, in :math:`O(n k)` memory. The paper keeps eigenvectors whatever the sign of their
    eigenvalue; here those that are not positive are dropped. The signs of the components follow
    a rule that does not depend on the order of the rows.

    References
    ----------
    .. [1] K. Yan, L. Kou, D. Zhang. Learning domain-invariant subspace using domain features and
       independence maximization. IEEE Transactions on Cybernetics 48(1), 2018.
       :doi:`10.1109/TCYB.2016.2633306`

    Examples
    --------
    A sensor drifts in time; its first rows have labels.

    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import MIDA
    >>> rng = np.random.RandomState(0)
    >>> time = np.linspace(0, 1, 200)
    >>> y = rng.randint(2, size=200)
    >>> X = rng.normal(size=(200, 3)) + 3 * np.outer(y, [1, -1, 0]) + 6 * np.outer(time, [1, 0, 1])
    >>> X = np.column_stack([X, time])
    >>> sample_domain = np.where(time < 0.3, 0, -1)
    >>> mida = MIDA(LogisticRegression(), n_components=2, domain_columns=[3])
    >>> mida.fit(X, y, sample_domain=sample_domain).transform(X[:3]).shape
    (3, 2)
    >>> late = time > 0.8
    >>> mida.score(X[late], y[late])
    0.925
    """

    traits = Traits(
        target_labels="optional",
        multi_source="distinguished",
        on_device=True,
        inert=SOLVER_INERT,
        examples=INDEPENDENCE_EXAMPLES,
    )

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
        self.domain_columns = domain_columns
        self.augment = augment
        self.feature_map = feature_map
        self.tol = tol
        self.train_on = train_on
        self.random_state = random_state
        self.verbose = verbose

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        return self._fit_components(X, domains, None, 0.0)
