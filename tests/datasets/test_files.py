import hashlib
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

import pytest

from skransfer.datasets import _files, data_file, load_school
from skransfer.datasets._registry import REGISTRY, FileRecord

CONTENT = b"some rows"
NAME = "set/rows.mat"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Empty data folder and cache, named by the variables, and an origin folder."""
    paths = {name: tmp_path / name for name in ("data", "cache", "origin")}
    for path in paths.values():
        path.mkdir()
    monkeypatch.setenv("SKRANSFER_DATA", str(paths["data"]))
    monkeypatch.setenv("SKRANSFER_CACHE", str(paths["cache"]))
    return paths


def _register(monkeypatch, url):
    record = FileRecord(hashlib.sha256(CONTENT).hexdigest(), url)
    monkeypatch.setattr(_files, "REGISTRY", MappingProxyType({NAME: record}))


@pytest.fixture
def origin(folders, monkeypatch):
    """A web server on this machine that serves the origin folder."""
    handler = partial(_Quiet, directory=str(folders["origin"]))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        _register(monkeypatch, f"http://127.0.0.1:{server.server_port}/rows.mat")
        yield folders["origin"]
        server.shutdown()
        thread.join()


def _write(folder, content=CONTENT):
    path = Path(folder, NAME)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_folder_comes_first(folders, monkeypatch):
    _register(monkeypatch, "http://127.0.0.1:9/never")
    path = _write(folders["data"])
    assert data_file(NAME) == path
    assert list(folders["cache"].iterdir()) == []


def test_altered_file_is_refused(folders, monkeypatch):
    _register(monkeypatch, "http://127.0.0.1:9/never")
    _write(folders["data"], b"other rows")
    with pytest.raises(ValueError, match=r"'set/rows.mat' at .* is not the registered one") as info:
        data_file(NAME)
    assert "SKRANSFER_DATA" in str(info.value)


def test_cache_serves_without_the_folder_and_without_pooch(folders, monkeypatch):
    _register(monkeypatch, "http://127.0.0.1:9/never")
    monkeypatch.delenv("SKRANSFER_DATA")
    monkeypatch.setitem(sys.modules, "pooch", None)
    path = _write(folders["cache"])
    assert data_file(NAME) == path


def test_missing_file_without_pooch_says_what_to_do(folders, monkeypatch):
    _register(monkeypatch, "http://127.0.0.1:9/never")
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"'set/rows.mat'.*skransfer\[data\].*SKRANSFER_DATA"):
        data_file(NAME)


def test_missing_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SKRANSFER_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"SKRANSFER_DATA=.*nowhere.*is not a folder"):
        load_school()


def test_unknown_file_is_an_error():
    with pytest.raises(ValueError, match=r"'\.\./secret' is not a registered data file"):
        data_file("../secret")


def test_download_fills_the_cache_once(folders, origin):
    pytest.importorskip("pooch")
    (origin / "rows.mat").write_bytes(CONTENT)
    path = data_file(NAME)
    assert path == folders["cache"] / NAME
    assert path.read_bytes() == CONTENT
    (origin / "rows.mat").unlink()
    assert data_file(NAME) == path


def test_spoiled_cache_is_renewed(folders, origin):
    pytest.importorskip("pooch")
    (origin / "rows.mat").write_bytes(CONTENT)
    _write(folders["cache"], b"half a fi")
    assert data_file(NAME).read_bytes() == CONTENT


def test_cache_is_the_users_own_by_default(folders, origin, monkeypatch):
    pooch = pytest.importorskip("pooch")
    monkeypatch.delenv("SKRANSFER_CACHE")
    monkeypatch.setattr(pooch, "os_cache", lambda name: folders["cache"] / f"own {name}")
    (origin / "rows.mat").write_bytes(CONTENT)
    path = data_file(NAME)
    assert path == folders["cache"] / "own skransfer" / NAME
    (origin / "rows.mat").unlink()
    assert data_file(NAME) == path


def test_origin_with_another_file_is_refused(folders, origin):
    pytest.importorskip("pooch")
    (origin / "rows.mat").write_bytes(b"other rows")
    with pytest.raises(ValueError, match=r"'set/rows.mat' as its origin .* SKRANSFER_DATA"):
        data_file(NAME)
    assert [path for path in folders["cache"].rglob("*") if path.is_file()] == []


def test_origin_without_the_file_is_an_oserror(folders, origin):
    pytest.importorskip("pooch")
    with pytest.raises(OSError, match=r"'set/rows.mat' .* did not answer .*404.* SKRANSFER_DATA"):
        data_file(NAME)


def test_no_network_is_an_oserror(folders, monkeypatch):
    pytest.importorskip("pooch")
    _register(monkeypatch, "http://127.0.0.1:9/rows.mat")
    with pytest.raises(OSError, match=r"did not answer .*go online"):
        data_file(NAME)


def test_every_record_is_pinned():
    assert len(REGISTRY) == 36
    for path, record in REGISTRY.items():
        assert not path.startswith("/")
        assert set(record.sha256) <= set("0123456789abcdef")
        assert len(record.sha256) == 64
        assert record.url.startswith("https://github.com/")
        assert record.url.split("/")[5] == "raw"
        assert set(record.url.split("/")[6]) <= set("0123456789abcdef")


def test_files_of_the_folder_have_the_registered_content(real_data):
    for name in ("office_caltech10_splits", "newsgroups20_small", "corn_nir", "wine_quality"):
        folder = real_data(name)
        paths = [path for path in REGISTRY if path.startswith(f"{name}/")]
        assert paths
        for path in paths:
            assert data_file(path) == folder.parent / path


def test_import_loads_no_optional_package():
    code = (
        "import sys, sklearn.datasets; before = set(sys.modules); "
        "import skransfer.datasets as d; "
        "assert d.make_label_shift; "
        "print(sorted({'pandas', 'pooch', 'matplotlib', 'numba'} & (set(sys.modules) - before)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
