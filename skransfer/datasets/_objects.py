"""Images as features: Office-Caltech10, MNIST and USPS, COIL20."""

import numpy as np
from sklearn.utils import check_scalar

from skransfer.datasets._common import check_pair, domain_bunch
from skransfer.datasets._files import load_mat

__all__ = ["load_coil20", "load_mnist_usps", "load_office_caltech10"]

_OFFICE_FILES = {"amazon": "amazon", "caltech": "Caltech10", "dslr": "dslr", "webcam": "webcam"}
_OFFICE_CLASSES = (
    "back_pack",
    "bike",
    "calculator",
    "headphones",
    "keyboard",
    "laptop_computer",
    "monitor",
    "mouse",
    "mug",
    "projector",
)

_OFFICE_DESCR = """Office-Caltech10, SURF
======================
Ten object classes in four collections of images: caltech 1123, amazon 958, webcam 295 and dslr 157
rows; 800 counts of quantized SURF features. Values are the counts of the file, not normalized.

Origin: Gong, Shi, Sha and Grauman, "Geodesic flow kernel for unsupervised domain adaptation", CVPR
2012 (cite it); images of Saenko et al., ECCV 2010, and Caltech-256. No license is stated.

Full protocol: divide each row by its sum, z-score each domain by itself, train on all source rows,
test on all target rows. One nearest neighbor then gives 31.37 % on average over the 12 pairs, the
column NN of Long et al., "Transfer feature learning with joint distribution adaptation", ICCV
2013, exactly. Protocol of 20 splits (``split``): Hoffman et al., "Efficient learning of
domain-invariant image representations", ICLR 2013; 20 source rows a class (amazon) or 8, three
labeled target rows a class, tested on the other target rows.
"""

_MNIST_DESCR = """MNIST and USPS
==============
Handwritten digits as 16 x 16 gray images: 2000 of MNIST and 1800 of USPS, the sample of Long et
al., ICCV 2013. Gray values in [0, 1] as in the file, not normalized further; y is 1 for the digit
0 up to 10 for the digit 9, as in the file.

Protocol: divide each row by its Euclidean norm, all source rows train, all target rows test. One
nearest neighbor then gives 65.94 % from mnist to usps and 44.70 % from usps to mnist, as published
there. No license is stated.
"""

_COIL_DESCR = """COIL20
======
Twenty objects on a turntable as 32 x 32 gray images in [0, 1], 72 views each: coil1 holds the views
at 0-85 and 180-265 degrees, coil2 those at 90-175 and 270-355 degrees; 720 rows each, y = 1 to 20.
Values as in the file, not normalized.

Origin: Nene, Nayar and Murase, Columbia University 1996 (research use), in the form of Long et
al., ICCV 2013. Protocol: divide each row by its Euclidean norm, all source rows train, all target
rows test; one nearest neighbor then gives 83.61 % from coil1 to coil2 and 82.78 % back, as
published there. No license is stated in the file.
"""


def load_office_caltech10(source="amazon", target="webcam", *, split=None, return_X_y_domain=False):
    """Load two of the four domains of Office-Caltech10 (SURF features).

    Parameters
    ----------
    source, target : {"amazon", "caltech", "dslr", "webcam"}
        Two different domains.
    split : int, default=None
        One of the 20 fixed random splits, 0 to 19. None is the full protocol.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (n_rows, 800) float64 counts, ``y`` 1 to 10, ``sample_domain`` (0 source, -1 target),
        ``labeled_target`` and ``test`` (n_rows,) bool, ``rows`` (row in its domain's file of each
        row), ``feature_names``, ``target_names``, ``domain_names``, ``source_name``,
        ``target_name``, ``DESCR``. Source rows of the split come first, then its labeled target
        rows, then its test rows; without a split all rows of both domains.

    Raises
    ------
    ValueError
        Unknown or equal domains, unknown split, or a file with another content.
    OSError, ImportError
        A file is not here and cannot be downloaded; the message says how to provide it.

    Notes
    -----
    Values are raw; ``DESCR`` states the protocols and where published numbers come from.

    Examples
    --------
    >>> from skransfer.datasets import load_office_caltech10
    >>> data = load_office_caltech10("amazon", "webcam", split=0)  # doctest: +SKIP
    >>> data.X.shape, data.labeled_target.sum(), data.test.sum()  # doctest: +SKIP
    ((495, 800), 30, 265)
    """
    check_pair(source, target, _OFFICE_FILES)
    if split is not None:
        check_scalar(split, "split", (int, np.integer), min_val=0, max_val=19)
    Xs, ys = _office_domain(source)
    Xt, yt = _office_domain(target)
    source_rows, labeled_rows = np.arange(len(ys)), np.arange(0)
    test_rows = np.arange(len(yt))
    if split is not None:
        source_rows, labeled_rows, test_rows = _office_split(source, target, split)
    target_rows = np.concatenate([labeled_rows, test_rows])
    start = len(source_rows)
    labeled = np.zeros(start + len(target_rows), dtype=bool)
    labeled[start : start + len(labeled_rows)] = True
    return domain_bunch(
        [(0, Xs[source_rows], ys[source_rows]), (-1, Xt[target_rows], yt[target_rows])],
        {0: source, -1: target},
        descr=_OFFICE_DESCR,
        labeled_target=labeled,
        return_X_y_domain=return_X_y_domain,
        rows=np.concatenate([source_rows, target_rows]),
        feature_names=[f"word_{j}" for j in range(Xs.shape[1])],
        target_names=list(_OFFICE_CLASSES),
    )


