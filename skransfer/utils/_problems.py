"""Small problems with two domains, for the laws."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import check_random_state, get_tags

from skransfer.kernels import to_host

__all__ = ["Problem", "expect", "fit", "make_problem", "outputs", "same"]


@dataclass(frozen=True)
class Problem:
    """Stacked rows of two domains, all labels known."""

    X: Any
    y: Any
    sample_domain: NDArray[np.int64]

    @property
    def source(self) -> NDArray[np.bool_]:
        """Mask of the source rows."""
        return self.sample_domain >= 0

    def take(self, rows: Any) -> "Problem":
        """The problem with some rows, in the order given."""
        return Problem(self.X[rows], self.y[rows], self.sample_domain[rows])

    def with_labels(self, y: Any) -> "Problem":
        """The problem with other labels."""
        return replace(self, y=y)

    def with_rows(self, X: Any) -> "Problem":
        """The problem with other rows."""
        return replace(self, X=X)


def make_problem(
    estimator: Any,
    *,
    n_source: int = 60,
    n_target: int = 50,
    n_features: int = 4,
    n_classes: int = 2,
    shift: float = 0.5,
    seed: int = 0,
) -> Problem:
    """Two overlapping Gaussian domains, with rows and labels of the kind that ``estimator`` takes.

    Rows of the two domains alternate at random, since real stacks have no order either.
    """
    rng = check_random_state(seed)
    n = n_source + n_target
    ids = np.repeat([0, -1], [n_source, n_target]).astype(np.int64)
    rng.shuffle(ids)
    X = rng.normal(size=(n, n_features))
    X[ids < 0] = X[ids < 0] * 1.2 + shift
    scores = X @ np.linspace(1.0, -1.0, n_features) + 0.3 * rng.normal(size=n)
    if get_tags(estimator).input_tags.positive_only:
        X = np.exp(X)  # in place of counts
    if is_regressor(estimator):
        positive = get_tags(estimator).target_tags.positive_only
        return Problem(X, np.exp(scores) if positive else scores, ids)
    edges = np.quantile(scores, np.arange(1, n_classes) / n_classes)
    return Problem(X, np.searchsorted(edges, scores).astype(np.int64), ids)


def fit(estimator: Any, problem: Problem, **params: Any) -> Any:
    """Fit a clone-free estimator on a problem."""
    return estimator.fit(problem.X, problem.y, sample_domain=problem.sample_domain, **params)


_METHODS = ("decision_function", "predict_proba", "predict", "transform", "weigh")


def outputs(fitted: Any, X: Any) -> dict[str, Any]:
    """What the estimator says of some rows, by method.

    Class names are left out where there are scores: a tie may fall either way by rounding.
    """
    found: dict[str, Any] = {}
    for name in _METHODS:
        method: Callable[..., Any] | None = getattr(fitted, name, None)
        if method is None or (name == "predict" and found and is_classifier(fitted)):
            continue
        found[name] = np.asarray(to_host(method(X)))
    if not found and hasattr(fitted, "weights_"):  # weights of the rows of fit, in no order
        found["weights_"] = np.sort(to_host(fitted.weights_))
    assert found, f"{type(fitted).__name__} has none of {', '.join(_METHODS)}"
    return found


def expect(kinds: Any, words: tuple[str, ...], call: Callable[[], Any], law: str) -> None:
    """Raise an AssertionError that names the law unless the call raises, and says these words."""
    try:
        call()
    except kinds as error:
        missing = [word for word in words if word not in str(error)]
        assert not missing, f"{law}: {missing} not in {str(error)!r}"
    else:
        raise AssertionError(f"{law}: no error was raised")


def same(
    ours: dict[str, Any], theirs: dict[str, Any], law: str, rtol: float = 1e-6, atol: float = 1e-7
) -> None:
    """Raise an AssertionError that names the law if the outputs differ."""
    assert ours.keys() == theirs.keys(), f"{law}: {sorted(ours)} against {sorted(theirs)}"
    for name, value in ours.items():
        if value.dtype.kind in "fc":
            scale = max(1.0, float(np.abs(value).max(initial=0.0)))
            np.testing.assert_allclose(
                value, theirs[name], rtol=rtol, atol=atol * scale, err_msg=f"{law}: {name}"
            )
        else:
            np.testing.assert_array_equal(value, theirs[name], err_msg=f"{law}: {name}")
