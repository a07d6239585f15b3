"""Convex combination of a source regressor and one of the target."""

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge

from skransfer.base import Traits
from skransfer.parameter._affine_transfer_regressor import AffineTransferRegressor
from skransfer.parameter._interpolation import BaseInterpolation
from skransfer.parameter._source_outputs import predicted_values

__all__ = ["LinearInterpolationRegressor"]


class LinearInterpolationRegressor(BaseInterpolation):
    r"""Linear interpolation of source and target models (LinInt), with honest weights.

    .. math:: f(x) = \sum_k w_k f_k(x), \qquad \min_{w \ge 0, \; 1^\top w = 1} \;
        \sum_i s_i \Bigl(y_i - \sum_k w_k f_k^{(-i)}(x_i)\Bigr)^2

    over the labeled target rows, with row weights :math:`s_i` and :math:`f_k^{(-i)}` fitted without
    the fold of row i [1]_ [2]_. Weights from the rows that a model was fitted on would trust it too
    much, and a held-out half would waste labels. What does not help gets weight 0: little is lost
    with a wrong source.

    Parameters
    ----------
    estimator : estimator or None, default=None
        The regressor for the candidates "target" and "pooled". None: ``Ridge()``.
    source : FrozenEstimator, estimator or None, default=None
        The source regressor, of any kind: ``FrozenEstimator(model)`` for a fitted one. An unfitted
        estimator, or None for ``Ridge()``, is fitted on the source rows, if there are any. Without
        model and source rows this is ``estimator`` on the target rows.
    candidates : sequence of str, default=("source", "target")
        What is combined: "source", the source as it is; "affine", its affine image
        (:class:`AffineTransferRegressor`); "target", the estimator on the labeled target rows;
        "pooled", the estimator on the rows of both sides, if there are source rows; "constant", the
        mean of the labels. Each one more costs a
        little where labels are few.
    cv : int, "auto", cross-validation generator or iterable, default="auto"
        Folds: a number deals the distinct rows out by label, whatever their order.
        "auto": one row at a time up to 50 rows, else 10 folds. With few rows in few folds the
        target's model looks worse than it is, for it has to do with fewer.

    Attributes
    ----------
    candidates_ : tuple of str
        Those that there were.
    candidate_weights_ : ndarray of shape (n_candidates,)
        w. All on the first candidate if there is but one distinct row.
    cv_loss_ : ndarray of shape (n_candidates,)
        Held-out mean squared error of each candidate alone, the sum over the outputs; NaN where
        nothing was held out.
    estimators_ : dict of str to estimator
        Fitted models of positive weight, by candidate.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    LinearInterpolationClassifier : The same for probabilities.
    AffineTransferRegressor : One candidate alone.

    Notes
    -----
    A fit of each candidate for each fold and one more, and an exact active set method for w.
    Integer weights equal repeated rows if they do for the estimator. A fitted model keeps the
    models that it uses, and no rows.

    References
    ----------
    .. [1] H. Daume III. Frustratingly easy domain adaptation. ACL, 2007, as the baseline LININT.
    .. [2] L. Breiman. Stacked regressions. Machine Learning 24, 1996. :doi:`10.1007/BF00117832`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import LinearRegression
    >>> from skransfer import LinearInterpolationRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 8))
    >>> source = LinearRegression().fit(X, X @ np.ones(8))
    >>> y = X @ np.linspace(0.5, 1.5, 8) + rng.normal(size=500)
    >>> model = LinearInterpolationRegressor(LinearRegression(), source=FrozenEstimator(source))
    >>> model = model.fit(X[:15], y[:15])
    >>> alone = LinearRegression().fit(X[:15], y[:15])
    >>> print(model.score(X[15:], y[15:]) > alone.score(X[15:], y[15:]))
    True
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        inert=MappingProxyType({"cv": "one candidate may have all of the weight in any folds"}),
        examples=MappingProxyType({"candidates": ({}, ("constant", "affine"))}),
    )

    def _default_source(self) -> Any:
        return Ridge()

    def _multi_output(self) -> bool:
        return True

    def _read_labels(self, model: Any, y: NDArray[Any]) -> NDArray[Any]:
        y = y.astype(np.float64)
        self._columns = y.shape[1:]
        return y

    def _truth(self, y: NDArray[Any]) -> NDArray[np.float64]:
        return y.reshape(len(y), -1)

    def _outputs(self, model: Any, X: Any) -> NDArray[np.float64]:
        n_columns = int(np.prod(self._columns))
        return predicted_values(model, X, np.empty((X.shape[0], n_columns)))

    def _constant(self) -> Any:
        return DummyRegressor()

    def _affine(self, source: FrozenEstimator) -> Any:
        return AffineTransferRegressor(source=source)

    def _predict(self, X: Any) -> NDArray[Any]:
        return self._combined(X).reshape(-1, *self._columns)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
