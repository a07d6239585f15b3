"""Feature transfer: map the rows of both domains into a space where they agree."""

from skransfer.feature._coral import CORAL
from skransfer.feature._easy_adapt import EasyAdapt
from skransfer.feature._easy_adapt_plus import EasyAdaptPlus
from skransfer.feature._easytl import EasyTL
from skransfer.feature._gfk import GFK
from skransfer.feature._invariant_feature_selector import InvariantFeatureSelector
from skransfer.feature._linear_monge import LinearMonge
from skransfer.feature._moment_alignment import MomentAlignment
from skransfer.feature._subspace_alignment import SubspaceAlignment
from skransfer.feature._tca import TCA

__all__ = [
    "CORAL",
    "GFK",
    "TCA",
    "EasyAdapt",
    "EasyAdaptPlus",
    "EasyTL",
    "InvariantFeatureSelector",
    "LinearMonge",
    "MomentAlignment",
    "SubspaceAlignment",
]
