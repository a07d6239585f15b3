"""TransferGPRegressor against scikit-learn's Gaussian process, its limits, and Forrester's pair."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from skransfer import stack_domains
from skransfer.exceptions import SingleDomainWarning
from skransfer.parameter import TransferGPRegressor

RNG = np.random.default_rng(0)
FIXED = ConstantKernel(1.4, "fixed") * RBF([0.9, 1.6], "fixed")
XS, XT, NEW = (RNG.normal(size=(n, 2)) for n in (30, 12, 25))
YS = np.sin(XS[:, 0]) + XS[:, 1] + 0.1 * RNG.normal(size=30) + 3
YT = 1.3 * np.sin(XT[:, 0]) + XT[:, 1] + 0.1 * RNG.normal(size=12)
X, Y, D = stack_domains(XS, YS, XT, YT)
SOURCE = FrozenEstimator(Ridge().fit(XS, YS))


def exact(x):
    return ((6 * x - 2) ** 2 * np.sin(12 * x - 4)).ravel()


def rough(x):
    return exact(x) / 2 + 10 * (x.ravel() - 0.5) - 5


def _stacked(**params):
    return TransferGPRegressor(**params).fit(X, Y, sample_domain=D)


def _same(ours, theirs, offset=0.0, rtol=1e-9):
    mean, std = theirs.predict(NEW, return_std=True)
    np.testing.assert_allclose(ours.predict(NEW), mean + offset, rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(ours.predict_std(NEW), std, rtol=1e-6)


def _plain(normalize_y, alpha=0.05):
    return GaussianProcessRegressor(FIXED, alpha=alpha, optimizer=None, normalize_y=normalize_y)


@pytest.mark.parametrize("normalize_y", [False, True])
def test_without_transfer_it_is_that_of_scikit_learn(normalize_y):
    fixed = {"kernel": FIXED, "alpha": 0.05, "normalize_y": normalize_y}
    theirs = _plain(normalize_y).fit(XT, YT)
    with pytest.warns(SingleDomainWarning):
        alone = TransferGPRegressor(**fixed).fit(XT, YT)
    _same(alone, theirs)
    assert alone.log_marginal_likelihood_value_ == pytest.approx(
        theirs.log_marginal_likelihood_value_
    )
    for mode in ("atgp", "icm"):
        _same(_stacked(mode=mode, rho=0.0, **fixed), theirs)
    _same(_stacked(rho=0.0, **fixed), theirs)
    _same(TransferGPRegressor(source=SOURCE, rho=0.0, **fixed).fit(XT, YT), theirs)


def test_without_transfer_the_kernel_is_optimized_as_well():
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * RBF(1.0, (1e-2, 1e2))
    theirs = GaussianProcessRegressor(kernel, alpha=0.05, normalize_y=True).fit(XT, YT)
    with pytest.warns(SingleDomainWarning):
        ours = TransferGPRegressor(kernel=kernel, alpha=0.05).fit(XT, YT)
    assert ours.log_marginal_likelihood_value_ >= theirs.log_marginal_likelihood_value_ - 1e-6
    np.testing.assert_allclose(ours.kernel_.theta, theirs.kernel_.theta, atol=1e-3)


def test_full_correlation_is_the_pooled_process():
    ours = _stacked(mode="atgp", rho=1.0, kernel=FIXED, alpha=0.05, normalize_y=False)
    _same(ours, _plain(False).fit(X, Y))
    turned = TransferGPRegressor(mode="atgp", rho=-1.0, kernel=FIXED, alpha=0.05, normalize_y=False)
    turned.fit(X, np.where(D >= 0, -Y, Y), sample_domain=D)
    _same(turned, _plain(False).fit(X, Y))


def test_given_factor_is_a_process_of_the_residuals():
    fixed = {"kernel": FIXED, "alpha": 0.05, "normalize_y": False}
    ours = TransferGPRegressor(source=SOURCE, rho=0.8, **fixed).fit(XT, YT)
    theirs = _plain(False).fit(XT, YT - 0.8 * SOURCE.predict(XT))
    _same(ours, theirs, 0.8 * SOURCE.predict(NEW))
    stiff = ConstantKernel(1e-9, "fixed") * RBF(1.0, "fixed")
    frozen = TransferGPRegressor(source=SOURCE, rho=1.0, kernel=stiff, alpha=1.0, normalize_y=False)
    np.testing.assert_allclose(frozen.fit(XT, YT).predict(NEW), SOURCE.predict(NEW), atol=1e-6)


def test_a_source_of_rows_is_a_process_of_its_own():
    fixed = {"kernel": FIXED, "alpha": 0.05}
    first = _plain(True).fit(XS, YS)
    theirs = TransferGPRegressor(source=FrozenEstimator(first), **fixed).fit(XT, YT)
    ours = _stacked(**fixed)
    np.testing.assert_allclose(ours.predict(NEW), theirs.predict(NEW), rtol=1e-8)
    assert ours.rho_ == pytest.approx(theirs.rho_)
    np.testing.assert_allclose(ours.source_.predict(NEW), first.predict(NEW), rtol=1e-9)
    given = _stacked(source=Ridge(), **fixed)
    alone = TransferGPRegressor(source=SOURCE, **fixed).fit(XT, YT)
    np.testing.assert_allclose(given.predict(NEW), alone.predict(NEW), rtol=1e-9)


def test_forrester():
    """The exact function is 2 rough - 20 (x - 1/2) + 10."""
    X_source, X_target = np.linspace(0, 1, 11)[:, None], np.array([[0.0], [0.4], [0.6], [1.0]])
    grid = np.linspace(0, 1, 201)[:, None]
    rows = stack_domains(X_source, rough(X_source), X_target, exact(X_target))
    with pytest.warns(SingleDomainWarning):
        alone = TransferGPRegressor().fit(X_target, exact(X_target))

    def error(model):
        return np.sqrt(np.mean((model.predict(grid) - exact(grid)) ** 2))

    ours = TransferGPRegressor().fit(*rows[:2], sample_domain=rows[2])
    assert ours.rho_ == pytest.approx(2.0, abs=0.05)
    assert error(ours) < 0.2
    assert error(alone) > 5
    for mode in ("atgp", "icm"):
        joint = TransferGPRegressor(mode=mode).fit(*rows[:2], sample_domain=rows[2])
        assert error(joint) < 0.6 * error(alone)
        assert joint.rho_ > 0.7


def test_the_optimum_is_one():
    """No step of a parameter of the fitted model has more evidence."""
    for mode in ("ko", "atgp", "icm"):
        best = _stacked(mode=mode)
        rho = "evidence" if mode == "ko" else best.rho_
        for shift in (-0.1, 0.1):
            for k in range(len(best.kernel_.theta)):
                theta = best.kernel_.theta.copy()
                theta[k] += shift
                kernel = best.kernel_.clone_with_theta(theta)
                fixed = {f"{p.name}_bounds": "fixed" for p in kernel.hyperparameters}
                kernel = clone(kernel).set_params(**fixed)
                other = _stacked(mode=mode, kernel=kernel, rho=rho)
                gain = other.log_marginal_likelihood_value_ - best.log_marginal_likelihood_value_
                assert gain < 1e-4
    assert best.source_scale_ != 1.0


def test_a_relation_is_found_whatever_its_sign_and_scale():
    y = np.where(D >= 0, -50 * Y, Y)
    turned = TransferGPRegressor(mode="icm").fit(X, y, sample_domain=D)
    assert turned.rho_ < -0.7
    straight = _stacked(mode="icm")
    np.testing.assert_allclose(turned.predict(NEW), straight.predict(NEW), atol=0.05)
    ko = TransferGPRegressor().fit(X, y, sample_domain=D)
    assert ko.rho_ == pytest.approx(-_stacked().rho_ / 50, rel=0.05)


@pytest.mark.parametrize(
    ("mode", "wrong"),
    [("ko", lambda a: 10 * np.cos(5 * a)), ("atgp", lambda a: np.cos(2 * a) + 3)],
)
def test_an_unrelated_source_is_overruled(mode, wrong):
    errors, left = [], 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        A, B, C = (rng.uniform(-2, 2, size=(n, 1)) for n in (30, 20, 200))
        rows = stack_domains(A, wrong(A.ravel()), B, np.sin(2 * B.ravel() + rng.normal(0, 0.1, 20)))
        model = TransferGPRegressor(mode=mode, n_restarts_optimizer=1)
        pair = model.fit(*rows[:2], sample_domain=rows[2]).predict(C)
        dropped = model.rho_ == 0.0
        with pytest.warns(SingleDomainWarning):
            alone = model.fit(B, rows[1][30:]).predict(C)
        if dropped:
            np.testing.assert_allclose(pair, alone, atol=1e-6)
        left += dropped
        errors.append([np.mean((y - np.sin(2 * C.ravel())) ** 2) for y in (pair, alone)])
    ours, alone = np.sqrt(np.mean(errors, axis=0))
    assert ours < 1.5 * alone + 0.02
    assert left >= 3 or mode == "atgp"


def test_correlation_lowers_the_uncertainty():
    stds = [
        _stacked(mode="atgp", rho=rho, kernel=FIXED, alpha=0.05).predict_std(NEW)
        for rho in (0.0, 0.5, 0.9)
    ]
    assert (stds[1] <= stds[0] + 1e-12).all()
    assert (stds[2] <= stds[1] + 1e-12).all()
    assert (stds[2] < 0.9 * stds[0]).any()


def test_uncertainty_covers_the_truth():
    inside = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        A, B = rng.uniform(-2, 2, size=(15, 1)), rng.uniform(-2, 2, size=(100, 1))
        source = FrozenEstimator(LinearRegression().fit(A, 2 * A.ravel()))

        def truth(x):
            return 3 * x.ravel() + np.sin(3 * x.ravel())

        y = truth(A) + 0.1 * rng.normal(size=15)
        model = TransferGPRegressor(source=source, n_restarts_optimizer=1).fit(A, y)
        error = np.abs(model.predict(B) - truth(B))
        inside.append(np.mean(error < 2 * model.predict_std(B)))
    assert 0.75 < np.mean(inside) <= 1.0


def test_any_regressor_is_a_source():
    forest = RandomForestRegressor(10, random_state=0)
    frame = pd.DataFrame(XS, columns=["a", "b"])
    for model in (forest.fit(XS, YS), Ridge().fit(frame, YS)):
        rows = XT if model is forest else pd.DataFrame(XT, columns=["a", "b"])
        fitted = TransferGPRegressor(source=FrozenEstimator(model)).fit(rows, YT)
        assert fitted.score(rows, YT) > 0.8
    constant = FrozenEstimator(Ridge().fit(XS, np.full(30, 2.0)))
    assert TransferGPRegressor(source=constant).fit(XT, YT).rho_ == 1.0


def test_one_target_row_shifts_the_source():
    ours = TransferGPRegressor(source=SOURCE).fit(XT[:1], YT[:1])
    assert ours.rho_ == 1.0
    expected = SOURCE.predict(NEW) + YT[0] - SOURCE.predict(XT[:1])[0]
    np.testing.assert_allclose(ours.predict(NEW), expected, atol=1e-6)


def test_integer_weights_are_repetitions():
    weight = RNG.integers(0, 4, size=42)
    weight[-3:] = 1
    index = np.repeat(np.arange(42), weight)
    for mode in ("ko", "atgp"):
        model = TransferGPRegressor(mode=mode, kernel=Matern(2.0), n_restarts_optimizer=0)
        ours = model.fit(X, Y, sample_domain=D, sample_weight=weight).predict(NEW)
        theirs = model.fit(X[index], Y[index], sample_domain=D[index]).predict(NEW)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_errors_name_the_way_out():
    with pytest.raises(ValueError, match="stacked rows and source=None"):
        TransferGPRegressor(source=SOURCE, mode="atgp").fit(XT, YT)
    with pytest.raises(ValueError, match="between -1 and 1"):
        _stacked(mode="atgp", rho=1.2)
    classifier = LogisticRegression().fit(XS, YS > 3)
    with pytest.raises(ValueError, match="starts from a regressor"):
        TransferGPRegressor(source=FrozenEstimator(classifier)).fit(XT, YT)
    with pytest.raises(TypeError, match="no sparse rows"):
        TransferGPRegressor(source=SOURCE).fit(sparse.csr_array(XT), YT)


def test_a_pickle_keeps_no_source_rows_beside_a_model():
    model = pickle.loads(pickle.dumps(TransferGPRegressor(source=SOURCE).fit(XT, YT)))
    np.testing.assert_allclose(model.predict(NEW[:3]), model.predict(NEW)[:3], rtol=1e-12)
    assert len(pickle.dumps(model)) < 6000
