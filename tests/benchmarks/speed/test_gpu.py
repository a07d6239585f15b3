"""The page about a GPU, made on a device that is none: what it shows, and what it refuses to."""

import numpy as np
import pytest

from benchmarks.speed import gpu, gpu_methods, gpu_tables
from benchmarks.speed.gpu_limits import NOMINAL
from benchmarks.speed.gpu_methods import METHODS, CpuTime, problem
from benchmarks.speed.gpu_tables import Plan, crossovers, fit_rows, product_rows
from skransfer.kernels import Backend, backend_of

TINY = {"sizes": (60, 90), "products": ((40,), (3,), (1, 2)), "n_features": 3, "runs": 1}


@pytest.fixture
def device():
    xp = pytest.importorskip("array_api_strict")
    return Backend(xp, xp.Device("device1"))


def _here(name, n, d, dtype, limit, runs):
    """The side of the CPU, in this process."""
    method, rows = METHODS[name], problem(n, d, dtype)
    return CpuTime("1000", 1000.0, method.outcome(method.fit(*rows), *rows))


def _slow(name, n, d, dtype, limit, runs):
    return CpuTime(f"> {limit:g}")


def _fits(device, on_cpu=_here, **plan):
    failures = []
    rows = list(fit_rows(device, Plan(**{**TINY, **plan}), failures, on_cpu))
    return [dict(zip(gpu_tables.FIT_HEAD, cells, strict=True)) for cells, _ in rows], failures


def _products(device, **plan):
    failures = []
    rows = list(product_rows(device, NOMINAL[0], Plan(**{**TINY, **plan}), failures))
    return [dict(zip(gpu_tables.PRODUCT_HEAD, cells, strict=True)) for cells in rows], failures


# ----------------------------------------------------------------------------------- the page


def test_the_page(device, tmp_path, capsys):
    options = gpu._options(["--quick", "--output", str(tmp_path / "folder" / "page.md")])
    plan = Plan(**TINY, methods=("TCA", "MMD"))
    status = gpu._run(device, plan, NOMINAL[0], ["Facts."], gpu.MODULE, options, on_cpu=_here)
    text = (tmp_path / "folder" / "page.md").read_text(encoding="utf-8")
    assert status == 0
    assert text.strip() == capsys.readouterr().out.strip()
    assert text.startswith("# On a GPU: NVIDIA H200\n")
    for fact in ("Facts.", "python -m benchmarks.speed.gpu --quick", "NumPy", "threads"):
        assert fact in text
    for dtype in ("float32", "float64"):
        for form in ("tiled", "dense"):
            assert text.count(f"| {dtype} | 40 | 3 | 1 | {form} |") == 1
        for n in (60, 90):
            assert text.count(f"| TCA | {n} | {dtype} |") == 1
        assert f"- MMD, {dtype}: rows on the GPU, from n = 60; transfers" in text
    assert "disagrees" not in text.split("## Fits")[0]
    assert "| disagrees" not in text
    assert "| failed" not in text


@pytest.mark.parametrize("name", METHODS)
def test_each_method_has_its_row(device, name):
    cells, failures = _fits(device, methods=(name,), sizes=(60,))
    assert failures == []
    assert [one["dtype"] for one in cells] == ["float32", "float64"]
    for one in cells:
        assert float(one["GPU, s"]) > 0
        assert float(one["CPU / GPU"]) > 0
        assert float(one["difference"]) <= max(1e-5, METHODS[name].tolerance)


def test_a_run_that_is_cut_leaves_what_it_has(device, tmp_path):
    def cut(name, n, *rest):
        if n > 60:
            raise KeyboardInterrupt
        return _here(name, n, *rest)

    options = gpu._options(["--output", str(tmp_path / "page.md")])
    plan = Plan(**TINY, methods=("MMD",))
    with pytest.raises(KeyboardInterrupt):
        gpu._run(device, plan, NOMINAL[0], [], gpu.MODULE, options, on_cpu=cut)
    assert "| MMD | 60 | float64 |" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_without_a_gpu_nothing_is_written(tmp_path, monkeypatch, capsys):
    def none(asked):
        raise RuntimeError("there is no CUDA device")

    monkeypatch.setattr(gpu, "cuda_backend", none)
    assert gpu.main(["--output", str(tmp_path / "page.md")]) == 2
    assert list(tmp_path.iterdir()) == []
    assert "Nothing was measured. there is no CUDA device" in capsys.readouterr().err


