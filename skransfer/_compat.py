"""The only door to private names of scikit-learn.

Each is used because no public name does the same; each was run on the oldest and on the newest
scikit-learn that the project supports.
"""

from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as take_rows
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.metadata_routing import _MetadataRequester as MetadataRequester
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "HasMethods",
    "Interval",
    "MetadataRequester",
    "Options",
    "StrOptions",
    "check_method_params",
    "fit_context",
    "num_samples",
    "take_rows",
]
