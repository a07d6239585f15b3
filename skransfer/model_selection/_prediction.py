"""Predictions of target rows by models that were trained without them."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils import indexable
from sklearn.utils.parallel import Parallel, delayed

from skransfer._compat import check_method_params, take_rows
from skransfer.base.domains import check_ids
from skransfer.model_selection._fit_params import domain_params
from skransfer.model_selection._split import TargetKFold
from skransfer.model_selection._strata import labeled_rows, stratum_labels

__all__ = ["cross_val_predict"]

# What a class that a fold never saw is worth to it.
_NO_CLASS = {"predict_proba": 0.0, "predict_log_proba": -np.inf}
_METHODS = ("predict", "decision_function", *_NO_CLASS)


def cross_val_predict(
    estimator: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    sample_domain: ArrayLike,
    cv: Any = None,
    method: str = "predict",
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
    return_rows: bool = False,
) -> Any:
    """Predict each target row by a model that did not train on it.

    :func:`sklearn.model_selection.cross_val_predict` wants every row held out once, which the
    splitters of this package do not do: source rows are there to train. This one returns the
    target rows, in the order in which they stand in X, and hands ``sample_domain`` to the steps
    that take it, with metadata routing on or off.

    Parameters
    ----------
    estimator : estimator object
        Cloned for each fold, never fitted itself.
    X : array-like of shape (n_samples, n_features)
        The stacked rows.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        The stacked labels, NaN or None where unknown.
    sample_domain : array-like of shape (n_samples,) of int
        >= 0 source, < 0 target.
    cv : splitter, iterable of (train, test), int or None, default=None
        ``sample_domain`` reaches it as ``groups``. None or an int is
        ``TargetKFold(cv or 5, holdout="all")``; with ``holdout="labeled"``, which is stratified
        by class, if every target row has a label. Source rows that it holds out are passed over.
    method : {"predict", "predict_proba", "predict_log_proba", "decision_function"}, \
            default="predict"
        The method called on the held-out rows, as target rows.
    n_jobs : int or None, default=None
        Number of folds at once.
    verbose : int, default=0
        Verbosity of joblib.
    params : dict or None, default=None
        Further arguments of ``estimator.fit``; those as long as X are cut to the training rows.
    return_rows : bool, default=False
        Whether to return the row numbers too. Needed if ``cv`` leaves target rows out.

    Returns
    -------
    predictions : ndarray of shape (n_held_out,) or (n_held_out, n_classes or n_outputs)
        One for each target row that was held out, in row order. Unless ``return_rows``, these
        are all of them: the predictions of ``X[sample_domain < 0]``. Columns are the sorted
        classes of all folds.
    rows : ndarray of shape (n_held_out,) of int
        Their row numbers in X. Only if ``return_rows``.

    Raises
    ------
    ValueError
        If ``cv`` holds out a target row twice or, unless ``return_rows``, never.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from skransfer.model_selection import cross_val_predict
    >>> X, y = np.array([[0.0], [1.0], [0.1], [0.9]]), np.array([0.0, 1.0, 0.2, 0.8])
    >>> nearest = KNeighborsRegressor(n_neighbors=1)
    >>> cross_val_predict(nearest, X, y, sample_domain=[0, 0, -1, -1], cv=2)
    array([0., 1.])
    """
    if method not in _METHODS:
        raise ValueError(f"method must be one of {sorted(_METHODS)}, got {method!r}.")
    X, y = indexable(X, y)
    ids = check_ids(sample_domain, X)
    splitter = _check_cv(cv, y, ids)
    folds = []
    for train, test in splitter.split(X, y, ids):
        judged = np.arange(len(ids))[test]
        judged = judged[ids[judged] < 0]
        if judged.size:
            folds.append((np.arange(len(ids))[train], judged))
    rows = _check_rows(folds, ids, return_rows)
    parallel = Parallel(n_jobs=n_jobs, verbose=verbose)
    results = parallel(
        delayed(_fit_and_predict)(clone(estimator), X, y, ids, train, test, method, params)
        for train, test in folds
    )
    predictions = _stack(results, method)[np.argsort(rows)]
    return (predictions, np.sort(rows)) if return_rows else predictions


def _check_cv(cv: Any, y: Any, ids: NDArray[np.int64]) -> Any:
    if cv is not None and not isinstance(cv, Integral):
        return check_cv(cv)
    known = labeled_rows(stratum_labels(y, len(ids)), ids)
    target = ids < 0
    holdout = "labeled" if target.any() and known[target].all() else "all"
    return TargetKFold(5 if cv is None else int(cv), holdout=holdout)


def _check_rows(
    folds: list[tuple[NDArray[Any], NDArray[Any]]], ids: NDArray[np.int64], partly: bool
) -> NDArray[np.intp]:
    """Row numbers of the predictions, in the order of the folds."""
    if not folds:
        raise ValueError(
            "cv holds out no target rows (sample_domain < 0), and cross_val_predict returns "
            "predictions of target rows: use TargetKFold."
        )
    rows = np.concatenate([test for _, test in folds])
    times = np.bincount(rows, minlength=len(ids))[ids < 0]
    if (times > 1).any():
        raise ValueError(
            f"cv holds out {(times > 1).sum()} target rows more than once; cross_val_predict "
            "needs one prediction for each: use TargetKFold."
        )
    if (times == 0).any() and not partly:
        raise ValueError(
            f"cv never holds out {(times == 0).sum()} of the {len(times)} target rows. Use "
            "TargetKFold(holdout='all'), or return_rows=True to get the predictions of the "
            "others along with their row numbers."
        )
    return rows


def _fit_and_predict(
    estimator: Any,
    X: Any,
    y: Any,
    ids: NDArray[np.int64],
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    method: str,
    params: dict[str, Any] | None,
) -> tuple[NDArray[Any], Any]:
    arguments = check_method_params(X, params=params or {}, indices=train)
    arguments = {**domain_params(estimator, ids[train]), **arguments}
    labels = None if y is None else take_rows(y, train)
    estimator.fit(take_rows(X, train), labels, **arguments)
    predictions = np.asarray(getattr(estimator, method)(take_rows(X, test)))
    if predictions.ndim == 0 or len(predictions) != len(test):
        raise ValueError(
            f"{method} of {type(estimator).__name__} gave {predictions.shape} values for "
            f"{len(test)} rows; cross_val_predict needs one row of them for each."
        )
    return predictions, getattr(estimator, "classes_", None)


def _stack(results: list[tuple[NDArray[Any], Any]], method: str) -> NDArray[Any]:
    """One array from those of the folds, with the same columns if they are classes."""
    predictions = [values for values, _ in results]
    classes = [names for _, names in results]
    if method == "predict" or classes[0] is None:
        return np.concatenate(predictions)
    if all(np.array_equal(names, classes[0]) for names in classes):
        return np.concatenate(predictions)
    if method not in _NO_CLASS:
        raise ValueError(
            f"The folds were trained on different classes, and {method} has no value for a "
            "class that was not there: use predict_proba, or fewer folds."
        )
    union = np.unique(np.concatenate(classes))
    aligned = []
    for values, names in results:
        wide = np.full((len(values), len(union)), _NO_CLASS[method], dtype=values.dtype)
        wide[:, np.searchsorted(union, names)] = values
        aligned.append(wide)
    return np.concatenate(aligned)
