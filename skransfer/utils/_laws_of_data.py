"""Laws about rows, labels and domains: what may and what may not change a fit."""

import pickle
import random
import warnings
from typing import Any

import numpy as np
import sklearn
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags

from skransfer.base import (
    BaseMapper,
    BaseReweighter,
    BaseRowSelector,
    BaseSelfLabeler,
    BaseTransferPredictor,
)
from skransfer.exceptions import EffectiveSampleSizeWarning, SingleDomainWarning
from skransfer.utils._problems import Problem, expect, fit, make_problem, outputs, same

__all__ = ["LAWS"]


def reads_target_labels(estimator: Any) -> bool:
    """Whether ``fit`` may look at the labels of target rows at this setting."""
    wish = getattr(estimator, "train_on", None)
    if wish is not None:
        return bool(wish != "source")
    return bool(estimator.traits.target_labels != "ignored")


def law_row_order(estimator: Any) -> None:
    """The order of the rows carries no information."""
    problem = make_problem(estimator)
    order = np.random.RandomState(1).permutation(len(problem.X))
    ours = outputs(fit(clone(estimator), problem), problem.X)
    theirs = outputs(fit(clone(estimator), problem.take(order)), problem.X)
    same(ours, theirs, "row order", rtol=1e-4, atol=1e-4)


def law_domain_ids_are_names(estimator: Any) -> None:
    """Only the signs of the ids and their distinctness matter."""
    problem = make_problem(estimator)
    renamed = np.where(problem.source, 7, -3)
    ours = outputs(fit(clone(estimator), problem), problem.X)
    other = Problem(problem.X, problem.y, renamed)
    same(ours, outputs(fit(clone(estimator), other), problem.X), "domain ids are names")


def law_label_blind(estimator: Any) -> None:
    """Labels of target rows change nothing where the method says that it ignores them."""
    if reads_target_labels(estimator):
        return
    problem = make_problem(estimator)
    ours = outputs(fit(clone(estimator), problem), problem.X)
    target = np.flatnonzero(~problem.source)
    garbled = problem.y.copy()
    garbled[target] = garbled[target][::-1] + 5
    hidden = problem.y.astype(float)
    hidden[target] = np.nan
    for y in (garbled, hidden):
        theirs = outputs(fit(clone(estimator), problem.with_labels(y)), problem.X)
        same(ours, theirs, "label-blind")


def law_inputs_untouched(estimator: Any) -> None:
    """``fit`` and ``predict`` write into no argument, no global generator, no configuration."""
    problem = make_problem(estimator)
    arrays = [problem.X, problem.y, problem.sample_domain]
    copies = [array.copy() for array in arrays]
    for array in arrays:
        array.setflags(write=False)
    before = (_global_state(), random.getstate(), sklearn.get_config())
    fitted = clone(estimator)
    params = {name: repr(value) for name, value in fitted.get_params().items()}
    outputs(fit(fitted, problem), problem.X)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="inputs untouched")
    assert _global_state() == before[0], "the global generator of NumPy was used"
    assert random.getstate() == before[1], "the global generator of Python was used"
    assert sklearn.get_config() == before[2], "the configuration of scikit-learn was changed"
    after = {name: repr(value) for name, value in fitted.get_params().items()}
    assert after == params, "fit wrote into a constructor argument"


def _global_state() -> tuple[bytes, int]:
    state = np.random.get_state()
    return state[1].tobytes(), int(state[2])


def law_clone_and_pickle(estimator: Any) -> None:
    """A clone fits to the same, a pickle predicts the same, a refit equals a fresh fit."""
    problem = make_problem(estimator)
    other = make_problem(estimator, seed=1, n_source=45)
    fitted = fit(clone(estimator), problem)
    ours = outputs(fitted, problem.X)
    same(ours, outputs(fit(clone(fitted), problem), problem.X), "clone", rtol=0, atol=0)
    # Pickling may change the memory layout of an array, and with it the last digit of a product.
    loaded = pickle.loads(pickle.dumps(fitted))
    same(ours, outputs(loaded, problem.X), "pickle", rtol=1e-12, atol=1e-12)
    refitted = fit(fit(clone(estimator), other), problem)
    same(ours, outputs(refitted, problem.X), "refit", rtol=0, atol=0)
    assert vars(refitted).keys() == vars(fitted).keys(), "refit leaves attributes of an old fit"


