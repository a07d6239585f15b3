"""KMM against an exact solver, the analytic ratio, and its own certificate."""

from unittest import mock

import clarabel
import numpy as np
import pytest
import sklearn
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.decomposition import PCA, KernelPCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skransfer import KMM, SourceOnly, config_context, to_device
from skransfer.base import device
from skransfer.datasets import load_biased_breast_cancer, make_covariate_shift
from skransfer.exceptions import SingleDomainWarning
from skransfer.kernels import backend_of, on_host, to_host

# A few rows match the mean of a smooth kernel: the warning is right, and not the point here.
pytestmark = pytest.mark.filterwarnings("ignore::skransfer.exceptions.EffectiveSampleSizeWarning")

INDEFINITE = {"sigmoid", "additive_chi2"}
RNG = np.random.RandomState(0)
X = RNG.uniform(size=(90, 3))
X[50:] = 0.6 * X[50:] + 0.3
D = np.repeat([0, -1], [50, 40])
SOURCE, TARGET = X[:50], X[50:]


def kernel(model, A, B):
    known = {"gamma": model.gamma_, "degree": model.degree, "coef0": model.coef0}
    takes = {"rbf": ["gamma"], "laplacian": ["gamma"], "chi2": ["gamma"]}
    takes["poly"] = takes["polynomial"] = ["gamma", "degree", "coef0"]
    takes["sigmoid"] = ["gamma", "coef0"]
    chosen = {name: known[name] for name in takes.get(model.kernel, [])}
    return pairwise_kernels(A, B, metric=model.kernel, **chosen)


def objective(model, beta):
    """MMD^2 of weighted source rows, from the dense matrices."""
    n, m = len(SOURCE), len(TARGET)
    quadratic = beta @ kernel(model, SOURCE, SOURCE) @ beta / n**2
    cross = beta @ kernel(model, SOURCE, TARGET).sum(axis=1) / (n * m)
    return quadratic - 2 * cross + kernel(model, TARGET, TARGET).mean()


def exact_program(model, upper, epsilon):
    """The quadratic program as the paper states it, by an interior-point solver."""
    n = len(SOURCE)
    K = kernel(model, SOURCE, SOURCE) + 1e-12 * np.eye(n)
    kappa = n / len(TARGET) * kernel(model, SOURCE, TARGET).sum(axis=1)
    constraints = np.vstack([np.ones((1, n)), -np.ones((1, n)), np.eye(n), -np.eye(n)])
    bounds = np.r_[n * (1 + epsilon), -n * (1 - epsilon), np.full(n, upper), np.zeros(n)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = 1e-11
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(K)),
        -kappa,
        sparse.csc_matrix(constraints),
        bounds,
        [clarabel.NonnegativeConeT(2 * n + 2)],
        settings,
    )
    return np.array(solver.solve().x)


@pytest.mark.parametrize("name", sorted(set(PAIRWISE_KERNEL_FUNCTIONS) - INDEFINITE))
@pytest.mark.parametrize("options", [{}, {"max_weight": 2.0, "epsilon": 0.1}])
def test_equals_an_exact_solver_for_every_kernel(name, options):
    model = KMM(kernel=name, gamma=1.5, **options)
    model.fit(X, sample_domain=D)
    epsilon = options.get("epsilon", (50**0.5 - 1) / 50**0.5)
    beta = exact_program(model, options.get("max_weight", 1000.0), epsilon)
    ours, theirs = objective(model, model.weights_), objective(model, beta)
    assert abs(ours - theirs) < 1e-6
    assert model.solver_info_["mmd2_after"] == pytest.approx(ours, abs=1e-9)
    assert model.solver_info_["gap"] <= 1e-6
    upper = options.get("max_weight", 1000.0)
    assert 0 <= model.weights_.min() <= model.weights_.max() <= upper + 1e-9
    assert abs(model.weights_.sum() - 50) <= 50 * epsilon + 1e-9


@pytest.mark.parametrize("name", sorted(INDEFINITE))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_indefinite_kernels_end_no_worse_than_they_began(name):
    model = KMM(kernel=name, gamma=1.5).fit(X, sample_domain=D)
    assert objective(model, model.weights_) <= objective(model, np.ones(50)) + 1e-9


