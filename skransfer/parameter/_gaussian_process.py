"""A Gaussian process on the rows of one task or of two."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.utils import check_random_state

from skransfer.solvers.evidence import maximize_evidence
from skransfer.solvers.gp_transfer import (
    Observations,
    Posterior,
    TaskParameters,
    condition,
    couple,
    log_evidence,
    merge_observations,
    posterior_variance,
)

__all__ = ["Options", "Process", "fit_guarded", "fit_process"]

Array = NDArray[np.float64]


class Options(NamedTuple):
    """What the user chose."""

    kernel: Any
    mode: str
    rho: float | str
    alpha: float | str
    normalize_y: bool
    n_restarts: int
    random_state: Any


class Process(NamedTuple):
    """A fitted process; values of y are those of the target less ``offset``, over ``size``."""

    kernel: Any
    data: Observations
    tasks: TaskParameters
    posterior: Posterior
    rho: float
    offset: float
    size: float
    trend: Any  # fitted model; None without one
    trend_offset: float
    log_evidence: float

    def predict(self, X: NDArray[Any]) -> Array:
        """Posterior mean at rows of the target."""
        mean = self._cross(X) @ self.posterior.dual
        known = self._known(X)
        if known is not None:
            mean = mean + self.rho * known
        return np.asarray(mean * self.size + self.offset)

    def std(self, X: NDArray[Any]) -> Array:
        """Posterior standard deviation at rows of the target."""
        diagonal = self.kernel.diag(_double(X))
        variance = posterior_variance(self.posterior, self._cross(X), diagonal, self._known(X))
        return np.asarray(np.sqrt(variance) * self.size)

    def _cross(self, X: NDArray[Any]) -> Array:
        ours = np.zeros(len(X), dtype=bool)
        return couple(ours, self.data.source, self.tasks) * self.kernel(_double(X), self.data.X)

    def _known(self, X: NDArray[Any]) -> Array | None:
        return None if self.trend is None else _values(self.trend, X, self.trend_offset) / self.size


def fit_process(
    options: Options,
    X: NDArray[Any],
    y: Array,
    weight: Array | None,
    source: NDArray[np.bool_],
    trend: Any = None,
) -> Process:
    """Choose the parameters that are free, and condition on the rows."""
    data = merge_observations(_double(X), y, weight, source)
    data, offset, size = _standardize(data, options.normalize_y)
    known, trend_offset, rho = None, 0.0, None
    if trend is not None:
        known = _values(trend, data.X, 0.0)
        if options.normalize_y:
            trend_offset = float(np.average(known, weights=data.weight))
        known = (known - trend_offset) / size
        rho = _given_rho(options.rho, known, trend_offset / size)
        if rho is not None:
            data, known = data._replace(y=data.y - rho * known), None
    kernel, start, bounds = _search_space(options, data)

    def unpack(parameters: Array) -> tuple[Any, TaskParameters]:
        noise, noise_source, coupling, scale = parameters[-4:]
        levels = np.exp([noise, noise_source, scale])
        tasks = TaskParameters(float(levels[0]), float(levels[1]), float(coupling), levels[2])
        return kernel.clone_with_theta(parameters[:-4]), tasks

    def evidence(parameters: Array) -> tuple[float, Array]:
        chosen, tasks = unpack(parameters)
        return log_evidence(chosen(data.X, eval_gradient=True), data, tasks, known)

    best = maximize_evidence(
        evidence,
        start,
        bounds,
        n_restarts=options.n_restarts,
        random_state=check_random_state(options.random_state),
    )
    chosen, tasks = unpack(best)
    noise = np.where(data.source, tasks.noise_source, tasks.noise) / data.weight
    covariance = couple(data.source, data.source, tasks) * chosen(data.X) + np.diag(noise)
    posterior = condition(covariance, data.y, known)
    if rho is None:
        rho = tasks.rho if trend is None else posterior.coefficient
    value = evidence(best)[0]
    return Process(chosen, data, tasks, posterior, rho, offset, size, trend, trend_offset, value)


def fit_guarded(
    options: Options,
    X: NDArray[Any],
    y: Array,
    weight: Array,
    source: NDArray[np.bool_],
    trend: Any = None,
) -> Process:
    """`fit_process`, without the trend unless the rows speak for it."""
    process = fit_process(options, X, y, weight, source, trend)
    if process.posterior.trend_dual is None:
        return process  # nothing was chosen
    alone = fit_process(options._replace(rho=0.0), X, y, weight, source, trend)
    gain = process.log_evidence - alone.log_evidence
    return process if gain > 0.5 * np.log(weight.sum()) else alone


def _double(X: NDArray[Any]) -> Array:
    return np.asarray(X, dtype=np.float64)


def _values(model: Any, X: NDArray[Any], offset: float) -> Array:
    """Predictions of the source; a model fitted on a frame gets one."""
    owner = getattr(model, "estimator", model)
    names = getattr(owner, "feature_names_in_", None)
    if names is not None:
        import pandas as pd

        X = pd.DataFrame(X, columns=names)
    return np.asarray(model.predict(X), dtype=np.float64).reshape(len(X), -1)[:, 0] - offset


def _standardize(data: Observations, normalize: bool) -> tuple[Observations, float, float]:
    """Each task around its own mean, in units of the target's deviation."""
    if not normalize:
        return data, 0.0, 1.0
    offsets, sizes = [0.0, 0.0], [0.0, 0.0]
    for task, rows in enumerate((~data.source, data.source)):
        if rows.any():
            weight = data.weight[rows]
            offsets[task] = float(np.average(data.y[rows], weights=weight))
            squares = weight * (data.y[rows] - offsets[task]) ** 2 + data.scatter[rows]
            sizes[task] = float(np.sqrt(squares.sum() / weight.sum()))
    least = 10 * np.finfo(np.float64).eps * float(np.abs(data.y).max())
    size = next((s for s in sizes if s > least), 1.0)  # of a constant target: the source's
    y = (data.y - np.where(data.source, offsets[1], offsets[0])) / size
    return data._replace(y=y, scatter=data.scatter / size**2), offsets[0], size


