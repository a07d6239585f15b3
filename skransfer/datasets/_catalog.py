"""Which data sets there are and which files they read."""

from skransfer.datasets._registry import REGISTRY

__all__ = ["list_datasets"]

# loader -> folders of the data directory that it reads
_FOLDERS = {
    "load_amazon_reviews": ("amazon_reviews_400",),
    "load_coil20": ("coil20",),
    "load_corn_nir": ("corn_nir",),
    "load_mnist_usps": ("digits_mnist_usps",),
    "load_mushrooms": ("mushrooms",),
    "load_newsgroups20": ("newsgroups20_small",),
    "load_office_caltech10": ("office_caltech10_surf", "office_caltech10_splits"),
    "load_phishing": ("phishing",),
    "load_reuters": ("reuters21578",),
    "load_school": ("school",),
    "load_wifi_localization": ("wifi_icdm2007",),
    "load_wine_quality": ("wine_quality",),
}
_BUNDLED = ("load_biased_breast_cancer", "load_biased_diabetes", "load_rotated_digits")


def list_datasets():
    """Names of the loaders and the data files that each of them reads.

    Returns
    -------
    files : dict of str to list of str
        For each loader of this module its files, relative to the folder of ``SKRANSFER_DATA``; an
        empty list for the loaders that need no file.

    Examples
    --------
    >>> from skransfer.datasets import list_datasets
    >>> files = list_datasets()
    >>> files["load_school"], files["load_rotated_digits"]
    (['school/school.mat'], [])
    """
    listing = {name: [] for name in _BUNDLED}
    for name, folders in _FOLDERS.items():
        listing[name] = [path for path in REGISTRY if path.rpartition("/")[0].startswith(folders)]
    return dict(sorted(listing.items()))
