"""Shifts of one density with the analytic ratio: covariate shift and label shift."""

from functools import partial

import numpy as np
from scipy.special import expit, softmax
from sklearn.utils import Bunch, check_random_state

from skransfer.datasets._common import (
    check_count,
    check_positive,
    check_task,
    feature_vector,
    stack_parts,
)

__all__ = ["make_covariate_shift", "make_label_shift"]


def make_covariate_shift(
    n_source=200,
    n_target=200,
    n_features=2,
    *,
    shift=1.0,
    scale=0.5,
    task="classification",
    n_classes=2,
    noise=0.1,
    return_ratio=False,
    as_bunch=False,
    random_state=None,
):
    r"""Gaussian source and target with the same p(y | x) and a known density ratio.

    .. math:: x_s \sim N(0, I), \qquad x_t \sim N(m, \mathrm{diag}(s^2)), \qquad
        f(x) = u^3 - u, \quad u = d^{-1/2} \textstyle\sum_j x_j

    Regression: ``y = f(x) + noise * e`` with e standard normal. Classification: the same score
    with e standard logistic, cut at ``n_classes - 1`` equally spaced thresholds in (-1, 1) (at 0
    for two classes). The cubic is that of Shimodaira, *Improving predictive inference under
    covariate shift by weighting the log-likelihood function*, JSPI 2000, along the diagonal: a
    linear model is wrong for it, which is when weighting can help.

    Parameters
    ----------
    n_source, n_target : int, default=200
        Numbers of rows.
    n_features : int, default=2
        Number of features d.
    shift : float or array of shape (n_features,), default=1.0
        Mean m of the target (a number: of each feature).
    scale : float or array of shape (n_features,), default=0.5
        Standard deviation s of the target's features. From sqrt(2) upwards the weights have no
        finite variance; their variance grows exponentially with the number of features.
    task : {"classification", "regression"}, default="classification"
        Kind of y.
    n_classes : int, default=2
        Number of classes 0, 1, ...; of no account in regression.
    noise : float, default=0.1
        Scale of the label noise; 0 makes y a function of x.
    return_ratio : bool, default=False
        Also return the ratio at every row.
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
    ratio : ndarray of shape (n_source + n_target,)
        p_target(x) / p_source(x). Only with ``return_ratio=True``.
    data : Bunch
        With ``as_bunch=True``, instead of the tuple: these four and the functions of X
        ``density_ratio`` and ``conditional`` (the mean of y, or the class probabilities of shape
        (n_rows, n_classes)).

    Raises
    ------
    ValueError, TypeError
        An argument is out of range; the message names it.

    Notes
    -----
    Time and memory O((n_source + n_target) n_features).

    Examples
    --------
    >>> from skransfer.datasets import make_covariate_shift
    >>> X, y, sample_domain, ratio = make_covariate_shift(
    ...     300, 100, shift=0.5, return_ratio=True, random_state=0
    ... )
    >>> X.shape, y.shape, sample_domain[[0, -1]]
    ((400, 2), (400,), array([ 0, -1]))
    >>> bool(abs(ratio[:300].mean() - 1) < 0.2)
    True
    """
    check_count(n_source, "n_source")
    check_count(n_target, "n_target")
    check_count(n_features, "n_features")
    check_task(task, n_classes)
    noise = check_positive(noise, "noise", zero_allowed=True)
    mean = feature_vector(shift, "shift", n_features)
    std = feature_vector(scale, "scale", n_features, positive=True)
    rng = check_random_state(random_state)
    Xs = rng.standard_normal((n_source, n_features))
    Xt = mean + std * rng.standard_normal((n_target, n_features))
    parts = [(k, X, _draw_y(X, task, n_classes, noise, rng)) for k, X in ((0, Xs), (-1, Xt))]
    X, y, sample_domain = stack_parts(parts)
    density_ratio = partial(_gaussian_ratio, mean=mean, std=std)
    if as_bunch:
        if task == "regression":
            conditional = _cubic
        else:
            conditional = partial(_ordinal_probabilities, n_classes=n_classes, noise=noise)
        return Bunch(
            X=X,
            y=y,
            sample_domain=sample_domain,
            ratio=density_ratio(X),
            density_ratio=density_ratio,
            conditional=conditional,
        )
    return (X, y, sample_domain, density_ratio(X)) if return_ratio else (X, y, sample_domain)


def _gaussian_ratio(X, mean, std):
    """N(mean, std^2) / N(0, I) at the rows of X."""
    log_ratio = 0.5 * X**2 - 0.5 * ((X - mean) / std) ** 2 - np.log(std)
    return np.exp(log_ratio.sum(axis=1))


def _cubic(X):
    """The regression function u^3 - u along the diagonal."""
    u = X.sum(axis=1) / np.sqrt(X.shape[1])
    return u**3 - u


def _thresholds(n_classes):
    return np.linspace(-1, 1, n_classes + 1)[1:-1]


def _draw_y(X, task, n_classes, noise, rng):
    """Labels from the conditional that both domains share."""
    if task == "regression":
        return _cubic(X) + noise * rng.standard_normal(len(X))
    score = _cubic(X) + noise * rng.logistic(size=len(X))
    return np.searchsorted(_thresholds(n_classes), score, side="left").astype(np.int64)


