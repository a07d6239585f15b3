"""CuPy in imitation, for machines without a GPU: NumPy behind CuPy's names, manners and refusals.

``with installed() as cupy:`` puts modules ``cupy`` and ``cupyx`` into ``sys.modules``. They have
the functions of CuPy 13.3 that stand in `SIGNATURES`, with its parameters and no others, and do
what CuPy does differently from NumPy:

- An array is never converted to NumPy without being asked (``get``), nor mixed with NumPy's.
- Functions make arrays on the current device, and refuse those of another.
- Every result is an array, of no dimensions where NumPy gives a number; an integer index gives a
  view; there is no ``__index__``. No warning is given for overflow or division by zero.
- A decomposition of unknown numbers returns unknown ones; one that fails returns what it has, or
  raises inside ``cupyx.errstate(linalg="raise")``. Vectors come with other signs than LAPACK's,
  and in the other order of memory.
- Products of float32 arrays round their factors to TF32 where the compute type says so.
- Elementwise kernels are compiled by the C++ compiler of the machine, or have twins in NumPy.
"""

import contextlib
import itertools
import sys
import types
from importlib.machinery import ModuleSpec

import numpy as np

from skransfer import kernels
from skransfer.kernels import _engine
from tests.imitation_cupy.arrays import Device, ndarray
from tests.imitation_cupy.decompositions import LINALG, errstate, solve_triangular
from tests.imitation_cupy.elementwise import ElementwiseKernel
from tests.imitation_cupy.functions import OWN, function, ufunc
from tests.imitation_cupy.products import compute_types
from tests.imitation_cupy.signatures import CONSTANTS, SIGNATURES, UFUNCS

__all__ = ["installed"]


class CUDARuntimeError(RuntimeError):
    """``cupy.cuda.runtime.CUDARuntimeError``."""


def _modules():
    """``cupy`` and ``cupyx`` with their submodules, by name."""
    names = "cupy cupy.linalg cupy.cuda cupyx cupyx.scipy cupyx.scipy.linalg"
    found = {name: types.ModuleType(name) for name in names.split()}
    for name, module in found.items():
        module.__spec__ = ModuleSpec(name, None)
    for name in list(found)[::-1]:
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(found[parent], child, found[name])
    cupy = found["cupy"]
    for line in SIGNATURES.split("\n"):
        name = line.partition("(")[0]
        if "(" not in line:
            continue
        place, _, short = name.rpartition(".")
        compute = LINALG[short] if place else OWN.get(short) or getattr(np, short)
        made = compute if short in OWN else function(name, compute)
        setattr(cupy.linalg if place else cupy, short, made)
    cupy.matmul = OWN["matmul"]
    for name in UFUNCS.split():
        setattr(cupy, name, ufunc(name))
    for name in CONSTANTS.split():
        setattr(cupy, name, getattr(np, name))
    cupy.__version__, cupy.ndarray, cupy.ElementwiseKernel = "13.3.0", ndarray, ElementwiseKernel
    cupy._core = types.SimpleNamespace(
        _routines_linalg=compute_types,
        get_compute_type=compute_types.get_compute_type,
        set_compute_type=compute_types.set_compute_type,
    )
    pool = types.SimpleNamespace(
        free_bytes=lambda: 2**20, used_bytes=lambda: 0, get_limit=lambda: 0
    )
    cupy.get_default_memory_pool = lambda: pool
    cupy.is_available = lambda: True
    cupy.cuda.Device = Device
    cupy.cuda.runtime = types.SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError, getDeviceCount=lambda: Device.count
    )
    found["cupyx"].errstate = errstate
    found["cupyx.scipy.linalg"].solve_triangular = solve_triangular
    return found


@contextlib.contextmanager
def installed():
    """Put the imitation where ``import cupy`` finds it; afterwards all is as before.

    Yields
    ------
    module
        ``cupy``.
    """
    mine = ("cupy", "cupyx", "cupy_backends")
    ours = "skransfer.kernels._gpu"
    before = {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] in mine or name == ours
    }
    for name in before:
        del sys.modules[name]
    found = _modules()
    sys.modules.update(found)
    _engine._load.cache_clear()
    try:
        yield found["cupy"]
    finally:
        for name in itertools.chain(found, [ours]):
            sys.modules.pop(name, None)
        sys.modules.update(before)
        vars(kernels).pop("_gpu", None)
        _engine._load.cache_clear()
