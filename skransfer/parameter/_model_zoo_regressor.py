"""Rank regressors for a new task, and reuse the best."""

from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from skransfer._compat import StrOptions
from skransfer.base import NamedModel, Traits
from skransfer.parameter._hypothesis_transfer_regressor import HypothesisTransferRegressor
from skransfer.parameter._pool import regression_outputs
from skransfer.parameter._zoo import BaseModelZoo
from skransfer.solvers.ridge import fit_ridge
from skransfer.solvers.transferability import logme

__all__ = ["ModelZooRegressor"]


class ModelZooRegressor(BaseModelZoo):
    r"""Rank fitted regressors for a new task by transferability, and reuse the best.

    Each model of the zoo is asked once for the labeled target rows, and scored by how well a linear
    function of its predictions explains their labels, without fitting anything that is kept. The
    best one becomes the source of a transfer method. A zoo of many models costs little more than
    their predictions, where cross-validation of each would fit the method many times.

    Parameters
    ----------
    source : list, FrozenEstimator, estimator or None, default=None
        The zoo: a list of ``FrozenEstimator(model)``, or of pairs of a name and such a model; one
        frozen model; or an unfitted estimator, None for ``Ridge()``, which is fitted on
        each source domain by itself, if there are source rows. Without models and source rows
        ``method`` is fitted without a source.
    method : estimator, default=None
        Reuses the best model: a regressor of ``skransfer.parameter`` with a parameter ``source``,
        which is set. None: :class:`HypothesisTransferRegressor`, which takes models of any
        kind. Its own ``source`` is not looked at.
    metric : {"logme", "loo"}, default="logme"
        Score of a model, greater is better. "logme": evidence of a Bayesian linear model of the
        labels on its predictions, with an intercept [1]_, see
        :func:`skransfer.metrics.logme_score`; "loo": negative leave-one-out mean squared error of
        a ridge regression on them.

    Attributes
    ----------
    scores_ : ndarray of shape (n_sources,)
        Score of each model, in the order of ``sources_``.
    ranking_ : ndarray of shape (n_sources,)
        Positions of the models in ``sources_``, best first.
    best_source_ : pair or None
        The best model, with attributes ``name`` and ``model``: to predict as it stands, ask
        ``best_source_.model``. None without sources.
    sources_ : tuple
        All models as such pairs; those fitted here are named by their domain.
    method_ : estimator
        The method, fitted from the best model.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    ModelZooClassifier : The same for classes.
    HypothesisTransferRegressor : Weighs several models instead of taking one.
    GreedyTransferRegressor : Takes a few of very many.

    Notes
    -----
    The predictions of each model on the labeled target rows, and a fit of ``method``. Where two
    models are equally good the first is taken. The choice is part of the fit, so that
    cross-validation of the zoo judges it too.

    References
    ----------
    .. [1] K. You, Y. Liu, J. Wang, M. Long. LogME: practical assessment of pre-trained models for
       transfer learning. ICML, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from sklearn.frozen import FrozenEstimator
    >>> from skransfer import ModelZooRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> zoo = []
    >>> for j in range(3):
    ...     model = RandomForestRegressor(10, random_state=0).fit(X, np.sin(2 * X[:, j]))
    ...     zoo.append((f"feature {j}", FrozenEstimator(model)))
    >>> Xt = rng.normal(size=(20, 3))
    >>> yt = 3 * np.sin(2 * Xt[:, 1]) + Xt[:, 0]
    >>> model = ModelZooRegressor(source=zoo).fit(Xt, yt)
    >>> model.best_source_.name
    'feature 1'
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        multi_source="distinguished",
        needs_source=False,
        inert=MappingProxyType({"metric": "there is nothing to choose from one source domain"}),
        examples=MappingProxyType({"method": ({}, HypothesisTransferRegressor(alpha=10.0))}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseModelZoo._parameter_constraints,
        "metric": [StrOptions({"logme", "loo"})],
    }

    def __init__(self, *, source: Any = None, method: Any = None, metric: str = "logme") -> None:
        super().__init__(source=source, method=method, metric=metric)

    def _default_source(self) -> Any:
        return Ridge()

    def _default_method(self) -> Any:
        return HypothesisTransferRegressor()

    def _multi_output(self) -> bool:
        return True

    def _score_model(
        self,
        one: NamedModel,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> float:
        Y = y.astype(np.float64).reshape(len(y), -1)
        outputs = regression_outputs(one, X, Y.shape[1])
        if self.metric == "logme":
            return logme(outputs, Y, center=True, sample_weight=sample_weight)
        return -fit_ridge(outputs, Y, sample_weight=sample_weight).loo_error

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
