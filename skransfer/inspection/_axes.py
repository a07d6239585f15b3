"""Where pictures are drawn."""

from typing import Any

__all__ = ["SOURCE_COLOR", "TARGET_COLOR", "axes_or_new"]

# Blue and orange of Okabe and Ito, which people with any color vision can tell apart.
SOURCE_COLOR = "#0072B2"
TARGET_COLOR = "#E69F00"


def axes_or_new(ax: Any = None) -> Any:
    """The axes given, or those of a new figure.

    Raises
    ------
    ImportError
        If matplotlib is missing, with the command that installs it.
    """
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:  # pragma: no cover
        raise ImportError(
            "Pictures need matplotlib: python -m pip install 'skransfer[plot]'."
        ) from error
    return plt.subplots(layout="constrained")[1]
