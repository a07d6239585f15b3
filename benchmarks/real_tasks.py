"""Images and texts: tasks on real data, each under the protocol of the published tables.

All protocols are label-free where they touch target rows: rows are divided by their own sum or
length, and a domain is standardized by its own mean and variance.
"""

from functools import partial
from itertools import permutations

import numpy as np
from sklearn.preprocessing import Normalizer, StandardScaler

from benchmarks.tasks import FULL, Data, Suite, Task, all_hidden
from skransfer import datasets

__all__ = [
    "amazon_reviews",
    "coil20",
    "digits",
    "newsgroups20",
    "office_caltech10",
    "office_caltech10_splits",
    "reuters",
]

OFFICE = {"C": "caltech", "A": "amazon", "W": "webcam", "D": "dslr"}
OFFICE_PAIRS = ("CA", "CW", "CD", "AC", "AW", "AD", "WC", "WA", "WD", "DC", "DA", "DW")


def row_sums_to_one(X):
    """Each row divided by its sum; a row of zeros stays."""
    return Normalizer("l1").transform(X)


def standardize_domains(X, sample_domain):
    """Each domain by itself to mean 0 and variance 1 of every feature."""
    Z = np.empty_like(X, dtype=np.float64)
    for side in (sample_domain >= 0, sample_domain < 0):
        Z[side] = StandardScaler().fit_transform(X[side])
    return Z


def load_office(seed, source, target, split=False):
    """Office-Caltech10, rows divided by their sum and domains standardized.

    Parameters
    ----------
    seed : int
        Number of the split, 0 to 19; of no account in the full protocol.
    source, target : {"caltech", "amazon", "webcam", "dslr"}
        Domains.
    split : bool, default=False
        Whether the rows are those of a fixed random split.
    """
    data = datasets.load_office_caltech10(source, target)
    X = standardize_domains(row_sums_to_one(data.X), data.sample_domain)
    if not split:
        return all_hidden(X, data.y, data.sample_domain)
    part = datasets.load_office_caltech10(source, target, split=seed)
    n_source = int((data.sample_domain >= 0).sum())
    rows = part.rows + np.where(part.sample_domain < 0, n_source, 0)
    return Data(X[rows], part.y, part.sample_domain, part.labeled_target)


def office_caltech10():
    """The 12 pairs, full protocol."""
    protocol = f"row sums 1, each domain standardized; {FULL}"
    return Suite(
        "office_caltech10",
        tuple(
            Task(
                f"{a}>{b}",
                partial(load_office, source=OFFICE[a], target=OFFICE[b]),
                protocol,
                base="svm",
                seeds=1,
            )
            for a, b in OFFICE_PAIRS
        ),
        ("load_office_caltech10",),
    )


def office_caltech10_splits():
    """The 12 pairs in the 20 fixed random splits, three labeled target rows a class."""
    protocol = "20 or 8 source rows a class, 3 labeled target rows a class (fixed splits)"
    return Suite(
        "office_caltech10_splits",
        tuple(
            Task(
                f"{a}>{b}+3",
                partial(load_office, source=OFFICE[a], target=OFFICE[b], split=True),
                protocol,
                base="svm",
                few_labels=True,
                seeds=20,
            )
            for a, b in OFFICE_PAIRS
        ),
        ("load_office_caltech10",),
    )


def _load_images(seed, loader, source, target):
    X, y, sample_domain = getattr(datasets, loader)(source, target, return_X_y_domain=True)
    return all_hidden(Normalizer().transform(X), y, sample_domain)


def _image_suite(name, loader, domains):
    return Suite(
        name,
        tuple(
            Task(
                f"{a}>{b}",
                partial(_load_images, loader=loader, source=a, target=b),
                f"rows of length 1; {FULL}",
                base="svm",
                seeds=1,
            )
            for a, b in permutations(domains)
        ),
        (loader,),
    )


def digits():
    """MNIST and USPS, both directions."""
    return _image_suite("digits", "load_mnist_usps", ("usps", "mnist"))


def coil20():
    """The two halves of COIL20, both directions."""
    return _image_suite("coil20", "load_coil20", ("coil1", "coil2"))


def _load_amazon(seed, source, target):
    X, y, sample_domain = datasets.load_amazon_reviews(source, target, return_X_y_domain=True)
    return all_hidden(standardize_domains(row_sums_to_one(X), sample_domain), y, sample_domain)


def amazon_reviews():
    """The 12 pairs of kinds of products."""
    kinds = {"B": "books", "D": "dvd", "E": "electronics", "K": "kitchen"}
    return Suite(
        "amazon_reviews",
        tuple(
            Task(
                f"{a}>{b}",
                partial(_load_amazon, source=kinds[a], target=kinds[b]),
                f"row sums 1, each domain standardized; {FULL}",
                base="linear-strong",
                seeds=1,
            )
            for a, b in permutations(kinds, 2)
        ),
        ("load_amazon_reviews",),
    )


def _load_text(seed, loader, **arguments):
    X, y, sample_domain = getattr(datasets, loader)(**arguments, return_X_y_domain=True)
    return all_hidden(Normalizer().transform(X), y, sample_domain)


def reuters():
    """Three pairs of categories, both directions, sparse."""
    pairs = [*permutations(("org", "people", "place"), 2)]
    return Suite(
        "reuters",
        tuple(
            Task(
                f"{a}>{b}",
                partial(_load_text, loader="load_reuters", source=a, target=b),
                f"sparse rows of length 1; {FULL}",
                seeds=1,
            )
            for a, b in pairs
        ),
        ("load_reuters",),
    )


def newsgroups20():
    """Two pairs of top categories, both directions, sparse."""
    return Suite(
        "newsgroups20",
        tuple(
            Task(
                f"{task.replace('.vs.', '/')}-{a[-1]}>{b[-1]}",
                partial(_load_text, loader="load_newsgroups20", task=task, source=a, target=b),
                f"sparse rows of length 1; {FULL}",
                seeds=1,
            )
            for task in ("comp.vs.sci", "rec.vs.talk")
            for a, b in permutations(("task1", "task2"))
        ),
        ("load_newsgroups20",),
    )
