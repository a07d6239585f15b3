"""The recursion of TrAdaBoost against the paper's, written down literally, and by hand."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from skransfer.solvers.boosting import (
    clip_error,
    error_limit,
    initial_log_weights,
    normalize_log_weights,
    source_beta,
    target_error,
    target_log_beta,
    tradaboost_update,
    vote,
    vote_proba,
    vote_scores,
    vote_start,
)


def make(n, m, seed, n_classes=2):
    """Source and target whose boundaries differ by 40 degrees, with some label noise."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n + m, 2))
    angle = np.arctan2(X[:, 1], X[:, 0]) + np.r_[np.zeros(n), np.full(m, 0.7)]
    y = ((angle % (2 * np.pi)) / (2 * np.pi) * n_classes).astype(int)
    flip = rng.uniform(size=n + m) < 0.15
    y[flip] = rng.randint(0, n_classes, flip.sum())
    return X, y


def tree(X, y, p, depth):
    return DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y, sample_weight=p)


def literal_tradaboost(X, y, n, N, X_new, depth):
    """Algorithm 1 of the paper, line by line, in plain arithmetic."""
    m = len(X) - n
    w = np.ones(n + m)
    beta = 1 / (1 + np.sqrt(2 * np.log(n) / N))
    weights, errors, betas, learners = [w], [], [], []
    for _ in range(N):
        p = w / np.sum(w)
        h = tree(X, y, p, depth)
        loss = np.abs(h.predict(X) - y)
        eps = np.sum(w[n:] * loss[n:]) / np.sum(w[n:])
        assert 0 < eps < 0.5
        beta_t = eps / (1 - eps)
        w = np.concatenate([w[:n] * beta ** loss[:n], w[n:] * beta_t ** -loss[n:]])
        weights.append(w)
        errors.append(eps)
        betas.append(beta_t)
        learners.append(h)
    left, right = np.ones(len(X_new)), 1.0
    for t in range(int(np.ceil(N / 2)), N + 1):  # 1-based, both ends included
        left = left * betas[t - 1] ** -learners[t - 1].predict(X_new).astype(float)
        right = right * betas[t - 1] ** -0.5
    return weights, errors, betas, (left >= right).astype(int)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("N", "depth"), [(1, 1), (2, 1), (7, 2), (10, 2)])
def test_recursion_is_that_of_the_paper(seed, N, depth):
    n, m = 60, 80
    X, y = make(n, m, seed)
    X_new = np.random.RandomState(100 + seed).standard_normal((300, 2))
    weights, errors, betas, labels = literal_tradaboost(X, y, n, N, X_new, depth)
    source = np.arange(n + m) < n
    log_w = initial_log_weights(source)
    predictions, log_betas = [], []
    for t in range(N):
        np.testing.assert_allclose(np.exp(log_w), weights[t] / weights[t].sum(), rtol=1e-10)
        h = tree(X, y, np.exp(log_w), depth)
        wrong = h.predict(X) != y
        eps = target_error(log_w, wrong, ~source)
        assert eps == pytest.approx(errors[t], rel=1e-10)
        log_betas.append(target_log_beta(eps))
        assert np.exp(log_betas[-1]) == pytest.approx(betas[t], rel=1e-10)
        predictions.append(h.predict(X_new))
        log_w = tradaboost_update(log_w, wrong, source, beta=source_beta(n, N), eps=eps)
    np.testing.assert_allclose(np.exp(log_w), weights[N] / weights[N].sum(), rtol=1e-10)
    voted = vote(vote_scores(np.array(predictions), log_betas, 2))
    np.testing.assert_array_equal(voted, labels)


def test_two_rounds_by_hand():
    # Three source rows, four target rows; N = 2, n = 3: beta = 1 / (1 + sqrt(ln 3)).
    source = np.array([True] * 3 + [False] * 4)
    beta = 1 / (1 + np.sqrt(np.log(3)))
    assert source_beta(3, 2) == pytest.approx(beta)
    log_w = initial_log_weights(source)
    first = np.array([1, 0, 0, 1, 0, 0, 0])
    assert target_error(log_w, first, ~source) == pytest.approx(1 / 4)  # beta_1 = 1/3
    log_w = tradaboost_update(log_w, first, source, beta=beta, eps=1 / 4)
    w = np.array([beta, 1, 1, 3, 1, 1, 1])
    np.testing.assert_allclose(np.exp(log_w), w / w.sum(), rtol=1e-13)
    second = np.array([1, 1, 0, 0, 1, 1, 0])
    assert target_error(log_w, second, ~source) == pytest.approx(2 / 6)  # beta_2 = 1/2
    log_w = tradaboost_update(log_w, second, source, beta=beta, eps=2 / 6)
    w = np.array([beta**2, beta, 1, 3, 2, 2, 1])
    np.testing.assert_allclose(np.exp(log_w), w / w.sum(), rtol=1e-13)
    # Of two learners both vote, with ln 3 and ln 2: the first decides where they disagree.
    scores = vote_scores([[0, 1, 1], [0, 0, 1]], [np.log(1 / 3), np.log(1 / 2)], 2)
    np.testing.assert_allclose(
        scores, [[np.log(6), 0], [np.log(2), np.log(3)], [0, np.log(6)]], atol=1e-15
    )
    np.testing.assert_array_equal(vote(scores), [0, 1, 1])


