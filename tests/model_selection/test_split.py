import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from skransfer.model_selection import SourceKFold, TargetKFold, TwoSidedKFold

IDS = np.array([0] * 12 + [1] * 12 + [-1] * 14 + [-2] * 10)
N = len(IDS)


def labels(kind):
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, size=N)
    known = (IDS >= 0) | (rng.random(N) < 0.7)
    if kind == "strings":
        return np.where(known, np.array(["ant", "bee", "cat"], dtype=object)[codes], None)
    if kind == "floats":
        return np.where(known, codes.astype(float), np.nan)
    if kind == "minus one":
        return np.where(known, codes, -1)
    if kind == "booleans":
        return np.where(known, (codes > 0).astype(object), None)
    if kind == "nullable":
        return pd.Series(np.where(known, codes, np.nan)).astype("Int64")
    if kind == "continuous":
        return np.where(known, rng.normal(size=N), np.nan)
    return np.where(known[:, None], rng.normal(size=(N, 2)), np.nan)


KINDS = ["strings", "floats", "minus one", "booleans", "nullable", "continuous", "two outputs"]


def known_rows(y):
    values = pd.DataFrame(y)
    return ((values != -1) & values.notna()).fillna(False).all(axis=1).to_numpy(dtype=bool)


def splitters(shuffle=False):
    seed = 3 if shuffle else None
    return {
        "labeled": TargetKFold(3, shuffle=shuffle, random_state=seed),
        "all": TargetKFold(3, holdout="all", shuffle=shuffle, random_state=seed),
        "source": SourceKFold(3, shuffle=shuffle, random_state=seed),
        "two": TwoSidedKFold(3, shuffle=shuffle, random_state=seed),
    }


def folds(cv, y=None, ids=IDS):
    return list(cv.split(np.zeros((len(ids), 1)), y, ids))


def same(first, second):
    return all(
        np.array_equal(a, b)
        for one, other in zip(first, second, strict=True)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["labeled", "all", "source", "two"])
def test_who_trains_and_who_is_judged(name, kind, shuffle):
    y = labels(kind)
    held_out = {
        "labeled": (IDS < 0) & known_rows(y),
        "all": IDS < 0,
        "source": IDS >= 0,
        "two": np.ones(N, dtype=bool),
    }[name]
    cv = splitters(shuffle)[name]
    judged = []
    for train, test in folds(cv, y):
        assert np.array_equal(np.sort(np.r_[train, test]), np.arange(N))
        assert np.array_equal(test, np.sort(test))
        judged.extend(test)
        if name == "two":
            assert {*(IDS[test] >= 0)} == {True, False}
        assert {*(IDS[train[:2]] >= 0)} == {True, False}
    assert np.array_equal(np.sort(judged), np.flatnonzero(held_out))
    assert len(folds(cv, y)) == cv.get_n_splits() == 3
    assert same(folds(cv, y), folds(cv, y))


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("cv_class", [TargetKFold, SourceKFold])
def test_one_domain_of_classes_is_split_as_scikit_learn_does(cv_class, shuffle):
    rng = np.random.default_rng(0)
    y = np.r_[np.repeat([2, 0, 1], [9, 14, 30]), rng.permutation(np.repeat([0, 1, 2], [12, 9, 25]))]
    ids = np.repeat([0, -1], [53, 46])
    judged = np.flatnonzero(ids < 0 if cv_class is TargetKFold else ids >= 0)
    state = 5 if shuffle else None
    reference = StratifiedKFold(4, shuffle=shuffle, random_state=state)
    ours = folds(cv_class(4, shuffle=shuffle, random_state=state), y, ids)
    for (_, test), (_, expected) in zip(ours, reference.split(judged, y[judged]), strict=True):
        assert np.array_equal(test, judged[expected])


@pytest.mark.parametrize(
    "y",
    [
        None,
        np.random.default_rng(0).normal(size=40),
        np.random.default_rng(0).normal(size=(40, 2)),
        np.random.default_rng(0).permutation(np.arange(40) * 1000),
        np.random.default_rng(0).permutation(np.arange(40.0) * 1000),
    ],
)
def test_quantities_are_split_into_blocks_as_kfold_does(y):
    ids = np.tile([0, -1], 20)
    judged = np.flatnonzero(ids < 0)
    ours = folds(TargetKFold(4, holdout="all"), y, ids)
    if y is not None:
        assert same(ours, folds(TargetKFold(4), y, ids))
    for (_, test), (_, expected) in zip(ours, KFold(4).split(judged), strict=True):
        assert np.array_equal(test, judged[expected])


