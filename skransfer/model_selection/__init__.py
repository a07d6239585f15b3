"""Splitters, scorers and predictions that know source and target."""

from skransfer.model_selection._fit_params import domain_params
from skransfer.model_selection._importance import ImportanceWeightedScorer
from skransfer.model_selection._prediction import cross_val_predict
from skransfer.model_selection._split import SourceKFold, TargetKFold, TwoSidedKFold

__all__ = [
    "ImportanceWeightedScorer",
    "SourceKFold",
    "TargetKFold",
    "TwoSidedKFold",
    "cross_val_predict",
    "domain_params",
]
