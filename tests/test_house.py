"""The house rules that a machine can check: size, imports, banned calls, docstrings, mirroring."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skransfer

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "skransfer"
TESTS = ROOT / "tests"
FILES = sorted(PACKAGE.rglob("*.py"))

MAX_FILE_LINES = 350
MAX_BODY_LINES = 60
# What the first floor may take from scikit-learn: functions, never estimators.
FLOOR_ONE_MAY_IMPORT = (
    "sklearn",
    "sklearn.exceptions",
    "sklearn.metrics.pairwise",
    "sklearn.utils",
)
# Loaded when a method needs them, never by `import skransfer`.
HEAVY = ("numba", "cupy", "matplotlib", "pandas", "polars", "pooch", "dask", "ot", "tqdm")
# Floors 1 and 2 are the workshop; what users need of them is in `skransfer` itself.
WORKSHOP = ("base", "kernels", "solvers")
PUBLIC_PACKAGES = [
    "skransfer",
    *sorted(
        f"skransfer.{folder.name}"
        for folder in PACKAGE.iterdir()
        if folder.name not in WORKSHOP and any(folder.glob("*.py"))
    ),
]
# Folders and files of tests/ that stand for no single module.
NO_MIRROR = (
    "reproduction",
    "test_common.py",
    "test_contract.py",
    "test_house.py",
    "test_imitation.py",
    "test_portable.py",
    "test_readme.py",
    "test_searches.py",
)


# ------------------------------------------------------------------------- the source, as a tree


def _body_lines(function):
    """Lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def _imports(tree):
    """Every dotted name that a module imports: ``a.b.c`` for ``from a.b import c`` as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def _is_private(dotted):
    return any(part.startswith("_") and not part.endswith("__") for part in dotted.split("."))


def _banned_import(relative, dotted):
    """Why the module at `relative` may not import `dotted`, or None."""
    floor, top = relative.parts[0], dotted.split(".")[0]
    if dotted.startswith("."):
        return "relative import"
    if top == "sklearn" and _is_private(dotted) and relative != Path("_compat.py"):
        return "private scikit-learn name: go through skransfer/_compat.py"
    if top == "sklearn" and floor in ("kernels", "solvers"):
        module = dotted.rpartition(".")[0] or dotted
        allowed = (module, dotted)
        if not any(
            a == m or m.startswith(f"{a}.") for a in FLOOR_ONE_MAY_IMPORT[1:] for m in allowed
        ):
            is_config = dotted in ("sklearn", "sklearn.get_config", "sklearn.config_context")
            return None if is_config else "floor 1 knows no estimators of scikit-learn"
    if top == "numba" and relative != Path("kernels/_cpu/compilation.py"):
        return "numba comes through kernels/_cpu/compilation.py"
    inside = "skransfer.kernels._cpu."
    if relative.parts[:2] == ("kernels", "_cpu") and relative.name != "__init__.py":
        if dotted.startswith(inside) and dotted != f"{inside}compilation.compiled":
            return "numba's cache would not notice edits of the other module"
    elif dotted.startswith(inside) and relative != Path("kernels/_cpu/__init__.py"):
        return "an engine is loaded by kernels.engine()"
    if dotted in ("scipy.linalg.inv", "scipy.linalg.eig", "scipy.linalg.sqrtm", "numpy.linalg.inv"):
        return "no inv, eig or sqrtm: solve the symmetric problem"
    return None


def _banned_call(call, relative=Path()):
    """Why a call is against the rules, or None."""
    name = ast.unparse(call.func)
    if re.search(r"(^|\.)linalg\.(inv|eig|eigvals)$", name) or re.search(r"(^|\.)sqrtm$", name):
        return "no inv, eig or sqrtm: solve the symmetric problem"
    # The one place that lends a number of it, and gives it back.
    if re.search(r"(^|\.)set_config$", name) and relative != Path("_config.py"):
        return "global configuration belongs to the caller"
    if re.search(r"(^|\.)random\.(seed|set_state)$", name):
        return "the global generator belongs to the caller: check_random_state"
    for keyword in call.keywords:
        is_true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        if keyword.arg in ("fastmath", "parallel") and is_true:
            return f"no {keyword.arg}=True"
    return None


def _breaches(relative, source):
    """Every breach of a rule in one module, as ``line: reason`` strings."""
    tree, rows = ast.parse(source), []
    lines = source.count("\n")
    if lines > MAX_FILE_LINES:
        rows.append(f"1: {lines} lines, at most {MAX_FILE_LINES}")
    for line, dotted in _imports(tree):
        reason = _banned_import(relative, dotted)
        if reason:
            rows.append(f"{line}: {dotted}: {reason}")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = _body_lines(node)
            if length > MAX_BODY_LINES:
                rows.append(f"{node.lineno}: {node.name}: {length} lines of body, at most 60")
        elif isinstance(node, ast.Call) and _banned_call(node, relative):
            rows.append(f"{node.lineno}: {ast.unparse(node.func)}: {_banned_call(node, relative)}")
    return rows


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_keeps_the_rules(path):
    assert _breaches(path.relative_to(PACKAGE), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("base/x.py", "from . import domains"),
        ("base/x.py", "from .domains import split"),
        ("base/x.py", "from sklearn.utils._param_validation import Interval"),
        ("base/x.py", "from sklearn.utils import _safe_indexing"),
        ("solvers/x.py", "from sklearn.linear_model import Ridge"),
        ("solvers/x.py", "import sklearn.svm"),
        ("kernels/x.py", "from sklearn import ensemble"),
        ("solvers/x.py", "import numba"),
        ("solvers/x.py", "from numba import njit"),
        ("kernels/_cpu/x.py", "from numba import njit"),
        ("kernels/_cpu/x.py", "from skransfer.kernels._cpu.entries import exponential"),
        ("solvers/x.py", "from skransfer.kernels._cpu.entries import exponential"),
        ("solvers/x.py", "from scipy.linalg import sqrtm"),
        ("solvers/x.py", "np.linalg.inv(a)"),
        ("solvers/x.py", "xp.linalg.eig(a)"),
        ("solvers/x.py", "scipy.linalg.sqrtm(a)"),
        ("base/x.py", "sklearn.set_config(enable_metadata_routing=True)"),
        ("base/x.py", "np.random.seed(0)"),
        ("kernels/_cpu/x.py", "@njit(fastmath=True)\ndef f(): pass"),
        ("kernels/_cpu/x.py", "@njit(nogil=True, parallel=True)\ndef f(): pass"),
        ("base/x.py", "def f():\n" + "    x = 1\n" * 61),
        ("base/x.py", "x = 1\n" * 351),
    ],
)
def test_rules_notice_a_breach(where, source):
    assert len(_breaches(Path(where), source)) == 1


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("_compat.py", "from sklearn.utils import _safe_indexing"),
        ("solvers/x.py", "from sklearn.metrics.pairwise import rbf_kernel"),
        ("solvers/x.py", "from sklearn.utils.extmath import svd_flip"),
        ("solvers/x.py", "from sklearn.utils import check_random_state"),
        ("kernels/x.py", "from sklearn import get_config"),
        (
            "kernels/_cpu/x.py",
            "from skransfer.kernels._cpu.compilation import compiled\n@compiled()\ndef f(): pass",
        ),
        ("solvers/x.py", "from scipy.linalg import eigh\neigh(a, b)"),
        ("base/x.py", 'def f():\n    """' + "text\n" * 80 + '    """\n    return 1'),
    ],
)
def test_rules_let_good_code_pass(where, source):
    assert _breaches(Path(where), source) == []


# ------------------------------------------------------------------------------- what is public


def _parameters(value):
    """Names that a caller may pass."""
    try:
        signature = inspect.signature(value)
    except ValueError:  # a class without a constructor of its own
        return []
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [name for name, p in signature.parameters.items() if p.kind not in kinds]


def _described(doc):
    """Names that stand before " :" at the start of a line; "a, b : int" describes both."""
    rows = re.findall(r"^(\w+(?:, \w+)*) ?:(?!:)", doc, flags=re.MULTILINE)
    return {name for row in rows for name in row.split(", ")}


def _undocumented(value):
    """What the docstring of a public class or function lacks."""
    doc = inspect.getdoc(value) or ""
    if not doc:
        return ["a docstring"]
    if inspect.isclass(value) and issubclass(value, BaseException):
        return []  # raised, never called by a user: a sentence is enough
    rows = [name for name in _parameters(value) if name not in _described(doc)]
    if not re.search(r"^Examples\n-+$", doc, flags=re.MULTILINE) or ">>> " not in doc:
        rows.append("Examples with a doctest")
    return rows


@pytest.mark.parametrize("package", PUBLIC_PACKAGES)
def test_public_names_are_documented(package):
    module = importlib.import_module(package)
    public = {name: getattr(module, name) for name in module.__all__}
    lacking = {
        name: _undocumented(value)
        for name, value in public.items()
        if inspect.isclass(value) or inspect.isfunction(value)
    }
    assert {name: rows for name, rows in lacking.items() if rows} == {}


def test_a_poor_docstring_is_noticed():
    def plain(x, y):
        """Add two numbers.

        Parameters
        ----------
        x : int
        """

    assert _undocumented(plain) == ["y", "Examples with a doctest"]


@pytest.mark.parametrize("package", PUBLIC_PACKAGES)
def test_all_lists_real_names(package):
    module = importlib.import_module(package)
    assert len(set(module.__all__)) == len(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_dir_shows_all_public_names():
    assert set(skransfer.__all__) <= set(dir(skransfer))


# ------------------------------------------------------------------------------- light and quiet

_PROBE = """
import json, sys
import numpy as np
import sklearn

