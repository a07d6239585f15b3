"""Gaussian process regression that starts from a source."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Kernel

from skransfer._compat import Interval, StrOptions, take_rows
from skransfer.base import BaseSourceInformed, Domains, Knowledge, Traits
from skransfer.parameter._gaussian_process import Options, fit_guarded, fit_process

__all__ = ["TransferGPRegressor"]


class TransferGPRegressor(BaseSourceInformed):
    r"""Gaussian process regression of a target that is related to a source.

    * ``mode="ko"``, Kennedy and O'Hagan [1]_: :math:`f_t = \rho f_s + \delta` with the predictions
      :math:`f_s` of any source model and a Gaussian process :math:`\delta`.
    * ``mode="atgp"``, adaptive transfer [2]_: one Gaussian process of the rows of both domains,
      with the kernel :math:`k(x, x')` within a domain and :math:`\rho\, k(x, x')` between them,
      :math:`\lvert \rho \rvert \le 1`.
    * ``mode="icm"``, intrinsic coregionalization [3]_: the same where the source's values may also
      have another scale than the target's.

    Parameters of the kernel, noise and :math:`\rho` are those of the largest evidence.
    :math:`\rho = 0` is :class:`sklearn.gaussian_process.GaussianProcessRegressor` on the target
    alone; in "atgp", :math:`\rho = 1` is the same on the rows of both domains.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        Only for "ko": ``FrozenEstimator(model)`` of any fitted regressor; an unfitted one is fitted
        on the source rows. None: a Gaussian process with this ``kernel`` is fitted on the source
        rows, if there are any. "atgp" and "icm" learn from source rows and take no model.
    kernel : kernel of sklearn.gaussian_process, default=None
        :math:`k`, or the kernel of :math:`\delta`. Its parameters start where they stand, those
        with ``bounds="fixed"`` stay. Noise needs no WhiteKernel. None: ``ConstantKernel() *
        RBF(l)``; l starts at ``sqrt(n_features * X.var())`` and stays within a factor of 100.
    mode : {"ko", "atgp", "icm"}, default="ko"
        See above.
    rho : float or "evidence", default="evidence"
        :math:`\rho`: the weight of the source. "evidence" in "ko": 0, the target alone, unless the
        source adds more than half the logarithm of the number of target rows to the log-evidence
        (the Bayesian information criterion).
    alpha : float or "evidence", default="evidence"
        Variance of the noise, in units of the variance of y if ``normalize_y``. "evidence": chosen
        for each domain, at least 1e-8 of that variance.
    normalize_y : bool, default=True
        Whether values are taken around the mean of their domain, and divided by the standard
        deviation of the labeled target rows.
    n_restarts_optimizer : int, default=3
        Further starts, at random between the bounds, for the largest evidence.
    random_state : int, RandomState instance or None, default=None
        Of the further starts. None stands for 0: fits are repeatable.

    Attributes
    ----------
    kernel_ : kernel
        The kernel with the chosen parameters.
    rho_ : float
        :math:`\rho` used; 0 without a source.
    noise_ : float
        Variance of the noise of target rows, in the units of ``alpha``.
    source_noise_ : float
        That of source rows; NaN in "ko", where the source is a function.
    source_scale_ : float
        Scale of the source's values relative to the target's; 1 but for "icm".
    log_marginal_likelihood_value_ : float
        Log-evidence of the labeled rows: of the target rows given the source in "ko", of all rows
        otherwise.
    source_ : object or None
        What predicts :math:`f_s` in "ko"; None in the other modes or without a source.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    RidgeTransfer : The pull toward a linear source.

    Notes
    -----
    An evaluation of the evidence takes :math:`O(n^3 + n^2 p)` time for n distinct rows and p
    parameters: labeled target rows in "ko", which needs twice the evaluations for the guard of
    ``rho``, those of both domains otherwise. As a Gaussian process
    does, the model keeps the rows that it was conditioned on: in "atgp" and "icm" the source's
    too, as well as in "ko" with ``source=None``; a frozen source keeps what it keeps. Integer
    weights equal repeated rows.

    In "ko", :math:`\rho` is that of generalized least squares at each kernel. ``predict_std`` knows
    how uncertain :math:`\rho` is; it does not know the errors of :math:`f_s`, which are a part of
    :math:`\delta`. Two or three target rows agree with some :math:`\rho` whatever the noise: give
    it a number there. In "atgp" the paper has a prior of :math:`\rho`; here :math:`\rho` itself is
    chosen, with the kernel, under the evidence of both domains together: where the source is much
    rougher or smoother than the target, their common kernel is a poor one, and "ko" is the choice.

    References
    ----------
    .. [1] M. C. Kennedy, A. O'Hagan. Predicting the output from a complex computer code when fast
       approximations are available. Biometrika 87(1), 2000. :doi:`10.1093/biomet/87.1.1`
    .. [2] B. Cao, S. J. Pan, Y. Zhang, D.-Y. Yeung, Q. Yang. Adaptive transfer learning. AAAI,
       2010. :doi:`10.1609/aaai.v24i1.7682`
    .. [3] E. V. Bonilla, K. M. A. Chai, C. K. I. Williams. Multi-task Gaussian process prediction.
       NIPS, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import TransferGPRegressor, stack_domains
    >>> exact = lambda x: ((6 * x - 2) ** 2 * np.sin(12 * x - 4)).ravel()
    >>> rough = lambda x: exact(x) / 2 + 10 * (x.ravel() - 0.5) - 5
    >>> X_source, X = np.linspace(0, 1, 11)[:, None], np.array([[0.0], [0.4], [0.6], [1.0]])
    >>> rows = stack_domains(X_source, rough(X_source), X, exact(X))
    >>> model = TransferGPRegressor().fit(*rows[:2], sample_domain=rows[2])
    >>> grid = np.linspace(0, 1, 101)[:, None]
    >>> bool(model.score(grid, exact(grid)) > 0.99)
    True
    >>> 1.9 < model.rho_ < 2.1
    True
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        inert=MappingProxyType(
            {
                "n_restarts_optimizer": "the first start usually finds the optimum",
                "random_state": "all starts usually end at the same optimum",
            }
        ),
        examples=MappingProxyType(
            {
                "kernel": ({}, ConstantKernel(1.0, "fixed") * RBF(2.0, "fixed")),
                "mode": ({"source": None}, "atgp"),
                "rho": ({}, 0.5),
                "alpha": ({}, 0.3),
                "normalize_y": ({"rho": 0.5}, False),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "kernel": [Kernel, None],
        "mode": [StrOptions({"ko", "atgp", "icm"})],
        "rho": [Real, StrOptions({"evidence"})],
        "alpha": [Interval(Real, 0, None, closed="neither"), StrOptions({"evidence"})],
        "normalize_y": ["boolean"],
        "n_restarts_optimizer": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        kernel: Any = None,
        mode: str = "ko",
        rho: float | str = "evidence",
        alpha: float | str = "evidence",
        normalize_y: bool = True,
        n_restarts_optimizer: int = 3,
        random_state: Any = None,
    ) -> None:
        self.source = source
        self.kernel = kernel
        self.mode = mode
        self.rho = rho
        self.alpha = alpha
        self.normalize_y = normalize_y
        self.n_restarts_optimizer = n_restarts_optimizer
        self.random_state = random_state

    def _default_source(self) -> Any:
        return GaussianProcessRegressor(self.kernel, alpha=1e-2, normalize_y=self.normalize_y)

    def _resolve_source(
        self, X: Any, y: NDArray[Any], domains: Domains, weights: NDArray[np.float64] | None
    ) -> Knowledge:
        """The source model, or the rows that this class itself learns from."""
        if self.mode != "ko":
            self._check_coupling()
        if self.source is not None or domains.single or not domains.source.any():
            return super()._resolve_source(X, y, domains, weights)
        rows = np.flatnonzero(domains.source)
        given = None if weights is None else weights[rows]
        return Knowledge(None, take_rows(X, rows), given, y[rows].astype(np.float64))

    def _check_coupling(self) -> None:
        if self.source is not None:
            kind = "a fitted model" if isinstance(self.source, FrozenEstimator) else "a model"
            raise ValueError(
                f"mode={self.mode!r} has the source rows in its kernel, and source is {kind}: "
                'pass stacked rows and source=None, or use mode="ko" for any model.'
            )
        if not isinstance(self.rho, str) and abs(self.rho) > 1:
            raise ValueError(
                f"rho={self.rho} is no correlation: in mode={self.mode!r} it lies between -1 and 1."
            )

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        X, y, weight = _positive(X, y.astype(np.float64), sample_weight)
        options, both = self._options(), np.zeros(len(y), dtype=bool)
        self.source_ = source.model
        if source.model is not None and is_classifier(source.model):
            raise ValueError("source is a classifier; TransferGPRegressor starts from a regressor.")
        if self.source is None and source.X is not None:
            rows = _positive(source.X, source.y, source.sample_weight)
            if self.mode == "ko":
                self.source_ = fit_process(options, *rows, np.zeros(len(rows[1]), dtype=bool))
            else:
                both = np.repeat([False, True], [len(y), len(rows[1])])
                X, y = np.concatenate([X, rows[0]]), np.concatenate([y, rows[1]])
                weight = np.concatenate([weight, rows[2]])
        self._process = fit_guarded(options, X, y, weight, both, self.source_)
        self.kernel_, self.rho_ = self._process.kernel, float(self._process.rho)
        self.noise_ = self._process.tasks.noise
        self.source_noise_ = self._process.tasks.noise_source if both.any() else float("nan")
        self.source_scale_ = float(self._process.tasks.scale)
        self.log_marginal_likelihood_value_ = self._process.log_evidence

    def _options(self) -> Options:
        return Options(
            self.kernel,
            self.mode,
            self.rho,
            self.alpha,
            self.normalize_y,
            self.n_restarts_optimizer,
            0 if self.random_state is None else self.random_state,
        )

    def _predict(self, X: Any) -> NDArray[Any]:
        return self._process.predict(_dense(X))

    def predict_std(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Posterior standard deviation of the target's function; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        std : ndarray of shape (n_samples,)
            In units of y. The noise of an observation, ``noise_``, is not in it.
        """
        X, _ = self._check_rows(X, sample_domain)
        return self._process.std(_dense(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def _positive(
    X: Any, y: NDArray[np.float64], weight: NDArray[np.float64] | None
) -> tuple[Any, NDArray[np.float64], NDArray[np.float64]]:
    """Rows that weigh something, with their weights."""
    X = _dense(X)
    if weight is None:
        return X, y, np.ones(len(y))
    used = weight > 0
    return X[used], y[used], weight[used]


def _dense(X: Any) -> Any:
    if sparse.issparse(X):
        raise TypeError(
            "TransferGPRegressor evaluates kernels of scikit-learn, which take no sparse rows; "
            "pass X.toarray(), or use RidgeTransfer."
        )
    return X
