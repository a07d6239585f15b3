"""Instance transfer: choose or weight source rows by their use for the target."""

from skransfer.instance._balanced_weighting import BalancedWeighting
from skransfer.instance._dasvm import DASVM
from skransfer.instance._discriminative_reweighting import DiscriminativeReweighting
from skransfer.instance._gaussian_reweighting import GaussianReweighting
from skransfer.instance._kde_reweighting import KDEReweighting
from skransfer.instance._kliep import KLIEP
from skransfer.instance._kmm import KMM
from skransfer.instance._multi_source_tradaboost import MultiSourceTrAdaBoostClassifier
from skransfer.instance._nearest_neighbor_reweighting import NearestNeighborReweighting
from skransfer.instance._rulsif import RULSIF
from skransfer.instance._self_labeling import SelfLabeling
from skransfer.instance._tars import TarS
from skransfer.instance._task_tradaboost import TaskTrAdaBoostClassifier
from skransfer.instance._tradaboost import TrAdaBoostClassifier
from skransfer.instance._tradaboost_regressor import TrAdaBoostRegressor
from skransfer.instance._two_stage_tradaboost import TwoStageTrAdaBoostRegressor
from skransfer.instance._ulsif import ULSIF

__all__ = [
    "DASVM",
    "KLIEP",
    "KMM",
    "RULSIF",
    "ULSIF",
    "BalancedWeighting",
    "DiscriminativeReweighting",
    "GaussianReweighting",
    "KDEReweighting",
    "MultiSourceTrAdaBoostClassifier",
    "NearestNeighborReweighting",
    "SelfLabeling",
    "TarS",
    "TaskTrAdaBoostClassifier",
    "TrAdaBoostClassifier",
    "TrAdaBoostRegressor",
    "TwoStageTrAdaBoostRegressor",
]