@pytest.mark.parametrize(("n", "N", "beta"), [(1000, 10, 0.4597), (1, 10, 1.0), (0, 10, 1.0)])
def test_source_beta(n, N, beta):
    assert source_beta(n, N) == pytest.approx(beta, abs=5e-5)


@pytest.mark.parametrize("N", [1, 81, 100_000])
def test_source_beta_is_finite_with_more_rounds_than_rows(N):
    assert 0 < source_beta(80, N) < 1
    assert source_beta(80, N) == pytest.approx(1 / (1 + (2 * np.log(80) / N) ** 0.5))


# ------------------------------------------------------------------------------ properties


@pytest.mark.parametrize("kind", ["binary", "soft", "adversary"])
@pytest.mark.parametrize(("n", "N"), [(2, 40), (5, 1), (50, 20), (60, 7), (300, 30)])
@pytest.mark.parametrize("seed", range(8))
def test_hedge_bound_holds_for_any_learner(n, N, seed, kind):
    rng = np.random.RandomState(seed)
    m = 3
    source = np.arange(n + m) < n
    log_w, beta = initial_log_weights(source), source_beta(n, N)
    suffered, losses = 0.0, np.zeros(n)
    quality = np.linspace(0, 0.9, n)
    for _ in range(N):
        p = np.exp(normalize_log_weights(log_w[source]))
        if kind == "soft":
            loss = rng.uniform(size=n) * quality
        elif kind == "binary":
            loss = (rng.uniform(size=n) < quality).astype(float)
        else:  # wrong exactly where the weights are
            loss = (p >= np.median(p)).astype(float)
        suffered += p @ loss
        losses += loss
        wrong = np.r_[loss, rng.randint(0, 2, m)]
        eps = np.clip(target_error(log_w, wrong, ~source), 0.01, 0.99)
        log_w = tradaboost_update(log_w, wrong, source, beta=beta, eps=eps)
    bound = losses.min() / N + np.sqrt(2 * np.log(n) / N) + np.log(n) / N
    assert suffered / N <= bound + 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_thousands_of_rounds_stay_finite(n_classes, dynamic):
    rng = np.random.RandomState(0)
    n, m, N = 30, 20, 5000
    source = np.arange(n + m) < n
    log_w, log_betas = initial_log_weights(source), []
    for t in range(N):
        wrong = rng.uniform(size=n + m) < 0.1
        wrong[0] = True  # a source row that never agrees
        wrong[-1] = t % 2 == 0
        eps = min(clip_error(target_error(log_w, wrong, ~source), m), 0.45)
        log_betas.append(target_log_beta(eps, n_classes))
        log_w = tradaboost_update(
            log_w, wrong, source, beta=source_beta(n, N), eps=eps, n_classes=n_classes,
            dynamic=dynamic,
        )  # fmt: skip
    p = np.exp(log_w)
    assert np.isfinite(log_w).all()
    assert p.sum() == pytest.approx(1.0)
    assert log_w[0] < -100  # where a product of weights would long have been lost in rounding
    scores = vote_scores(np.zeros((N, 4), dtype=int), log_betas, n_classes)
    assert np.isfinite(vote_proba(scores)).all()
    assert vote(scores).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_dynamic_factor_offsets_the_growth_of_the_target_mass(n_classes):
    rng = np.random.RandomState(1)
    source = np.arange(50) < 30
    log_w = normalize_log_weights(rng.standard_normal(50))
    wrong = np.r_[np.zeros(30, dtype=bool), rng.uniform(size=20) < 0.3]
    eps = target_error(log_w, wrong, ~source)
    step = {"beta": 0.4, "eps": eps, "n_classes": n_classes}
    plain = tradaboost_update(log_w, wrong, source, **step)
    kept = tradaboost_update(log_w, wrong, source, **step, dynamic=True)
    np.testing.assert_allclose(kept[source], log_w[source], atol=1e-12)  # source never wrong
    assert np.exp(kept[source]).sum() == pytest.approx(np.exp(log_w[source]).sum())
    ratio = np.exp((kept - plain)[0] - (kept - plain)[-1])
    assert ratio == pytest.approx(n_classes * (1 - eps))  # 2 (1 - eps) for two classes
    assert (np.exp(plain[source]).sum() < np.exp(log_w[source]).sum()) == (ratio > 1)


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_guessing_moves_no_target_weight_and_has_no_vote(n_classes):
    limit = error_limit(n_classes)
    assert target_log_beta(limit, n_classes) == pytest.approx(0.0, abs=1e-14)
    assert target_log_beta(limit - 0.01, n_classes) < 0 < target_log_beta(limit + 0.01, n_classes)
    source = np.zeros(12, dtype=bool)
    wrong = np.arange(12) < 12 * limit
    after = tradaboost_update(np.zeros(12), wrong, source, beta=1.0, eps=limit, n_classes=n_classes)
    np.testing.assert_allclose(after, np.log(1 / 12), atol=1e-13)


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_reweighted_target_makes_the_learner_a_guesser(n_classes):
    """Boosting's invariant: under the new target weights the old learner errs as by chance."""
    rng = np.random.RandomState(2)
    source = np.zeros(40, dtype=bool)
    log_w = normalize_log_weights(rng.standard_normal(40))
    wrong = rng.uniform(size=40) < 0.3
    eps = target_error(log_w, wrong, ~source)
    after = tradaboost_update(log_w, wrong, source, beta=0.5, eps=eps, n_classes=n_classes)
    assert target_error(after, wrong, ~source) == pytest.approx(error_limit(n_classes))


