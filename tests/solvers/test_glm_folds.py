"""Choice of C by folds against literal refits."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from skransfer.solvers.glm import class_proba, fit_logistic
from skransfer.solvers.glm_folds import choose_C_by_folds
from skransfer.solvers.squared_hinge import fit_squared_hinge

RNG = np.random.RandomState(0)
X = RNG.standard_normal((40, 3))
SCORES = X @ [1.0, -1.0, 0.5] + 0.5 * RNG.standard_normal(40)
FOLDS = np.arange(40) % 4


@pytest.mark.parametrize("K", [2, 3])
def test_log_losses_are_those_of_refits(K):
    codes = np.searchsorted([-0.5, 0.5][: K - 1], SCORES)
    source = 0.3 * RNG.standard_normal((1 if K == 2 else 3, 3))
    s = RNG.randint(0, 3, 40).astype(float)
    chosen = choose_C_by_folds(X, codes, K, FOLDS, [0.1, 10.0], source_coef=source, sample_weight=s)
    for C, loss in zip([0.1, 10.0], chosen.losses, strict=True):
        proba = np.empty((40, K))
        for fold in range(4):
            out = fold == FOLDS
            fit = fit_logistic(
                X[~out], codes[~out], K, C, source_coef=source, sample_weight=s[~out]
            )
            proba[out] = class_proba(X[out] @ fit.coef.T + fit.intercept)
        assert loss == pytest.approx(log_loss(codes, proba, sample_weight=s), rel=1e-7)
    whole = fit_logistic(X, codes, K, chosen.C, source_coef=source, sample_weight=s)
    np.testing.assert_allclose(chosen.fit.coef, whole.coef, atol=1e-8)


def test_squared_hinges_are_those_of_refits():
    codes = np.searchsorted([-0.5, 0.5], SCORES)
    chosen = choose_C_by_folds(X, codes, 3, FOLDS, [0.5], loss="squared_hinge")
    total = 0.0
    for fold in range(4):
        out = fold == FOLDS
        fit = fit_squared_hinge(X[~out], codes[~out], 3, 0.5)
        y = 2.0 * (codes[out][:, None] == np.arange(3)) - 1.0
        total += (np.maximum(0, 1 - y * (X[out] @ fit.coef.T + fit.intercept)) ** 2).sum() / 3
    assert chosen.losses[0] == pytest.approx(total / 40, rel=1e-9)


def test_a_class_that_is_all_in_one_fold_is_not_judged_there():
    codes = np.where(FOLDS == 0, 2, (SCORES > 0).astype(int))
    chosen = choose_C_by_folds(X, codes, 3, FOLDS, [1.0])
    assert chosen.losses[0] < 5.0  # else the log-loss of a class never seen
    lonely = choose_C_by_folds(X[:2], np.array([0, 1]), 2, np.array([0, 1]))
    assert lonely.losses.tolist() == [0.0] * 15
    assert lonely.C == 1e-4


def test_refusals():
    with pytest.raises(ValueError, match="folds must have shape"):
        choose_C_by_folds(X, (SCORES > 0).astype(int), 2, FOLDS[:5])
