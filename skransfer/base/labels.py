"""Labels of two domains in one array: which are known, and what the wrapped estimator sees."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length, column_or_1d

from skransfer.base.domains import Domains, is_missing
from skransfer.kernels import to_host

__all__ = [
    "check_labels",
    "class_names",
    "clean_labels",
    "known_labels",
    "label_array",
    "missing_labels",
]


# Booleans are integers for isinstance, so they come first.
_KINDS: tuple[tuple[Any, Any], ...] = (
    ((bool, np.bool_), bool),
    (str, str),
    (Integral, np.int64),
    (Real, np.float64),
)


def label_array(y: Any) -> NDArray[Any]:
    """Labels as an array in which unknown ones can still be told from the others.

    NumPy would turn a NaN in a list of strings into the class 'nan'.
    """
    y = to_host(y)
    labels = np.asarray(y)
    if labels.dtype.kind in "USO" and not isinstance(y, np.ndarray):
        return np.asarray(y, dtype=object)
    return labels.astype(object) if labels.dtype.kind == "T" else labels


def check_labels(owner: Any, y: Any, X: Any, *, multi_output: bool = False) -> NDArray[Any]:
    """One label a row, as an array in the caller's dtype.

    Raises
    ------
    ValueError
        If ``y`` is None, has infinite values, or its length is not that of ``X``.
    """
    if y is None:
        raise ValueError(
            f"{type(owner).__name__} requires y to be passed, but the target y is None."
        )
    y = label_array(y)
    if not (multi_output and y.ndim == 2):
        y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    if y.dtype.kind == "f" and np.isinf(y).any():
        raise ValueError(f"Input y contains infinity or a value too large for {y.dtype!r}.")
    return y


def missing_labels(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Mask of the rows with a NaN, None or pandas NA among their labels."""
    if y.dtype.kind in "fc":
        missing = np.isnan(y)
    elif y.dtype.kind == "O":
        flat = [is_missing(value) for value in y.ravel()]
        missing = np.array(flat, dtype=bool).reshape(y.shape)
    elif y.dtype.kind in "mM":
        missing = np.isnat(y)
    else:
        missing = np.zeros(y.shape, dtype=bool)
    return missing.any(axis=1) if missing.ndim == 2 else missing


def known_labels(y: NDArray[Any], domains: Domains, *, classifier: bool) -> NDArray[np.bool_]:
    """Mask of the rows whose label is known.

    NaN, None and pandas NA mean unknown. So does -1 in integer labels of a classifier, unless
    the source labels are exactly {-1, +1} (without source rows: all labels); nowhere else, and
    not where there is one domain.

    Raises
    ------
    ValueError
        If a source row has no label: only target labels may be unknown.
    """
    known = ~missing_labels(y)
    if classifier and y.ndim == 1 and not domains.single and _are_integers(y, known):
        judged = y[domains.source & known] if domains.source.any() else y[known]
        if not np.array_equal(np.unique(judged.astype(np.int64)), [-1, 1]):
            known[known] = y[known].astype(np.int64) != -1
    unknown_source = int((domains.source & ~known).sum())
    if unknown_source and domains.single:
        raise ValueError(
            f"{unknown_source} rows have an unknown label in y (NaN, None or NA), and "
            "sample_domain was not passed to fit, so that no row is a target row; only target "
            "rows may be unlabeled."
        )
    if unknown_source:
        raise ValueError(
            f"{unknown_source} source rows have an unknown label in y (NaN, None, NA, or -1 in "
            "integer class labels); only target rows may be unlabeled. Drop those rows, or, if "
            "-1 is one of several class names, rename it or pass the labels as strings."
        )
    return known


def _are_integers(y: NDArray[Any], known: NDArray[np.bool_]) -> bool:
    """Whether the known labels are integers; unknown ones beside them make an object array."""
    if y.dtype.kind != "O":
        return y.dtype.kind == "i"
    values = y[known].tolist()
    return bool(values) and all(
        isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)) for value in values
    )


def clean_labels(labels: NDArray[Any], *, classifier: bool) -> NDArray[Any]:
    """Known labels in the dtype that they had before unknown ones were stacked to them.

    Stacking writes NaN beside integers and None beside strings and booleans, which leaves float
    and object arrays; scikit-learn would then report float classes or refuse booleans.
    """
    if labels.dtype.kind == "O":
        labels = _from_objects(labels)
    if classifier and labels.dtype.kind == "f" and labels.size:
        finite = np.isfinite(labels).all() and np.abs(labels).max() < 2**53
        if finite and (labels == np.floor(labels)).all():
            return labels.astype(np.int64)
    return labels


def class_names(classes: NDArray[Any], codes: NDArray[np.intp]) -> NDArray[Any]:
    """Names of class codes; for -1 NaN among numbers and None among others, as in ``y``."""
    if (codes >= 0).all():
        return np.asarray(classes[codes])
    numbers = classes.dtype.kind in "iuf"
    named = classes[codes].astype(np.float64 if numbers else object)
    named[codes < 0] = np.nan if numbers else None
    return named


def _from_objects(labels: NDArray[Any]) -> NDArray[Any]:
    values = labels.ravel().tolist()
    # A mixture stays as it is: the wrapped estimator's own error is better than labels turned
    # into strings in silence.
    for kind, dtype in _KINDS:
        if values and all(isinstance(value, kind) for value in values):
            return labels.astype(dtype)
    return labels
