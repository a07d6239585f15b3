"""The chart of a run: gains over SourceOnly as a map, and their means as bars."""

from importlib.util import find_spec

from benchmarks.report import REFERENCE
from benchmarks.tasks import METRICS

__all__ = ["draw_chart"]


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
    width = 4.6 + 0.95 * len(tasks)
    figure = Figure(figsize=(width, 2.3 + 0.55 * len(names)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(1, 2, width_ratios=[0.95 * len(tasks), 2.4])
    panel = figure.add_subplot(grid[0])
    bars = figure.add_subplot(grid[1], sharey=panel)
    _draw_map(panel, summary, tasks, names)
    _draw_bars(bars, summary, names)
    figure.suptitle(title, fontsize=12, fontweight="bold")
    figure.savefig(path)
    return True


def _draw_map(panel, summary, tasks, names):
    """One box a method and task: the score, and the gain by number and color."""
    from matplotlib.colors import TwoSlopeNorm
    from matplotlib.patches import Rectangle

    # Relative to the largest change of a task's own unit, so that meters and % share the colors.
    limits = {task.name: _limit(summary, task) for task in tasks}
    norm = TwoSlopeNorm(0, -1, 1)
    from matplotlib import colormaps

    colors = colormaps["PuOr_r"]  # orange to purple: told apart with any color vision
    for i, name in enumerate(names):
        for j, task in enumerate(tasks):
            entry = summary["methods"][name]["tasks"][task.name]
            gain = entry.get("gain", 0.0)
            ok = entry["status"] == "ok"
            share = gain / limits[task.name]
            face = colors(norm(-share)) if ok else "white"
            panel.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=face, edgecolor="white"))
            ink = "white" if ok and abs(share) > 0.72 else "black"
            if ok:
                digits = 1 if METRICS[task.metric].unit == "%" else 2
                shown = f"{entry['mean']:.{digits}f}"
                if name != REFERENCE and "gain" in entry:
                    shown += f"\n({gain:+.{digits}f})"
            else:
                shown = "error" if entry["status"] == "error" else "\N{EN DASH}"
                ink = "firebrick" if entry["status"] == "error" else "gray"
            panel.text(j, i, shown, ha="center", va="center", fontsize=8.5, color=ink)
    panel.set_xlim(-0.5, len(tasks) - 0.5)
    panel.set_ylim(len(names) - 0.5, -0.5)
    labels = [task.name.replace("-", "\n", 1) + _unit(task) for task in tasks]
    panel.set_xticks(range(len(tasks)), labels, fontsize=8.5)
    panel.set_yticks(range(len(names)), names, fontsize=10)
    panel.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    for side in panel.spines.values():
        side.set_visible(False)
    panel.set_xlabel(
        f"score, and in parentheses the gain over {REFERENCE}: purple better, orange worse",
        fontsize=9,
    )
