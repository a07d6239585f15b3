"""A fitted model as a feature extractor."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skransfer._compat import HasMethods, Interval, StrOptions, fit_context, num_samples
from skransfer.parameter._model_values import model_values, value_names

__all__ = ["FrozenFeatures"]


class FrozenFeatures(TransformerMixin, BaseEstimator):
    r"""What a fitted model makes of the rows, as features for any estimator.

    The values of a hidden layer of a network, :math:`\phi_k(x)` [1]_, the leaves that x reaches in
    a forest, the class probabilities of a classifier, the output of the first steps of a Pipeline,
    the values of any function. Nothing is learned here: what follows in a Pipeline learns from the
    target what to do with them.

    Parameters
    ----------
    model : FrozenEstimator or callable
        ``FrozenEstimator(fitted)`` around any fitted estimator, or a function that gives an array
        of shape (n_samples, n_features_out), such as :func:`skransfer.onnx_features`.
    layer : int or {"leaves", "proba", "logits", "transform", "cluster"}, default=-1
        Which values to take; a function has only one kind.

        - int: of a network (MLPClassifier, MLPRegressor, or a Pipeline that ends in one), the
          values after so many layers: 0 gives what the first layer gets, and -1, the number of
          layers minus 1, what the last one gets. Of another Pipeline, the output of so many steps,
          -1 what the last predictor gets. A forest and a transformer have -1 alone: "leaves" and
          "transform".
        - "leaves": 1 for each leaf that a row reaches in the trees of a forest, else 0; sparse.
        - "proba": ``predict_proba``.
        - "logits": scores: those of the last layer of a network before its activation,
          ``decision_function``, or logarithms of the probabilities.
        - "transform": ``transform``.
        - "cluster": distances to the centers of a KMeans, or probabilities of the components of a
          mixture.

    Attributes
    ----------
    n_features_out_ : int
        Number of features that come out.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    MLPFineTuneClassifier : Trains the upper layers further, together with the head.

    Notes
    -----
    ``fit`` runs the model on one row. ``clone`` keeps the model as it is, and it is never written
    to. Rows are handed to an estimator as they come, so that a Pipeline that begins with a
    vectorizer takes texts, and to a function as arrays. float32 rows give float32 features.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep
       neural networks? NIPS, 2014. :arxiv:`1411.1792`

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.neural_network import MLPClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from skransfer import FrozenFeatures
    >>> X, y = load_digits(return_X_y=True)
    >>> source = MLPClassifier((32, 16), max_iter=30, tol=0.1, random_state=0).fit(X, y)
    >>> FrozenFeatures(FrozenEstimator(source)).fit_transform(X).shape
    (1797, 16)
    >>> odd = make_pipeline(FrozenFeatures(FrozenEstimator(source)), LogisticRegression())
    >>> odd = odd.fit(X[:60], y[:60] % 2)
    >>> bool(odd.score(X[60:], y[60:] % 2) > 0.8)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "model": [callable, HasMethods(["fit"])],
        "layer": [
            Interval(Integral, None, None, closed="neither"),
            StrOptions({"leaves", "proba", "logits", "transform", "cluster"}),
        ],
    }

    def __init__(self, model: Any, *, layer: int | str = -1) -> None:
        self.model = model
        self.layer = layer

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "FrozenFeatures":
        """Check that the model takes these rows; nothing is learned.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows, as the model takes them.
        y : Ignored
            Not used.

        Returns
        -------
        self : estimator

        Raises
        ------
        TypeError
            If the model is an estimator that is not frozen.
        ValueError
            If it is not fitted, takes other features, or has no such values.
        """
        self._check_model()
        X = self._rows(X, reset=True)
        self.n_features_out_ = self._values(X[:1]).shape[1]
        return self

    def transform(self, X: Any) -> Any:
        """Values of the model for some rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows; they may come alone or in any subset.

        Returns
        -------
        Z : ndarray or CSR array of shape (n_samples, n_features_out)
        """
        check_is_fitted(self)
        return self._values(self._rows(X, reset=False))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the features that come out.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features that go in, for transformers that hand them on.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        return value_names(self.model, self.layer, self.n_features_out_, input_features)

    def _check_model(self) -> None:
        if not hasattr(self.model, "fit"):
            return
        name = type(self.model).__name__
        if not isinstance(self.model, FrozenEstimator):
            raise TypeError(
                f"model is a {name} that is not frozen; scikit-learn's clone would un-fit it in "
                "silence. Fit it and wrap it in FrozenEstimator."
            )
        try:
            check_is_fitted(self.model.estimator)
        except ValueError as error:  # NotFittedError
            inner = type(self.model.estimator).__name__
            raise ValueError(
                f"model=FrozenEstimator({inner}) is not fitted: fit it first, then freeze it."
            ) from error

    def _rows(self, X: Any, *, reset: bool) -> Any:
        """Rows with their number and names of features checked; the model checks the rest."""
        if not hasattr(self.model, "fit"):
            return validate_data(self, X, reset=reset, dtype=(np.float64, np.float32))
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X if hasattr(X, "dtype") or hasattr(X, "iloc") else _as_array(X)

    def _values(self, X: Any) -> Any:
        Z = model_values(self.model, self.layer, X)
        if Z.ndim != 2 or Z.shape[0] != num_samples(X):
            raise ValueError(
                f"model gave an array of shape {Z.shape} for {num_samples(X)} rows; expected one "
                "row of features for each."
            )
        single = getattr(X, "dtype", None) == np.float32
        return Z.astype(np.float32, copy=False) if single else Z

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        if isinstance(self.model, FrozenEstimator):
            inner = get_tags(self.model.estimator).input_tags
            tags.input_tags.sparse, tags.input_tags.allow_nan = inner.sparse, inner.allow_nan
        return tags


def _as_array(X: Any) -> Any:
    """Lists as arrays, so that they can be sliced; frames of other libraries as they are."""
    return np.asarray(X) if isinstance(X, (list, tuple)) and not sp.issparse(X) else X