def test_callable_kernels_and_sparse_rows():
    def product(a, b, power=1.0):
        return float((a @ b + 1) ** power)

    poly = KMM(kernel="poly", degree=2, gamma=1.0, coef0=1.0, alpha=0.1).fit(X, sample_domain=D)
    called = KMM(kernel=product, kernel_params={"power": 2.0}, alpha=0.1).fit(X, sample_domain=D)
    np.testing.assert_allclose(called.weights_, poly.weights_, atol=1e-3)
    rows = KMM(alpha=0.1).fit(sparse.csr_array(X), sample_domain=D)
    dense = KMM(alpha=0.1).fit(X, sample_domain=D)
    np.testing.assert_allclose(rows.weights_, dense.weights_, rtol=1e-5)


def test_weights_do_not_depend_on_the_order_of_the_rows():
    order = RNG.permutation(90)
    ours = KMM().fit(X, sample_domain=D).weights_
    theirs = KMM().fit(X[order], sample_domain=D[order]).weights_
    np.testing.assert_array_equal(theirs, ours[order[order < 50]])


def test_equal_rows_share_their_weight():
    twice = np.vstack([SOURCE, SOURCE, TARGET])
    weights = KMM().fit(twice, sample_domain=np.repeat([0, -1], [100, 40])).weights_
    np.testing.assert_array_equal(weights[:50], weights[50:])


def test_equal_domains_need_no_weights():
    rows = np.vstack([SOURCE, SOURCE])
    model = KMM().fit(rows, sample_domain=np.repeat([0, -1], 50))
    np.testing.assert_allclose(model.weights_, 1.0, atol=1e-6)


def test_weights_follow_the_analytic_ratio():
    X, _, d, ratio = make_covariate_shift(
        2000, 2000, shift=0.5, scale=0.8, return_ratio=True, random_state=0
    )
    source, true = d >= 0, ratio[d >= 0]
    model = KMM(alpha=0.1).fit(X, sample_domain=d)
    assert spearmanr(model.weights_, true)[0] > 0.95
    assert spearmanr(model.weigh(X[source]), true)[0] > 0.95
    paper = KMM().fit(X, sample_domain=d)
    assert paper.solver_info_["mmd2_after"] <= model.solver_info_["mmd2_after"]
    assert spearmanr(paper.weigh(X[source]), true)[0] > 0.9


def test_new_rows_get_weights_on_the_scale_of_the_old():
    model = KMM(alpha=0.1, max_weight=3.0).fit(X, sample_domain=D)
    new = model.weigh(RNG.uniform(size=(30, 3)))
    assert new.shape == (30,)
    assert 0 <= new.min() <= new.max() <= 3.0
    far = model.weigh(np.full((1, 3), 1e6))
    assert np.isfinite(far).all()


@pytest.mark.slow
def test_weights_help_under_a_selection_bias():
    gains = []
    for seed in range(30):
        X, y, d = load_biased_breast_cancer(random_state=seed, return_X_y_domain=True)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        scores = [
            method.fit(X, y, sample_domain=d).score(X[d < 0], y[d < 0])
            for method in (KMM(SVC()), SourceOnly(SVC()))
        ]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 2 * np.std(gains) / 30**0.5


def test_too_few_steps_are_told():
    with pytest.warns(ConvergenceWarning, match="raise max_iter or tol"):
        KMM(max_iter=1).fit(X, sample_domain=D)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_weight": 0.5, "epsilon": 0.1}, ValueError, "max_weight=0.5 and epsilon=0.1"),
        ({"kernel": "gauss"}, ValueError, "kernel"),
        ({"gamma": -1.0}, ValueError, "gamma"),
        ({"kernel_params": {"a": 1}}, ValueError, "kernel_params"),
    ],
)
def test_bad_parameters(options, error, message):
    with pytest.raises(error, match=message):
        KMM(**options).fit(X, sample_domain=D)


def test_deaf_estimators_and_lost_classes():
    y = (X[:, 0] > 0.5).astype(int)
    with pytest.raises(TypeError, match="KNeighborsClassifier takes no sample_weight"):
        KMM(KNeighborsClassifier()).fit(X, y, sample_domain=D)
    far = np.vstack([SOURCE, SOURCE[:10] + 100, TARGET])
    labels = np.r_[np.zeros(50, int), np.ones(10, int), np.zeros(40, int)]
    d = np.repeat([0, -1], [60, 40])
    with pytest.raises(ValueError, match=r"All rows of class .*1.* have weight zero.*max_weight"):
        KMM(LogisticRegression(), gamma=1.0).fit(far, labels, sample_domain=d)


