"""Boosted classification trees that start from a source model's logits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets

from skransfer.base import Traits
from skransfer.parameter._offset_boosting import EXAMPLES, INERT, BaseOffsetBoosting
from skransfer.parameter._probabilities import BaseLogitClassifier
from skransfer.parameter._source_outputs import source_logits, union_classes
from skransfer.solvers.affine import Affine, scale_logits
from skransfer.solvers.offset_boosting import LogLoss, Loss

__all__ = ["OffsetBoostingClassifier"]


class OffsetBoostingClassifier(BaseOffsetBoosting, BaseLogitClassifier):
    r"""Boosted trees on the target that start from the logits of any source classifier.

    .. math:: F_0(x) = a z_s(x) + b, \qquad F_m(x) = F_{m-1}(x) + \nu\, t_m(x), \qquad
        p(x) = \mathrm{softmax}(F(x)),

    where the trees :math:`t_m`, one for each class or one for two, are grown on the gradient of the
    log-loss of the labeled target rows: gradient boosting [1]_ with the source, calibrated as in
    :class:`AffineTransferClassifier`, in place of the class frequencies. What the trees need not
    learn again, the labels need not tell. The number of stages is that of least log-loss in
    cross-validation, none included.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source classifier, of any kind: ``FrozenEstimator(model)`` for a fitted one. Its logits
        are those of ``decision_function``, which no rounding of probabilities has cut, else
        logarithms of ``predict_proba``, of which the least is 0.001 (0.002 / K for K classes). An
        unfitted estimator, or None for ``LogisticRegression()``, is fitted on the source rows, if
        there are any. Without model and source rows this is
        :class:`sklearn.ensemble.GradientBoostingClassifier`.
    n_estimators : int, default=200
        Most stages; 0 leaves the start.
    learning_rate : float, default=0.05
        :math:`\nu` in (0, 1]; toward 0, the start is left alone.
    max_depth : int or None, default=3
        Of a tree.
    min_samples_leaf : int, default=1
        Least number of rows in a leaf.
    max_features : int, float, {"sqrt", "log2"} or None, default=None
        Features that are tried at a split, as in :class:`sklearn.tree.DecisionTreeRegressor`.
    init : {"auto", "affine", "source"}, default="auto"
        The start: "affine" fits a and b ("bcts", with ``alpha=1``), which protects against a source
        that is too sure, "source" takes 1 and 0. "auto": "affine" or the class frequencies of plain
        boosting, whichever has the lower loss in cross-validation, which protects against a source
        that misleads.
    early_stopping : bool, default=True
        Whether to choose the number of stages by cross-validation on the target rows; each fold
        calibrates the source anew. False: ``n_estimators``.
    n_iter_no_change : int, default=20
        Stages without a lower held-out loss after which cross-validation stops.
    cv : int, cross-validation generator or iterable, default=5
        Folds: a number deals the distinct rows of each class out, whatever their order.
    random_state : int, RandomState instance or None, default=None
        Of the features that splits try, and of the choice between equal splits.

    Attributes
    ----------
    trees_ : tuple of Forest
        For each output a sequence of trees as arrays over their nodes, with learning rate in their
        values: one output for two classes, else one for each class; empty without trees.
    n_estimators_ : int
        Number of stages used.
    slope_ : ndarray of shape (n_classes,)
        a, the same for all classes; 0 if the source is left out.
    offset_ : ndarray of shape (n_classes,)
        b, with mean 0.
    cv_loss_ : ndarray of shape (n_stages + 1,) or None
        Mean held-out log-loss from the start on; NaN if there is but one distinct row, None without
        cross-validation.
    train_loss_ : ndarray of shape (n_estimators_ + 1,)
        The same on the rows themselves; never rises.
    source_ : estimator or None
        The fitted source, which predictions ask.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source and of the labeled target rows. One that the source does not know
        starts as an average class.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    OffsetBoostingRegressor : The same for numbers.
    AffineTransferClassifier : The start alone, for ten labels.
    TransferForestClassifier : Changes the trees of a source forest.

    Notes
    -----
    As many trees of scikit-learn as in gradient boosting, times ``2 cv + 1``
    (``cv + 1`` if ``init`` is not "auto"). A leaf takes a Newton
    step as in scikit-learn, but the curvature of a row counts as at least 0.01, and a step that
    would raise the loss is halved: a source that is sure and wrong leads to neither. Rows are
    compared with thresholds in float32; sparse labeled rows are made dense, new rows a block at a
    time. Integer weights equal repeated rows while ``min_samples_leaf=1``. A fitted model keeps the
    source and the trees, and no rows.

    References
    ----------
    .. [1] J. H. Friedman. Greedy function approximation: a gradient boosting machine. Annals of
       Statistics 29(5), 2001. :doi:`10.1214/aos/1013203451`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import OffsetBoostingClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1.0, 1.0, size=(800, 3))
    >>> source = LogisticRegression().fit(X, X @ [1.0, 2.0, 3.0] > 0.0)
    >>> y = (X @ [1.0, 2.0, 3.0] > 0.0) & (X[:, 0] < 0.25)  # an exception, new to it
    >>> model = OffsetBoostingClassifier(source=FrozenEstimator(source), random_state=0)
    >>> model = model.fit(X[:150], y[:150])
    >>> print(model.score(X[150:], y[150:]) > 0.9 > source.score(X[150:], y[150:]))
    True
    """

    traits = Traits(
        target_labels="required",
        needs_source=False,
        stochastic=True,
        inert=INERT,
        examples=EXAMPLES,
    )

    def _default_source(self) -> Any:
        return LogisticRegression()

    def _labels(self, model: Any, y: NDArray[Any]) -> NDArray[Any]:
        check_classification_targets(y)
        self.classes_ = np.unique(y) if model is None else union_classes(model, y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs labeled target rows of at least 2 classes, or a "
                f"source that knows another; got 1 class: {self.classes_.tolist()[0]!r}."
            )
        return np.searchsorted(self.classes_, y)

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        if self.source_ is None:
            return np.zeros((X.shape[0], len(self.classes_)))
        return source_logits(self.source_, X, self.classes_)

    def _affine(
        self, outputs: NDArray[np.float64], y: NDArray[Any], weights: NDArray[np.float64]
    ) -> Affine:
        # Frequencies alone need no strength, unless a class has no row here.
        has_all = len(np.unique(y)) == outputs.shape[1]
        alpha = 0.0 if has_all and not outputs.any() else 1.0
        fit = scale_logits(outputs, y, kind="bcts", alpha=alpha, sample_weight=weights)
        return Affine(fit.slope, fit.bias)

    def _scores(self, outputs: NDArray[np.float64], start: Affine) -> NDArray[np.float64]:
        logits = outputs * start.slope + start.offset
        return logits[:, 1:] - logits[:, :1] if logits.shape[1] == 2 else logits

    def _loss(self, y: NDArray[Any], weights: NDArray[np.float64]) -> Loss:
        return LogLoss(y, len(self.classes_), weights)

    def _logits(self, X: Any) -> NDArray[np.float64]:
        scores = self._raw_scores(X)
        return np.column_stack([-scores / 2, scores / 2]) if scores.shape[1] == 1 else scores
