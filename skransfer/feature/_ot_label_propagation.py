"""Label propagation by optimal transport."""

from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skransfer._compat import StrOptions
from skransfer.base import Traits
from skransfer.base.transfer import Stacked
from skransfer.feature._ot_propagation import PropagatesLabels
from skransfer.feature._transport import class_codes

__all__ = ["OTLabelPropagation"]


class OTLabelPropagation(PropagatesLabels):
    r"""Classes that travel from source to target rows with the mass of a transport plan.

    With the plan P of :class:`OTMapping`, a target row is of class c with the share that source
    rows of this class have in the mass that it gets [1]_ [2]_:

    .. math:: P(c \mid y_j) = \sum_{i \,:\, c_i = c} P_{ij} \Big/ \sum_i P_{ij}.

    No estimator is wrapped.

    Parameters
    ----------
    regularization : {"entropic", "exact", "unbalanced"}, default="entropic"
        As in :class:`OTMapping`. "exact" needs POT, the extra ``skransfer[ot]``.
    alpha : float, default=0.05
        Strength of the entropy, in units of the mean cost; see :class:`OTMapping`. The larger, the
        closer all rows come to the shares of the classes in the source. Ignored by "exact".
    marginal_alpha : float, default=0.1
        Strength of the penalties on the masses, in mean costs, of "unbalanced". With the other two,
        classes are predicted as often as they are in the source.
    metric : str or callable, default="sqeuclidean"
        The costs: a metric of :func:`sklearn.metrics.pairwise_distances`.
    max_iter : int, default=1000
        Most rounds of scaling. A ConvergenceWarning tells when they did not suffice.
    tol : float, default=1e-6
        Scaling ends when the masses are wrong by less than this share in all.
    train_on : {"source", "labeled"}, default="source"
        "source" never reads a target label. With "labeled", a target row that has one takes no mass
        from source rows of other classes, unless its class has too little: this leaves them for
        other rows. At prediction it counts as any row.
    verbose : int, default=0
        1: a line for each ten rounds.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source rows, and of target rows if their labels are read.
    source_potential_ : ndarray of shape (n_source,)
        Dual solution f, in the order of the source rows in X.
    target_potential_ : ndarray of shape (n_target,)
        Dual solution g.
    plan_ : csr_array of shape (n_source, n_target) or None
        The plan, if it is "exact"; others are not held.
    epsilon_ : float
        Strength of the entropy, in units of the costs; 0 for "exact".
    n_iter_ : int
        Rounds of scaling; 1 for "exact".
    solver_info_ : dict
        As in :class:`OTMapping`.
    map_ : SoftmaxMap or NearestRows
        The shares of the classes as a function of the row.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    OTLabelPropagationRegressor : The same for numbers.
    OTMapping : Moves the rows, for an estimator to learn from.

    Notes
    -----
    "entropic" and "unbalanced" predict for any row y by the formula that holds for the rows of the
    fit: the share of source row i is proportional to :math:`e^{(f_i - c(x_i, y)) / \epsilon}`.
    With "exact", a row that was not in the fit gets the shares of the nearest target row that was.
    Without ``sample_domain`` each row is a source row and a target row.

    Cost as in :class:`OTMapping`; prediction takes :math:`O(n_s d)` time a row.

    References
    ----------
    .. [1] J. Solomon, R. Rustamov, L. Guibas, A. Butscher. Wasserstein propagation for
       semi-supervised learning. ICML, 2014.
    .. [2] I. Redko, N. Courty, R. Flamary, D. Tuia. Optimal transport for multi-source domain
       adaptation under target shift. AISTATS, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import OTLabelPropagation, stack_domains
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(100) % 2
    >>> source = rng.normal(size=(100, 2)) + 6 * y[:, None]
    >>> X, labels, domains = stack_domains(source, y, source + [9.0, -2.0])  # all rows moved
    >>> model = OTLabelPropagation().fit(X, labels, sample_domain=domains)
    >>> model.score(source + [9.0, -2.0], y)
    1.0
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="optional",
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
        **PropagatesLabels._parameter_constraints,
        "train_on": [StrOptions({"source", "labeled"})],
    }
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}

    def __init__(
        self,
        *,
        regularization: str = "entropic",
        alpha: float = 0.05,
        marginal_alpha: float = 0.1,
        metric: Any = "sqeuclidean",
        max_iter: int = 1000,
        tol: float = 1e-6,
        train_on: str = "source",
        verbose: int = 0,
    ) -> None:
        self.regularization = regularization
        self.alpha = alpha
        self.marginal_alpha = marginal_alpha
        self.metric = metric
        self.max_iter = max_iter
        self.tol = tol
        self.train_on = train_on
        self.verbose = verbose

    def _values(self, data: Stacked) -> tuple[NDArray[np.float64], Any]:
        labeled = self.train_on == "labeled"
        self.classes_, codes = class_codes(data.y, data.domains, read_target=labeled)
        return np.eye(len(self.classes_))[codes[0]], codes if labeled else None

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.classes_[np.argmax(self.map_(X), axis=1)])

    def predict_proba(self, X: Any, *, sample_domain: Any = None) -> NDArray[np.float64]:
        """Shares of the classes in the mass of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; they may come alone or in any subset.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; all rows are treated as rows of the target.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        X, _ = self._check_rows(X, sample_domain)
        return np.asarray(self.map_(X))

    def predict_log_proba(self, X: Any, *, sample_domain: Any = None) -> NDArray[np.float64]:
        """Logarithms of the shares; arguments as in ``predict_proba``.

        Returns
        -------
        log_P : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X, sample_domain=sample_domain)))