def test_progress_is_printed_when_asked(capsys):
    KMM(verbose=1).fit(X, sample_domain=D)
    assert "gap" in capsys.readouterr().out


def _two_domains(n=300):
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(n, 3)), 0.7 * rng.normal(size=(n, 3)) + 0.5])
    return X, np.repeat([0, -1], n)


def test_features_of_all_rows_give_the_exact_discrepancy():
    X, domains = _two_domains()
    exact = KMM(gamma=0.3).fit(X, sample_domain=domains)
    everything = Nystroem(n_components=600, random_state=0)
    ours = KMM(gamma=0.3, feature_map=everything).fit(X, sample_domain=domains)
    assert ours.solver_info_["kernel_form"] == "low-rank"
    assert ours.solver_info_["converged"]
    # A thousandth of the diagonal keeps the program of features well conditioned.
    cost = 1e-3 * np.sum(exact.weights_**2) / 300**2
    found, best = (model.solver_info_["mmd2_after"] for model in (ours, exact))
    assert best - 1e-6 <= found <= best + cost + 1e-6
    assert ours.solver_info_["mmd2_exact"] < ours.solver_info_["mmd2_exact_before"]
    assert ours.solver_info_["share"] == 1.0


class _OneSided(Nystroem):
    """A poor stand-in for a kernel: it sees the first feature alone."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[:, :1]


def test_weights_that_the_exact_kernel_finds_worse_are_drawn_back():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(300, 3))
    source = rng.normal(size=(300, 3))
    target[:, 0] += 2.0  # to match this mean, only a few source rows may keep weight
    X, domains = np.vstack([source, target]), np.repeat([0, -1], 300)
    with pytest.warns(UserWarning, match="n_components of feature_map"):
        found = KMM(gamma=30.0, feature_map=_OneSided()).fit(X, sample_domain=domains)
    info = found.solver_info_
    assert info["mmd2_exact"] > info["mmd2_exact_before"]
    assert 0 <= info["share"] < 1
    assert found.weights_.min() >= 1 - info["share"] - 1e-12


def test_weights_beyond_the_working_memory_are_those_of_the_whole_matrix():
    X, domains = _two_domains(600)
    whole = KMM(alpha=0.1).fit(X, sample_domain=domains)
    with sklearn.config_context(working_memory=1):
        parts = KMM(alpha=0.1).fit(X, sample_domain=domains)
    forms = [model.solver_info_["kernel_form"] for model in (whole, parts)]
    assert forms == ["dense", "tiled"]
    # A ridge makes the weights unique; a gap of g leaves them sqrt(n^2 g / alpha) apart.
    gap = whole.solver_info_["gap"] + parts.solver_info_["gap"]
    assert np.linalg.norm(whole.weights_ - parts.weights_) <= 600 * np.sqrt(gap / 0.1) * 2


@pytest.mark.parametrize("feature_map", [make_pipeline(StandardScaler(), PCA(2)), KernelPCA(4)])
def test_features_of_another_kind_are_used_as_they_are(feature_map):
    X, domains = _two_domains(60)
    found = KMM(alpha=0.1, feature_map=feature_map).fit(X, sample_domain=domains)
    assert found.solver_info_["kernel_form"] == "low-rank"
    assert "mmd2_exact" not in found.solver_info_  # nothing says which kernel they stand for
    assert found.solver_info_["mmd2_after"] < found.solver_info_["mmd2_before"]


def _on_device(x):
    strict = pytest.importorskip("array_api_strict")
    return strict.asarray(x, device=strict.Device("device1"))


@pytest.mark.parametrize("name", sorted(set(PAIRWISE_KERNEL_FUNCTIONS) - INDEFINITE))
@pytest.mark.parametrize("options", [{}, {"max_weight": 2.0, "epsilon": 0.1}])
def test_on_a_device_equals_an_exact_solver_for_every_kernel(name, options):
    there = _on_device(X)
    model = KMM(kernel=name, gamma=1.5, **options).fit(there, sample_domain=D)
    beta = exact_program(
        model, options.get("max_weight", 1000.0), options.get("epsilon", 1 - 50**-0.5)
    )
    info, weights = model.solver_info_, to_host(model.weights_)
    assert info["converged"]
    assert -1e-9 <= objective(model, weights) - objective(model, beta) <= info["gap"] + 1e-9
    assert info["mmd2_after"] == pytest.approx(objective(model, weights), abs=1e-9)
    for held in (model.weights_, model.X_source_, model.weigh(there)):
        assert backend_of(held) == backend_of(there)


def test_indefinite_kernels_on_a_device_end_no_worse_than_they_began():
    model = KMM(kernel="sigmoid", gamma=1.5)
    with pytest.warns(ConvergenceWarning, match="positive semidefinite"):
        model.fit(_on_device(X), sample_domain=D)
    assert objective(model, to_host(model.weights_)) <= objective(model, np.ones(50))


def test_on_a_device_the_order_of_the_rows_does_not_matter():
    order = RNG.permutation(90)
    ours = KMM().fit(_on_device(X), sample_domain=D).weights_
    theirs = KMM().fit(_on_device(X[order]), sample_domain=D[order]).weights_
    np.testing.assert_array_equal(to_host(theirs), to_host(ours)[order[order < 50]])


def test_single_precision_that_is_too_coarse_is_widened_on_a_device():
    rows = np.vstack([SOURCE, SOURCE * (1 + 1e-2)]).astype(np.float32)
    model = KMM(gamma=0.5, tol=1e-5).fit(_on_device(rows), sample_domain=np.repeat([0, -1], 50))
    info = model.solver_info_
    assert info["mmd2_before"] < 1e-4
    assert info["gap"] <= info["gap_tol"] < 1e-7  # the floor of float32 entries is 1e-6
    assert info["kernel_form"] == "tiled"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_feature_maps_on_a_device(dtype):
    rows, domains = _two_domains(80)
    rows = rows.astype(dtype)
    options = {"gamma": 0.3, "feature_map": Nystroem(n_components=30, random_state=0)}
    host = KMM(**options).fit(rows, sample_domain=domains).solver_info_
    model = KMM(**options).fit(_on_device(rows), sample_domain=domains)
    info = model.solver_info_
    assert not on_host(model.weights_)
    assert info["kernel_form"] == "low-rank"
    assert info["converged"]
    assert abs(info["mmd2_after"] - host["mmd2_after"]) <= info["gap_tol"] + host["gap_tol"]
    # The same draws of the unweighted rows, and nearly the same of the weighted.
    assert info["mmd2_exact_before"] == pytest.approx(host["mmd2_exact_before"], rel=1e-4)
    assert info["mmd2_exact"] < info["mmd2_exact_before"]


def test_weights_that_were_drawn_back_stay_on_the_device():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(2, 150, 3))
    target[:, 0] += 2.0
    rows, domains = _on_device(np.vstack([source, target])), np.repeat([0, -1], 150)
    with pytest.warns(UserWarning, match="n_components of feature_map"):
        found = KMM(gamma=30.0, feature_map=_OneSided()).fit(rows, sample_domain=domains)
    assert 0 <= found.solver_info_["share"] < 1
    assert not on_host(found.weights_)
    assert to_host(found.weights_).min() >= 1 - found.solver_info_["share"] - 1e-12


def test_one_domain_on_a_device():
    there = _on_device(X)
    with pytest.warns(SingleDomainWarning):
        model = KMM().fit(there)
    assert backend_of(model.X_source_) == backend_of(model.weigh(there)) == backend_of(there)
    np.testing.assert_array_equal(to_host(model.weights_), 1.0)


def test_the_setting_takes_numpy_rows_to_the_device_and_weights_home():
    y = (X[:, 0] > 0.5).astype(int)
    there = KMM(LogisticRegression(), alpha=0.1).fit(_on_device(X), y, sample_domain=D)
    found = mock.patch.object(device, "cuda_backend", return_value=backend_of(_on_device(X)))
    with found as asked, config_context(device="cuda"):
        model = KMM(LogisticRegression(), alpha=0.1).fit(X, y, sample_domain=D)
    assert asked.called
    for ours in (model, to_device(there, "cpu")):
        assert isinstance(ours.weights_, np.ndarray)
        assert isinstance(ours.X_source_, np.ndarray)
        np.testing.assert_allclose(ours.weights_, to_host(there.weights_), rtol=1e-12)
        np.testing.assert_allclose(ours.weigh(X), to_host(there.weigh(_on_device(X))), rtol=1e-9)
        np.testing.assert_array_equal(ours.predict(X), there.predict(_on_device(X)))