def test_scale_of_the_weights_has_no_influence():
    rng = np.random.RandomState(3)
    source = np.arange(20) < 12
    log_w, wrong = rng.standard_normal(20), rng.uniform(size=20) < 0.4
    for shift in (-5000.0, 700.0):
        np.testing.assert_allclose(
            tradaboost_update(log_w + shift, wrong, source, beta=0.3, eps=0.2),
            tradaboost_update(log_w, wrong, source, beta=0.3, eps=0.2),
            atol=1e-10,
        )
        assert target_error(log_w + shift, wrong, ~source) == pytest.approx(
            target_error(log_w, wrong, ~source)
        )


def test_target_error_is_that_of_tiny_target_weights():
    log_w = np.array([0.0, 0.0, -4000.0, -4001.0])
    eps = target_error(log_w, np.array([1, 1, 0, 1]), np.array([0, 0, 1, 1], dtype=bool))
    assert eps == pytest.approx(1 / (1 + np.e))


# ------------------------------------------------------------------------------ first weights


def test_first_weights():
    source = np.array([True, False, True, True, False])
    np.testing.assert_allclose(np.exp(initial_log_weights(source)), 0.2)
    balanced = np.exp(initial_log_weights(source, init="balanced"))
    np.testing.assert_allclose(balanced, [1 / 6, 1 / 4, 1 / 6, 1 / 6, 1 / 4])
    s = np.array([2.0, 1.0, 0.0, 4.0, 3.0])
    np.testing.assert_allclose(np.exp(initial_log_weights(source, sample_weight=s)), s / 10)
    balanced = np.exp(initial_log_weights(source, init="balanced", sample_weight=s))
    np.testing.assert_allclose(balanced, [1 / 6, 1 / 8, 0, 1 / 3, 3 / 8])
    one_side = initial_log_weights(np.zeros(4, dtype=bool), init="balanced")
    np.testing.assert_allclose(np.exp(one_side), 0.25)


def test_integer_weights_are_repetitions():
    rng = np.random.RandomState(4)
    source = np.arange(30) < 18
    times = rng.randint(0, 4, 30)
    wrong = rng.uniform(size=30) < 0.4
    long = np.repeat(np.arange(30), times)
    for init in ("uniform", "balanced"):
        log_w = initial_log_weights(source, init=init, sample_weight=times)
        rows = initial_log_weights(source[long], init=init)
        for _ in range(3):
            eps = target_error(log_w, wrong, ~source)
            assert eps == pytest.approx(target_error(rows, wrong[long], ~source[long]))
            step = {"beta": source_beta(times[source].sum(), 3), "eps": eps}
            log_w = tradaboost_update(log_w, wrong, source, **step, dynamic=True)
            rows = tradaboost_update(rows, wrong[long], source[long], **step, dynamic=True)
            sums = np.bincount(long, weights=np.exp(rows), minlength=30)
            np.testing.assert_allclose(np.exp(log_w), sums, rtol=1e-12)


