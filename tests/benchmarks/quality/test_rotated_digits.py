"""The page on rotated digits, on a small part of the grid."""

import numpy as np

from benchmarks.quality import rotated_digits


def test_rows_are_the_target_and_none_is_judged_that_was_labeled():
    X, y, X_rest, y_rest = rotated_digits.target_rows(90, 20, 0)
    assert (len(X), len(y)) == (20, 20)
    assert len(X_rest) == len(y_rest) == 899 - 20
    assert not (X_rest[:, None] == X).all(axis=2).any()


def test_a_turned_digit_misleads_the_source(monkeypatch):
    monkeypatch.setattr(rotated_digits, "strategies", lambda source, seed: ())
    found = rotated_digits.accuracies(0, angles=(0, 90), rows=(20,))
    (same,), (turned,) = found[0, 20], found[90, 20]
    assert same > 0.9
    assert turned < 0.2


def test_strategies_learn(monkeypatch):
    found = rotated_digits.accuracies(0, angles=(0,), rows=(20,))
    scores = dict(zip(rotated_digits.SHORT, found[0, 20], strict=True))
    assert min(scores.values()) > 0.5
    assert scores["freeze 2"] > scores["pixels"] + 0.15
    assert scores["features 2"] > scores["pixels"]


def test_page(monkeypatch):
    """Every way of reuse loses at 90 degrees and only some at 20."""
    names = rotated_digits.SHORT

    def drawn(seed):
        cells = {}
        for angle in rotated_digits.ANGLES:
            for n_rows in rotated_digits.ROWS:
                one = dict.fromkeys(names, 0.5)
                one["freeze 0"] = 0.9 if angle < 45 else 0.6
                one["pixels"] = one["scratch"] = 0.7
                cells[angle, n_rows] = [one[name] + 0.01 * seed for name in names]
        return cells

    monkeypatch.setattr(rotated_digits, "accuracies", drawn)
    text, checks = rotated_digits.run(repeats=2)
    degree = "\N{DEGREE SIGN}"
    assert f"in 6 of 12 cells: 45{degree}, 20;" in text
    assert f"lose in 6: 0{degree}, 20;" in text
    assert "+20.0 \N{PLUS-MINUS SIGN} 0.0" in text  # the gain where the turn is small
    assert "-10.0 \N{PLUS-MINUS SIGN} 0.0" in text
    verdicts = {check.what: check.holds for check in checks}
    assert len(verdicts) == 5
    assert [what for what, holds in verdicts.items() if not holds] == [
        "0 degrees, 20 rows: freeze 2 over pixels at least 0.2",
        'freeze="auto" over the best freeze, least over the grid at least -0.05',
    ]
    np.testing.assert_allclose(float(checks[3].found), 0.1)
