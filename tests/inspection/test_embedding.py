"""Pictures of maps: every row where its map puts it, in the color of its domain."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.extmath import svd_flip

from skransfer import CORAL, KMM, TCA, InvariantFeatureSelector, SubspaceAlignment
from skransfer.datasets import make_subspace_shift
from skransfer.inspection import plot_embedding
from skransfer.inspection._axes import SOURCE_COLOR, TARGET_COLOR
from skransfer.metrics import mmd

X, Y, IDS = make_subspace_shift(60, 50, random_state=0)
ORDER = np.random.RandomState(0).permutation(len(X))
X, Y, IDS = X[ORDER], Y[ORDER], IDS[ORDER]


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def coral():
    return CORAL().fit(X, sample_domain=IDS)


def _drawn(ax):
    """Positions by the label of the legend."""
    return {c.get_label(): np.asarray(c.get_offsets()) for c in ax.collections}


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, pd.DataFrame])
def test_rows_lie_where_the_map_puts_them(container):
    mapper = SubspaceAlignment(n_components=4).fit(container(X), sample_domain=IDS)
    given = plt.subplots()[1]
    ax = plot_embedding(mapper, container(X), Y, sample_domain=IDS, components=(2, 0), ax=given)
    assert ax is given
    Z = mapper.transform(container(X), sample_domain=IDS)[:, [2, 0]]
    drawn = _drawn(ax)
    assert len(drawn) == 4
    for side, mask in (("source", IDS >= 0), ("target", IDS < 0)):
        for label in (0, 1):
            np.testing.assert_allclose(drawn[f"{side}, {label}"], Z[mask & (label == Y)])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("subspacealignment2", "subspacealignment0")


def test_colors_are_those_of_the_domains(coral):
    ax = plot_embedding(coral, X, Y, sample_domain=IDS)
    for collection in ax.collections:
        expected = SOURCE_COLOR if collection.get_label().startswith("source") else TARGET_COLOR
        np.testing.assert_allclose(collection.get_facecolor()[0, :3], to_rgb(expected))


def test_unknown_labels_are_small_dots(coral):
    known = np.flatnonzero(IDS < 0)[:7]
    y = Y.astype(float)
    y[(IDS < 0) & ~np.isin(np.arange(len(Y)), known)] = np.nan
    drawn = _drawn(ax := plot_embedding(coral, X, y, sample_domain=IDS))
    assert len(drawn["target, unknown"]) == 43
    assert len(drawn["target, 0"]) + len(drawn["target, 1"]) == 7
    sizes = {c.get_label(): c.get_sizes()[0] for c in ax.collections}
    assert sizes["target, unknown"] < sizes["target, 0"]
    # Neither labels nor classes: two colors.
    assert list(_drawn(plot_embedding(coral, X, sample_domain=IDS))) == ["source", "target"]
    scores = X[:, 0]
    assert len(_drawn(plot_embedding(coral, X, scores, sample_domain=IDS))) == 2
    whole = CORAL(Ridge()).fit(X, np.round(scores), sample_domain=IDS)
    assert len(_drawn(plot_embedding(whole, X, np.round(scores), sample_domain=IDS))) == 2


def test_many_classes_are_drawn_as_their_labels(coral):
    names = np.array([f"class {i}" for i in range(10)])[np.arange(len(X)) % 10]
    for y in (names, np.arange(len(X)) % 10):
        ax = plot_embedding(coral, X, y, sample_domain=IDS)
        assert sum(len(c.get_offsets()) for c in ax.collections) == len(X)
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["source", "target"]


def test_one_component_is_a_histogram():
    mapper = TCA(n_components=1).fit(X, sample_domain=IDS)
    ax = plot_embedding(mapper, X, Y, sample_domain=IDS)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["source", "source, 0", "source, 1", "target", "target, 0", "target, 1"]
    bars = [patch for patch in ax.patches if patch.get_alpha() == 0.35]
    # Both domains have area one.
    assert sum(bar.get_height() * bar.get_width() for bar in bars) == pytest.approx(2)
    assert ax.get_ylabel() == "density"
    outlines = [patch for patch in ax.patches if patch.get_alpha() is None]
    assert len(outlines) == 4


def test_the_title_measures_all_features(coral):
    Z = coral.transform(X, sample_domain=IDS)
    expected = [max(mmd(rows, IDS), 0) for rows in (X, Z)]
    title = plot_embedding(coral, X, Y, sample_domain=IDS).get_title()
    assert title == f"CORAL: MMD$^2$ {expected[0]:.3f} $\\rightarrow$ {expected[1]:.3f}"
    assert expected[1] < expected[0] / 5
    alone = plot_embedding(None, X, Y, sample_domain=IDS)
    assert alone.get_title() == f"no map: MMD$^2$ {expected[0]:.3f}"
    np.testing.assert_allclose(_drawn(alone)["source, 0"], X[(IDS >= 0) & (Y == 0)][:, :2])


def test_before_draws_the_same_columns_or_principal_components(coral):
    first, second = plot_embedding(coral, X, Y, sample_domain=IDS, components=(3, 1), before=True)
    source = (IDS >= 0) & (Y == 0)
    np.testing.assert_allclose(_drawn(first)["source, 0"], X[source][:, [3, 1]])
    assert first.get_xlabel() == second.get_xlabel() == "x3"
    assert first.get_title() == "before"
    fewer = TCA(n_components=3).fit(X, sample_domain=IDS)
    given = plt.subplots(1, 2)[1]
    first, second = plot_embedding(fewer, X, Y, sample_domain=IDS, before=True, ax=given)
    assert first is given[0]
    assert second.get_xlabel() == "tca0"
    assert first.get_xlabel() == "principal component 0"
    centered = X - X.mean(axis=0)
    left, values, right = np.linalg.svd(centered, full_matrices=False)
    left, _ = svd_flip(left, right, u_based_decision=False)
    expected = (left * values)[source][:, :2]
    np.testing.assert_allclose(abs(_drawn(first)["source, 0"]), abs(expected), atol=1e-8)


def test_sparse_rows_have_principal_components_too():
    rows = sparse.csr_matrix(np.where(abs(X) < 0.5, 0.0, X))
    selector = InvariantFeatureSelector(n_features_to_select=6).fit(rows, sample_domain=IDS)
    for components in ((1, 0), "pca"):
        axes = plot_embedding(
            selector, rows, Y, sample_domain=IDS, components=components, before=True
        )
        assert all(sum(len(c.get_offsets()) for c in ax.collections) == 110 for ax in axes)


def test_names_of_features_are_used():
    frame = pd.DataFrame(X, columns=[f"gene {i}" for i in range(X.shape[1])])
    mapper = CORAL().set_output(transform="pandas").fit(frame, sample_domain=IDS)
    axes = plot_embedding(mapper, frame, Y, sample_domain=IDS, before=True)
    assert [ax.get_ylabel() for ax in axes] == ["gene 1", "gene 1"]


def test_many_rows_are_thinned_and_said_to_be(coral):
    ax = plot_embedding(coral, X, Y, sample_domain=IDS, max_rows=20)
    assert sum(len(c.get_offsets()) for c in ax.collections) == 40
    assert ax.get_title().endswith("(40 of 110 rows)")


def test_a_precomputed_kernel_is_no_space_to_measure():
    rows = X @ X.T
    mapper = TCA(kernel="precomputed").fit(rows, sample_domain=IDS)
    title = plot_embedding(mapper, rows, Y, sample_domain=IDS).get_title()
    assert "rightarrow" not in title


def test_what_cannot_be_drawn_is_refused(coral):
    with pytest.raises(TypeError, match="maps no rows"):
        plot_embedding(
            KMM(LogisticRegression()).fit(X, Y, sample_domain=IDS), X, Y, sample_domain=IDS
        )
    for components in ((0, 99), (0, 1, 2), "umap"):
        with pytest.raises(ValueError, match="components"):
            plot_embedding(coral, X, Y, sample_domain=IDS, components=components)
    with pytest.raises(ValueError, match="two axes"):
        plot_embedding(coral, X, sample_domain=IDS, before=True, ax=plt.subplots()[1])
    with pytest.raises(ValueError, match="target rows"):
        plot_embedding(coral, X[IDS >= 0], sample_domain=IDS[IDS >= 0])
