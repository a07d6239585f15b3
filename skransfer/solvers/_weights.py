"""Sample weights as the solvers take them."""

import numpy as np


def check_weights(sample_weight: np.ndarray | None, n: int) -> np.ndarray:
    """Return weights as float64, or ones.

    Raises
    ------
    ValueError
        If the shape is not (n,), a weight is negative or not finite, or none is positive.
    """
    if sample_weight is None:
        return np.ones(n)
    s = np.asarray(sample_weight, dtype=np.float64)
    if s.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), got {s.shape}.")
    if not np.isfinite(s).all() or (s < 0).any():
        raise ValueError("sample_weight must be finite and >= 0.")
    if not (s > 0).any():
        raise ValueError("sample_weight is zero for every row: nothing to fit.")
    return s
