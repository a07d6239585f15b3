"""Shifts of structure: a rotated informative subspace, and a changed concept."""

import numpy as np
from sklearn.utils import Bunch, check_random_state, check_scalar

from skransfer.datasets._common import (
    check_count,
    check_positive,
    check_task,
    feature_vector,
    gaussian_softmax,
    stack_parts,
)

__all__ = ["make_concept_shift", "make_subspace_shift"]


def make_subspace_shift(
    n_source=200,
    n_target=200,
    n_features=10,
    *,
    n_informative=2,
    n_classes=2,
    angle=60.0,
    nuisance=2.5,
    class_sep=4.0,
    noise=0.1,
    as_bunch=False,
    random_state=None,
):
    r"""Classes in a low-dimensional subspace that is turned between the domains.

    .. math:: x_D = B_D (\mu_y + e) + \nu N_D z + \sigma \varepsilon, \qquad D \in \{s, t\}

    with e, z and :math:`\varepsilon` standard normal, :math:`B_D` an orthonormal basis of the
    domain's informative subspace and :math:`N_D` one of its nuisance subspace, orthogonal to it.
    The target's pair is the source's, turned by ``angle`` in each of the ``n_informative`` planes
    that a column of :math:`B_s` and its column of :math:`N_s` span:
    :math:`B_t = \cos\theta B_s + \sin\theta N_s`,
    :math:`N_t = \cos\theta N_s - \sin\theta B_s`. So all principal angles between
    :math:`B_s` and :math:`B_t` equal ``angle``, nuisance of the target lies where a source model
    looks, and in the coordinates of its own basis each domain has the same classes: aligning the
    bases undoes the shift.

    Parameters
    ----------
    n_source, n_target : int, default=200
        Numbers of rows.
    n_features : int, default=10
        Number of features, at least ``2 * n_informative``.
    n_informative : int, default=2
        Dimension of the informative subspace.
    n_classes : int, default=2
        Number of classes, drawn uniformly; at most ``2 * n_informative``.
    angle : float, default=60.0
        Principal angles between the informative subspaces in degrees, 0 to 90.
    nuisance : float, default=2.5
        Standard deviation in the nuisance subspace (0: none).
    class_sep : float, default=4.0
        Length of the class means: class ``2 j`` lies at plus, ``2 j + 1`` at minus ``class_sep``
        on axis j of the subspace, in standard deviations of e.
    noise : float, default=0.1
        Standard deviation of the noise in every feature.
    as_bunch : bool, default=False
        Return a Bunch with everything that is known.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.

    Returns
    -------
    X : ndarray of shape (n_source + n_target, n_features), float64
        Source rows, then target rows.
    y : ndarray of shape (n_source + n_target,), int64
        True classes of all rows.
    sample_domain : ndarray of shape (n_source + n_target,), int64
        0 for source rows, -1 for target rows.
    data : Bunch
        With ``as_bunch=True``, instead of the tuple: these three, and the bases
        ``source_basis``, ``target_basis``, ``source_nuisance``, ``target_nuisance``, each of
        shape (n_features, n_informative).

    Raises
    ------
    ValueError, TypeError
        An argument is out of range; the message names it.

    Notes
    -----
    The setting of Fernando, Habrard, Sebban and Tuytelaars, *Unsupervised visual domain
    adaptation using subspace alignment*, ICCV 2013. Time O(n_features^2 n_informative +
    (n_source + n_target) n_features n_informative).

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.linalg import subspace_angles
    >>> from skransfer.datasets import make_subspace_shift
    >>> data = make_subspace_shift(angle=30, as_bunch=True, random_state=0)
    >>> data.X.shape
    (400, 10)
    >>> np.rad2deg(subspace_angles(data.source_basis, data.target_basis)).round(6)
    array([30., 30.])
    """
    check_count(n_source, "n_source")
    check_count(n_target, "n_target")
    check_count(n_informative, "n_informative")
    check_count(n_classes, "n_classes", minimum=2)
    if n_classes > 2 * n_informative:
        raise ValueError(
            f"n_classes={n_classes} needs n_informative >= {-(-n_classes // 2)} "
            f"(two classes an axis), got n_informative={n_informative}"
        )
    check_count(n_features, "n_features", minimum=2 * n_informative)
    check_scalar(angle, "angle", (int, float, np.number), min_val=0, max_val=90)
    check_positive(nuisance, "nuisance", zero_allowed=True)
    check_positive(class_sep, "class_sep", zero_allowed=True)
    check_positive(noise, "noise", zero_allowed=True)
    rng = check_random_state(random_state)
    k = n_informative
    axes, _ = np.linalg.qr(rng.standard_normal((n_features, 2 * k)))
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    B, N = axes[:, :k], axes[:, k:]
    bases, rest = (B, cos * B + sin * N), (N, cos * N - sin * B)
    means = _axis_means(n_classes, k, class_sep)
    parts = []
    for domain, n_rows, basis, other in zip(
        (0, -1), (n_source, n_target), bases, rest, strict=True
    ):
        y = rng.randint(n_classes, size=n_rows).astype(np.int64)
        X = (means[y] + rng.standard_normal((n_rows, k))) @ basis.T
        X += nuisance * rng.standard_normal((n_rows, k)) @ other.T
        X += noise * rng.standard_normal((n_rows, n_features))
        parts.append((domain, X, y))
    X, y, sample_domain = stack_parts(parts)
    if not as_bunch:
        return X, y, sample_domain
    return Bunch(
        X=X,
        y=y,
        sample_domain=sample_domain,
        source_basis=bases[0],
        target_basis=bases[1],
        source_nuisance=rest[0],
        target_nuisance=rest[1],
    )


