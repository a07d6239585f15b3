"""Classification with the weighted scores of several source models."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from skransfer.base import Knowledge, NamedModel, Traits
from skransfer.parameter._hypotheses import HYPOTHESIS_EXAMPLES, BaseHypothesisTransfer
from skransfer.parameter._one_vs_rest import used_rows
from skransfer.parameter._pool import class_outputs, label_codes, most_likely

__all__ = ["HypothesisTransferClassifier"]


class HypothesisTransferClassifier(BaseHypothesisTransfer):
    r"""Weighted scores of source classifiers, and a least-squares classifier of what they leave.

    .. math:: f(x) = \sum_k \beta_k h_k(x) + w^\top \varphi(x) + b, \qquad
        \min_{w, b} \; \sum_i s_i (y_i - f(x_i))^2 + \alpha \lVert w \rVert^2

    over the labeled target rows, with labels :math:`y_i = \pm 1`, the scores :math:`h_k` of any
    classifiers, row weights :math:`s_i` and the features :math:`\varphi` of a kernel [1]_. The
    weights :math:`\beta` have the least squared leave-one-out error of f, which is a
    least-squares problem since the deleted residuals are affine in them; the paper on Multi-KT [2]_
    takes their hinge loss. Several classes are learned one against the rest and share
    :math:`\beta`: a source is trusted as a whole, so that few labeled rows suffice.

    Parameters
    ----------
    source : list, FrozenEstimator, estimator or None, default=None
        The source models: a list of ``FrozenEstimator(model)``, or of pairs of a name and such
        a model; one frozen model; or an unfitted estimator, None for ``LogisticRegression()``,
        which is fitted on each source domain by itself, if there are source rows. Scores are
        :math:`2 p - 1` with the probabilities p of ``predict_proba``, which have the scale of the
        labels, else the decision values as they stand (those of SVMs and of RidgeClassifier aim at
        labels of -1 and +1). Without models and source rows this is
        :class:`sklearn.linear_model.RidgeClassifier`, in the features of the kernel.
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
        Of the source weights: not negative; also of sum 1; or of norm at most
        1, which allows sources that are wrong in sign.
    fit_intercept : bool, default=True
        Whether to fit b.
    truncate : float, default=None
        Clip :math:`w^\top \varphi(x) + b` to this size, as in the paper [1]_: far from
        the target rows the sources are left alone.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the labeled target rows. Source scores are matched by name: a class that a
        source does not know has the score 0, one that the target does not have is dropped.
    source_weights_ : ndarray of shape (n_sources,)
        :math:`\beta`. All are 0 where sources do not help, and 1 / n_sources if no row can be
        judged.
    sources_ : tuple
        The source models as pairs with attributes ``name`` and ``model``; those fitted here are
        named by their domain. Empty without source.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features), or None
        w of the adjustment alone, one row, for the second class, if there are two: in X if
        ``kernel="linear"``, in the features of a ``feature_map``, else None.
    dual_coef_ : ndarray of shape (n_rows, 1) or (n_rows, n_classes), or None
        Coefficients of the kernel functions of ``X_fit_``; None where there is ``coef_``.
    X_fit_ : array or CSR matrix of shape (n_rows, n_features), or None
        Labeled target rows, if there is ``dual_coef_``.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        b.
    alpha_ : float
        Penalty used.
    loo_predictions_ : ndarray of shape (n_rows,) or (n_rows, n_classes)
        Leave-one-out decision values of the labeled target rows of positive weight, at the weights
        and the penalty chosen.
    loo_error_ : float
        Their mean squared distance from the labels -1 and +1. It chose the weights, so that it is
        optimistic where the sources are not few beside the rows.
    gamma_ : float
        Width used.
    feature_map_ : transformer or None
        The fitted feature map.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    HypothesisTransferRegressor : The same for numbers.
    GreedyTransferClassifier : A few of very many sources, of any classes.
    AdaptiveSVC : One source, with a hinge loss.

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
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.svm import SVC
    >>> from skransfer import HypothesisTransferClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> near = SVC().fit(X, (X**2).sum(axis=1) > 1.5)
    >>> far = SVC().fit(X, X[:, 0] * X[:, 1] > 0)
    >>> source = [("near", FrozenEstimator(near)), ("far", FrozenEstimator(far))]
    >>> y = ((X - 0.3) ** 2).sum(axis=1) > 1.5
    >>> model = HypothesisTransferClassifier(source=source).fit(X[:40], y[:40])
    >>> bool(model.source_weights_[0] > 5 * model.source_weights_[1])
    True
    >>> bool(model.score(X[40:], y[40:]) > near.score(X[40:], y[40:]))
    True
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="required",
        multi_source="distinguished",
        needs_source=False,
        examples=HYPOTHESIS_EXAMPLES,
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
        if len(self.classes_) == 2:
            self.loo_predictions_ = self.loo_predictions_[:, 0]

    def _outputs(self, one: NamedModel, X: Any) -> NDArray[np.float64]:
        return class_outputs(one, X, self.classes_)

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
        scores = self._mixed_outputs(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def _predict(self, X: Any) -> NDArray[Any]:
        return most_likely(self._mixed_outputs(X), self.classes_)
