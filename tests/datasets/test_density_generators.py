import pickle

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal
from sklearn.linear_model import LogisticRegression, Ridge

from skransfer.datasets import make_covariate_shift, make_label_shift


def _within(values, expected, errors=4.0):
    """Is the mean of independent values within some standard errors of what is expected?"""
    values = np.asarray(values, dtype=float)
    return abs(values.mean() - expected) < errors * values.std(ddof=1) / np.sqrt(len(values))


def test_covariate_ratio_is_the_quotient_of_densities():
    m, s = np.array([0.5, -1.0, 0.2]), np.array([0.6, 1.1, 0.9])
    X, _, sample_domain, ratio = make_covariate_shift(
        80, 60, 3, shift=m, scale=s, return_ratio=True, random_state=0
    )
    source, target = multivariate_normal(np.zeros(3)), multivariate_normal(m, np.diag(s**2))
    np.testing.assert_allclose(np.log(ratio), target.logpdf(X) - source.logpdf(X), atol=1e-12)
    np.testing.assert_array_equal(sample_domain, np.repeat([0, -1], [80, 60]))
    assert X.dtype == np.float64


def test_covariate_ratio_turns_source_means_into_target_means():
    X, _, sample_domain, ratio = make_covariate_shift(
        100_000, 100_000, 2, shift=0.5, scale=0.7, return_ratio=True, random_state=1
    )
    source = sample_domain >= 0
    assert _within(ratio[source], 1.0)
    for j in range(2):
        assert _within(ratio[source] * X[source, j], 0.5)
        assert _within(X[~source, j], 0.5)
        assert _within((X[~source, j] - 0.5) ** 2, 0.49)
        assert kstest(X[source, j], "norm").pvalue > 1e-3


@pytest.mark.parametrize("n_classes", [2, 3])
def test_covariate_labels_follow_the_stated_conditional_on_both_sides(n_classes):
    data = make_covariate_shift(
        40_000, 40_000, n_classes=n_classes, noise=0.5, as_bunch=True, random_state=2
    )
    probabilities = data.conditional(data.X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    for side in (data.sample_domain >= 0, data.sample_domain < 0):
        for k in range(n_classes):
            assert _within((data.y == k)[side] - probabilities[side, k], 0.0)
            # and not only on average: the residual has nothing to do with x
            assert _within(((data.y == k)[side] - probabilities[side, k]) * data.X[side, 0], 0.0)


def test_covariate_regression_has_the_stated_mean_and_noise():
    data = make_covariate_shift(
        40_000, 40_000, 3, task="regression", noise=0.3, as_bunch=True, random_state=3
    )
    residual = data.y - data.conditional(data.X)
    u = data.X.sum(axis=1) / np.sqrt(3)
    np.testing.assert_allclose(data.conditional(data.X), u**3 - u)
    for side in (data.sample_domain >= 0, data.sample_domain < 0):
        assert _within(residual[side], 0.0)
        assert _within(residual[side] ** 2, 0.09)


def test_covariate_without_noise_is_a_function_of_x():
    data = make_covariate_shift(n_classes=4, noise=0, as_bunch=True, random_state=4)
    np.testing.assert_array_equal(np.argmax(data.conditional(data.X), axis=1), data.y)
    assert set(data.conditional(data.X).ravel()) == {0.0, 1.0}


def test_covariate_weights_help_a_linear_model_that_is_wrong():
    gains = []
    for seed in range(10):
        X, y, d, ratio = make_covariate_shift(
            500, 500, task="regression", return_ratio=True, random_state=seed
        )
        source = d >= 0
        plain = Ridge().fit(X[source], y[source]).score(X[~source], y[~source])
        weighted = Ridge().fit(X[source], y[source], sample_weight=ratio[source])
        gains.append(weighted.score(X[~source], y[~source]) - plain)
    assert np.mean(gains) > 0.2


def test_covariate_bunch_equals_the_tuple_and_can_be_pickled():
    arguments = {"n_source": 30, "n_target": 20, "random_state": 5}
    data = make_covariate_shift(as_bunch=True, **arguments)
    X, y, sample_domain, ratio = make_covariate_shift(return_ratio=True, **arguments)
    for got, expected in ((data.X, X), (data.y, y), (data.ratio, ratio)):
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(data.sample_domain, sample_domain)
    again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(again.density_ratio(X), ratio)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_source": 0}, "n_source"),
        ({"n_target": 0}, "n_target"),
        ({"n_features": 0}, "n_features"),
        ({"shift": [1.0, 2.0, 3.0]}, r"shift has shape \(3,\)"),
        ({"shift": np.nan}, "shift must be finite"),
        ({"scale": 0.0}, "scale must be positive"),
        ({"noise": -1.0}, "noise"),
        ({"noise": np.inf}, "noise"),
        ({"n_classes": 1}, "n_classes"),
        ({"task": "ranking"}, "task='ranking' is not one of"),
    ],
)
def test_covariate_names_a_wrong_argument(arguments, words):
    with pytest.raises(ValueError, match=words):
        make_covariate_shift(**arguments)


