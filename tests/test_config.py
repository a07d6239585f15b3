"""Settings: scoped, checked, and independent between threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sklearn.base import clone

from skransfer import TCA, config_context, get_config
from skransfer._config import current_scope, inside
from skransfer.datasets import make_covariate_shift
from skransfer.kernels import _engine, _reference


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv("SKRANSFER_ENGINE", raising=False)
    monkeypatch.delenv("SKRANSFER_DEVICE", raising=False)


def test_default_is_the_compiled_engine():
    assert get_config() == {"engine": "cpu", "device": "cpu"}


def test_context_is_scoped_and_nested():
    with config_context(engine="reference"):
        with config_context(engine="cpu"):
            assert get_config()["engine"] == "cpu"
        with config_context():
            assert get_config()["engine"] == "reference"
    assert get_config()["engine"] == "cpu"


def test_context_ends_with_an_error():
    with pytest.raises(KeyError), config_context(engine="reference"):
        raise KeyError
    assert get_config()["engine"] == "cpu"


def test_environment_sets_the_default(monkeypatch):
    monkeypatch.setenv("SKRANSFER_ENGINE", "reference")
    assert get_config()["engine"] == "reference"
    with config_context(engine="cpu"):
        assert get_config()["engine"] == "cpu"
    monkeypatch.setenv("SKRANSFER_ENGINE", "")
    assert get_config()["engine"] == "cpu"


def test_unknown_engine_names_the_choices(monkeypatch):
    with pytest.raises(ValueError, match=r"engine='fast'.*'cpu', 'reference'"):
        config_context(engine="fast").__enter__()
    monkeypatch.setenv("SKRANSFER_ENGINE", "gpu")
    with pytest.raises(ValueError, match=r"SKRANSFER_ENGINE='gpu'.*'cpu', 'reference'"):
        get_config()


def test_threads_do_not_share_a_context():
    with config_context(engine="reference"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(get_config).result() == {"engine": "cpu", "device": "cpu"}


def test_writing_to_the_answer_changes_nothing():
    get_config()["engine"] = "reference"
    assert get_config()["engine"] == "cpu"


def test_unknown_device_names_the_choices(monkeypatch):
    with pytest.raises(ValueError, match=r"device='gpu'.*'cpu', 'cuda'"):
        config_context(device="gpu").__enter__()
    monkeypatch.setenv("SKRANSFER_DEVICE", "gpu")
    with pytest.raises(ValueError, match=r"SKRANSFER_DEVICE='gpu'.*'cpu', 'cuda'"):
        get_config()
    monkeypatch.setenv("SKRANSFER_DEVICE", "cuda")
    assert get_config()["device"] == "cuda"


def test_settings_of_a_block_add_to_those_around_it():
    with config_context(device="cuda"), config_context(engine="reference"):
        assert get_config() == {"engine": "reference", "device": "cuda"}


def test_a_scope_holds_in_other_threads_while_its_block_is_open():
    def seen(scope):
        with inside(scope):
            return get_config()["engine"]

    with ThreadPoolExecutor(1) as pool:
        with config_context(engine="reference"):
            scope = current_scope()
            assert pool.submit(seen, scope).result() == "reference"
            with config_context(engine="cpu"):
                assert seen(scope) == "cpu"  # the caller's own settings come first
        assert pool.submit(seen, scope).result() == "cpu"
        assert seen(None) == "cpu"


def test_estimators_carry_the_engine_to_threads(monkeypatch):
    used = []
    monkeypatch.setattr(_engine, "_load", lambda name: used.append(name) or _reference)
    X, _, sample_domain = make_covariate_shift(20, 20, random_state=0)
    with config_context(engine="reference"), ThreadPoolExecutor(1) as pool:
        model = clone(TCA(n_components=1))
        pool.submit(model.fit, X, sample_domain=sample_domain).result()
        pool.submit(model.transform, X).result()
    assert set(used) == {"reference"}
    model.transform(X)
    assert used[-1] == "cpu"
