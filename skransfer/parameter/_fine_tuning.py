"""What fine-tuning of a classifier and of a regressor share."""

from abc import abstractmethod
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge
from skransfer.parameter._networks import SourceNetwork, apply_transformers, read_network
from skransfer.parameter._row_splits import as_rows, folds, hold_out, merged
from skransfer.solvers.network import glorot_layers, hidden_values, network_loss, output_values
from skransfer.solvers.network_training import (
    Rows,
    TrainedNetwork,
    TrainingPlan,
    thawing_stages,
    train_network,
)

__all__ = ["EXAMPLES", "INERT", "BaseFineTuning", "Task"]

# What the laws need to know of the parameters: beside which others a value must change the fit.
EXAMPLES = MappingProxyType(
    {
        "freeze": ({"freeze": 0}, 1),
        "head": ({}, "new"),
        "l2_sp": ({}, 10.0),
        "alpha": ({"head": "new"}, 10.0),
        "lr_decay": ({"freeze": 0}, 1.0),
        "unfreeze": ({"freeze": 0}, "gradual"),
        "warmup_head_epochs": ({"freeze": 0, "head": "new"}, 3),
        "batch_size": ({}, 10),
        "validation_fraction": ({"early_stopping": True}, 0.4),
        "n_iter_no_change": ({"tol": 10.0}, 2),
        "tol": ({}, 10.0),
        "random_state": ({"batch_size": 10}, 1),
    }
)
INERT = MappingProxyType({"cv": "the number of folds seldom decides which depth is best"})
_HIDDEN = 100  # units of a network without a source, as in scikit-learn


class Task(NamedTuple):
    """What the network is to learn."""

    Y: NDArray[np.float64]  # (n, n_outputs): numbers or indicators
    out_activation: str
    keeps_head: bool


class _Start(NamedTuple):
    """Layers to start from."""

    coefs: list[NDArray[Any]]
    intercepts: list[NDArray[Any]]
    activation: str
    out_activation: str
    new_head: bool


