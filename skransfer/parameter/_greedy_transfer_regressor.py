"""Regression on a few of many features and source models."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from skransfer.base import Knowledge, Traits
from skransfer.parameter._greedy import GREEDY_EXAMPLES, BaseGreedyTransfer

__all__ = ["GreedyTransferRegressor"]


class GreedyTransferRegressor(BaseGreedyTransfer):
    r"""Ridge regression on few columns, chosen forward among features and source predictions.

    .. math:: f(x) = w^\top x + \sum_k \beta_k h_k(x) + b, \qquad \min_{w, \beta, b} \;
        \frac1n \sum_i (y_i - f(x_i))^2 + \lambda \lVert (w, \beta) \rVert^2, \quad
        \lVert w \rVert_0 + \lVert \beta \rVert_0 \le k

    over the labeled target rows, columns centered and scaled to unit mean square in the penalty
    (GreedyTL [1]_). Each step takes the column that lowers the minimum most. It is made for very
    many sources, of which few are relevant, and more columns than rows.

    Parameters
    ----------
    source : list, FrozenEstimator, estimator or None, default=None
        The source models: a list of ``FrozenEstimator(model)``, or of pairs of a name and such
        a model; one frozen model; or an unfitted estimator, None for ``Ridge()``, which is fitted
        on each source domain by itself, if there are source rows. Regressors give their
        predictions, classifiers :math:`2 p - 1` for each class. Without models and source rows
        this is forward selection of features.
    n_nonzero_coefs : int or "loo", default="loo"
        Number k of columns. "loo": that of least leave-one-out error, up to half the rows and at
        most 100, times :math:`\exp(2 k (\log p - 1) / (n - k - 1))` for the choice among p columns
        [2]_: the error alone would go on to fall with columns of noise.
    alpha : float or "loo", default="loo"
        :math:`\lambda`, without a unit since columns are scaled. "loo": the best of 11 values from
        1e-4 to 10.
    fit_intercept : bool, default=True
        Whether to fit b, and to center the columns.

    Attributes
    ----------
    support_ : ndarray of shape (k,)
        The columns chosen, in that order: features, and from ``n_features_in_`` on the outputs of
        the sources.
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
        w, in units of X. Several outputs share the columns.
    source_weights_ : ndarray of shape (n_source_outputs,) or (n_outputs, n_source_outputs)
        :math:`\beta`.
    source_outputs_ : ndarray of shape (n_source_outputs,), dtype object
        Names of the outputs: of the source, with a colon and the class or number if it has more.
    sources_ : tuple
        The source models as pairs with attributes ``name`` and ``model``; those fitted here are
        named by their domain. Empty without source.
    intercept_ : float or ndarray of shape (n_outputs,)
        b.
    alpha_ : float
        Penalty used.
    loo_error_ : float
        Leave-one-out mean squared error with the columns given; optimistic, since the choice has
        seen all rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    GreedyTransferClassifier : The same for classes.
    HypothesisTransferRegressor : Few sources, all of which are weighed.

    Notes
    -----
    :math:`O(k n p)` time for k steps, n labeled rows and p columns, for each value of alpha.
    Integer weights equal repeated rows. Sparse X is never made dense. For a new row only the
    sources with a weight are asked.

    References
    ----------
    .. [1] I. Kuzborskij, F. Orabona, B. Caputo. Scalable greedy algorithms for transfer learning.
       Computer Vision and Image Understanding 156, 2017. :doi:`10.1016/j.cviu.2016.09.003`
    .. [2] D. P. Foster, E. I. George. The risk inflation criterion for multiple regression.
       Annals of Statistics 22, 1994. :doi:`10.1214/aos/1176325766`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skransfer import GreedyTransferRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> targets = [np.abs(X[:, j]) for j in range(3)] + [rng.normal(size=200) for _ in range(9)]
    >>> models = [DecisionTreeRegressor(max_depth=4).fit(X, y) for y in targets]
    >>> Xt = rng.normal(size=(25, 3))
    >>> yt = 2 * np.abs(Xt[:, 1]) - Xt[:, 0]
    >>> source = [FrozenEstimator(model) for model in models]
    >>> model = GreedyTransferRegressor(source=source, n_nonzero_coefs=2).fit(Xt, yt)
    >>> model.support_  # source 1, which comes after three features; feature 0
    array([4, 0])
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        multi_source="distinguished",
        needs_source=False,
        examples=GREEDY_EXAMPLES,
    )

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
        if sample_weight is not None and not (sample_weight > 0).all():
            used = sample_weight > 0
            X, y, sample_weight = X[used], y[used], sample_weight[used]
        self._fit_pool(source.model, X, y.astype(np.float64), sample_weight)

    def _predict(self, X: Any) -> NDArray[Any]:
        return self._combined(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
