"""MIDA against the dense eigenproblem of its paper; domain features by ids and by columns."""

import numpy as np
import pandas as pd
import pytest
from scipy import linalg, sparse
from sklearn import config_context
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer import SourceOnly
from skransfer.base.device import moved_to
from skransfer.datasets import load_corn_nir
from skransfer.exceptions import SingleDomainWarning
from skransfer.feature import MIDA
from skransfer.kernels import backend_of, to_host
from skransfer.model_selection import TargetKFold

RNG = np.random.RandomState(0)
IDS = np.repeat([0, 4, -1, -3], [40, 30, 30, 20])
X = RNG.normal(size=(120, 6)) + 0.6 * np.sin(IDS[:, None] * np.arange(1, 7))
TIME = np.sort(RNG.uniform(size=120))


def paper_components(K, D, mu, k):
    """Leading eigenvectors of K (mu H - H D D' H) K."""
    n = len(K)
    H = np.eye(n) - 1 / n
    A = K @ (mu * H - H @ D @ D.T @ H) @ K.copy()
    values, W = linalg.eigh((A + A.T) / 2, subset_by_index=[n - k, n - 1])
    return values[::-1], W[:, ::-1]


def indicators(ids):
    return (ids[:, None] == np.unique(ids)).astype(float)


def centered_norm(D):
    return np.linalg.norm(D - D.mean(axis=0), 2)


def dependence(Z, D):
    """HSIC with linear kernels, per variance of Z."""
    Z, D = Z - Z.mean(axis=0), D - D.mean(axis=0)
    return np.sum((D.T @ Z) ** 2) / np.sum(Z**2) / np.linalg.norm(D, 2) ** 2


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("kernel", ["rbf", "linear", "laplacian"])
def test_equals_the_problem_of_the_paper(kernel, augment):
    D = indicators(IDS)
    mu = 0.8
    alpha = centered_norm(D) ** 2 / mu
    model = MIDA(kernel=kernel, gamma=0.2, n_components=3, alpha=alpha, augment=augment)
    Z = model.fit_transform(X, sample_domain=IDS)
    unit = np.sqrt(X.var(axis=0).mean())
    rows = np.hstack([X, unit * D]) if augment else X
    params = {} if kernel == "linear" else {"gamma": 0.2}
    K = pairwise_kernels(rows, metric=kernel, **params)
    values, W = paper_components(K, D, mu, 3)
    np.testing.assert_allclose(model.eigenvalues_, values / mu, rtol=1e-6)
    assert linalg.subspace_angles(model.dual_coef_, W).max() < 1e-6
    np.testing.assert_allclose(Z, K @ model.dual_coef_, atol=1e-8)


def test_columns_hold_continuous_domain_features():
    rows = np.column_stack([X[:, :2], 1e3 * TIME, X[:, 2:]])
    model = MIDA(n_components=3, alpha=20.0, domain_columns=[2], augment=False)
    Z = model.fit_transform(rows, sample_domain=IDS)
    D = TIME[:, None]
    _, W = paper_components(X @ X.copy().T, D, centered_norm(D) ** 2 / 20.0, 3)
    assert linalg.subspace_angles(model.dual_coef_, W).max() < 1e-6
    np.testing.assert_allclose(Z, X @ X.copy().T @ model.dual_coef_, atol=1e-9)
    # Which rows are the target does not matter to the map.
    other = MIDA(n_components=3, alpha=20.0, domain_columns=[-5], augment=False)
    ids = np.where(np.arange(120) % 2, 0, -1)
    np.testing.assert_allclose(other.fit_transform(rows, sample_domain=ids), Z, atol=1e-9)


