"""The kernel entries as C, for the engine ``gpu``: text alone, so that any compiler can test it.

T is the type of the arrays, ``float`` or ``double``. An entry is one thread's: elementwise sources
see their inputs by name, those over rows see whole arrays and the number ``i`` of their entry.
"""

from typing import NamedTuple

__all__ = ["SOURCES", "Source"]


class Source(NamedTuple):
    """Parameters and body, as ``cupy.ElementwiseKernel`` takes them.

    Attributes
    ----------
    inputs, outputs : str
        Types and names, separated by commas; ``raw`` marks arrays that the body indexes itself.
    body : str
        Statements of C.
    """

    inputs: str
    outputs: str
    body: str


_SQUARED = "T squared = left + right - 2 * product; squared = squared < 0 ? T(0) : squared;"
_ROWS = "raw T left, raw T columns, int64 d, int64 m"
# Sums in double precision, as on the CPU: single precision would lose digits in many features.
_OVER_FEATURES = """
    const long long row = i / m, column = i - row * m;
    double total = 0;
    for (long long k = 0; k < d; ++k) {{
        const double a = left[row * d + k], b = columns[k * m + column];
        {term}
    }}
    value = T(total);
"""

SOURCES = {
    "exponential": Source("T given, T scale", "T value", "value = exp(scale * given);"),
    "rbf": Source(
        "T product, T left, T right, T gamma",
        "T value",
        _SQUARED + " value = exp(-gamma * squared);",
    ),
    "squared_distance": Source(
        "T product, T left, T right", "T value", _SQUARED + " value = squared;"
    ),
    "gaussian": Source(
        "T squared, T start, T gamma", "T value", "value = exp(-gamma * (squared - start));"
    ),
    "power": Source(
        "T product, T gamma, T coef0, int64 degree",
        "T value",
        "const T base = gamma * product + coef0; T result = 1;"
        " for (long long k = 0; k < degree; ++k) { result *= base; } value = result;",
    ),
    "real_power": Source(
        "T product, T gamma, T coef0, T degree",
        "T value",
        "value = pow(gamma * product + coef0, degree);",
    ),
    "sigmoid": Source(
        "T product, T gamma, T coef0", "T value", "value = tanh(gamma * product + coef0);"
    ),
    "l1_distance": Source(
        _ROWS, "T value", _OVER_FEATURES.format(term="total += a < b ? b - a : a - b;")
    ),
    "chi2_distance": Source(
        _ROWS,
        "T value",
        _OVER_FEATURES.format(
            term="const double both = a + b; total += (a - b) * (a - b) / (both > 0 ? both : 1.0);"
        ),
    ),
}
