"""Linear support vector machine whose weights are drawn to the direction of a source model."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor
from sklearn.svm import LinearSVC

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge, Traits, source_coefficients
from skransfer.parameter._one_vs_rest import fit_one_vs_rest, match_classes, used_rows

__all__ = ["PMTSVC"]


class PMTSVC(BaseSourceInformed):
    r"""Projective model transfer (PMT-SVM): the direction of a linear source, not its length.

    .. math:: \min_{w, b} \; \tfrac12 \lVert w \rVert^2 + \tfrac{\gamma}{2} \lVert P w \rVert^2
        + \tfrac12 (b / \sigma)^2 + C \sum_i s_i\, \ell\bigl(1 - y_i (w^\top x_i + b)\bigr)
        \quad \text{s.t.} \quad w_s^\top w \ge 0

    over the labeled target rows, with the projection :math:`P = I - w_s w_s^\top / \lVert w_s
    \rVert^2`, so that :math:`\lVert P w \rVert = \lVert w \rVert \sin \theta` for the angle
    :math:`\theta` from the source coefficients :math:`w_s` [1]_, row weights :math:`s_i`, labels
    :math:`y_i = \pm 1` and the hinge loss :math:`\ell(z) = \max(0, z)` or its square.
    :math:`\gamma \to \infty` leaves multiples of :math:`w_s`, with the length that fits the target;
    ``gamma=0`` leaves the half-space alone, which is :class:`sklearn.svm.LinearSVC` wherever its
    solution is within 90 degrees of the source. The intercept is penalized as in LinearSVC, is no
    part of P, and is not transferred. Several classes are learned one against the rest.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source classifier, linear in X: ``FrozenEstimator(model)`` for a fitted one, possibly
        a Pipeline of affine steps (its scaler is then part of the knowledge). An unfitted
        estimator, or None for ``LinearSVC()``, is fitted on the source rows, if there are any.
        Without model and source rows this is :class:`sklearn.svm.LinearSVC`.
    C : float, default=1.0
        Cost of the target rows. The paper's code penalizes without the factors 1/2, so its C is
        twice this one.
    gamma : float, default=1.0
        Strength of the pull to the direction, the paper's :math:`\Gamma`.
    fit_intercept : bool, default=True
        Whether to fit b.
    intercept_scaling : float, default=1.0
        :math:`\sigma`: b is penalized as the weight of a constant feature of this value, as in
        LinearSVC.
    loss : {"hinge", "squared_hinge"}, default="hinge"
        :math:`\ell`; the default is that of the paper.
    tol : float, default=1e-6
        Largest duality gap, relative to the objective.
    max_iter : int, default=1000
        Most passes over the rows; a ConvergenceWarning tells when they did not suffice.
    random_state : int, RandomState instance or None, default=None
        Of the order in which rows are visited. None stands for 0: fits are repeatable.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        w; one row, for the second class, if there are two.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        b.
    classes_ : ndarray of shape (n_classes,)
        Classes of the labeled target rows. Source coefficients are matched by name: a class that
        the source does not know has no direction, one that the target does not have is dropped.
    source_coef_ : ndarray of the shape of coef_
        :math:`w_s`, matched to ``classes_``; zeros where there is none.
    angle_ : ndarray of shape (1,) or (n_classes,)
        :math:`\theta` in degrees, at most 90: how far the target turned the model away. NaN where
        there is no direction, or ``coef_`` is zero.
    dual_gap_ : float
        Duality gap relative to the objective, the largest of all classes: the objective is
        certified to be that close to its minimum.
    n_iter_ : int
        Passes over the rows, the most for one class.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    AdaptiveSVC : Starts from the scores of any source, linear or not.
    LogisticTransfer : Draws to the coefficients themselves, with the log-loss.

    Notes
    -----
    In the variables :math:`(I + \gamma P)^{1/2} w`, which have a closed form, this is a plain SVM
    with one more column beside the features and one more row in the dual, for the half-space. A
    pass of dual coordinate descent takes time proportional to the entries of X that are not zero.
    Where dozens of passes do not suffice, Newton steps follow if there are at most 400 features, or
    rows on the margin: :math:`O(n p^2)` each for n rows and p features. Sparse X is never made
    dense. Integer weights equal repeated rows.

    References
    ----------
    .. [1] Y. Aytar, A. Zisserman. Tabula rasa: model transfer for object category detection. ICCV,
       2011. :doi:`10.1109/ICCV.2011.6126504`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.svm import LinearSVC
    >>> from skransfer import PMTSVC
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 5))
    >>> source = LinearSVC().fit(X, X @ [1.0, 1.0, 1.0, 1.0, 1.0] > 0)
    >>> y = X @ [1.0, 1.0, 1.0, 1.0, 0.3] > 0.5
    >>> model = PMTSVC(source=FrozenEstimator(source), gamma=3.0).fit(X[:20], y[:20])
    >>> bool(model.score(X[20:], y[20:]) > source.score(X[20:], y[20:]))
    True
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        inert=MappingProxyType(
            {
                "tol": "the last step usually ends far below it",
                "random_state": "the solution is the same",
            }
        ),
        examples=MappingProxyType({"loss": ({}, "squared_hinge"), "max_iter": ({"C": 100.0}, 1)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "C": [Interval(Real, 0, None, closed="neither")],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "loss": [StrOptions({"hinge", "squared_hinge"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }
    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"sample_domain": True}

    def __init__(
        self,
        *,
        source: Any = None,
        C: float = 1.0,
        gamma: float = 1.0,
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        loss: str = "hinge",
        tol: float = 1e-6,
        max_iter: int = 1000,
        random_state: Any = None,
    ) -> None:
        self.source = source
        self.C = C
        self.gamma = gamma
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.loss = loss
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def _default_source(self) -> Any:
        return LinearSVC(random_state=0)

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        X, y, weights, self.classes_ = used_rows(type(self).__name__, X, y, sample_weight)
        self.source_coef_ = self._source_coef(source.model, X)
        fit = fit_one_vs_rest(self, X, y, weights, self.classes_, directions=self.source_coef_)
        self.coef_, self.intercept_ = fit.coef, fit.intercept
        self.dual_gap_, self.n_iter_ = fit.gap, fit.n_iter
        self.angle_ = _angles(fit.coef, self.source_coef_)

    def _source_coef(self, model: Any, X: Any) -> NDArray[np.float64]:
        """Source coefficients in the shape of ``coef_``; zero without a source."""
        if model is None:
            return np.zeros((1 if len(self.classes_) == 2 else len(self.classes_), X.shape[1]))
        if is_regressor(model):
            raise ValueError(
                "source is a regressor; PMTSVC starts from a classifier and RidgeTransfer from a "
                "regressor."
            )
        coef, _, names = source_coefficients(model, X)
        return match_classes(coef, names, self.classes_)

    def decision_function(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Signed scores; arguments as in ``predict``.

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
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def _scores(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(X @ self.coef_.T) + self.intercept_

    def _predict(self, X: Any) -> NDArray[Any]:
        scores = self._scores(X)
        codes = (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[codes])


def _angles(coef: NDArray[np.float64], source: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles between rows in degrees, exact where they are small; NaN beside a row of zeros."""
    lengths = np.linalg.norm(coef, axis=1), np.linalg.norm(source, axis=1)
    known = (lengths[0] > 0) & (lengths[1] > 0)
    units = source[known] / lengths[1][known, None]
    along = (coef[known] * units).sum(axis=1)
    across = np.linalg.norm(coef[known] - along[:, None] * units, axis=1)
    angles = np.full(len(coef), np.nan)
    angles[known] = np.degrees(np.arctan2(across, np.maximum(along, 0.0)))
    return angles
