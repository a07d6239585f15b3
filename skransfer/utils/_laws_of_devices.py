"""Laws about rows on a GPU: the same results, there and back again.

Where there is no GPU, the strict namespace of the array API stands for it: it refuses every hidden
copy to the host, as CuPy does.
"""

import pickle
from collections.abc import Iterator
from copy import copy, deepcopy
from typing import Any
from unittest import SkipTest, mock

import numpy as np
from scipy import sparse
from sklearn.base import clone

from skransfer._config import config_context
from skransfer.base import BaseMapper, device, to_device
from skransfer.kernels import (
    Backend,
    backend_of,
    cuda_backend,
    dtype_of,
    on_host,
    to_host,
)
from skransfer.utils._problems import Problem, expect, fit, make_problem, outputs, same

__all__ = ["LAWS", "REFUSALS"]


def _witness() -> Backend:
    """A GPU, or what has its manners."""
    try:
        return cuda_backend("this law")
    except (ImportError, RuntimeError):
        pass
    try:
        import array_api_strict
    except ImportError:
        raise SkipTest("neither a GPU with CuPy nor array_api_strict is there") from None
    return Backend(array_api_strict, array_api_strict.Device("device1"))


def _on(backend: Backend, problem: Problem) -> Problem:
    return problem.with_rows(backend.asarray(problem.X))


def law_device_refused(estimator: Any) -> None:
    """A method without a form for GPUs says so, and how to go on."""
    there = _on(_witness(), make_problem(estimator))
    expect(TypeError, ("CPU", "NumPy"), lambda: fit(clone(estimator), there), "device refused")


def law_device_equals_host(estimator: Any) -> None:
    """Rows on a device give what NumPy rows give."""
    law, backend, problem = "device equals host", _witness(), make_problem(estimator)
    there = _on(backend, problem)
    ours, theirs = fit(clone(estimator), problem), fit(clone(estimator), there)
    same(outputs(ours, problem.X), outputs(theirs, there.X), law, rtol=1e-5, atol=1e-6)


def law_device_keeps_results(estimator: Any) -> None:
    """What rows on a device give stays there; ids and labels are read from there."""
    law, backend, problem = "device keeps results", _witness(), make_problem(estimator)
    there = _on(backend, problem)
    ours, theirs = fit(clone(estimator), problem), fit(clone(estimator), there)
    for name in ("transform", "weigh"):
        if hasattr(theirs, name):
            mapped = getattr(theirs, name)(there.X)
            assert backend_of(mapped) == backend, f"{law}: {name} is elsewhere"
    expected, found = dict(_places(device.moved_to(ours, backend))), dict(_places(theirs))
    for name in expected.keys() & found.keys():
        assert expected[name] == found[name], f"{law}: {name} is elsewhere than in a moved model"
    ids = backend.asarray(problem.sample_domain)
    again = clone(estimator).fit(there.X, backend.asarray(problem.y), sample_domain=ids)
    same(outputs(theirs, there.X), outputs(again, there.X), law)


