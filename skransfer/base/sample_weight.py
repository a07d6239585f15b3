"""The user's ``sample_weight``: found under any name, checked, and joined to learned weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skransfer.base.weighting import walk_owned

__all__ = ["check_class_weights", "combine_weights", "cut_weights", "split_sample_weight"]


def split_sample_weight(estimator: Any, params: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Take the user's weights out of ``params``, under whatever name they were passed.

    ``sample_weight``, ``<last step>__sample_weight`` and an alias requested on a leaf mean the
    same.

    Returns
    -------
    sample_weight : array-like or None
    rest : dict

    Raises
    ------
    ValueError
        If weights come under more than one name.
    """
    names = {"sample_weight", *_aliases(estimator)}
    prefix, last = "", estimator
    while isinstance(last, Pipeline):
        name, last = last.steps[-1]
        prefix += f"{name}__"
        names.add(f"{prefix}sample_weight")
    found = [name for name in params if name in names]
    if len(found) > 1:
        raise ValueError(f"sample_weight was passed more than once: {', '.join(sorted(found))}.")
    rest = {name: value for name, value in params.items() if name not in names}
    return (params[found[0]] if found else None), rest


def _aliases(estimator: Any) -> set[str]:
    """Names under which parts of the user's estimator ask for ``sample_weight``."""
    names: set[str] = set()
    for part, _ in walk_owned(estimator):
        requests = getattr(part, "_metadata_request", None)
        alias = None if requests is None else requests.fit.requests.get("sample_weight")
        if isinstance(alias, str) and alias.isidentifier():
            names.add(alias)
    return names - {"$UNUSED$", "$WARN$"}


def cut_weights(given: Any, n_rows: int, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
    """The user's weights of the training rows; there must be one for each row of X.

    Raises
    ------
    ValueError
        If the length differs, or a weight is negative or not finite.
    """
    if given is None:
        return None
    weights = np.asarray(given, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(n_rows, float(weights))
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight has shape {weights.shape}; expected ({n_rows},), one for each row of "
            "X, source and target."
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight must be finite and not negative.")
    return weights[rows]


def combine_weights(
    learned: NDArray[Any] | None, given: NDArray[Any] | None
) -> NDArray[np.float64] | None:
    """Product of the learned weights and the user's; None if there are neither."""
    if learned is None or given is None:
        return learned if given is None else given
    return np.asarray(learned * given)


def check_class_weights(weights: Any, labels: NDArray[Any], classifier: bool) -> None:
    """Refuse weights that leave no row, or no row of a class, to learn from.

    Raises
    ------
    ValueError
        Names the class.
    """
    if not (weights > 0).any():
        raise ValueError("sample_weight is zero for all training rows.")
    if not classifier or labels.ndim > 1:
        return
    for label in np.unique(labels):
        if not (weights[labels == label] > 0).any():
            raise ValueError(
                f"All rows of class {label!r} have weight zero: sample_weight leaves none of them "
                "to learn from. Give one of them a positive weight, or drop the class."
            )
