"""The sources of the GPU engine, run by the processor: compiled as C++ and called on NumPy arrays.

All of them are compiled once into one shared library. A parameter is read as CuPy's
``ElementwiseKernel`` reads it: broadcast against the others, ``raw`` arrays whole, and ``i`` is the
number of the entry. An input may be the output.
"""

import atexit
import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skransfer.kernels._gpu_sources import SOURCES

__all__ = ["Parameter", "compiler", "function_text", "parameters", "run_source"]

_C_TYPES = {np.float32: "float", np.float64: "double"}


class Parameter(NamedTuple):
    """One parameter of a source."""

    raw: bool
    kind: str  # "T" or "int64"
    name: str


def parameters(text):
    """Parameters of a list such as ``"raw T left, int64 d"``."""
    found = []
    for part in text.split(","):
        *words, kind, name = part.split()
        assert kind in ("T", "int64"), part
        assert words in ([], ["raw"]), part
        found.append(Parameter(bool(words), kind, name))
    return found


def compiler():
    """A C++ compiler of this machine, or None."""
    return next(filter(None, map(shutil.which, ("g++", "clang++", "c++"))), None)


def function_text(
    name, source, c_type, *, prefix='extern "C" void', loop="ptrdiff_t i = 0; i < _n; ++i"
):
    """A source as a C function over `_n` entries.

    A parameter that is no raw array comes as a pointer and a step: 0 for a number.
    """
    inputs, outputs = parameters(source.inputs), parameters(source.outputs)
    head, reads = ["long long _n"], []
    for is_input, parameter in [(True, p) for p in inputs] + [(False, p) for p in outputs]:
        const, kind = "const " if is_input else "", parameter.kind
        c_kind = c_type if kind == "T" else "long long"
        if parameter.raw:
            head.append(f"{const}{c_kind} *{parameter.name}")
            continue
        head += [f"{const}{c_kind} *_{parameter.name}", f"long long _{parameter.name}_step"]
        place = f"_{parameter.name}[i * _{parameter.name}_step]"
        reads.append(f"{const}{c_kind} &{parameter.name} = {place};")
    body = "\n".join([*reads, source.body])
    signature = f"{prefix} {name}_{c_type}({', '.join(head)})"
    return f"{signature} {{\ntypedef {c_type} T;\nfor ({loop}) {{\n{body}\n}}\n}}\n"


@cache
def _library():
    """All sources for float and double, compiled."""
    texts = [
        function_text(name, source, c_type)
        for name, source in SOURCES.items()
        for c_type in _C_TYPES.values()
    ]
    folder = Path(tempfile.mkdtemp(prefix="kernel-sources-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file, library = folder / "sources.cpp", folder / "sources.so"
    file.write_text("#include <cmath>\n#include <cstddef>\nusing namespace std;\n" + "".join(texts))
    command = [compiler(), "-O1", "-shared", "-fPIC", "-o", str(library), str(file)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return ctypes.CDLL(str(library))


def run_source(name, *arguments):
    """Call a source as ``cupy.ElementwiseKernel`` would: inputs, then the output, which is written.

    Parameters
    ----------
    name : str
    *arguments : ndarray or number
        All arrays of one dtype; the output last, and C-contiguous.
    """
    source, out = SOURCES[name], arguments[-1]
    assert out.flags.c_contiguous
    passed, kept = [ctypes.c_longlong(out.size)], []
    for parameter, value in zip(
        parameters(source.inputs) + parameters(source.outputs), arguments, strict=True
    ):
        dtype = out.dtype if parameter.kind == "T" else np.int64
        if isinstance(value, np.ndarray) and value is not out:
            shape = value.shape if parameter.raw else out.shape
            value = np.ascontiguousarray(np.broadcast_to(value, shape))
            assert value.dtype == dtype
        whole = isinstance(value, np.ndarray)
        value = value if whole else np.full(1, value, dtype=dtype)
        kept.append(value)
        passed.append(value.ctypes.data_as(ctypes.c_void_p))
        if not parameter.raw:
            passed.append(ctypes.c_longlong(int(whole)))
    getattr(_library(), f"{name}_{_C_TYPES[out.dtype.type]}")(*passed)