class BaseFineTuning(BaseSourceInformed):
    """Fine-tune the layers of a network on labeled target rows."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "freeze": [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "head": [StrOptions({"auto", "keep", "new"})],
        "l2_sp": [Interval(Real, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "lr_decay": [Interval(Real, 1, None, closed="left")],
        "unfreeze": [StrOptions({"none", "gradual"})],
        "warmup_head_epochs": [Interval(Integral, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "cv": ["cv_object"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        freeze: int | str = "auto",
        head: str = "auto",
        l2_sp: float = 1e-2,
        alpha: float = 1e-4,
        learning_rate_init: float = 1e-3,
        lr_decay: float = 2.6,
        unfreeze: str = "none",
        warmup_head_epochs: int = 10,
        max_iter: int = 200,
        batch_size: int | str = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        cv: Any = 3,
        random_state: Any = None,
        verbose: bool | int = False,
    ) -> None:
        self.source = source
        self.freeze = freeze
        self.head = head
        self.l2_sp = l2_sp
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.lr_decay = lr_decay
        self.unfreeze = unfreeze
        self.warmup_head_epochs = warmup_head_epochs
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.cv = cv
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _task(self, network: SourceNetwork | None, y: NDArray[Any]) -> Task:
        """What there is to learn; stores ``classes_`` where there are classes."""

    @abstractmethod
    def _first_bias(self, rows: Rows, out_activation: str) -> NDArray[np.float64]:
        """The biases of a new head: the best answer that does not look at X."""

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        if sample_weight is not None:
            seen = sample_weight > 0
            X, y, sample_weight = X[seen], y[seen], sample_weight[seen]
        rng = check_random_state(self.random_state)
        network = None if source.model is None else read_network(source.model, X)
        task = self._task(network, y)
        if network is None:
            self.transformers_ = ()
            sizes = [X.shape[1], _HIDDEN, task.Y.shape[1]]
            layers = glorot_layers(sizes, "relu", rng, X.dtype)
            start = _Start(*layers, "relu", task.out_activation, new_head=True)
            rows = as_rows(X, task.Y, sample_weight, X.dtype)
            self._learn(start, rows, [], rng, transfers=False)
        else:
            self.transformers_ = network.transformers
            X = apply_transformers(network.transformers, X)
            given = as_rows(X, task.Y, sample_weight, network.coefs[0].dtype)
            rows = merged(given, sort=False)
            start = self._from_network(network, task, rows, rng)
            parts = []
            if isinstance(self.freeze, str):
                parts = folds(self.cv, given, y, classes=is_classifier(self))
            self._learn(start, rows, parts, rng)

    def _from_network(
        self, network: SourceNetwork, task: Task, rows: Rows, rng: np.random.RandomState
    ) -> _Start:
        """The layers of the source, with its head or a new one."""
        coefs, intercepts = list(network.coefs), list(network.intercepts)
        if not task.keeps_head:
            sizes = [coefs[-1].shape[0], task.Y.shape[1]]
            (coefs[-1],), _ = glorot_layers(sizes, network.activation, rng, coefs[0].dtype)
            bias = self._first_bias(rows, task.out_activation)
            intercepts[-1] = bias.astype(coefs[0].dtype)
        return _Start(
            coefs, intercepts, network.activation, task.out_activation, not task.keeps_head
        )

    def _learn(
        self,
        start: _Start,
        rows: Rows,
        parts: list[tuple[Rows, Rows]],
        rng: np.random.RandomState,
        *,
        transfers: bool = True,
    ) -> None:
        n_layers = len(start.coefs)
        self.cv_scores_ = np.full(n_layers, np.nan)
        if not transfers:
            self.frozen_layers_ = 0
            found = self._train(start, rows, 0, rng, transfers=False, verbose=self.verbose)
        else:
            seed = rng.randint(np.iinfo(np.int32).max)
            self.frozen_layers_ = self._depth(start, parts, seed)
            again = np.random.RandomState(seed)
            found = self._train(start, rows, self.frozen_layers_, again, verbose=self.verbose)
        self.coefs_ = [W.copy() for W in found.coefs]
        self.intercepts_ = [b.copy() for b in found.intercepts]
        self.loss_curve_, self.n_iter_ = found.losses, len(found.losses)
        self.validation_losses_ = found.validation_losses
        self.activation_, self.out_activation_ = start.activation, start.out_activation
        self.drift_ = np.full(n_layers, np.nan)
        n_shared = (n_layers - start.new_head) if transfers else 0
        for layer in range(n_shared):
            self.drift_[layer] = np.linalg.norm(self.coefs_[layer] - start.coefs[layer])

    def _depth(self, start: _Start, parts: list[tuple[Rows, Rows]], seed: int) -> int:
        """How many layers to freeze; "auto": those of the least held-out loss."""
        n_layers = len(start.coefs)
        if not isinstance(self.freeze, str):
            if self.freeze >= n_layers:
                raise ValueError(
                    f"freeze={self.freeze}, and the source has {n_layers} layers; at most "
                    f"{n_layers - 1} can be frozen, for the head is trained."
                )
            return int(self.freeze)
        if len(parts) < 2 or n_layers == 1:  # nothing to judge by, or nothing to choose
            return n_layers - 1
        names = {"activation": start.activation, "out_activation": start.out_activation}
        for depth in range(n_layers):
            losses, sizes = [], []
            for train, (X, Y, weight) in parts:
                found = self._train(start, train, depth, np.random.RandomState(seed))
                layers = found.coefs, found.intercepts
                losses.append(network_loss(X, Y, *layers, sample_weight=weight, **names))
                sizes.append(len(Y) if weight is None else weight.sum())
            self.cv_scores_[depth] = -np.average(losses, weights=sizes)
        return n_layers - 1 - int(np.argmax(self.cv_scores_[::-1]))

    def _train(
        self,
        start: _Start,
        rows: Rows,
        depth: int,
        rng: np.random.RandomState,
        *,
        transfers: bool = True,
        verbose: bool | int = False,
    ) -> TrainedNetwork:
        """Train the layers above the frozen ones, on nothing but the values of those."""
        coefs, intercepts = start.coefs[depth:], start.intercepts[depth:]
        X = hidden_values(rows.X, start.coefs, start.intercepts, start.activation, depth)
        rows = rows._replace(X=X)
        if transfers:
            rows = merged(rows)
        validation = None
        if self.early_stopping:
            classes = is_classifier(self)
            rows, validation = hold_out(rows, self.validation_fraction, rng, classes=classes)
        found = train_network(
            rows,
            coefs,
            intercepts,
            self._plan(len(coefs), start.new_head, transfers=transfers, verbose=bool(verbose)),
            activation=start.activation,
            out_activation=start.out_activation,
            rng=rng,
            validation=validation,
        )
        return found._replace(
            coefs=[*start.coefs[:depth], *found.coefs],
            intercepts=[*start.intercepts[:depth], *found.intercepts],
        )

    def _plan(
        self, n_layers: int, new_head: bool, *, transfers: bool, verbose: bool
    ) -> TrainingPlan:
        """How to train so many layers, the last of which is the head."""
        decay, batch = self.lr_decay if transfers else 1.0, self.batch_size
        shared = [transfers and not (new_head and i == n_layers - 1) for i in range(n_layers)]
        gradual = transfers and self.unfreeze == "gradual"
        warmup = transfers and new_head
        return TrainingPlan(
            rates=[self.learning_rate_init / decay ** (n_layers - 1 - i) for i in range(n_layers)],
            pull=[self.l2_sp * is_shared for is_shared in shared],
            alpha=[self.alpha * (not is_shared) for is_shared in shared],
            stages=thawing_stages(
                0, n_layers, n_epochs=self.warmup_head_epochs, gradual=gradual, warmup=warmup
            ),
            batch_size=None if isinstance(batch, str) else batch,
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            verbose=verbose,
        )

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Values of the last layer for validated rows."""
        X = apply_transformers(self.transformers_, X)
        layers = self.coefs_, self.intercepts_
        return output_values(X, *layers, self.activation_, self.out_activation_)

    def _as_sklearn(self, model: Any, X: Any, y: Any, **options: Any) -> Any:
        """Give a network of scikit-learn, of the right shape, these parameters."""
        model.set_params(
            hidden_layer_sizes=tuple(W.shape[1] for W in self.coefs_[:-1]),
            activation=self.activation_,
        )
        model.partial_fit(X, y, **options)
        for mine, theirs in zip(
            (*self.coefs_, *self.intercepts_), (*model.coefs_, *model.intercepts_), strict=True
        ):
            theirs[...] = mine
        return make_pipeline(*self.transformers_, model) if self.transformers_ else model
