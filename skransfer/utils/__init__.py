"""Discovery of estimators; the laws live in ``skransfer.utils.estimator_checks``."""

from skransfer.utils.discovery import all_estimators

__all__ = ["all_estimators"]
