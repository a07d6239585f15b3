"""Models that come fitted: told from those that ``clone`` would un-fit, and checked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

__all__ = ["check_frozen", "refuse_bare"]


def check_frozen(source: FrozenEstimator, names: NDArray[Any] | None) -> None:
    """Check that a frozen model is fitted, on columns of these names if both sides have names.

    Raises
    ------
    ValueError
        If it is not, or the names or their order differ: its values belong to columns.
    """
    if not _is_fitted(source.estimator):
        raise ValueError(
            f"source=FrozenEstimator({type(source.estimator).__name__}) is not fitted: fit the "
            "model on source rows first, then freeze it."
        )
    theirs = getattr(source.estimator, "feature_names_in_", None)
    if theirs is None or names is None or np.array_equal(theirs, names):
        return
    raise ValueError(
        f"The feature names of X, {list(names)[:6]}, are not those that the source model was "
        f"fitted with, {list(theirs)[:6]}; select the source model's columns, in its order."
    )


def refuse_bare(source: Any) -> None:
    """Refuse a fitted model that is not frozen.

    Raises
    ------
    TypeError
        Scikit-learn's clone would un-fit it in silence.
    """
    if source is None or isinstance(source, FrozenEstimator) or not _is_fitted(source):
        return
    raise TypeError(
        f"source is a fitted {type(source).__name__}; scikit-learn's clone would un-fit "
        "it in silence. Wrap the fitted model in FrozenEstimator to use it as it is, or "
        "pass clone(model) to fit it anew on source rows."
    )


def _is_fitted(model: Any) -> bool:
    try:
        check_is_fitted(model)
    except (NotFittedError, TypeError):
        return False
    return True
