"""Run one cell: hide the target labels, fit, predict, judge, time; an error is a result too."""

import time
import traceback
import warnings
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from benchmarks.methods import build, obstacle
from benchmarks.tasks import METRICS
from skransfer.model_selection import domain_params

__all__ = ["Cell", "hide_labels", "run_cell", "run_tasks"]


class Cell(NamedTuple):
    """One method on one task with one seed.

    ``status`` is "ok", "not applicable" (``reason`` says why) or "error" (``reason`` and
    ``traceback``). Scores are in the units of the task's metric, times in seconds.
    """

    task: str
    method: str
    seed: int
    status: str
    score: float | None = None
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    reason: str | None = None
    traceback: str | None = None
    warnings: tuple[str, ...] = ()


def hide_labels(y, rows):
    """Labels with those of ``rows`` made unknown: NaN among numbers, None otherwise.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        True labels; not written to.
    rows : ndarray of bool of shape (n_samples,)
        Rows whose label no method may see.
    """
    numeric = y.dtype.kind in "iuf"
    hidden = y.astype(np.float64 if numeric else object)
    hidden[rows] = np.nan if numeric else None
    return hidden


def run_cell(task, method, seed, base, data=None):
    """Fit one method on one task and judge it on the target rows whose label it did not see.

    Parameters
    ----------
    task : Task
        Where.
    method : Method
        What.
    seed : int
        Seed of the task's and the method's randomness.
    base : str
        Key of ``benchmarks.methods.BASES``.
    data : Data, default=None
        Rows of this task and seed, if they are loaded already.

    Returns
    -------
    cell : Cell
        An exception of the method ends up in it, with its traceback.
    """
    reason = obstacle(method, task, base)
    if reason is not None:
        return Cell(task.name, method.name, seed, "not applicable", reason=reason)
    data = task.load(seed) if data is None else data
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            score, fit_seconds, predict_seconds = _judge(task, method, seed, base, data)
        except Exception as error:  # whatever a method raises is a result of the benchmark
            return Cell(
                task.name,
                method.name,
                seed,
                "error",
                reason=f"{type(error).__name__}: {error}",
                traceback=traceback.format_exc(),
            )
    messages = {f"{item.category.__name__}: {item.message}": None for item in caught}
    return Cell(
        task.name,
        method.name,
        seed,
        "ok",
        score,
        fit_seconds,
        predict_seconds,
        warnings=tuple(messages),
    )


def _judge(task, method, seed, base, data):
    """Score and the seconds of fit and predict."""
    estimator = build(method, task, base, seed)
    y = hide_labels(data.y, data.judged)
    start = time.perf_counter()
    estimator.fit(data.X, y, **domain_params(estimator, data.sample_domain))
    fitted = time.perf_counter()
    predicted = estimator.predict(data.X[data.judged])
    done = time.perf_counter()
    score = METRICS[task.metric].score(data.y[data.judged], predicted)
    if not np.isfinite(score):
        raise FloatingPointError(f"{task.metric} is {score}")
    return float(score), fitted - start, done - fitted


def _run_unit(task, methods, seed, base, threads):
    """All methods on one task and seed, so that rows are loaded once."""
    # Most tasks are small: threads of BLAS would wait for each other longer than they compute.
    with threadpool_limits(threads):
        return _run_limited(task, methods, seed, base)


def _run_limited(task, methods, seed, base):
    data: Any = None
    if any(obstacle(method, task, base) is None for method in methods):
        data = task.load(seed)
    facts = None
    if data is not None:
        source = data.sample_domain >= 0
        facts = {
            "n_source": int(source.sum()),
            "n_target": int((~source).sum()),
            "n_labeled": int(data.labeled.sum()),
            "n_judged": int(data.judged.sum()),
            "n_features": int(data.X.shape[1]),
        }
    return task.name, seed, facts, [run_cell(task, m, seed, base, data) for m in methods]


def run_tasks(tasks, methods, n_seeds, *, base=None, n_jobs=1, threads=1, progress=None):
    """Run methods on tasks.

    Parameters
    ----------
    tasks : sequence of Task
        Columns.
    methods : sequence of Method
        Rows.
    n_seeds : int
        Repetitions of each task that has any randomness.
    base : str, default=None
        Key of ``benchmarks.methods.BASES``; None: each task's own.
    n_jobs : int, default=1
        Processes.
    threads : int, default=1
        Threads of BLAS and OpenMP in each process.
    progress : callable, default=None
        ``progress(iterator, total)`` yields the finished units and shows them.

    Returns
    -------
    cells : list of Cell
        In the order of tasks, seeds, methods.
    facts : dict of str to dict
        Numbers of rows and features of each task, with the first seed.
    """
    units = [
        (task, seed)
        for task in tasks
        for seed in range(n_seeds if task.seeds is None else min(n_seeds, task.seeds))
    ]
    finished = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
        delayed(_run_unit)(task, methods, seed, base or task.base, threads) for task, seed in units
    )
    if progress is not None:
        finished = progress(finished, len(units))
    by_unit = {(task, seed): (facts, cells) for task, seed, facts, cells in finished}
    ordered = [by_unit[task.name, seed] for task, seed in units]
    facts = {task.name: by_unit[task.name, 0][0] for task in tasks}
    return [cell for _, cells in ordered for cell in cells], facts