def test_error_of_zero_counts_as_a_quarter_of_a_row():
    assert clip_error(0.0, 50) == 1 / 200
    assert clip_error(0.3, 50) == 0.3
    assert clip_error(0.0, 0.01) == 1 / 4  # weights that sum to less than one row


# ------------------------------------------------------------------------------ the vote


@pytest.mark.parametrize(
    ("n_fitted", "start"), [(1, 0), (2, 0), (3, 1), (4, 1), (9, 4), (10, 4), (11, 5), (100, 49)]
)
def test_vote_start_is_ceil_of_half_counted_from_one(n_fitted, start):
    assert vote_start(n_fitted) == start == int(np.ceil(n_fitted / 2)) - 1


def test_first_half_has_no_vote():
    predictions = np.array([[0], [0], [0], [0], [1], [1], [1], [1], [1], [0]])
    scores = vote_scores(predictions, np.full(10, -1.0), 2)
    np.testing.assert_array_equal(scores, [[1.0, 5.0]])


def test_ties_go_to_the_last_class():
    third = np.log(3) / 3
    assert vote(np.array([[np.log(3), third + third + third]])).tolist() == [1]
    assert vote(np.array([[third + third + third, np.log(3)]])).tolist() == [1]
    assert vote(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [2.0, 1.0, 1.0]])).tolist() == [1, 2, 0]
    assert vote(np.array([[1.0, 1.0 - 1e-6]])).tolist() == [0]


def test_vote_proba_is_the_logistic_link_of_samme():
    rng = np.random.RandomState(5)
    for K in (2, 4):
        predictions = rng.randint(0, K, (1, 50))
        alpha = 0.7
        # Zhu et al.: f = (K-1)^2/K alpha g with g = 1 or -1/(K-1); p ~ exp(f / (K-1)).
        g = np.where(np.eye(K)[predictions[0]] == 1, 1.0, -1.0 / (K - 1))
        f = (K - 1) ** 2 / K * alpha * g
        expected = np.exp(f / (K - 1))
        expected /= expected.sum(axis=1, keepdims=True)
        proba = vote_proba(vote_scores(predictions, [-alpha], K))
        np.testing.assert_allclose(proba, expected, rtol=1e-13)


# ------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: source_beta(10, 0), "n_rounds must be"),
        (lambda: source_beta(np.nan, 5), "n_source must be"),
        (lambda: initial_log_weights(np.ones(2, bool), init="auto"), "init must be"),
        (lambda: initial_log_weights(np.ones(2, bool), sample_weight=[1.0]), "must have shape"),
        (lambda: initial_log_weights(np.ones(2, bool), sample_weight=[0, 0]), "not zero for every"),
        (lambda: initial_log_weights(np.ones(2, bool), sample_weight=[-1, 2]), "must be finite"),
        (lambda: normalize_log_weights(np.array([])), "positive, finite weight"),
        (lambda: normalize_log_weights(np.array([0.0, np.inf])), "positive, finite weight"),
        (lambda: target_error(np.zeros(2), np.ones(2), np.zeros(2, bool)), "positive, finite"),
        (lambda: target_log_beta(0.0), "use clip_error"),
        (lambda: target_log_beta(1.0), "use clip_error"),
        (lambda: target_log_beta(0.2, 1), "n_classes must be"),
        (lambda: error_limit(1), "n_classes must be"),
        (lambda: vote_start(0), "no learner"),
        (lambda: vote_scores(np.zeros((2, 3), int), [-1.0], 2), "2 learners predict"),
        (
            lambda: tradaboost_update(np.zeros(2), np.ones(2), np.ones(2, bool), beta=0, eps=0.2),
            "beta must lie",
        ),
    ],
)
def test_refusals_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_inputs_are_not_written_to():
    source = np.array([True, True, False])
    s, log_w, wrong = np.ones(3), np.zeros(3), np.array([1.0, 0.0, 1.0])
    for array in (source, s, log_w, wrong):
        array.flags.writeable = False
    initial_log_weights(source, init="balanced", sample_weight=s)
    for dynamic in (False, True):
        tradaboost_update(log_w, wrong, source, beta=0.5, eps=0.3, dynamic=dynamic)
