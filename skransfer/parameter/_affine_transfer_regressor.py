"""A source regressor in the units of the target."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from skransfer._compat import Interval
from skransfer.base import BaseSourceInformed, Knowledge, Traits
from skransfer.base.weighting import fit_wrapped
from skransfer.parameter._source_outputs import predicted_values
from skransfer.solvers.affine import Affine, fit_affine

__all__ = ["AffineTransferRegressor"]


class AffineTransferRegressor(BaseSourceInformed):
    r"""A gain and an offset for the predictions of any source model.

    .. math:: f(x) = b_0 + b_1 f_s(x), \qquad
        \min_{b_0, b_1} \; \sum_i s_i (y_i - b_0 - b_1 f_s(x_i))^2

    over the labeled target rows, with row weights :math:`s_i` [1]_. Two parameters are the right
    model where there are about ten labels, and where the target differs in units, level or
    contrast. A source that says nothing of the target gets :math:`b_1 \approx 0`, and the
    prediction is the mean of the labels: little is lost with a wrong source.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source regressor, of any kind: ``FrozenEstimator(model)`` for a fitted one. An unfitted
        estimator, or None for ``Ridge()``, is fitted on the source rows, if there are any. Without
        model and source rows this is :class:`sklearn.linear_model.Ridge` on the target rows.
    alpha : float, default=0.0
        Strength of the pull to the source as it is, as a number of rows: with n labeled rows the
        model is :math:`(n f + \alpha f_s) / (n + \alpha)`. Infinity gives the source.

    Attributes
    ----------
    slope_ : float or ndarray of shape (n_outputs,)
        :math:`b_1`; 0 if the source's predictions of the labeled rows are all the same.
    offset_ : float or ndarray of shape (n_outputs,)
        :math:`b_0`, in units of y.
    source_ : estimator
        The fitted source, which predictions ask.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    AffineTransferClassifier : The same for the logits of a classifier.
    RidgeTransfer : Changes the coefficients of a linear source, with more labels.
    OffsetBoostingRegressor : Starts here and adds trees.

    Notes
    -----
    One prediction of the source for each row, and O(n) beside it. Several outputs are fitted one by
    one. Integer weights equal repeated rows. A fitted model keeps the source, and no rows.

    References
    ----------
    .. [1] H. Daume III. Frustratingly easy domain adaptation. ACL, 2007; its baselines use the
       predictions of a source model as features.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from sklearn.frozen import FrozenEstimator
    >>> from skransfer import AffineTransferRegressor
    >>> X = np.linspace(0.0, 6.0, 200).reshape(-1, 1)
    >>> source = RandomForestRegressor(20, random_state=0).fit(X, np.sin(X[:, 0]))
    >>> y = 32.0 + 1.8 * np.sin(X[:, 0])  # the same in other units
    >>> model = AffineTransferRegressor(source=FrozenEstimator(source)).fit(X[::40], y[::40])
    >>> print(round(float(model.slope_), 1), round(model.score(X, y), 3))
    1.8 1.0
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        examples=MappingProxyType({"alpha": ({}, 10.0)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="both")],
    }

    def __init__(self, *, source: Any = None, alpha: float = 0.0) -> None:
        self.source = source
        self.alpha = alpha

    def _default_source(self) -> Any:
        return Ridge()

    def _multi_output(self) -> bool:
        return True

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        y = y.astype(np.float64)
        if source.model is None:
            self.source_ = fit_wrapped(self._default_source(), X, y, sample_weight)
            fit = Affine(np.ones(y.shape[1:]), np.zeros(y.shape[1:]))
        else:
            self.source_ = source.model
            f = predicted_values(source.model, X, y)
            fit = fit_affine(f, y, alpha=float(self.alpha), sample_weight=sample_weight)
        # With indexing by () a number becomes a number, and an array stays one.
        self.slope_, self.offset_ = fit.slope[()], fit.offset[()]

    def _predict(self, X: Any) -> NDArray[Any]:
        values = predicted_values(self.source_, X)
        shape = (len(values), *np.shape(self.slope_))
        return self.slope_ * values.reshape(shape) + self.offset_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
