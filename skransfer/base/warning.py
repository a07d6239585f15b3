"""Warnings that point at the user's line, however many layers lie between."""

import sys
import warnings

__all__ = ["warn_user"]

_LAYERS = ("skransfer.", "sklearn.", "joblib.")


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn at the innermost call that comes from outside this package and scikit-learn.

    A fixed ``stacklevel`` would not do: scikit-learn wraps ``fit`` and ``fit_transform``, and a
    Pipeline or a search adds calls of its own.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_layer(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_layer(module: str) -> bool:
    return f"{module}.".startswith(_LAYERS)
