"""Settings: scoped, checked, and independent between threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from skransfer import config_context, get_config


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
