"""Training of a network that starts from another one: Adam, layer by layer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.solvers._network_tail import NetworkTail
from skransfer.solvers.network import hidden_values, network_gradients, network_loss

__all__ = ["Rows", "TrainedNetwork", "TrainingPlan", "thawing_stages", "train_network"]


class Rows(NamedTuple):
    """Labeled rows; no weights: all weigh 1."""

    X: Any
    Y: NDArray[Any]
    weight: NDArray[Any] | None = None


@dataclass(frozen=True)
class TrainingPlan:
    """How a network is trained; lists have one entry for each layer.

    Parameters
    ----------
    rates : sequence of float
        Learning rates of the layers.
    pull : sequence of float
        Strengths of the pull of weights and biases to where they start.
    alpha : sequence of float
        Strengths of the L2 penalty of the weights, divided by the weight of the mini-batch.
    stages : sequence of (int, int)
        ``(epoch, first)``: from this epoch on, the layers from ``first`` on are trained. The first
        stage begins at epoch 0.
    batch_size : int or None, default=None
        Rows of a mini-batch; None: 200, or all rows if there are fewer.
    max_iter : int, default=100
        Most epochs.
    tol : float, default=1e-4
        An epoch that lowers the loss by less is one without improvement.
    n_iter_no_change : int, default=10
        More such epochs in a row, in the last stage, end the training.
    verbose : bool, default=False
        Whether to print the loss of each epoch.
    """

    rates: Sequence[float]
    pull: Sequence[float]
    alpha: Sequence[float]
    stages: Sequence[tuple[int, int]] = ((0, 0),)
    batch_size: int | None = None
    max_iter: int = 100
    tol: float = 1e-4
    n_iter_no_change: int = 10
    verbose: bool = False

    def size_of_batches(self, n_rows: int) -> int:
        """Rows of a mini-batch, of so many rows."""
        return min(200 if self.batch_size is None else self.batch_size, n_rows)


class TrainedNetwork(NamedTuple):
    """Layers, and the losses of the epochs."""

    coefs: list[NDArray[Any]]
    intercepts: list[NDArray[Any]]
    losses: list[float]
    validation_losses: list[float]


def thawing_stages(
    first: int, n_layers: int, *, n_epochs: int, gradual: bool, warmup: bool
) -> list[tuple[int, int]]:
    """From which epoch on which layers are trained.

    Parameters
    ----------
    first : int
        Layers below it stay frozen.
    n_layers : int
        Number of layers, the head included.
    n_epochs : int
        Length of a stage.
    gradual : bool
        One more layer at each stage, from the top; else all of them after the first stage.
    warmup : bool
        Whether the first stage trains the head alone; ``gradual`` implies it.

    Returns
    -------
    stages : list of (int, int)

    Examples
    --------
    >>> from skransfer.solvers.network_training import thawing_stages
    >>> thawing_stages(0, 3, n_epochs=5, gradual=True, warmup=False)
    [(0, 2), (5, 1), (10, 0)]
    """
    head = n_layers - 1
    if n_epochs == 0 or not (gradual or warmup) or first >= head:
        return [(0, first)]
    layers = range(head, first - 1, -1) if gradual else (head, first)
    return [(stage * n_epochs, layer) for stage, layer in enumerate(layers)]


def train_network(
    rows: Rows,
    coefs: Sequence[NDArray[Any]],
    intercepts: Sequence[NDArray[Any]],
    plan: TrainingPlan,
    *,
    activation: str,
    out_activation: str,
    rng: np.random.RandomState,
    validation: Rows | None = None,
) -> TrainedNetwork:
    r"""Minimize the mean loss plus a pull to the start, by Adam.

    .. math:: \frac{1}{n} \sum_i \ell(y_i, f(x_i)) + \frac{\lambda}{2} \lVert \theta -
        \theta_0 \rVert^2

    Each step is one of Adam on the loss, followed by the proximal map of the pull in Adam's own
    metric. Its fixed points are the stationary points of the sum, and no :math:`\lambda` is too
    strong for the learning rate: the stronger, the closer to the start. Layers that are never
    trained are computed once.

    Parameters
    ----------
    rows : Rows
        Labeled rows.
    coefs, intercepts : sequences of ndarrays
        Layers to start from, all of one dtype, that of X.
    plan : TrainingPlan
        How to train.
    activation : {"identity", "logistic", "tanh", "relu"}
        Of the hidden layers.
    out_activation : {"identity", "logistic", "softmax", "exp"}
        Of the last layer; it names the loss.
    rng : RandomState
        Shuffles the rows at each epoch, unless one mini-batch holds them all. In the same state
        it makes the batches of scikit-learn's networks.
    validation : Rows, default=None
        Held-out rows: their loss, and not that of ``rows``, tells when to stop, and the layers of
        the best epoch are returned.

    Returns
    -------
    network : TrainedNetwork

    Raises
    ------
    ValueError
        If a parameter is no longer finite.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.network_training import Rows, TrainingPlan, train_network
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> plan = TrainingPlan([0.1], [0.0], [0.0], max_iter=500, n_iter_no_change=500)
    >>> found = train_network(
    ...     Rows(X, 2 * X + 1), [np.zeros((1, 1))], [np.zeros(1)], plan,
    ...     activation="relu", out_activation="identity", rng=np.random.RandomState(0),
    ... )
    >>> float(found.coefs[0][0, 0]), float(found.intercepts[0][0])
    (2.00, 1.00)
    """
    frozen = min(first for _, first in plan.stages)
    kept = (list(coefs[:frozen]), list(intercepts[:frozen]))
    rows = rows._replace(X=hidden_values(rows.X, coefs, intercepts, activation, frozen))
    if validation is not None:
        inner = hidden_values(validation.X, coefs, intercepts, activation, frozen)
        validation = validation._replace(X=inner)
    strengths = (values[frozen:] for values in (plan.rates, plan.pull, plan.alpha))
    tail = NetworkTail(coefs[frozen:], intercepts[frozen:], *strengths)
    names = {"activation": activation, "out_activation": out_activation}
    watch, order = _Watch(plan, tail), np.arange(len(rows.Y))
    for epoch in range(plan.max_iter):
        stage = max(s for s in plan.stages if s[0] <= epoch)
        if stage[0] == epoch:
            tail.thaw(stage[1] - frozen)
        if plan.size_of_batches(len(order)) < len(order):
            order = order[rng.permutation(len(order))]
        loss = _one_epoch(rows, order, tail, plan, names)
        held_out = None
        if validation is not None:
            X, Y, weight = validation
            held_out = network_loss(
                X, Y, tail.coefs, tail.intercepts, sample_weight=weight, **names
            )
        if watch.is_over(loss, held_out, last_stage=stage == max(plan.stages)):
            break
    if validation is not None:
        tail.theta[:] = watch.best
    if not np.isfinite(tail.theta).all():
        raise ValueError(
            "The parameters of the network are no longer finite: scale X, or take a lower "
            "learning rate."
        )
    layers = (kept[0] + tail.coefs, kept[1] + tail.intercepts)
    return TrainedNetwork(*layers, watch.losses, watch.validation_losses)


def _one_epoch(
    rows: Rows,
    order: NDArray[np.intp],
    tail: NetworkTail,
    plan: TrainingPlan,
    names: dict[str, str],
) -> float:
    total = 0.0
    for X, Y, weight in _batches(rows, order, plan.size_of_batches(len(order))):
        found = network_gradients(
            X,
            Y,
            tail.coefs,
            tail.intercepts,
            sample_weight=weight,
            first=tail.first,
            out=tail.gradients,
            **names,
        )
        size = float(len(Y) if weight is None else weight.sum())
        total += len(Y) * (found.loss + tail.penalty(size))
        tail.step(size)
    return total / len(rows.Y)


def _batches(rows: Rows, order: NDArray[np.intp], size: int) -> Iterator[Rows]:
    if size == len(order):
        yield rows
        return
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        weight = None if rows.weight is None else rows.weight[chosen]
        yield Rows(rows.X[chosen], rows.Y[chosen], weight)


class _Watch:
    """Whether the loss still falls."""

    def __init__(self, plan: TrainingPlan, tail: NetworkTail) -> None:
        self.plan, self.tail = plan, tail
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.lowest, self.n_idle = np.inf, 0
        self.best = tail.theta.copy()

    def is_over(self, loss: float, held_out: float | None, *, last_stage: bool) -> bool:
        """Note the losses of an epoch; True if too many in a row were no better."""
        self.losses.append(loss)
        if held_out is not None:
            self.validation_losses.append(held_out)
        now = loss if held_out is None else held_out
        self.n_idle = self.n_idle + 1 if now > self.lowest - self.plan.tol else 0
        if now < self.lowest:
            self.lowest = now
            if held_out is not None:
                self.best = self.tail.theta.copy()
        if not last_stage:
            self.n_idle = 0
        if self.plan.verbose:
            tail = "" if held_out is None else f", held out {held_out:.6f}"
            print(  # noqa: T201 - what verbose asks for
                f"epoch {len(self.losses)}: loss {loss:.6f}{tail}"
            )
        return self.n_idle > self.plan.n_iter_no_change
