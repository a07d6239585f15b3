"""TransferForestRegressor against its source, limits, and what each method is for."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.tree import DecisionTreeRegressor

from skransfer import TransferForestRegressor, stack_domains
from skransfer.exceptions import SingleDomainWarning

METHODS = ("relabel", "ser", "strut", "mix")


def _draw(rng, n, shift=0.0, sign=1.0):
    X = rng.normal(size=(n, 4))
    y = 2 * np.sign(X[:, 0]) + np.sign(X[:, 1] - 0.3) + 0.1 * rng.normal(size=n)
    return X + shift, sign * y


RNG = np.random.default_rng(0)
XS, YS = _draw(RNG, 300)
XT, YT = _draw(RNG, 40, shift=0.5)
XNEW, _ = _draw(RNG, 100, shift=0.3)
FOREST = RandomForestRegressor(8, max_features=0.5, random_state=0).fit(XS, YS)
SOURCE = FrozenEstimator(FOREST)


def _fit(method="mix", source=SOURCE, X=XT, y=YT, **params):
    params = {"random_state": 0, **params}
    return TransferForestRegressor(source=source, method=method, **params).fit(X, y)


@pytest.mark.parametrize(
    "model",
    [
        FOREST,
        ExtraTreesRegressor(8, random_state=0).fit(XS, YS),
        DecisionTreeRegressor().fit(XS, YS),
    ],
    ids=lambda model: type(model).__name__,
)
def test_infinite_smoothing_gives_the_predictions_of_the_source(model):
    ours = _fit("relabel", FrozenEstimator(model), smoothing=np.inf)
    np.testing.assert_array_equal(ours.predict(XNEW), model.predict(XNEW))
    for method in METHODS:
        assert not np.array_equal(_fit(method, FrozenEstimator(model)).predict(XNEW), ours)


def test_mix_is_the_mean_of_both():
    ser, strut, mix = (_fit(method).predict(XNEW) for method in METHODS[1:])
    np.testing.assert_allclose(mix, (ser + strut) / 2, rtol=1e-12)
    assert len(_fit().trees_) == 16


def test_each_method_does_what_it_is_for():
    scores = {}
    for name, kind in {"moved": {"shift": 1.5}, "negated": {"sign": -1.0}, "same": {}}.items():
        rows = []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            source = RandomForestRegressor(
                20, max_features=0.5, min_samples_leaf=10, random_state=seed
            ).fit(*_draw(rng, 500))
            (X, y), (X_test, y_test) = _draw(rng, 20, **kind), _draw(rng, 1000, **kind)
            alone = RandomForestRegressor(20, max_features=0.5, random_state=seed).fit(X, y)
            models = [source, alone]
            models += [_fit(m, FrozenEstimator(source), X, y) for m in ("strut", "ser", "relabel")]
            rows.append([model.score(X_test, y_test) for model in models])
        names = ("source", "alone", "strut", "ser", "relabel")
        scores[name] = dict(zip(names, np.mean(rows, axis=0), strict=True))
    moved, negated, same = (scores[name] for name in ("moved", "negated", "same"))
    assert moved["strut"] > moved["alone"] + 0.05 > moved["source"]
    assert negated["ser"] > negated["alone"] + 0.05
    assert negated["strut"] > negated["alone"] + 0.05
    assert same["relabel"] > 0.9 > same["alone"] + 0.05
    assert same["ser"] > same["alone"] + 0.05


def test_stacked_rows_fit_the_source_first():
    X, y, d = stack_domains(XS, YS, XT, YT)
    ours = TransferForestRegressor(source=DecisionTreeRegressor(max_depth=3), method="strut")
    ours.fit(X, y, sample_domain=d)
    plain = FrozenEstimator(DecisionTreeRegressor(max_depth=3).fit(XS, YS))
    np.testing.assert_allclose(ours.predict(XNEW), _fit("strut", plain).predict(XNEW))


def test_without_a_source_it_is_a_random_forest():
    with pytest.warns(SingleDomainWarning):
        ours = TransferForestRegressor(random_state=0).fit(XT, YT)
    plain = RandomForestRegressor(max_features=1 / 3, bootstrap=False, random_state=0)
    np.testing.assert_allclose(ours.predict(XNEW), plain.fit(XT, YT).predict(XNEW), rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_repetitions_and_scale_does_not_matter(method):
    times = np.random.default_rng(1).integers(0, 3, size=40)
    weighted = TransferForestRegressor(source=SOURCE, method=method, random_state=0)
    weighted.fit(XT, YT, sample_weight=times)
    repeated = _fit(method, X=np.repeat(XT, times, axis=0), y=np.repeat(YT, times))
    np.testing.assert_allclose(weighted.predict(XNEW), repeated.predict(XNEW), rtol=1e-9)
    scaled = FrozenEstimator(
        RandomForestRegressor(8, max_features=0.5, random_state=0).fit(XS, 1024 * YS)
    )
    ours = _fit(method, scaled, y=1024 * YT).predict(XNEW)
    np.testing.assert_allclose(ours, 1024 * _fit(method).predict(XNEW), rtol=1e-9)


def test_constant_labels():
    model = _fit(y=np.full(40, 3.0))
    np.testing.assert_allclose(model.predict(XNEW), 3.0)
    constant = FrozenEstimator(RandomForestRegressor(3, random_state=0).fit(XS, np.ones(300)))
    for method in METHODS:
        assert np.isfinite(_fit(method, constant).predict(XNEW)).all()


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (RandomForestClassifier(3).fit(XS, YS > 0), TypeError, "RandomForestClassifier; Transfer"),
        (DecisionTreeRegressor().fit(XS, np.c_[YS, YS]), ValueError, "several outputs"),
        (
            DecisionTreeRegressor(criterion="absolute_error").fit(XS, YS),
            ValueError,
            "criterion='absolute_error'",
        ),
    ],
)
def test_unsuitable_sources_are_named(source, error, words):
    with pytest.raises(error, match=words):
        _fit(source=FrozenEstimator(source))


def test_values_beyond_single_precision_are_an_error():
    X = XT.copy()
    X[0, 0] = 1e300
    with pytest.raises(ValueError, match="float32"):
        _fit(X=X)
