import numpy as np
import pytest
from scipy.linalg import subspace_angles
from scipy.stats import norm
from sklearn.linear_model import LinearRegression, LogisticRegression

from skransfer.datasets import make_concept_shift, make_subspace_shift


def _sides(data):
    source = data.sample_domain >= 0
    return (
        (source, data.source_basis, data.source_nuisance),
        (~source, data.target_basis, data.target_nuisance),
    )


@pytest.mark.parametrize("angle", [0.0, 25.0, 90.0])
def test_subspaces_have_the_stated_angles(angle):
    data = make_subspace_shift(n_features=12, n_informative=3, angle=angle, as_bunch=True)
    for _, basis, nuisance in _sides(data):
        axes = np.hstack([basis, nuisance])
        np.testing.assert_allclose(axes.T @ axes, np.eye(6), atol=1e-12)
    for first, second in (
        (data.source_basis, data.target_basis),
        (data.source_nuisance, data.target_nuisance),
    ):
        angles = np.rad2deg(subspace_angles(first, second))
        np.testing.assert_allclose(angles, angle, atol=1e-6)


def test_subspace_covariance_is_the_stated_one():
    data = make_subspace_shift(
        200_000, 200_000, 8, n_classes=4, class_sep=2.0, nuisance=3.0, as_bunch=True, random_state=0
    )
    for side, basis, nuisance in _sides(data):
        # four classes on two axes: the means add class_sep^2 / 2 to each axis
        expected = 3.0 * basis @ basis.T + 9.0 * nuisance @ nuisance.T + 0.01 * np.eye(8)
        np.testing.assert_allclose(np.cov(data.X[side].T), expected, atol=0.1)


def test_subspace_coordinates_have_the_same_classes():
    data = make_subspace_shift(500, 500, nuisance=4.0, as_bunch=True, random_state=1)
    (source, source_basis, _), (target, target_basis, _) = _sides(data)
    model = LogisticRegression().fit(data.X[source] @ source_basis, data.y[source])
    assert model.score(data.X[target] @ target_basis, data.y[target]) > 0.98


def test_subspace_shift_costs_what_theory_says():
    data = make_subspace_shift(20_000, 20_000, noise=0.0, as_bunch=True, random_state=2)
    # the first axis of the source separates; of the target it sees cos * 4 +- (cos, sin * 2.5)
    guess = np.where(data.X @ data.source_basis[:, 0] > 0, 0, 1)
    target = data.sample_domain < 0
    expected = norm.cdf(2.0 / np.hypot(0.5, np.sqrt(0.75) * 2.5))
    score = np.mean(guess[target] == data.y[target])
    assert abs(score - expected) < 4 * np.sqrt(expected * (1 - expected) / target.sum())
    assert np.mean(guess[~target] == data.y[~target]) > 0.999


def test_subspace_turned_by_a_right_angle_leaves_nothing_to_a_source_model():
    scores = []
    for seed in range(40):
        X, y, d = make_subspace_shift(angle=90.0, noise=1.0, random_state=seed)
        source = d >= 0
        model = LogisticRegression().fit(X[source], y[source])
        assert model.score(X[source], y[source]) > 0.95
        scores.append(model.score(X[~source], y[~source]))
    assert abs(np.mean(scores) - 0.5) < 4 * np.std(scores, ddof=1) / np.sqrt(40)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_features": 3}, "n_features"),
        ({"n_classes": 5}, "n_informative >= 3"),
        ({"angle": 91.0}, "angle"),
        ({"nuisance": -1.0}, "nuisance"),
        ({"class_sep": -1.0}, "class_sep"),
        ({"noise": -1.0}, "noise"),
        ({"n_informative": 0}, "n_informative"),
    ],
)
def test_subspace_names_a_wrong_argument(arguments, words):
    with pytest.raises(ValueError, match=words):
        make_subspace_shift(**arguments)


