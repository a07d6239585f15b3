"""Feature augmentation with unlabeled target rows."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone, is_classifier

from skransfer._compat import Interval
from skransfer.base import Traits
from skransfer.base.labels import clean_labels
from skransfer.base.sample_weight import check_class_weights, combine_weights
from skransfer.base.transfer import Stacked
from skransfer.base.weighting import fit_wrapped
from skransfer.feature._augmentation import BaseAugmentation

__all__ = ["EasyAdaptPlus"]


class EasyAdaptPlus(BaseAugmentation):
    r"""Feature augmentation with unlabeled target rows (EasyAdapt++, EA++).

    To the long rows of :class:`EasyAdapt` add, for each unlabeled target row, one on which a
    linear model shows how far the source's and the target's predictions are apart [1]_:

    .. math:: x^{(u)} \mapsto [\, 0,\; x,\; -x \,], \qquad
        w^\top x^{(u)} = (w_0 + v_s)^\top x - (w_0 + v_t)^\top x,

    and ask for zero. With labeled rows l, the model minimizes

    .. math:: \sum_{i \in l} L\big(y_i, f_{d_i}(x_i)\big)
        + \lambda_u \sum_{j \in u} \sum_k A\big(f_k(x_j) - f_t(x_j)\big) + \alpha\, \Omega(w).

    For regressors :math:`A(z) = L(0, z)`: such a row has the label 0. For classifiers A is the mean
    loss over both signs of the row, hence as small as it can be where both sides agree:
    :math:`A(z) = \tfrac12 (L(1, z) + L(-1, z))` for two classes, which is the paper's row with both
    labels. Target labels are required.

    Parameters
    ----------
    estimator : estimator, default=None
        A linear model with ``fit_intercept`` and ``sample_weight`` (Ridge, LogisticRegression,
        LinearSVC, SGDClassifier); its intercept is replaced, see ``intercept_scaling``. None: only
        the map is fitted, that of :class:`EasyAdapt`.
    unlabeled_weight : float, default=0.1
        :math:`\lambda_u`, weight of an unlabeled row, where a labeled row has weight 1. 0: none is
        used; to infinity: the sides agree on the span of the unlabeled rows.
    sharing : float, default=0.5
        How much the domains have in common, :math:`\rho` in [0, 1], as in :class:`EasyAdapt`.
        Unlabeled rows change nothing at 1, where the model is one for all domains.
    intercept_scaling : float, default=1.0
        A constant feature of this value is appended to x and copied like the others, and the
        estimator is fitted with ``fit_intercept=False``: a difference of two predictions has no
        intercept. Intercepts are then penalized, less for a larger value; center y of regressors.
        0: no intercept at all, for centered data.
    sparse_output : bool or "auto", default="auto"
        Whether long rows come as CSR. "auto": if X is sparse.

    Attributes
    ----------
    source_ids_ : ndarray of shape (n_source_domains,)
        Ids of the source domains, in the order of their copies.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    EasyAdapt : Learns from labeled rows alone.

    Notes
    -----
    With K source domains each unlabeled row asks each of them for agreement. Several classes need
    no copy for each: a row and its negative, both in one class and of weight
    :math:`\lambda_u / 2`, have :math:`\tfrac12 (L(1, z_c) + L(-1, z_c))` for each class against the
    rest, whatever the class they are in, and
    :math:`\tfrac12 (\log \sum_c e^{z_c} + \log \sum_c e^{-z_c})` under a multinomial model.
    ``class_weight`` would weight them as rows of that class and is refused: pass ``sample_weight``.

    The predictions that agree are linear in x: put scalers in front, not inside, and do not search
    parameters inside, where folds would be drawn from such rows.

    Time and memory are those of :class:`EasyAdapt` with K (classifiers: 2 K) more rows for each
    unlabeled one.

    References
    ----------
    .. [1] H. Daumé III, A. Kumar, A. Saha. Frustratingly easy semi-supervised domain adaptation.
       Workshop on Domain Adaptation for NLP, ACL, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import EasyAdaptPlus, stack_domains
    >>> rng = np.random.RandomState(0)
    >>> Xs, Xt = rng.normal(size=(100, 5)), rng.normal(size=(80, 5))
    >>> ys, yt = (Xs.sum(axis=1) > 0).astype(int), (Xt[:, 1:].sum(axis=1) > 0).astype(float)
    >>> few = np.where(np.arange(80) < 10, yt, np.nan)  # ten labels in the target
    >>> X, y, sample_domain = stack_domains(Xs, ys, Xt, few)
    >>> adapted = EasyAdaptPlus(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    >>> bool(adapted.score(Xt[10:], yt[10:]) > 0.8)
    True
    """

    _gives_weights = True
    traits = Traits(
        target_labels="required",
        multi_source="distinguished",
        examples=MappingProxyType(
            {"sharing": ({}, 0.9), "sparse_output": ({"estimator": None}, True)}
        ),
        inert=MappingProxyType(
            {"unlabeled_weight": "the laws label every row; tested with unlabeled ones beside"}
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAugmentation._parameter_constraints,
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        unlabeled_weight: float = 0.1,
        sharing: float = 0.5,
        intercept_scaling: float = 1.0,
        sparse_output: bool | str = "auto",
    ) -> None:
        self.estimator = estimator
        self.unlabeled_weight = unlabeled_weight
        self.sharing = sharing
        self.intercept_scaling = intercept_scaling
        self.sparse_output = sparse_output

    def _check_parts(self) -> None:
        super()._check_parts()
        if self.estimator is None:
            return
        params = self.estimator.get_params()
        name = type(self.estimator).__name__
        if not _named(params, "fit_intercept"):
            raise TypeError(
                f"EasyAdaptPlus compares the predictions of a linear model without an intercept, "
                f"and {name} has no fit_intercept; wrap Ridge, LogisticRegression, LinearSVC or "
                "SGDClassifier, or use EasyAdapt, which takes any estimator."
            )
        if any(params[key] is not None for key in _named(params, "class_weight")):
            raise ValueError(
                f"class_weight of {name} would weight the unlabeled rows, which belong to no "
                "class; pass sample_weight to fit instead."
            )

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> Any:
        if self.estimator is None:
            return super()._learn(data, fit_params)
        labeled = np.flatnonzero(self._training_rows(data))
        Z = self._adapt(data)[0]
        pairs, more = self._differences(data)
        rows = np.concatenate([labeled, pairs])
        labels = clean_labels(data.y[labeled], classifier=is_classifier(self))  # type: ignore[index]
        given, params = self._users_weights(data, rows, fit_params)
        if given is not None:
            check_class_weights(given[: len(labeled)], labels, is_classifier(self))
        learned = None
        if len(pairs):
            weight = self.unlabeled_weight / (2 if is_classifier(self) else 1)
            learned = np.repeat([1.0, weight], [len(labeled), len(pairs)])
            # Any class will do; see the Notes.
            one = np.sort(labels, axis=0)[:1] if is_classifier(self) else np.zeros_like(labels[:1])
            labels = np.concatenate([labels, np.repeat(one, len(pairs), axis=0)])
        join = sparse.vstack if sparse.issparse(Z) else np.vstack
        long = join([Z[labeled], more]) if len(pairs) else Z[labeled]
        weights = combine_weights(learned, given)
        self.estimator_ = fit_wrapped(self._without_intercept(), long, labels, weights, params)
        if hasattr(self.estimator_, "classes_"):
            self.classes_ = self.estimator_.classes_
        return Z

    def _differences(self, data: Stacked) -> tuple[NDArray[np.intp], Any]:
        """Long rows [0, x, -x] of the unlabeled target rows, and the index of each in X."""
        own = self._factors()[1]
        unlabeled = np.flatnonzero(~data.known)
        n_sources = len(self.source_ids_)
        if not self.unlabeled_weight or not own or not n_sources:
            unlabeled = unlabeled[:0]
        signs = (1.0, -1.0) if is_classifier(self) else (1.0,)
        cases = [(k + 1, sign * own) for k in range(n_sources) for sign in signs]
        if not len(unlabeled):
            return unlabeled, None
        X = data.numeric[unlabeled]
        parts = [self._spread(X, [(block, f), (n_sources + 1, -f)]) for block, f in cases]
        join = sparse.vstack if sparse.issparse(parts[0]) else np.vstack
        return np.tile(unlabeled, len(cases)), join(parts)

    def _without_intercept(self) -> Any:
        learner = clone(self.estimator)
        names = _named(learner.get_params(), "fit_intercept")
        return learner.set_params(**dict.fromkeys(names, False))


def _named(params: dict[str, Any], name: str) -> list[str]:
    """Keys of nested parameters of this name."""
    return [key for key in params if key.rpartition("__")[2] == name]