def test_counts_must_be_integers():
    with pytest.raises(TypeError, match="n_source"):
        make_covariate_shift(n_source=10.5)


def test_label_shift_has_the_stated_frequencies_and_ratio():
    source_prior, target_prior = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])
    X, y, d, ratio = make_label_shift(
        50_000,
        50_000,
        n_classes=3,
        source_prior=source_prior,
        target_prior=target_prior,
        return_ratio=True,
        random_state=0,
    )
    for side, prior in ((d >= 0, source_prior), (d < 0, target_prior)):
        for k in range(3):
            assert _within((y == k)[side], prior[k])
    np.testing.assert_allclose(ratio, target_prior[y] / source_prior[y])
    assert _within(ratio[d >= 0], 1.0)
    assert X.shape == (100_000, 2)


def test_label_shift_keeps_the_classes_where_they_are():
    data = make_label_shift(
        40_000, 40_000, 3, n_classes=3, class_sep=2.5, as_bunch=True, random_state=1
    )
    distance = np.linalg.norm(data.means - np.roll(data.means, 1, axis=0), axis=1)
    np.testing.assert_allclose(distance, 2.5)
    for side in (data.sample_domain >= 0, data.sample_domain < 0):
        for k in range(3):
            rest = data.X[side & (data.y == k)] - data.means[k]
            for j in range(3):
                assert kstest(rest[:, j], "norm").pvalue > 1e-3


def test_label_shift_posterior_is_that_of_each_domain():
    data = make_label_shift(40_000, 40_000, n_classes=3, as_bunch=True, random_state=2)
    for side, prior in (
        (data.sample_domain >= 0, data.source_prior),
        (data.sample_domain < 0, data.target_prior),
    ):
        posterior = data.posterior(data.X[side], prior)
        densities = [multivariate_normal(mean).pdf(data.X[side]) for mean in data.means]
        joint = prior * np.transpose(densities)
        np.testing.assert_allclose(posterior, joint / joint.sum(axis=1, keepdims=True))
        for k in range(3):
            assert _within((data.y[side] == k) - posterior[:, k], 0.0)


def test_label_shift_defaults_and_line():
    data = make_label_shift(20, 20, 1, n_classes=3, class_sep=2.0, as_bunch=True, random_state=0)
    np.testing.assert_allclose(data.source_prior, 1 / 3)
    np.testing.assert_allclose(data.target_prior, np.array([1, 4, 9]) / 14)
    np.testing.assert_allclose(data.means.ravel(), [-2.0, 0.0, 2.0])
    assert len(make_label_shift(random_state=0)) == 3


def test_label_shift_weights_help():
    gains = []
    for seed in range(10):
        X, y, d, ratio = make_label_shift(500, 2000, return_ratio=True, random_state=seed)
        source = d >= 0
        plain = LogisticRegression().fit(X[source], y[source]).score(X[~source], y[~source])
        model = LogisticRegression().fit(X[source], y[source], sample_weight=ratio[source])
        gains.append(model.score(X[~source], y[~source]) - plain)
    assert np.mean(gains) > 0.01


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"source_prior": [0.5, 0.4]}, "source_prior must be positive and sum to 1"),
        ({"target_prior": [1.0, 0.0]}, "target_prior must be positive"),
        ({"target_prior": [0.2, 0.3, 0.5]}, r"target_prior has shape \(3,\)"),
        ({"class_sep": 0.0}, "class_sep"),
        ({"n_classes": 1}, "n_classes"),
    ],
)
def test_label_shift_names_a_wrong_argument(arguments, words):
    with pytest.raises(ValueError, match=words):
        make_label_shift(**arguments)


@pytest.mark.parametrize("make", [make_covariate_shift, make_label_shift])
def test_draw_depends_on_the_seed_alone(make):
    state = np.random.get_state()[1].copy()
    first, again = make(random_state=7), make(random_state=np.random.RandomState(7))
    other = make(random_state=8)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])
    np.testing.assert_array_equal(np.random.get_state()[1], state)
