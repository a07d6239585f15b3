"""sample_domain: what is accepted, what is refused, and what the errors say (contract 1, 12)."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skransfer import encode_domains
from skransfer.base import Domains, check_domains
from skransfer.exceptions import SingleDomainWarning

X = np.zeros((4, 2))


def test_signs_separate_the_sides():
    domains = check_domains([2, -1, 0, -7], X)
    np.testing.assert_array_equal(domains.source, [True, False, True, False])
    np.testing.assert_array_equal(domains.target, [False, True, False, True])
    assert (domains.n_source, domains.n_target) == (2, 2)


def test_none_is_one_domain_and_warns_at_the_caller():
    with pytest.warns(SingleDomainWarning, match="nothing is transferred") as caught:
        domains = check_domains(None, X)
    assert caught[0].filename == __file__
    assert domains.source.all()
    assert domains.target.all()


def test_rows_to_predict_belong_to_no_target_in_particular():
    domains = Domains.all_target(3)
    assert domains.target.all()
    assert not domains.named
    assert Domains(np.array([-1, -1])).named


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "b", "a", "b"], "encode_domains"),
        ([True, False, True, False], "booleans"),
        ([0.0, -1.0, 0.0, -1.0], "integers"),
        ([0, -1, 0], "inconsistent"),
        ([[0], [-1], [0], [-1]], None),
    ],
)
def test_malformed_ids(ids, message):
    if message is None:  # one column is read as a vector, as scikit-learn does
        assert check_domains(ids, X).n_source == 2
        return
    with pytest.raises(ValueError, match=message):
        check_domains(ids, X)


def test_ids_of_zero_and_one_are_explained():
    with pytest.raises(ValueError, match=r"target ids are negative .*found ids \{0, 1\}"):
        Domains(np.array([0, 1, 0])).require_both()


def test_no_source_rows():
    with pytest.raises(ValueError, match="no source rows"):
        Domains(np.array([-1, -2])).require_both()


def test_one_row_sides_are_named():
    with pytest.raises(ValueError, match="The target has 1 sample"):
        Domains(np.array([0, 0, -1])).require_both(min_rows=2)


def test_series_in_another_order_is_refused():
    frame = pd.DataFrame(X, index=[3, 1, 2, 0])
    ids = pd.Series([0, -1, 0, -1], index=[0, 1, 2, 3])
    with pytest.raises(ValueError, match=r"different orders.*loc\[X.index\]"):
        check_domains(ids, frame)
    np.testing.assert_array_equal(check_domains(ids.loc[frame.index], frame).ids, [-1, -1, 0, 0])
    other = pd.Series([0, -1, 0, -1], index=list("abcd"))  # unrelated labels: by position
    np.testing.assert_array_equal(check_domains(other, frame).ids, [0, -1, 0, -1])


@pytest.mark.parametrize("column", [pd.Series, pl.Series, list, np.array])
def test_containers_of_ids(column):
    np.testing.assert_array_equal(check_domains(column([0, -1, 0, -1]), X).ids, [0, -1, 0, -1])


def test_encode_domains_sources_sorted_targets_in_order():
    names = np.array(["c", "a", "b", "d", "a"])
    np.testing.assert_array_equal(encode_domains(names, target=["d", "a"]), [1, -2, 0, -1, -2])
    np.testing.assert_array_equal(encode_domains([2019, 2020, 2021], target=2021), [0, 1, -1])
    assert encode_domains(pd.Series(names), target="a").dtype == np.int64


@pytest.mark.parametrize(
    ("names", "target", "message"),
    [
        (["a", "b"], "z", "not among the names"),
        (["a", "b"], [], "not among the names"),
        (["a", "a"], "a", "at least one source"),
        (["a", None], "a", "1 missing"),
        (["a", float("nan")], "a", "1 missing"),
    ],
)
def test_encode_domains_errors(names, target, message):
    with pytest.raises(ValueError, match=message):
        encode_domains(names, target=target)


def test_encode_domains_takes_lists_of_any_kind_but_no_sets():
    names = pd.Series(["a", "b", "c"])
    np.testing.assert_array_equal(encode_domains(names, target=pd.Index(["c", "b"])), [0, -2, -1])
    with pytest.raises(ValueError, match="a set has no order"):
        encode_domains(names, target={"a", "b"})
    with pytest.raises(ValueError, match="1 missing"):
        encode_domains(pd.Series(["a", pd.NA], dtype="string"), target="a")
