"""What OffsetBoostingClassifier and OffsetBoostingRegressor share."""

from abc import abstractmethod
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import check_random_state

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge
from skransfer.kernels import canonical_order
from skransfer.parameter._target_folds import Fold, target_folds, used_rows
from skransfer.solvers.affine import Affine
from skransfer.solvers.offset_boosting import Boosting, HeldOut, Loss, TreeStep, held_out_losses
from skransfer.solvers.transfer_trees import Forest, dense_rows, read_tree

__all__ = ["EXAMPLES", "INERT", "BaseOffsetBoosting"]

Array = NDArray[np.float64]

# What the laws need to know of the parameters: beside which others a value must change the fit.
_GROWN = MappingProxyType({"early_stopping": False, "init": "affine"})
EXAMPLES = MappingProxyType(
    {
        "n_estimators": (_GROWN, 9),
        "learning_rate": (_GROWN, 0.5),
        "max_depth": (_GROWN, 1),
        "min_samples_leaf": (_GROWN, 8),
        "max_features": (_GROWN, 1),
        "init": (_GROWN, "source"),
        "early_stopping": ({"n_estimators": 300, "learning_rate": 1.0}, False),
        "random_state": ({"max_features": 1, **_GROWN}, 1),
    }
)
INERT = MappingProxyType(
    {
        "n_iter_no_change": "the least held-out loss is seldom so late",
        "cv": "the number of folds seldom decides where the least held-out loss is",
    }
)

_BITS = 30  # of residuals: sums of a million of them are exact, in any order


class _Rows(NamedTuple):
    """Labeled target rows in an order of their own."""

    X: NDArray[np.float32]
    outputs: Array  # what the source says of them: (n,) numbers or (n, n_classes) logits
    y: NDArray[Any]  # numbers or codes
    weights: Array

    def take(self, rows: NDArray[np.intp]) -> "_Rows":
        return _Rows._make(array[rows] for array in self)


