"""The source's prediction as a feature."""

from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import get_tags
from sklearn.utils.multiclass import type_of_target

from skransfer._compat import HasMethods, StrOptions, num_samples, take_rows
from skransfer.base import BaseAdapter, BaseMapper, Domains, Traits
from skransfer.base.domains import check_ids
from skransfer.base.fitted import check_frozen, refuse_bare
from skransfer.base.labels import clean_labels
from skransfer.base.sample_weight import check_class_weights
from skransfer.base.transfer import Stacked
from skransfer.base.weighting import check_not_nested, fit_wrapped

__all__ = ["PRED"]


class PRED(OneToOneFeatureMixin, BaseMapper):
    r"""The source's prediction as a feature (PRED).

    Fit a model :math:`f_s` to the source rows and let the target's model, which learns from the
    labeled target rows alone, see what it says of each row beside the features [1]_:

    .. math:: x \mapsto [\, x,\; f_s(x) \,].

    A baseline that is hard to beat where the source model is good: the target's model learns how
    far to trust it, and a correction. Target labels are required.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the longer rows of the target. None: only the map is fitted.
    source : estimator, FrozenEstimator or None, default=None
        ``FrozenEstimator(model)``: a fitted model is given; all rows are target rows, and source
        rows, if there are any, are not learned from. An unfitted estimator is fitted to the source
        rows. None stands for ``estimator``; without that, for ``LogisticRegression(max_iter=1000)``
        or, where y has values that are not whole numbers, ``Ridge()``. The model may know other
        classes than the target has, and a regressor may help a classifier.
    response_method : {"auto", "predict_proba", "decision_function", "predict"}, default="auto"
        What the source model is asked. "predict" of a classifier gives indicators of its classes;
        of two classes the second counts. "auto": the first of these that it has; "predict" for
        regressors.

    Attributes
    ----------
    source_ : estimator or None
        The fitted source model. None where there is one domain and nothing to start from: rows are
        then as they were.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the target rows learned from, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    EasyAdapt : One model of both domains, with weights that are partly common.
    LogisticTransfer : Starts from the coefficients of the source's model.

    Notes
    -----
    The source's outputs must be those for rows that it has not learned from, as they are for target
    rows here: a source model that was trained on the labeled target rows too would look better than
    it is. For the same reason do not learn from the mapped source rows. Outputs are on their own
    scale: standardize the features in front, and remember that a strong penalty of the estimator
    shrinks their weight like any other.

    A linear source model says nothing to a linear estimator that the features do not say: only the
    penalty tells one column from many. It helps where that penalty is strong, or where the source
    is of another kind (trees, a kernel, classes that the target does not have).

    The source model sees X as it is given: with a frozen model put no step before this one that was
    not part of the model's own Pipeline. Time and memory: the two fits, and one more column for a
    number or two classes, else one a class; sparse rows stay sparse.

    References
    ----------
    .. [1] H. Daumé III. Frustratingly easy domain adaptation. ACL, 2007. :arxiv:`0907.1815`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skransfer import PRED
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(-1, 1, size=(500, 2))
    >>> tree = DecisionTreeRegressor().fit(X, np.sin(5 * X[:, 0]))
    >>> X_target = rng.uniform(-1, 1, size=(120, 2))
    >>> y_target = 2 * np.sin(5 * X_target[:, 0]) + X_target[:, 1]  # a gain and a trend
    >>> pred = PRED(Ridge(0.1), source=FrozenEstimator(tree)).fit(X_target[:20], y_target[:20])
    >>> pred.transform(X_target[:5]).shape
    (5, 3)
    >>> bool(pred.score(X_target[20:], y_target[20:]) > 0.95)
    True
    """

    _min_rows = 1
    traits = Traits(
        target_labels="required",
        inert=MappingProxyType(
            {"response_method": "regressors are asked for predictions; tested with classifiers"}
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAdapter._parameter_constraints,
        "source": [HasMethods(["fit", "predict"]), None],
        "response_method": [
            StrOptions({"auto", "predict_proba", "decision_function", "predict"}),
        ],
    }

    def __init__(
        self, estimator: Any = None, *, source: Any = None, response_method: str = "auto"
    ) -> None:
        self.estimator = estimator
        self.source = source
        self.response_method = response_method

    def _needs_labels(self) -> bool:
        return self.estimator is not None or not self._is_given()

    def _is_given(self) -> bool:
        return isinstance(self.source, FrozenEstimator)

    def _check_parts(self) -> None:
        super()._check_parts()
        refuse_bare(self.source)
        if self.source is not None and not self._is_given():
            check_not_nested(self, self.source)

    def _domains(self, sample_domain: Any, X: Any) -> Domains:
        if not self._is_given():
            return super()._domains(sample_domain, X)
        if sample_domain is None:
            return Domains.one(num_samples(X))
        domains = Domains(check_ids(sample_domain, X))
        return domains if domains.target.any() else domains.require_both()

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> Any:
        if self._is_given():
            check_frozen(self.source, getattr(self, "feature_names_in_", None))
            self.source_ = self.source
        else:
            self.source_ = self._fit_source(data, fit_params)
        self._output_names_ = [] if self.source_ is None else self._name_outputs(data.numeric[:1])
        return super()._learn(data, fit_params)

    def _fit_source(self, data: Stacked, fit_params: dict[str, Any]) -> Any:
        """The model of the source rows; None where there is one domain and none to start from."""
        model = self.estimator if self.source is None else self.source
        if data.domains.single:
            if self.source is None:
                return None
            raise ValueError(
                f"source={self.source!r} is not fitted and there are no source rows to fit it on: "
                "wrap the fitted model in FrozenEstimator, or pass rows with sample_domain >= 0."
            )
        rows = np.flatnonzero(data.domains.source)
        labels = take_rows(data.y, rows)
        if model is None:
            whole = type_of_target(clean_labels(labels, classifier=True)) != "continuous"
            model = LogisticRegression(max_iter=1000) if whole else Ridge()
        labels = clean_labels(labels, classifier=is_classifier(model))
        given, params = self._users_weights(data, rows, fit_params)
        if given is not None:
            check_class_weights(given, labels, is_classifier(model))
        # Other arguments of fit are for the wrapped estimator.
        params = params if self.source is None else {}
        return fit_wrapped(model, data.numeric[rows], labels, given, params)

    def _response(self, model: Any) -> str:
        """What the source model is asked."""
        if not is_classifier(model):
            if self.response_method in ("auto", "predict"):
                return "predict"
        else:
            known = ("predict_proba", "decision_function", "predict")
            wanted = known if self.response_method == "auto" else (self.response_method,)
            for name in wanted:
                if hasattr(model, name):
                    return name
        raise ValueError(
            f"response_method={self.response_method!r}, which the source model does not have; set "
            'response_method="auto".'
        )

    def _training_rows(self, data: Stacked) -> NDArray[np.bool_]:
        rows = data.known & data.domains.target
        if not rows.any():
            raise ValueError(
                "PRED learns from labeled target rows and y labels none of them; label some, or "
                "use the source model as it is (SourceOnly)."
            )
        return rows

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        """Nothing is left to learn."""

    def _map(self, X: Any, domains: Domains) -> Any:
        if self.source_ is None:
            return X.copy()
        said = self._said(X).astype(X.dtype, copy=False)
        if sparse.issparse(X):
            return sparse.hstack([X, sparse.csr_array(said)], format="csr")
        return np.hstack([X, said])

    def _said(self, X: Any) -> NDArray[Any]:
        """Output of the source model, one row a row of X."""
        model, method = self.source_, self._response(self.source_)
        said = np.asarray(getattr(model, method)(_with_names(model, X)))
        if is_classifier(model):
            if method == "predict":
                said = said[:, None] == model.classes_
            if said.ndim == 2 and said.shape[1] == 2:
                said = said[:, 1]
        if len(said) != X.shape[0] or said.ndim > 2:
            raise ValueError(
                f"The source model's {method} gives an array of shape {said.shape} for "
                f"{X.shape[0]} rows; classes of several outputs are not supported."
            )
        return said.reshape(len(said), -1)

    def _name_outputs(self, X: Any) -> list[Any]:
        n_outputs = self._said(X).shape[1]
        classes = list(getattr(self.source_, "classes_", []))
        if n_outputs == 1:
            return classes[1:2] or [0]
        return classes if len(classes) == n_outputs else list(range(n_outputs))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the features, then those of the source's outputs.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features that go in; None: those seen in ``fit``, or x0, x1, ...

        Returns
        -------
        names : ndarray of str
            "source_" and a class, or the number of an output.
        """
        names = list(super().get_feature_names_out(input_features))
        return np.array([*names, *(f"source_{one}" for one in self._output_names_)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        for part in (self.estimator, self.source):
            if part is not None:
                tags.input_tags.sparse &= get_tags(part).input_tags.sparse
        tags.target_tags.required = self._needs_labels()
        return tags


def _with_names(model: Any, X: Any) -> Any:
    """Rows as the model takes them: it may have been fitted on a frame."""
    names = getattr(model, "feature_names_in_", None)
    if names is None or not isinstance(X, np.ndarray):
        return X
    import pandas as pd

    return pd.DataFrame(X, columns=names)
