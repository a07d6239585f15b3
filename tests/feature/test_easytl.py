"""EasyTL: the program's solution on the rows of fit, the nearest centroid in its limits."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestCentroid

from skransfer import CORAL, EasyTL, stack_domains
from skransfer.exceptions import SingleDomainWarning
from skransfer.solvers.intra_domain import solve_class_program

RNG = np.random.default_rng(0)
CENTERS = RNG.normal(scale=2.0, size=(4, 5))


def _domains(n_target=60, rng=RNG):
    ys, yt = rng.integers(4, size=80), rng.integers(4, size=n_target)
    ys[:4] = range(4)
    mixing = np.eye(5) + 0.3 * rng.normal(size=(5, 5))
    source = CENTERS[ys] + rng.normal(size=(80, 5))
    target = (CENTERS[yt] + rng.normal(size=(n_target, 5))) @ mixing + 1.0
    return source, ys, target, yt


XS, YS, XT, YT = _domains()
X, Y, D = stack_domains(XS, YS, XT)


def _fit(y=Y, rows=X, d=D, **params):
    return EasyTL(**params).fit(rows, y, sample_domain=d)


def _centroids(rows, y):
    return NearestCentroid().fit(rows, y)


def test_without_alignment_and_demand_it_is_the_nearest_centroid():
    ours, theirs = _fit(alignment=None, min_rows=0), _centroids(XS, YS)
    np.testing.assert_allclose(ours.centers_, theirs.centroids_, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.decision_function(X), -cdist(X, ours.centers_))
    assert ours.map_ is None
    assert not ours.prices_.any()


@pytest.mark.parametrize("alpha", [1.0, 0.0, "ledoit_wolf"])
def test_centers_are_those_of_the_recolored_source(alpha):
    moved = CORAL(alpha=alpha).fit_transform(X, sample_domain=D)[D >= 0]
    ours = _fit(alpha=alpha)
    np.testing.assert_allclose(ours.centers_, _centroids(moved, YS).centroids_, atol=1e-9)


def test_one_domain_is_the_nearest_centroid():
    with pytest.warns(SingleDomainWarning):
        ours = EasyTL().fit(XS, YS)
    np.testing.assert_allclose(ours.centers_, _centroids(XS, YS).centroids_, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(XT), _centroids(XS, YS).predict(XT))


@pytest.mark.parametrize("min_rows", [1, 5])
def test_rows_of_fit_get_the_solution_of_the_program(min_rows):
    for seed in range(5):
        source, ys, target, _ = _domains(20, np.random.default_rng(seed))
        target = target * 0.1 + 3.0  # in one corner: some classes are nearest to no row
        rows, y, d = stack_domains(source, ys, target)
        ours = _fit(y, rows, d, alignment=None, min_rows=min_rows)
        solution = solve_class_program(cdist(target, ours.centers_), min_rows)
        predicted = ours.predict(target)
        np.testing.assert_array_equal(predicted, solution.classes)
        assert ours.prices_.any()
        assert (np.bincount(predicted, minlength=4) >= min_rows).all()
        np.testing.assert_array_equal(ours.predict(target[::-1])[::-1], predicted)
        np.testing.assert_array_equal(np.argmax(ours.decision_function(target), 1), predicted)


def test_it_follows_a_change_of_sensor():
    aligned, plain = [], []
    for seed in range(8):
        source, ys, target, yt = _domains(100, np.random.default_rng(seed))
        rows, y, d = stack_domains(source, ys, 2 * target + 3.0)
        aligned.append(_fit(y, rows, d).score(rows[80:], yt))
        plain.append(_fit(y, rows, d, alignment=None).score(rows[80:], yt))
    assert np.mean(aligned) > np.mean(plain) + 0.05


def test_target_labels_are_read_only_on_request():
    garbled = np.r_[YS, (YT + 1) % 4].astype(float)
    np.testing.assert_array_equal(_fit(garbled).centers_, _fit().centers_)
    some = Y.copy()
    some[80:110] = YT[:30]
    ours = _fit(some, train_on="labeled", alignment=None)
    rows, y = np.r_[XS, XT[:30]], np.r_[YS, YT[:30]]
    np.testing.assert_allclose(ours.centers_, _centroids(rows, y).centroids_, atol=1e-12)
    # Rows of the target are not recolored.
    moved = CORAL().fit_transform(X, sample_domain=D)[:110]
    expected = _centroids(moved, y).centroids_
    np.testing.assert_allclose(_fit(some, train_on="labeled").centers_, expected, atol=1e-9)
    some[80] = 9  # a class of the target alone
    assert _fit(some, train_on="labeled").classes_.tolist() == [0, 1, 2, 3, 9]


def test_two_classes_and_names():
    names = np.array(["no", "yes"])[(YS > 1).astype(int)]
    rows, y, d = stack_domains(XS, names, XT)
    ours = _fit(y, rows, d)
    scores = ours.decision_function(XT)
    assert scores.shape == (60,)
    np.testing.assert_array_equal(ours.predict(XT), np.where(scores > 0, "yes", "no"))


def test_sparse_rows_are_not_made_dense(monkeypatch):
    thin = np.where(np.abs(X) < 0.5, 0.0, X)
    dense = _fit(rows=thin)

    def refuse(self, *args, **kwargs):
        assert self.shape[0] < 10, "made dense"
        return original(self, *args, **kwargs)

    original = sparse.csr_array.toarray
    monkeypatch.setattr(sparse.csr_array, "toarray", refuse)
    ours = _fit(rows=sparse.csr_array(thin))
    np.testing.assert_allclose(ours.centers_, dense.centers_, atol=1e-9)
    np.testing.assert_allclose(
        ours.decision_function(sparse.csr_array(thin)), dense.decision_function(thin), atol=1e-6
    )


def test_fewer_target_rows_than_classes_need():
    rows, y, d = stack_domains(XS, YS, XT[:3])
    with pytest.raises(ValueError, match="min_rows=0"):
        _fit(y, rows, d)
    ours = _fit(y, rows, d, min_rows=0, alignment=None)
    np.testing.assert_array_equal(ours.predict(XT), _centroids(XS, YS).predict(XT))
    with pytest.raises(TypeError, match="sample_weight"):
        EasyTL().fit(X, Y, sample_domain=D, sample_weight=np.ones(len(X)))
