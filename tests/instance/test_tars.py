"""TarS against the true ratio of label frequencies."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LinearRegression, LogisticRegression

from skransfer import KMM, SourceOnly, TarS
from skransfer.datasets import make_label_shift
from skransfer.exceptions import SingleDomainWarning


def regression(n, seed):
    """Labels N(0, 1) in the source and N(0.7, 0.6^2) in the target; two features given y."""
    rng = np.random.RandomState(seed)
    y = np.r_[rng.normal(size=n), rng.normal(0.7, 0.6, n)]
    X = np.c_[y, np.sin(2 * y)] + 0.3 * rng.normal(size=(2 * n, 2))
    ratio = np.exp(-0.5 * ((y - 0.7) / 0.6) ** 2 + 0.5 * y**2) / 0.6
    return X, y, np.repeat([0, -1], n), ratio


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_class_weights_are_the_ratio_of_the_priors(n_classes):
    errors = []
    for seed in range(5):
        X, y, ids, ratio = make_label_shift(
            1000, 1000, n_classes=n_classes, return_ratio=True, random_state=seed
        )
        weights = TarS(LogisticRegression()).fit(X, y, sample_domain=ids).weights_
        true = ratio[ids >= 0]
        errors.append(np.mean((weights - true) ** 2) / np.var(true))
    assert np.mean(errors) < 0.1


def test_numeric_labels_have_smooth_weights_near_the_ratio():
    errors = []
    for n in (200, 2000):
        runs = [regression(n, seed) for seed in range(3)]
        fits = [TarS(LinearRegression()).fit(X, y, sample_domain=ids) for X, y, ids, _ in runs]
        pairs = zip(fits, runs, strict=True)
        errors.append(
            np.mean(
                [np.mean((m.weights_ - r[:n]) ** 2) / np.var(r[:n]) for m, (_, _, _, r) in pairs]
            )
        )
    assert errors[0] < 0.2
    assert errors[1] < 0.6 * errors[0]


def test_weighting_helps_where_frequencies_differ():
    gains = []
    for seed in range(5):
        X, y, ids = make_label_shift(
            500, 500, class_sep=1.5, target_prior=[0.05, 0.95], random_state=seed
        )
        target = ids < 0
        scores = [
            method.fit(X, y, sample_domain=ids).score(X[target], y[target])
            for method in (TarS(LogisticRegression()), SourceOnly(LogisticRegression()))
        ]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 0.08


def test_no_shift_gives_equal_weights():
    X, y, ids = make_label_shift(1000, 1000, target_prior=[0.5, 0.5], random_state=0)
    weights = TarS(LogisticRegression()).fit(X, y, sample_domain=ids).weights_
    assert np.abs(weights - 1).max() < 0.12


def test_weighted_label_mean_approaches_that_of_the_target():
    X, y, ids, _ = regression(2000, 5)
    weights = TarS(LinearRegression()).fit(X, y, sample_domain=ids).weights_
    assert abs(np.average(y[ids >= 0], weights=weights) - 0.7) < 0.06


def test_label_names_do_not_matter_and_weights_are_by_label():
    X, y, ids = make_label_shift(n_classes=3, random_state=0)
    model = TarS(LogisticRegression()).fit(X, y, sample_domain=ids)
    names = np.array(["low", "mid", "top"], dtype=object)
    named = TarS(LogisticRegression()).fit(X, names[y], sample_domain=ids)
    np.testing.assert_allclose(named.weights_, model.weights_, rtol=1e-6)
    assert named.target_prior_.sum() == pytest.approx(1)
    np.testing.assert_allclose(named.weigh_labels(names), named.label_weights_)
    np.testing.assert_allclose(named.weigh_labels(names[y[ids >= 0]]), named.weights_)
    with pytest.raises(ValueError, match="other"):
        named.weigh_labels(["low", "other"])


def test_labels_of_the_target_are_not_read():
    X, y, ids = make_label_shift(random_state=0)
    garbled = np.where(ids < 0, 1 - y, y)
    ours = TarS(LogisticRegression()).fit(X, y, sample_domain=ids)
    theirs = TarS(LogisticRegression()).fit(X, garbled, sample_domain=ids)
    np.testing.assert_array_equal(ours.weights_, theirs.weights_)


def test_kind_of_label_kernel():
    X, y, ids, _ = regression(100, 0)
    assert TarS().fit(X, y, sample_domain=ids).label_gamma_ > 0
    assert TarS().fit(X, y > 0, sample_domain=ids).label_gamma_ == 0
    counts = np.round(np.abs(y * 2)).astype(int)
    assert TarS(LinearRegression()).fit(X, counts, sample_domain=ids).label_gamma_ > 0
    delta = TarS(LinearRegression(), label_kernel="delta").fit(X, counts, sample_domain=ids)
    assert len(delta.labels_) == len(np.unique(counts[ids >= 0]))
    with pytest.raises(ValueError, match="delta"):
        TarS(label_kernel="rbf").fit(X, np.where(y > 0, "a", "b"), sample_domain=ids)


def test_several_outputs():
    X, y, ids, _ = regression(150, 1)
    both = np.c_[y, X[:, 0]]
    model = TarS(LinearRegression()).fit(X, both, sample_domain=ids)
    assert model.labels_.shape == (150, 2)
    assert model.weigh_labels(both[:5]).shape == (5,)
    assert model.predict(X).shape == both.shape


def test_feature_map_and_linear_kernel_and_sparse_rows():
    X, y, ids = make_label_shift(600, 600, random_state=2)
    exact = TarS().fit(X, y, sample_domain=ids)
    mapped = TarS(feature_map=Nystroem(n_components=100, random_state=0))
    mapped.fit(X, y, sample_domain=ids)
    np.testing.assert_allclose(mapped.label_weights_, exact.label_weights_, atol=0.02)
    linear = TarS(kernel="linear").fit(X, y, sample_domain=ids)
    assert linear.solver_info_["kernel_form"] == "low-rank"
    np.testing.assert_allclose(linear.label_weights_, [0.4, 1.6], atol=0.2)
    rows = TarS().fit(sparse.csr_matrix(X), y, sample_domain=ids)
    np.testing.assert_allclose(rows.weights_, exact.weights_, rtol=1e-5)


def test_knows_label_shift_better_than_covariate_matching():
    X, y, ids, ratio = make_label_shift(500, 500, class_sep=1.0, return_ratio=True, random_state=3)
    true = ratio[ids >= 0]
    ours = TarS(LogisticRegression()).fit(X, y, sample_domain=ids).weights_
    theirs = KMM(alpha=0.1).fit(X, sample_domain=ids).weights_
    assert np.mean((ours - true) ** 2) < 0.3 * np.mean((theirs - true) ** 2)


def test_one_domain_and_contradicting_bounds():
    X, y, ids = make_label_shift(random_state=0)
    with pytest.warns(SingleDomainWarning):
        model = TarS(LogisticRegression()).fit(X, y)
    np.testing.assert_array_equal(model.weigh_labels(y), np.ones(400))
    with pytest.raises(ValueError, match="max_weight"):
        TarS(max_weight=0.5, epsilon=0.1).fit(X, y, sample_domain=ids)
    with pytest.raises(ValueError, match="y"):
        TarS().fit(X, None, sample_domain=ids)


def test_a_stopped_solver_warns():
    X, y, ids = make_label_shift(n_classes=5, random_state=0)
    model = TarS(alpha=0.0, max_iter=1, tol=1e-12)
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X, y, sample_domain=ids)
