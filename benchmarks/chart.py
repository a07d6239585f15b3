"""The chart of a run: gains over SourceOnly as a map, and their means as bars."""

from importlib.util import find_spec

from benchmarks.report import REFERENCE
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

    names = list(summary["methods"])
    map_width = max(0.85 * len(tasks), 2.5)
    size = (map_width + 5.0, 2.4 + 0.52 * len(names))
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(1, 2, width_ratios=[map_width, 2.8])
    panel = figure.add_subplot(grid[0])
    _draw_map(panel, summary, tasks, names)
    _draw_bars(figure.add_subplot(grid[1]), summary, names)
    figure.suptitle(title, fontsize=12, fontweight="bold")
    figure.savefig(path)
    return True


def _draw_map(panel, summary, tasks, names):
    """One box a method and task: the score, and the gain by number and color."""
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    colors = colormaps["PuOr"]  # orange to purple: told apart with any color vision
    limits = _limits(summary, tasks)
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
            panel.text(j, i, text, ha="center", va="center", fontsize=9, color=ink)
    panel.set_xlim(-0.5, len(tasks) - 0.5)
    panel.set_ylim(len(names) - 0.5, -0.5)
    labels = [f"{task.name.replace('-', chr(10), 1)}\n[{_unit(task)}]" for task in tasks]
    panel.set_xticks(range(len(tasks)), labels, fontsize=9)
    panel.set_yticks(range(len(names)), names, fontsize=10)
    panel.tick_params(length=0, labeltop=True, labelbottom=False)
    panel.spines[:].set_visible(False)
    panel.set_xlabel(
        f"score, in parentheses the gain over {REFERENCE} (purple: better, orange: worse)",
        fontsize=9.5,
    )


def _text(entry, task, name):
    digits = 1 if METRICS[task.metric].unit == "%" else 3
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


def _draw_bars(bars, summary, names):
    """Mean gain of each method, with the number of tasks that it is a mean of."""
    total = len(summary["averaged_tasks"])
    gains = [summary["methods"][name]["mean_gain"] or 0.0 for name in names]
    bars.barh(
        range(len(names)),
        gains,
        height=0.62,
        color=[BETTER if gain >= 0 else WORSE for gain in gains],
    )
    span = max([abs(gain) for gain in gains] + [1e-9])
    for i, (name, gain) in enumerate(zip(names, gains, strict=True)):
        row = summary["methods"][name]
        if name == REFERENCE or row["mean_gain"] is None:
            text = "reference" if name == REFERENCE else "\N{EN DASH}"
        else:
            digits = 1 if summary["unit"] == "%" else 3
            on = "" if row["n_gains"] == total else f"  on {row['n_gains']} of {total}"
            text = f"{gain:+.{digits}f}{on}"
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
    low, high = min([*gains, 0.0]), max([*gains, 0.0])
    bars.set_xlim(
        low - (1.1 * span if low < 0 else 0.1 * span),
        high + (1.1 * span if high > 0 or low == 0 else 0.6 * span),
    )
    bars.set_ylim(len(names) - 0.5, -0.5)
    bars.set_yticks([])
    bars.axvline(0, color="black", linewidth=0.8)
    bars.spines[["top", "right", "left"]].set_visible(False)
    bars.tick_params(axis="x", labelsize=9)
    bars.set_xlabel(f"mean gain over {REFERENCE} [{summary['unit']}]", fontsize=9.5)
