"""The page: extrapolated times carry a mark, and the verdicts are those of our results."""

import pytest

from benchmarks.peers.cases import CASES, Problem
from benchmarks.peers.page import Entry, agreement_table, checks, make_page, missing, time_table
from benchmarks.peers.timing import Outcome

CASE = CASES["tca"]
OURS, ADAPT, _ = CASE.contenders
OPTIONS = {"n_components": 20, "gamma": 0.1, "alpha": 1.0}
SMALL, LARGE = Problem(50, 10, OPTIONS), Problem(5000, 10, OPTIONS)


def _facts(shortfall):
    return {"objective": 3.0, "shortfall": shortfall, "against": "dense", "embedding": 0.0}


@pytest.fixture
def entries():
    status = "not started, 900 s expected"
    return [
        Entry(SMALL, OURS, Outcome([0.1, 0.3, 0.2], 5_000_000), _facts(1e-12)),
        Entry(SMALL, ADAPT, Outcome([2.0], 9_000_000), _facts(0.02)),
        Entry(SMALL._replace(timed=False), ADAPT, Outcome([7.77]), _facts(0.5)),
        Entry(LARGE, OURS, Outcome([0.5], 6_000_000), _facts(1e-9)),
        Entry(LARGE, ADAPT, Outcome([], status=status, predicted=900.0), None),
    ]


def _cells(table, start, n):
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[:2] == [start, n]:
            return cells
    raise AssertionError(table)


def test_ratio_is_to_our_median(entries):
    cells = _cells(time_table(CASE, entries), "ADAPT", "100")
    assert cells[3:] == ["2", "2 - 2", "1", "10", "9.0"]
    assert _cells(time_table(CASE, entries), "skransfer", "100")[3:6] == ["0.2", "0.1 - 0.3", "3"]


def test_extrapolated_times_are_marked(entries):
    cells = _cells(time_table(CASE, entries), "ADAPT", "10000")
    assert cells[3:] == ["~900", "-", "0", "~1.8e+03", "-"]
    assert missing(CASE, entries) == ["ADAPT, n = 10000, d = 10: not started, 900 s expected."]


def test_problems_that_are_not_timed_show_agreement_only(entries):
    assert "7.77" not in time_table(CASE, entries)
    assert "5.00e-01" in agreement_table(CASE, entries)


def test_what_was_not_solved_has_no_verdict(entries):
    assert _cells(agreement_table(CASE, entries), "ADAPT", "10000")[4:] == ["-"] * 4


def test_checks_are_about_us(entries):
    assert [row[1:] for row in checks(CASE, entries)] == [["1.0e-09", True], ["2", True]]
    entries[0] = entries[0]._replace(facts=_facts(0.1))
    entries[3] = entries[3]._replace(facts=None)
    assert [row[2] for row in checks(CASE, entries)] == [False, False]


def test_page(entries):
    settings = {
        "command": "python -m benchmarks.peers",
        "threads": 2,
        "repeat": 5,
        "long": 20.0,
        "limit": 600.0,
        "machine": "a machine",
    }
    versions = {"ours": {"skransfer": "0.1"}, "peers": {"adapt": "0.4.5"}}
    page = make_page(CASE, entries, settings, versions)
    assert page.startswith(f"# {CASE.title}\n")
    assert "ours: skransfer 0.1; peers: ADAPT 0.4.5" in page
    assert "OMP_NUM_THREADS" in page
    assert "adapt==0.4.5 skada==0.6.0 POT==0.9.7.post1" in page
    assert page.index("## Agreement") < page.index("## Time and memory")
    assert "Not measured:" in page
    assert "Not measured:" not in make_page(CASE, entries[:4], settings, versions)
