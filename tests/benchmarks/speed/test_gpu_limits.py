"""Limits against numbers worked out by hand, and a device that is only played."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.speed import gpu_limits
from benchmarks.speed.gpu_limits import NOMINAL, Card, card_of, entry_seconds, explained

# 100 multiprocessors at 1 GHz: 25.6 and 25.6 TFLOP/s (matrix units), 1.6e12 and 2.56e11 exp/s.
ROUND = Card("made up", (9, 0), 100, 1e9, 1e12)


def test_a_tiled_entry_is_the_sum_of_its_parts():
    single = 2 * (64 + 1) / (0.75 * 25.6e12) + 16 / 0.9e12 + 1 / 1.6e12
    double = 2 * (64 + 1) / (0.75 * 25.6e12) + 32 / 0.9e12 + 1 / 2.56e11
    assert entry_seconds(ROUND, "float32", 64, 1, "tiled") == pytest.approx(single, rel=1e-12)
    assert entry_seconds(ROUND, "float64", 64, 1, "tiled") == pytest.approx(double, rel=1e-12)


def test_a_held_entry_is_read_or_multiplied():
    assert entry_seconds(ROUND, "float64", 64, 1, "dense") == pytest.approx(8 / 0.9e12)
    many = entry_seconds(ROUND, "float64", 64, 1000, "dense")
    assert many == pytest.approx(2000 / (0.75 * 25.6e12))


def test_known_cards_reach_what_their_makers_say():
    for card in NOMINAL:
        assert card.peak(np.dtype("float32")) == pytest.approx(67e12, rel=0.01)
        assert card.peak(np.dtype("float64")) == pytest.approx(67e12, rel=0.01)
    h200 = NOMINAL[0]
    assert 1e12 * entry_seconds(h200, "float32", 64, 1, "tiled") == pytest.approx(6.5, rel=0.02)
    assert 1e12 * entry_seconds(h200, "float64", 64, 1, "tiled") == pytest.approx(11.5, rel=0.02)


def test_an_unknown_card_has_no_limit():
    card = Card("new", (99, 0), 100, 1e9, 1e12)
    assert entry_seconds(card, "float32", 8, 1, "tiled") is None
    assert "no limits are known" in explained(card)
    assert "26 TFLOP/s in float32" in explained(ROUND)


def _played(name, capability, **attributes):
    numbers = {f"cudaDevAttr{what}": i for i, what in enumerate(attributes)}
    values = list(attributes.values())

    class Failed(RuntimeError):
        pass

    def get(number, device):
        if values[number] is None:
            raise Failed
        return values[number]

    runtime = SimpleNamespace(
        **numbers,
        CUDARuntimeError=Failed,
        deviceGetAttribute=get,
        getDeviceProperties=lambda device: {"name": name.encode()},
        driverGetVersion=lambda: 13010,
        runtimeGetVersion=lambda: 12080,
    )
    xp = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime), __version__="14.2.0")
    device = SimpleNamespace(id=0, compute_capability=capability)
    return SimpleNamespace(xp=xp, device=device)


def test_a_device_tells_its_numbers():
    backend = _played(
        "NVIDIA X", "120", MultiProcessorCount=170, ClockRate=2_407_000,
        MemoryClockRate=14_001_000, GlobalMemoryBusWidth=512,
    )  # fmt: skip
    card = card_of(backend)
    assert (card.name, card.capability, card.n_multiprocessors) == ("NVIDIA X", (12, 0), 170)
    assert card.clock == pytest.approx(2.407e9)
    assert card.bandwidth == pytest.approx(1.792e12, rel=1e-3)
    assert "as the device says" in explained(card)
    text = gpu_limits.versions_of(backend)
    assert "CUDA up to 13.1" in text
    assert "CUDA runtime 12.8, CuPy 14.2.0" in text


@pytest.mark.parametrize("silence", [{}, {"ClockRate": None, "MemoryClockRate": 0}])
def test_a_silent_device_is_taken_as_nominal(silence):
    card = card_of(_played("NVIDIA H200", "90", MultiProcessorCount=132, **silence))
    assert (card.clock, card.bandwidth, card.source) == (1.98e9, 4.8e12, "nominal")
    unknown = card_of(_played("NVIDIA Y", "90", MultiProcessorCount=10, **silence))
    assert entry_seconds(unknown, "float32", 8, 1, "tiled") is None


def test_the_version_of_the_driver(tmp_path):
    file = tmp_path / "version"
    assert gpu_limits._driver(file) == "unknown"
    file.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release\n")
    assert gpu_limits._driver(file) == "570.86.15"
