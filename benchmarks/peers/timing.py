"""Times that were measured, and times that were not: how a time grows with the rows."""

import math
from statistics import median
from typing import NamedTuple

__all__ = ["Outcome", "exponent", "predict"]


class Outcome(NamedTuple):
    """What one process brought back.

    Attributes
    ----------
    seconds : list of float
        Measured times; empty if there are none.
    peak : int or None
        Bytes by which memory rose.
    status : str
        "ok", or why nothing was measured.
    predicted : float or None
        Seconds, extrapolated from smaller problems, if none were measured.
    versions : dict
        Versions of the packages there.
    """

    seconds: list
    peak: int | None = None
    status: str = "ok"
    predicted: float | None = None
    versions: dict = {}

    @property
    def time(self):
        """The median of the measured times, else the extrapolated one, else None."""
        return median(self.seconds) if self.seconds else self.predicted

    @property
    def extrapolated(self):
        """Whether `time` was not measured."""
        return not self.seconds and self.predicted is not None


def exponent(times):
    """The p of time ~ n^p, from the two largest problems.

    Parameters
    ----------
    times : dict of int to float
        Seconds by number of rows; at least two.
    """
    (small, fast), (large, slow) = sorted(times.items())[-2:]
    return math.log(slow / fast) / math.log(large / small)


def predict(times, n):
    """Seconds for n rows by the exponent measured; None with fewer than two measurements.

    Parameters
    ----------
    times : dict of int to float
        Seconds by number of rows.
    n : int
        Rows.
    """
    if len(times) < 2:
        return None
    largest = max(times)
    return times[largest] * (n / largest) ** exponent(times)
