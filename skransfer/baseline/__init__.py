"""What transfer has to beat: learning from one side, or from both as one."""

from skransfer.baseline._pooled import Pooled
from skransfer.baseline._source_only import SourceOnly
from skransfer.baseline._target_only import TargetOnly

__all__ = ["Pooled", "SourceOnly", "TargetOnly"]
