"""Settings: scoped, checked, and independent between threads."""

import asyncio
import contextvars
import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest
import sklearn
from sklearn.utils.parallel import Parallel, delayed

from skransfer import config_context, get_config
from skransfer._config import asked_by
from skransfer.kernels import run_shared


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


def test_scikit_learn_brings_settings_to_its_workers():
    for backend in ("threading", "loky"):
        with joblib.parallel_config(backend, n_jobs=2):
            with config_context(engine="reference"):
                found = Parallel()(delayed(get_config)() for _ in range(2))
            assert [settings["engine"] for settings in found] == ["reference"] * 2
            found = Parallel()(delayed(get_config)() for _ in range(2))
            assert [settings["engine"] for settings in found] == ["cpu"] * 2


def test_a_block_in_a_worker_comes_first():
    def inside():
        with config_context(engine="cpu"):
            return get_config()

    settings = config_context(engine="reference", device="cuda")
    with settings, joblib.parallel_config("threading", n_jobs=2):
        found = Parallel()(delayed(inside)() for _ in range(2))
    assert found == [{"engine": "cpu", "device": "cuda"}] * 2


def test_a_number_of_scikit_learn_carries_settings_and_is_given_back():
    seen: list[str] = []
    before = sklearn.get_config()
    with config_context(engine="reference"):
        carried = sklearn.get_config()
        assert carried == before  # for whoever computes with it
        copied = pickle.loads(pickle.dumps(carried))["pairwise_dist_chunk_size"]
        assert copied.settings == {"engine": "reference"}
        with sklearn.config_context(pairwise_dist_chunk_size=copied):  # as in a worker
            assert get_config()["engine"] == "reference"
    assert type(sklearn.get_config()["pairwise_dist_chunk_size"]) is int
    with sklearn.config_context(pairwise_dist_chunk_size=copied):
        assert get_config()["engine"] == "reference"
        run_shared(lambda _: seen.append(get_config()["engine"]), range(3), n_threads=2)
    assert seen == ["reference"] * 3


def test_other_tasks_of_a_thread_are_left_alone():
    async def told(entered, done):
        with config_context(device="cuda"):
            entered.set()
            await done.wait()

    async def asked():
        entered, done = asyncio.Event(), asyncio.Event()
        other = asyncio.create_task(told(entered, done))
        await entered.wait()
        found = get_config()
        done.set()
        await other
        return found

    assert asyncio.run(asked())["device"] == "cpu"


def test_blocks_of_tasks_end_in_any_order():
    first, second = config_context(device="cuda"), config_context(engine="reference")
    one, two = contextvars.copy_context(), contextvars.copy_context()
    one.run(first.__enter__)
    two.run(second.__enter__)
    one.run(first.__exit__, None, None, None)
    assert sklearn.get_config()["pairwise_dist_chunk_size"].settings == {"engine": "reference"}
    two.run(second.__exit__, None, None, None)
    assert type(sklearn.get_config()["pairwise_dist_chunk_size"]) is int
    with joblib.parallel_config("threading", n_jobs=2):
        found = Parallel()(delayed(get_config)() for _ in range(2))
    assert found == [{"engine": "cpu", "device": "cpu"}] * 2


def test_other_settings_of_scikit_learn_are_the_users():
    before = sklearn.get_config()["display"]
    try:
        with config_context(device="cuda"):
            sklearn.set_config(display="text")
            held = sklearn.get_config()
        assert sklearn.get_config()["display"] == "text"
        copied = pickle.loads(pickle.dumps(held["pairwise_dist_chunk_size"]))
        assert type(copied) is int  # of a block that has ended
    finally:
        sklearn.set_config(display=before)


def test_messages_name_what_asked(monkeypatch):
    with config_context(device="cuda"):
        assert asked_by("device") == "device='cuda'"
    monkeypatch.setenv("SKRANSFER_DEVICE", "cuda")
    assert asked_by("device") == "SKRANSFER_DEVICE=cuda"