def _given_rho(rho: float | str, known: Array, offset: float) -> float | None:
    """The factor of the source, or None where the rows must tell.

    They cannot where the source predicts the same for all of them: it is taken as it is.
    """
    if not isinstance(rho, str):
        return float(rho)
    return None if np.abs(known).max() > 1e-10 * (1.0 + abs(offset)) else 1.0


def _search_space(options: Options, data: Observations) -> tuple[Any, Array, Array]:
    """Kernel, first start and bounds: kernel, log noises, coupling, log scale of the source."""
    size = float(np.average(data.y**2 + data.scatter / data.weight, weights=data.weight)) or 1.0
    kernel = options.kernel
    if kernel is None:
        length = float(np.sqrt(data.X.shape[1] * data.X.var())) or 1.0
        kernel = ConstantKernel(size, (1e-3 * size, 1e3 * size)) * RBF(
            length, (1e-2 * length, 1e2 * length)
        )
    both = bool(data.source.any() and not data.source.all())
    noise, limits = np.log(1e-2 * size), np.log([1e-8 * size, 10.0 * size])
    if not isinstance(options.alpha, str):
        noise = np.log(options.alpha)
        limits = np.array([noise, noise])
    start, bounds = [noise, noise, 0.0, 0.0], np.zeros((4, 2))
    bounds[:2] = limits if both else (limits, (noise, noise))
    if both:
        given = not isinstance(options.rho, str)
        start[2] = options.rho if given else 0.5
        bounds[2] = (start[2], start[2]) if given else (-1.0, 1.0)
        if options.mode == "icm":
            bounds[3] = np.log([1e-2, 1e2])
    theta, theirs = kernel.theta, kernel.bounds
    return kernel, np.concatenate([theta, start]), np.concatenate([theirs.reshape(-1, 2), bounds])
