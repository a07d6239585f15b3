"""Real rows from scikit-learn's own data with a shift that is made, hence known."""

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.utils import check_random_state, check_scalar

from skransfer.datasets._common import check_name, check_positive, domain_bunch

__all__ = ["load_biased_breast_cancer", "load_biased_diabetes", "load_rotated_digits"]

_NUMBER = (int, float, np.number)

_DIGITS_DESCR = """Rotated digits
==============
8 x 8 gray images of handwritten digits from scikit-learn's ``load_digits`` (1797 images, UCI
"Optical Recognition of Handwritten Digits", CC BY 4.0), gray values 0 to 16 as they stand. The
source rows are the first half; the target rows are the *other* half, turned counterclockwise and
rescaled about the center of the image with linear interpolation. No image is in both domains.
"""

_CANCER_DESCR = """Breast cancer under a selection bias
====================================
Breast Cancer Wisconsin (Diagnostic) from scikit-learn's ``load_breast_cancer`` (569 rows, 30
features, UCI, CC BY 4.0), raw values; 0 malignant, 1 benign. A random part of the rows is the
pool, the rest is the target. Each row of the pool becomes a source row with the known probability
``selection_probability``, so p_target / p_source is mean(selection_probability) /
selection_probability at every row.

Protocol: Huang, Smola, Gretton, Borgwardt and Schoelkopf, "Correcting sample selection bias by
unlabeled data", NIPS 2006, breast cancer experiment: one quarter pool, three quarters target, 30
random splits (here random_state = 0, ..., 29). The paper has the *Original* Wisconsin data with
nine integer features from 0 to 9; here each feature is mapped linearly onto 0 to 9 before the
selection rules are applied, and the center of the joint rule is the mean of all rows. The numbers
of the paper can therefore not be compared with results on this set.
"""

_DIABETES_DESCR = """Diabetes under a selection bias
===============================
scikit-learn's ``load_diabetes`` (442 rows, 10 features; Efron, Hastie, Johnstone and Tibshirani,
"Least angle regression", 2004), scaled as scikit-learn ships it; y is the disease progression
after one year. A random part of the rows is the pool, the rest is the target. Each row of the pool
becomes a source row with the known probability ``selection_probability``, so p_target / p_source
is mean(selection_probability) / selection_probability at every row.

Rules: "projection" of Cortes, Mohri, Riley and Rostamizadeh, "Sample selection bias correction
theory", ALT 2008; "principal" of Huang et al., NIPS 2006.
"""


