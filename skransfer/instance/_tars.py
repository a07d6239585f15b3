"""Target shift by kernel mean matching of label-conditional means."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseReweighter, Domains, Traits
from skransfer.base.kernel import KERNEL_EXAMPLES, UsesKernel
from skransfer.base.labels import clean_labels
from skransfer.base.warning import warn_user
from skransfer.kernels import LowRankOperator, canonical_order
from skransfer.solvers.smoothing import gaussian_smoother
from skransfer.solvers.target_shift import class_basis, smooth_basis, target_shift_weights

__all__ = ["TarS"]

_SHARP = 100.0  # times the inverse width of the labels' kernel: an average over near labels only


class TarS(UsesKernel, BaseReweighter):
    r"""Target shift by kernel mean matching (TarS).

    Labels are more or less frequent in the target than in the source, and what a label looks like
    is the same in both: :math:`p_t(y) \ne p_s(y)`, :math:`p_t(x \mid y) = p_s(x \mid y)`. Source
    rows are weighted by :math:`\beta(y) = p_t(y) / p_s(y)`, found without target labels: the
    kernel means of p(x | y), weighted by :math:`\beta`, must match the target's kernel mean [1]_:

    .. math:: \min_\beta \Bigl\lVert \tfrac{1}{n_s} \Phi_s (L + \lambda n_s I)^{-1} L \beta
        - \tfrac{1}{n_t} \Phi_t 1 \Bigr\rVert^2 + \tfrac{\alpha}{n_s^2} \lVert \beta \rVert^2
        \quad\text{s.t.}\quad 0 \le \beta_i \le B, \;
        \Bigl|\sum_i \beta_i - n_s\Bigr| \le n_s \epsilon,

    with features :math:`\Phi` of the kernel of the rows and the kernel matrix L of the labels.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the weighted source rows; the weights reach it through any composition of
        scikit-learn estimators. None: only the weights are fitted.
    label_kernel : {"auto", "delta", "rbf"}, default="auto"
        Kernel of the labels. "delta": 1 for equal labels, else 0: one weight a class. "rbf":
        Gaussian, for numbers: the weight is a smooth function of y. "auto": "delta" for a
        classifier, "rbf" for a regressor; without an estimator, as scikit-learn reads y.
    label_gamma : float or "scale", default="scale"
        Inverse width of the Gaussian kernel of the labels. "scale": 1 / (k var(y)) for k outputs.
    label_alpha : float, default=1e-3
        :math:`\lambda`: ridge of the conditional means, as in kernel ridge regression; the share
        of a class's mean that is kept is n_c / (n_c + label_alpha n_s).
    kernel : str or callable, default="rbf"
        A kernel of :func:`sklearn.metrics.pairwise.pairwise_kernels`, or a function of two rows.
        It has to tell the conditional means apart: with "linear", at most d + 1 classes.
    gamma : float, "scale" or "median", default="scale"
        Inverse width of the kernel, in units of 1 / squared feature. "scale": 1 / (d var(X)),
        as in SVC; "median": from the median distance of the pooled rows.
    degree : int, default=3
        Degree of the polynomial kernel.
    coef0 : float, default=1.0
        Constant term of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Further arguments of a callable kernel.
    max_weight : float, default=10.0
        B: the largest weight of a row.
    epsilon : float, default=None
        Share by which the weights' sum may leave n_source. None: B / (4 sqrt(n_s)), the value of
        [1]_, but at most (sqrt(n_s) - 1) / sqrt(n_s), that of kernel mean matching.
    alpha : float, default=3.0
        Penalty on the weights; it draws them toward their mean. Sampling alone moves the kernel
        means by about 1 / n, which unpenalized smooth weights follow. 0: none, as in [1]_.
    feature_map : transformer, default=None
        Features that stand for the kernel where there are too many rows for its matrix, such as
        ``Nystroem(n_components=300)``.
    tol : float, default=1e-6
        Certified gap in MMD^2 at which the solver stops; see :class:`KMM`.
    max_iter : int, default=None
        Most steps of the solver; None: no limit. A ConvergenceWarning tells when it was hit.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one, with weight 1 beside source weights of mean 1.
    verbose : int, default=0
        1: progress of the solver.

    Attributes
    ----------
    weights_ : ndarray of shape (n_source,)
        The solution, in the order in which the source rows stand in X; equal for equal labels. A
        class whose share of the target comes out below 1 / (n_t + n_classes) gets that share:
        n_t rows cannot tell it from none, and the estimator has to know the class.
        The estimator gets it scaled to mean 1, times the user's ``sample_weight``.
    effective_sample_size_ : float
        (sum w)^2 / sum w^2: so many equally weighted rows carry as much information.
    labels_ : ndarray of shape (n_labels,) or (n_labels, n_outputs)
        Distinct labels of the source.
    label_weights_ : ndarray of shape (n_labels,)
        Their weights.
    target_prior_ : ndarray of shape (n_labels,)
        Their estimated shares in the target: the weighted shares in the source.
    gamma_ : float
        Inverse width used for the rows.
    label_gamma_ : float
        That used for the labels; 0 for "delta".
    feature_map_ : transformer or None
        The fitted clone of ``feature_map``.
    solver_info_ : dict
        As of :class:`KMM`, with the ``rank`` of the labels' kernel.
    n_iter_ : int
        Steps of the solver.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    KMM : For covariate shift, where p(y | x) is common instead.

    Notes
    -----
    Of the labels' kernel matrix only its range matters: one column a class, or some twenty smooth
    functions of y (from 200 distinct labels on, spanned by 200 of them). One pass over the kernel
    matrix of the rows, :math:`O(n_s (n_s + n_t) d)`, then :math:`O(n_s r^2)` a step.

    Weights depend on y alone, so new rows have none before their label is known:
    ``weigh_labels(y)`` gives them, for numbers as a Gaussian average over the labels of ``fit``.
    Where p(x | y) is not common, or two labels look alike, the weights mean nothing.

    References
    ----------
    .. [1] K. Zhang, B. Schoelkopf, K. Muandet, Z. Wang. Domain adaptation under target and
       conditional shift. ICML, 2013.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import TarS
    >>> from skransfer.datasets import make_label_shift
    >>> X, y, sample_domain = make_label_shift(target_prior=[0.1, 0.9], random_state=0)
    >>> tars = TarS(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    >>> tars.target_prior_.round(1)
    array([0.1, 0.9])
    """

    _weight_knobs = "alpha (larger), max_weight (smaller) or gamma (smaller)"
    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            {
                **KERNEL_EXAMPLES,
                "label_kernel": ({"label_kernel": "delta"}, "rbf"),
                "label_gamma": ({"label_kernel": "rbf"}, 5.0),
                "label_alpha": ({}, 1.0),
                "max_weight": ({"alpha": 0.0}, 1.01),
                "epsilon": ({"alpha": 0.0}, 0.0),
                "max_iter": ({"alpha": 0.0}, 1),
                # The program is small: only a wide tolerance ends before it is solved.
                "tol": ({}, 0.9),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseReweighter._parameter_constraints,
        **UsesKernel._kernel_constraints,
        "label_kernel": [StrOptions({"auto", "delta", "rbf"})],
        "label_gamma": [StrOptions({"scale"}), Interval(Real, 0, None, closed="neither")],
        "label_alpha": [Interval(Real, 0, None, closed="neither")],
        "max_weight": [Interval(Real, 0, None, closed="neither")],
        "epsilon": [Interval(Real, 0, None, closed="left"), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        label_kernel: str = "auto",
        label_gamma: Any = "scale",
        label_alpha: float = 1e-3,
        kernel: Any = "rbf",
        gamma: Any = "scale",
        degree: int = 3,
        coef0: float = 1.0,
        kernel_params: dict[str, Any] | None = None,
        max_weight: float = 10.0,
        epsilon: float | None = None,
        alpha: float = 3.0,
        feature_map: Any = None,
        tol: float = 1e-6,
        max_iter: int | None = None,
        train_on: str = "source",
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.label_kernel = label_kernel
        self.label_gamma = label_gamma
        self.label_alpha = label_alpha
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.max_weight = max_weight
        self.epsilon = epsilon
        self.alpha = alpha
        self.feature_map = feature_map
        self.tol = tol
        self.max_iter = max_iter
        self.train_on = train_on
        self.verbose = verbose

    def _needs_labels(self) -> bool:
        return True

    def _fit_weights(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> NDArray[np.float64]:
        self._resolve_gamma(X)
        order, _ = canonical_order(X[domains.source])
        source = X[domains.source][order]
        labels = clean_labels(np.asarray(y)[domains.source], classifier=is_classifier(self))[order]
        basis, codes = self._label_basis(labels)
        solution, info = self._solve(source, X[domains.target], basis, codes)
        if not info["converged"]:
            warn_user(
                f"TarS stopped after {info['n_iter']} steps with a certified gap of "
                f"{info['gap']:.1e} in MMD^2, above tol: raise max_iter or tol.",
                ConvergenceWarning,
            )
        self.solver_info_, self.n_iter_ = info, max(1, info["n_iter"])
        counts = np.bincount(codes)
        if self.label_gamma_ == 0:
            # A class of which the target need not have a single row is not lost for that.
            least = len(order) / ((domains.n_target + len(counts)) * counts)
            solution = np.maximum(solution, least[codes])
        weights = np.empty(len(order))
        weights[order] = solution
        self.label_weights_ = np.bincount(codes, solution) / counts
        self.target_prior_ = self.label_weights_ * counts / solution.sum()
        return weights

    def _solve(
        self, source: Any, target: Any, basis: tuple[Any, Any], codes: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        n = source.shape[0]
        epsilon = self.epsilon
        if epsilon is None:
            epsilon = min(self.max_weight / (4 * np.sqrt(n)), 1 - 1 / np.sqrt(n))
        names = ("max_weight", "alpha", "tol", "max_iter", "verbose")
        options = {name: getattr(self, name) for name in names} | {"epsilon": epsilon}
        op = self._operator(source)
        if isinstance(op, LowRankOperator):
            target = target if self.feature_map_ is None else self._features(target)
            goal = np.asarray(target.mean(axis=0), dtype=np.float64).ravel()
            means, mean = op.embed(goal[:, None]).ravel(), float(goal @ goal)
        else:
            means, mean = self._target_means(source, target)
        return target_shift_weights(op, means, mean, basis, groups=codes, **options)

    def _label_basis(self, labels: NDArray[Any]) -> tuple[tuple[Any, Any], NDArray[np.intp]]:
        """Functions of the labels, and the number of each row's label among the distinct ones."""
        classes = self.label_kernel == "delta" or (
            self.label_kernel == "auto" and not is_regressor(self) and _are_classes(labels)
        )
        axis = 0 if labels.ndim > 1 else None
        self.labels_, codes = np.unique(labels, axis=axis, return_inverse=True)
        codes = codes.ravel()
        if classes:
            self.label_gamma_ = 0.0
            return class_basis(codes, self.label_alpha), codes
        numbers = _columns(labels, self.label_kernel)
        spread = float(numbers.var()) or 1.0
        width = 1.0 / (numbers.shape[1] * spread)
        self.label_gamma_ = width if self.label_gamma == "scale" else float(self.label_gamma)
        return smooth_basis(numbers, self.label_gamma_, self.label_alpha), codes

    def _fit_nothing(self, X: Any) -> None:
        self._resolve_gamma(X)
        self.label_gamma_, self.n_iter_ = 0.0, 1
        self.labels_, self.label_weights_ = np.empty(0), np.empty(0)
        self.target_prior_ = np.empty(0)
        self.solver_info_ = {"n_iter": 0, "gap": 0.0, "converged": True}

    def weigh_labels(self, y: Any) -> NDArray[np.float64]:
        """Weights of labels, on the scale of ``weights_``.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels; classes must be among ``labels_``.

        Returns
        -------
        weights : ndarray of shape (n_samples,), dtype float64
            All ones if ``fit`` saw one domain.

        Raises
        ------
        ValueError
            If a class is unknown.
        """
        check_is_fitted(self)
        y = np.asarray(y)
        if self._one_domain_:
            return np.ones(len(y))
        if self.label_gamma_ > 0:
            known, new = (_columns(labels, self.label_kernel) for labels in (self.labels_, y))
            return gaussian_smoother(new, known, self.label_weights_, _SHARP * self.label_gamma_)
        at = np.minimum(np.searchsorted(self.labels_, y), len(self.labels_) - 1)
        unknown = np.unique(y[self.labels_[at] != y])
        if len(unknown):
            raise ValueError(f"y has classes that no source row has: {unknown[:5].tolist()}.")
        return np.asarray(self.label_weights_[at])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _are_classes(labels: NDArray[Any]) -> bool:
    return type_of_target(labels) in ("binary", "multiclass")


def _columns(labels: Any, label_kernel: str) -> NDArray[np.float64]:
    """Numeric labels as rows of outputs."""
    try:
        numbers = np.asarray(labels, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"label_kernel={label_kernel!r} needs labels that are numbers; use "
            'label_kernel="delta" for classes.'
        ) from error
    return numbers.reshape(len(numbers), -1)
