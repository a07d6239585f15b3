"""Feature transfer: map the rows of both domains into a space where they agree."""

from skransfer.feature._bda import BDA
from skransfer.feature._coral import CORAL
from skransfer.feature._easy_adapt import EasyAdapt
from skransfer.feature._easy_adapt_plus import EasyAdaptPlus
from skransfer.feature._easytl import EasyTL
from skransfer.feature._gfk import GFK
from skransfer.feature._invariant_feature_selector import InvariantFeatureSelector
from skransfer.feature._jda import JDA
from skransfer.feature._jdot_classifier import JDOTClassifier
from skransfer.feature._jdot_regressor import JDOTRegressor
from skransfer.feature._jgsa import JGSA
from skransfer.feature._linear_monge import LinearMonge
from skransfer.feature._marginalized_sda import MarginalizedSDA
from skransfer.feature._meda import MEDA
from skransfer.feature._mida import MIDA
from skransfer.feature._moment_alignment import MomentAlignment
from skransfer.feature._ot_label_propagation import OTLabelPropagation
from skransfer.feature._ot_label_propagation_regressor import OTLabelPropagationRegressor
from skransfer.feature._ot_mapping import OTMapping
from skransfer.feature._pred import PRED
from skransfer.feature._scl import SCL
from skransfer.feature._sfa import SFA
from skransfer.feature._smida import SMIDA
from skransfer.feature._sstca import SSTCA
from skransfer.feature._subspace_alignment import SubspaceAlignment
from skransfer.feature._tca import TCA
from skransfer.feature._transfer_joint_matching import TransferJointMatching
from skransfer.feature._wbda import WBDA

__all__ = [
    "BDA",
    "CORAL",
    "GFK",
    "JDA",
    "JGSA",
    "MEDA",
    "MIDA",
    "PRED",
    "SCL",
    "SFA",
    "SMIDA",
    "SSTCA",
    "TCA",
    "WBDA",
    "EasyAdapt",
    "EasyAdaptPlus",
    "EasyTL",
    "InvariantFeatureSelector",
    "JDOTClassifier",
    "JDOTRegressor",
    "LinearMonge",
    "MarginalizedSDA",
    "MomentAlignment",
    "OTLabelPropagation",
    "OTLabelPropagationRegressor",
    "OTMapping",
    "SubspaceAlignment",
    "TransferJointMatching",
]
