"""What all tests share: real data or a reason to skip, GPU tests likewise, and a clean exit."""

import importlib.util
import os
from pathlib import Path

# Test problems are small: BLAS threads only fight each other and the worker processes. Read when
# NumPy is first imported, so it comes before that.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import pytest  # noqa: E402
import sklearn  # noqa: E402


def _why_no_gpu():
    """Reason why GPU tests cannot run here, or None where they can."""
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed"
    import cupy

    try:
        return None if cupy.cuda.runtime.getDeviceCount() else "no CUDA device"
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"no usable CUDA device: {error}"


def pytest_collection_modifyitems(items):
    """Skip tests marked ``gpu`` where there is no GPU, and say why."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = _why_no_gpu() if marked else None
    if reason:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(params=["imitation", pytest.param("gpu", marks=pytest.mark.gpu)])
def cupy(request):
    """CuPy: on a GPU where there is one, and in imitation everywhere."""
    if request.param == "gpu":
        yield pytest.importorskip("cupy")
        return
    from tests.imitation_cupy import installed

    with installed() as imitation:
        yield imitation


@pytest.fixture(scope="session")
def real_data():
    """Folder of a real data set by name: ``real_data("wine_quality")``."""

    def folder(name):
        home = os.environ.get("SKRANSFER_DATA")
        if not home:
            pytest.skip("SKRANSFER_DATA does not name a folder of data sets")
        path = Path(home, name)
        if not path.is_dir():
            pytest.skip(f"the folder SKRANSFER_DATA holds no {name}")
        return path

    return folder


@pytest.fixture(autouse=True)
def _configuration_is_left_alone():
    """Global settings of scikit-learn belong to the caller: no test may leave them changed."""
    before = sklearn.get_config()
    yield
    after = sklearn.get_config()
    if after != before:
        sklearn.set_config(**before)
    assert after == before
