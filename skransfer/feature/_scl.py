"""Structural correspondence learning."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import check_random_state
from sklearn.utils.extmath import row_norms
from sklearn.utils.multiclass import type_of_target

from skransfer._compat import Interval, StrOptions, take_rows
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.base.labels import clean_labels
from skransfer.feature._augmented import AugmentsRows
from skransfer.feature._pivot_classifiers import sgd_predictors
from skransfer.solvers.pivots import (
    label_relevance,
    presence,
    ranked,
    shared_features,
    support,
)
from skransfer.solvers.structural_correspondence import leading_directions, ridge_predictors

__all__ = ["SCL"]

SHORT_SGD = MappingProxyType({"method": "sgd", "n_updates": 1000, "random_state": 0})


class SCL(AugmentsRows, BaseMapper):
    r"""Structural correspondence learning (SCL).

    Words of two domains correspond if they predict the same *pivots*: features that are present
    in both domains and, chosen by mutual information, tell of the source labels [1]_ [2]_. A
    linear model predicts the presence of each pivot from all other features, on the rows of both
    domains without their labels,

    .. math:: w_j = \arg\min_{w:\, w_{p_j} = 0} \; \frac{1}{n} \sum_i
        L\bigl(y_{ij}, w^\top x_i + b\bigr) + \alpha s^2 \lVert w \rVert^2,

    where :math:`s^2` is the mean squared norm of the rows, which makes the scale of X irrelevant,
    and the k leading left singular vectors :math:`\Theta` of :math:`W = (w_1, ..., w_m)` are what
    the predictors share. A row becomes :math:`[x, \Theta^\top x]`, the new features standardized.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the mapped source rows. None: only the map is fitted.
    n_pivots : int, default=1000
        Number of pivots, or fewer if fewer features have the support.
    n_components : int, default=50
        Number of new features, or fewer if the predictors span fewer directions.
    min_support : int or float, default=5
        Pivots are present in at least so many rows of each domain. An integer: a number of rows;
        a float: a share of them.
    pivots : {"mutual_info", "frequency"}, default="mutual_info"
        Which features come first. "mutual_info": those whose presence tells most of the source
        labels [2]_, which ``fit`` then needs; for numbers as labels, by squared correlation.
        "frequency": those present in most rows [1]_.
    method : {"ridge", "sgd"}, default="ridge"
        "ridge": squared loss; all predictors are exact and come from one factorization. "sgd":
        the modified Huber loss by stochastic gradient descent [2]_, a fit for each pivot.
    alpha : float, default=1e-3
        Ridge penalty of the predictors; "sgd" has half of it, as ``SGDClassifier`` defines it. On
        Amazon reviews, Reuters-21578 and 20 Newsgroups the default predicts the pivots of held-out
        rows best among the powers of 10.
    scale : float, default=1.0
        Mean norm of the new features of a row, relative to that of the row itself.
    passthrough : bool, default=True
        Whether mapped rows keep the features themselves beside the new ones; [3]_ drops them.
    n_updates : int, default=1_000_000
        Rows that "sgd" visits for each pivot, in whole passes; a million in [3]_.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one. Pivots are chosen by source labels in either case.
    n_jobs : int, default=None
        Threads of "sgd".
    random_state : int, RandomState instance or None, default=None
        Order in which "sgd" visits the rows.

    Attributes
    ----------
    pivots_ : ndarray of shape (n_pivots_found,) of int
        Columns of the pivots, the most telling first.
    components_ : ndarray of shape (n_components_, n_features)
        :math:`\Theta^\top`, orthonormal rows.
    singular_values_ : ndarray of shape (n_components_,)
        Of the matrix of the predictors, decreasing.
    offset_, factor_ : ndarray of shape (n_components_,)
        The new features are ``(X @ components_.T - offset_) * factor_``.
    n_components_ : int
        Number of new features.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    SFA : Chooses the shared features without labels, and aligns the others by a graph.
    MarginalizedSDA : Predicts all features from all others.

    Notes
    -----
    A feature is present in a row where its value is positive. Both sides share one map, so
    ``sample_domain`` changes nothing in ``transform``. New features have mean 0 and equal variance
    over the rows of ``fit``, both domains. Of a pivot only its own column is hidden from its
    predictor. The number of classes does not matter: information is that of the presence and the
    whole label.

    With m pivots and :math:`s = \min(n, d)`, "ridge" takes :math:`O(n s^2 + s^3 + d\,s\,m)` time,
    less for sparse rows, and :math:`O(s^2 + d\,m)` memory; "sgd" takes m ``n_updates`` steps, each
    as long as a row has nonzero entries, and :math:`O(d\,m)` memory beside a copy of the rows for
    each thread. Sparse rows are not made dense; with ``passthrough`` they come back sparse.

    References
    ----------
    .. [1] J. Blitzer, R. McDonald, F. Pereira. Domain adaptation with structural correspondence
       learning. EMNLP, 2006.
    .. [2] J. Blitzer, M. Dredze, F. Pereira. Biographies, Bollywood, boom-boxes and blenders:
       domain adaptation for sentiment classification. ACL, 2007.
    .. [3] P. Prettenhofer, B. Stein. Cross-language text classification using structural
       correspondence learning. ACL, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import SCL, stack_domains
    >>> source = np.array([[1, 0, 1, 0, 0, 0], [0, 1, 0, 1, 0, 0]] * 20)  # its words: 2 and 3
    >>> target = np.array([[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1]] * 20)  # its words: 4 and 5
    >>> X, y, sample_domain = stack_domains(source, [0, 1] * 20, target)
    >>> model = SCL(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    >>> sorted(model.pivots_.tolist())
    [0, 1]
    >>> model.predict([[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]])
    array([0, 1])
    """

    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            {
                "n_pivots": ({}, 1),
                "min_support": ({}, 0.5),
                "pivots": ({"n_pivots": 1}, "frequency"),
                "method": ({"n_updates": 1000}, "sgd"),
                "n_updates": (SHORT_SGD, 2000),
                "random_state": (SHORT_SGD, 1),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "n_pivots": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "min_support": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="right"),
        ],
        "pivots": [StrOptions({"mutual_info", "frequency"})],
        "method": [StrOptions({"ridge", "sgd"})],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "scale": [Interval(Real, 0, None, closed="left")],
        "passthrough": ["boolean"],
        "n_updates": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_pivots: int = 1000,
        n_components: int = 50,
        min_support: int | float = 5,
        pivots: str = "mutual_info",
        method: str = "ridge",
        alpha: float = 1e-3,
        scale: float = 1.0,
        passthrough: bool = True,
        n_updates: int = 1_000_000,
        train_on: str = "source",
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_pivots = n_pivots
        self.n_components = n_components
        self.min_support = min_support
        self.pivots = pivots
        self.method = method
        self.alpha = alpha
        self.scale = scale
        self.passthrough = passthrough
        self.n_updates = n_updates
        self.train_on = train_on
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _needs_labels(self) -> bool:
        return super()._needs_labels() or self.pivots == "mutual_info"

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        marks = presence(X)
        self.pivots_ = self._choose(marks, y, domains)
        square = float(row_norms(X, squared=True).mean())
        if self.method == "ridge":
            W = ridge_predictors(X, marks, self.pivots_, self.alpha * square)
        else:
            W = sgd_predictors(
                X / np.sqrt(square),  # steps of the descent have no scale of their own
                marks,
                self.pivots_,
                alpha=self.alpha,
                n_updates=self.n_updates,
                random_state=check_random_state(self.random_state),
                n_jobs=self.n_jobs,
            )
        directions, self.singular_values_ = leading_directions(W, self.n_components)
        self.components_ = directions.T
        self.n_components_ = len(self.components_)
        if not self.n_components_ and not self.passthrough:
            raise ValueError(
                "SCL found no component, and passthrough=False leaves no other feature: no pivot "
                "is present in some rows and absent in others so that other features tell. A "
                "feature counts as present where it is greater than 0: pass counts, or set "
                "passthrough=True."
            )
        self._standardize(X)

    def _choose(self, marks: Any, y: NDArray[Any] | None, domains: Domains) -> NDArray[np.intp]:
        counts = np.array([support(marks[side]) for side in (domains.source, domains.target)])
        sizes = np.array([domains.n_source, domains.n_target])
        shared = shared_features(counts, sizes, self.min_support)
        relevance = total = counts.sum(axis=0)
        if self.pivots == "mutual_info":
            labels = clean_labels(
                take_rows(y, np.flatnonzero(domains.source)), classifier=not is_regressor(self)
            )
            relevance = label_relevance(
                marks[domains.source], labels, continuous=self._are_numbers(labels)
            )
        return np.asarray(shared[ranked(relevance[shared], total[shared])[: self.n_pivots]])

    def _are_numbers(self, labels: NDArray[Any]) -> bool:
        if is_classifier(self) or is_regressor(self):
            return is_regressor(self)
        return type_of_target(labels).startswith("continuous")

    def _standardize(self, X: Any) -> None:
        projected = np.asarray(X @ self.components_.T, dtype=np.float64)
        self.offset_ = projected.mean(axis=0)
        projected -= self.offset_
        spread = np.sqrt(np.square(projected).mean(axis=0))
        norm = float(row_norms(X).mean())
        # A direction along which no row varies stays zero.
        varies = spread > 1e-12 * norm
        self.factor_ = np.divide(1.0, spread, out=np.zeros_like(spread), where=varies)
        size = float(np.linalg.norm(projected * self.factor_, axis=1).mean())
        self.factor_ *= self.scale * norm / size if size else 0.0

    def _map(self, X: Any, domains: Domains) -> Any:
        return self._beside(X, (X @ self.components_.T - self.offset_) * self.factor_)

    @property
    def _n_new(self) -> int:
        return self.n_components_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = tags.target_tags.required or self.pivots == "mutual_info"
        return tags
