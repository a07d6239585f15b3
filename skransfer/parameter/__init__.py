"""Parameter transfer: a fitted source model is the starting point."""

from skransfer.parameter._logistic_transfer import LogisticTransfer
from skransfer.parameter._ridge_transfer import RidgeTransfer

__all__ = ["LogisticTransfer", "RidgeTransfer"]
