"""Rows and models between the host and a device; the strict namespace stands for a GPU."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from unittest import mock

import joblib
import numpy as np
import pytest
import sklearn
from joblib.externals.loky import get_reusable_executor
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from skransfer import CORAL, TCA, SourceOnly, config_context, stack_domains, to_device
from skransfer.base import device
from skransfer.datasets import make_covariate_shift
from skransfer.kernels import Backend, on_host, to_host
from skransfer.model_selection import TargetKFold

strict = pytest.importorskip("array_api_strict")
DEVICE = Backend(strict, strict.Device("device1"))


@pytest.fixture(autouse=True)
def _routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def problem():
    X, y, sample_domain = make_covariate_shift(random_state=0)
    return X, y, sample_domain


@pytest.fixture
def stand_in():
    """The strict namespace in the place of a GPU."""
    with mock.patch.object(device, "cuda_backend", return_value=DEVICE) as asked:
        yield asked


def _has_gpu():
    try:
        device.cuda_backend("this test")
    except (ImportError, RuntimeError):
        return False
    return True


# ------------------------------------------------------------------------------- moving models


def test_a_moved_model_shares_what_did_not_move(problem):
    X, y, sample_domain = problem
    model = CORAL(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    there = device.moved_to(model, DEVICE)
    assert there is not model
    assert there.estimator_ is model.estimator_
    assert there.classes_ is model.classes_
    assert on_host(model.map_.mean_source)
    assert not on_host(there.map_.mean_source)
    back = to_device(there, "cpu")
    np.testing.assert_array_equal(back.map_.mean_source, model.map_.mean_source)
    assert vars(back).keys() == vars(model).keys()


def test_pipelines_and_searches_are_looked_through(problem):
    X, y, sample_domain = problem
    pipe = make_pipeline(StandardScaler(), CORAL(LogisticRegression()))
    search = GridSearchCV(pipe, {"coral__alpha": [0.1, 1.0]}, cv=TargetKFold(3))
    search.fit(X, y, sample_domain=sample_domain)
    there = device.moved_to(search, DEVICE)
    moved = there.best_estimator_.named_steps["coral"]
    assert not on_host(moved.map_.mean_source)
    scaler = there.best_estimator_.named_steps["standardscaler"]
    assert scaler is search.best_estimator_.named_steps["standardscaler"]
    rows = scaler.transform(X)
    np.testing.assert_allclose(
        moved.predict_proba(DEVICE.asarray(rows)), search.predict_proba(X), atol=1e-10
    )


def test_parameters_of_ours_are_the_users_and_stay():
    given = np.ones(3)
    model = CORAL(alpha=1.0)
    model.alpha, model.learned_ = given, np.zeros(3)
    moved = device.moved_to(model, DEVICE)
    assert moved.alpha is given
    assert not on_host(moved.learned_)


def test_objects_that_hold_each_other_move_once():
    model, other = CORAL(), CORAL()
    model.learned_, other.learned_ = np.zeros(2), np.ones(2)
    model.other_, other.other_ = other, model
    moved = device.moved_to(model, DEVICE)
    assert not on_host(moved.other_.learned_)


def test_containers_keep_their_kind():
    model = CORAL()
    model.a_, model.b_ = [np.zeros(2), "x"], {"y": (np.ones(2), 1)}
    model.labels_ = np.array([1, 2])
    moved = device.moved_to(model, DEVICE)
    assert isinstance(moved.a_, list)
    assert isinstance(moved.b_["y"], tuple)
    assert not on_host(moved.b_["y"][0])
    assert moved.labels_ is model.labels_
    assert to_device(moved, "cpu").b_["y"][1] == 1


def test_models_without_a_form_for_gpus_stay(problem):
    X, y, sample_domain = problem
    model = SourceOnly(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    assert device.moved_to(model, DEVICE) is model
    sparse_model = TCA(n_components=2).fit(sparse.csr_array(X), sample_domain=sample_domain)
    with pytest.raises(TypeError, match="fitted on sparse rows"):
        device.moved_to(sparse_model, DEVICE)


def test_to_device_refuses_other_names_and_missing_gpus(problem):
    X, _, sample_domain = problem
    model = CORAL().fit(X, sample_domain=sample_domain)
    with pytest.raises(ValueError, match='choose "cpu" or "cuda"'):
        to_device(model, "gpu")
    if not _has_gpu():
        with pytest.raises((ImportError, RuntimeError), match="asks for a GPU"):
            to_device(model, "cuda")


def test_a_pickle_holds_no_device_and_a_deep_copy_does(problem):
    X, _, sample_domain = problem
    rows = DEVICE.asarray(X)
    model = CORAL().fit(rows, sample_domain=sample_domain)
    dumped = pickle.dumps(make_pipeline(model))
    assert b"array_api_strict" not in dumped
    loaded = pickle.loads(dumped)[0]
    np.testing.assert_allclose(loaded.transform(X), to_host(model.transform(rows)), atol=1e-12)
    assert not on_host(model.map_.mean_source)


# --------------------------------------------------------------------------------- refused rows


def test_sparse_rows_of_a_device_are_refused(problem):
    X, y, sample_domain = problem
    fake = type("csr_matrix", (), {"__module__": "cupyx.scipy.sparse._csr", "shape": X.shape})()
    for model in (CORAL(), SourceOnly(LogisticRegression())):
        with pytest.raises(TypeError, match="sparse rows on a GPU"):
            model.fit(fake, y, sample_domain=sample_domain)


def test_data_frames_hold_no_device(problem):
    X, _, sample_domain = problem
    there = DEVICE.asarray(X)
    model = CORAL().set_output(transform="pandas")
    with pytest.raises(ValueError, match=r"set_output\(transform='pandas'\)"):
        model.fit_transform(there, sample_domain=sample_domain)
    with pytest.raises(ValueError, match="set_output"):
        model.fit(there, sample_domain=sample_domain).transform(there)
    with (
        sklearn.config_context(transform_output="polars"),
        pytest.raises(ValueError, match="frames"),
    ):
        CORAL().fit_transform(there, sample_domain=sample_domain)


def test_rows_of_a_device_are_stacked_there(problem):
    X, y, _ = problem
    there = DEVICE.asarray(X)
    rows, labels, ids = stack_domains(there[:50, :], y[:50], there[50:, :])
    assert not on_host(rows)
    np.testing.assert_array_equal(to_host(rows), X)
    assert (np.count_nonzero(ids >= 0), np.isnan(labels).sum()) == (50, len(X) - 50)
    with pytest.raises(TypeError, match="mix NumPy rows"):
        stack_domains(X, y, there)
    with pytest.raises(ValueError, match="different numbers of features"):
        stack_domains(there, y, there[:, :1])


def test_methods_of_the_cpu_refuse_device_rows_in_predict_too(problem):
    X, y, sample_domain = problem
    model = SourceOnly(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    with pytest.raises(TypeError, match="SourceOnly computes on the CPU"):
        model.predict(DEVICE.asarray(X))


# ---------------------------------------------------------------------------------- the setting


def test_rows_move_where_the_setting_says(stand_in, problem):
    X = problem[0]
    assert device.on_configured_device(X) is X
    with config_context(device="cuda"):
        assert not on_host(device.on_configured_device(X))
        there = DEVICE.asarray(X)
        assert device.on_configured_device(there) is there
        with pytest.raises(TypeError, match="Sparse rows"):
            device.on_configured_device(sparse.csr_array(X))


def test_methods_of_the_cpu_do_not_ask_for_a_gpu(problem):
    X, y, sample_domain = problem
    gone = mock.patch.object(device, "cuda_backend", side_effect=RuntimeError)
    with gone, config_context(device="cuda"):
        SourceOnly(LogisticRegression()).fit(X, y, sample_domain=sample_domain).predict(X)


def test_the_setting_reaches_pipelines_and_searches(stand_in, problem):
    X, y, sample_domain = problem
    pipe = make_pipeline(StandardScaler(), CORAL(LogisticRegression()))
    grid = {"coral__alpha": [0.01, 1.0]}
    plain = GridSearchCV(pipe, grid, cv=TargetKFold(3)).fit(X, y, sample_domain=sample_domain)
    assert not stand_in.called
    for backend in ("sequential", "threading"):
        search = GridSearchCV(pipe, grid, cv=TargetKFold(3), n_jobs=2)
        with config_context(device="cuda"), joblib.parallel_config(backend):
            search.fit(X, y, sample_domain=sample_domain)
        # Six fits, six scores and the refit.
        assert stand_in.call_count == 13, backend
        stand_in.reset_mock()
        np.testing.assert_allclose(
            search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
        )
        assert isinstance(search.best_estimator_[-1].map_.mean_source, np.ndarray)
        # Outside the block it is over.
        search.predict(X)
        ThreadPoolExecutor(1).submit(search.predict, X).result()
        clone(search.best_estimator_).fit(X, y, sample_domain=sample_domain)
        assert not stand_in.called


@pytest.mark.slow
def test_the_setting_reaches_processes(problem, monkeypatch):
    X, y, sample_domain = problem
    search = GridSearchCV(
        CORAL(LogisticRegression()), {"alpha": [0.1, 1.0]}, cv=TargetKFold(2), n_jobs=2
    )
    search.set_params(error_score="raise")
    # Workers that are started now see no GPU, whatever this process sees.
    get_reusable_executor().shutdown(wait=True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    refused = pytest.raises((ImportError, RuntimeError), match="asks for a GPU")
    with config_context(device="cuda"), joblib.parallel_config("loky"), refused:
        search.fit(X, y, sample_domain=sample_domain)
    search.fit(X, y, sample_domain=sample_domain)  # the same processes, outside the block


def test_estimators_made_in_workers_know_the_setting(stand_in, problem):
    X, y, sample_domain = problem
    pipe = Pipeline([("scale", StandardScaler()), ("model", SourceOnly(LogisticRegression()))])
    grid = {"model": [CORAL(LogisticRegression(), alpha=alpha) for alpha in (0.1, 1.0)]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(2), n_jobs=2, refit=False)
    with config_context(device="cuda"), joblib.parallel_config("threading"):
        search.fit(X, y, sample_domain=sample_domain)
    assert stand_in.call_count == 8


def test_labels_ids_and_weights_may_be_on_the_device(problem):
    X, y, sample_domain = problem
    there = SimpleNamespace(
        X=DEVICE.asarray(X), y=DEVICE.asarray(y), ids=DEVICE.asarray(sample_domain)
    )
    weights = np.linspace(0.5, 1.5, len(y))
    learner = LogisticRegression().set_fit_request(sample_weight=True)
    ours = CORAL(learner).fit(X, y, sample_domain=sample_domain, sample_weight=weights)
    theirs = CORAL(learner).fit(
        there.X, there.y, sample_domain=there.ids, sample_weight=DEVICE.asarray(weights)
    )
    np.testing.assert_allclose(
        theirs.predict_proba(there.X), ours.predict_proba(X), rtol=1e-6, atol=1e-8
    )
    assert ours.score(X[:50], y[:50]) == theirs.score(there.X[:50, :], there.y[:50])


def test_one_domain_on_a_device(problem):
    X = problem[0]
    with pytest.warns(UserWarning, match="one domain"):
        model = CORAL().fit(DEVICE.asarray(X))
    np.testing.assert_allclose(to_host(model.transform(DEVICE.asarray(X))), X)


class Child(TCA):
    """Of a user: no class of this package."""


def test_children_of_users_move_too(problem, stand_in):
    X, _, sample_domain = problem
    there = DEVICE.asarray(X)
    model = Child(n_components=2).fit(there, sample_domain=sample_domain)
    assert isinstance(to_device(model, "cpu").dual_coef_, np.ndarray)
    assert isinstance(model.__getstate__()["dual_coef_"], np.ndarray)
    with config_context(device="cuda"):
        home = Child(n_components=2).fit(X, sample_domain=sample_domain)
    assert isinstance(home.dual_coef_, np.ndarray)
    np.testing.assert_allclose(home.transform(X), to_host(model.transform(there)), atol=1e-10)


def test_copies_stay_on_the_device(problem):
    X, _, sample_domain = problem
    there = DEVICE.asarray(X)
    model = TCA(n_components=2).fit(there, sample_domain=sample_domain)
    for copied in (copy.copy(model), copy.deepcopy(model)):
        np.testing.assert_array_equal(
            to_host(copied.transform(there)), to_host(model.transform(there))
        )
    assert copy.copy(model).dual_coef_ is model.dual_coef_
    assert copy.deepcopy(model).dual_coef_ is not model.dual_coef_


def test_models_and_rows_of_two_devices_are_told_apart(problem):
    X, _, sample_domain = problem
    other = Backend(strict, strict.Device("device2"))
    model = CORAL().fit(DEVICE.asarray(X), sample_domain=sample_domain)
    with pytest.raises(ValueError, match=r"device1.*device2.*to_device"):
        model.transform(other.asarray(X))
    moved = device.moved_to(model, other)
    np.testing.assert_allclose(
        to_host(moved.transform(other.asarray(X))), to_host(model.transform(DEVICE.asarray(X)))
    )


def test_what_is_shared_moves_once(problem):
    shared = np.zeros(2)
    model = CORAL()
    model.first_, model.second_ = shared, shared
    moved = device.moved_to(model, DEVICE)
    assert moved.first_ is moved.second_
    model.third_ = Bunch(a=shared)
    assert isinstance(device.moved_to(model, DEVICE).third_, Bunch)


def test_a_full_device_names_the_ways_out(problem, monkeypatch):
    X, _, sample_domain = problem

    def full(*arguments, **options):
        raise MemoryError("Out of memory allocating 512 bytes")

    monkeypatch.setattr("skransfer.solvers.coral.CoralMap.fit", full)
    with pytest.raises(MemoryError, match=r"CORAL with 400 rows.*512 bytes.*Ways out: fewer rows"):
        CORAL().fit(DEVICE.asarray(X), sample_domain=sample_domain)
    with pytest.raises(MemoryError, match=r"^Out of memory"):
        CORAL().fit(X, sample_domain=sample_domain)
