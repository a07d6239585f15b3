"""Scaling: time and memory against the rows, on logarithmic axes."""

from benchmarks.peers.cases import REFERENCE

__all__ = ["draw_scaling"]

# A package has one color on all charts; ours is purple.
_STYLES = {
    "skransfer": ("#4b2c82", "o"),
    "skransfer, tol=1e-9": ("#9a86c4", "s"),
    "ADAPT": ("#b35806", "D"),
    "skada": ("#1b7f79", "^"),
    "skada (Frank-Wolfe)": ("#1b7f79", "^"),
    "skada (SLSQP)": ("#5b9bd5", "v"),
    "POT": ("#8c2d4f", "P"),
    "ADAPT, the same grid": ("#b35806", "D"),
    "ADAPT, defaults": ("#e0a060", "d"),
    "ADAPT (Frank-Wolfe)": ("#b35806", "D"),
    "ADAPT (gradient)": ("#e0a060", "d"),
    "ADAPT (IWC)": ("#b35806", "D"),
}
_LEAST_MB = 0.1  # less cannot be told from nothing


def draw_scaling(path, case, entries):
    """Draw a row of panels for time and one for memory, a column for each d.

    Parameters
    ----------
    path : path-like
        PNG file to write.
    case : Case
        What was compared.
    entries : list of Entry
        Results; those of problems that are not timed are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    entries = [entry for entry in entries if entry.problem.timed]
    widths = sorted({entry.problem.d for entry in entries})
    figure = Figure(figsize=(4.6 * len(widths) + 2.2, 7.0), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(widths), squeeze=False, sharex=True, sharey="row")
    for column, d in enumerate(widths):
        here = [entry for entry in entries if entry.problem.d == d]
        top, bottom = panels[:, column]
        _draw(top, case, here, lambda outcome: outcome.time)
        _draw(bottom, case, here, _megabytes)
        top.set_title(f"d = {d}", fontsize=11)
        counted = "rows of both domains" if case.pooled else "rows of each domain"
        bottom.set_xlabel(counted)
        ticks = sorted({case.rows(entry.problem) for entry in here})
        bottom.set_xticks(ticks, [f"{n:,}" for n in ticks])
        bottom.minorticks_off()
    panels[0, 0].set_ylabel("seconds")
    panels[1, 0].set_ylabel("peak memory [MB]")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9.5)
    note = "hollow, dotted: extrapolated" if any(e.outcome.extrapolated for e in entries) else None
    figure.suptitle(case.title + (f"\n({note})" if note else ""), fontsize=12, fontweight="bold")
    figure.savefig(path)


def _megabytes(outcome):
    return None if outcome.peak is None else max(outcome.peak / 1e6, _LEAST_MB)


def _draw(panel, case, entries, value):
    """One line a contender; what was extrapolated is hollow, and joined by dots."""
    panel.set_xscale("log")
    panel.set_yscale("log")
    for contender in case.contenders:
        color, marker = _STYLES[contender.name]
        points = [
            (case.rows(entry.problem), value(entry.outcome), entry.outcome.extrapolated)
            for entry in entries
            if entry.contender.name == contender.name and value(entry.outcome) is not None
        ]
        points.sort()
        measured = [point for point in points if not point[2]]
        guessed = [point for point in points if point[2]]
        style = {"color": color, "marker": marker, "markersize": 6}
        width = 2.4 if contender.name == REFERENCE else 1.5
        panel.plot(*_xy(measured), label=contender.name, linewidth=width, **style)
        if guessed:
            panel.plot(*_xy(measured[-1:] + guessed), linestyle=":", linewidth=width, **style)
            panel.plot(*_xy(guessed), linestyle="", markerfacecolor="white", **style)
    panel.grid(True, which="major", color="0.9")
    panel.spines[["top", "right"]].set_visible(False)


def _xy(points):
    return [point[0] for point in points], [point[1] for point in points]