def test_target_folds_are_alike_in_domain_and_class():
    y = np.tile(["a", "a", "b"], 30)
    ids = np.r_[np.zeros(30, dtype=int), np.repeat([-1, -2], [18, 42])]
    for _, test in folds(TargetKFold(6), y, ids):
        counts = {
            (domain, name): int(((ids == domain) & (y == name))[test].sum())
            for domain in (-1, -2)
            for name in "ab"
        }
        assert counts[-1, "a"] == 2
        assert counts[-1, "b"] == 1
        assert counts[-2, "a"] in (4, 5)
        assert counts[-2, "b"] in (2, 3)
        assert len(test) == 10


def test_rare_classes_make_no_warning_and_are_never_held_out_whole():
    y = np.array(["a"] * 40 + ["a"] * 11 + ["b", "b", "c", "d", "d", "d", "e", "f", "f"])
    ids = np.repeat([0, -1], [40, 20])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = folds(TargetKFold(5), y, ids)
    assert [len(test) for _, test in found] == [4] * 5
    for train, _ in found:
        assert {"b", "d", "f"} <= set(y[train])


def test_few_labels_of_many_classes_are_stratified_because_the_source_shows_they_are_classes():
    y = np.r_[np.repeat(np.arange(31), 20), np.repeat(np.arange(31), 3)]
    ids = np.repeat([0, -1], [620, 93])
    for _, test in folds(TargetKFold(3), y, ids):
        assert np.array_equal(y[test], np.arange(31))


def test_folds_for_scorers_without_labels_share_the_labeled_rows():
    y = np.r_[np.tile([0.0, 1.0], 10), np.tile([0.0, 1.0], 5), np.full(20, np.nan)]
    ids = np.repeat([0, -1], [20, 30])
    for _, test in folds(TargetKFold(5, holdout="all"), y, ids):
        assert np.isnan(y[test]).sum() == 4
        assert len(test) == 6


@pytest.mark.parametrize("kind", ["strings", "floats", "continuous"])
@pytest.mark.parametrize("name", ["all", "source", "two"])
def test_folds_without_target_labels_never_read_one(name, kind):
    y = labels(kind)
    garbled = y.copy()
    target = np.flatnonzero((IDS < 0) & known_rows(y))
    garbled[target] = garbled[target[::-1]] if kind == "continuous" else garbled[target[0]]
    assert not all(garbled[target] == y[target])
    assert same(folds(splitters()[name], y), folds(splitters()[name], garbled))
    assert same(folds(splitters(True)[name], y), folds(splitters(True)[name], garbled))


@pytest.mark.parametrize("name", ["all", "source", "two"])
def test_target_labels_do_not_decide_what_the_source_labels_are(name):
    ids = np.repeat([0, -1], [30, 60])
    y = np.r_[np.tile([0, 1], 30), np.full(30, -1)]
    garbled = np.where((ids < 0) & (y != -1), 1000 + np.arange(90), y)
    assert same(folds(splitters()[name], y, ids), folds(splitters()[name], garbled, ids))


