"""What all estimators share: a final ``fit`` that validates, and one hook for the learning."""

from abc import ABC, abstractmethod
from copy import deepcopy
from typing import Any, ClassVar, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_array, get_tags
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from skransfer._compat import fit_context
from skransfer.base.device import (
    bring_home,
    computing_with,
    host_state,
    mark_array_kind,
    moved_to,
    numeric_rows,
    on_configured_device,
    refuse_device_rows,
)
from skransfer.base.domains import Domains, check_domains, check_ids
from skransfer.base.judging import as_numeric_rows, domains_of, forget_fit
from skransfer.base.labels import check_labels, known_labels
from skransfer.base.traits import Traits
from skransfer.kernels import backend_of, on_host, to_host

__all__ = ["BaseTransfer", "Stacked"]


class Stacked(NamedTuple):
    """The validated arguments of ``fit``."""

    X: Any  # the caller's own container, for the wrapped estimator
    numeric: Any  # float rows that the method itself computes on; None if it does not
    y: NDArray[Any] | None
    known: NDArray[np.bool_]  # rows whose label is known
    domains: Domains


def as_rows(X: Any, *, min_rows: int = 1) -> Any:
    """Rows in the caller's container; lists become arrays, sparse formats CSR."""
    if not on_host(X):
        return X
    if sparse.issparse(X):
        return X.tocsr()  # the one sparse format whose rows can be taken; no copy if it is CSR
    if hasattr(X, "columns"):
        return X
    # ensure_all_finite=False: NaN is the wrapped estimator's business (an imputer, a tree).
    return check_array(X, dtype=None, ensure_all_finite=False, ensure_min_samples=min_rows)


def check_numeric_columns(owner: Any, X: Any) -> None:
    """Refuse a frame with columns of text or categories, by name and with the way out."""
    if not hasattr(X, "columns") or not hasattr(X, "dtypes"):
        return
    texts = [name for name, dtype in zip(X.columns, X.dtypes, strict=True) if _is_text(dtype)]
    if texts:
        name = type(owner).__name__
        raise ValueError(
            f"{name} computes with the rows itself, and the columns {texts[:5]} of X are not "
            f"numbers. Encode them in front: make_pipeline(ColumnTransformer(...), {name}(...))."
        )


def _is_text(dtype: Any) -> bool:
    if hasattr(dtype, "is_numeric"):  # polars
        return not (dtype.is_numeric() or str(dtype) == "Boolean")
    # Object columns may hold numbers; scikit-learn converts those, or says what it cannot.
    return str(dtype) in ("category", "str", "string") or str(dtype).startswith("string")


