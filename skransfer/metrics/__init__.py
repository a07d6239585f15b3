"""Measures of how far two domains are apart."""

from skransfer.metrics._mmd import MMDTestResult, mmd, mmd_test

__all__ = ["MMDTestResult", "mmd", "mmd_test"]
