"""Pictures of weights: what they show, on the axes they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skransfer import KMM, ULSIF
from skransfer.datasets import make_covariate_shift
from skransfer.inspection import plot_balance, plot_weights

X, Y, IDS = make_covariate_shift(n_features=3, random_state=0)


@pytest.fixture(scope="module")
def kmm():
    return KMM(alpha=0.1).fit(X, sample_domain=IDS)


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


def test_histogram_counts_every_row(kmm):
    ax = plot_weights(kmm)
    counted = sum(patch.get_height() for patch in ax.patches)
    assert counted == 200
    assert ax.get_xscale() == "log"
    assert f"worth {kmm.effective_sample_size_:.0f}" in ax.get_title()


def test_equal_weights_have_a_histogram_too():
    model = ULSIF(flatten=0.0).fit(X, sample_domain=IDS)
    assert sum(patch.get_height() for patch in plot_weights(model).patches) == 200


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, pd.DataFrame])
def test_areas_are_the_weights_of_the_source_rows(kmm, container):
    order = np.random.RandomState(0).permutation(len(X))
    model = KMM(alpha=0.1).fit(container(X[order]), sample_domain=IDS[order])
    given = plt.subplots()[1]
    ax = plot_weights(
        model, container(X[order]), sample_domain=IDS[order], features=(2, 0), ax=given
    )
    assert ax is given
    target, source, _ = ax.collections
    rows = X[order][IDS[order] >= 0]
    np.testing.assert_allclose(source.get_offsets(), rows[:, [2, 0]])
    np.testing.assert_allclose(target.get_offsets(), X[order][IDS[order] < 0][:, [2, 0]])
    scaled = model.weights_ / model.weights_.mean()
    np.testing.assert_allclose(source.get_sizes(), np.minimum(18 * scaled, 900))


def test_one_feature_shows_the_weights_themselves(kmm):
    ax = plot_weights(kmm, X, sample_domain=IDS, features=(1,))
    scaled = kmm.weights_ / kmm.weights_.mean()
    np.testing.assert_allclose(ax.collections[0].get_offsets()[:, 1], scaled)


def test_names_of_features_are_used():
    frame = pd.DataFrame(X, columns=["age", "dose", "size"])
    model = KMM(alpha=0.1).fit(frame, sample_domain=IDS)
    ax = plot_weights(model, frame, sample_domain=IDS, features=(1, 2))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("dose", "size")
    labels = {tick.get_text() for tick in plot_balance(model).get_yticklabels()}
    assert labels == {"age", "dose", "size"}


def test_balance_shows_before_and_after(kmm):
    ax = plot_balance(kmm, max_features=2)
    summary = kmm.weight_summary()
    order = np.argsort(-np.abs(summary.smd_before))[:2][::-1]
    before, after = ax.collections[-2:]
    np.testing.assert_allclose(before.get_offsets()[:, 0], summary.smd_before[order])
    np.testing.assert_allclose(after.get_offsets()[:, 0], summary.smd_after[order])
    assert "1 more" in ax.get_title()


def test_wrong_rows_are_refused(kmm):
    with pytest.raises(ValueError, match="sample_domain"):
        plot_weights(kmm, X)
    with pytest.raises(ValueError, match="fitted on 200"):
        plot_weights(kmm, X[50:], sample_domain=IDS[50:])
    with pytest.raises(ValueError, match="features"):
        plot_weights(kmm, X, sample_domain=IDS, features=(0, 1, 2))
