"""The Krylov space: orthonormal, consistent, and exact once it is invariant."""

import numpy as np
import pytest

from skransfer.kernels import Backend, DenseOperator, to_host
from skransfer.solvers import krylov
from skransfer.solvers.krylov import KrylovSpace, check_room


def _operator(values, seed=0):
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    K = (Q * values) @ Q.T
    return DenseOperator((K + K.T) / 2, symmetric=True)


@pytest.mark.parametrize(
    "values", [0.5 ** np.arange(80.0), 1 / np.arange(1.0, 81), np.linspace(1, -1, 80), np.ones(80)]
)
def test_basis_is_orthonormal_and_products_belong_to_it(values):
    op, rng = _operator(values), np.random.default_rng(1)
    start = rng.normal(size=(80, 6))
    start[:, 3] = start[:, 1] - start[:, 2]
    start[:, 4] = 0
    space = KrylovSpace(op, start)
    while space.grow():
        p = space.basis.shape[1]
        assert p <= 80
        np.testing.assert_allclose(space.basis.T @ space.basis, np.eye(p), atol=1e-12)
        np.testing.assert_allclose(space.products, op @ space.basis, atol=1e-13)
        rest = start - space.basis @ (space.basis.T @ start)
        assert np.abs(rest).max() < 1e-12


def test_contains_the_powers_of_the_matrix():
    op, start = _operator(1 / np.arange(1.0, 61)), np.random.default_rng(1).normal(size=(60, 3))
    space = KrylovSpace(op, start)
    power = start
    for _ in range(4):
        assert space.grow()
        power = op @ power
        rest = power - space.basis @ (space.basis.T @ power)
        assert np.linalg.norm(rest) < 1e-10 * np.linalg.norm(power)


def test_a_matrix_of_low_rank_ends_the_growth():
    values = np.r_[3.0, 2.0, 1.0, np.zeros(57)]
    op = _operator(values)
    space = KrylovSpace(op, np.random.default_rng(1).normal(size=(60, 5)))
    grown = 0
    while space.grow():
        grown += 1
    assert grown <= 2
    assert space.basis.shape[1] <= 5 + 3 + 3
    found = np.linalg.eigvalsh(space.basis.T @ space.products)
    np.testing.assert_allclose(np.sort(found)[-3:], [1, 2, 3], rtol=1e-12)


def test_a_part_of_the_space_is_consistent():
    op, rng = _operator(0.8 ** np.arange(60.0)), np.random.default_rng(1)
    space = KrylovSpace(op, rng.normal(size=(60, 4)))
    space.grow()
    space.grow()
    Q, _ = np.linalg.qr(rng.normal(size=(12, 5)))
    kept, passes = space.basis @ Q, space.n_passes
    space.restrict(Q)
    np.testing.assert_allclose(space.basis, kept, atol=1e-14)
    np.testing.assert_allclose(space.products, op @ kept, atol=1e-13)
    assert space.n_passes == passes
    assert space.extend(rng.normal(size=(60, 2)))
    fresh = space.products[:, -2:]
    assert space.grow()
    assert space.basis.shape == (60, 9)
    assert np.abs(fresh - space.basis @ (space.basis.T @ fresh)).max() < 1e-12
    np.testing.assert_allclose(space.products, op @ space.basis, atol=1e-13)


def test_products_with_scaled_columns():
    op, rng = _operator(0.8 ** np.arange(30.0)), np.random.default_rng(1)
    scale = rng.uniform(0.5, 2, size=(30, 1))
    space = KrylovSpace(op, rng.normal(size=(30, 3)), scale)
    space.extend(rng.normal(size=(30, 2)))
    assert space.basis.shape == (30, 5)
    np.testing.assert_allclose(space.basis.T @ space.basis, np.eye(5), atol=1e-13)
    np.testing.assert_allclose(space.products, op @ (scale * space.basis), atol=1e-13)


def test_memory_is_asked_for_when_more_blocks_are_needed_than_there_was_room_for(monkeypatch):
    op = DenseOperator(np.diag(np.linspace(1.0, 2.0, 60)), symmetric=True)
    space = KrylovSpace(op, np.ones((60, 1)))
    asked = []
    monkeypatch.setattr(krylov, "check_memory", lambda size, *about: asked.append(size))
    while space.basis.shape[1] < 30:
        assert space.grow()
    assert len(asked) == 1  # it doubles
    assert asked[0] >= space.basis.nbytes + space.products.nbytes


def test_on_a_device():
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    rng = np.random.default_rng(1)
    K, start, more = _operator(0.8 ** np.arange(60.0)).to_dense(), *rng.normal(size=(2, 60, 3))
    start[:, 1] = 0
    there = [strict.asarray(np.array(part), device=device) for part in (K, start, more)]
    spaces = []
    for matrix, first, columns in ((K, start, more), there):
        space = KrylovSpace(DenseOperator(matrix, symmetric=True), first)
        assert [space.extend(columns), space.extend(columns)] == [True, False]
        while space.basis.shape[1] < 50:  # beyond the room that there is at first
            assert space.grow()
        spaces.append(space)
    found = spaces[1]
    assert found.basis.device == found.products.device == found.gram.device == device
    B, KB = to_host(found.basis), to_host(found.products)
    np.testing.assert_allclose(B.T @ B, np.eye(B.shape[1]), atol=1e-12)
    np.testing.assert_allclose(KB, K @ B, atol=1e-13)
    np.testing.assert_allclose(to_host(found.gram), KB.T @ KB, atol=1e-13)
    ours, theirs = B[:, :20], spaces[0].basis[:, :20]  # of a space, not of its basis
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-9)
    found.restrict(strict.asarray(np.eye(B.shape[1], 7), device=device))
    np.testing.assert_allclose(to_host(found.products), KB[:, :7], atol=1e-14)


def test_room_on_a_device_is_asked_for_there(monkeypatch):
    strict = pytest.importorskip("array_api_strict")
    backend = Backend(strict, strict.Device("device1"))
    monkeypatch.setattr(Backend, "free_memory", lambda self: 2.0**30)
    check_room(backend, 2**20, 4)  # exactly what is free
    with pytest.raises(MemoryError, match=r"device1.*n_components"):
        check_room(backend, 2**20, 5)
