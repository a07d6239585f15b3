"""Tables that one column or one collection divides into domains: mushrooms, phishing, wine."""

import csv

import numpy as np
from sklearn.preprocessing import OneHotEncoder

from skransfer.datasets._common import check_pair, domain_bunch
from skransfer.datasets._files import data_file

__all__ = ["load_mushrooms", "load_phishing", "load_wine_quality"]

_MUSHROOM_COLUMNS = (
    "cap-shape",
    "cap-surface",
    "cap-color",
    "bruises",
    "odor",
    "gill-attachment",
    "gill-spacing",
    "gill-size",
    "gill-color",
    "stalk-shape",
    "stalk-root",
    "stalk-surface-above-ring",
    "stalk-surface-below-ring",
    "stalk-color-above-ring",
    "stalk-color-below-ring",
    "veil-type",
    "veil-color",
    "ring-number",
    "ring-type",
    "spore-print-color",
    "population",
    "habitat",
)
_STALK_SHAPE = _MUSHROOM_COLUMNS.index("stalk-shape")

_MUSHROOM_DESCR = """Mushrooms by the shape of the stalk
===================================
8124 mushrooms, 22 categorical features; enlarging stalks 3516 and tapering stalks 4608 rows are the
domains, and the column stalk-shape, constant in each, is left out (21 remain). y is "e" (edible) or
"p" (poisonous). Letters as in the file; "?" in stalk-root means missing there and is kept.

Origin: UCI id 73, Audubon Society Field Guide (CC BY 4.0 at UCI). Protocol: TrAdaBoost (Dai, Yang,
Xue and Yu, ICML 2007): train on one stalk shape and a few labeled rows of the other. The paper's
table could not be checked here.
"""

_PHISHING_DESCR = """Phishing websites by the kind of address
========================================
11055 websites, 30 features with values -1, 0 and 1; sites addressed by an IP number (3793 rows) and
by a domain name (7262 rows) are the domains, and the column having_IP_Address, constant in each, is
left out (29 remain). y is -1 (4898 rows) or +1 (6157 rows). Values as in the file.

Origin: Mohammad, Thabtah and McCluskey, "An assessment of features related to phishing websites
using an automated technique", ICITST 2012; UCI id 327 (CC BY 4.0 at UCI). Used as a transfer task
by skada-bench (Lalou et al., 2024).
"""

_WINE_DESCR = """Wine quality, red and white
===========================
Portuguese vinho verde, red 1599 and white 4898 rows, 11 physicochemical features and a quality from
3 to 9 (red: to 8). Values as in the file, not normalized.

Origin: Cortez, Cerdeira, Almeida, Matos and Reis, "Modeling wine preferences by data mining from
physicochemical properties", Decision Support Systems 2009; UCI id 186 (CC BY 4.0 at UCI). Across
the colors a ridge regression has a root mean squared error near .79 (red to white) and 1.0 (white
to red).
"""


def load_mushrooms(
    source="tapering", target="enlarging", *, one_hot=False, return_X_y_domain=False
):
    """Load the mushrooms, divided by the shape of the stalk.

    Parameters
    ----------
    source, target : {"tapering", "enlarging"}
        Which is the source.
    one_hot : bool, default=False
        Indicator columns instead of letters, one for each letter that occurs in either domain.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (8124, 21) of strings (object) or indicators (float64), ``y`` "e" or "p",
        ``sample_domain`` (0 source, -1 target), ``labeled_target``, ``test``, ``feature_names``,
        ``target_names``, ``domain_names``, ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        Unknown or equal domains, or a file with another content.
    OSError, ImportError
        The file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_mushrooms
    >>> load_mushrooms().X.shape  # doctest: +SKIP
    (8124, 21)
    """
    check_pair(source, target, ("tapering", "enlarging"))
    with data_file("mushrooms/agaricus-lepiota.data").open(newline="") as stream:
        rows = list(csv.reader(stream))
    table = np.array(
        [row for row in rows[1:] if row], dtype=object
    )  # the first line counts columns
    y, X, shape = table[:, 0].astype(str), table[:, 1:], table[:, 1 + _STALK_SHAPE]
    X = np.delete(X, _STALK_SHAPE, axis=1)
    names = np.delete(np.array(_MUSHROOM_COLUMNS), _STALK_SHAPE)
    if one_hot:
        encoder = OneHotEncoder(sparse_output=False).fit(X)
        X, names = encoder.transform(X), encoder.get_feature_names_out(names.astype(object))
    sides = [(domain, shape == name[0]) for domain, name in ((0, source), (-1, target))]
    return domain_bunch(
        [(domain, X[side], y[side]) for domain, side in sides],
        {0: source, -1: target},
        descr=_MUSHROOM_DESCR,
        return_X_y_domain=return_X_y_domain,
        feature_names=[str(name) for name in names],
        target_names=["e", "p"],
    )


