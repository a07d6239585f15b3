"""How useful a fitted model is for a new task, judged by its outputs on labeled target rows."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import type_of_target

from skransfer.base.labels import label_array, missing_labels
from skransfer.solvers import transferability as solvers

__all__ = ["h_score", "leep_score", "logme_score", "nce_score"]


def leep_score(
    proba_source: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    r"""LEEP: log expected empirical prediction of target labels by a source classifier.

    .. math:: \frac1n \sum_i \log \sum_z \hat P(y_i \mid z)\, \theta(x_i)_z

    with the probabilities :math:`\theta` that the source gives to its own classes z, which need
    not be those of the target, and the share :math:`\hat P(y \mid z)` of the labels among the rows
    of class z [1]_. Greater is better.

    Parameters
    ----------
    proba_source : array-like of shape (n_samples, n_source_classes)
        ``source.predict_proba`` of labeled target rows.
    y : array-like of shape (n_samples,)
        Their labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        At most 0. The negative entropy of the labels where the source says nothing; 0 where its
        classes tell the labels.

    Raises
    ------
    ValueError
        If a row of ``proba_source`` is no distribution, or a label is unknown.

    See Also
    --------
    nce_score : The same for predicted classes.

    Notes
    -----
    Optimistic where the source has as many classes as there are rows.

    References
    ----------
    .. [1] C. Nguyen, T. Hassner, M. Seeger, C. Archambeau. LEEP: a new measure to evaluate
       transferability of learned representations. ICML, 2020.

    Examples
    --------
    >>> from skransfer.metrics import leep_score
    >>> leep_score([[1, 0], [0, 1], [0, 1]], ["cat", "dog", "dog"])
    0.0
    >>> round(leep_score([[0.5, 0.5], [0.5, 0.5]], ["cat", "dog"]), 4)
    -0.6931
    """
    proba = check_array(proba_source, input_name="proba_source")
    return solvers.leep(proba, _codes(y, proba), _weights(sample_weight, proba))


def nce_score(z: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Negative conditional entropy -H(y | z) of target labels, given a source's predictions.

    In natural units [1]_. Greater is better.

    Parameters
    ----------
    z : array-like of shape (n_samples,)
        ``source.predict`` of labeled target rows, or their labels in another task.
    y : array-like of shape (n_samples,)
        Their labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        At most 0, and 0 where z determines y.

    Raises
    ------
    ValueError
        If the lengths differ, or a label is unknown.

    See Also
    --------
    leep_score : The same for probabilities.

    References
    ----------
    .. [1] A. Tran, C. Nguyen, T. Hassner. Transferability and hardness of supervised
       classification tasks. ICCV, 2019.

    Examples
    --------
    >>> from skransfer.metrics import nce_score
    >>> nce_score([0, 0, 1, 2], ["cat", "cat", "dog", "dog"])
    0.0
    """
    states = np.unique(column_or_1d(z), return_inverse=True)[1]
    return solvers.nce(states, _codes(y, states), _weights(sample_weight, states))


