"""Suites by name: the bundled one and those on real data."""

from benchmarks import real_tables, real_tasks
from benchmarks.tasks import bundled
from skransfer.datasets import data_file, list_datasets

__all__ = ["ALL_REAL", "SUITES", "check_files", "suite_names"]

ALL_REAL = "all-real"

_REAL = {
    "office_caltech10": real_tasks.office_caltech10,
    "office_caltech10_splits": real_tasks.office_caltech10_splits,
    "digits": real_tasks.digits,
    "coil20": real_tasks.coil20,
    "amazon_reviews": real_tasks.amazon_reviews,
    "reuters": real_tasks.reuters,
    "newsgroups20": real_tasks.newsgroups20,
    "wifi": real_tables.wifi,
    "corn": real_tables.corn,
    "wine": real_tables.wine,
    "school": real_tables.school,
    "mushrooms": real_tables.mushrooms,
    "phishing": real_tables.phishing,
}


SUITES = {"bundled": bundled, **_REAL}


def suite_names(name):
    """The suites that a name on the command line stands for.

    Parameters
    ----------
    name : str
        Key of ``SUITES``, or ``all-real``.
    """
    return list(_REAL) if name == ALL_REAL else [name]


def check_files(suite):
    """Find, or download, every file that the tasks of a suite read.

    Parameters
    ----------
    suite : Suite
        What is to run.

    Raises
    ------
    OSError, ImportError, ValueError
        A file is not here, cannot be downloaded, or is not the registered one.
    """
    files = list_datasets()
    for loader in suite.loaders:
        for path in files[loader]:
            data_file(path)
