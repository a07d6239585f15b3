"""Parameter transfer: a fitted source model is the starting point."""

from skransfer.parameter._adaptive_svc import AdaptiveSVC
from skransfer.parameter._logistic_transfer import LogisticTransfer
from skransfer.parameter._pmt_svc import PMTSVC
from skransfer.parameter._ridge_transfer import RidgeTransfer
from skransfer.parameter._transfer_forest import TransferForestClassifier
from skransfer.parameter._transfer_tree import TransferTreeClassifier

__all__ = [
    "PMTSVC",
    "AdaptiveSVC",
    "LogisticTransfer",
    "RidgeTransfer",
    "TransferForestClassifier",
    "TransferTreeClassifier",
]
