"""SMIDA against the dense eigenproblem of its paper, and MIDA without labels."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.datasets import load_digits
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer.feature import MIDA, SMIDA
from skransfer.model_selection import TargetKFold

RNG = np.random.RandomState(0)
IDS = np.repeat([0, 4, -1], [40, 30, 50])
CLASSES = RNG.randint(3, size=120)
X = RNG.normal(size=(120, 6)) + 0.6 * np.sin(IDS[:, None] * np.arange(1, 7))
X[:, 1] += CLASSES


def paper_components(K, D, Y, mu, gamma, k):
    """Leading eigenvectors of K (mu H - H D D' H + gamma H Y Y' H) K."""
    n = len(K)
    H = np.eye(n) - 1 / n
    A = K @ (mu * H - H @ D @ D.T @ H + gamma * H @ Y @ Y.T @ H) @ K.copy()
    values, W = linalg.eigh((A + A.T) / 2, subset_by_index=[n - k, n - 1])
    return values[::-1], W[:, ::-1]


def indicators(ids):
    return (ids[:, None] == np.unique(ids)).astype(float)


def norm(columns):
    return np.linalg.norm(columns - columns.mean(axis=0), 2) ** 2


def on_rows(columns, rows):
    """Centered over the rows, zero elsewhere."""
    out = np.zeros((len(rows), columns.shape[1]))
    out[rows] = columns[rows] - columns[rows].mean(axis=0)
    return out


@pytest.mark.parametrize("train_on", ["source", "labeled"])
def test_equals_the_problem_of_the_paper(train_on):
    D, y = indicators(IDS), CLASSES.astype(float)
    y[100:] = np.nan
    rows = (IDS >= 0) if train_on == "source" else ~np.isnan(y)
    Y = on_rows(indicators(CLASSES), rows)
    mu, gamma = 0.8, 0.3
    model = SMIDA(
        LogisticRegression(max_iter=5000),
        kernel="rbf",
        gamma=0.2,
        n_components=4,
        alpha=norm(D) / mu,
        label_weight=gamma * norm(Y) / mu,
        augment=False,
        train_on=train_on,
    )
    Z = model.fit_transform(X, y, sample_domain=IDS)
    K = pairwise_kernels(X, metric="rbf", gamma=0.2)
    values, W = paper_components(K, D, Y, mu, gamma, 4)
    np.testing.assert_allclose(model.eigenvalues_, values / mu, rtol=1e-6)
    assert linalg.subspace_angles(model.dual_coef_, W).max() < 1e-6
    np.testing.assert_allclose(Z, K @ model.dual_coef_, atol=1e-8)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_quantities_are_standardized(n_outputs):
    y = np.column_stack([X[:, 1] + X[:, 2], 100 * X[:, 3]])[:, :n_outputs]
    Y = on_rows(y / y[IDS >= 0].std(axis=0), IDS >= 0)
    D = indicators(IDS)
    for estimator in (Ridge(), None):
        if estimator is None and n_outputs == 2:
            continue
        model = SMIDA(
            estimator, kernel="rbf", gamma=0.2, n_components=4, label_weight=3.0, augment=False
        ).fit(X, y if n_outputs == 2 else y.ravel(), sample_domain=IDS)
        K = pairwise_kernels(X, metric="rbf", gamma=0.2)
        mu = norm(D) / 100.0
        _, W = paper_components(K, D, Y, mu, 3.0 * mu / norm(Y), 4)
        assert linalg.subspace_angles(model.dual_coef_, W).max() < 1e-6


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_without_weight_it_is_mida(kernel):
    options = {"kernel": kernel, "n_components": 4, "alpha": 3.0}
    ours = SMIDA(label_weight=0.0, **options).fit_transform(X, CLASSES, sample_domain=IDS)
    theirs = MIDA(**options).fit_transform(X, sample_domain=IDS)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_labels_are_kept_by_the_first_components():
    share = []
    for weight in (0.0, 1.0, 100.0):
        Z = SMIDA(n_components=2, label_weight=weight).fit_transform(X, CLASSES, sample_domain=IDS)
        Z = Z - Z.mean(axis=0)
        groups = indicators(CLASSES)
        means = groups.T @ Z / groups.sum(axis=0)[:, None]
        share.append(np.sum((groups @ means) ** 2) / np.sum(Z**2))
    assert share[0] < share[1] < share[2]


@pytest.mark.parametrize("names", [np.array(["a", "b", "c"]), np.array([5, 7, 9])])
def test_names_of_classes_do_not_matter(names):
    Z = SMIDA(n_components=3).fit_transform(X, CLASSES, sample_domain=IDS)
    named = SMIDA(n_components=3).fit_transform(X, names[CLASSES], sample_domain=IDS)
    np.testing.assert_allclose(named, Z, atol=1e-9)
    hidden = names[CLASSES].astype(object)
    hidden[IDS < 0] = None
    masked = SMIDA(n_components=3).fit_transform(X, hidden, sample_domain=IDS)
    np.testing.assert_allclose(masked, Z, atol=1e-9)


def test_several_labels_of_a_row_are_several_blocks():
    y = np.column_stack([CLASSES, X[:, 3] > 0])
    model = SMIDA(
        KNeighborsClassifier(1),
        kernel="rbf",
        gamma=0.2,
        n_components=3,
        label_weight=2.0,
        augment=False,
    )
    model.fit(X, y, sample_domain=IDS)
    D, Y = indicators(IDS), np.hstack([indicators(y[:, 0]), indicators(y[:, 1])])
    Y, mu = on_rows(Y, IDS >= 0), norm(D) / 100.0
    K = pairwise_kernels(X, metric="rbf", gamma=0.2)
    _, W = paper_components(K, D, Y, mu, 2.0 * mu / norm(Y), 3)
    assert linalg.subspace_angles(model.dual_coef_, W).max() < 1e-6
    assert model.predict(X).shape == (120, 2)


def test_labels_are_needed():
    with pytest.raises(ValueError, match="requires y"):
        SMIDA().fit(X, sample_domain=IDS)


def test_a_feature_map_stands_for_the_kernel():
    options = {"kernel": "rbf", "gamma": 0.2, "n_components": 3}
    exact = SMIDA(**options).fit(X, CLASSES, sample_domain=IDS)
    model = SMIDA(**options, feature_map=Nystroem(n_components=120))
    model.fit(X, CLASSES, sample_domain=IDS)
    assert model.solver_info_["form"] == "low-rank"
    np.testing.assert_allclose(model.transform(X), exact.transform(X), atol=1e-5)


def test_continuous_drift_with_quantities_as_labels():
    rng = np.random.RandomState(0)
    time, level = rng.uniform(size=(2, 300))
    rows = np.outer(level, [1.0, -1, 0.5, 0]) + np.outer(time, [2.0, 0, -1, 0])
    rows[:, 3] = 0.6 * rng.normal(size=300)  # large, and of no use
    rows = np.column_stack([rows + 0.05 * rng.normal(size=(300, 4)), time])
    ids = np.where(time < 0.4, 0, -1)
    options = {"n_components": 1, "domain_columns": [4]}
    with_labels = SMIDA(Ridge(1e-3), label_weight=10.0, **options)
    with_labels.fit(rows, level, sample_domain=ids)
    without = MIDA(Ridge(1e-3), **options).fit(rows, level, sample_domain=ids)
    target = ids < 0
    assert without.score(rows[target], level[target]) < 0.2
    assert with_labels.score(rows[target], level[target]) > 0.7


def test_digits_in_a_search_over_a_pipeline():
    digits, y = load_digits(return_X_y=True)
    digits, y = digits[:600] / 16, y[:600]
    ids = np.where(np.arange(600) % 3, 0, -1)
    digits[ids < 0] = 0.7 * digits[ids < 0] + 0.2
    pipe = make_pipeline(StandardScaler(), SMIDA(KNeighborsClassifier(1)))
    grid = {"smida__label_weight": [0.1, 10.0], "smida__n_components": [10, 30]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(2))
    search.fit(digits, y, groups=ids, smida__sample_domain=ids)
    assert search.best_score_ > 0.85


@pytest.mark.parametrize("n_source", [37, 40, 53])
def test_labels_with_one_value_say_nothing(n_source):
    rng = np.random.default_rng(0)
    rows, ids = rng.normal(size=(90, 5)), np.where(np.arange(90) < n_source, 0, -1)
    rows[ids < 0] += 2.0
    settings = {"alpha": 0.0, "augment": False, "n_components": 3}
    ours = SMIDA(Ridge(), label_weight=1000.0, **settings)
    ours.fit(rows, np.full(90, 0.1), sample_domain=ids)
    plain = MIDA(**settings).fit(rows, sample_domain=ids)
    np.testing.assert_allclose(ours.eigenvalues_, plain.eigenvalues_)
