"""The roles a method can play beside a wrapped estimator. A method supplies one hook."""

from abc import abstractmethod
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skransfer._compat import StrOptions, fit_context
from skransfer.base.adapter import BaseAdapter
from skransfer.base.device import refuse_frames_of_device
from skransfer.base.domains import Domains
from skransfer.base.judging import as_numeric_rows
from skransfer.base.transfer import Stacked
from skransfer.base.warning import warn_user
from skransfer.base.weight_summary import WeightSummary, effective_sample_size
from skransfer.exceptions import EffectiveSampleSizeWarning
from skransfer.kernels import backend_of, to_host
from skransfer.solvers.balance import standardized_differences
from skransfer.solvers.moments import rows_where

__all__ = ["BaseMapper", "BaseReweighter", "BaseRowSelector"]

TRAIN_ON = {"train_on": [StrOptions({"source", "labeled"})]}


def _is_inductive(self: Any) -> bool:
    return type(self)._weigh is not BaseReweighter._weigh


class BaseReweighter(BaseAdapter):
    """Weight the source rows so that they look like the target's.

    The hook ``_fit_weights`` returns one weight a source row; ``_weigh``, where the method is
    inductive, the weights of new rows.
    """

    _gives_weights = True
    _weight_knobs: ClassVar[str] = "gamma or max_weight"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAdapter._parameter_constraints,
        **TRAIN_ON,
    }

    @abstractmethod
    def _fit_weights(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> NDArray[np.float64]:
        """Importance of each source row, in the order in which the source rows stand in X."""

    def _fit_nothing(self, X: Any) -> None:
        """Set what ``fit`` reports of its solver where there is one domain, hence no problem."""

    def _weigh(self, X: Any) -> NDArray[np.float64]:
        """Importance of new rows."""
        raise AttributeError(f"{type(self).__name__} weights the rows seen in fit only.")

    @final
    def _adapt(self, data: Stacked) -> tuple[Any, NDArray[Any] | None]:
        domains = data.domains
        self._one_domain_ = domains.single
        rows = data.numeric
        if domains.single:
            self.weights_ = backend_of(rows).ones(len(domains.ids))
            self._fit_nothing(rows)
        else:
            self.weights_ = self._fit_weights(rows, data.y, domains)
        weights = to_host(self.weights_)
        if not domains.single:
            self._check_weights(weights)
        self.effective_sample_size_ = effective_sample_size(weights)
        # In fit, not when asked: the rows are gone by then.
        sides = (rows, rows)
        if not domains.single:
            sides = rows_where(rows, domains.source), rows_where(rows, domains.target)
        self._balance_ = standardized_differences(*sides, weights)
        if domains.single:
            return data.X, None
        if self.effective_sample_size_ < 0.05 * len(weights):
            warn_user(
                f"The weights of {len(weights)} source rows are worth "
                f"{self.effective_sample_size_:.1f} equally weighted rows: predictions will vary "
                f"a lot. Change {self._weight_knobs}, or use fewer features.",
                EffectiveSampleSizeWarning,
            )
        of_rows = np.ones(len(domains.ids))
        of_rows[domains.source] = weights / weights.mean()
        return data.X, of_rows

    def _check_weights(self, weights: NDArray[np.float64]) -> None:
        name = type(self).__name__
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise ValueError(
                f"{name} found weights that are negative or not finite; change "
                f"{self._weight_knobs}, or scale the features first."
            )
        if not (weights > 0).any():
            raise ValueError(
                f"{name} gave weight zero to every source row: the domains do not overlap at "
                f"this setting. Change {self._weight_knobs}, or scale the features first."
            )

    @available_if(_is_inductive)
    def weigh(self, X: Any) -> NDArray[np.float64]:
        """Importance of new source rows, on the scale of ``weights_``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows as seen in ``fit``.

        Returns
        -------
        weights : ndarray of shape (n_samples,), dtype float64
            All ones if ``fit`` saw one domain. A CuPy array for CuPy rows.
        """
        X = as_numeric_rows(self, X)
        if self._one_domain_:
            return backend_of(X).ones(X.shape[0])
        return self._there("_weigh", X)

    def weight_summary(self) -> WeightSummary:
        """Spread of the weights, and the balance of each feature before and after them.

        Returns
        -------
        summary : WeightSummary
            Prints as a table; :func:`skransfer.inspection.plot_weights` and
            :func:`skransfer.inspection.plot_balance` draw it.
        """
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", None)
        return WeightSummary.of(to_host(self.weights_), self._balance_, names)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False
        tags.input_tags.string = False
        tags.input_tags.categorical = False
        if self.estimator is None:
            tags.input_tags.sparse = True
        return tags


class BaseMapper(TransformerMixin, BaseAdapter):
    """Map the rows of both domains into one space.

    The hook ``_fit_map`` learns the map and returns the mapped training rows if it has them,
    else None; ``_map`` maps rows, each as a row of its own side.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAdapter._parameter_constraints,
        **TRAIN_ON,
    }
    __metadata_request__transform: ClassVar[dict[str, bool]] = {"sample_domain": True}

    @abstractmethod
    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        """Learn the map; return the mapped rows of X, or None if that would cost extra."""

    @abstractmethod
    def _map(self, X: Any, domains: Domains) -> Any:
        """Map rows, each as a row of its own side."""

    @final
    def _adapt(self, data: Stacked) -> tuple[Any, NDArray[Any] | None]:
        Z = self._fit_map(data.numeric, data.y, data.domains)
        if Z is None:
            Z = self._map(data.numeric, data.domains)
        return Z, None

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> Any:
        if self.estimator is not None:
            return super()._learn(data, fit_params)
        # Only fit_transform asks for mapped rows, and computes them if there are none yet.
        return self._fit_map(data.numeric, data.y, data.domains)

    def _prepare(self, X: Any, domains: Domains) -> Any:
        return self._there("_map", X, domains)

    def _computes_on_rows_at_prediction(self) -> bool:
        return True

    def transform(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Map rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows, where those of ``fit`` were (NumPy, CuPy); they may come alone or in any subset.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            None: target rows. Else each row is mapped as a row of its own side.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features_out)
            A CuPy array for CuPy rows.
        """
        refuse_frames_of_device(self, X)
        X, domains = self._check_rows(X, sample_domain)
        return self._there("_map", X, domains)

    @fit_context(prefer_skip_nested_validation=False)
    def fit_transform(
        self, X: Any, y: Any = None, *, sample_domain: Any = None, **fit_params: Any
    ) -> Any:
        """Fit, then map the same rows, each as a row of its own side.

        Parameters
        ----------
        X, y, sample_domain, **fit_params
            As in ``fit``.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features_out)
            Equal to ``fit(...).transform(X, sample_domain=sample_domain)``, at the cost of
            ``fit`` alone.
        """
        refuse_frames_of_device(self, X)
        data, Z = self._fit(X, y, sample_domain, fit_params)
        return self._there("_map", data.numeric, data.domains) if Z is None else Z

    def _routed_methods(self) -> list[tuple[str, str]]:
        return [*super()._routed_methods(), ("fit_transform", "fit")]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.sparse = True  # the wrapped estimator sees mapped rows
        tags.input_tags.allow_nan = False
        tags.input_tags.string = False
        tags.input_tags.categorical = False
        return tags


class BaseRowSelector(BaseAdapter):
    """Fit the wrapped estimator on some of the rows: the baselines of every comparison.

    The hook ``_select`` returns the mask of the training rows.
    """

    _computes_on_rows = False
    _min_rows = 1
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": BaseAdapter._parameter_constraints["estimator"][:1],
    }

    @abstractmethod
    def _select(self, known: NDArray[np.bool_], domains: Domains) -> NDArray[np.bool_]:
        """Mask of the training rows; ``known`` marks those with a label."""

    def _training_rows(self, data: Stacked) -> NDArray[np.bool_]:
        return self._select(data.known, data.domains)

    @final
    def _adapt(self, data: Stacked) -> tuple[Any, NDArray[Any] | None]:
        return data.X, None
