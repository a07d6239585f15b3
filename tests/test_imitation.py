"""Whole methods on an imitation of CuPy: each branch for CuPy runs on every machine.

The strict namespace has the refusals of a device, and this one the rest: other signs of vectors,
other orders in memory, decompositions that fail without a word, the engine's own kernels.
"""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import clone

from skransfer import CORAL, KMM, MIDA, TCA, ULSIF, config_context, to_device
from skransfer.datasets import make_covariate_shift
from skransfer.kernels import _device_tiles, _factory, on_host, to_host
from skransfer.metrics import mmd, mmd_test
from skransfer.utils import _laws_of_devices, all_estimators
from skransfer.utils._problems import fit, make_problem, outputs
from skransfer.utils.instances import instances_of
from tests.imitation_cupy import installed, products

ON_DEVICE = [next(iter(instances_of(cls))) for _, cls in all_estimators() if cls.traits.on_device]
METHODS = [
    TCA(n_components=2, gamma=0.5),
    TCA(n_components=2, kernel="laplacian", gamma=0.5),
    MIDA(n_components=2, kernel="rbf", gamma=0.5),
    CORAL(),
    ULSIF(gamma=0.5, alpha=0.1, random_state=0),
]


@pytest.fixture(autouse=True)
def _routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def imitation():
    """For what a GPU is not asked: laws that run on it elsewhere, and looks behind the arrays."""
    with installed() as found:
        yield found


@pytest.fixture
def problem():
    return make_covariate_shift(random_state=0)


