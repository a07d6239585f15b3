"""The page of a case: agreement, then time and memory, then how it was measured."""

from datetime import date
from typing import NamedTuple

from benchmarks.peers.cases import REFERENCE, Contender, Problem
from benchmarks.peers.process import thread_variables
from benchmarks.peers.timing import Outcome
from benchmarks.quality.page import bullets, markdown_table

__all__ = ["INSTALL", "Entry", "agreement_table", "checks", "make_page", "missing", "time_table"]

INSTALL = """\
python -m venv peers
peers/bin/pip install adapt==0.4.5 skada==0.6.0 POT==0.9.7.post1
python -m benchmarks.peers --python peers/bin/python"""
_MARK = "~"
_NAMES = {"adapt": "ADAPT"}


class Entry(NamedTuple):
    """One contender on one problem: what was measured, and the judge's facts (or None)."""

    problem: Problem
    contender: Contender
    outcome: Outcome
    facts: dict | None


def agreement_table(case, entries):
    """What the judge found.

    Parameters
    ----------
    case : Case
        Names the columns.
    entries : list of Entry
        In order.
    """
    strength = {"tca": ("alpha", "alpha"), "kmm": ("max_weight", "B")}.get(case.name)
    header = ["contender", "n", "d", *([strength[1]] if strength else []), *case.columns.values()]
    rows = []
    for entry in entries:
        cells = [entry.contender.name, str(case.rows(entry.problem)), str(entry.problem.d)]
        if strength:
            cells.append(f"{entry.problem.options[strength[0]]:g}")
        facts = entry.facts or {}
        cells += [_cell(name, facts.get(name)) for name in case.columns]
        rows.append(cells)
    return markdown_table(header, rows)


def _cell(name, value):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    digits = ".8g" if name == "objective" else ".3f" if name in ("max", "mean") else ".2e"
    return f"{value:{digits}}"


def time_table(case, entries):
    """Median, least and largest time, ratio to ours, memory; extrapolated times are marked.

    Parameters
    ----------
    case : Case
        How rows are counted.
    entries : list of Entry
        In order; those of problems that are not timed are left out.
    """
    ours = {
        entry.problem[:2]: entry.outcome
        for entry in entries
        if entry.contender.name == REFERENCE and entry.problem.timed
    }
    header = ["contender", "n", "d", "seconds", "least - largest", "runs", "ratio", "peak MB"]
    rows = []
    for problem, contender, outcome, _ in entries:
        if not problem.timed:
            continue
        mark = _MARK if outcome.extrapolated else ""
        reference, seconds = ours.get(problem[:2]), outcome.seconds
        ratio = "-"
        if None not in (outcome.time, reference and reference.time):
            ratio = f"{mark}{outcome.time / reference.time:.3g}"
        rows.append(
            [
                contender.name,
                str(case.rows(problem)),
                str(problem.d),
                "-" if outcome.time is None else f"{mark}{outcome.time:.3g}",
                f"{min(seconds):.3g} - {max(seconds):.3g}" if seconds else "-",
                str(len(seconds)),
                ratio,
                "-"
                if outcome.peak is None
                else f"{outcome.peak / 1e6:.{1 if outcome.peak < 1e7 else 0}f}",
            ]
        )
    return markdown_table(header, rows)


def missing(case, entries):
    """One line for each problem that a contender did not solve.

    Parameters
    ----------
    case : Case
        How rows are counted.
    entries : list of Entry
        All.
    """
    return [
        f"{entry.contender.name}, n = {case.rows(entry.problem)}, d = {entry.problem.d}: "
        f"{entry.outcome.status}."
        for entry in entries
        if entry.outcome.status != "ok"
    ]


def checks(case, entries):
    """What must hold for our results, whatever the peers do: what, the worst found, whether.

    Parameters
    ----------
    case : Case
        Names the fact and its limit.
    entries : list of Entry
        All.
    """
    fact, limit = case.check
    ours = [entry for entry in entries if entry.contender.is_ours]
    values = [entry.facts[fact] for entry in ours if entry.facts]
    solved = [f"problems solved by us, all {len(ours)}", str(len(values)), len(values) == len(ours)]
    worst = max(values, default=float("nan"))
    return [
        [f"our {case.columns[fact]} at most {limit:g}", f"{worst:.1e}", bool(worst <= limit)],
        solved,
    ]


def make_page(case, entries, settings, versions):
    """The whole page as Markdown.

    Parameters
    ----------
    case : Case
        What was compared.
    entries : list of Entry
        Results.
    settings : dict
        ``command``, ``threads``, ``repeat``, ``long``, ``limit`` and ``machine``.
    versions : dict
        ``ours`` and ``peers``: versions by name of the package.
    """
    verdicts = [
        [what, found, "yes" if holds else "NO"] for what, found, holds in checks(case, entries)
    ]
    made = "; ".join(
        f"{side}: "
        + ", ".join(f"{_NAMES.get(name, name)} {number}" for name, number in found.items())
        for side, found in versions.items()
        if found
    )
    times = (
        f"Ratio: the contender's median over that of `{REFERENCE}` in this run. "
        f"{_MARK}: not measured, extrapolated from the two largest problems that were, as n^p. "
        "Peak: by how much resident memory rose during the first call at this size; one MB or two "
        "are noise."
    )
    how = _how(settings, made)
    gone = missing(case, entries)
    parts = [
        f"# {case.title}",
        case.text,
        "## Agreement",
        agreement_table(case, entries),
        case.notes,
        "## Time and memory",
        time_table(case, entries),
        times,
        *(["Not measured:", bullets(gone)] if gone else []),
        f"![Time and memory against the rows](peers-{case.name}.png)",
        "## Checks",
        markdown_table(["what", "found", "holds"], verdicts),
        "## How",
        bullets(how),
        "The peers live in an environment of their own:",
        f"```bash\n{INSTALL}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _how(settings, made):
    """Lines on how it was measured."""
    threads, repeat = settings["threads"], settings["repeat"]
    return [
        f"`{settings['command']}`, {date.today().isoformat()}, {settings['machine']}.",
        f"Versions: {made}.",
        f"Threads for each: {threads}, by {', '.join(thread_variables(threads))}.",
        "float64 rows, seed 0: source N(0, 1), target N(0.4, 0.8^2), as many rows.",
        "Each contender and size has a process of its own.",
        "A small call comes first: lazy imports and, for skransfer, numba's compilation are in it.",
        f"Then one call whose memory is measured, then {repeat} whose times are.",
        f"A first call of more than {settings['long']:g} s is timed itself, and is the only one.",
        f"Nobody waits for a call that takes, or would take, more than {settings['limit']:g} s.",
    ]
