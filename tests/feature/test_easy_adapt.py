"""EasyAdapt against its kernel, the multi-task problem it stands for, and its two limits."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skransfer import EasyAdapt, EasyAdaptPlus, Pooled, TargetOnly, stack_domains
from skransfer.exceptions import SingleDomainWarning
from skransfer.feature._augmentation import spread
from skransfer.model_selection import TargetKFold

RNG = np.random.RandomState(0)
N = (40, 30, 25)  # rows of two sources and of the target
IDS = np.repeat([0, 1, -1], N)
X = RNG.normal(size=(sum(N), 4)) + 0.5
COEF = np.array([[1.0, -1.0, 0.5, 0.0], [1.0, -1.0, 0.0, 0.5], [1.0, 0.0, 0.5, 0.5]])
Y = np.einsum("ij,ij->i", X, np.repeat(COEF, N, axis=0)) + 0.1 * RNG.normal(size=sum(N))
LABELS = (np.quantile(Y, 0.5) < Y).astype(int)


def test_layout_with_several_sources():
    Z = EasyAdapt().fit_transform(X, sample_domain=IDS)
    zero = np.zeros_like(X)
    blocks = [X, *(np.where((k == IDS)[:, None], X, zero) for k in (0, 1)), zero]
    blocks[3] = np.where((IDS < 0)[:, None], X, zero)
    np.testing.assert_allclose(Z, np.hstack(blocks), rtol=1e-15)


def test_new_rows_are_target_rows_unless_said_otherwise():
    fitted = EasyAdapt().fit(X, sample_domain=IDS)
    plain = fitted.transform(X[:3])
    np.testing.assert_array_equal(plain, fitted.transform(X[:3], sample_domain=[-1, -5, -2]))
    np.testing.assert_allclose(plain, np.hstack([X[:3], np.zeros((3, 8)), X[:3]]), rtol=1e-15)
    with pytest.raises(ValueError, match="source ids \\[2\\]"):
        fitted.transform(X[:1], sample_domain=[2])


@pytest.mark.parametrize("sharing", [0.2, 0.5])
def test_support_vector_machine_equals_that_of_the_paper_kernel(sharing):
    same = IDS[:, None] == IDS
    K = (X @ X.T) * (2 * sharing + 2 * (1 - sharing) * same)
    ours = EasyAdapt(SVC(kernel="linear", tol=1e-8), sharing=sharing)
    ours.fit(X, LABELS, sample_domain=IDS)
    theirs = SVC(kernel="precomputed", tol=1e-8).fit(K, LABELS)
    decision = ours.decision_function(X, sample_domain=IDS)
    np.testing.assert_allclose(decision, theirs.decision_function(K), atol=1e-5)


@pytest.mark.parametrize("sharing", [0.1, 0.5, 0.8])
def test_ridge_equals_regularized_multi_task_learning(sharing):
    """Normal equations of the problem over (w_0, v_0, v_1, v_t), written without long rows."""
    alpha, d = 0.7, X.shape[1]
    grams = [X[k == IDS].T @ X[k == IDS] for k in (0, 1, -1)]
    moments = [X[k == IDS].T @ Y[k == IDS] for k in (0, 1, -1)]
    A, b = np.zeros((4 * d, 4 * d)), np.concatenate([sum(moments), *moments])
    A[:d, :d] = sum(grams) + alpha / (2 * sharing) * np.eye(d)
    for k, G in enumerate(grams, start=1):
        own = slice(k * d, (k + 1) * d)
        A[:d, own], A[own, :d] = G, G
        A[own, own] = G + alpha / (2 * (1 - sharing)) * np.eye(d)
    w = np.linalg.solve(A, b).reshape(4, d)
    ridge = Ridge(alpha=alpha, fit_intercept=False)
    fitted = EasyAdapt(ridge, sharing=sharing).fit(X, Y, sample_domain=IDS)
    np.testing.assert_allclose(fitted.predict(X), X @ (w[0] + w[3]), rtol=1e-9, atol=1e-10)
    one = fitted.predict(X, sample_domain=np.ones(len(X), dtype=int))
    np.testing.assert_allclose(one, X @ (w[0] + w[2]), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("sharing", "limit"), [(0.0, TargetOnly), (1.0, Pooled)])
def test_limits_are_the_target_alone_and_one_pooled_model(sharing, limit):
    # Rows are multiplied by sqrt(2) there, hence twice the penalty.
    limiting = limit(Ridge(alpha=0.5, fit_intercept=False)).fit(X, Y, sample_domain=IDS)
    for nearly in (sharing, abs(sharing - 1e-9)):
        ours = EasyAdapt(Ridge(alpha=1.0, fit_intercept=False), sharing=nearly)
        ours.fit(X, Y, sample_domain=IDS)
        np.testing.assert_allclose(ours.predict(X), limiting.predict(X), rtol=1e-5, atol=1e-5)


def test_one_domain_is_the_plain_model_of_twice_the_kernel():
    with pytest.warns(SingleDomainWarning):
        ours = EasyAdapt(Ridge(alpha=2.0), sharing=0.3).fit(X, Y)
    np.testing.assert_allclose(ours.predict(X), Ridge(alpha=1.0).fit(X, Y).predict(X), rtol=1e-10)
    with pytest.warns(SingleDomainWarning):
        tree = EasyAdapt(DecisionTreeClassifier(random_state=0)).fit(X, LABELS)
    assert tree.score(X, LABELS) == 1.0


def test_own_intercepts_find_an_offset_between_domains():
    shifted = Y + np.where(IDS < 0, 5.0, 0.0)
    known = shifted.copy()
    known[np.flatnonzero(IDS < 0)[12:]] = np.nan
    hidden = np.isnan(known)
    scores = []
    for scaling in (0.0, 1.0):
        fitted = EasyAdapt(Ridge(0.1), intercept_scaling=scaling)
        fitted.fit(X, known, sample_domain=IDS)
        scores.append(fitted.score(X[hidden], shifted[hidden]))
    assert scores[1] > 0.95
    assert scores[0] < 0.0


def test_unlabeled_target_rows_are_left_out_and_some_labels_are_needed():
    known = Y.copy()
    known[-15:] = np.nan
    ours = EasyAdapt(Ridge()).fit(X, known, sample_domain=IDS)
    theirs = EasyAdapt(Ridge()).fit(X[:-15], Y[:-15], sample_domain=IDS[:-15])
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-12)
    known[IDS < 0] = np.nan
    with pytest.raises(ValueError, match="labeled target rows"):
        EasyAdapt(Ridge()).fit(X, known, sample_domain=IDS)
    EasyAdapt().fit(X, known, sample_domain=IDS)  # the map needs no label


def test_a_weight_is_a_repetition():
    weights = np.arange(sum(N)) % 3
    ours = EasyAdapt(Ridge()).fit(X, Y, sample_domain=IDS, sample_weight=weights)
    again = np.repeat(np.arange(sum(N)), weights)
    theirs = EasyAdapt(Ridge()).fit(X[again], Y[again], sample_domain=IDS[again])
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scaling", [0.0, 2.0])
def test_sparse_rows_stay_sparse(dtype, scaling):
    rows = np.where(np.abs(X) < 0.5, 0.0, X).astype(dtype)
    settings = {"sharing": 0.3, "intercept_scaling": scaling}
    dense = EasyAdapt(**settings).fit_transform(rows, sample_domain=IDS)
    fitted = EasyAdapt(**settings).fit(sparse.csr_array(rows), sample_domain=IDS)
    ours = fitted.transform(sparse.csr_matrix(rows), sample_domain=IDS)
    assert sparse.issparse(ours)
    assert ours.format == "csr"
    assert ours.dtype == dense.dtype == dtype
    assert ours.nnz == 2 * (np.count_nonzero(rows) + (scaling > 0) * len(rows))
    np.testing.assert_array_equal(ours.toarray(), dense)
    forced = EasyAdapt(sparse_output=True, **settings).fit_transform(rows, sample_domain=IDS)
    np.testing.assert_array_equal(forced.toarray(), dense)
    opened = EasyAdapt(sparse_output=False, **settings)
    assert isinstance(opened.fit_transform(sparse.csr_array(rows), sample_domain=IDS), np.ndarray)


def test_sparse_rows_keep_indices_of_32_bits():
    """LinearSVC and others take no longer ones."""
    rows = sparse.csr_array(X)
    wide = sparse.csr_array(
        (rows.data, rows.indices.astype(np.int64), rows.indptr.astype(np.int64))
    )
    for given in (rows, wide):
        for scaling in (0.0, 1.0):
            Z = EasyAdapt(intercept_scaling=scaling).fit_transform(given, sample_domain=IDS)
            assert Z.indices.dtype == Z.indptr.dtype == np.int32
    EasyAdaptPlus(LinearSVC(random_state=0)).fit(rows, LABELS, sample_domain=IDS)
    unknown = np.where(np.arange(len(LABELS)) % 5 == 4, np.where(IDS < 0, np.nan, LABELS), LABELS)
    EasyAdaptPlus(LinearSVC(random_state=0)).fit(rows, unknown, sample_domain=IDS)


def test_factors_of_zero_leave_no_entries():
    rows = sparse.csr_array(X)
    for sharing in (0.0, 1.0):
        Z = EasyAdapt(sharing=sharing).fit_transform(rows, sample_domain=IDS)
        assert Z.nnz == X.size


def test_names_carry_the_ids_of_the_sources():
    fitted = EasyAdapt(intercept_scaling=1.0).fit(X[:, :1], sample_domain=np.where(IDS > 0, 7, IDS))
    names = ["common_a", "common_intercept", "source0_a", "source0_intercept"]
    names += ["source7_a", "source7_intercept", "target_a", "target_intercept"]
    assert fitted.get_feature_names_out(["a"]).tolist() == names
    assert fitted.transform(X[:, :1]).shape == (sum(N), len(names))


def test_long_rows_that_cannot_fit_are_refused(monkeypatch):
    rows = sparse.csr_array((2, 10**7))
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 10**6)
    with pytest.raises(MemoryError, match="sparse_output=True"):
        spread(rows, [(0, 1.0)], 2, False)
    assert spread(rows, [(0, 1.0)], 2, True).shape == (2, 2 * 10**7)


def test_search_in_a_pipeline():
    y = np.where((IDS < 0) & (np.arange(len(Y)) % 2 == 0), np.nan, LABELS)
    pipe = make_pipeline(StandardScaler(), EasyAdapt(LinearSVC(random_state=0)))
    grid = {"easyadapt__sharing": [0.1, 0.9], "easyadapt__estimator__C": [0.1, 1.0]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(3, holdout="labeled"))
    search.fit(X, y, groups=IDS, easyadapt__sample_domain=IDS)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_few_target_labels_go_further_than_alone_and_than_pooled():
    """Weights that the domains share in part: each limit wastes something."""
    errors = []
    for seed in range(6):
        rng = np.random.RandomState(seed)
        common, own = rng.normal(size=20), 0.4 * rng.normal(size=20)
        Xs, Xt = rng.normal(size=(200, 20)), rng.normal(size=(230, 20))
        noise = 0.5 * rng.normal(size=430)
        truth = Xt @ (common + own)
        yt = np.where(np.arange(230) < 30, truth + noise[200:], np.nan)
        rows, y, ids = stack_domains(Xs, Xs @ common + noise[:200], Xt, yt)
        methods = (EasyAdapt(Ridge(5.0)), TargetOnly(Ridge(5.0)), Pooled(Ridge(5.0)))
        fits = [one.fit(rows, y, sample_domain=ids).predict(Xt[30:]) for one in methods]
        errors.append([np.mean((f - truth[30:]) ** 2) for f in fits])
    ours, alone, pooled = np.mean(errors, axis=0)
    assert ours < 0.8 * min(alone, pooled)


def test_classes_are_those_of_both_sides():
    labels = np.array(["a", "b", "c"], dtype=object)[np.where(IDS < 0, LABELS + 1, LABELS)]
    labels[-5:] = None
    fitted = EasyAdapt(LogisticRegression()).fit(X, labels, sample_domain=IDS)
    assert fitted.classes_.tolist() == ["a", "b", "c"]