def load_phishing(source="domain_name", target="ip_address", *, return_X_y_domain=False):
    """Load the phishing websites, divided by the kind of address.

    Parameters
    ----------
    source, target : {"domain_name", "ip_address"}
        Which is the source.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (11055, 29) float64 with values -1, 0, 1, ``y`` -1 or +1, ``sample_domain`` (0 source,
        -1 target), ``labeled_target``, ``test``, ``feature_names``, ``target_names``,
        ``domain_names``, ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        Unknown or equal domains, or a file with another content.
    OSError, ImportError
        The file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_phishing
    >>> load_phishing().X.shape  # doctest: +SKIP
    (11055, 29)
    """
    check_pair(source, target, ("domain_name", "ip_address"))
    lines = data_file("phishing/phishing.arff").read_text(encoding="utf-8").splitlines()
    lines = [line.strip() for line in lines if line.strip()]
    names = [line.split()[1] for line in lines if line.lower().startswith("@attribute")]
    start = [line.lower() for line in lines].index("@data") + 1
    table = np.array([line.split(",") for line in lines[start:]], dtype=np.float64)
    codes = {"ip_address": -1, "domain_name": 1}  # the authors' code: -1 is the suspicious value
    X, y = table[:, 1:-1], table[:, -1].astype(np.int64)
    sides = [(domain, table[:, 0] == codes[name]) for domain, name in ((0, source), (-1, target))]
    return domain_bunch(
        [(domain, X[side], y[side]) for domain, side in sides],
        {0: source, -1: target},
        descr=_PHISHING_DESCR,
        return_X_y_domain=return_X_y_domain,
        feature_names=names[1:-1],
        target_names=["-1", "+1"],
    )


def load_wine_quality(source="red", target="white", *, return_X_y_domain=False):
    """Load the quality of red and white wines.

    Parameters
    ----------
    source, target : {"red", "white"}
        Which is the source.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (6497, 11) float64, ``y`` 3 to 9 as float64 (a regression target), ``sample_domain``
        (0 source, -1 target), ``labeled_target``, ``test``, ``feature_names``, ``target_names``,
        ``domain_names``, ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        Unknown or equal domains, or a file with another content.
    OSError, ImportError
        A file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_wine_quality
    >>> load_wine_quality().X.shape  # doctest: +SKIP
    (6497, 11)
    """
    check_pair(source, target, ("red", "white"))
    parts = []
    for domain, name in ((0, source), (-1, target)):
        path = data_file(f"wine_quality/winequality-{name}.csv")
        with path.open(encoding="utf-8") as stream:
            header = stream.readline().strip().split(",")
            table = np.loadtxt(stream, delimiter=",")
        parts.append((domain, np.ascontiguousarray(table[:, :-1]), table[:, -1].copy()))
    return domain_bunch(
        parts,
        {0: source, -1: target},
        descr=_WINE_DESCR,
        return_X_y_domain=return_X_y_domain,
        feature_names=header[:-1],
        target_names=[header[-1]],
    )
