"""Manifold embedded distribution alignment."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from skransfer._compat import HasMethods, Interval, StrOptions
from skransfer.base import BaseTransfer, Domains, Traits
from skransfer.base.judging import PredictsRows
from skransfer.base.kernel import KERNEL_EXAMPLES, UsesKernel
from skransfer.base.labels import class_names
from skransfer.base.transfer import Stacked
from skransfer.feature._pseudo_labels import RowClasses, check_labeler, name_rows, read_classes
from skransfer.kernels import LowRankOperator
from skransfer.solvers.geodesic import GeodesicFlow
from skransfer.solvers.joint import DomainBalance, joint_contrasts
from skransfer.solvers.neighbor_graph import graph_laplacian, neighbor_graph
from skransfer.solvers.neighbor_ratio import Places, find_places
from skransfer.solvers.structural_risk import RiskMinimizer, StructuralRisk
from skransfer.solvers.subspace import project

__all__ = ["MEDA"]

Array = NDArray[np.float64]


class MEDA(UsesKernel, PredictsRows, BaseTransfer):
    r"""Manifold embedded distribution alignment (MEDA): a classifier of its own.

    On the manifold between the domains' principal subspaces, a kernel classifier whose values
    have the same mean in both domains, overall and class by class, and change little between
    neighbors [1]_:

    .. math:: \min_f \; \sum_{i \in A} \lVert y_i - f(z_i) \rVert^2
        + \eta \lVert f \rVert_K^2
        + \lambda \operatorname{tr}\bigl(F^\top M F\bigr)
        + \rho \operatorname{tr}\bigl(F^\top L F\bigr).

    :math:`z = G^{1/2} x`, scaled to length 1, with the geodesic flow kernel G [2]_; A holds the
    labeled rows, y their classes as indicators; L is the Laplacian of a graph of neighbors, and
    :math:`M = (1 - \mu) M_0 + \mu \sum_c M_c`, scaled to length 1, contrasts the means of f in
    both domains (:math:`M_0`) and in each class (:math:`M_c`). Classes of the target are first
    named by another classifier, then by f itself, round by round.

    Parameters
    ----------
    n_components : int or float, default=20
        Axes of each principal subspace, fewer where a domain varies along fewer. A float in
        (0, 1]: the least number that carries this share of the variance of both domains.
    kernel : str or callable, default="rbf"
        A kernel of :func:`sklearn.metrics.pairwise.pairwise_kernels`, or a function of two rows,
        positive semidefinite. It compares rows of the manifold, which have length 1.
    gamma : float, "scale" or "median", default=0.5
        Inverse width of the kernel, as in :class:`TCA`. 0.5 is a Gaussian of standard deviation
        1, as in the authors' program.
    degree : int, default=3
        Degree of the polynomial kernel.
    coef0 : float, default=1.0
        Constant term of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Further arguments of a callable kernel.
    alpha : float, default=0.1
        Penalty on the length of f, :math:`\eta` in [1]_. With ``alpha_domains=0`` and
        ``alpha_graph=0`` the model is kernel ridge regression of the class indicators.
    alpha_domains : float, default=10.0
        Penalty on contrasts between the domains, :math:`\lambda`.
    alpha_graph : float, default=1.0
        Penalty on differences between neighbors, :math:`\rho`.
    n_neighbors : int, default=10
        Neighbors of a row in the graph, p in [1]_, by the cosine of the angle between rows.
    balance : float or "auto", default="auto"
        :math:`\mu`, the share of the contrasts within classes. "auto": estimated in each round
        from how well a linear classifier tells the domains apart, overall and within classes.
    labeler : classifier, default=None
        Names the classes of target rows in the first round, from rows of the manifold. None: the
        nearest neighbor.
    max_iter : int, default=10
        Most rounds. They end early when no class of a target row changes: the next round would
        be the same.
    feature_map : transformer, default=None
        Features that stand for the kernel where there are too many rows for its matrix:
        ``Nystroem(n_components=300)``, or another kernel approximation of scikit-learn, which
        gets its kernel from the parameters here. None: the kernel itself.
    train_on : {"source", "labeled"}, default="source"
        "source" never reads a target label; with "labeled" the target rows that have one belong
        to A.
    verbose : int, default=0
        1: a line for each round.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the rows whose labels are read.
    mean_ : ndarray of shape (n_features,)
        Mean of the rows of ``fit``; rows are centered by it.
    factor_ : ndarray of shape (n_features, n_manifold_features)
        F with G = F F': the manifold's coordinates are (x - mean) F over its length.
    angles_ : ndarray
        Principal angles between the subspaces of the domains, in radians, increasing.
    dual_coef_ : ndarray of shape (n_samples, n_classes)
        Coefficients of f on the rows of ``fit``.
    coef_ : ndarray of shape (n_map_features, n_classes) or None
        With a ``feature_map`` or a linear kernel: coefficients on its features. None otherwise.
    feature_map_ : transformer or None
        The fitted clone of ``feature_map``.
    Z_fit_ : ndarray of shape (n_samples, n_manifold_features) or None
        Rows of ``fit`` on the manifold; None where ``coef_`` serves new rows.
    gamma_ : float
        Inverse width used.
    pseudo_labels_ : ndarray of shape (n_target,)
        Classes of the target rows, in the order in which they stand in X, after the last round;
        those that were read stay as they are.
    history_ : dict of ndarray of shape (n_iter_,)
        Of each round: ``changed``, the share of unlabeled target rows whose class changed in it,
        the ``balance`` used, and the ``objective``.
    n_iter_ : int
        Rounds.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    TCA : Maps rows for a classifier of your choice.

    Notes
    -----
    Only contrasts change between rounds, and they have low rank: all rounds share one Cholesky
    factorization, :math:`O(n^3)` time and :math:`O(n^2)` memory for n rows of both domains. With a
    ``feature_map`` of D features it is :math:`O(n D^2)`, besides :math:`O(n^2 k)` for the graph.
    A source that is wrong for most rows of a class will not be corrected.

    As in the authors' program :math:`M_0` is multiplied by the number of classes, so that the
    domains count as much as all classes together at :math:`\mu = 1/2`, and each row is a neighbor
    of itself. Rows are centered by the mean of all, so that an offset of the features changes
    nothing; a class that no target row is given has no contrast. One domain has none either.

    References
    ----------
    .. [1] J. Wang, W. Feng, Y. Chen, H. Yu, M. Huang, P. S. Yu. Visual domain adaptation with
       manifold embedded distribution alignment. ACM Multimedia, 2018.
       :doi:`10.1145/3240508.3240512`
    .. [2] B. Gong, Y. Shi, F. Sha, K. Grauman. Geodesic flow kernel for unsupervised domain
       adaptation. CVPR, 2012.

    Examples
    --------
    >>> from skransfer import MEDA
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> meda = MEDA(n_components=2).fit(X, y, sample_domain=sample_domain)
    >>> meda.predict(X[sample_domain < 0]).shape == meda.pseudo_labels_.shape
    True
    """

    _estimator_type = "classifier"
    _reads_classes = True
    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            {
                **KERNEL_EXAMPLES,
                "kernel_params": (
                    {"kernel": lambda x, z, power=1: float(1 + x @ z) ** power},
                    {"power": 2},
                ),
                "n_components": ({}, 2),
                "max_iter": ({}, 1),
                "balance": ({}, 0.9),
                "labeler": ({"max_iter": 1}, DummyClassifier()),
            }
        ),
    )
    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"sample_domain": True}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **UsesKernel._kernel_constraints,
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="right"),
        ],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "alpha_domains": [Interval(Real, 0, None, closed="left")],
        "alpha_graph": [Interval(Real, 0, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "balance": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "labeler": [HasMethods(["fit", "predict"]), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "train_on": [StrOptions({"source", "labeled"})],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        n_components: float = 20,
        kernel: Any = "rbf",
        gamma: Any = 0.5,
        degree: int = 3,
        coef0: float = 1.0,
        kernel_params: dict[str, Any] | None = None,
        alpha: float = 0.1,
        alpha_domains: float = 10.0,
        alpha_graph: float = 1.0,
        n_neighbors: int = 10,
        balance: float | str = "auto",
        labeler: Any = None,
        max_iter: int = 10,
        feature_map: Any = None,
        train_on: str = "source",
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.alpha = alpha
        self.alpha_domains = alpha_domains
        self.alpha_graph = alpha_graph
        self.n_neighbors = n_neighbors
        self.balance = balance
        self.labeler = labeler
        self.max_iter = max_iter
        self.feature_map = feature_map
        self.train_on = train_on
        self.verbose = verbose

    def _takes_params(self) -> bool:
        return False

    def _check_parts(self) -> None:
        if self.labeler is not None:
            check_labeler(self, self.labeler)

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> None:
        classes = read_classes(data.y, data.domains, self.train_on)
        self.classes_ = classes.names
        # Equal rows go through every product once, so that they stay equal to the last digit.
        places = find_places(data.numeric)
        Z = self._fit_manifold(places, data.domains)
        self._resolve_gamma(Z)
        op = self._operator(Z)
        found, codes = self._rounds(self._risk(op, Z, classes), Z, classes, data.domains)
        by_features = isinstance(op, LowRankOperator)
        self.dual_coef_ = found.dual
        self.coef_, self.Z_fit_ = (found.coefficients, None) if by_features else (None, Z)
        side = np.flatnonzero(data.domains.target & ~data.domains.source)
        self.pseudo_labels_ = class_names(classes.names, codes[side])

    def _fit_manifold(self, places: Places, domains: Domains) -> Array:
        """Learn the map to the manifold; return the rows of fit there."""
        # In an order of their own: a feature map may draw rows by the last digit.
        sides = [
            places.rows[np.sort(places.of_row[mask])] for mask in (domains.source, domains.target)
        ]
        flow = GeodesicFlow.fit(
            sides[0], sides[0] if domains.single else sides[1], self.n_components
        )
        weights = places.counts / places.counts.sum()
        self.mean_ = np.asarray(weights @ places.rows, dtype=np.float64).ravel()
        self.factor_, self.angles_ = flow.factor, flow.angles
        return self._to_manifold(places.rows)[places.of_row]

    def _to_manifold(self, X: Any) -> Array:
        Z = project(X, self.mean_, self.factor_)
        lengths = np.linalg.norm(Z, axis=1, keepdims=True)
        return np.asarray(Z / np.where(lengths > 0, lengths, 1.0))

    def _risk(self, op: Any, Z: Array, classes: RowClasses) -> StructuralRisk:
        known = classes.codes >= 0
        targets = np.eye(len(classes.names))[classes.codes]
        penalty = None
        if self.alpha_graph > 0:
            # Loops as in the authors' program: each row is its own neighbor as well.
            graph = neighbor_graph(Z, self.n_neighbors, self_loops=True)
            penalty = self.alpha_graph * graph_laplacian(graph)
        return StructuralRisk(op, targets, known, self.alpha, penalty=penalty)

    def _rounds(
        self, risk: StructuralRisk, Z: Array, classes: RowClasses, domains: Domains
    ) -> tuple[RiskMinimizer, NDArray[np.intp]]:
        """Learn the classifier, name the classes of the target rows with it, and so on."""
        labeler = KNeighborsClassifier(1) if self.labeler is None else self.labeler
        codes, unlabeled = name_rows(labeler, Z, classes), classes.unlabeled
        records, estimate = [], DomainBalance(Z, domains.source)
        for _ in range(self.max_iter):
            balance = self.balance
            if balance == "auto":
                balance = 0.0 if domains.single else estimate(codes)
            found = risk.minimize(self._contrasts(codes, domains, balance))
            named = found.values[unlabeled].argmax(axis=1)
            changed = float(np.mean(named != codes[unlabeled])) if len(unlabeled) else 0.0
            records.append({"changed": changed, "balance": balance, "objective": found.objective})
            if self.verbose:
                print(  # noqa: T201 - what verbose asks for
                    f"round {len(records)}: {changed:.2%} of {len(unlabeled)} target rows changed"
                )
            codes[unlabeled] = named
            if not changed:
                break
        self.n_iter_ = len(records)
        self.history_ = {name: np.array([r[name] for r in records]) for name in records[0]}
        return found, codes

    def _contrasts(self, codes: NDArray[np.intp], domains: Domains, balance: float) -> Array:
        if domains.single:
            return np.zeros((len(codes), 0))
        # As in the authors' program M_0 counts as much as all classes together at mu = 1/2.
        share = balance / (balance + len(self.classes_) * (1 - balance))
        contrasts = joint_contrasts(domains.source, codes, balance=share)
        return np.asarray(np.sqrt(self.alpha_domains) * contrasts)

    def _values(self, X: Any) -> Array:
        Z = self._to_manifold(X)
        if self.coef_ is None:
            return self._kernel_product(Z, self.Z_fit_, self.dual_coef_)
        features = Z if self.feature_map_ is None else self._features(Z)
        return np.asarray(features @ self.coef_)

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.classes_[self._values(X).argmax(axis=1)])

    def decision_function(self, X: Any, *, sample_domain: Any = None) -> Array:
        """Values of f, one for each class; arguments as in ``predict``.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes), or (n_samples,) with two classes
            With two, by how much the second exceeds the first.
        """
        X, _ = self._check_rows(X, sample_domain)
        scores = self._values(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
