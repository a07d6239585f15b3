"""What a GPU could do at best: the time of a kernel entry, from the properties of the device."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["ASSUMPTIONS", "NOMINAL", "Card", "card_of", "entry_seconds", "explained", "versions_of"]

# Multiplications of a multiprocessor in a clock by compute capability (CUDA C++ Programming Guide,
# "Arithmetic Instructions"): float32, float64, and float64 in its matrix units, which cuBLAS uses.
_LANES = {
    (7, 0): (64, 32, 32),
    (7, 5): (64, 2, 2),
    (8, 0): (64, 32, 64),
    (8, 6): (128, 2, 2),
    (8, 9): (128, 2, 2),
    (9, 0): (128, 64, 128),
    (10, 0): (128, 64, 64),
    (12, 0): (128, 2, 2),
}
# Powers of two in single precision in a clock, all of these capabilities.
_POWERS = 16
# Instructions of an exponential in double precision, which has no unit of its own.
_WIDE_EXPONENTIAL = 25
# What long products and copies reach of the nominal numbers.
_OF_PEAK, _OF_BANDWIDTH = 0.75, 0.9
# A tile is written by the product of rows, read and written by the exponential, read by K @ V.
_TOUCHES = 4

ASSUMPTIONS = f"""\
Limits are computed, not measured. Tiled, an entry costs the sum of three: 2 (d + t) operations, at
{_OF_PEAK:.0%} of the nominal peak (float32 without TF32; float64 in matrix units where there are
any); {_TOUCHES} times the memory of an entry, at {_OF_BANDWIDTH:.0%} of the nominal bandwidth (less
where a tile stays in the cache); and one exponential, in float32 at {_POWERS} a clock and
multiprocessor, in float64 of {_WIDE_EXPONENTIAL} instructions. Dense, with K held and made before
the clock starts, it costs the larger of the time to read it and of 2 t operations. The peak is
clock x multiprocessors x 2 x multiplications in a clock, which the compute capability tells."""


@dataclass(frozen=True)
class Card:
    """Nominal numbers of a GPU.

    Parameters
    ----------
    name : str
    capability : tuple of int
        Compute capability.
    n_multiprocessors : int
    clock : float
        Hz, the highest.
    bandwidth : float
        Bytes a second of its memory.
    source : str, default="nominal"
        Where clock and bandwidth come from.
    """

    name: str
    capability: tuple[int, int]
    n_multiprocessors: int
    clock: float
    bandwidth: float
    source: str = "nominal"

    def peak(self, dtype):
        """Operations a second in matrix products; None if the capability is unknown."""
        lanes = _LANES.get(self.capability)
        if lanes is None:
            return None
        return 2 * lanes[0 if dtype == np.float32 else 2] * self.n_multiprocessors * self.clock

    def exponentials(self, dtype):
        """Exponentials a second; None if the capability is unknown."""
        lanes = _LANES.get(self.capability)
        if lanes is None:
            return None
        each = _POWERS if dtype == np.float32 else lanes[1] / _WIDE_EXPONENTIAL
        return each * self.n_multiprocessors * self.clock


NOMINAL = (
    Card("NVIDIA H200", (9, 0), 132, 1.98e9, 4.8e12),
    Card("NVIDIA H100 80GB HBM3", (9, 0), 132, 1.98e9, 3.35e12),
)


def entry_seconds(card, dtype, d, t, form):
    """Seconds of one entry of K in K @ V at best; None where the card is unknown.

    Parameters
    ----------
    card : Card
    dtype : dtype
        float32 or float64.
    d : int
        Features.
    t : int
        Columns of V.
    form : {"tiled", "dense"}
    """
    dtype = np.dtype(dtype)
    peak, exponentials = card.peak(dtype), card.exponentials(dtype)
    if peak is None or not card.bandwidth:
        return None
    peak, bandwidth = _OF_PEAK * peak, _OF_BANDWIDTH * card.bandwidth
    if form == "dense":
        return max(dtype.itemsize / bandwidth, 2 * t / peak)
    touches = _TOUCHES * dtype.itemsize / bandwidth
    return 2 * (d + t) / peak + touches + 1 / exponentials


def explained(card):
    """The numbers that limits were computed from, in a sentence."""
    peaks = [card.peak(np.dtype(dtype)) for dtype in (np.float32, np.float64)]
    if None in peaks or not card.bandwidth:
        return f"{card.name}: no limits are known of it."
    major, minor = card.capability
    return (
        f"{card.name}: compute capability {major}.{minor}, {card.n_multiprocessors} "
        f"multiprocessors, {card.clock / 1e9:.2f} GHz, {card.bandwidth / 1e12:.2f} TB/s "
        f"({card.source}); peaks {peaks[0] / 1e12:.0f} TFLOP/s in float32 and "
        f"{peaks[1] / 1e12:.0f} in float64."
    )


def card_of(backend):
    """The GPU of a backend of CuPy; clock and bandwidth are nominal where it does not tell them."""
    runtime, number = backend.xp.cuda.runtime, backend.device.id
    name = runtime.getDeviceProperties(number)["name"].decode()
    capability = str(backend.device.compute_capability)
    told = {
        what: _attribute(runtime, what, number)
        for what in ("MultiProcessorCount", "ClockRate", "MemoryClockRate", "GlobalMemoryBusWidth")
    }
    # kHz and bits; memory moves data twice in a clock.
    clock = 1e3 * told["ClockRate"]
    bandwidth = 2 * 1e3 * told["MemoryClockRate"] * told["GlobalMemoryBusWidth"] / 8
    known = next((card for card in NOMINAL if card.name == name), None)
    source = "as the device says"
    if known is not None and not (clock and bandwidth):
        clock, bandwidth, source = known.clock, known.bandwidth, known.source
    capability = int(capability[:-1]), int(capability[-1])
    return Card(name, capability, told["MultiProcessorCount"], clock, bandwidth, source)


def _attribute(runtime, what, number):
    """An attribute of a device, 0 where it is not told."""
    try:
        return int(runtime.deviceGetAttribute(getattr(runtime, f"cudaDevAttr{what}"), number))
    except (AttributeError, runtime.CUDARuntimeError):
        return 0


def versions_of(backend):
    """Driver, CUDA and CuPy, in words."""
    runtime = backend.xp.cuda.runtime
    theirs, ours = (
        f"{version // 1000}.{version % 1000 // 10}"
        for version in (runtime.driverGetVersion(), runtime.runtimeGetVersion())
    )
    return (
        f"driver {_driver()} (CUDA up to {theirs}), CUDA runtime {ours}, "
        f"CuPy {backend.xp.__version__}"
    )


def _driver(path=Path("/proc/driver/nvidia/version")):
    """Version of the driver, as Linux tells it."""
    try:
        found = re.search(r"\s(\d+\.\d+[.\d]*)\s", path.read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1] if found else "unknown"
