"""Propagation of numbers by optimal transport."""

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.base import Traits
from skransfer.base.labels import clean_labels
from skransfer.base.transfer import Stacked
from skransfer.feature._ot_propagation import PropagatesLabels

__all__ = ["OTLabelPropagationRegressor"]


class OTLabelPropagationRegressor(PropagatesLabels):
    r"""Numbers that travel from source to target rows with the mass of a transport plan.

    With the plan P of :class:`OTMapping`, a target row gets the mean of the labels that its mass
    comes from [1]_:

    .. math:: \hat z(y_j) = \sum_i P_{ij} z_i \Big/ \sum_i P_{ij}.

    No estimator is wrapped, and no target label is read.

    Parameters
    ----------
    regularization : {"entropic", "exact", "unbalanced"}, default="entropic"
        As in :class:`OTMapping`. "exact" needs POT, the extra ``skransfer[ot]``.
    alpha : float, default=0.05
        Strength of the entropy, in units of the mean cost; see :class:`OTMapping`. The larger, the
        closer all predictions come to the mean of the source's labels. Ignored by "exact".
    marginal_alpha : float, default=0.1
        Strength of the penalties on the masses, in mean costs, of "unbalanced".
    metric : str or callable, default="sqeuclidean"
        The costs: a metric of :func:`sklearn.metrics.pairwise_distances`.
    max_iter : int, default=1000
        Most rounds of scaling. A ConvergenceWarning tells when they did not suffice.
    tol : float, default=1e-6
        Scaling ends when the masses are wrong by less than this share in all.
    verbose : int, default=0
        1: a line for each ten rounds.

    Attributes
    ----------
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
        The predictions as a function of the row.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    OTLabelPropagation : The same for classes.
    OTMapping : Moves the rows, for an estimator to learn from.

    Notes
    -----
    New rows and cost as in :class:`OTLabelPropagation`. Predictions are means of source labels, and
    never leave their range.

    References
    ----------
    .. [1] J. Solomon, R. Rustamov, L. Guibas, A. Butscher. Wasserstein propagation for
       semi-supervised learning. ICML, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import OTLabelPropagationRegressor, stack_domains
    >>> source = np.random.default_rng(0).normal(size=(100, 1))
    >>> target = source + 5.0
    >>> X, y, domains = stack_domains(source, 3 * source.ravel(), target)
    >>> model = OTLabelPropagationRegressor(alpha=0.03).fit(X, y, sample_domain=domains)
    >>> bool(model.score(target, 3 * source.ravel()) > 0.95)
    True
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="ignored",
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

    def __init__(
        self,
        *,
        regularization: str = "entropic",
        alpha: float = 0.05,
        marginal_alpha: float = 0.1,
        metric: Any = "sqeuclidean",
        max_iter: int = 1000,
        tol: float = 1e-6,
        verbose: int = 0,
    ) -> None:
        self.regularization = regularization
        self.alpha = alpha
        self.marginal_alpha = marginal_alpha
        self.metric = metric
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose

    def _values(self, data: Stacked) -> tuple[NDArray[np.float64], Any]:
        labels = clean_labels(data.y[data.domains.source], classifier=False)
        self._many_outputs = labels.ndim > 1
        return np.asarray(labels, dtype=np.float64).reshape(len(labels), -1), None

    def _predict(self, X: Any) -> NDArray[Any]:
        found = self.map_(X)
        return found if self._many_outputs else found.ravel()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
