"""Text as features: Amazon reviews, Reuters-21578, 20 Newsgroups."""

import numpy as np
import scipy.sparse as sp

from skransfer.datasets._common import check_name, check_pair, domain_bunch
from skransfer.datasets._files import load_mat

__all__ = ["load_amazon_reviews", "load_newsgroups20", "load_reuters"]

_AMAZON_FILES = {"books": "books", "dvd": "dvd", "electronics": "elec", "kitchen": "kitchen"}
_REUTERS_FILES = (("org", "people"), ("org", "place"), ("people", "place"))
_NEWSGROUPS_FILES = {
    "comp.vs.sci": ("comp.vs.sci/task1.mat", "comp.vs.sci/task2.mat"),
    "rec.vs.talk": ("rec.vs.talk/Task1.mat", "rec.vs.talk/Task2.mat"),
}

_AMAZON_DESCR = """Amazon reviews, 400 features
============================
Reviews of four kinds of products: books 2000, dvd 1999, electronics 1998 and kitchen 1999 rows; 400
nonnegative bag-of-words features as in the file, not normalized; y is 0 or 1, balanced.

Origin: Blitzer, Dredze and Pereira, "Biographies, Bollywood, boom-boxes and blenders", ACL 2007, in
the 400 features that follow Chen, Xu, Weinberger and Sha, ICML 2012. No license is stated.

Protocol of EasyTL (Wang et al., ICME 2019), the 12 pairs: divide each row by its sum, z-score each
domain by itself, all source rows train, all target rows test; its authors' result file has a mean
of 77.8 % for EasyTL(c). CORAL (Sun, Feng and Saenko, AAAI 2016, Table 5) has four pairs and 20
splits, which are not published.
"""

_REUTERS_DESCR = """Reuters-21578, binary topics
============================
Articles of two top categories each, divided into source and target by subcategory. Rows: org and
people 1237 and 1208 with 4771 words, org and place 1016 and 1043 with 4415, people and place 1077
and 1077 with 4562; positive term weights as in the file, CSR, not normalized; y is -1 or +1. The
classes of a task are its two categories: source "org" and target "people" is the published task
"org vs people", and the swapped names swap its two domains.

Origin: Dai, Xue, Yang and Yu, "Co-clustering based classification for out-of-domain documents", KDD
2007, in the form of Raab and Schleif 2018, whose five times two-fold accuracies (SVM 58.92 to 78.93
%) are the published reference. The Reuters-21578 collection is for research use only.
"""

_NEWSGROUPS_DESCR = """20 Newsgroups, cross-domain tasks
=================================
Messages of two top categories, the two domains with different subgroups: comp.vs.sci 1875 and 1827
rows, rec.vs.talk 1844 and 1545 rows; counts of 2000 words as in the file, CSR, not normalized; y is
1 or 2.

Origin: the multi-task learning package MALSAR (Zhou, Chen and Ye, 2011) distributes the files. The
code there is under the GPL; for the data no license is stated. TrAdaBoost (Dai, Yang, Xue and Yu,
ICML 2007) is the usual reference for such tasks, on other features, so its numbers do not compare.
"""


def load_amazon_reviews(source="books", target="dvd", *, return_X_y_domain=False):
    """Load reviews of two kinds of products, 400 features.

    Parameters
    ----------
    source, target : {"books", "dvd", "electronics", "kitchen"}
        Two different kinds.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (n_rows, 400) float64, ``y`` 0 or 1, ``sample_domain`` (0 source, -1 target),
        ``labeled_target``, ``test``, ``feature_names``, ``target_names``, ``domain_names``,
        ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        Unknown or equal domains, or a file with another content.
    OSError, ImportError
        A file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_amazon_reviews
    >>> load_amazon_reviews("kitchen", "electronics").X.shape  # doctest: +SKIP
    (3997, 400)
    """
    check_pair(source, target, _AMAZON_FILES)
    parts = []
    for domain, name in ((0, source), (-1, target)):
        content = load_mat(f"amazon_reviews_400/{_AMAZON_FILES[name]}_400.mat")
        X = np.ascontiguousarray(content["fts"], dtype=np.float64)
        parts.append((domain, X, content["labels"].ravel().astype(np.int64)))
    return domain_bunch(
        parts,
        {0: source, -1: target},
        descr=_AMAZON_DESCR,
        return_X_y_domain=return_X_y_domain,
        feature_names=[f"word_{j}" for j in range(400)],
        target_names=["0", "1"],
    )