def _axis_means(n_classes, n_axes, class_sep):
    """Class means at both ends of the axes."""
    means = np.zeros((n_classes, n_axes))
    k = np.arange(n_classes)
    means[k, k // 2] = np.where(k % 2 == 0, class_sep, -class_sep)
    return means


def make_concept_shift(
    n_source=200,
    n_target=200,
    n_features=2,
    *,
    task="classification",
    angle=45.0,
    delta=1.0,
    n_classes=2,
    noise=0.1,
    return_coef=False,
    as_bunch=False,
    random_state=None,
):
    r"""The same p(x) = N(0, I) in both domains and a conditional that differs by a known amount.

    Classification: :math:`p(y = k \mid x) \propto \exp(w_k^T x / \mathrm{noise})` with unit
    directions :math:`w_k` equally spaced on the circle of the first two features; the target's
    are turned by ``angle`` degrees. Without noise the two concepts disagree with probability
    ``n_classes * angle / 360`` exactly (for angles up to ``360 / n_classes``). Regression:
    ``y = x @ coef + noise * e``, with ``coef_target = coef_source + delta``.

    Parameters
    ----------
    n_source, n_target : int, default=200
        Numbers of rows.
    n_features : int, default=2
        Number of features, at least 2 for classification.
    task : {"classification", "regression"}, default="classification"
        Kind of y.
    angle : float, default=45.0
        Turn of the decision boundaries in degrees, 0 to 180; of no account in regression.
    delta : float or array of shape (n_features,), default=1.0
        Change of the coefficients; a number is the length of a change in a random direction. Of
        no account in classification.
    n_classes : int, default=2
        Number of classes; of no account in regression.
    noise : float, default=0.1
        Scale of the label noise; 0 makes y a function of x.
    return_coef : bool, default=False
        Also return both domains' coefficients.
    as_bunch : bool, default=False
        Return a Bunch with everything that is known.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.

    Returns
    -------
    X : ndarray of shape (n_source + n_target, n_features), float64
        Source rows, then target rows.
    y : ndarray of shape (n_source + n_target,)
        True labels of all rows, int64 or float64.
    sample_domain : ndarray of shape (n_source + n_target,), int64
        0 for source rows, -1 for target rows.
    coef : ndarray of shape (2, n_features) or (2, n_classes, n_features)
        Coefficients of the source, then of the target. Only with ``return_coef=True``.
    data : Bunch
        With ``as_bunch=True``, instead of the tuple: the three, ``source_coef``,
        ``target_coef``, ``delta`` (their difference) and, for classification,
        ``disagreement``, the probability above (NaN for larger angles).

    Raises
    ------
    ValueError, TypeError
        An argument is out of range; the message names it.

    Notes
    -----
    Time and memory O((n_source + n_target) n_features).

    Examples
    --------
    >>> from skransfer.datasets import make_concept_shift
    >>> X, y, sample_domain, coef = make_concept_shift(
    ...     task="regression", delta=[0.0, 2.0], return_coef=True, random_state=0
    ... )
    >>> (coef[1] - coef[0]).round(6)
    array([0., 2.])
    >>> make_concept_shift(angle=45, as_bunch=True, random_state=0).disagreement
    0.25
    """
    check_count(n_source, "n_source")
    check_count(n_target, "n_target")
    check_task(task, n_classes)
    check_count(n_features, "n_features", minimum=1 if task == "regression" else 2)
    check_scalar(angle, "angle", (int, float, np.number), min_val=0, max_val=180)
    noise = check_positive(noise, "noise", zero_allowed=True)
    rng = check_random_state(random_state)
    if task == "regression":
        coefs = _coefficients(delta, n_features, rng)
    else:
        coefs = [_directions(n_classes, n_features, turn) for turn in (0.0, angle)]
    parts = []
    for domain, n_rows, coef in zip((0, -1), (n_source, n_target), coefs, strict=True):
        X = rng.standard_normal((n_rows, n_features))
        if task == "regression":
            y = X @ coef + noise * rng.standard_normal(n_rows)
        else:
            y = gaussian_softmax(X @ coef.T, noise, rng)
        parts.append((domain, X, y))
    X, y, sample_domain = stack_parts(parts)
    if not as_bunch:
        return (X, y, sample_domain, np.stack(coefs)) if return_coef else (X, y, sample_domain)
    data = Bunch(
        X=X,
        y=y,
        sample_domain=sample_domain,
        source_coef=coefs[0],
        target_coef=coefs[1],
        delta=coefs[1] - coefs[0],
    )
    if task == "classification":
        share = n_classes * angle / 360
        data.disagreement = share if share <= 1 else np.nan
    return data


def _coefficients(delta, n_features, rng):
    """Random unit coefficients of the source and those of the target, ``delta`` away."""
    source = rng.standard_normal(n_features)
    source /= np.linalg.norm(source)
    change = feature_vector(delta, "delta", n_features)
    if np.ndim(delta) == 0:
        direction = rng.standard_normal(n_features)
        change = float(delta) * direction / np.linalg.norm(direction)
    return [source, source + change]


def _directions(n_classes, n_features, turn):
    """Unit directions of the classes on the circle of the first two features."""
    angles = 2 * np.pi * np.arange(n_classes) / n_classes + np.deg2rad(turn)
    directions = np.zeros((n_classes, n_features))
    directions[:, 0], directions[:, 1] = np.cos(angles), np.sin(angles)
    return directions
