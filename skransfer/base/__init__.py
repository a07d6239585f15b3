"""The contract: domains, labels, weights and the roles that methods play."""

from skransfer.base.adapter import BaseAdapter
from skransfer.base.domains import Domains, check_domains, encode_domains
from skransfer.base.roles import BaseMapper, BaseReweighter, BaseRowSelector
from skransfer.base.stacking import stack_domains
from skransfer.base.traits import Traits
from skransfer.base.transfer import BaseTransfer

__all__ = [
    "BaseAdapter",
    "BaseMapper",
    "BaseReweighter",
    "BaseRowSelector",
    "BaseTransfer",
    "Domains",
    "Traits",
    "check_domains",
    "encode_domains",
    "stack_domains",
]
