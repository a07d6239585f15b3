"""Classification with a few of many features and source models."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from skransfer.base import Knowledge, Traits
from skransfer.parameter._greedy import GREEDY_EXAMPLES, BaseGreedyTransfer
from skransfer.parameter._one_vs_rest import used_rows
from skransfer.parameter._pool import label_codes, most_likely

__all__ = ["GreedyTransferClassifier"]


class GreedyTransferClassifier(BaseGreedyTransfer):
    r"""Least-squares classifier on few columns, chosen among features and source scores.

    .. math:: f(x) = w^\top x + \sum_k \beta_k h_k(x) + b, \qquad \min_{w, \beta, b} \;
        \frac1n \sum_i (y_i - f(x_i))^2 + \lambda \lVert (w, \beta) \rVert^2, \quad
        \lVert w \rVert_0 + \lVert \beta \rVert_0 \le k

    over the labeled target rows, with labels :math:`y_i = \pm 1`, columns centered and scaled to
    unit mean square in the penalty (GreedyTL [1]_). Each step takes the column that lowers the
    minimum most. It is made for very many sources, of which few are relevant, and more columns
    than rows. Several classes are learned one against the rest, on the same columns.

    Parameters
    ----------
    source : list, FrozenEstimator, estimator or None, default=None
        The source models: a list of ``FrozenEstimator(model)``, or of pairs of a name and such
        a model; one frozen model; or an unfitted estimator, None for ``LogisticRegression()``,
        which is fitted on each source domain by itself, if there are source rows. Classifiers give
        a column for each of *their* classes, one if there are two, which need not be those of the
        target: :math:`2 p - 1`, or decision values where there are no probabilities. Regressors
        give their predictions. Without models and source rows this is forward selection of
        features.
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
    classes_ : ndarray of shape (n_classes,)
        Classes of the labeled target rows.
    support_ : ndarray of shape (k,)
        The columns chosen, in that order: features, and from ``n_features_in_`` on the outputs of
        the sources.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        w, in units of X; one row, for the second class, if there are two.
    source_weights_ : ndarray of shape (1, n_source_outputs) or (n_classes, n_source_outputs)
        :math:`\beta`.
    source_outputs_ : ndarray of shape (n_source_outputs,), dtype object
        Names of the outputs: of the source, with a colon and the class if it has more than two.
    sources_ : tuple
        The source models as pairs with attributes ``name`` and ``model``; those fitted here are
        named by their domain. Empty without source.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        b.
    alpha_ : float
        Penalty used.
    loo_error_ : float
        Leave-one-out mean squared distance from the labels -1 and +1 with the columns given;
        optimistic, since the choice has seen all rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    GreedyTransferRegressor : The same for numbers.
    HypothesisTransferClassifier : Few sources, all of which are weighed.

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
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skransfer import GreedyTransferClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> kinds = [np.abs(X[:, j]) > 0.7 for j in range(3)]
    >>> models = [DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y) for y in kinds]
    >>> Xt = rng.normal(size=(30, 3))
    >>> yt = np.where(np.abs(Xt[:, 2]) > 0.7, "far", "near")
    >>> source = [(f"wide {j}", FrozenEstimator(model)) for j, model in enumerate(models)]
    >>> model = GreedyTransferClassifier(source=source, n_nonzero_coefs=1).fit(Xt, yt)
    >>> model.source_outputs_[model.support_ - 3]
    array(['wide 2'], dtype=object)
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="required",
        multi_source="distinguished",
        needs_source=False,
        examples=GREEDY_EXAMPLES,
    )
    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"sample_domain": True}

    def _default_source(self) -> Any:
        return LogisticRegression()

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        X, y, weights, self.classes_ = used_rows(type(self).__name__, X, y, sample_weight)
        self._fit_pool(source.model, X, label_codes(y, self.classes_), weights)

    def decision_function(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Signed scores f; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column, for the second class, if there are two.
        """
        X, _ = self._check_rows(X, sample_domain)
        scores = self._combined(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def _predict(self, X: Any) -> NDArray[Any]:
        return most_likely(self._combined(X), self.classes_)