def test_columns_by_name_by_position_and_sparse_are_the_same():
    rows = np.column_stack([X, TIME, TIME**2])
    names = [f"x{i}" for i in range(6)] + ["time", "age"]
    by_place = MIDA(n_components=3, domain_columns=[7, 6]).fit(rows, sample_domain=IDS)
    frame = pd.DataFrame(rows, columns=names)
    by_name = MIDA(n_components=3, domain_columns=["age", "time"]).fit(frame, sample_domain=IDS)
    Z = by_place.transform(rows)
    np.testing.assert_allclose(by_name.transform(frame), Z, atol=1e-10)
    thin = sparse.csr_array(rows)
    in_csr = MIDA(n_components=3, domain_columns=[7, 6]).fit(thin, sample_domain=IDS)
    np.testing.assert_allclose(in_csr.transform(thin), Z, atol=1e-8)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([6], r"has 6, and X has 6 columns and no names"),
        (["time"], "no names"),
        ([1, -5], "each once"),
        ([], "one column or more"),
        (list(range(6)), "none is left"),
        ([True], "has True"),
    ],
)
def test_columns_that_do_not_exist(columns, message):
    with pytest.raises(ValueError, match=message):
        MIDA(domain_columns=columns).fit(X, sample_domain=IDS)


def test_dependence_falls_with_alpha_and_variance_is_its_price():
    found = [
        MIDA(n_components=3, alpha=alpha, augment=False).fit_transform(X, sample_domain=IDS)
        for alpha in (0.0, 1.0, 10.0, 1e5)
    ]
    spread = [Z.var(axis=0).sum() for Z in found]
    apart = [dependence(Z, indicators(IDS)) for Z in found]
    assert apart[0] > apart[1] > apart[2] > apart[3]
    assert apart[3] < 1e-6
    assert spread[0] > spread[1] > spread[2]


def test_no_price_is_principal_components():
    model = MIDA(n_components=3, alpha=0.0, augment=False)
    Z = model.fit_transform(X - X.mean(axis=0), sample_domain=IDS)
    expected = PCA(3).fit(X)
    scores = expected.transform(X)
    scaled = Z / expected.singular_values_
    signs = np.sign((scaled * scores).sum(axis=0))
    np.testing.assert_allclose(scaled * signs, scores, atol=1e-8)


@pytest.mark.parametrize("augment", [False, True])
def test_one_domain_is_kernel_pca(augment):
    with pytest.warns(SingleDomainWarning):
        Z = MIDA(kernel="rbf", n_components=3, gamma=0.2, augment=augment).fit_transform(X)
    K = pairwise_kernels(X, metric="rbf", gamma=0.2)
    _, _, Vt = linalg.svd(K - K.mean(axis=0))
    expected = K @ Vt[:3].T
    signs = np.sign((Z * expected).sum(axis=0))
    np.testing.assert_allclose(Z * signs, expected, atol=1e-8)


def test_domain_columns_need_no_domains():
    # Warnings are errors here: the columns are at work, so nothing is amiss.
    columns = MIDA(n_components=3, domain_columns=[0])
    alone = columns.fit_transform(X)
    with_ids = MIDA(n_components=3, domain_columns=[0]).fit_transform(X, sample_domain=IDS)
    np.testing.assert_allclose(alone, with_ids, atol=1e-9)


def test_rows_of_several_targets_are_mapped_by_their_names():
    model = MIDA(n_components=3).fit(X, sample_domain=IDS)
    Z = model.transform(X, sample_domain=IDS)
    np.testing.assert_allclose(
        Z[IDS == -3], model.transform(X[IDS == -3], sample_domain=np.full(20, -3)), atol=1e-9
    )
    # A linear map of x and its domain: without a name, the bias of the targets on average.
    first, second = (model.transform(X, sample_domain=np.full(120, i)) for i in (-1, -3))
    mean = (30 * first + 20 * second) / 50
    np.testing.assert_allclose(model.transform(X), mean, atol=1e-9)
    np.testing.assert_allclose(model.transform(X, sample_domain=np.full(120, -9)), mean, atol=1e-9)
    assert np.abs(first - second).max() > 0.1
    renamed = np.select([IDS == 0, IDS == 4, IDS == -1], [9, 2, -8], -2)
    other = MIDA(n_components=3).fit(X, sample_domain=renamed)
    np.testing.assert_allclose(other.transform(X), mean, atol=1e-8)
    np.testing.assert_allclose(other.transform(X, sample_domain=renamed), Z, atol=1e-8)


def test_augmentation_follows_the_unit_of_the_features():
    model = MIDA(kernel="rbf", n_components=4)
    Z = model.fit_transform(X, sample_domain=IDS)
    np.testing.assert_allclose(
        MIDA(kernel="rbf", n_components=4).fit_transform(1e4 * X, sample_domain=IDS), Z, atol=1e-7
    )