def test_the_command_with_cupy(cupy, tmp_path, monkeypatch, capsys):
    imitated, done = not hasattr(cupy.cuda.runtime, "getDeviceProperties"), []
    if imitated:
        pool = cupy.get_default_memory_pool()
        pool.free_all_blocks = lambda: done.append("freed")
        monkeypatch.setattr(cupy, "get_default_memory_pool", lambda: pool)
        monkeypatch.setattr(cupy, "get_default_pinned_memory_pool", lambda: pool, raising=False)
        monkeypatch.setattr(
            cupy.cuda.Device, "synchronize", lambda self: done.append("waited"), raising=False
        )
        monkeypatch.setattr(gpu, "card_of", lambda backend: NOMINAL[0])
        monkeypatch.setattr(gpu, "versions_of", lambda backend: "CuPy in imitation")
    monkeypatch.setattr(gpu, "QUICK", Plan(**TINY))
    monkeypatch.setattr(gpu_methods.CpuSide, "__call__", lambda self, *case: _here(*case))
    monkeypatch.setattr(gpu, "RESULTS", tmp_path)
    assert gpu.main(["--quick", "--sizes", "60", "--methods", *METHODS]) == 0
    (page,) = tmp_path.iterdir()
    text = page.read_text(encoding="utf-8")
    assert page.name.startswith("gpu-nvidia-")
    assert "--methods TCA KMM KMM-10 CORAL ULSIF MMD --quick`" in text
    for name in METHODS:
        assert text.count(f"| {name} | 60 |") == 2
    assert "| failed" not in text
    assert "| disagrees" not in text
    assert set(done) == ({"freed", "waited"} if imitated else set())


def test_the_page_of_limits_is_up_to_date(tmp_path):
    assert gpu.main(["--limits", "--output", str(tmp_path / "gpu.md")]) == 0
    made = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert made == (gpu.RESULTS / "gpu.md").read_text(encoding="utf-8")
    assert "| float32 | 64 | 1 | tiled | 6.53 | 8.14 | not measured |" in made


def test_arguments_make_the_plan_and_the_command():
    plan, command = gpu._plan(gpu._options(["--sizes", "50", "70", "--limit", "7"]))
    assert (plan.sizes, plan.limit, plan.budget) == ([50, 70], 7.0, Plan.budget)
    assert command == "benchmarks.speed.gpu --sizes 50 70 --limit 7"
    quick, command = gpu._plan(gpu._options(["--quick", "--methods", "TCA"]))
    assert (quick.sizes, quick.methods) == (gpu_tables.QUICK.sizes, ["TCA"])
    assert quick.left() > Plan.budget - 1


# ------------------------------------------------------------------------- what is not timed


def test_a_wrong_product_is_not_timed(device, monkeypatch):
    right = gpu_tables.kernel_operator

    def wrong_there(X, Y, gamma, **options):
        off = 1.0 if backend_of(X).is_host else 1.001
        return right(X, Y, gamma=gamma * off, **options)

    monkeypatch.setattr(gpu_tables, "kernel_operator", wrong_there)
    monkeypatch.setattr(gpu_tables, "_median", None)
    cells, failures = _products(device)
    assert failures == []
    assert len(cells) == 8
    for one in cells:
        assert one["ps / entry"].startswith("disagrees: not timed (")
        assert one["times the limit"] == one["ms"] == ""


def test_a_wrong_fit_is_not_timed(device, monkeypatch):
    def off(fitted, X, domains):
        return np.array([1.0 if backend_of(X).is_host else 1.0001]), 1.0

    monkeypatch.setitem(METHODS, "CORAL", METHODS["CORAL"]._replace(outcome=off))
    monkeypatch.setattr(gpu_tables, "_median", None)
    cells, failures = _fits(device, methods=("CORAL",))
    assert failures == []
    assert {one["GPU, s"] for one in cells} == {"disagrees: not timed (1e-04)"}
    assert {one["CPU / GPU"] for one in cells} == {""}


