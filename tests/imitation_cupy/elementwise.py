"""``cupy.ElementwiseKernel`` for the sources of the engine."""

import numpy as np

from skransfer.kernels._gpu_sources import SOURCES
from tests.imitation_cupy.arrays import quiet, raw
from tests.kernels.compiled_sources import compiler, parameters, run_source

__all__ = ["ElementwiseKernel"]


# What the sources of the engine compute, where no compiler is found.
_TWINS = {
    "exponential": lambda given, scale: np.exp(scale * given),
    "rbf": lambda p, left, right, gamma: np.exp(-gamma * _clipped(left + right - 2 * p)),
    "squared_distance": lambda p, left, right: _clipped(left + right - 2 * p),
    "gaussian": lambda squared, start, gamma: np.exp(-gamma * (squared - start)),
    "power": lambda p, gamma, coef0, degree: (gamma * p + coef0) ** int(degree),
    "real_power": lambda p, gamma, coef0, degree: (gamma * p + coef0) ** degree,
    "sigmoid": lambda p, gamma, coef0: np.tanh(gamma * p + coef0),
    "l1_distance": lambda x, y, d, m: np.abs(x[:, :, None] * 1.0 - y).sum(axis=1, dtype=float),
    "chi2_distance": lambda x, y, d, m: np.sum(
        (x[:, :, None] - y) ** 2 / np.where(x[:, :, None] + y > 0, x[:, :, None] + y, 1),
        axis=1,
        dtype=float,
    ),
}


def _clipped(squared):
    return np.where(squared < 0, squared.dtype.type(0), squared)


class ElementwiseKernel:
    """``cupy.ElementwiseKernel`` for the sources of the engine."""

    def __init__(self, in_params, out_params, operation, name="kernel", **options):
        if not name.isidentifier() or options:
            raise ValueError(f'Invalid kernel name: "{name}"')
        self.source = next(
            key for key, source in SOURCES.items() if source == (in_params, out_params, operation)
        )
        self.params = parameters(in_params) + parameters(out_params)

    def __call__(self, *args):
        if len(args) != len(self.params):
            raise TypeError(f"Wrong number of arguments for {self.source!r}.")
        values = [raw(value) for value in args]
        out = values[-1]
        if not isinstance(out, np.ndarray):
            raise TypeError("Output arguments type must be cupy.ndarray")
        self._check(values, out)
        # CuPy copies inputs that share memory with the output, except the output itself.
        values = [
            v.copy()
            if isinstance(v, np.ndarray) and a is not args[-1] and np.may_share_memory(v, out)
            else v
            for a, v in zip(args, values, strict=True)
        ]
        work = out if out.flags.c_contiguous else out.copy(order="C")
        if work is not out:
            values = [work if v is out else v for v in values]
        if compiler() is None:
            scalars = [v if isinstance(v, np.ndarray) else out.dtype.type(v) for v in values[:-1]]
            work[...] = quiet(_TWINS[self.source])(*scalars)
        else:
            run_source(self.source, *values)
        if work is not out:
            out[...] = work
        return args[-1]

    def _check(self, values, out):
        shapes = []
        for parameter, value in zip(self.params, values, strict=True):
            if not isinstance(value, np.ndarray):
                continue
            if parameter.kind != "T" or value.dtype != out.dtype:
                raise TypeError(f"Type is mismatched. {parameter.name} {value.dtype} {out.dtype}")
            if not parameter.raw:
                shapes.append(value.shape)
        if np.broadcast_shapes(*shapes) != out.shape:
            raise ValueError("Out shape is mismatched")