before = set(sys.modules)
config, state = sklearn.get_config(), np.random.get_state()[1].tolist()
import skransfer

print(json.dumps({
    "loaded": sorted({name.partition(".")[0] for name in set(sys.modules) - before}),
    "config kept": sklearn.get_config() == config,
    "random state kept": np.random.get_state()[1].tolist() == state,
}))
"""


def test_import_is_light_and_changes_nothing():
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROBE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout)
    assert "skransfer" in facts["loaded"]
    assert set(facts["loaded"]) & set(HEAVY) == set()
    assert facts["config kept"]
    assert facts["random state kept"]


# --------------------------------------------------------------------------------- the mirror


def _mirrors(test, package):
    """Does a test file stand for a module: test_qp.py or test_qp_limits.py for qp.py or _qp.py?"""
    subject = test.stem.removeprefix("test_")
    stems = {path.stem.lstrip("_") for path in package.glob("*.py")}
    stems |= {path.name.lstrip("_") for path in package.glob("*/")}
    return any(subject == stem or subject.startswith(f"{stem}_") for stem in stems if stem)


@pytest.mark.parametrize(
    "test",
    [
        path
        for path in sorted(TESTS.rglob("test_*.py"))
        if path.relative_to(TESTS).parts[0] not in NO_MIRROR
    ],
    ids=lambda path: str(path.relative_to(TESTS)),
)
def test_file_mirrors_a_module(test):
    relative = test.relative_to(TESTS)
    roots = [PACKAGE / relative.parent]
    if relative.parts[0] == "benchmarks":
        roots = [ROOT / relative.parent]
    assert any(_mirrors(test, root) for root in roots), f"{relative} stands for no module"
