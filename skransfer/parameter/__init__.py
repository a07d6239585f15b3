"""Parameter transfer: a fitted source model is the starting point."""

from skransfer.parameter._adaptive_svc import AdaptiveSVC
from skransfer.parameter._affine_transfer_classifier import AffineTransferClassifier
from skransfer.parameter._affine_transfer_regressor import AffineTransferRegressor
from skransfer.parameter._frozen_features import FrozenFeatures
from skransfer.parameter._gaussian_nb_transfer import GaussianNBTransfer
from skransfer.parameter._greedy_transfer_classifier import GreedyTransferClassifier
from skransfer.parameter._greedy_transfer_regressor import GreedyTransferRegressor
from skransfer.parameter._huber_transfer import HuberTransfer
from skransfer.parameter._hypothesis_transfer_classifier import HypothesisTransferClassifier
from skransfer.parameter._hypothesis_transfer_regressor import HypothesisTransferRegressor
from skransfer.parameter._linear_interpolation_classifier import LinearInterpolationClassifier
from skransfer.parameter._linear_interpolation_regressor import LinearInterpolationRegressor
from skransfer.parameter._logistic_transfer import LogisticTransfer
from skransfer.parameter._mlp_fine_tune_classifier import MLPFineTuneClassifier
from skransfer.parameter._mlp_fine_tune_regressor import MLPFineTuneRegressor
from skransfer.parameter._model_zoo_classifier import ModelZooClassifier
from skransfer.parameter._model_zoo_regressor import ModelZooRegressor
from skransfer.parameter._multinomial_nb_transfer import MultinomialNBTransfer
from skransfer.parameter._nbtc import NBTC
from skransfer.parameter._offset_boosting_classifier import OffsetBoostingClassifier
from skransfer.parameter._offset_boosting_regressor import OffsetBoostingRegressor
from skransfer.parameter._onnx import onnx_features
from skransfer.parameter._pmt_svc import PMTSVC
from skransfer.parameter._poisson_transfer import PoissonTransfer
from skransfer.parameter._ridge_transfer import RidgeTransfer
from skransfer.parameter._transfer_forest import TransferForestClassifier
from skransfer.parameter._transfer_forest_regressor import TransferForestRegressor
from skransfer.parameter._transfer_gp import TransferGPRegressor
from skransfer.parameter._transfer_tree import TransferTreeClassifier
from skransfer.parameter._transfer_tree_regressor import TransferTreeRegressor

__all__ = [
    "NBTC",
    "PMTSVC",
    "AdaptiveSVC",
    "AffineTransferClassifier",
    "AffineTransferRegressor",
    "FrozenFeatures",
    "GaussianNBTransfer",
    "GreedyTransferClassifier",
    "GreedyTransferRegressor",
    "HuberTransfer",
    "HypothesisTransferClassifier",
    "HypothesisTransferRegressor",
    "LinearInterpolationClassifier",
    "LinearInterpolationRegressor",
    "LogisticTransfer",
    "MLPFineTuneClassifier",
    "MLPFineTuneRegressor",
    "ModelZooClassifier",
    "ModelZooRegressor",
    "MultinomialNBTransfer",
    "OffsetBoostingClassifier",
    "OffsetBoostingRegressor",
    "PoissonTransfer",
    "RidgeTransfer",
    "TransferForestClassifier",
    "TransferForestRegressor",
    "TransferGPRegressor",
    "TransferTreeClassifier",
    "TransferTreeRegressor",
    "onnx_features",
]
