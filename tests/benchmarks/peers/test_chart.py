"""The chart is drawn, with and without extrapolated times."""

import pytest

from benchmarks.peers.cases import CASES, Problem
from benchmarks.peers.chart import _STYLES, draw_scaling
from benchmarks.peers.page import Entry
from benchmarks.peers.timing import Outcome


@pytest.mark.parametrize("last", [Outcome([9.0], 10_000_000), Outcome([], predicted=9.0)])
@pytest.mark.parametrize("widths", [(10,), (10, 20)])
def test_draw_scaling(tmp_path, last, widths):
    case = CASES["kmm"]
    entries = [
        Entry(Problem(n, d, {}), contender, outcome, None)
        for d in widths
        for contender in case.contenders[:3]
        for n, outcome in ((100, Outcome([0.1], 0)), (1000, Outcome([1.0], 1)), (5000, last))
    ]
    path = tmp_path / "chart.png"
    draw_scaling(path, case, entries)
    assert path.read_bytes()[1:4] == b"PNG"


def test_contenders_look_different():
    for case in CASES.values():
        styles = [_STYLES[contender.name] for contender in case.contenders]
        assert len(set(styles)) == len(styles)
