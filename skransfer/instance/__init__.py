"""Instance transfer: choose or weight source rows by their use for the target."""

from skransfer.instance._kmm import KMM
from skransfer.instance._tradaboost import TrAdaBoostClassifier

__all__ = ["KMM", "TrAdaBoostClassifier"]
