"""Rows and fitted models between the host and a GPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import get_config as sklearn_config
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from skransfer._config import asked_by, get_config
from skransfer.kernels import (
    HOST,
    Backend,
    backend_of,
    check_device_rows,
    cuda_backend,
    library_of,
    on_host,
    to_host,
)

__all__ = [
    "FLOATS",
    "bring_home",
    "check_array_kind",
    "computing_with",
    "host_state",
    "is_ours",
    "mark_array_kind",
    "moved_to",
    "numeric_rows",
    "on_configured_device",
    "refuse_device_rows",
    "refuse_frames_of_device",
    "to_device",
]

_WAYS_OUT = "Ways out"  # as `check_memory` names them
FLOATS = (np.float64, np.float32)
_KIND = "_backend_"  # where the fitted arrays are, if not on the host


def numeric_rows(estimator: Any, X: Any, *, reset: bool, min_rows: int = 1) -> Any:
    """Rows as floats, checked by scikit-learn, or by the same rules where they are on a device."""
    refuse_device_rows(estimator, X)
    if not reset:
        check_array_kind(estimator, X)
    if on_host(X):
        options = {"dtype": FLOATS, "accept_sparse": "csr", "ensure_min_samples": min_rows}
        return validate_data(estimator, X, reset=reset, **options)
    X = check_device_rows(X, backend_of(X), min_rows=min_rows)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    return X


def refuse_device_rows(estimator: Any, X: Any) -> None:
    """Raise a TypeError for rows on a GPU that the method cannot take."""
    name = type(estimator).__name__
    if library_of(X) == "cupyx":
        raise TypeError(
            f"{name} has no form for sparse rows on a GPU: pass dense CuPy rows, or a SciPy CSR "
            "matrix (X.get()), which is computed with on the CPU."
        )
    if not on_host(X) and not estimator.traits.on_device:
        raise TypeError(
            f"{name} computes on the CPU, and X is an array of {library_of(X)}: pass NumPy rows, "
            "such as cupy.asnumpy(X)."
        )


def refuse_frames_of_device(estimator: Any, X: Any) -> None:
    """Raise a ValueError where rows on a device would have to become a data frame."""
    if on_host(X):
        return
    own = getattr(estimator, "_sklearn_output_config", {})
    wanted = own.get("transform", sklearn_config()["transform_output"])
    if wanted != "default":
        raise ValueError(
            f"set_output(transform={wanted!r}) makes data frames, which hold no arrays of a "
            'device: set_output(transform="default"), or pass NumPy rows.'
        )


def check_array_kind(estimator: Any, X: Any) -> None:
    """Raise a ValueError for rows that are elsewhere than what was learned."""
    fitted, given = getattr(estimator, _KIND, HOST), backend_of(X)
    if fitted != given:
        name, where = type(estimator).__name__, "cpu" if given.is_host else "cuda"
        raise ValueError(
            f"{name} holds arrays of {fitted.place} and X is of {given.place}: move the model, "
            f'skransfer.to_device(model, "{where}"), or the rows.'
        )


def mark_array_kind(estimator: Any, X: Any) -> None:
    """Note where the arrays will be that ``fit`` is going to learn."""
    estimator.__dict__.pop(_KIND, None)
    if not on_host(X):
        setattr(estimator, _KIND, backend_of(X))


@contextmanager
def computing_with(estimator: Any, X: Any) -> Iterator[None]:
    """On the device of the rows; where it has no memory left, the error names the ways out."""
    try:
        with backend_of(X).active():
            yield
    except MemoryError as error:
        if on_host(X) or _WAYS_OUT in str(error):
            raise
        name, n = type(estimator).__name__, X.shape[0]
        raise MemoryError(
            f"{name} with {n} rows needs more memory than is free on the device ({error}). "
            f"{_WAYS_OUT}: fewer rows, float32 rows, a feature_map where the method has one, "
            "NumPy rows on the CPU."
        ) from error


def on_configured_device(X: Any) -> Any:
    """Rows where the settings want them: themselves, or a copy on the GPU.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Validated. Rows on a device stay there.

    Returns
    -------
    array or CSR matrix

    Raises
    ------
    TypeError
        For sparse rows where a GPU was asked for.
    ImportError, RuntimeError
        If there is no usable GPU.
    """
    if not on_host(X) or get_config()["device"] == "cpu":
        return X
    asked = asked_by("device")
    if sparse.issparse(X):
        raise TypeError(
            f"Sparse rows have no form for GPUs, and {asked} asks for one: pass dense rows, or "
            'compute this step inside config_context(device="cpu").'
        )
    return cuda_backend(asked).asarray(X)


def to_device(estimator: Any, device: str) -> Any:
    """A fitted model for rows of NumPy, or for rows on a GPU.

    The model itself is left as it is. Pipelines and searches are looked through: the estimators of
    this package that they hold are moved, if they have a form for GPUs; all others stay on the CPU.

    Parameters
    ----------
    estimator : estimator
        Fitted, of any library.
    device : {"cpu", "cuda"}
        ``"cpu"``: NumPy arrays, as on any machine; ``"cuda"``: CuPy arrays on the current device.

    Returns
    -------
    estimator
        A copy that shares with the original what did not have to move; the original itself if
        nothing had to.

    Raises
    ------
    ValueError
        If `device` is unknown.
    TypeError
        If the model was fitted on sparse rows, which have no form for GPUs.
    ImportError, RuntimeError
        If there is no usable GPU.

    Notes
    -----
    A pickle holds NumPy arrays, wherever the model was fitted, and loads on machines without a
    GPU; ``to_device(pickle.load(file), "cuda")`` takes it back to one.

    Examples
    --------
    >>> from skransfer import CORAL, to_device
    >>> from skransfer.datasets import make_covariate_shift
    >>> X, y, sample_domain = make_covariate_shift(random_state=0)
    >>> model = CORAL().fit(X, sample_domain=sample_domain)
    >>> to_device(model, "cpu") is model
    True
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f'device={device!r}: choose "cpu" or "cuda".')
    if device == "cpu":
        return _Moved(to_host, HOST).moved(estimator)
    return moved_to(estimator, cuda_backend('to_device(model, "cuda")'))


