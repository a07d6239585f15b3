"""Source rows that count more or less than target rows."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring, get_scorer_names, r2_score

from skransfer._compat import Interval, StrOptions, check_method_params, take_rows
from skransfer.base import BaseAdapter, Traits
from skransfer.base.folds import class_folds, label_folds
from skransfer.base.labels import clean_labels
from skransfer.base.transfer import Stacked
from skransfer.base.weighting import fit_wrapped
from skransfer.solvers.mixing import best_gamma, gamma_grid, mixing_weights, pooled_gamma

__all__ = ["BalancedWeighting"]


class BalancedWeighting(BaseAdapter):
    r"""Learn from source rows and labeled target rows, with a chosen balance between the two.

    The wrapped estimator minimizes [1]_

    .. math:: (1 - \gamma) \frac{1}{n_s} \sum_{i \in S} \ell_i
        + \gamma \frac{1}{n_t} \sum_{i \in T} \ell_i,

    that is, source rows have the weight :math:`(1 - \gamma) / n_s` and labeled target rows
    :math:`\gamma / n_t`, both rescaled to mean 1. Few target rows among many source rows are thus
    not outvoted, and how much the source may say is judged on target rows.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the weighted rows; the weights reach it through any composition of
        scikit-learn estimators. None: only the weights are computed.
    gamma : float or "cv", default="cv"
        Share of the target in [0, 1]. 0: source rows only; :math:`n_t / (n_s + n_t)`: all rows
        alike (:class:`~skransfer.Pooled`); 1: target rows only
        (:class:`~skransfer.TargetOnly`). "cv": the best of 0, 0.1, 0.25, 0.5, 0.75, 0.9, 1 and
        :math:`n_t / (n_s + n_t)` in a cross-validation that judges by labeled target rows.
    cv : int, default=5
        Number of folds of labeled target rows; fewer if there are fewer such rows. Source rows
        train in every fold and are never judged. Folds have equal shares of each class (of small
        and large values in regression), and do not depend on the order of the rows.
    scoring : str, callable or None, default=None
        What "cv" maximizes. None: accuracy or R^2 of the predictions of all held-out rows
        together, so that a fold of a single row does no harm. Else a scorer of scikit-learn, of
        which the mean over the folds counts, each fold by its number of rows.

    Attributes
    ----------
    gamma_ : float
        The share of the target that was used; 1 if there is one domain.
    gammas_ : ndarray of shape (n_gammas,)
        The values that were tried, ascending; the one value if nothing was chosen.
    cv_scores_ : ndarray of shape (n_gammas,)
        Their scores. NaN: not judged.
    weights_ : ndarray of shape (n_source,)
        Weight of each source row: the same for all of them.
    target_weight_ : float
        Weight of each labeled target row; rows of positive weight have mean 1.
    estimator_ : estimator
        The fitted clone, if an estimator was given.
    classes_ : ndarray of shape (n_classes,)
        Labels of the rows of positive weight, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    Notes
    -----
    Rows of weight zero are dropped, so that ``gamma=1`` is a fit to the target rows alone and
    knows no class that only the source has; nor does ``gamma=0`` know one that only the target
    has. Of equal scores the value whose weights are most even wins: the one nearest to pooling.
    In "cv" the values 0 and 1 are left out if a fold would train on a single class. With one
    labeled target row, or without an estimator, there is nothing to judge and "cv" pools.

    The user's ``sample_weight`` multiplies these weights and, with ``scoring=None``, weighs the
    judged rows; rows that it gives zero do not count in :math:`n_s` and :math:`n_t`. Cost: one
    fit, plus 8 ``cv`` fits for "cv".

    References
    ----------
    .. [1] P. Wu, T. G. Dietterich. Improving SVM accuracy by training on auxiliary data sources.
       ICML, 2004. :doi:`10.1145/1015330.1015436`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import BalancedWeighting
    >>> from skransfer.datasets import make_concept_shift
    >>> X, y, sample_domain = make_concept_shift(angle=120, random_state=0)
    >>> y = y.astype(float)
    >>> hidden = np.flatnonzero(sample_domain < 0)[30:]
    >>> truth, y[hidden] = y[hidden], np.nan
    >>> model = BalancedWeighting(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    >>> model.gamma_ > 0.5  # the source misleads
    True
    >>> model.score(X[hidden], truth) > 0.8
    True
    """

    traits = Traits(
        target_labels="required",
        inert=MappingProxyType(
            {
                "cv": "decides which gamma is chosen, which may be the same one",
                "scoring": "decides which gamma is chosen, which may be the same one",
            }
        ),
        examples=MappingProxyType({"gamma": ({}, 0.95)}),
    )
    _gives_weights = True
    _weight_knobs = "gamma"
    _computes_on_rows = False
    _min_rows = 1
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAdapter._parameter_constraints,
        "gamma": [Interval(Real, 0, 1, closed="both"), StrOptions({"cv"})],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
    }

    def __init__(
        self, estimator: Any = None, *, gamma: Any = "cv", cv: int = 5, scoring: Any = None
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.cv = cv
        self.scoring = scoring

    def _needs_labels(self) -> bool:
        return True  # they say which target rows are labeled

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> Any:
        source = data.domains.source
        if data.domains.single:
            self.gamma_, self.target_weight_ = 1.0, 1.0
            self.gammas_, self.cv_scores_ = np.ones(1), np.full(1, np.nan)
            self.weights_ = np.ones(len(source))
            return super()._learn(data, fit_params)
        if not (data.known & ~source).any():
            raise ValueError(
                "BalancedWeighting learns from labeled target rows and y labels none of them; "
                "label some, or use a method without target labels (KMM, TCA, CORAL)."
            )
        rows = self._labeled_rows(data, fit_params)
        sizes = rows.sizes()
        searched = isinstance(self.gamma, str)
        self.gammas_ = gamma_grid(*sizes) if searched else np.array([float(self.gamma)])
        self.cv_scores_ = np.full(len(self.gammas_), np.nan)
        self.gamma_ = self._choose(rows, sizes) if searched else float(self.gamma)
        weight, self.target_weight_ = mixing_weights(*sizes, self.gamma_)
        self.weights_ = np.full(int(source.sum()), weight)
        return super()._learn(data, fit_params)

    def _training_rows(self, data: Stacked) -> NDArray[np.bool_]:
        return data.known & (self._weights(data) > 0)

    def _adapt(self, data: Stacked) -> tuple[Any, NDArray[Any] | None]:
        return data.X, None if data.domains.single else self._weights(data)

    def _weights(self, data: Stacked) -> NDArray[np.float64]:
        return np.where(data.domains.source, self.weights_[0], self.target_weight_)

    def _labeled_rows(self, data: Stacked, fit_params: dict[str, Any]) -> "_LabeledRows":
        index = np.flatnonzero(data.known)
        given, params = None, fit_params
        if self.estimator is not None:
            given, params = self._users_weights(data, index, fit_params)
        given = np.ones(len(index)) if given is None else given
        source = data.domains.source[index]
        for side, name in ((source, "source"), (~source, "labeled target")):
            if not given[side].any():
                raise ValueError(
                    f"sample_weight is zero for all {name} rows; BalancedWeighting learns from "
                    "both sides."
                )
        y = clean_labels(take_rows(data.y, index), classifier=is_classifier(self))
        return _LabeledRows(take_rows(data.X, index), y, source, given, params)

    def _choose(self, rows: "_LabeledRows", sizes: tuple[int, int]) -> float:
        judged = np.flatnonzero(~rows.source & (rows.given > 0))
        if self.estimator is not None and len(judged) > 1:
            X, y, given = take_rows(rows.X, judged), rows.y[judged], rows.given[judged]
            if is_classifier(self):
                dealt = class_folds(X, y, given, self.cv)
            else:
                dealt = label_folds(X, y.reshape(len(y), -1)[:, 0], given, self.cv)
            folds = [judged[dealt == fold] for fold in range(dealt.max() + 1)]
            self.cv_scores_ = np.array([self._score(rows, folds, gamma) for gamma in self.gammas_])
        if np.isnan(self.cv_scores_).all():
            return pooled_gamma(*sizes)
        return best_gamma(self.gammas_, self.cv_scores_, *sizes)

    def _score(self, rows: "_LabeledRows", folds: list[NDArray[np.intp]], gamma: float) -> float:
        """Judge one gamma by target rows that did not train."""
        classifier = is_classifier(self)
        training = [rows.training(held, gamma) for held in folds]
        fewest = min(_n_classes(rows.y[index]) for index, _ in training)
        if classifier and fewest < 2 <= _n_classes(rows.y):
            return np.nan
        scorer = None if self.scoring is None else check_scoring(self.estimator, self.scoring)
        found = []
        for held, (index, weights) in zip(folds, training, strict=True):
            model = rows.fit(self.estimator, index, weights)
            X, y = take_rows(rows.X, held), rows.y[held]
            found.append(model.predict(X) if scorer is None else scorer(model, X, y))
        if scorer is not None:
            return float(np.average(found, weights=[len(held) for held in folds]))
        held, predicted = np.concatenate(folds), np.concatenate(found)
        truth, given = rows.y[held], rows.given[held]
        if not classifier:
            return float(r2_score(truth, predicted, sample_weight=given))
        hits = (truth == predicted).reshape(len(held), -1).all(axis=1)  # of several outputs, all
        return float(np.average(hits, weights=given))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self.estimator is None:  # the rows are not read
            tags.input_tags.sparse = tags.input_tags.allow_nan = True
            tags.input_tags.string = tags.input_tags.categorical = True
        return tags


class _LabeledRows(NamedTuple):
    """The rows that have a label, of both domains."""

    X: Any
    y: NDArray[Any]
    source: NDArray[np.bool_]
    given: NDArray[np.float64]  # the user's weights, or ones
    params: dict[str, Any]  # further arguments of the wrapped estimator's fit

    def sizes(self, kept: NDArray[np.bool_] | None = None) -> tuple[int, int]:
        """Numbers of source and of target rows that count, of all or of some rows."""
        counted = self.given > 0 if kept is None else kept & (self.given > 0)
        return int((counted & self.source).sum()), int((counted & ~self.source).sum())

    def training(
        self, held: NDArray[np.intp], gamma: float
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows to learn from if some are held out, and their weights."""
        kept = np.ones(len(self.source), dtype=bool)
        kept[held] = False
        weights = np.where(self.source, *mixing_weights(*self.sizes(kept), gamma))
        index = np.flatnonzero(kept & (weights > 0))
        return index, weights[index] * self.given[index]

    def fit(self, estimator: Any, index: NDArray[np.intp], weights: NDArray[np.float64]) -> Any:
        """Fit a clone to some of the rows."""
        params = check_method_params(self.X, self.params, indices=index)
        return fit_wrapped(estimator, take_rows(self.X, index), self.y[index], weights, params)


def _n_classes(y: NDArray[Any]) -> int:
    return len(np.unique(y))
