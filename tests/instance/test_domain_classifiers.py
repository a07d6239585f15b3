"""The default classifiers of domains, and the choice between them."""

import numpy as np
import pytest
from scipy import sparse

from skransfer.instance._domain_classifiers import best_default, default_classifiers


def domains(scale, n=300, d=2, seed=0):
    rng = np.random.RandomState(seed)
    X = np.r_[rng.normal(size=(n, d)), rng.normal(0.3, scale, size=(n, d))]
    return X, np.repeat([False, True], n)


def test_sparse_features_span_what_dense_ones_do():
    X, _ = domains(1.0)
    X = np.where(X < 0.5, 0.0, X)
    step = default_classifiers(X)["squares"][0].fit(X)
    dense, found = step.transform(X), step.transform(sparse.csr_array(X)).toarray()
    gaps = found - dense
    np.testing.assert_allclose(gaps, np.broadcast_to(gaps[0], gaps.shape), atol=1e-12)
    assert not found[(X == 0).all(axis=1)].any()


@pytest.mark.parametrize(("scale", "name"), [(0.5, "squares"), (2.0, "squares"), (1.0, "linear")])
def test_the_choice_is_that_of_the_held_out_loss(scale, name):
    X, is_target = domains(scale, d=2 if scale != 1.0 else 30)
    best, classifier, losses = best_default(X, is_target)
    assert best == name == min(losses, key=losses.get)
    assert classifier.steps[0][0] == ("_squares" if name == "squares" else "standardscaler")


def test_two_rows_leave_no_choice():
    X, is_target = domains(1.0)
    best, _, losses = best_default(X[[0, 1, 300]], is_target[[0, 1, 300]])
    assert (best, losses) == ("linear", {})


def test_order_of_the_rows_is_of_no_account():
    X, is_target = domains(0.8)
    order = np.random.RandomState(1).permutation(len(X))
    ours, theirs = best_default(X, is_target)[2], best_default(X[order], is_target[order])[2]
    assert theirs == pytest.approx(ours, rel=1e-6)