@pytest.mark.parametrize("name", ["labeled", "all", "source", "two"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_ids_and_classes_are_names(name, shuffle):
    y = labels("strings")
    cv = splitters(shuffle)[name]
    renamed = np.select([IDS == 0, IDS == 1, IDS == -1], [7, 0, -8], default=-3)
    other = np.array([{None: None, "ant": "z", "bee": "y", "cat": "x"}[label] for label in y])
    assert same(folds(cv, y), folds(cv, y, renamed))
    assert same(folds(cv, y), folds(cv, other))
    codes = np.array([{None: np.nan, "ant": 2, "bee": 0, "cat": 1}[label] for label in y])
    assert same(folds(cv, y), folds(cv, codes))


@pytest.mark.parametrize("name", ["labeled", "all", "source", "two"])
def test_how_the_sides_are_stacked_does_not_matter(name):
    y = labels("strings")
    cv = splitters()[name]
    # Source and target rows shuffled into each other; each side keeps its own order.
    rows = np.empty(N, dtype=int)
    target = np.random.default_rng(0).permutation(IDS < 0)
    rows[target], rows[~target] = np.flatnonzero(IDS < 0), np.flatnonzero(IDS >= 0)
    for (train, test), (moved_train, moved_test) in zip(
        folds(cv, y), folds(cv, y[rows], IDS[rows]), strict=True
    ):
        assert np.array_equal(test, np.sort(rows[moved_test]))
        assert np.array_equal(train, rows[moved_train])


def test_shuffle_draws_other_rows_and_depends_on_the_seed_alone():
    y = labels("floats")
    plain, seeded = splitters()["labeled"], splitters(True)["labeled"]
    assert not same(folds(plain, y), folds(seeded, y))
    other = TargetKFold(3, shuffle=True, random_state=4)
    assert not same(folds(other, y), folds(seeded, y))
    state = np.random.RandomState(3)
    assert same(folds(TargetKFold(3, shuffle=True, random_state=state), y), folds(seeded, y))


def test_target_rows_alone_can_be_split():
    # A source-free method gets a fitted model and target rows.
    y = np.tile([-1, 1], 10)
    found = folds(TargetKFold(5), y, np.full(20, -1))
    assert all(y[test].sum() == 0 and len(test) == 4 for _, test in found)


def test_containers():
    frame = pd.DataFrame({"a": np.arange(N)}, index=np.arange(N)[::-1])
    y, ids = pd.Series(labels("strings"), index=frame.index), pd.Series(IDS, index=frame.index)
    ours = list(TargetKFold(3).split(frame, y, ids))
    assert same(ours, folds(TargetKFold(3), labels("strings")))
    assert same(ours, folds(TargetKFold(3), labels("strings").tolist(), IDS.tolist()))
    mixed = [np.nan if label is None else label for label in labels("strings")]
    assert same(ours, folds(TargetKFold(3), mixed))
    with pytest.raises(ValueError, match="different orders"):
        next(TargetKFold(3).split(frame, y, ids[::-1]))


def test_the_domains_must_come_along():
    for cv in splitters().values():
        with pytest.raises(ValueError, match=r"sample_domain=\.\.\. with metadata routing on, gr"):
            next(cv.split(np.zeros((N, 1)), labels("floats")))
    with pytest.raises(ValueError, match="must hold integers"):
        folds(TargetKFold(2), None, np.array(["a", "b"]))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(TargetKFold(2).split(np.zeros((3, 1)), None, [0, -1]))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(TargetKFold(2).split(np.zeros((3, 1)), [0.0, 1.0], [0, -1, -1]))


@pytest.mark.parametrize(
    ("cv", "ids", "message"),
    [
        (TargetKFold(5), [0, -1, -1, -1], r"labeled target rows.*n_splits=5.*only 2.*2 or less"),
        (TargetKFold(5), [0, -1, -1, -1], r"holdout='all'.*SourceKFold"),
        (TargetKFold(5, holdout="all"), [0, -1, -1, -1], r"holdout='all'.*n_splits=5.*only 3"),
        (TargetKFold(), [0, 0, -1, 1], "only 0 such rows. Too few target rows have a label"),
        (TargetKFold(), [0, 0, 1, 1], "target rows.*only 0.*are negative"),
        (SourceKFold(2), [0, -1, -1, -1], "source rows.*only 1.*>= 0"),
        (SourceKFold(4), [0, 0, 0, -1], "n_splits=4.*only 3.*3 or less"),
        (TwoSidedKFold(2), [0, 0, 0, -1], "target rows.*only 1"),
        (TwoSidedKFold(2), [-1, -1, 0, -1], "source rows.*only 1"),
    ],
)
def test_too_few_rows_to_hold_out(cv, ids, message):
    with pytest.raises(ValueError, match=message):
        folds(cv, [0.0, 1.0, np.nan, 1.0], np.array(ids))


def test_no_labels_to_hold_out():
    with pytest.raises(ValueError, match="holdout='all' holds out rows without a label"):
        folds(TargetKFold(2), None)


@pytest.mark.parametrize("cv_class", [TargetKFold, SourceKFold, TwoSidedKFold])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_splits": 1}, ValueError, "n_splits must be 2 or more"),
        ({"n_splits": 2.0}, ValueError, "n_splits must be an integer"),
        ({"n_splits": True}, ValueError, "n_splits must be an integer"),
        ({"shuffle": 1}, TypeError, "shuffle must be True or False"),
        ({"random_state": 0}, ValueError, "random_state has no effect"),
    ],
)
def test_arguments_are_checked(cv_class, arguments, error, message):
    with pytest.raises(error, match=message):
        cv_class(**arguments)


def test_holdout_is_checked():
    with pytest.raises(ValueError, match="holdout must be 'labeled' or 'all'"):
        TargetKFold(holdout="source")


def test_repr_names_the_arguments():
    assert repr(TargetKFold(np.int64(3))) == (
        "TargetKFold(holdout='labeled', n_splits=3, random_state=None, shuffle=False)"
    )
    assert repr(SourceKFold()) == "SourceKFold(n_splits=5, random_state=None, shuffle=False)"


def test_nothing_is_written_to():
    y, ids = labels("floats"), IDS.copy()
    y.setflags(write=False)
    ids.setflags(write=False)
    state = np.random.get_state()[1].tolist()
    for cv in [*splitters().values(), *splitters(True).values()]:
        folds(cv, y, ids)
    assert np.random.get_state()[1].tolist() == state
