"""Relative unconstrained least-squares importance fitting."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

from skransfer._compat import Interval
from skransfer.base import BaseReweighter, Traits
from skransfer.instance._least_squares import RATIO_EXAMPLES, LeastSquaresRatio

__all__ = ["RULSIF"]


class RULSIF(LeastSquaresRatio, BaseReweighter):
    r"""Relative unconstrained least-squares importance fitting (RuLSIF).

    Weight the source rows by an estimate of the ratio of the target's density to a mixture of
    both, with share :math:`a` of the target [1]_:

    .. math:: w(x) \approx \frac{p_t(x)}{a\, p_t(x) + (1 - a)\, p_s(x)} \le \frac1a.

    The ratio of :class:`ULSIF` can be large or infinite, and its estimate is then unsteady; this
    one is bounded. With Gaussian kernels on target rows,
    :math:`\varphi_l(x) = e^{-\gamma \lVert x - c_l \rVert^2}`, the model
    :math:`w(x) = \theta^\top \varphi(x)` is fitted by least squares:

    .. math:: \tilde\theta = \arg\min_\theta \; \tfrac12 \theta^\top H \theta - h^\top \theta
        + \tfrac{\alpha}{2} \lVert \theta \rVert^2, \qquad h = \tfrac{1}{n_t} \sum_j
        \varphi(x_j^t), \\
        H = \tfrac{a}{n_t} \sum_j \varphi(x_j^t) \varphi(x_j^t)^\top
        + \tfrac{1 - a}{n_s} \sum_i \varphi(x_i^s) \varphi(x_i^s)^\top,

    then :math:`\theta = \max(0, \tilde\theta)`. The leave-one-out score has a closed form, which
    chooses :math:`\gamma` and :math:`\alpha`. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the weighted source rows; the weights reach it through any composition of
        scikit-learn estimators. None: only the weights are fitted.
    share : float, default=0.1
        :math:`a`, in [0, 1): share of the target in the denominator. 0: the ratio of
        :class:`ULSIF`; toward 1 all weights become equal: less variance, more bias.
    n_landmarks : int, default=100
        Most target rows that carry a kernel.
    gamma : float, "loo", "scale" or "median", default="loo"
        Inverse width of the kernels, in units of 1 / squared feature. "loo": the best of
        2^-4, 2^-3, ..., 2^6 times "median"; "scale": 1 / (d var(X)), as in SVC; "median": from
        the median distance of the pooled rows. Features should have comparable scales.
    alpha : float or "loo", default="loo"
        Penalty. "loo": the best of 10^1, 10^0.5, ..., 10^-3. The kernels are at most 1, so
        these values suit features of any scale.
    max_weight : float, default=None
        Largest weight of a row. None: no bound. Smaller: less variance, more bias.
    flatten : float or "auto", default=1.0
        Exponent of the weights, in [0, 1] [3]_. 1: the ratio; 0: all weights equal. Smaller:
        less variance, more bias. "auto": the largest that leaves the source rows worth a tenth
        of their number. Applied before ``max_weight``.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one, with weight 1 beside source weights of mean 1.
    random_state : int, RandomState instance or None, default=None
        None: landmarks at equally spaced ranks of a fixed linear function of the features, and
        a fixed pairing of rows for the leave-one-out score; nothing is random. Else landmarks
        and pairs are drawn.

    Attributes
    ----------
    weights_ : ndarray of shape (n_source,)
        Estimated ratio, flattened and bounded as asked, in the order in which the source rows
        stand in X: ``weigh`` of these rows. The estimator gets it scaled to mean 1, times the
        user's ``sample_weight``.
    effective_sample_size_ : float
        (sum w)^2 / sum w^2: so many equally weighted rows carry as much information.
    flatten_ : float
        Exponent used; 1 if ``fit`` saw one domain.
    gamma_ : float
        Inverse width used; NaN if ``fit`` saw one domain.
    alpha_ : float
        Penalty used; NaN if ``fit`` saw one domain.
    solver_info_ : dict
        How the ratio was fitted: ``form`` ("landmarks"), ``n_landmarks``, ``n_passes`` over the
        kernel between rows and landmarks, and the ``loo_score`` of the choice.
    loo_score_ : float
        Leave-one-out score at ``gamma_`` and ``alpha_``: half the mean squared error of the
        ratio under the mixture, up to a constant. Lower is better; compares fits to the same rows.
        NaN if ``fit`` saw one domain.
    landmarks_ : ndarray or CSR matrix of shape (n_landmarks, n_features)
        Target rows that carry a kernel.
    coef_ : ndarray of shape (n_landmarks,)
        Coefficients of the kernels, not negative.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    ULSIF : The plain ratio.
    KMM : Weights by matching kernel means, without a model of the ratio.

    Notes
    -----
    With b landmarks, g widths and m penalties, time is :math:`O(n b (b + d) + g (j b d + b^3 +
    m j b^2))` for j rows that judge; memory is :math:`O(b^2)` beside a copy of the rows: the
    basis is computed in stripes.

    One source and one target row are left out at a time, as in [2]_ (in [1]_, folds are); where
    the domains have unequal numbers of rows, equally spaced ones of the larger are paired.
    Widths and penalties are judged on at most 20 000 rows of each domain; the model is then
    fitted to all. The estimate is cut off at the bound 1 / a of the true ratio, which the score
    does not see. Under the mixture the ratio has mean 1, so ``weights_``, of source rows alone,
    has a smaller one. Far from all landmarks it is 0.

    Rows on a device are weighted there, and all arrays that are learned stay there; the host only
    sorts the rows, by which landmarks and pairs are chosen.

    References
    ----------
    .. [1] M. Yamada, T. Suzuki, T. Kanamori, H. Hachiya, M. Sugiyama. Relative density-ratio
       estimation for robust distribution comparison. NIPS, 2011.
    .. [2] T. Kanamori, S. Hido, M. Sugiyama. A least-squares approach to direct importance
       estimation. Journal of Machine Learning Research 10, 2009.
    .. [3] H. Shimodaira. Improving predictive inference under covariate shift by weighting the
       log-likelihood function. Journal of Statistical Planning and Inference 90, 2000.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import RULSIF
    >>> from skransfer.datasets import make_covariate_shift
    >>> X, y, sample_domain = make_covariate_shift(random_state=0)
    >>> rulsif = RULSIF(LogisticRegression(), share=0.5).fit(X, y, sample_domain=sample_domain)
    >>> bool(rulsif.weights_.max() <= 2)
    True
    """

    _weight_knobs = 'share (larger), flatten ("auto"), max_weight (smaller) or gamma (smaller)'
    traits = Traits(
        target_labels="optional",
        stochastic=True,
        on_device=True,
        examples=MappingProxyType({**RATIO_EXAMPLES, "share": ({}, 0.5)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseReweighter._parameter_constraints,
        **LeastSquaresRatio._ratio_constraints,
        "share": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        share: float = 0.1,
        n_landmarks: int = 100,
        gamma: Any = "loo",
        alpha: Any = "loo",
        max_weight: float | None = None,
        flatten: Any = 1.0,
        train_on: str = "source",
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.share = share
        self.n_landmarks = n_landmarks
        self.gamma = gamma
        self.alpha = alpha
        self.max_weight = max_weight
        self.flatten = flatten
        self.train_on = train_on
        self.random_state = random_state