def test_one_failure_ends_no_table(device, monkeypatch, tmp_path, capsys):
    def fit(X, domains):
        if not backend_of(X).is_host:
            raise MemoryError("8 TiB") if X.shape[0] > 60 else ValueError("of the solver")
        return METHODS["MMD"].fit(X, domains)

    broken = METHODS["MMD"]._replace(fit=fit)
    monkeypatch.setattr(gpu_methods, "METHODS", {**METHODS, "CORAL": broken, "TCA": METHODS["TCA"]})
    monkeypatch.setattr(gpu_tables, "METHODS", gpu_methods.METHODS)
    cells, failures = _fits(device, on_cpu=_slow, methods=("CORAL", "MMD"))
    assert [one["GPU, s"] for one in cells if one["method"] == "CORAL"] == [
        *["failed: ValueError"] * 2,
        *["does not fit"] * 2,
    ]
    assert failures == ["ValueError('of the solver')"] * 2
    assert all(float(one["GPU, s"]) > 0 for one in cells if one["method"] == "MMD")
    options = gpu._options(["--output", str(tmp_path / "page.md")])
    plan = Plan(**TINY, methods=("CORAL",))
    assert gpu._run(device, plan, NOMINAL[0], [], gpu.MODULE, options, on_cpu=_slow) == 1


def test_a_slow_cpu_leaves_no_reference_and_is_asked_no_more(device):
    asked = []

    def slow(name, n, d, dtype, limit, runs):
        asked.append((n, d, dtype))
        known = (n, dtype) in ((60, "float64"), (60, "float32"))
        return _here(name, n, d, dtype, limit, runs) if known else CpuTime("> 7", at_least=7.0)

    cells, _ = _fits(device, on_cpu=slow, methods=("MMD",), sizes=(60, 90, 120))
    assert asked == [(60, 3, "float64"), (60, 3, "float32"), (90, 3, "float64")]
    cells = {(one["n"], one["dtype"]): one for one in cells}
    assert cells[90, "float64"]["CPU, s"] == "> 7"
    assert cells[90, "float32"]["CPU, s"] == cells[120, "float64"]["CPU, s"] == "not tried"
    for (n, _), one in cells.items():
        assert float(one["GPU, s"]) > 0
        assert (one["difference"] == "no reference") == (n > 60)
    assert float(cells[60, "float32"]["CPU / GPU"]) > 0
    bound = float(cells[90, "float64"]["CPU / GPU"].removeprefix("> "))
    assert bound == pytest.approx(7 / float(cells[90, "float64"]["GPU, s"]), rel=0.05)
    assert cells[90, "float32"]["CPU / GPU"] == cells[120, "float64"]["CPU / GPU"] == ""


def test_a_method_may_have_its_own_number_of_features(device):
    asked = []

    def seen(name, n, d, *rest):
        asked.append(d)
        return _here(name, n, d, *rest)

    cells, failures = _fits(device, on_cpu=seen, methods=("KMM", "KMM-10"), sizes=(60,))
    assert asked == [3, 3, 10, 10]
    assert failures == []
    assert all(float(one["difference"]) <= 1e-4 for one in cells)


def test_nothing_is_started_when_the_time_is_up(device):
    cells, _ = _products(device, budget=0.0)
    assert {one["ps / entry"] for one in cells} == {"not tried"}
    cells, _ = _fits(device, on_cpu=None, budget=0.0)
    assert {one["GPU, s"] for one in cells} == {one["CPU, s"] for one in cells} == {"not tried"}


# --------------------------------------------------------------------------------- crossovers


def test_the_crossover_is_where_the_gpu_wins_for_good():
    times = [
        ("TCA", "float32", 10, 1.0, 5.0, 2.0),  # wins once, by chance
        ("TCA", "float32", 20, 3.0, 5.0, 2.0),
        ("TCA", "float32", 30, 3.0, 5.0, 4.0),
        ("TCA", "float32", 40, 3.0, 5.0, 9.0),
        ("TCA", "float32", 50, 3.0, 5.0, None),
        ("KMM", "float32", 10, None, None, 2.0),
        ("ULSIF", "float32", 10, 3.0, 0.1, 2.0),
    ]
    tca, kmm, ulsif = crossovers(times)
    assert tca == (
        "TCA, float32: rows on the GPU, from n = 30; transfers counted, from n = 40 "
        "(both were timed at n = 10, 20, 30, 40)."
    )
    assert "not known" in kmm
    assert "rows on the GPU, not at the sizes timed" in ulsif
