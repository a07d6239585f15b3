"""Regression with the weighted predictions of several source models."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from skransfer.base import Knowledge, NamedModel, Traits
from skransfer.parameter._hypotheses import HYPOTHESIS_EXAMPLES, BaseHypothesisTransfer
from skransfer.parameter._pool import regression_outputs

__all__ = ["HypothesisTransferRegressor"]


class HypothesisTransferRegressor(BaseHypothesisTransfer):
    r"""Weighted predictions of source models, and a ridge regression of what they leave.

    .. math:: f(x) = \sum_k \beta_k h_k(x) + w^\top \varphi(x) + b, \qquad
        \min_{w, b} \; \sum_i s_i (y_i - f(x_i))^2 + \alpha \lVert w \rVert^2

    over the labeled target rows, with the predictions :math:`h_k` of any regressors, row weights
    :math:`s_i` and the features :math:`\varphi` of a kernel [1]_. The weights :math:`\beta` have
    the least leave-one-out error of f, which is a least-squares problem since the deleted
    residuals are affine in them [2]_. One linear source of weight 1 is :class:`RidgeTransfer`.

    Parameters
    ----------
    source : list, FrozenEstimator, estimator or None, default=None
        The source models: a list of ``FrozenEstimator(model)``, or of pairs of a name and such
        a model; one frozen model; or an unfitted estimator, None for ``Ridge()``, which is fitted
        on each source domain by itself, if there are source rows. Without models and source rows
        this is :class:`sklearn.linear_model.Ridge`, or :class:`sklearn.kernel_ridge.KernelRidge`
        with an intercept.
    kernel : str or callable, default="linear"
        Of the adjustment, as in :func:`sklearn.metrics.pairwise.pairwise_kernels`.
    gamma : float, "scale" or "median", default="scale"
        Of ``rbf``, ``laplacian``, ``poly``, ``sigmoid`` and ``chi2``, from the labeled target
        rows: 1 / (n_features var X); "median" is 1 / (2 median^2) of the distances.
    degree : int, default=3
        Of ``poly``.
    coef0 : float, default=1.0
        Of ``poly`` and ``sigmoid``.
    kernel_params : dict, default=None
        Keyword arguments of a callable kernel.
    feature_map : transformer, default=None
        A kernel approximation of scikit-learn, such as ``Nystroem()``, for many labeled rows.
    alpha : float or "loo", default="loo"
        Penalty of the adjustment. "loo": the value of least leave-one-out error on a grid
        of 37, or 45 with a kernel, each with its own best weights; of equal errors the largest.
    constraint : {"nonneg", "simplex", "l2"}, default="nonneg"
        Of the source weights: not negative; also of sum 1, for sources in the units of y; or of
        Euclidean norm at most 1, which allows sources that are wrong in sign.
    fit_intercept : bool, default=True
        Whether to fit b.
    truncate : float, default=None
        Clip :math:`w^\top \varphi(x) + b` to this size, in units of y, as in the paper [1]_: far
        from the target rows the sources are left alone.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_sources,)
        :math:`\beta`, shared by the outputs. All are 0 where sources do not help, and
        1 / n_sources if no row can be judged.
    sources_ : tuple
        The source models as pairs with attributes ``name`` and ``model``; those fitted here are
        named by their domain. Empty without source.
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features), or None
        w of the adjustment alone: in X if ``kernel="linear"``, in the features of a
        ``feature_map``, else None.
    dual_coef_ : ndarray of shape (n_rows,) or (n_rows, n_outputs), or None
        Coefficients of the kernel functions of ``X_fit_``; None where there is ``coef_``.
    X_fit_ : array or CSR matrix of shape (n_rows, n_features), or None
        Labeled target rows, if there is ``dual_coef_``.
    intercept_ : float or ndarray of shape (n_outputs,)
        b.
    alpha_ : float
        Penalty used.
    loo_predictions_ : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Leave-one-out predictions of the labeled target rows of positive weight, at the weights and
        the penalty chosen.
    loo_error_ : float
        Their mean squared error. It chose the weights, so that it is optimistic where the sources
        are not few beside the rows.
    gamma_ : float
        Width used.
    feature_map_ : transformer or None
        The fitted feature map.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    HypothesisTransferClassifier : The same for classes.
    GreedyTransferRegressor : A few of very many sources.
    RidgeTransfer : One linear source, whose coefficients are the start.

    Notes
    -----
    Weights of least leave-one-out error overfit it where few rows are left beside the adjustment:
    the penalty is chosen by their error times :math:`(m / (m - k))^2` for k weights estimated from
    the m degrees of freedom that the adjustment leaves, as in generalized cross-validation, and
    all sources get the weight 0 where the error without them is less (not with "simplex").

    For n labeled rows, p features and K sources: :math:`O(n p \min(n, p))` once, or
    :math:`O(n^3)` with a kernel, and :math:`O(n K \min(n, p))` for each value of alpha. Integer
    weights equal repeated rows. Sparse X is never made dense.

    References
    ----------
    .. [1] I. Kuzborskij, F. Orabona. Stability and hypothesis transfer learning. ICML, 2013.
    .. [2] T. Tommasi, F. Orabona, B. Caputo. Learning categories from few examples with multi
       model knowledge transfer. IEEE Transactions on Pattern Analysis and Machine Intelligence
       36, 2014. :doi:`10.1109/TPAMI.2013.197`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from sklearn.frozen import FrozenEstimator
    >>> from skransfer import HypothesisTransferRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> near, far = np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]
    >>> models = [RandomForestRegressor(20, random_state=0).fit(X, y) for y in (near, far)]
    >>> source = [FrozenEstimator(model) for model in models]
    >>> Xt = rng.normal(size=(20, 3))
    >>> yt = 2 * np.sin(2 * Xt[:, 0]) + 0.5 * Xt[:, 1]
    >>> model = HypothesisTransferRegressor(source=source).fit(Xt, yt)
    >>> model.source_weights_.round()
    array([2., 0.])
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        multi_source="distinguished",
        needs_source=False,
        examples=HYPOTHESIS_EXAMPLES,
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
        Y = y.astype(np.float64).reshape(len(y), -1)
        self._fit_pool(source.model, X, Y, sample_weight)
        self._flat = y.ndim == 1
        if self._flat:
            self.coef_ = None if self.coef_ is None else self.coef_[0]
            self.dual_coef_ = None if self.dual_coef_ is None else self.dual_coef_[:, 0]
            self.intercept_ = float(self.intercept_[0])
            self.loo_predictions_ = self.loo_predictions_[:, 0]

    def _outputs(self, one: NamedModel, X: Any) -> NDArray[np.float64]:
        return regression_outputs(one, X, self._n_outputs)

    def _predict(self, X: Any) -> NDArray[Any]:
        outputs = self._mixed_outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
