"""Data with a shift: generators with known truth, bundled real shifts, loaders of real sets.

All follow one convention: ``sample_domain >= 0`` is source, ``< 0`` is target; source rows come
first; the true labels of all rows are in ``y``.
"""

from skransfer.datasets._bundled import (
    load_biased_breast_cancer,
    load_biased_diabetes,
    load_rotated_digits,
)
from skransfer.datasets._catalog import list_datasets
from skransfer.datasets._density_generators import make_covariate_shift, make_label_shift
from skransfer.datasets._files import data_file
from skransfer.datasets._objects import load_coil20, load_mnist_usps, load_office_caltech10
from skransfer.datasets._regression import load_corn_nir, load_school, load_wifi_localization
from skransfer.datasets._structure_generators import make_concept_shift, make_subspace_shift
from skransfer.datasets._tabular import load_mushrooms, load_phishing, load_wine_quality
from skransfer.datasets._text import load_amazon_reviews, load_newsgroups20, load_reuters

__all__ = [
    "data_file",
    "list_datasets",
    "load_amazon_reviews",
    "load_biased_breast_cancer",
    "load_biased_diabetes",
    "load_coil20",
    "load_corn_nir",
    "load_mnist_usps",
    "load_mushrooms",
    "load_newsgroups20",
    "load_office_caltech10",
    "load_phishing",
    "load_reuters",
    "load_rotated_digits",
    "load_school",
    "load_wifi_localization",
    "load_wine_quality",
    "make_concept_shift",
    "make_covariate_shift",
    "make_label_shift",
    "make_subspace_shift",
]