def load_rotated_digits(angle=30.0, scale=1.0, *, random_state=None, return_X_y_domain=False):
    """Handwritten digits upright (source) and turned and rescaled (target).

    Parameters
    ----------
    angle : float, default=30.0
        Turn of the target images in degrees, counterclockwise.
    scale : float, default=1.0
        Magnification of the target images; pixels from outside the image are 0.
    random_state : int, RandomState instance or None, default=None
        Seed of the split into source and target images. None keeps the order of the file: first
        half source, second half target, without any randomness.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (1797, 64) float64, ``y`` (1797,) the digit, ``sample_domain`` (0 for the 898 source
        rows, then -1 for the 899 target rows), ``rows`` (row in ``load_digits`` of each row),
        ``feature_names``, ``target_names``, ``labeled_target``, ``test``, ``domain_names``,
        ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError, TypeError
        ``angle`` is not a finite number or ``scale`` not a positive one.

    Examples
    --------
    >>> from skransfer.datasets import load_rotated_digits
    >>> data = load_rotated_digits(angle=45)
    >>> data.X.shape, data.source_name, data.target_name
    ((1797, 64), 'upright', 'rotated by 45, scaled by 1')
    """
    check_scalar(angle, "angle", _NUMBER)
    if not np.isfinite(angle):
        raise ValueError(f"angle == {angle}, must be finite.")
    scale = check_positive(scale, "scale")
    digits = load_digits()
    rows = np.arange(len(digits.target))
    if random_state is not None:
        rows = check_random_state(random_state).permutation(rows)
    source, target = np.split(rows, [len(rows) // 2])
    turned = _turn_images(digits.images[target], angle, scale)
    parts = [
        (0, digits.data[source], digits.target[source]),
        (-1, turned.reshape(len(target), -1), digits.target[target]),
    ]
    return domain_bunch(
        parts,
        {0: "upright", -1: f"rotated by {angle:g}, scaled by {scale:g}"},
        descr=_DIGITS_DESCR,
        return_X_y_domain=return_X_y_domain,
        feature_names=list(digits.feature_names),
        target_names=[str(name) for name in digits.target_names],
        rows=rows,
    )


def _turn_images(images, angle, scale):
    """Turn and magnify images of shape (n, side, side) about their center."""
    from scipy.ndimage import affine_transform

    turn = np.deg2rad(angle)
    cos, sin = np.cos(turn), np.sin(turn)
    # output pixel -> input pixel, in (row, column) coordinates: the inverse turn over the scale
    inverse = np.array([[cos, sin], [-sin, cos]]) / scale
    center = (np.array(images.shape[1:]) - 1) / 2
    offset = center - inverse @ center
    # "grid-constant" interpolates to zero at the border; "constant" would cut border pixels off
    # whose coordinate leaves the grid by a rounding error
    turned = [
        affine_transform(image, inverse, offset=offset, order=1, mode="grid-constant")
        for image in images
    ]
    return np.stack(turned)


def load_biased_breast_cancer(
    scheme="joint",
    *,
    feature=0,
    train_size=0.25,
    random_state=0,
    return_X_y_domain=False,
):
    r"""Breast cancer rows: a source selected with a known bias, an unbiased target.

    Probability of selecting a row, with z the features mapped linearly onto [0, 9]:

    - ``"feature"``: 0.2 if :math:`z_j \le 5`, else 0.8, j = ``feature``;
    - ``"joint"``: :math:`\exp(-\|z - \bar z\|^2 / 20)`, :math:`\bar z` the mean of all rows;
    - ``"label"``: 0.1 for benign, 0.9 for malignant rows (label shift, not covariate shift).

    Parameters
    ----------
    scheme : {"joint", "feature", "label"}, default="joint"
        Rule of selection.
    feature : int, default=0
        Column that ``scheme="feature"`` looks at.
    train_size : float, default=0.25
        Share of the rows in the pool from which the source is selected.
    random_state : int, RandomState instance or None, default=0
        Seed; 0, ..., 29 are the 30 repetitions.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (n_rows, 30) float64, ``y`` (0 malignant, 1 benign), ``sample_domain`` (source rows
        0, then target rows -1), ``selection_probability`` and ``ratio`` (n_rows,), ``rows`` (row
        in ``load_breast_cancer`` of each row), ``feature_names``, ``target_names``,
        ``labeled_target``, ``test``, ``domain_names``, ``source_name``, ``target_name``,
        ``DESCR``.

    Raises
    ------
    ValueError
        An argument is out of range, or the selected source rows lack a class.

    Notes
    -----
    Huang, Smola, Gretton, Borgwardt and Schoelkopf, *Correcting sample selection bias by unlabeled
    data*, NIPS 2006; ``DESCR`` says how this set differs from the paper's.

    Examples
    --------
    >>> from skransfer.datasets import load_biased_breast_cancer
    >>> data = load_biased_breast_cancer("feature", random_state=0)
    >>> sorted(set(data.selection_probability.tolist()))
    [0.2, 0.8]
    >>> int((data.sample_domain < 0).sum())
    427
    """
    raw = load_breast_cancer()
    check_name(scheme, "scheme", ("joint", "feature", "label"))
    n_features = raw.data.shape[1]
    check_scalar(feature, "feature", (int, np.integer), min_val=0, max_val=n_features - 1)
    low, high = raw.data.min(axis=0), raw.data.max(axis=0)
    z = 9 * (raw.data - low) / (high - low)
    if scheme == "feature":
        probability = np.where(z[:, feature] <= 5, 0.2, 0.8)
    elif scheme == "joint":
        probability = np.exp(-np.sum((z - z.mean(axis=0)) ** 2, axis=1) / 20)
    else:
        probability = np.where(raw.target == 1, 0.1, 0.9)
    data = _biased_bunch(
        raw, probability, train_size, check_random_state(random_state), f"{scheme} bias"
    )
    if len(np.unique(data.y[data.sample_domain >= 0])) < 2:
        raise ValueError(
            f"The source selected with random_state={random_state!r} lacks a class; take another "
            f"random_state or a larger train_size than {train_size}"
        )
    data.DESCR = _CANCER_DESCR
    data.target_names = [str(name) for name in raw.target_names]
    return (data.X, data.y, data.sample_domain) if return_X_y_domain else data


def load_biased_diabetes(
    scheme="projection",
    *,
    a=2.0,
    b=2.0,
    train_size=0.5,
    random_state=0,
    return_X_y_domain=False,
):
    r"""Diabetes rows: a source selected with a known bias, an unbiased target.

    Probability of selecting a row x:

    - ``"projection"`` (Cortes et al. 2008): :math:`1 / (1 + e^{-v})` with
      :math:`v = 4 w^T (x - \bar x) / \sigma_{w^T(x - \bar x)}` and w uniform in
      :math:`[-1, 1]^d`;
    - ``"principal"`` (Huang et al. 2006): with t the first principal component, m its minimum and
      :math:`\bar m` its mean, proportional to the normal density of mean
      :math:`m + (\bar m - m) / a` and scale :math:`(\bar m - m) / b`, largest value 1. The
      paper calls the scale a variance; here it is a standard deviation, which makes the rule
      independent of the units.

    Parameters
    ----------
    scheme : {"projection", "principal"}, default="projection"
        Rule of selection.
    a, b : float, default=2.0
        Place and width of ``scheme="principal"``; the paper has its own values for each data set.
    train_size : float, default=0.5
        Share of the rows in the pool from which the source is selected.
    random_state : int, RandomState instance or None, default=0
        Seed; 0, ..., 29 are 30 repetitions.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (n_rows, 10) float64, ``y`` float64, ``sample_domain`` (source rows 0, then target
        rows -1), ``selection_probability`` and ``ratio`` (n_rows,), ``rows`` (row in
        ``load_diabetes`` of each row), ``feature_names``, ``labeled_target``, ``test``,
        ``domain_names``, ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        An argument is out of range, or no row was selected.

    Notes
    -----
    Cortes, Mohri, Riley and Rostamizadeh, *Sample selection bias correction theory*, ALT 2008;
    Huang, Smola, Gretton, Borgwardt and Schoelkopf, NIPS 2006.

    Examples
    --------
    >>> from skransfer.datasets import load_biased_diabetes
    >>> data = load_biased_diabetes(random_state=0)
    >>> data.X.shape[1], int((data.sample_domain < 0).sum())
    (10, 221)
    """
    raw = load_diabetes()
    check_name(scheme, "scheme", ("projection", "principal"))
    a, b = check_positive(a, "a"), check_positive(b, "b")
    rng = check_random_state(random_state)
    centered = raw.data - raw.data.mean(axis=0)
    if scheme == "projection":
        v = centered @ rng.uniform(-1, 1, size=centered.shape[1])
        probability = 1 / (1 + np.exp(-4 * v / v.std()))
    else:
        _, _, axes = np.linalg.svd(centered, full_matrices=False)
        # a principal axis has no sign of its own: its largest entry is made positive
        t = centered @ axes[0] * np.sign(axes[0][np.argmax(np.abs(axes[0]))])
        reach = t.mean() - t.min()
        place, width = t.min() + reach / a, reach / b
        probability = np.exp(-0.5 * ((t - place) / width) ** 2)
        probability /= probability.max()
    data = _biased_bunch(raw, probability, train_size, rng, f"{scheme} bias")
    data.DESCR = _DIABETES_DESCR
    return (data.X, data.y, data.sample_domain) if return_X_y_domain else data


def _biased_bunch(raw, probability, train_size, rng, source_name):
    """Pool and target at random, then the source from the pool with the given probabilities."""
    check_scalar(
        train_size, "train_size", _NUMBER, min_val=0, max_val=1, include_boundaries="neither"
    )
    order = rng.permutation(len(probability))
    pool, target = np.split(order, [round(train_size * len(order))])
    source = pool[rng.uniform(size=len(pool)) < probability[pool]]
    if len(source) == 0 or len(target) == 0:
        raise ValueError(
            f"No source or no target rows are left; change train_size={train_size} or random_state"
        )
    rows = np.concatenate([source, target])
    return domain_bunch(
        [(0, raw.data[source], raw.target[source]), (-1, raw.data[target], raw.target[target])],
        {0: source_name, -1: "unbiased"},
        descr="",
        feature_names=list(raw.feature_names),
        rows=rows,
        selection_probability=probability[rows],
        ratio=probability.mean() / probability[rows],
    )