def logme_score(
    features: ArrayLike,
    y: ArrayLike,
    *,
    task: str = "auto",
    center: bool = False,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""LogME: log maximum evidence of a Bayesian linear model of labels on features, per row.

    .. math:: \max_{\alpha, \beta} \tfrac1n \log \mathcal{N}\bigl(y; 0,\; \beta^{-1} I
        + \alpha^{-1} F F^\top\bigr)

    averaged over the outputs or, for classes, their indicators [1]_. Greater is better.

    Parameters
    ----------
    features : array-like of shape (n_samples, n_features)
        What a source model makes of labeled target rows, such as the output of
        :class:`skransfer.FrozenFeatures`.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their labels.
    task : {"auto", "classification", "regression"}, default="auto"
        How to read y. "auto": numbers that are not all whole, and two dimensions, are a
        regression.
    center : bool, default=False
        Subtract means first, as for a model with an intercept. The paper does not.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows; an integer equals a repetition.

    Returns
    -------
    float
        Infinite where fewer features than rows explain a label exactly.

    Raises
    ------
    ValueError
        If the lengths differ, a label is unknown, or ``task`` is.

    See Also
    --------
    h_score : Correlation of features and classes.

    Notes
    -----
    :math:`O(n d \min(n, d))`. The maximum is found on a line instead of by the fixed point of the
    paper; values of its published code differ if there are more features than rows, where that
    leaves out a term.

    References
    ----------
    .. [1] K. You, Y. Liu, J. Wang, M. Long. LogME: practical assessment of pre-trained models for
       transfer learning. ICML, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.metrics import logme_score
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 3))
    >>> y = X[:, 0] + 0.5 * rng.normal(size=50)
    >>> logme_score(X[:, :2], y) > logme_score(X[:, 1:], y)
    True
    """
    F = check_array(features, input_name="features")
    if task not in ("auto", "classification", "regression"):
        raise ValueError(f'task={task!r}: choose "auto", "classification" or "regression".')
    if task == "auto":
        regression = np.ndim(y) == 2 or type_of_target(y).startswith("continuous")
        task = "regression" if regression else "classification"
    if task == "regression":
        Y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(F, Y)
    else:
        codes = _codes(y, F)
        Y = np.eye(codes.max() + 1)[codes]
    return solvers.logme(F, Y, center=center, sample_weight=_weights(sample_weight, F))


def h_score(
    features: ArrayLike,
    y: ArrayLike,
    *,
    shrinkage: float | str | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""H-score: variance of features between classes, in units of their variance.

    .. math:: \mathrm{tr}\bigl(\mathrm{cov}(F)^+ \, \mathrm{cov}(E[F \mid y])\bigr)

    the sum of the squared canonical correlations of features and classes [1]_. Greater is better.

    Parameters
    ----------
    features : array-like of shape (n_samples, n_features)
        What a source model makes of labeled target rows.
    y : array-like of shape (n_samples,)
        Their labels, taken as classes.
    shrinkage : float, "ledoit_wolf" or None, default=None
        Part of the covariance that is replaced by a multiple of the identity [2]_, for features
        that are many beside the rows; None is 0, "ledoit_wolf" takes it from the features.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows; not with "ledoit_wolf".

    Returns
    -------
    float
        From 0 to the smaller of n_features and the number of classes less 1.

    Raises
    ------
    ValueError
        If the lengths differ, a label is unknown, or ``shrinkage`` is malformed.

    See Also
    --------
    logme_score : Evidence of a linear model, which does not grow with useless features.

    References
    ----------
    .. [1] Y. Bao, Y. Li, S.-L. Huang, L. Zhang, L. Zheng, A. Zamir, L. Guibas. An
       information-theoretic approach to transferability in task transfer learning. ICIP, 2019.
    .. [2] S. Ibrahim, N. Ponomareva, R. Mazumder. Newer is not always better: rethinking
       transferability metrics, their peculiarities, stability and performance. ECML PKDD, 2022.

    Examples
    --------
    >>> from skransfer.metrics import h_score
    >>> round(h_score([[0, 1], [0, -1], [1, 1], [1, -1]], ["a", "a", "b", "b"]), 6)
    1.0
    """
    F = check_array(features, dtype=np.float64, input_name="features")
    if shrinkage == "ledoit_wolf":
        if sample_weight is not None:
            raise ValueError('shrinkage="ledoit_wolf" knows no sample_weight: give a number.')
        amount = float(ledoit_wolf_shrinkage(F))
    elif shrinkage is None:
        amount = 0.0
    elif isinstance(shrinkage, Real) and 0 <= shrinkage <= 1:
        amount = float(shrinkage)
    else:
        raise ValueError(
            f'shrinkage={shrinkage!r}: choose a number from 0 to 1, "ledoit_wolf" or None.'
        )
    weights = _weights(sample_weight, F)
    return solvers.h_score(F, _codes(y, F), shrinkage=amount, sample_weight=weights)


def _codes(y: Any, rows: Any) -> NDArray[np.intp]:
    """Labels as 0, 1, ..."""
    labels = label_array(y)
    check_consistent_length(rows, labels)
    labels = column_or_1d(labels)
    if missing_labels(labels).any():
        raise ValueError("y has unknown labels; score labeled rows alone.")
    return np.unique(labels, return_inverse=True)[1]


def _weights(sample_weight: Any, rows: Any) -> NDArray[np.float64] | None:
    if sample_weight is None:
        return None
    check_consistent_length(rows, sample_weight)
    return np.asarray(sample_weight, dtype=np.float64)
