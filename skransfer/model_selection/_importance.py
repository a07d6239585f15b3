"""Scores on labeled source rows, weighed to stand for the target."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import get_scorer
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.validation import check_consistent_length

from skransfer._compat import num_samples, take_rows
from skransfer.base.domains import check_ids
from skransfer.base.labels import clean_labels, missing_labels
from skransfer.model_selection._last_step import as_source, last_step, see_as_last_step

__all__ = ["ImportanceWeightedScorer"]

# Scores that are averages over rows, so that a plain mean of weighted terms makes sense.
_ROW_AVERAGES = (
    "accuracy",
    "top_k_accuracy",
    "neg_log_loss",
    "neg_brier_score",
    "neg_mean_squared_error",
    "neg_mean_absolute_error",
    "neg_mean_absolute_percentage_error",
    "neg_mean_squared_log_error",
    "neg_mean_poisson_deviance",
    "neg_mean_gamma_deviance",
)


class ImportanceWeightedScorer:
    r"""Estimate the score on the target from held-out *source* rows, without target labels.

    If the sides differ in their inputs only (covariate shift), the risk on the target is a
    weighted risk on the source (importance-weighted cross-validation, Sugiyama, Krauledat and
    Mueller, 2007):

    .. math:: E_t[\ell(y, f(x))] = E_s[w(x) \, \ell(y, f(x))], \quad w(x) = p_t(x) / p_s(x).

    A scorer for ``scoring=`` of GridSearchCV, cross_validate and so on, with
    :class:`SourceKFold`, whose held-out rows are source rows.

    Parameters
    ----------
    scoring : str, callable or None, default=None
        A scikit-learn scorer that takes ``sample_weight``, or its name. None: ``"accuracy"`` for
        classifiers, ``"neg_mean_squared_error"`` for regressors.
    weigher : fitted estimator with a ``weigh`` method or None, default=None
        Where the weights come from. None: from the judged estimator itself, fitted on the
        training rows of the fold. Otherwise the same weights judge every candidate, also ones
        without ``weigh``. It is used as it stands and never fitted.
    normalize : bool, default=True
        True: weights are divided by their sum, :math:`\sum_i w_i \ell_i / \sum_i w_i`: the
        smaller variance, and right up to O(1/n) if weights are known up to a factor only.
        False: the plain mean :math:`\frac{1}{n} \sum_i w_i \ell_i`, unbiased if the weights
        are the density ratio. Only for scores that are averages over rows, which names of
        scorers are checked for and callables are trusted with.

    Raises
    ------
    TypeError
        When called, if the estimator has no ``weigh``, or the metric takes no
        ``sample_weight``.
    ValueError
        When called, if there are no source rows, one has no label, or the weights are
        negative, not finite or all zero.

    See Also
    --------
    SourceKFold : Hold out source rows in turn.
    TargetKFold : With some target labels, judge on them instead.

    Notes
    -----
    The score is of the wrapped predictor, with source rows treated as source rows: behind a
    Pipeline they go through its earlier steps, then the last step weighs and predicts them;
    wherever ``transform`` or ``predict`` takes ``sample_domain``, it is told that they are
    source rows. A fitted search is judged by its ``best_estimator_``.

    Searching over the parameters of the weights themselves with ``weigher=None`` lets each
    candidate choose the measure that it is judged by: weights that are all alike make the score
    the one on the source. Fix the measure with ``weigher`` for that.

    With metadata routing on, the scorer asks for ``sample_domain`` and leaves target rows out.
    With it off scikit-learn passes none, and all rows are taken as rows of source 0: only
    :class:`SourceKFold` holds out such rows. ``sample_weight`` multiplies the weights; with
    routing on request it by ``set_score_request``.

    References
    ----------
    Sugiyama, M., Krauledat, M. and Mueller, K.-R. (2007). Covariate shift adaptation by
    importance weighted cross validation. Journal of Machine Learning Research 8, 985-1005.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from sklearn.dummy import DummyClassifier
    >>> from skransfer.model_selection import ImportanceWeightedScorer
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> model = DummyClassifier(strategy="constant", constant=1).fit(X, y)
    >>> known_ratio = SimpleNamespace(weigh=lambda X: X[:, 0])  # more target rows at larger x
    >>> score = ImportanceWeightedScorer("accuracy", weigher=known_ratio)
    >>> round(score(model, X, y), 4)  # (2 + 3) / (0 + 1 + 2 + 3)
    0.8333
    """

    def __init__(
        self,
        scoring: str | Callable[..., float] | None = None,
        *,
        weigher: Any = None,
        normalize: bool = True,
    ):
        if weigher is not None and not hasattr(last_step(weigher), "weigh"):
            raise TypeError(f"weigher must have a weigh method, got {weigher!r}.")
        if not normalize and isinstance(scoring, str) and scoring not in _ROW_AVERAGES:
            raise ValueError(
                f"normalize=False needs a score that is an average over rows, and {scoring!r} "
                f"is not known as one: {', '.join(_ROW_AVERAGES)}. Set normalize=True."
            )
        self.scoring = scoring
        self.weigher = weigher
        self.normalize = normalize
        self._requests: dict[str, Any] = {"sample_domain": True, "sample_weight": None}

    def __repr__(self) -> str:
        return (
            f"ImportanceWeightedScorer({self.scoring!r}, weigher={self.weigher!r}, "
            f"normalize={self.normalize!r})"
        )

    def __call__(
        self,
        estimator: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_domain: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator
            With a ``weigh`` method, unless ``weigher`` is given.
        X : array-like of shape (n_samples, n_features)
            Rows not used in training; target rows among them are left out.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their labels; those of target rows are not read.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            >= 0 source, < 0 target. None: all rows are source rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Multiplies the weights.

        Returns
        -------
        score : float
            Larger is better.
        """
        X, y, ids, extra = _source_rows(estimator, X, y, sample_domain, sample_weight)
        last, mapped = see_as_last_step(estimator, X, ids)
        if self.weigher is None:
            weights = _weigh(last, mapped)
        else:
            weights = _weigh(*see_as_last_step(self.weigher, X, ids))
        total = weights if extra is None else weights * extra
        if not total.sum() > 0:
            raise ValueError(
                "Every held-out source row has weight zero, so there is nothing to judge by: "
                "no source row is like the target's. Use fewer folds, or flatter weights."
            )
        score = self._weighted_score(as_source(last, ids), mapped, y, total)
        if self.normalize:
            return score
        return score * float(total.sum() / (len(total) if extra is None else extra.sum()))

    def _weighted_score(self, estimator: Any, X: Any, y: Any, weights: NDArray[Any]) -> float:
        scorer = get_scorer(_default_scoring(estimator) if self.scoring is None else self.scoring)
        try:
            return float(scorer(estimator, X, y, sample_weight=weights))
        except TypeError as error:
            if "sample_weight" not in str(error):
                raise
            raise TypeError(
                f"ImportanceWeightedScorer needs a metric that takes sample_weight, and "
                f"{self.scoring!r} does not: {error}"
            ) from error

    def set_score_request(self, **requests: bool | str | None) -> "ImportanceWeightedScorer":
        """Say which metadata the scorer asks for when metadata routing is on.

        Parameters
        ----------
        **requests : bool, str or None
            ``sample_domain`` (by default True) and ``sample_weight`` (by default None: an error
            if it is passed), as in any scikit-learn scorer.

        Returns
        -------
        self : ImportanceWeightedScorer
        """
        unknown = sorted(set(requests) - set(self._requests))
        if unknown:
            raise TypeError(f"Only {sorted(self._requests)} can be requested, got {unknown}.")
        self._requests = {**self._requests, **requests}
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Get what the scorer asks for when metadata routing is on.

        Returns
        -------
        routing : MetadataRequest
        """
        request = MetadataRequest(owner=type(self).__name__)
        for name, alias in self._requests.items():
            request.score.add_request(param=name, alias=alias)
        return request


def _source_rows(
    estimator: Any,
    X: Any,
    y: ArrayLike | None,
    sample_domain: ArrayLike | None,
    sample_weight: ArrayLike | None,
) -> tuple[Any, NDArray[Any], NDArray[np.int64], NDArray[np.float64] | None]:
    """Rows, labels, ids and weights of the source rows alone."""
    if y is None:
        raise ValueError("ImportanceWeightedScorer judges by the source labels: y is None.")
    labels = np.asarray(y)
    check_consistent_length(X, labels, sample_weight)
    if sample_domain is None:
        ids = np.zeros(num_samples(X), dtype=np.int64)
    else:
        ids = check_ids(sample_domain, X)
    source = np.flatnonzero(ids >= 0)
    if not source.size:
        raise ValueError(
            "ImportanceWeightedScorer judges source rows, but every row that it got is a target "
            "row (sample_domain < 0): use cv=SourceKFold(...)."
        )
    labels = labels[source]
    unknown = int(missing_labels(labels).sum())
    if unknown:
        raise ValueError(
            f"{unknown} of the {len(source)} rows to judge have no label. If they are target "
            "rows, use cv=SourceKFold(...), or metadata routing, which tells the sides apart."
        )
    labels = clean_labels(labels, classifier=is_classifier(estimator))
    extra = None
    if sample_weight is not None:
        extra = np.asarray(sample_weight, dtype=np.float64)[source]
    return take_rows(X, source), labels, ids[source], extra


def _weigh(estimator: Any, X: Any) -> NDArray[np.float64]:
    name = type(estimator).__name__
    if not hasattr(estimator, "weigh"):
        raise TypeError(
            f"ImportanceWeightedScorer needs the weights of held-out source rows, but {name} has "
            "no weigh method. Judge a reweighter that has one, give a fitted one as weigher=..., "
            "or judge on target labels with TargetKFold."
        )
    weights = np.asarray(estimator.weigh(X), dtype=np.float64)
    if weights.shape != (num_samples(X),):
        raise ValueError(
            f"weigh of {name} gave an array of shape {weights.shape} for {num_samples(X)} rows."
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(f"weigh of {name} gave negative or non-finite weights.")
    return weights


def _default_scoring(estimator: Any) -> str:
    if is_classifier(estimator):
        return "accuracy"
    if is_regressor(estimator):
        return "neg_mean_squared_error"
    raise ValueError(
        f"{type(estimator).__name__} is neither a classifier nor a regressor: set scoring=..., a "
        "scorer that takes sample_weight."
    )
