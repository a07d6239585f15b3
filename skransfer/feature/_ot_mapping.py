"""Optimal transport of the source rows."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin, is_classifier

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.feature._transport import TRANSPORT_CONSTRAINTS, class_codes, solve_transport
from skransfer.solvers.transport_maps import NearestShift

__all__ = ["OTMapping"]


class OTMapping(OneToOneFeatureMixin, BaseMapper):
    r"""Move the source rows onto the target by optimal transport.

    A transport plan says how much mass of each source row goes to each target row. It is the
    cheapest for costs c, with the same mass on all rows of a domain [1]_:

    .. math:: \min_{P \ge 0} \; \sum_{ij} P_{ij} \, c(x_i, y_j) + R(P)
        \quad\text{subject to}\quad P 1 = 1 / n_s, \; P^\top 1 = 1 / n_t.

    Each source row then moves to the mean of the target rows that its mass goes to,
    :math:`x_i \to \sum_j P_{ij} y_j / \sum_j P_{ij}`; target rows stay where they are.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the moved source rows. None: only the map is fitted.
    regularization : {"entropic", "exact", "class", "unbalanced"}, default="entropic"
        The term R.

        - "entropic": :math:`\epsilon \, \mathrm{KL}(P \mid 1/(n_s n_t))` [2]_. A row goes to
          several target rows; the smaller ``alpha``, the fewer.
        - "exact": none. With as many rows on both sides, a matching. Needs POT, the extra
          ``skransfer[ot]``.
        - "class": entropic, and target rows shall get their mass from one class [1]_:
          :math:`+\, \eta \sum_{jc} \sqrt{s_{cj} + 10^{-3}} / n_t`, with :math:`s_{cj}` the share of
          class c in what target row j gets. Reads the source labels.
        - "unbalanced": entropic, and the masses of rows may differ from those given [3]_: instead
          of the constraints, :math:`+\, \rho \, \mathrm{KL}(P 1 \mid 1/n_s) + \rho \,
          \mathrm{KL}(P^\top 1 \mid 1/n_t)`. For outliers, and classes of different frequency.
    alpha : float, default=0.05
        :math:`\epsilon` in units of the mean cost; of squared distances, that between rows taken
        relative to the mean of their domain, since the shift between the means decides nothing.
        Less than 0.01 is nearly exact, and slow. Ignored by "exact".
    class_alpha : float, default=0.1
        :math:`\eta` in the same unit, of "class".
    marginal_alpha : float, default=0.1
        :math:`\rho` in units of the mean cost, of "unbalanced". Mass is rather destroyed than moved
        where that costs more than :math:`2 \rho`; from 1 on, masses hardly differ from those given.
    metric : str or callable, default="sqeuclidean"
        The costs c: a metric of :func:`sklearn.metrics.pairwise_distances`. The mean is the best
        image of a row for squared Euclidean distances.
    max_iter : int, default=1000
        Most rounds of scaling; with "class" for each of at most 11 problems. A ConvergenceWarning
        tells when they did not suffice.
    tol : float, default=1e-6
        Scaling ends when the masses of the target rows are wrong by less than this share in all.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds the
        target rows that have one, and such a row takes no mass from source rows of other classes,
        unless its class has too little.
    verbose : int, default=0
        1: a line for each ten rounds, or for each problem of "class".

    Attributes
    ----------
    source_potential_ : ndarray of shape (n_source,)
        Dual solution f, in the order of the source rows in X. All zero with one domain, as is the
        next.
    target_potential_ : ndarray of shape (n_target,)
        Dual solution g. The entropic plan is :math:`P_{ij} = e^{(f_i + g_j - c_{ij}) / \epsilon} /
        (n_s n_t)`, with "class" for costs that hold its penalty's tangent.
    plan_ : csr_array of shape (n_source, n_target) or None
        The plan, if it is "exact"; others are not held.
    epsilon_ : float
        Strength of the entropy, in units of the costs; 0 for "exact".
    n_iter_ : int
        Rounds of scaling, of all problems of "class"; 1 for "exact" and with one domain.
    solver_info_ : dict
        "exact": ``cost``. Else ``n_iter``, ``error`` of the masses, ``converged``, ``form``
        ("dense": costs were held; "tiled": computed in each pass) and, for "class", ``objective``
        after each of its problems. Empty with one domain.
    map_ : SoftmaxMap or NearestShift
        The map of source rows. None with one domain.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    LinearMonge : The optimal map between Gaussians: linear, and for any number of rows.
    OTLabelPropagation : Moves labels instead of rows.

    Notes
    -----
    The map is two-sided: pass ``sample_domain`` to ``transform`` and ``predict`` to treat source
    rows as source rows. New source rows: "entropic" and "unbalanced" apply the formula of the fit,
    :math:`x \to` mean of the :math:`y_j` with weights :math:`e^{(g_j - c(x, y_j)) / \epsilon}`, a
    smooth map [4]_. "exact" and "class", and labeled target rows, allow no such formula: a new row
    then moves as the nearest source row does, which for rows of the fit is the fit's own image.
    Equal rows have one image, the mean over their classes.

    Several sources are pooled, and so are several targets. The order of the rows is no matter.

    A round of scaling takes :math:`O(n_s n_t)` time where two matrices of costs fit scikit-learn's
    setting ``working_memory``, else :math:`O(n_s n_t d)`, and with squared distances never more
    memory than the rows; 10 to 100 rounds are usual for the default ``alpha``. "exact" needs the
    matrix and :math:`O(n^3)` time at worst. Moved rows are dense.

    References
    ----------
    .. [1] N. Courty, R. Flamary, D. Tuia, A. Rakotomamonjy. Optimal transport for domain
       adaptation. IEEE Transactions on Pattern Analysis and Machine Intelligence 39(9), 2017.
       :doi:`10.1109/TPAMI.2016.2615921`
    .. [2] M. Cuturi. Sinkhorn distances: lightspeed computation of optimal transport. NIPS, 2013.
    .. [3] L. Chizat, G. Peyré, B. Schmitzer, F.-X. Vialard. Scaling algorithms for unbalanced
       optimal transport problems. Mathematics of Computation 87, 2018. :doi:`10.1090/mcom/3303`
    .. [4] A.-A. Pooladian, J. Niles-Weed. Entropic estimation of optimal transport maps.
       arXiv:2109.12004, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skransfer import OTMapping, stack_domains
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(100) % 2
    >>> source = rng.normal(size=(100, 2)) + 6 * y[:, None]
    >>> X, labels, domains = stack_domains(source, y, source + [9.0, -2.0])  # all rows moved
    >>> model = OTMapping(KNeighborsClassifier()).fit(X, labels, sample_domain=domains)
    >>> model.score(source + [9.0, -2.0], y)
    1.0
    """

    traits = Traits(
        target_labels="optional",
        inert=MappingProxyType(
            {"class_alpha": 'acts with regularization="class", which labels of regression refuse'}
        ),
        examples=MappingProxyType(
            {
                "regularization": ({}, "unbalanced"),
                "marginal_alpha": ({"regularization": "unbalanced"}, 1.0),
                "metric": ({}, "cityblock"),
                "tol": ({}, 0.5),
                "max_iter": ({}, 1),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        **TRANSPORT_CONSTRAINTS,
        "regularization": [StrOptions({"entropic", "exact", "class", "unbalanced"})],
        "class_alpha": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        regularization: str = "entropic",
        alpha: float = 0.05,
        class_alpha: float = 0.1,
        marginal_alpha: float = 0.1,
        metric: Any = "sqeuclidean",
        max_iter: int = 1000,
        tol: float = 1e-6,
        train_on: str = "source",
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.regularization = regularization
        self.alpha = alpha
        self.class_alpha = class_alpha
        self.marginal_alpha = marginal_alpha
        self.metric = metric
        self.max_iter = max_iter
        self.tol = tol
        self.train_on = train_on
        self.verbose = verbose

    def _needs_labels(self) -> bool:
        reads = self.regularization == "class" or self.train_on == "labeled"
        return reads or super()._needs_labels()

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        if domains.single:
            self._stay(X.shape[0])
            return None
        source, target = X[domains.source], X[domains.target]
        found = solve_transport(self, source, target, self._codes(y, domains))
        images = found.source_means(target)
        smooth = self.plan_ is None and found.bias is None
        self.map_ = found.source_map(target) if smooth else NearestShift(source, images)
        # Equal rows of two classes have one image, which only the map knows.
        return self._moved(X, domains, images if smooth else self.map_(source))

    def _codes(self, y: Any, domains: Domains) -> Any:
        labeled = self.train_on == "labeled" and (self.estimator is None or is_classifier(self))
        if self.regularization != "class" and not labeled:
            return None
        return class_codes(y, domains, read_target=labeled)[1]

    def _stay(self, n: int) -> None:
        """One domain: nothing moves."""
        self.source_potential_, self.target_potential_ = np.zeros(n), np.zeros(n)
        self.plan_, self.epsilon_, self.solver_info_, self.map_ = None, 0.0, {}, None
        self.n_iter_ = 1

    def _map(self, X: Any, domains: Domains) -> Any:
        source = domains.ids >= 0
        move = source.any() and self.map_ is not None
        return self._moved(X, domains, self.map_(X[source]) if move else None)

    def _moved(self, X: Any, domains: Domains, images: Any) -> Any:
        Z = np.array(X.toarray() if sp.issparse(X) else X)
        if images is not None:
            Z[domains.ids >= 0] = images
        return Z