def _office_domain(name):
    """Counts and labels of one domain."""
    content = load_mat(f"office_caltech10_surf/{_OFFICE_FILES[name]}_SURF_L10.mat")
    return content["fts"].astype(np.float64), content["labels"].ravel().astype(np.int64)


def _office_split(source, target, split):
    """Rows of source, labeled target and test target of one split, counted from 0."""
    file = f"SameCategory_{source}-{target}_20RandomTrials_10Categories.mat"
    content = load_mat(f"office_caltech10_splits/{file}")
    train, test = content["train"][0, 0], content["test"][0, 0]
    fields = train["source"], train["target"], test["target"]
    return [field[0, split].ravel().astype(np.int64) - 1 for field in fields]


def load_mnist_usps(source="mnist", target="usps", *, return_X_y_domain=False):
    """Load 2000 digits of MNIST and 1800 of USPS as 256 features.

    Parameters
    ----------
    source, target : {"mnist", "usps"}
        Which is the source.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (3800, 256) float64 in [0, 1], ``y`` 1 to 10 (digit + 1), ``sample_domain`` (0 source,
        -1 target), ``labeled_target``, ``test``, ``feature_names``, ``target_names`` (the digit of
        y = 1, 2, ...), ``domain_names``, ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        Unknown or equal domains, or a file with another content.
    OSError, ImportError
        The file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_mnist_usps
    >>> X, y, sample_domain = load_mnist_usps(return_X_y_domain=True)  # doctest: +SKIP
    >>> X.shape, (sample_domain >= 0).sum()  # doctest: +SKIP
    ((3800, 256), 2000)
    """
    check_pair(source, target, ("mnist", "usps"))
    return _two_domain_file(
        "digits_mnist_usps/MNIST_vs_USPS.mat",
        ("mnist", "usps"),
        source,
        target,
        _MNIST_DESCR,
        [str(digit) for digit in range(10)],
        return_X_y_domain,
    )


def load_coil20(source="coil1", target="coil2", *, return_X_y_domain=False):
    """Load the 1440 views of twenty objects as 1024 features, in two domains of view.

    Parameters
    ----------
    source, target : {"coil1", "coil2"}
        Which is the source.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (1440, 1024) float64 in [0, 1], ``y`` 1 to 20, ``sample_domain`` (0 source, -1
        target), ``labeled_target``, ``test``, ``feature_names``, ``target_names``,
        ``domain_names``, ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        Unknown or equal domains, or a file with another content.
    OSError, ImportError
        The file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_coil20
    >>> load_coil20("coil2", "coil1").X.shape  # doctest: +SKIP
    (1440, 1024)
    """
    check_pair(source, target, ("coil1", "coil2"))
    return _two_domain_file(
        "coil20/COIL_1.mat",
        ("coil1", "coil2"),
        source,
        target,
        _COIL_DESCR,
        [f"object {number}" for number in range(1, 21)],
        return_X_y_domain,
    )


def _two_domain_file(path, stored, source, target, descr, target_names, return_X_y_domain):
    """Both domains of a file with X_src, Y_src, X_tar, Y_tar (features in rows)."""
    content = load_mat(path)
    keys = dict(zip(stored, ("src", "tar"), strict=True))
    parts = []
    for domain, name in ((0, source), (-1, target)):
        X = np.ascontiguousarray(content[f"X_{keys[name]}"].T, dtype=np.float64)
        parts.append((domain, X, content[f"Y_{keys[name]}"].ravel().astype(np.int64)))
    return domain_bunch(
        parts,
        {0: source, -1: target},
        descr=descr,
        return_X_y_domain=return_X_y_domain,
        feature_names=[f"pixel_{j}" for j in range(parts[0][1].shape[1])],
        target_names=target_names,
    )
