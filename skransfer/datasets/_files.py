"""One door to the data files: a folder of the user's, else a checked download."""

import hashlib
import os
from pathlib import Path

from skransfer.datasets._registry import REGISTRY

__all__ = ["data_file", "load_mat"]

_FOLDER_VARIABLE = "SKRANSFER_DATA"
_CACHE_VARIABLE = "SKRANSFER_CACHE"


def data_file(relative_path):
    """Path of a data file whose SHA-256 is the registered one.

    The file is looked for in the folder that the environment variable ``SKRANSFER_DATA`` names,
    then in the cache (the folder of ``SKRANSFER_CACHE``, else the user's cache directory), which
    pooch fills from the file's public origin.

    Parameters
    ----------
    relative_path : str
        Path inside the data folder with forward slashes, such as ``"school/school.mat"``.

    Returns
    -------
    path : pathlib.Path
        A file with exactly the registered content.

    Raises
    ------
    ValueError
        The path is not registered, or the content differs from the registered hash.
    FileNotFoundError
        ``SKRANSFER_DATA`` names something that is not a folder.
    ImportError
        The file is not here and pooch, which would download it, is not installed.
    OSError
        The file is not here and its origin does not answer.

    Examples
    --------
    >>> from skransfer.datasets import data_file
    >>> data_file("school/school.mat")  # doctest: +SKIP
    PosixPath('/data/school/school.mat')
    """
    if relative_path not in REGISTRY:
        raise ValueError(
            f"{relative_path!r} is not a registered data file; "
            "skransfer.datasets.list_datasets() names the files of every loader"
        )
    local = _in_folder(relative_path)
    return _in_cache(relative_path) if local is None else local


def load_mat(relative_path):
    """Content of a MATLAB file of the registry."""
    from scipy.io import loadmat

    return loadmat(data_file(relative_path))


def _in_folder(relative_path):
    """The checked file in the user's own folder, or None."""
    folder = os.environ.get(_FOLDER_VARIABLE)
    if not folder:
        return None
    home = Path(folder).expanduser()
    if not home.is_dir():
        raise FileNotFoundError(
            f"{_FOLDER_VARIABLE}={folder!r} is not a folder; set it to the folder that holds "
            f"{relative_path!r}, or unset it to download the file into the cache"
        )
    path = home / relative_path
    if not path.is_file():
        return None
    _check_hash(
        path,
        relative_path,
        f"replace it by the original, or remove it from the folder of {_FOLDER_VARIABLE} so that "
        "it is downloaded into the cache",
    )
    return path


def _in_cache(relative_path):
    """The checked file in the cache, downloaded if it is not there yet."""
    record = REGISTRY[relative_path]
    cache = os.environ.get(_CACHE_VARIABLE)
    if cache:
        # a filled cache needs no downloader, so a machine without pooch can still use it
        path = Path(cache).expanduser() / relative_path
        if path.is_file() and _sha256(path) == record.sha256:
            return path
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"Data file {relative_path!r} is not on this machine, and pooch, which would "
            f"download it, is not installed: pip install 'skransfer[data]', or put the file into "
            f"a folder and set {_FOLDER_VARIABLE} to it"
        ) from error
    path = Path(cache or pooch.os_cache("skransfer")).expanduser() / relative_path
    if path.is_file() and _sha256(path) == record.sha256:
        return path
    return _download(pooch, path, relative_path, record)


def _download(pooch, path, relative_path, record):
    """Let pooch fetch one file; nothing stays in the cache unless its hash is right."""
    elsewhere = f"put the file into a folder and set {_FOLDER_VARIABLE} to that folder"
    try:
        pooch.retrieve(
            record.url,
            known_hash=f"sha256:{record.sha256}",
            fname=path.name,
            path=path.parent,
        )
    except ValueError as error:  # pooch's answer to another hash
        raise ValueError(
            f"Data file {relative_path!r} as its origin {record.url} serves it is not the "
            f"registered one ({error}); {elsewhere}"
        ) from error
    except OSError as error:  # every exception of requests is one
        raise OSError(
            f"Data file {relative_path!r} is not on this machine and its origin {record.url} did "
            f"not answer ({type(error).__name__}: {error}); go online, or {elsewhere}"
        ) from error
    return path


def _check_hash(path, relative_path, way_out):
    """Raise a ValueError unless the file has the registered content."""
    found, expected = _sha256(path), REGISTRY[relative_path].sha256
    if found != expected:
        raise ValueError(
            f"Data file {relative_path!r} at {path} is not the registered one: its SHA-256 is "
            f"{found}, expected {expected}; {way_out}"
        )


def _sha256(path):
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