def test_a_feature_map_stands_for_the_kernel():
    exact = MIDA(kernel="rbf", n_components=3, gamma=0.2).fit(X, sample_domain=IDS)
    full = Nystroem(n_components=120)
    model = MIDA(kernel="rbf", n_components=3, gamma=0.2, feature_map=full).fit(
        X, sample_domain=IDS
    )
    assert model.solver_info_["form"] == "low-rank"
    assert model.X_fit_ is None
    np.testing.assert_allclose(
        model.transform(X, sample_domain=IDS), exact.transform(X, sample_domain=IDS), atol=1e-5
    )


def test_a_kernel_may_be_given():
    model = MIDA(kernel="rbf", n_components=3, gamma=0.2, augment=False)
    Z = model.fit_transform(X, sample_domain=IDS)
    K = pairwise_kernels(X, metric="rbf", gamma=0.2)
    given = MIDA(n_components=3, kernel="precomputed", augment=False).fit(K, sample_domain=IDS)
    np.testing.assert_allclose(given.transform(K[:7]), Z[:7], atol=1e-9)
    with pytest.raises(ValueError, match="augment=False"):
        MIDA(kernel="precomputed").fit(K, sample_domain=IDS)


def test_float32_rows_stay_float32():
    single = MIDA(n_components=3, domain_columns=[0]).fit(X.astype("f"), sample_domain=IDS)
    double = MIDA(n_components=3, domain_columns=[0]).fit(X, sample_domain=IDS)
    Z = single.transform(X.astype("f"))
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z, double.transform(X), atol=1e-4)


def _drifting(n, seed):
    """Two classes apart along one direction, sensors that drift, time in the last column."""
    rng = np.random.RandomState(seed)
    time = rng.uniform(size=n)
    y = rng.randint(2, size=n)
    rows = rng.normal(size=(n, 4)) + np.outer(y, [4.0, -4.0, 0, 0])
    rows += 10 * np.outer(time, [1.0, -1.0, 1.0, 0.5])
    return np.column_stack([rows, time]), y, time


def test_continuous_drift_is_removed_and_accuracy_restored():
    rows, y, time = _drifting(400, 0)
    ids = np.where(time < 0.2, 0, -1)
    new, truth, late = _drifting(400, 1)
    new, truth = new[late > 0.7], truth[late > 0.7]
    classifier = LogisticRegression()
    plain = classifier.fit(rows[ids >= 0, :4], y[ids >= 0]).score(new[:, :4], truth)
    for augment in (True, False):
        pipe = make_pipeline(
            StandardScaler(),
            MIDA(
                make_pipeline(StandardScaler(), LogisticRegression()),
                n_components=2,
                domain_columns=[4],
                augment=augment,
            ),
        )
        pipe.fit(rows, y, mida__sample_domain=ids)
        Z = pipe.transform(rows)
        assert np.abs(np.corrcoef(Z.T, time)[-1, :-1]).max() < 0.05
        assert pipe.score(new, truth) > 0.9 > 0.7 > plain


def test_continuous_drift_with_quantities_as_labels():
    rng = np.random.RandomState(0)
    time, level = rng.uniform(size=(2, 300))
    rows = np.outer(level, [1.0, -1, 0.5]) + np.outer(time, [2.0, 0, -1])
    rows = np.column_stack([rows + 0.05 * rng.normal(size=(300, 3)), time])
    ids = np.where(time < 0.4, 0, -1)
    model = MIDA(Ridge(1e-3), kernel="linear", n_components=2, domain_columns=[3])
    model.fit(rows, level, sample_domain=ids)
    plain = Ridge(1e-3).fit(rows[ids >= 0, :1], level[ids >= 0])
    target = ids < 0
    assert model.score(rows[target], level[target]) > 0.8
    assert plain.score(rows[target, :1], level[target]) < 0


def test_digits_in_a_search_over_a_pipeline():
    digits, y = load_digits(return_X_y=True)
    digits = digits[:600] / 16
    ids = np.where(np.arange(600) % 3, 0, -1)
    digits[ids < 0] = 0.7 * digits[ids < 0] + 0.2
    pipe = make_pipeline(StandardScaler(), MIDA(KNeighborsClassifier(1)))
    grid = {"mida__alpha": [1.0, 100.0], "mida__n_components": [10, 30]}
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(pipe, grid, cv=TargetKFold(2))
        search.fit(digits, y[:600], sample_domain=ids)
    assert search.best_score_ > 0.85


