"""Measures of how far two domains are apart, and of how useful a model is in another one."""

from skransfer.metrics._mmd import MMDTestResult, mmd, mmd_test
from skransfer.metrics._transferability import h_score, leep_score, logme_score, nce_score

__all__ = [
    "MMDTestResult",
    "h_score",
    "leep_score",
    "logme_score",
    "mmd",
    "mmd_test",
    "nce_score",
]
