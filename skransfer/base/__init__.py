"""The contract: domains, labels, weights and the roles that methods play."""

from skransfer.base.adapter import BaseAdapter
from skransfer.base.device import to_device
from skransfer.base.domains import Domains, check_domains, encode_domains
from skransfer.base.predictor import BaseTransferPredictor, TrainingRows
from skransfer.base.roles import BaseMapper, BaseReweighter, BaseRowSelector
from skransfer.base.self_labeler import BaseSelfLabeler, SelfLabels, UnlabeledTarget
from skransfer.base.source import BaseSourceInformed, Knowledge, source_coefficients
from skransfer.base.sources import BaseSourcesInformed, NamedModel
from skransfer.base.stacking import stack_domains
from skransfer.base.traits import Traits
from skransfer.base.transfer import BaseTransfer
from skransfer.base.weight_summary import WeightSummary

__all__ = [
    "BaseAdapter",
    "BaseMapper",
    "BaseReweighter",
    "BaseRowSelector",
    "BaseSelfLabeler",
    "BaseSourceInformed",
    "BaseSourcesInformed",
    "BaseTransfer",
    "BaseTransferPredictor",
    "Domains",
    "Knowledge",
    "NamedModel",
    "SelfLabels",
    "TrainingRows",
    "Traits",
    "UnlabeledTarget",
    "WeightSummary",
    "check_domains",
    "encode_domains",
    "source_coefficients",
    "stack_domains",
    "to_device",
]