def moved_to(estimator: Any, backend: Backend) -> Any:
    """A fitted model for rows of a device, as `to_device` makes it."""
    return _Moved(lambda x: _lifted(x, backend), backend).moved(estimator)


def bring_home(estimator: Any) -> None:
    """Turn all that ``fit`` left on a device into NumPy arrays, in place."""
    estimator.__dict__.update(_Moved(to_host, HOST).state(estimator))
    estimator.__dict__.pop(_KIND, None)


def host_state(estimator: Any, state: dict[str, Any]) -> dict[str, Any]:
    """The state of a model for a pickle: without a GPU in it."""
    if _KIND not in state:
        return state
    home = state | _Moved(to_host, HOST).state(estimator)
    home.pop(_KIND, None)
    return home


# ----------------------------------------------------------------------------------- helpers


def _lifted(x: Any, backend: Backend) -> Any:
    """Floats on a device; labels, indices and masks serve on the host."""
    if isinstance(x, np.ndarray) and x.dtype not in FLOATS:
        return x
    return x if backend_of(x) == backend else backend.asarray(to_host(x))


class _Moved:
    """Copies of objects with their arrays elsewhere, sharing what need not change.

    Arrays of our own objects move: attributes of estimators of this package that were learned, and
    of what they hold that is made here, but for the names in their ``_host_attributes``. Estimators
    of scikit-learn are looked through for ours.
    """

    def __init__(self, convert: Callable[[Any], Any], backend: Backend) -> None:
        self._convert, self._backend = convert, backend
        self._seen: dict[int, tuple[Any, Any]] = {}  # by id, with the object: so it stays alive

    def moved(self, value: Any, ours: bool = False) -> Any:
        """The value itself, or a copy of it with its arrays moved."""
        if isinstance(value, np.ndarray) or not on_host(value):
            return self._once(value, self._convert) if ours else value
        if ours and sparse.issparse(value) and not self._backend.is_host:
            raise TypeError(
                "This model was fitted on sparse rows, which have no form for GPUs: fit it on "
                "dense rows, or keep it on the CPU."
            )
        if isinstance(value, dict):
            parts = {key: self.moved(part, ours) for key, part in value.items()}
            if not _differ(parts.values(), value.values()):
                return value
            found = copy(value)  # of its class
            found.update(parts)
            return found
        if isinstance(value, (list, tuple)):
            listed = [self.moved(part, ours) for part in value]
            if not _differ(listed, value):
                return value
            return type(value)(*listed) if hasattr(value, "_fields") else type(value)(listed)
        walked = is_ours(value) or isinstance(value, BaseEstimator)
        if not walked or not hasattr(value, "__dict__") or not _moves(value):
            return value
        return self._once(value, self._object)

    def _once(self, value: Any, move: Callable[[Any], Any]) -> Any:
        """Move what several names share but once, and objects that hold each other."""
        if id(value) not in self._seen:
            self._seen[id(value)] = value, value
            self._seen[id(value)] = value, move(value)
        return self._seen[id(value)][1]

    def _object(self, value: Any) -> Any:
        state = self.state(value)
        changed = any(state.get(name) is not part for name, part in vars(value).items())
        return _with_state(value, state) if changed else value

    def state(self, value: Any) -> dict[str, Any]:
        """The attributes of an object, with their arrays moved."""
        own = is_ours(value)
        state = dict(vars(value))
        estimator = own and isinstance(value, BaseEstimator)
        # Arguments of our estimators are the user's.
        kept = value.get_params(deep=False).keys() if estimator else ()
        kept = {*kept, *getattr(value, "_host_attributes", ())} if own else kept
        for name, part in state.items():
            if name not in kept:
                state[name] = self.moved(part, own)
        if estimator and _differ(state.values(), vars(value).values()):
            state.pop(_KIND, None)
            if not self._backend.is_host:
                state[_KIND] = self._backend
        return state


def is_ours(value: Any) -> bool:
    """Whether a class of this package is among those of an object: it may be a user's child."""
    return any(cls.__module__.partition(".")[0] == "skransfer" for cls in type(value).__mro__)


def _moves(value: Any) -> bool:
    """False for estimators of ours that have no form for devices."""
    return bool(getattr(getattr(value, "traits", None), "on_device", True))


def _with_state(value: Any, state: dict[str, Any]) -> Any:
    """An object of the same class with these attributes."""
    made = object.__new__(type(value))
    made.__dict__.update(state)
    return made


def _differ(new: Any, old: Any) -> bool:
    return any(a is not b for a, b in zip(new, old, strict=True))
