"""Classical transfer learning with the interface of scikit-learn.

Names are loaded on first use, so that importing the package costs no more than importing
scikit-learn, and numba is loaded only by what computes with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

_HOMES = {
    "skransfer._config": ["config_context", "get_config"],
    "skransfer.base": ["encode_domains", "stack_domains", "to_device"],
    "skransfer.baseline": ["Pooled", "SourceOnly", "TargetOnly"],
    "skransfer.feature": [
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
    ],
    "skransfer.instance": [
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
    ],
    "skransfer.parameter": [
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
    ],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*sorted(_HOME_OF), "__version__"]

if TYPE_CHECKING:
    from skransfer._config import config_context, get_config
    from skransfer.base import encode_domains, stack_domains, to_device
    from skransfer.baseline import Pooled, SourceOnly, TargetOnly
    from skransfer.feature import (
        BDA,
        CORAL,
        GFK,
        JDA,
        JGSA,
        MEDA,
        MIDA,
        PRED,
        SCL,
        SFA,
        SMIDA,
        SSTCA,
        TCA,
        WBDA,
        EasyAdapt,
        EasyAdaptPlus,
        EasyTL,
        InvariantFeatureSelector,
        JDOTClassifier,
        JDOTRegressor,
        LinearMonge,
        MarginalizedSDA,
        MomentAlignment,
        OTLabelPropagation,
        OTLabelPropagationRegressor,
        OTMapping,
        SubspaceAlignment,
        TransferJointMatching,
    )
    from skransfer.instance import (
        DASVM,
        KLIEP,
        KMM,
        RULSIF,
        ULSIF,
        BalancedWeighting,
        DiscriminativeReweighting,
        GaussianReweighting,
        KDEReweighting,
        MultiSourceTrAdaBoostClassifier,
        NearestNeighborReweighting,
        SelfLabeling,
        TarS,
        TaskTrAdaBoostClassifier,
        TrAdaBoostClassifier,
        TrAdaBoostRegressor,
        TwoStageTrAdaBoostRegressor,
    )
    from skransfer.parameter import (
        NBTC,
        PMTSVC,
        AdaptiveSVC,
        AffineTransferClassifier,
        AffineTransferRegressor,
        FrozenFeatures,
        GaussianNBTransfer,
        GreedyTransferClassifier,
        GreedyTransferRegressor,
        HuberTransfer,
        HypothesisTransferClassifier,
        HypothesisTransferRegressor,
        LinearInterpolationClassifier,
        LinearInterpolationRegressor,
        LogisticTransfer,
        MLPFineTuneClassifier,
        MLPFineTuneRegressor,
        ModelZooClassifier,
        ModelZooRegressor,
        MultinomialNBTransfer,
        OffsetBoostingClassifier,
        OffsetBoostingRegressor,
        PoissonTransfer,
        RidgeTransfer,
        TransferForestClassifier,
        TransferForestRegressor,
        TransferGPRegressor,
        TransferTreeClassifier,
        TransferTreeRegressor,
        onnx_features,
    )


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
