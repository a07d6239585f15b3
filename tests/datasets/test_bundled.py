import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from skransfer.datasets import (
    load_biased_breast_cancer,
    load_biased_diabetes,
    load_rotated_digits,
)

CANCER_SCHEMES = ("joint", "feature", "label")
DIABETES_SCHEMES = ("projection", "principal")


@pytest.mark.parametrize("turns", [0, 1, 2, -1])
def test_quarter_turns_are_exact(turns):
    data = load_rotated_digits(angle=90 * turns)
    digits = load_digits()
    expected = np.rot90(digits.images[898:], k=turns, axes=(1, 2))
    got = data.X[data.sample_domain < 0].reshape(-1, 8, 8)
    np.testing.assert_allclose(got, expected, atol=1e-10)
    np.testing.assert_array_equal(data.X[:898], digits.data[:898])
    np.testing.assert_array_equal(data.y, digits.target)


def test_digits_double_in_size():
    data = load_rotated_digits(angle=0, scale=2.0)
    images = load_digits().images[898:]
    got = data.X[898:].reshape(-1, 8, 8)
    # output pixel 3 lies 0.25 pixels before the center 3.5, that is between pixels 3 and 4
    near, far = images[:, 3, 3], images[:, 3, 4]
    below, corner = images[:, 4, 3], images[:, 4, 4]
    expected = 0.75**2 * near + 0.75 * 0.25 * (far + below) + 0.25**2 * corner
    np.testing.assert_allclose(got[:, 3, 3], expected)


def test_digit_domains_share_no_image():
    data = load_rotated_digits(random_state=3)
    rows = data.rows
    assert sorted(rows) == list(range(1797))
    np.testing.assert_array_equal(data.y, load_digits().target[rows])
    np.testing.assert_array_equal(data.test, data.sample_domain < 0)
    assert not data.labeled_target.any()
    assert not np.array_equal(rows, load_rotated_digits(random_state=4).rows)
    np.testing.assert_array_equal(load_rotated_digits().rows, np.arange(1797))


def test_a_turn_costs_accuracy():
    scores = []
    for angle in (0, 60):
        X, y, d = load_rotated_digits(angle, return_X_y_domain=True)
        source = d >= 0
        scores.append(
            KNeighborsClassifier(1).fit(X[source], y[source]).score(X[~source], y[~source])
        )
    assert scores[0] > 0.9
    assert scores[1] < 0.6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"angle": np.inf}, "angle"), ({"scale": 0.0}, "scale"), ({"scale": np.inf}, "scale")],
)
def test_digits_name_a_wrong_argument(arguments, words):
    with pytest.raises(ValueError, match=words):
        load_rotated_digits(**arguments)


@pytest.mark.parametrize(
    ("load", "scheme", "raw", "n_target"),
    [
        *(
            (load_biased_breast_cancer, scheme, load_breast_cancer, 427)
            for scheme in CANCER_SCHEMES
        ),
        *((load_biased_diabetes, scheme, load_diabetes, 221) for scheme in DIABETES_SCHEMES),
    ],
)
def test_biased_sets_are_rows_of_the_originals(load, scheme, raw, n_target):
    X, y = raw(return_X_y=True)
    for seed in range(30):
        data = load(scheme, random_state=seed)
        assert len(set(data.rows)) == len(data.rows)
        np.testing.assert_array_equal(data.X, X[data.rows])
        np.testing.assert_array_equal(data.y, y[data.rows])
        assert (data.sample_domain < 0).sum() == n_target
        assert np.all((data.selection_probability > 0) & (data.selection_probability <= 1))
    again = load(scheme, random_state=seed)
    np.testing.assert_array_equal(data.rows, again.rows)
    first = load(scheme, random_state=seed, return_X_y_domain=True)
    np.testing.assert_array_equal(first[2], data.sample_domain)
    assert raw.__name__ in data.DESCR