def law_subset_invariance(estimator: Any) -> None:
    """Rows may come alone or in any subset."""
    problem = make_problem(estimator)
    new = make_problem(estimator, seed=3).X
    fitted = fit(clone(estimator), problem)
    whole = outputs(fitted, new)
    if "weights_" in whole:
        return  # nothing is said of new rows
    alone = [outputs(fitted, new[i : i + 1]) for i in range(6)]
    joined = {name: np.concatenate([one[name] for one in alone]) for name in whole}
    same({name: value[:6] for name, value in whole.items()}, joined, "subset invariance")


def law_label_types(estimator: Any) -> None:
    """Labels may be {-1, +1}, {1, 2}, strings or booleans: the fit is the same."""
    if not is_classifier(estimator) or hasattr(getattr(estimator, "source", None), "classes_"):
        return  # a frozen source model has class names of its own
    problem = make_problem(estimator)
    reference = outputs(fit(clone(estimator), problem), problem.X)
    for low, high in ((-1, 1), (1, 2), ("no", "yes"), (False, True)):
        names = np.array([low, high])
        fitted = fit(clone(estimator), problem.with_labels(names[problem.y]))
        np.testing.assert_array_equal(fitted.classes_, names, err_msg="label types: classes_")
        predicted = fitted.predict(problem.X)
        assert set(predicted.tolist()) <= {low, high}, "label types: predict"
        for name, value in outputs(fitted, problem.X).items():
            if name != "predict":
                same({name: reference[name]}, {name: value}, f"label types {names}")


def law_shapes(estimator: Any) -> None:
    """Any proportion of rows works, n < d too, and constant and repeated columns."""
    # A frozen source model has a number of features of its own.
    own = getattr(getattr(estimator, "source", None), "n_features_in_", None)
    for n_source, n_target, n_features in ((30, 60, 3), (40, 40, 3), (60, 30, 3), (12, 10, 40)):
        n_features = own or n_features
        problem = make_problem(
            estimator, n_source=n_source, n_target=n_target, n_features=n_features
        )
        _check_finite(_fit_quietly(estimator, problem), problem, "shapes")
    if own is not None:
        return
    problem = make_problem(estimator)
    constant = np.ones((len(problem.X), 1))
    awkward = problem.with_rows(np.hstack([problem.X, constant, problem.X[:, :1]]))
    _check_finite(_fit_quietly(estimator, awkward), awkward, "constant and repeated columns")


def _fit_quietly(estimator: Any, problem: Problem) -> Any:
    with warnings.catch_warnings():
        # In 40 dimensions a dozen rows do not overlap: the warning is right, and not the point.
        warnings.simplefilter("ignore", EffectiveSampleSizeWarning)
        # Nor can boosting begin where the residuals of a dozen rows are all alike.
        warnings.filterwarnings("ignore", ".*no better on the target than guessing", UserWarning)
        return fit(clone(estimator), problem)


def _check_finite(fitted: Any, problem: Problem, law: str) -> None:
    for name, value in outputs(fitted, problem.X).items():
        if value.dtype.kind == "f":
            assert np.isfinite(value).all(), f"{law}: {name} is not finite"


def law_tiny_domains(estimator: Any) -> None:
    """A domain with one row works, or raises a ValueError that says so."""
    for side in (True, False):
        problem = make_problem(estimator)
        rows = np.flatnonzero(problem.source != side)
        one = np.flatnonzero(problem.source == side)[:1]
        try:
            fitted = _fit_quietly(estimator, problem.take(np.concatenate([one, rows])))
        except ValueError as error:
            text = str(error)
            assert "1 sample" in text or "class" in text, f"tiny domains: {text}"
        else:
            _check_finite(fitted, problem, "tiny domains")


def law_float32(estimator: Any) -> None:
    """float32 rows give nearly the fit of float64 rows, and mapped rows stay float32."""
    problem = make_problem(estimator)
    single = problem.with_rows(problem.X.astype(np.float32))
    ours = outputs(fit(clone(estimator), problem), problem.X)
    fitted = fit(clone(estimator), single)
    theirs = outputs(fitted, single.X)
    same(ours, theirs, "float32", rtol=2e-2, atol=2e-3)
    if isinstance(estimator, BaseMapper):
        assert fitted.transform(single.X).dtype == np.float32, "float32: transform"