def load_reuters(source="org", target="people", *, return_X_y_domain=False):
    """Load one of the six tasks of Reuters-21578 (three pairs of categories, two directions).

    Parameters
    ----------
    source, target : {"org", "people", "place"}
        Two categories; the swapped names are the task in the other direction.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` CSR matrix (n_rows, n_words) float64, ``y`` -1 or +1, ``sample_domain`` (0 source,
        -1 target), ``labeled_target``, ``test``, ``feature_names``, ``target_names``,
        ``domain_names``, ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        Unknown or equal categories, or a file with another content.
    OSError, ImportError
        The file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_reuters
    >>> load_reuters("people", "org").X.shape  # doctest: +SKIP
    (2445, 4771)
    """
    check_pair(source, target, ("org", "people", "place"))
    swapped = (source, target) not in _REUTERS_FILES
    first, second = (target, source) if swapped else (source, target)
    content = load_mat(f"reuters21578/{first}_vs_{second}_1.mat")
    sides = ("t", "s") if swapped else ("s", "t")
    parts = []
    for domain, side in zip((0, -1), sides, strict=True):
        X = sp.csr_matrix(content[f"X{side}"].T, dtype=np.float64)
        y = np.asarray(content[f"Y{side}"].todense()).ravel().astype(np.int64)
        parts.append((domain, X, y))
    return domain_bunch(
        parts,
        {0: f"{source} vs {target}, source", -1: f"{source} vs {target}, target"},
        descr=_REUTERS_DESCR,
        return_X_y_domain=return_X_y_domain,
        feature_names=[f"word_{j}" for j in range(parts[0][1].shape[1])],
        target_names=["-1", "+1"],
    )


def load_newsgroups20(
    task="comp.vs.sci", *, source="task1", target="task2", return_X_y_domain=False
):
    """Load a cross-domain task of 20 Newsgroups, 2000 word counts.

    Parameters
    ----------
    task : {"comp.vs.sci", "rec.vs.talk"}, default="comp.vs.sci"
        The two classes.
    source, target : {"task1", "task2"}
        The two domains, which have different subgroups of the classes.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` CSR matrix (n_rows, 2000) float64, ``y`` 1 or 2, ``sample_domain`` (0 source, -1
        target), ``labeled_target``, ``test``, ``feature_names``, ``target_names``,
        ``domain_names``, ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        Unknown task, unknown or equal domains, or a file with another content.
    OSError, ImportError
        A file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_newsgroups20
    >>> load_newsgroups20("rec.vs.talk").X.shape  # doctest: +SKIP
    (3389, 2000)
    """
    check_name(task, "task", _NEWSGROUPS_FILES)
    check_pair(source, target, ("task1", "task2"))
    parts = []
    for domain, name in ((0, source), (-1, target)):
        content = load_mat(f"newsgroups20_small/{_NEWSGROUPS_FILES[task][int(name[-1]) - 1]}")
        X = sp.csr_matrix(content["fea"], dtype=np.float64)
        parts.append((domain, X, content["gnd"].ravel().astype(np.int64)))
    return domain_bunch(
        parts,
        {0: source, -1: target},
        descr=_NEWSGROUPS_DESCR,
        return_X_y_domain=return_X_y_domain,
        feature_names=[f"word_{j}" for j in range(2000)],
        target_names=["1", "2"],
    )
