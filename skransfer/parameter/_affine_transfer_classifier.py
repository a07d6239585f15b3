"""A source classifier, calibrated for the target."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge, Traits
from skransfer.base.weighting import fit_wrapped
from skransfer.parameter._probabilities import BaseLogitClassifier
from skransfer.parameter._source_outputs import source_logits, union_classes
from skransfer.parameter._target_folds import target_folds, used_rows
from skransfer.solvers.affine import log_loss_rows, scale_logits

__all__ = ["AffineTransferClassifier"]

_FOLDS = 5


class AffineTransferClassifier(BaseLogitClassifier):
    r"""A gain and offsets for the logits of any source classifier: calibration on the target.

    .. math:: p(x) = \mathrm{softmax}(a \circ z_s(x) + b), \qquad
        \min_{a, b} \; \sum_i s_i\, \ell(y_i, p(x_i))
        + \frac{\alpha}{\sum_i s_i} \sum_i s_i\, \ell(p_s(x_i), p(x_i))

    over the labeled target rows, with the logits :math:`z_s` of the source and its probabilities
    :math:`p_s`, the log-loss :math:`\ell` and row weights :math:`s_i`. A few parameters are the
    right model where there are about ten labels, and where the target differs in class frequencies
    or in how sure one can be. A source that says nothing of the target gets :math:`a \approx 0`,
    and the prediction is the frequency of the classes.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source classifier, of any kind: ``FrozenEstimator(model)`` for a fitted one. Its logits
        are those of ``decision_function``, else logarithms of ``predict_proba``, of which the least
        is 0.001 (0.002 / K for K classes). An unfitted estimator, or None for
        ``LogisticRegression()``, is fitted on the source rows, if there are any. Without model and
        source rows this is :class:`sklearn.linear_model.LogisticRegression` on the target rows.
    calibration : {"auto", "temperature", "bcts", "vector"}, default="auto"
        "temperature": one gain for all classes and no offset [2]_. "bcts": one gain, and an offset
        for each class, which is Platt's scaling if there are two [1]_ [3]_. "vector": a gain and an
        offset for each class [2]_. "auto": the one of least log-loss in 5-fold cross-validation on
        the target rows; of equal ones the simplest.
    alpha : float, default=1.0
        Strength of the pull to the source as it is, as a number of rows on which the source itself
        is right. Infinity gives the source. At 0 a few labels that the source separates, or a class
        without labels, leave the problem without a solution.

    Attributes
    ----------
    slope_ : ndarray of shape (n_classes,)
        Gains a of the centered logits.
    offset_ : ndarray of shape (n_classes,)
        Offsets b, with mean 0.
    calibration_ : str
        The kind used.
    source_ : estimator
        The fitted source, which predictions ask.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source and of the labeled target rows. One that the source does not know has
        its offset only.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    AffineTransferRegressor : The same for numbers.
    LogisticTransfer : Changes the coefficients of a linear source, with more labels.
    OffsetBoostingClassifier : Starts here and adds trees.

    Notes
    -----
    Newton's method, O(n K^2) a step for n labeled rows and K classes. Integer weights equal
    repeated rows. A fitted model keeps the source, and no rows.

    References
    ----------
    .. [1] J. Platt. Probabilistic outputs for support vector machines and comparisons to
       regularized likelihood methods. Advances in Large Margin Classifiers, 1999.
    .. [2] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger. On calibration of modern neural networks.
       ICML, 2017.
    .. [3] A. Alexandari, A. Kundaje, A. Shrikumar. Maximum likelihood with bias-corrected
       calibration is hard-to-beat at label shift adaptation. ICML, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skransfer import AffineTransferClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> source = GaussianNB().fit(X, X[:, 0] > 0.0)
    >>> y = X[:, 0] > 1.0  # the second class is rare now
    >>> model = AffineTransferClassifier(source=FrozenEstimator(source)).fit(X[:30], y[:30])
    >>> print(model.calibration_, model.score(X[30:], y[30:]) > source.score(X[30:], y[30:]) + 0.2)
    bcts True
    """

    traits = Traits(
        target_labels="required",
        needs_source=False,
        examples=MappingProxyType({"calibration": ({"calibration": "bcts"}, "temperature")}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "calibration": [StrOptions({"auto", "temperature", "bcts", "vector"})],
        "alpha": [Interval(Real, 0, None, closed="both")],
    }

    def __init__(
        self, *, source: Any = None, calibration: str = "auto", alpha: float = 1.0
    ) -> None:
        self.source = source
        self.calibration = calibration
        self.alpha = alpha

    def _default_source(self) -> Any:
        return LogisticRegression()

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        check_classification_targets(y)
        X, y, sample_weight = used_rows(X, y, sample_weight)
        alpha = float(self.alpha)
        if source.model is None:
            self.source_ = fit_wrapped(self._default_source(), X, y, sample_weight)
            alpha = np.inf
        else:
            self.source_ = source.model
        self.classes_ = union_classes(self.source_, y)
        logits = source_logits(self.source_, X, self.classes_)
        codes = np.searchsorted(self.classes_, y)
        self.calibration_ = self.calibration
        if self.calibration == "auto":
            self.calibration_ = _best_kind(logits, codes, X, alpha, sample_weight)
        fit = scale_logits(
            logits, codes, kind=self.calibration_, alpha=alpha, sample_weight=sample_weight
        )
        self.slope_, self.offset_ = fit.slope, fit.bias

    def _logits(self, X: Any) -> NDArray[np.float64]:
        return source_logits(self.source_, X, self.classes_) * self.slope_ + self.offset_


def _best_kind(
    logits: NDArray[np.float64],
    codes: NDArray[np.intp],
    X: Any,
    alpha: float,
    sample_weight: NDArray[np.float64] | None,
) -> str:
    """Kind of least held-out loss; two classes have no use for two gains."""
    kinds = ("temperature", "bcts", "vector") if logits.shape[1] > 2 else ("temperature", "bcts")
    s = np.ones(len(codes)) if sample_weight is None else sample_weight
    folds = target_folds(X, codes, _FOLDS, classes=True) if np.isfinite(alpha) else []
    losses = dict.fromkeys(kinds, 0.0)
    for train, test in folds:
        for kind in kinds:
            fit = scale_logits(
                logits[train], codes[train], kind=kind, alpha=alpha, sample_weight=s[train]
            )
            held_out = log_loss_rows(logits[test] * fit.slope + fit.bias, codes[test])
            losses[kind] += float(s[test] @ held_out)
    return min(kinds, key=lambda kind: round(losses[kind] / s.sum(), 10))