def law_frames(estimator: Any) -> None:
    """Data frames in, the same fit; names are checked; ``set_output`` gives frames."""
    pd = _pandas()
    problem = make_problem(estimator)
    names = [f"feature {i}" for i in range(problem.X.shape[1])]
    frame = pd.DataFrame(problem.X, columns=names)
    fitted = fit(clone(estimator), Problem(frame, problem.y, problem.sample_domain))
    ours = outputs(fit(clone(estimator), problem), problem.X)
    same(ours, outputs(fitted, frame), "frames")
    assert list(fitted.feature_names_in_) == names, "frames: feature_names_in_"
    if "weights_" not in ours:
        renamed = frame.rename(columns={names[0]: "other"})
        expect(ValueError, ("feature names",), lambda: outputs(fitted, renamed), "frames")
    if isinstance(estimator, BaseMapper):
        mapped = fitted.set_output(transform="pandas").transform(frame)
        assert list(mapped.columns) == list(fitted.get_feature_names_out()), "frames: names out"
    series = pd.Series(problem.sample_domain, index=frame.index[::-1])
    shuffled = Problem(frame, problem.y, series)  # type: ignore[arg-type]
    expect(ValueError, ("index",), lambda: fit(clone(estimator), shuffled), "frames")


def _pandas() -> Any:
    import pandas as pd

    return pd


def law_sparse(estimator: Any) -> None:
    """Sparse rows give the fit of dense ones, wherever the tags promise sparse input."""
    if not get_tags(estimator).input_tags.sparse:
        return
    problem = make_problem(estimator)
    X = np.where(np.abs(problem.X) < 0.4, 0.0, problem.X)
    ours = outputs(fit(clone(estimator), problem.with_rows(X)), X)
    for kind in (sparse.csr_array, sparse.csc_matrix):
        fitted = fit(clone(estimator), problem.with_rows(kind(X)))
        theirs = {}
        for name, value in ours.items():
            in_fit = name == "weights_"
            found = np.sort(fitted.weights_) if in_fit else getattr(fitted, name)(kind(X))
            theirs[name] = np.asarray(found.toarray() if sparse.issparse(found) else found)
            assert theirs[name].shape == value.shape, "sparse: shape"
        same(ours, theirs, "sparse", rtol=1e-4, atol=1e-4)


def law_no_transfer_limit(estimator: Any) -> None:
    """With one domain a warning says that nothing is transferred, and nothing is."""
    problem = make_problem(estimator)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = clone(estimator).fit(problem.X, problem.y)
    told = any(issubclass(warning.category, SingleDomainWarning) for warning in caught)
    assert told == (getattr(estimator, "source", None) is None), "no-transfer limit: the warning"
    _check_finite(fitted, problem, "no-transfer limit")
    if isinstance(estimator, BaseReweighter):
        np.testing.assert_array_equal(fitted.weights_, np.ones(len(problem.X)))
    keeps_rows = isinstance(estimator, (BaseReweighter, BaseRowSelector, BaseSelfLabeler))
    if not keeps_rows or estimator._learner() is None:
        return
    plain = clone(estimator._learner()).fit(problem.X, problem.y)
    shared = {name: v for name, v in outputs(fitted, problem.X).items() if name != "weigh"}
    same(shared, outputs(plain, problem.X), "no-transfer limit", rtol=1e-10, atol=1e-12)


def law_missing_labels_of_the_target(estimator: Any) -> None:
    """Methods that read target labels use those they have, and say so if there are none."""
    if isinstance(estimator, BaseTransferPredictor) or estimator.traits.needs_source is False:
        problem = make_problem(estimator)
        y = problem.y.astype(float)
        y[~problem.source] = np.nan
        unlabeled = problem.with_labels(y)
        expect(ValueError, ("label",), lambda: fit(clone(estimator), unlabeled), "labels")
        known = np.flatnonzero(~problem.source)[::2]
        y = y.copy()
        y[known] = problem.y[known]
        kept = problem.source | ~np.isnan(y)
        ours = outputs(fit(clone(estimator), problem.with_labels(y)), problem.X)
        theirs = outputs(fit(clone(estimator), problem.take(kept)), problem.X)
        same(ours, theirs, "unlabeled target rows", rtol=1e-7)


LAWS = [
    law_clone_and_pickle,
    law_domain_ids_are_names,
    law_float32,
    law_frames,
    law_inputs_untouched,
    law_label_blind,
    law_label_types,
    law_missing_labels_of_the_target,
    law_no_transfer_limit,
    law_row_order,
    law_shapes,
    law_sparse,
    law_subset_invariance,
    law_tiny_domains,
]