def _places(value: Any, name: str = "") -> Iterator[tuple[str, bool]]:
    """Names of all arrays that an object of ours holds, each with True if it is on the host."""
    if isinstance(value, np.ndarray) or not on_host(value):
        yield name, on_host(value)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _places(part, f"{name}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from _places(part, f"{name}[{index}]")
    elif device.is_ours(value):
        for key, part in vars(value).items():
            yield from _places(part, f"{name}.{key}")


def law_device_precision(estimator: Any) -> None:
    """float32 rows on a device are mapped to float32 rows, near those of the host."""
    if not isinstance(estimator, BaseMapper):
        return
    problem = make_problem(estimator)
    problem = problem.with_rows(problem.X.astype(np.float32))
    there = _on(_witness(), problem)
    ours, theirs = fit(clone(estimator), problem), fit(clone(estimator), there)
    Z = theirs.transform(there.X)
    assert dtype_of(Z) == np.float32, "device precision: dtype"
    mapped = {"transform": ours.transform(problem.X)}
    same(mapped, {"transform": to_host(Z)}, "device precision", rtol=1e-3, atol=1e-4)


def law_device_models_move(estimator: Any) -> None:
    """A model moves, also through a pickle, and says when it and the rows are apart."""
    law, backend, problem = "device models move", _witness(), make_problem(estimator)
    there = _on(backend, problem)
    fitted = fit(clone(estimator), there)
    expected = outputs(fitted, there.X)
    home = to_device(fitted, "cpu")
    loaded = pickle.loads(pickle.dumps(fitted))
    for model in (home, loaded, device.moved_to(home, backend)):
        rows = problem.X if model is home or model is loaded else there.X
        same(expected, outputs(model, rows), law)
    for model in (
        fitted,
        copy(fitted),
        deepcopy(fitted),
    ):  # neither the move nor the pickle touched it
        same(expected, outputs(model, there.X), law)
    name = next((name for name in ("transform", "weigh") if hasattr(fitted, name)), None)
    if name is not None:
        for model, rows in ((fitted, problem.X), (home, there.X)):
            expect(ValueError, ("to_device",), lambda m=model, x=rows: getattr(m, name)(x), law)


def _asked_for(backend: Backend) -> Any:
    """The setting that asks for a GPU, with a stand-in for it."""
    return mock.patch.object(device, "cuda_backend", return_value=backend)


def law_device_setting(estimator: Any) -> None:
    """With ``device="cuda"`` NumPy rows give what they give on the CPU."""
    law, problem = "device setting", make_problem(estimator)
    ours = outputs(fit(clone(estimator), problem), problem.X)
    with _asked_for(_witness()), config_context(device="cuda"):
        theirs = fit(clone(estimator), problem)
        same(ours, outputs(theirs, problem.X), law, rtol=1e-5, atol=1e-6)
    same(ours, outputs(theirs, problem.X), law, rtol=1e-5, atol=1e-6)


def law_device_setting_is_kept(estimator: Any) -> None:
    """With ``device="cuda"`` the GPU is used or an error says why not, and NumPy comes back."""
    law, problem = "device setting is kept", make_problem(estimator)
    X, y, d = problem.X, problem.y, problem.sample_domain
    with _asked_for(_witness()) as asked, config_context(device="cuda"):
        theirs = fit(clone(estimator), problem)
        assert asked.called, f"{law}: nothing was computed there"
        elsewhere = [name for name, on_host in _places(theirs) if not on_host]
        assert not elsewhere, f"{law}: {elsewhere} did not come back"
        outputs(theirs, X)
        if isinstance(estimator, BaseMapper):
            Z = clone(estimator).fit_transform(X, y, sample_domain=d)
            assert isinstance(Z, np.ndarray), f"{law}: fit_transform"
        rows = problem.with_rows(sparse.csr_array(X))
        expect(TypeError, ("Sparse", "device"), lambda: fit(clone(estimator), rows), law)
    missing = mock.patch.object(device, "cuda_backend", side_effect=RuntimeError("no GPU"))
    with missing, config_context(device="cuda"):
        expect(RuntimeError, ("GPU",), lambda: fit(clone(estimator), problem), law)


def law_device_bad_rows(estimator: Any) -> None:
    """NaN, one dimension and another number of features are clear errors on a device, too."""
    law, backend, problem = "device bad rows", _witness(), make_problem(estimator)
    there, broken = _on(backend, problem), problem.X.copy()
    broken[0, 0] = np.nan
    for rows, words in ((broken, ("NaN",)), (broken[:, 1], ("2D",))):
        bad = there.with_rows(backend.asarray(rows))
        expect(ValueError, words, lambda bad=bad: fit(clone(estimator), bad), law)
    fitted = fit(clone(estimator), there)
    if hasattr(fitted, "transform"):
        narrow = backend.asarray(problem.X[:, 1:])
        expect(ValueError, ("features",), lambda: fitted.transform(narrow), law)


# Of methods that run on a device, and of the others.
LAWS = [
    law_device_bad_rows,
    law_device_equals_host,
    law_device_keeps_results,
    law_device_models_move,
    law_device_precision,
    law_device_setting,
    law_device_setting_is_kept,
]
REFUSALS = [law_device_refused]