@pytest.mark.parametrize(("n_classes", "angle"), [(2, 45.0), (2, 180.0), (3, 60.0), (4, 90.0)])
def test_concepts_disagree_as_often_as_stated(n_classes, angle):
    data = make_concept_shift(
        100_000, 100_000, n_classes=n_classes, angle=angle, noise=0, as_bunch=True, random_state=0
    )
    by_source = np.argmax(data.X @ data.source_coef.T, axis=1)
    by_target = np.argmax(data.X @ data.target_coef.T, axis=1)
    source = data.sample_domain >= 0
    np.testing.assert_array_equal(data.y, np.where(source, by_source, by_target))
    share = np.mean(by_source != by_target)
    error = np.sqrt(0.25 / len(data.y))
    assert data.disagreement == pytest.approx(n_classes * angle / 360)
    assert abs(share - data.disagreement) < 4 * error


def test_concept_disagreement_is_unknown_beyond_a_full_sector():
    assert np.isnan(make_concept_shift(n_classes=4, angle=100, as_bunch=True).disagreement)


def test_concept_noise_is_the_stated_softmax():
    data = make_concept_shift(50_000, 50_000, n_classes=3, noise=0.7, as_bunch=True, random_state=1)
    for side, coef in (
        (data.sample_domain >= 0, data.source_coef),
        (data.sample_domain < 0, data.target_coef),
    ):
        p = np.exp(data.X[side] @ coef.T / 0.7)
        p /= p.sum(axis=1, keepdims=True)
        for k in range(3):
            rest = (data.y[side] == k) - p[:, k]
            assert abs(rest.mean()) < 4 * rest.std() / np.sqrt(len(rest))


def test_concept_regression_coefficients_are_those_of_the_data():
    data = make_concept_shift(
        task="regression", n_features=4, delta=1.5, noise=0, as_bunch=True, random_state=2
    )
    np.testing.assert_allclose(np.linalg.norm(data.delta), 1.5)
    for side, coef in (
        (data.sample_domain >= 0, data.source_coef),
        (data.sample_domain < 0, data.target_coef),
    ):
        fitted = LinearRegression().fit(data.X[side], data.y[side])
        np.testing.assert_allclose(fitted.coef_, coef, atol=1e-10)


def test_concept_takes_a_change_of_coefficients():
    delta = np.array([0.5, -2.0, 0.0])
    _, _, _, coef = make_concept_shift(
        task="regression", n_features=3, delta=delta, return_coef=True, random_state=0
    )
    np.testing.assert_allclose(coef[1] - coef[0], delta)
    coef = make_concept_shift(n_classes=3, return_coef=True)[3]
    assert coef.shape == (2, 3, 2)


def test_concept_leaves_the_covariates_alone():
    X, _, d = make_concept_shift(50_000, 50_000, 3, angle=90, random_state=3)
    for side in (d >= 0, d < 0):
        np.testing.assert_allclose(X[side].mean(axis=0), 0, atol=0.02)
        np.testing.assert_allclose(np.cov(X[side].T), np.eye(3), atol=0.03)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_features": 1}, "n_features"),
        ({"angle": -1.0}, "angle"),
        ({"noise": -1.0}, "noise"),
        ({"task": "ranking"}, "task"),
        ({"task": "regression", "delta": [1.0, 2.0, 3.0]}, r"delta has shape \(3,\)"),
        ({"task": "regression", "delta": np.nan}, "delta must be finite"),
    ],
)
def test_concept_names_a_wrong_argument(arguments, words):
    with pytest.raises(ValueError, match=words):
        make_concept_shift(**arguments)


@pytest.mark.parametrize("make", [make_subspace_shift, make_concept_shift])
def test_draw_depends_on_the_seed_alone(make):
    state = np.random.get_state()[1].copy()
    first, again, other = make(random_state=7), make(random_state=7), make(random_state=8)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert first[0].dtype == np.float64
