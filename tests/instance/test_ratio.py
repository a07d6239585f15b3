"""Every density ratio, whoever estimates it: weighted means come to those of the target."""

import numpy as np
import pytest

import skransfer
from skransfer.datasets import make_covariate_shift
from skransfer.instance._ratio import EstimatesRatio
from skransfer.kernels import to_host
from skransfer.utils import all_estimators

SHIFT = 0.5
# Bias that is left at 3000 rows: of smoothing or a penalty, which fall slowly; else none.
BIAS = {"KDEReweighting": 0.04, "NearestNeighborReweighting": 0.04, "ULSIF": 0.03}
METHODS = {
    name: cls
    for name, cls in all_estimators()
    # The relative ratio is another one, on purpose.
    if issubclass(cls, EstimatesRatio) and name != "RULSIF"
} | {"KMM": lambda: skransfer.KMM(alpha=0.1)}

# KMM has its bound in the program, and no exponent.
TEMPERED = [name for name in METHODS if name != "KMM"]


def errors_and_noise(make, n, seed):
    """Distance of the weighted means of x and x^2 from the target's, and their standard errors."""
    X, _, ids = make_covariate_shift(n, n, 1, shift=SHIFT, scale=1.0, random_state=seed)
    w = make().fit(X, sample_domain=ids).weights_
    w = w / w.sum()
    found = []
    for values, goal in ((X[ids >= 0, 0], SHIFT), (X[ids >= 0, 0] ** 2, 1 + SHIFT**2)):
        mean = w @ values
        # The noise of the source rows, and that of the target rows that the weights learned from.
        noise = np.sqrt(w**2 @ (values - mean) ** 2 + w @ (values - mean) ** 2 / n)
        found.append((mean - goal, noise))
    return np.array(found)


def test_all_ratios_are_tested():
    assert len(METHODS) >= 7


@pytest.mark.parametrize("name", METHODS)
def test_weighted_means_come_to_those_of_the_target(name):
    few = np.array([errors_and_noise(METHODS[name], 150, seed) for seed in range(4)])
    many = np.array([errors_and_noise(METHODS[name], 3000, seed) for seed in range(2)])
    bias = BIAS.get(name, 0.0)
    assert (np.abs(many[:, 0, 0]) <= 3 * many[:, 0, 1] + bias).all()
    assert (np.abs(many[:, 1, 0]) <= 3 * many[:, 1, 1] + 3 * bias).all()
    before = SHIFT, SHIFT**2
    assert (np.abs(many[:, :, 0]).mean(axis=0) < np.multiply(before, [0.15, 0.5])).all()
    assert np.abs(many[:, :, 0]).mean() < np.abs(few[:, :, 0]).mean()


@pytest.mark.parametrize("name", TEMPERED)
def test_flatten_and_max_weight_bound_the_variance(name):
    X, _, ids = make_covariate_shift(150, 150, 1, shift=1.0, scale=0.7, random_state=0)
    plain = METHODS[name]().fit(X, sample_domain=ids)
    half = METHODS[name](flatten=0.5).fit(X, sample_domain=ids)
    np.testing.assert_allclose(half.weights_, np.sqrt(plain.weights_), rtol=1e-6)
    assert half.effective_sample_size_ > plain.effective_sample_size_
    bounded = METHODS[name](max_weight=1.5).fit(X, sample_domain=ids)
    np.testing.assert_allclose(bounded.weights_, np.minimum(plain.weights_, 1.5), rtol=1e-6)


@pytest.mark.parametrize("name", TEMPERED)
def test_flatten_auto_keeps_a_tenth_of_the_rows(name):
    X, _, ids = make_covariate_shift(150, 150, 4, shift=1.0, scale=0.4, random_state=0)
    model = METHODS[name](flatten="auto").fit(X, sample_domain=ids)
    assert model.effective_sample_size_ >= 0.1 * 150 * (1 - 1e-6)
    assert 0 <= model.flatten_ <= 1
    X, _, ids = make_covariate_shift(150, 150, 1, shift=0.2, scale=1.0, random_state=0)
    near = METHODS[name](flatten="auto").fit(X, sample_domain=ids)
    assert near.flatten_ == 1.0
    np.testing.assert_array_equal(near.weights_, METHODS[name]().fit(X, sample_domain=ids).weights_)
    assert not hasattr(METHODS[name](), "flatten_")


ON_DEVICE = [
    name
    for name, cls in all_estimators()
    if issubclass(cls, EstimatesRatio) and cls.traits.on_device
]


@pytest.mark.parametrize("name", ON_DEVICE)
@pytest.mark.parametrize("options", [{}, {"flatten": "auto", "max_weight": 2.0}])
def test_a_device_gives_the_weights_of_the_host(name, options):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    X, _, ids = make_covariate_shift(90, 70, 3, shift=1.0, scale=0.6, random_state=0)
    ids = ids[np.random.default_rng(0).permutation(160)]  # rows of a domain do not stand together
    new = X[:40] + 0.1
    plain = getattr(skransfer, name)(**options).fit(X, sample_domain=ids)
    there = strict.asarray(X, device=device)
    model = getattr(skransfer, name)(**options).fit(there, sample_domain=ids)
    weights = model.weights_, model.weigh(strict.asarray(new, device=device))
    for ours, expected in zip(weights, (plain.weights_, plain.weigh(new)), strict=True):
        assert ours.device == device
        np.testing.assert_allclose(to_host(ours), expected, rtol=1e-8, atol=1e-10)
    assert model.flatten_ == pytest.approx(plain.flatten_, rel=1e-8)


@pytest.mark.parametrize("name", ON_DEVICE)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-8), (np.float32, 1e-4)])
def test_cupy_gives_the_weights_of_the_host(cupy, name, dtype, rtol):
    X, _, ids = make_covariate_shift(90, 70, 3, shift=1.0, scale=0.6, random_state=0)
    X = X.astype(dtype)
    plain = getattr(skransfer, name)().fit(X, sample_domain=ids)
    model = getattr(skransfer, name)().fit(cupy.asarray(X), sample_domain=ids)
    weights = model.weights_, model.weigh(cupy.asarray(X[:40]))
    for ours, expected in zip(weights, (plain.weights_, plain.weigh(X[:40])), strict=True):
        assert isinstance(ours, cupy.ndarray)
        np.testing.assert_allclose(to_host(ours), expected, rtol=rtol, atol=1e-10)
