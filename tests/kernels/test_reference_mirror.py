"""Every engine has the functions of the reference, with the same parameters and results."""

import inspect
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from skransfer.kernels import _cpu, _reference
from skransfer.kernels._cpu import compilation
from tests.kernels.mirror_cases import CASES, NAMES


def test_both_engines_have_the_same_public_functions():
    assert sorted(_reference.__all__) == sorted(_cpu.__all__) == sorted(set(NAMES))
    for engine in (_reference, _cpu):
        topics = {p.stem for p in Path(engine.__file__).parent.glob("[!_]*.py")} - {"compilation"}
        parts = [import_module(f"{engine.__name__}.{topic}").__all__ for topic in topics]
        assert sorted(name for part in parts for name in part) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_signatures_agree(name):
    ours = getattr(_cpu, name)
    assert inspect.signature(getattr(ours, "py_func", ours)) == inspect.signature(
        getattr(_reference, name)
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_engines_agree(name, dtype, seed):
    results = []
    for module in (_reference, _cpu):
        arguments, written = CASES[name](np.random.default_rng(seed), dtype)
        before = [np.array(a) if isinstance(a, np.ndarray) else a for a in arguments]
        returned = getattr(module, name)(*arguments)
        results.append([returned, *(arguments[i] for i in written)])
        untouched = [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray)]
        for i in set(untouched) - set(written):
            np.testing.assert_array_equal(arguments[i], before[i])
    rtol = 3e-6 if dtype is np.float32 else 1e-13
    for reference, ours in zip(*results, strict=True):
        if reference is None:
            assert ours is None
        else:
            np.testing.assert_allclose(ours, reference, rtol=rtol, atol=1e-37 + rtol * 1e-3)


def test_exponential_reaches_full_precision():
    grid = -np.linspace(0, 80, 400_001).reshape(1, -1)
    for dtype, bound in ((np.float64, 5e-16), (np.float32, 2e-7)):
        values = grid.astype(dtype)
        exact = np.exp(values.astype(np.longdouble))
        _cpu.exponential(values, 1.0)
        assert np.max(np.abs(values / exact - 1)) < bound


def test_an_unwritable_cache_folder_is_no_error(monkeypatch):
    def njit(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, options)

    monkeypatch.setattr(compilation, "njit", njit)
    function, options = compilation.compiled(fast=True)(abs)
    assert function is abs
    assert options["nogil"]
    assert options["fastmath"] == {"contract", "nsz", "arcp"}


@pytest.mark.parametrize("engine", [_cpu, _reference])
def test_smo_ends_where_rounding_swallows_every_step(engine):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 2))
    K = np.exp(-((X[:, None] - X[None]) ** 2).sum(-1))
    x = np.full(20, 1.0)
    gradient = K @ x - 1.1 * K.sum(axis=1)
    steps = engine.smo(K, np.ones(20), x, gradient, 5.0, 10.0, 30.0, -1.0, 10**6)
    assert steps < 10**6
    assert np.abs(gradient[(x > 0) & (x < 5)]).max() < 1e-6