def _ordinal_probabilities(X, n_classes, noise):
    """p(y = k | x) of the cut noisy score, shape (n_rows, n_classes)."""
    gap = _thresholds(n_classes)[None, :] - _cubic(X)[:, None]
    below = expit(gap / noise) if noise > 0 else (gap >= 0).astype(np.float64)
    ends = np.zeros((len(X), 1)), np.ones((len(X), 1))
    return np.diff(np.hstack([ends[0], below, ends[1]]), axis=1)


def make_label_shift(
    n_source=200,
    n_target=200,
    n_features=2,
    *,
    n_classes=2,
    source_prior=None,
    target_prior=None,
    class_sep=2.0,
    return_ratio=False,
    as_bunch=False,
    random_state=None,
):
    r"""Gaussian classes whose frequencies differ between the domains; p(x | y) is one.

    .. math:: y \sim \pi, \qquad x \mid y \sim N(\mu_y, I)

    The means :math:`\mu_k` lie on a circle in the first two features (for one feature: on a
    line), neighbors ``class_sep`` apart.

    Parameters
    ----------
    n_source, n_target : int, default=200
        Numbers of rows.
    n_features : int, default=2
        Number of features; those beyond the second carry no class.
    n_classes : int, default=2
        Number of classes 0, 1, ...
    source_prior : array of shape (n_classes,), default=None
        Class probabilities of the source; None is uniform.
    target_prior : array of shape (n_classes,), default=None
        Class probabilities of the target; None is proportional to (1, 4, 9, ...).
    class_sep : float, default=2.0
        Distance of neighboring class means, in standard deviations.
    return_ratio : bool, default=False
        Also return the ratio of the class priors at every row.
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
    ratio : ndarray of shape (n_source + n_target,)
        ``target_prior[y] / source_prior[y]``. Only with ``return_ratio=True``.
    data : Bunch
        With ``as_bunch=True``, instead of the tuple: these four, ``source_prior``,
        ``target_prior``, ``class_ratio`` (n_classes,), ``means`` (n_classes, n_features) and
        ``posterior(X, prior)``, the exact class probabilities under a prior.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or a prior does not sum to 1; the message names it.

    Notes
    -----
    The setting of Saerens, Latinne and Decaestecker, *Adjusting the outputs of a classifier to
    new a priori probabilities*, Neural Computation 2002. O((n_source + n_target) n_features).

    Examples
    --------
    >>> from skransfer.datasets import make_label_shift
    >>> X, y, sample_domain, ratio = make_label_shift(
    ...     target_prior=[0.1, 0.9], return_ratio=True, random_state=0
    ... )
    >>> sorted(set(ratio.round(3).tolist()))
    [0.2, 1.8]
    """
    check_count(n_source, "n_source")
    check_count(n_target, "n_target")
    check_count(n_features, "n_features")
    check_count(n_classes, "n_classes", minimum=2)
    check_positive(class_sep, "class_sep")
    source_prior = _check_prior(source_prior, "source_prior", np.ones(n_classes))
    target_prior = _check_prior(target_prior, "target_prior", np.arange(1.0, n_classes + 1) ** 2)
    rng = check_random_state(random_state)
    means = _class_means(n_classes, n_features, class_sep)
    parts = []
    for domain, prior, n_rows in ((0, source_prior, n_source), (-1, target_prior, n_target)):
        y = rng.choice(n_classes, size=n_rows, p=prior).astype(np.int64)
        parts.append((domain, means[y] + rng.standard_normal((n_rows, n_features)), y))
    X, y, sample_domain = stack_parts(parts)
    class_ratio = target_prior / source_prior
    if as_bunch:
        return Bunch(
            X=X,
            y=y,
            sample_domain=sample_domain,
            ratio=class_ratio[y],
            source_prior=source_prior,
            target_prior=target_prior,
            class_ratio=class_ratio,
            means=means,
            posterior=partial(_gaussian_posterior, means=means),
        )
    return (X, y, sample_domain, class_ratio[y]) if return_ratio else (X, y, sample_domain)


def _check_prior(prior, name, default):
    """Class probabilities, all positive (a class without source rows has no ratio)."""
    if prior is None:
        return default / default.sum()
    prior = np.asarray(prior, dtype=np.float64)
    if prior.shape != default.shape:
        raise ValueError(
            f"{name} has shape {prior.shape}; expected one value a class {default.shape}"
        )
    if not np.all(prior > 0) or not np.isclose(prior.sum(), 1.0):
        raise ValueError(f"{name} must be positive and sum to 1, got {prior.tolist()}")
    return prior / prior.sum()


def _class_means(n_classes, n_features, class_sep):
    """Means on a circle of the first two features, or on a line."""
    means = np.zeros((n_classes, n_features))
    if n_features == 1:
        means[:, 0] = class_sep * (np.arange(n_classes) - (n_classes - 1) / 2)
        return means
    radius = class_sep / (2 * np.sin(np.pi / n_classes))
    angle = 2 * np.pi * np.arange(n_classes) / n_classes
    means[:, 0], means[:, 1] = radius * np.cos(angle), radius * np.sin(angle)
    return means


def _gaussian_posterior(X, prior, means):
    """Exact p(y | x) for unit-covariance Gaussian classes under ``prior``."""
    logits = X @ means.T - 0.5 * np.sum(means**2, axis=1) + np.log(prior)
    return softmax(logits, axis=1)
