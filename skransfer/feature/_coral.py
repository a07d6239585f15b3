"""Correlation alignment."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.solvers.coral import coral_map

__all__ = ["CORAL"]
