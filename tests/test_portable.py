"""Code for an array namespace calls what NumPy 2.0, CuPy 13.3 and the strict namespace all have.

The three are told apart by their signatures: a function is found in each of them, and a call fits
each of them. What they lack, or name differently, is a method of ``skransfer.kernels.Backend``.
"""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import skransfer
from tests.imitation_cupy.signatures import SIGNATURES, UFUNCS, signature_of

PACKAGE = Path(skransfer.__file__).parent
# These know the libraries apart, or are of CuPy alone.
OWN = ("kernels/_backend.py", "kernels/_gpu.py", "kernels/_rows.py")
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.as_posix().endswith(OWN)]
CONSTANTS = ("float32", "float64", "int64", "inf", "nan", "pi", "e", "newaxis")
OF_CUPY = {line.partition("(")[0] for line in SIGNATURES.split("\n") if "(" in line}
OF_CUPY |= {*UFUNCS.split(), "matmul", *CONSTANTS}


def _uses(source):
    """``(line, dotted name, call or None)`` of each function taken from a namespace ``xp``."""
    tree = ast.parse(source)
    inner = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    calls = {id(n.func): n for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            found = re.fullmatch(r"(?:[\w.]+\.)?xp\.([\w.]+)", ast.unparse(node))
            if found:
                yield node.lineno, found.group(1), calls.get(id(node))


def _breaches(source):
    """Uses that one of the namespaces would not understand."""
    strict = pytest.importorskip("array_api_strict")
    rows = []
    for line, name, call in _uses(source):
        if name == "__name__":
            continue
        lacking = [
            where
            for where, names in (("NumPy", np), ("the strict namespace", strict))
            if _found(names, name) is None
        ]
        # Where CuPy has it, tests/imitation_cupy/signatures.py only has to be told so.
        lacking += [] if name in OF_CUPY else ["CuPy 13.3"]
        if lacking:
            rows.append(f"{line}: xp.{name} is not in {', '.join(lacking)}")
        elif call is not None:
            rows += [f"{line}: xp.{name}: {reason}" for reason in _misfits(name, call, strict)]
    return rows


def _found(namespace, dotted):
    for part in dotted.split("."):
        namespace = getattr(namespace, part, None)
    return namespace


def _misfits(name, call, strict):
    """Why a call does not fit the signatures of CuPy and of the strict namespace."""
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return
    keywords = {keyword.arg: None for keyword in call.keywords}
    for where, signature in (
        ("CuPy", signature_of(name)),
        ("the strict namespace", inspect.signature(_found(strict, name))),
    ):
        try:
            if signature is not None and None not in keywords:
                signature.bind(*call.args, **keywords)
        except TypeError as error:
            yield f"{where}: {error}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_namespaces_are_used_alike(path):
    assert _breaches(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "xp.concat([x, y])",  # CuPy 14
        "backend.xp.concatenate([x, y])",  # not of the standard
        "xp.linalg.vector_norm(x)",  # never in CuPy
        "self.backend.xp.linalg.inv2(x)",
        "xp.sum(x, 0)",  # the standard takes axes by name
        "xp.argsort(x, stable=True)",
        "xp.var(x, correction=1)",
        "xp.asarray(x, copy=True)",  # CuPy 14
        "xp.zeros(3, device=d)",
    ],
)
def test_a_breach_is_noticed(source):
    assert len(_breaches(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "xp.sum(x, axis=0, dtype=kind)",
        "xp.linalg.solve(a, b)",
        "backend.xp.where(found, x, 0.0)",
        "xp.reshape(x, (-1,))",
        "xp.max(x, **options)",
        "exp.concat(x)",  # another name
        "(y - xp.mean(x, axis=0)).T",
    ],
)
def test_good_code_passes(source):
    assert _breaches(source) == []
