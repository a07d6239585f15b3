"""Boosted regression trees that start from a source model's predictions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from skransfer.base import Traits
from skransfer.parameter._offset_boosting import EXAMPLES, INERT, BaseOffsetBoosting
from skransfer.parameter._source_outputs import predicted_values
from skransfer.solvers.affine import Affine, fit_affine
from skransfer.solvers.offset_boosting import Loss, SquaredLoss

__all__ = ["OffsetBoostingRegressor"]


class OffsetBoostingRegressor(BaseOffsetBoosting):
    r"""Boosted trees on the target that start from the predictions of any source model.

    .. math:: F_0(x) = b_0 + b_1 f_s(x), \qquad F_m(x) = F_{m-1}(x) + \nu\, t_m(x),

    where each tree :math:`t_m` fits the residuals of the labeled target rows: gradient boosting
    [1]_ with the source's affine image (:class:`AffineTransferRegressor`) in place of a constant.
    What the trees need not learn again, the labels need not tell. The number of trees is that of
    least squared error in cross-validation, none included.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source regressor, of any kind: ``FrozenEstimator(model)`` for a fitted one. An unfitted
        estimator, or None for ``Ridge()``, is fitted on the source rows, if there are any. Without
        model and source rows this is :class:`sklearn.ensemble.GradientBoostingRegressor`.
    n_estimators : int, default=200
        Most trees; 0 leaves the start.
    learning_rate : float, default=0.05
        :math:`\nu` in (0, 1]; toward 0, the start is left alone.
    max_depth : int or None, default=3
        Of a tree.
    min_samples_leaf : int, default=1
        Least number of rows in a leaf.
    max_features : int, float, {"sqrt", "log2"} or None, default=None
        Features that are tried at a split, as in :class:`sklearn.tree.DecisionTreeRegressor`.
    init : {"auto", "affine", "source"}, default="auto"
        The start: "affine" fits :math:`b_0, b_1`, which protects against a source in other units,
        "source" takes 0 and 1. "auto": "affine" or the constant of plain boosting, whichever has
        the lower error in cross-validation, which protects against a source that misleads.
    early_stopping : bool, default=True
        Whether to choose the number of trees by cross-validation on the target rows; each fold
        starts from an affine image of its own. False: ``n_estimators``.
    n_iter_no_change : int, default=20
        Trees without a lower held-out error after which cross-validation stops.
    cv : int, cross-validation generator or iterable, default=5
        Folds: a number deals the distinct rows out by label, whatever their order.
    random_state : int, RandomState instance or None, default=None
        Of the features that splits try, and of the choice between equal splits.

    Attributes
    ----------
    trees_ : tuple of Forest
        One sequence of trees as arrays over their nodes, with learning rate in their values; empty
        without trees.
    n_estimators_ : int
        Number of trees used.
    slope_ : float
        :math:`b_1`; 0 if the source is left out.
    offset_ : float
        :math:`b_0`, in units of y.
    cv_loss_ : ndarray of shape (n_stages + 1,) or None
        Half the mean squared held-out error from the start on; NaN if there is but one distinct
        row, None without cross-validation.
    train_loss_ : ndarray of shape (n_estimators_ + 1,)
        The same on the rows themselves; never rises.
    source_ : estimator or None
        The fitted source, which predictions ask.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    OffsetBoostingClassifier : The same for classes.
    AffineTransferRegressor : The start alone, for ten labels.
    TransferForestRegressor : Changes the trees of a source forest.

    Notes
    -----
    As many trees of scikit-learn as in gradient boosting, times ``2 cv + 1``
    (``cv + 1`` if ``init`` is not "auto"). Rows are compared with
    thresholds in float32; sparse labeled rows are made dense, new rows a block at a time. Integer
    weights equal repeated rows while ``min_samples_leaf=1``. A fitted model keeps the source and
    the trees, and no rows.

    References
    ----------
    .. [1] J. H. Friedman. Greedy function approximation: a gradient boosting machine. Annals of
       Statistics 29(5), 2001. :doi:`10.1214/aos/1013203451`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import Ridge
    >>> from skransfer import OffsetBoostingRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1.0, 1.0, size=(500, 3))
    >>> source = Ridge().fit(X, X @ [1.0, 2.0, 3.0])
    >>> y = X @ [1.0, 2.0, 3.0] + (X[:, 0] > 0.5)  # a step that the source does not know
    >>> model = OffsetBoostingRegressor(source=FrozenEstimator(source), random_state=0)
    >>> model = model.fit(X[:100], y[:100])
    >>> print(model.score(X[100:], y[100:]) > 0.99 > source.score(X[100:], y[100:]))
    True
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        stochastic=True,
        inert=INERT,
        examples=EXAMPLES,
    )

    def _default_source(self) -> Any:
        return Ridge()

    def _labels(self, model: Any, y: NDArray[Any]) -> NDArray[Any]:
        return y.astype(np.float64)

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        n_rows = X.shape[0]
        if self.source_ is None:
            return np.zeros(n_rows)
        return predicted_values(self.source_, X, np.empty(n_rows))

    def _affine(
        self, outputs: NDArray[np.float64], y: NDArray[Any], weights: NDArray[np.float64]
    ) -> Affine:
        return fit_affine(outputs, y, sample_weight=weights)

    def _scores(self, outputs: NDArray[np.float64], start: Affine) -> NDArray[np.float64]:
        return (outputs * start.slope + start.offset)[:, None]

    def _loss(self, y: NDArray[Any], weights: NDArray[np.float64]) -> Loss:
        return SquaredLoss(y, weights)

    def _predict(self, X: Any) -> NDArray[Any]:
        return self._raw_scores(X)[:, 0]
