"""The chart of a run: gains over SourceOnly as a map, and their means as bars."""

from importlib.util import find_spec

from benchmarks.report import DIGITS, REFERENCE, best_methods
from benchmarks.tasks import METRICS

__all__ = ["draw_chart"]

BETTER, WORSE = "#4b2c82", "#b35806"  # the ends of the color map
MOST_POINTS = 20.0  # a gain of that many % has the full color


def draw_chart(path, summary, tasks, title):
    """Draw methods against tasks; color is the gain over SourceOnly.

    Parameters
    ----------
    path : pathlib.Path
        PNG file to write.
    summary : dict
        What :func:`benchmarks.report.summarize` returned.
    tasks : sequence of Task
        Columns.
    title : str
        First line of the chart.

    Returns
    -------
    drawn : bool
        False if matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names, groups = list(summary["methods"]), summary["groups"]
    widths = [max(0.85 * len(tasks), 2.5), *[2.2 for _ in groups]]
    size = (sum(widths) + 1.8, 2.4 + 0.52 * len(names))
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(1, len(widths), width_ratios=widths)
    _draw_map(figure.add_subplot(grid[0]), summary, tasks, names)
    for column, group in enumerate(groups, start=1):
        _draw_bars(figure.add_subplot(grid[column]), summary, group, names)
    figure.suptitle(title, fontsize=12, fontweight="bold")
    figure.supxlabel(
        f"score, in parentheses the gain over {REFERENCE}\n"
        "purple and +: better, orange and \N{MINUS SIGN}: worse, bold: best of the task",
        fontsize=9.5,
    )
    figure.savefig(path)
    return True


def _draw_map(panel, summary, tasks, names):
    """One box a method and task: the score, and the gain by number and color."""
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    colors = colormaps["PuOr"]  # orange to purple: told apart with any color vision
    limits, best = _limits(summary, tasks), best_methods(summary, tasks)
    for i, name in enumerate(names):
        for j, task in enumerate(tasks):
            entry = summary["methods"][name]["tasks"][task.name]
            face, ink, text = "white", "dimgray", "\N{EN DASH}"
            if entry["status"] == "error":
                ink, text = "firebrick", "error"
            elif entry["status"] == "ok":
                share = entry.get("gain", 0.0) / limits[METRICS[task.metric].unit]
                share = min(max(share, -1.0), 1.0)
                face, ink = colors(0.5 + 0.5 * share), "white" if abs(share) > 0.6 else "black"
                text = _text(entry, task, name)
            panel.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=face, edgecolor="white"))
            weight = "bold" if name in best.get(task.name, ()) else "normal"
            panel.text(
                j, i, text, ha="center", va="center", fontsize=9, color=ink, fontweight=weight
            )
    panel.set_xlim(-0.5, len(tasks) - 0.5)
    panel.set_ylim(len(names) - 0.5, -0.5)
    labels = [f"{task.name.replace('-', chr(10), 1)}\n[{_unit(task)}]" for task in tasks]
    panel.set_xticks(range(len(tasks)), labels, fontsize=9)
    panel.set_yticks(range(len(names)), names, fontsize=10)
    panel.tick_params(length=0, labeltop=True, labelbottom=False)
    panel.spines[:].set_visible(False)


def _text(entry, task, name):
    digits = DIGITS[METRICS[task.metric].unit]
    text = f"{entry['mean']:.{digits}f}"
    if name == REFERENCE or "gain" not in entry:
        return text
    return f"{text}\n({entry['gain']:+.{digits}f})"


def _unit(task):
    return "% R²" if task.metric == "R2" else METRICS[task.metric].unit


def _limits(summary, tasks):
    """The gain that has the full color, by unit."""
    limits = {}
    for task in tasks:
        unit = METRICS[task.metric].unit
        entries = [row["tasks"][task.name] for row in summary["methods"].values()]
        largest = max([abs(entry.get("gain", 0.0)) for entry in entries], default=0.0)
        limits[unit] = max(limits.get(unit, 0.0), largest)
    if "%" in limits:
        limits["%"] = min(limits["%"], MOST_POINTS)
    return {unit: limit or 1.0 for unit, limit in limits.items()}


def _draw_bars(bars, summary, group, names):
    """Mean gain of each method over a group of tasks."""
    total = len(summary["groups"][group])
    entries = [summary["methods"][name]["gains"][group] for name in names]
    gains = [entry["mean"] or 0.0 for entry in entries]
    colors = [BETTER if gain >= 0 else WORSE for gain in gains]
    bars.barh(range(len(names)), gains, height=0.62, color=colors)
    for i, (name, entry, gain) in enumerate(zip(names, entries, gains, strict=True)):
        text = f"{gain:+.{DIGITS[summary['unit']]}f}"
        if name == REFERENCE or entry["mean"] is None:
            text = "reference" if name == REFERENCE else "\N{EN DASH}"
        elif entry["n"] < total:
            text += f" ({entry['n']} of {total})"
        side = 1 if gain >= 0 else -1
        bars.annotate(
            text,
            (gain, i),
            xytext=(4 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=9,
        )
    # Room for the numbers beside the bars.
    low, high = min([*gains, 0.0]), max([*gains, 0.0])
    room = 0.55 * max(high - low, 1e-9)
    bars.set_xlim(low - (room if low < 0 else 0.02 * room), high + room)
    bars.set_ylim(len(names) - 0.5, -0.5)
    bars.set_yticks([])
    bars.axvline(0, color="black", linewidth=0.8)
    bars.spines[["top", "right", "left"]].set_visible(False)
    bars.tick_params(axis="x", labelsize=9)
    if high > low:
        bars.xaxis.set_major_locator(_few_ticks())
    else:
        bars.set_xticks([0])
    bars.set_title(f"mean gain,\n{group} ({total})", fontsize=9.5)
    bars.set_xlabel(f"[{summary['unit']}]", fontsize=9.5)


def _few_ticks():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)
