"""Tasks on real data, each under the protocol of the tables that it is compared with.

All protocols are label-free where they touch target rows: rows are divided by their own sum or
length, and a domain is standardized by its own mean and variance.
"""

from functools import partial
from itertools import permutations

import numpy as np
from sklearn.preprocessing import Normalizer, StandardScaler

from benchmarks.tasks import Data, Suite, Task, reveal
from skransfer import datasets

__all__ = [
    "amazon_reviews",
    "coil20",
    "corn",
    "digits",
    "mushrooms",
    "newsgroups20",
    "office_caltech10",
    "office_caltech10_splits",
    "phishing",
    "reuters",
    "school",
    "wifi",
    "wine",
]

OFFICE = {"C": "caltech", "A": "amazon", "W": "webcam", "D": "dslr"}
OFFICE_PAIRS = ("CA", "CW", "CD", "AC", "AW", "AD", "WC", "WA", "WD", "DC", "DA", "DW")
FULL = "all source rows train, all target rows are judged"


def row_sums_to_one(X):
    """Each row divided by its sum; a row of zeros stays."""
    return Normalizer("l1").transform(X)


def standardize_domains(X, sample_domain):
    """Each domain by itself to mean 0 and variance 1 of every feature."""
    Z = np.empty_like(X, dtype=np.float64)
    for side in (sample_domain >= 0, sample_domain < 0):
        Z[side] = StandardScaler().fit_transform(X[side])
    return Z


def _all_hidden(X, y, sample_domain):
    return Data(X, y, sample_domain, np.zeros(len(y), dtype=bool))


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
        return _all_hidden(X, data.y, data.sample_domain)
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
    return _all_hidden(Normalizer().transform(X), y, sample_domain)


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
    return _all_hidden(standardize_domains(row_sums_to_one(X), sample_domain), y, sample_domain)


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
    return _all_hidden(Normalizer().transform(X), y, sample_domain)


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


def _load_wifi(seed):
    data = datasets.load_wifi_localization()
    X = np.where(data.X != 0, data.X + 100, 0.0)  # 0: not heard; else above the faintest signal
    return Data(X, data.y, data.sample_domain, data.labeled_target)


def wifi():
    """Two coordinates from 99 signal strengths, the next period from an earlier one."""
    task = Task(
        "wifi+53",
        _load_wifi,
        "signal strengths + 100 where heard; 53 labeled target rows, 3128 judged",
        kind="regression",
        metric="distance",
        few_labels=True,
        scale=True,
        seeds=1,
    )
    return Suite("wifi", (task,), ("load_wifi_localization",))


def _load_corn(seed, target):
    """No sample of corn is on both sides of what is judged: its source rows are left out."""
    data = datasets.load_corn_nir("m5", target, response="moisture")
    judged = np.random.default_rng([seed, 1]).permutation(np.unique(data.sample))
    test, labeled = np.isin(data.sample, judged[:20]), np.isin(data.sample, judged[20:30])
    target_rows = data.sample_domain < 0
    keep = target_rows | ~test
    # Target rows that are neither judged nor labeled would be judged by `Data`: left out too.
    keep &= ~target_rows | test | labeled
    return Data(data.X[keep], data.y[keep], data.sample_domain[keep], (target_rows & labeled)[keep])


def corn():
    """Moisture from spectra, instrument m5 to the other two."""
    return Suite(
        "corn",
        tuple(
            Task(
                f"m5>{target}+10",
                partial(_load_corn, target=target),
                "60 samples on m5; 10 of them labeled on the target; 20 other samples judged",
                kind="regression",
                metric="RMSE",
                base="pls",
                few_labels=True,
            )
            for target in ("mp5", "mp6")
        ),
        ("load_corn_nir",),
    )


def _load_table(seed, loader, source, target, labels=0, per_class=True, **arguments):
    X, y, sample_domain = getattr(datasets, loader)(
        source, target, **arguments, return_X_y_domain=True
    )
    if not labels:
        return _all_hidden(X, y, sample_domain)
    labeled = reveal(y, sample_domain < 0, labels, seed, per_class=per_class)
    return Data(X, y, sample_domain, labeled)


def _table_suite(
    name, loader, domains, few, *, kind="classification", metric="accuracy", **arguments
):
    """Both directions without target labels, then with ``few`` random ones."""
    per_class = kind == "classification"
    tasks = []
    for labels in (0, few):
        for a, b in permutations(domains):
            tasks.append(
                Task(
                    f"{domains[a]}>{domains[b]}" + (f"+{labels}" if labels else ""),
                    partial(
                        _load_table,
                        loader=loader,
                        source=a,
                        target=b,
                        labels=labels,
                        per_class=per_class,
                        **arguments,
                    ),
                    f"{labels} labeled target rows{' of each class' if per_class else ''}"
                    if labels
                    else FULL,
                    kind=kind,
                    metric=metric,
                    few_labels=bool(labels),
                    scale=True,
                    seeds=None if labels else 1,
                )
            )
    return Suite(name, tuple(tasks), (loader,))


def wine():
    """Quality of wines, red and white."""
    return _table_suite(
        "wine",
        "load_wine_quality",
        {"red": "red", "white": "white"},
        20,
        kind="regression",
        metric="RMSE",
    )


def mushrooms():
    """Edible or poisonous, by the shape of the stalk."""
    return _table_suite(
        "mushrooms",
        "load_mushrooms",
        {"tapering": "taper", "enlarging": "enlarge"},
        10,
        one_hot=True,
    )


def phishing():
    """Phishing or not, by the kind of address."""
    return _table_suite(
        "phishing", "load_phishing", {"domain_name": "name", "ip_address": "ip"}, 10
    )


def _load_school(seed, target):
    others = [number for number in range(1, 21) if number != target]
    X, y, sample_domain = datasets.load_school(others, target, return_X_y_domain=True)
    return Data(X, y, sample_domain, reveal(y, sample_domain < 0, 15, seed, per_class=False))


def school():
    """Scores in one school from those in nineteen others."""
    return Suite(
        "school",
        tuple(
            Task(
                f"school{target}+15",
                partial(_load_school, target=target),
                "the other schools of the first twenty are sources; 15 labeled target rows",
                kind="regression",
                metric="RMSE",
                few_labels=True,
                scale=True,
            )
            for target in range(1, 6)
        ),
        ("load_school",),
    )