@pytest.mark.parametrize("law", _laws_of_devices.LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("estimator", ON_DEVICE, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.usefixtures("imitation")
def test_laws_of_devices(estimator, law):
    law(clone(estimator))


def _results(estimator, X):
    name = "transform" if hasattr(estimator, "transform") else "weigh"
    return getattr(estimator, name)(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("estimator", METHODS, ids=repr)
def test_results_are_those_of_numpy(cupy, problem, estimator, dtype):
    X, y, d = problem
    X = X.astype(dtype)
    host = clone(estimator).fit(X, y, sample_domain=d)
    there = clone(estimator).fit(cupy.asarray(X), y, sample_domain=d)
    ours, reference = _results(there, cupy.asarray(X)), _results(host, X)
    assert not on_host(ours)
    atol = np.abs(reference).max() * (1e-10 if dtype is np.float64 else 1e-5)
    np.testing.assert_allclose(to_host(ours), reference, atol=atol)


@pytest.mark.parametrize("estimator", METHODS, ids=repr)
def test_tiles_change_nothing(cupy, problem, estimator, monkeypatch):
    """A device with too little memory for the kernel matrix."""
    X, y, d = problem
    reference = _results(clone(estimator).fit(X, y, sample_domain=d), X)
    monkeypatch.setattr(_factory, "working_memory", lambda backend: 100.0)
    monkeypatch.setattr(_device_tiles, "tile_side", lambda backend, itemsize: 32)
    there = clone(estimator).fit(cupy.asarray(X), y, sample_domain=d)
    if isinstance(estimator, TCA | MIDA):
        assert there.solver_info_["kernel_form"] == "tiled"
    atol = np.abs(reference).max() * 1e-9
    np.testing.assert_allclose(to_host(_results(there, cupy.asarray(X))), reference, atol=atol)


def test_another_solver_of_kmm_ends_at_the_same_optimum(cupy, problem):
    X, y, d = problem
    kmm = KMM(gamma=0.5, max_weight=3.0, tol=1e-9)
    host = clone(kmm).fit(X, y, sample_domain=d)
    for rows, rel in ((cupy.asarray(X), 1e-6), (cupy.asarray(X.astype(np.float32)), 1e-5)):
        there = clone(kmm).fit(rows, y, sample_domain=d)
        ours, reference = (model.solver_info_["mmd2_after"] for model in (there, host))
        assert ours == pytest.approx(reference, rel=rel)
        np.testing.assert_allclose(to_host(there.weigh(rows)), host.weigh(X), atol=1e-2)


@pytest.mark.parametrize("estimator", ON_DEVICE, ids=lambda estimator: type(estimator).__name__)
def test_no_product_is_rounded_to_tf32(imitation, estimator, monkeypatch):
    """Whatever CuPy is set to: 10 bits of a factor are too few for kernels and for components."""
    kinds = imitation._core._routines_linalg
    monkeypatch.setattr(kinds, "float32", kinds.COMPUTE_TYPE_TF32, raising=False)

    def rounded(x):
        raise AssertionError("a product was rounded to TF32")

    monkeypatch.setattr(products, "_as_tf32", rounded)
    there = make_problem(estimator)
    there = there.with_rows(imitation.asarray(there.X.astype(np.float32)))
    with pytest.raises(AssertionError, match="TF32"):
        there.X.T @ there.X
    outputs(fit(clone(estimator), there), there.X)


@pytest.mark.parametrize("estimator", ON_DEVICE, ids=lambda estimator: type(estimator).__name__)
def test_rows_are_never_written_to(imitation, estimator):
    there = make_problem(estimator)
    rows = imitation.asarray(there.X)
    rows.flags.writeable = False
    outputs(fit(clone(estimator), there.with_rows(rows)), rows)


@pytest.mark.parametrize("estimator", ON_DEVICE, ids=lambda estimator: type(estimator).__name__)
def test_the_device_is_that_of_the_rows(imitation, estimator):
    """Not CuPy's current one: arrays of different devices do not meet."""
    there = make_problem(estimator)
    with imitation.cuda.Device(1):
        rows = imitation.asarray(there.X)
    model = fit(clone(estimator), there.with_rows(rows))
    found = [_results(model, rows)]
    found += [value for value in vars(model).values() if not on_host(value)]
    assert {array.device.id for array in found} == {1}
    assert imitation.cuda.Device().id == 0


def test_mmd_works_on_the_device_of_the_rows(imitation, problem):
    X, _, d = problem
    with imitation.cuda.Device(1):
        rows = imitation.asarray(X)
    assert mmd(rows, d) == pytest.approx(mmd(X, d), rel=1e-10)
    assert mmd_test(rows, d, n_permutations=19, random_state=0).p_value == pytest.approx(
        mmd_test(X, d, n_permutations=19, random_state=0).p_value
    )


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ON_DEVICE, ids=lambda estimator: type(estimator).__name__)
def test_nothing_waits_for_the_device_once_a_row(imitation, estimator, monkeypatch):
    waits = []
    for name in ("get", "__bool__", "__float__", "__int__", "item", "tolist"):
        plain = getattr(imitation.ndarray, name)

        def counted(self, *args, plain=plain):
            waits.append(None)
            return plain(self, *args)

        monkeypatch.setattr(imitation.ndarray, name, counted)
    counts = []
    for n in (100, 400):
        X, y, d = make_covariate_shift(n, n, random_state=0)
        waits.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clone(estimator).fit(imitation.asarray(X), y, sample_domain=d)
        counts.append(len(waits))
    assert 0 < counts[1] < counts[0] + 450  # 600 rows came along


@pytest.mark.usefixtures("cupy")
def test_the_setting_finds_the_gpu(problem):
    X, y, d = problem
    reference = CORAL().fit(X, y, sample_domain=d)
    with config_context(device="cuda"):
        model = CORAL().fit(X, y, sample_domain=d)
        rows = model.transform(X)
    assert on_host(rows)
    np.testing.assert_allclose(rows, reference.transform(X), rtol=1e-10)


def test_models_move_between_the_host_and_the_gpu(cupy, problem):
    X, y, d = problem
    model = TCA(n_components=2).fit(X, y, sample_domain=d)
    there = to_device(model, "cuda")
    np.testing.assert_allclose(there.transform(cupy.asarray(X)).get(), model.transform(X))
    np.testing.assert_allclose(to_device(there, "cpu").transform(X), model.transform(X))


def test_the_permutation_test_of_mmd(cupy, problem):
    X, _, d = problem
    X = X[np.r_[:80, -80:0]]
    d = d[np.r_[:80, -80:0]]
    reference = mmd_test(X, sample_domain=d, random_state=0)
    there = mmd_test(cupy.asarray(X), sample_domain=d, random_state=0)
    assert there.p_value == reference.p_value
    assert there.statistic == pytest.approx(reference.statistic, rel=1e-9)