def test_passes_over_the_matrix_are_few_for_many_rows():
    rows = np.random.RandomState(0).normal(size=(900, 8))
    ids = np.where(np.arange(900) % 2, 0, -1)
    rows[ids < 0] += 0.5
    model = MIDA(kernel="rbf", n_components=8, random_state=0).fit(rows, sample_domain=ids)
    info = model.solver_info_
    assert info["form"] == "krylov"
    assert info["converged"]
    assert info["n_passes"] <= 14
    assert info["residual"] < 1e-5


@pytest.mark.reproduction
@pytest.mark.parametrize("response", ["moisture", "oil", "protein", "starch"])
def test_spectra_of_another_instrument(real_data, response):
    """Corn under two spectrometers: what one teaches is worse than a guess on the other."""
    real_data("corn_nir")
    rows, y, ids = load_corn_nir("m5", "mp5", response=response, return_X_y_domain=True)
    rows, seen = StandardScaler().fit_transform(rows), np.arange(160) % 2 == 0
    errors = []
    for method in (SourceOnly, lambda ridge: MIDA(ridge, n_components=15)):
        model = method(RidgeCV(np.logspace(-8, 4, 13)))
        model.fit(rows[seen], np.where(ids < 0, np.nan, y)[seen], sample_domain=ids[seen])
        judged = ~seen & (ids < 0)
        errors.append(np.sqrt(np.mean((model.predict(rows[judged]) - y[judged]) ** 2)))
    spread = y[ids < 0].std()
    assert errors[0] > spread > errors[1]
    assert errors[1] < errors[0] / 2


def test_a_domain_column_with_one_value_is_no_unit():
    rows = X.copy()
    rows[:, 0] = 0.1  # its standard deviation is not zero to the last digit
    model = MIDA(n_components=3, domain_columns=[0]).fit(rows)
    new = rows[:1] + np.eye(1, X.shape[1]) * 0.01
    assert np.abs(model.transform(new) - model.transform(rows[:1])).max() < 1.0


def test_components_are_no_more_than_the_rank_whatever_the_order_of_the_rows():
    again = np.tile(np.arange(12), 4)  # twelve distinct rows of each domain, four times each
    index = np.concatenate([np.flatnonzero(IDS >= 0)[again], np.flatnonzero(IDS < 0)[again]])
    model = MIDA(kernel="rbf", n_components=40).fit(X[index], sample_domain=IDS[index])
    assert model.n_components_ <= 23
    assert model.eigenvalues_[-1] > 1e-9 * model.eigenvalues_[0]
    order = np.random.default_rng(0).permutation(len(index))
    turned = MIDA(kernel="rbf", n_components=40)
    turned.fit(X[index][order], sample_domain=IDS[index][order])
    np.testing.assert_allclose(turned.eigenvalues_, model.eigenvalues_, rtol=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"domain_columns": [5]},
        {"domain_columns": [5, 1], "kernel": "laplacian"},
        {"augment": False, "kernel": "rbf"},
        {"kernel": "rbf", "feature_map": Nystroem(n_components=30, random_state=0)},
    ],
)
def test_on_a_device(options):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    here, there = (MIDA(n_components=3, random_state=0, **options) for _ in range(2))
    expected = here.fit_transform(X, sample_domain=IDS)
    rows = strict.asarray(X, device=device)
    found = there.fit_transform(rows, sample_domain=IDS)
    cases = [(found, expected)]
    for ids in (None, IDS[20:60], np.full(40, 9)):
        part = there.transform(rows[20:60, :], sample_domain=ids)
        cases.append((part, here.transform(X[20:60], sample_domain=ids)))
    # The model that was fitted on the host, on the device.
    moved = moved_to(here, backend_of(rows))
    cases.append((moved.transform(rows, sample_domain=IDS), expected))
    for ours, theirs in cases:
        assert ours.device == device
        np.testing.assert_allclose(
            to_host(ours), theirs, rtol=0, atol=1e-10 * np.abs(expected).max()
        )