@pytest.mark.parametrize(
    ("load", "scheme"),
    [
        *((load_biased_breast_cancer, scheme) for scheme in CANCER_SCHEMES),
        (load_biased_diabetes, "principal"),
    ],
)
def test_rows_are_selected_as_often_as_stated(load, scheme):
    picked, offered, probability, ratio = (np.zeros(600) for _ in range(4))
    for seed in range(200):
        data = load(scheme, train_size=0.5, random_state=seed)
        source = data.sample_domain >= 0
        picked[data.rows[source]] += 1
        offered += 1
        offered[data.rows[~source]] -= 1
        probability[data.rows], ratio[data.rows] = data.selection_probability, data.ratio
    known = probability > 0
    expected = (offered * probability)[known]
    variance = (offered * probability * (1 - probability))[known]
    # the sum over rows of squared standardized differences has mean n and variance near 2 n
    certain = variance == 0
    np.testing.assert_array_equal(picked[known][certain], expected[certain])
    keep = (expected > 5) & ~certain
    z2 = (picked[known][keep] - expected[keep]) ** 2 / variance[keep]
    assert abs(z2.mean() - 1) < 6 * np.sqrt(2 / keep.sum())
    np.testing.assert_allclose(ratio[known] * probability[known], probability[known].mean())


def test_feature_rule_is_the_papers():
    X, _ = load_breast_cancer(return_X_y=True)
    data = load_biased_breast_cancer("feature", feature=4)
    x = X[:, 4]
    scaled = (x - x.min()) / (x.max() - x.min()) * 9
    expected = np.where(scaled <= 5, 0.2, 0.8)[data.rows]
    np.testing.assert_array_equal(data.selection_probability, expected)


def test_projection_rule_is_the_papers():
    X, _ = load_diabetes(return_X_y=True)
    data = load_biased_diabetes("projection", random_state=5)
    logit = np.log(data.selection_probability / (1 - data.selection_probability))
    design = np.c_[X[data.rows], np.ones(len(data.rows))]
    coef, _, _, _ = np.linalg.lstsq(design, logit, rcond=None)
    np.testing.assert_allclose(design @ coef, logit, atol=1e-8)
    whole = X @ coef[:-1] + coef[-1]
    assert whole.std() == pytest.approx(4.0)
    assert whole.mean() == pytest.approx(0.0, abs=1e-8)


def test_reweighting_beats_the_biased_fit_over_thirty_repetitions():
    gains = []
    for seed in range(30):
        data = load_biased_breast_cancer("joint", random_state=seed)
        source = data.sample_domain >= 0
        X = StandardScaler().fit(data.X[source]).transform(data.X)
        scores = [
            LogisticRegression(max_iter=1000)
            .fit(X[source], data.y[source], sample_weight=weight)
            .score(X[~source], data.y[~source])
            for weight in (None, data.ratio[source] / data.ratio[source].mean())
        ]
        gains.append(scores[1] - scores[0])
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(30)


@pytest.mark.parametrize(
    ("load", "arguments", "words"),
    [
        (load_biased_breast_cancer, {"scheme": "other"}, "scheme='other'"),
        (load_biased_breast_cancer, {"feature": 30}, "feature"),
        (load_biased_breast_cancer, {"train_size": 1.0}, "train_size"),
        (load_biased_breast_cancer, {"train_size": 0.002}, "lacks a class|No source"),
        (load_biased_diabetes, {"scheme": "other"}, "scheme='other'"),
        (load_biased_diabetes, {"a": 0.0}, "a == 0"),
        (load_biased_diabetes, {"train_size": 0.001}, "No source or no target"),
        (load_biased_diabetes, {"train_size": 0.9999}, "No source or no target"),
    ],
)
def test_biased_sets_name_a_wrong_argument(load, arguments, words):
    with pytest.raises(ValueError, match=words):
        load(**arguments)


@pytest.mark.parametrize(
    "load", [load_rotated_digits, load_biased_breast_cancer, load_biased_diabetes]
)
def test_loaders_leave_the_global_generator_alone(load):
    state = np.random.get_state()[1].copy()
    load(random_state=1)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