class BaseTransfer(BaseEstimator, ABC):
    """An estimator that learns from stacked rows of several domains.

    ``fit`` is final: it validates, splits nothing off and writes to nothing, then calls the
    hook ``_learn`` of the role.
    """

    traits: ClassVar[Traits] = Traits()
    _computes_on_rows: ClassVar[bool] = True  # False: X goes to the wrapped estimator unread
    _min_rows: ClassVar[int] = 2  # of each domain
    # Floats that ``fit`` leaves on the host when all else is on a device: labels, for
    # scikit-learn's estimators and metrics; histories and balances, for people.
    _host_attributes: ClassVar[tuple[str, ...]] = ("classes_", "history_", "_balance_")
    _reads_classes: ClassVar[bool] = False  # True: it needs labels itself, and they are classes
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"sample_domain": True}

    @abstractmethod
    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> Any:
        """Learn from validated rows; what it returns is what ``fit_transform`` returns."""

    def _needs_labels(self) -> bool:
        return True

    @final
    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any = None, *, sample_domain: Any = None, **fit_params: Any
    ) -> "BaseTransfer":
        """Learn from the rows of both domains.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Source and target rows, stacked in any order. Methods with a form for GPUs take a
            CuPy array too, and learn CuPy arrays from it.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels. On target rows NaN, None and pandas NA mean unknown; so does -1 in integer
            class labels, unless the source labels are exactly {-1, +1}.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            ``>= 0`` marks source rows, ``< 0`` target rows. None: one domain, nothing is
            transferred, and a :class:`~skransfer.exceptions.SingleDomainWarning` says so.
        **fit_params : dict
            For the wrapped estimator; arrays with one entry a row are cut to its training rows.
            A ``sample_weight`` is multiplied with the weights learned here. With metadata
            routing on, the wrapped estimator must have requested them.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a side has no rows, a source label is unknown, or an argument is malformed.
        TypeError
            If an argument of ``fit`` has no taker, or the wrapped estimator cannot do its part.
        """
        self._fit(X, y, sample_domain, fit_params)
        return self

    def _fit(
        self, X: Any, y: Any, sample_domain: Any, fit_params: dict[str, Any]
    ) -> tuple[Stacked, Any]:
        """Validate and learn: the validated arguments, and what the role's hook returned."""
        params = self._route("fit", sample_domain, fit_params)
        self._check_parts()
        data = self._stacked(X, y, sample_domain)
        forget_fit(self)
        moved = on_configured_device(data.numeric) if self.traits.on_device else data.numeric
        mark_array_kind(self, moved)
        with computing_with(self, moved):
            found = self._learn(data._replace(numeric=moved), params)
            if moved is not data.numeric:
                bring_home(self)
                found = to_host(found)
        return data, found

    def _there(self, hook: str, X: Any, *arguments: Any) -> Any:
        """A hook for validated rows, called where the settings want them; results come back."""
        moved = on_configured_device(X) if self.traits.on_device else X
        with computing_with(self, moved):
            if moved is X:
                return getattr(self, hook)(X, *arguments)
            there = moved_to(self, backend_of(moved))
            return to_host(getattr(there, hook)(moved, *arguments))

    def __getstate__(self) -> Any:
        return host_state(self, super().__getstate__())

    def __copy__(self) -> Any:
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        # Neither copy goes by way of a pickle, which would leave the device.
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.__dict__.update(deepcopy(self.__dict__, memo))
        return copied

    def _check_parts(self) -> None:
        """Raise early if the wrapped estimator cannot do its part."""

    def _takes_params(self) -> bool:
        """Whether there is an estimator that further arguments can go to."""
        return True

    def _stacked(self, X: Any, y: Any, sample_domain: Any) -> Stacked:
        numeric = None
        if self._computes_on_rows:
            check_numeric_columns(self, X)
            numeric = numeric_rows(self, X, reset=True, min_rows=self._min_rows)
        else:
            refuse_device_rows(self, X)
            validate_data(self, as_rows(X), skip_check_array=True)
        X = as_rows(X)
        domains = self._domains(sample_domain, X)
        known = np.zeros(len(domains.ids), dtype=bool)
        if self._needs_labels():
            multi = bool(get_tags(self).target_tags.multi_output)
            y = check_labels(self, y, X, multi_output=multi)
            classes = self._reads_classes or is_classifier(self)
            known = known_labels(y, domains, classifier=classes)
        elif y is not None:
            check_consistent_length(X, y)
        return Stacked(X, numeric, y, known, domains)

    def _domains(self, sample_domain: Any, X: Any) -> Domains:
        """Domains of the rows of ``fit``: both sides, or one domain with a warning."""
        domains = check_domains(sample_domain, X)
        return domains if domains.single else domains.require_both(self._min_rows)

    def _route(self, method: str, sample_domain: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Arguments for the wrapped estimator's ``method``."""
        params = {name: to_host(value) for name, value in params.items() if value is not None}
        if not params:
            return params
        if not self._takes_params():
            names = ", ".join(sorted(params))
            raise TypeError(
                f"{type(self).__name__}.{method} got unexpected arguments: {names}. There is no "
                "wrapped estimator (estimator=None) to take them."
            )
        if not _routing_enabled():
            return params
        routed = process_routing(self, method, sample_domain=sample_domain, **params)
        return dict(routed.estimator[method])

    def _check_rows(self, X: Any, sample_domain: Any) -> tuple[Any, Domains]:
        """Rows to judge or to map, and the domain of each; None: all are target rows."""
        check_is_fitted(self)
        # Before X is converted: an index in another order would be lost with the frame.
        ids = None if sample_domain is None else check_ids(sample_domain, X)
        if self._computes_on_rows_at_prediction():
            X = as_numeric_rows(self, X)
        else:
            refuse_device_rows(self, X)
            X = as_rows(X)
            validate_data(self, X, reset=False, skip_check_array=True)
        return X, domains_of(X, ids)

    def _computes_on_rows_at_prediction(self) -> bool:
        return self._computes_on_rows


def _routing_enabled() -> bool:
    return bool(get_config()["enable_metadata_routing"])
