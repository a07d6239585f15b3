"""Instance transfer: choose or weight source rows by their use for the target."""

from skransfer.instance._balanced_weighting import BalancedWeighting
from skransfer.instance._discriminative_reweighting import DiscriminativeReweighting
from skransfer.instance._gaussian_reweighting import GaussianReweighting
from skransfer.instance._kmm import KMM
from skransfer.instance._rulsif import RULSIF
from skransfer.instance._tars import TarS
from skransfer.instance._tradaboost import TrAdaBoostClassifier
from skransfer.instance._tradaboost_regressor import TrAdaBoostRegressor
from skransfer.instance._two_stage_tradaboost import TwoStageTrAdaBoostRegressor
from skransfer.instance._ulsif import ULSIF

__all__ = [
    "KMM",
    "RULSIF",
    "ULSIF",
    "BalancedWeighting",
    "DiscriminativeReweighting",
    "GaussianReweighting",
    "TarS",
    "TrAdaBoostClassifier",
    "TrAdaBoostRegressor",
    "TwoStageTrAdaBoostRegressor",
]
