"""Functions of CuPy 13.3 and their parameters; a test compares them with CuPy where it is found."""

import inspect

__all__ = ["CONSTANTS", "METHODS", "SIGNATURES", "UFUNCS", "signature_of"]

# `linalg.` is the submodule.
SIGNATURES = """
all(a, axis=None, out=None, keepdims=False)
any(a, axis=None, out=None, keepdims=False)
arange(start, stop=None, step=1, dtype=None)
argmax(a, axis=None, dtype=None, out=None, keepdims=False)
argmin(a, axis=None, dtype=None, out=None, keepdims=False)
argsort(a, axis=-1, kind=None)
array(obj, dtype=None, copy=True, order='K', subok=False, ndmin=0, *, blocking=False)
asarray(a, dtype=None, order=None, *, blocking=False)
ascontiguousarray(a, dtype=None)
asnumpy(a, stream=None, order='C', out=None, *, blocking=True)
bincount(x, weights=None, minlength=None)
broadcast_to(array, shape)
clip(a, a_min, a_max, out=None)
concatenate(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
count_nonzero(a, axis=None)
cumsum(a, axis=None, dtype=None, out=None)
diagonal(a, offset=0, axis1=0, axis2=1)
empty(shape, dtype=float, order='C')
empty_like(prototype, dtype=None, order='K', subok=None, shape=None)
expand_dims(a, axis)
eye(N, M=None, k=0, dtype=float, order='C')
flip(a, axis=None)
full(shape, fill_value, dtype=None, order='C')
full_like(a, fill_value, dtype=None, order='K', subok=None, shape=None)
linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0)
max(a, axis=None, out=None, keepdims=False)
mean(a, axis=None, dtype=None, out=None, keepdims=False)
min(a, axis=None, out=None, keepdims=False)
moveaxis(a, source, destination)
nonzero(a)
ones(shape, dtype=float, order='C')
ones_like(a, dtype=None, order='K', subok=None, shape=None)
prod(a, axis=None, dtype=None, out=None, keepdims=False)
repeat(a, repeats, axis=None)
reshape(a, newshape, order='C')
roll(a, shift, axis=None)
round(a, decimals=0, out=None)
searchsorted(a, v, side='left', sorter=None)
sort(a, axis=-1, kind=None)
squeeze(a, axis=None)
stack(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
sum(a, axis=None, dtype=None, out=None, keepdims=False)
take(a, indices, axis=None, out=None)
take_along_axis(a, indices, axis)
tensordot(a, b, axes=2)
tile(A, reps)
tril(m, k=0)
triu(m, k=0)
var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
where(condition, x=None, y=None)
zeros(shape, dtype=float, order='C')
zeros_like(a, dtype=None, order='K', subok=None, shape=None)
linalg.cholesky(a)
linalg.eigh(a, UPLO='L')
linalg.eigvalsh(a, UPLO='L')
linalg.norm(x, ord=None, axis=None, keepdims=False)
linalg.qr(a, mode='reduced')
linalg.solve(a, b)
linalg.svd(a, full_matrices=True, compute_uv=True)
"""
UFUNCS = """
abs add ceil copysign cos divide equal exp expm1 floor floor_divide greater greater_equal
hypot isfinite isinf isnan less less_equal log log10 log1p log2 logaddexp logical_and
logical_not logical_or logical_xor maximum minimum multiply negative not_equal remainder
sign signbit sin sqrt square subtract tan tanh trunc
"""
# Methods of arrays that NumPy has under the same name.
METHODS = """
all any argmax argmin argsort clip cumsum diagonal dot max mean min nonzero prod repeat
round searchsorted squeeze std sum take trace transpose var
"""
CONSTANTS = """
bool_ float32 float64 int32 int64 inf nan newaxis pi e finfo iinfo dtype generic
"""


def signature_of(name):
    """The parameters of a function in `SIGNATURES`; None for others."""
    for line in SIGNATURES.split("\n"):
        head, _, parameters_text = line.partition("(")
        if head == name:
            return inspect.signature(eval(f"lambda {parameters_text[:-1]}: None"))
    return None