class BaseOffsetBoosting(BaseSourceInformed):
    """Boosted trees that start from the affine image of a source's output."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "n_estimators": [Interval(Integral, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, 1, closed="right")],
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "max_features": DecisionTreeRegressor._parameter_constraints["max_features"],
        "init": [StrOptions({"auto", "affine", "source"})],
        "early_stopping": ["boolean"],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        n_estimators: int = 200,
        learning_rate: float = 0.05,
        max_depth: int | None = 3,
        min_samples_leaf: int = 1,
        max_features: Any = None,
        init: str = "auto",
        early_stopping: bool = True,
        n_iter_no_change: int = 20,
        cv: Any = 5,
        random_state: Any = None,
    ) -> None:
        self.source = source
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.init = init
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.cv = cv
        self.random_state = random_state

    @abstractmethod
    def _labels(self, model: Any, y: NDArray[Any]) -> NDArray[Any]:
        """Labels as numbers or codes; stores ``classes_`` where there are classes."""

    @abstractmethod
    def _outputs(self, X: Any) -> Array:
        """What the source says of rows; zeros without a source."""

    @abstractmethod
    def _affine(self, outputs: Array, y: NDArray[Any], weights: Array) -> Affine:
        """Gain and offset of the source's output on these rows."""

    @abstractmethod
    def _scores(self, outputs: Array, start: Affine) -> Array:
        """Scores at the start, of shape (n, n_outputs)."""

    @abstractmethod
    def _loss(self, y: NDArray[Any], weights: Array) -> Loss:
        """Loss of rows in terms of their scores."""

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: Array | None,
    ) -> None:
        kinds = self._kinds(source.model)
        folds, validated = [], self.early_stopping or len(kinds) > 1
        if validated:
            options: dict[str, Any] = {"classes": is_classifier(self)}
            folds = target_folds(X, y, self.cv, sample_weight=sample_weight, **options)
        X, y, sample_weight = used_rows(X, y, sample_weight)
        labels = self._labels(source.model, y)
        self.source_ = source.model
        weights = np.ones(len(labels)) if sample_weight is None else sample_weight
        given = _Rows(dense_rows(X), self._outputs(X), labels, weights)
        kind, self.cv_loss_, self.n_estimators_ = kinds[0], None, int(self.n_estimators)
        # A tree's constructor costs as much as a small tree; these parameters are checked already.
        with config_context(skip_parameter_validation=True):
            if validated:
                kind, self.cv_loss_, self.n_estimators_ = self._choice(given, folds, kinds)
            rows = _in_order(given)
            start = self._start(rows, kind)
            run = self._run(rows, start, check_random_state(self.random_state))
            steps = [step for _ in range(self.n_estimators_) for step in run.advance()]
        self.slope_, self.offset_ = start.slope[()], start.offset[()]
        self.train_loss_ = np.array(run.losses)
        n_outputs = run.scores.shape[1] if steps else 0
        self.trees_ = tuple(_forest(steps, output) for output in range(n_outputs))

    def _kinds(self, model: Any) -> list[str]:
        """Starts to choose from."""
        if model is None:
            return ["constant"]
        return ["affine", "constant"] if self.init == "auto" else [self.init]

    def _start(self, rows: _Rows, kind: str) -> Affine:
        if kind == "source":
            shape = rows.outputs.shape[1:]
            return Affine(np.ones(shape), np.zeros(shape))
        if kind == "affine":
            return self._affine(rows.outputs, rows.y, rows.weights)
        start = self._affine(np.zeros_like(rows.outputs), rows.y, rows.weights)
        return start._replace(slope=np.zeros_like(start.slope))

    def _run(self, rows: _Rows, start: Affine, rng: np.random.RandomState) -> Boosting:
        scores = self._scores(rows.outputs, start)
        loss = self._loss(rows.y, rows.weights)
        return Boosting(loss, scores, self._grower(rows, rng), float(self.learning_rate))

    def _grower(self, rows: _Rows, rng: np.random.RandomState) -> Any:
        def grow(residuals: Array, output: int) -> tuple[Any, NDArray[np.intp]]:
            tree = DecisionTreeRegressor(
                max_depth=self.max_depth,
                min_samples_leaf=self.min_samples_leaf,
                max_features=self.max_features,
                random_state=rng,
            )
            # Two splits that part the rows alike are equally good: not for rounding to choose.
            unit = 2.0 ** (np.frexp(np.abs(residuals).max())[1] - _BITS)
            residuals = np.rint(residuals / unit) * unit
            tree.fit(rows.X, residuals, sample_weight=rows.weights, check_input=False)
            return tree.tree_, tree.tree_.apply(rows.X)

        return grow

    def _choice(self, given: _Rows, folds: list[Fold], kinds: list[str]) -> tuple[str, Array, int]:
        """Start and number of stages of least held-out loss; of one row, nothing can be said."""
        if not folds:
            return kinds[0], np.full(1, np.nan), 0 if self.early_stopping else self.n_estimators
        best = (np.inf, kinds[0], np.empty(0), 0)
        for kind in kinds:
            losses = self._held_out(given, folds, kind)
            stages = int(np.argmin(losses)) if self.early_stopping else len(losses) - 1
            if losses[stages] < best[0]:
                best = (float(losses[stages]), kind, losses, stages)
        return best[1:]

    def _held_out(self, given: _Rows, folds: list[Fold], kind: str) -> Array:
        """Mean held-out loss after each number of stages."""
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=len(folds))
        runs = []
        for (train, test), seed in zip(folds, seeds.tolist(), strict=True):
            rows, held = _in_order(given.take(train)), given.take(test)
            start = self._start(rows, kind)
            run = self._run(rows, start, np.random.RandomState(seed))
            scores = self._scores(held.outputs, start)
            runs.append(HeldOut(run, self._loss(held.y, held.weights), scores, _placer(held.X)))
        patience = self.n_iter_no_change if self.early_stopping else self.n_estimators + 1
        return held_out_losses(runs, self.n_estimators, patience)

    def _raw_scores(self, X: Any) -> Array:
        """Scores of validated rows, of shape (n, n_outputs)."""
        scores = self._scores(self._outputs(X), Affine(self.slope_, self.offset_))
        for output, forest in enumerate(self.trees_):
            scores[:, output] += len(forest) * forest.mean_values(X)[:, 0]
        return scores


def _in_order(rows: _Rows) -> _Rows:
    """Rows by content, so that sums are rounded alike however the rows were given."""
    return rows.take(np.lexsort((rows.weights, rows.y, canonical_order(rows.X)[1])))


def _placer(X: NDArray[np.float32]) -> Any:
    return lambda tree: tree.apply(X)


def _forest(steps: list[TreeStep], output: int) -> Forest:
    """The trees of one output, with the steps of their leaves as values."""
    trees = []
    for step in steps:
        if step.output == output:
            tree = read_tree(step.tree, np.arange(1), 1)
            values = np.zeros_like(tree.values)
            values[: len(step.values), 0] = step.values
            trees.append(tree._replace(values=values))
    return Forest(trees)
