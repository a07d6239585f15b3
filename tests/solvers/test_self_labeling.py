"""Selection rules by hand, against brute force, and in other orders of the rows."""

import numpy as np
import pytest
from sklearn.svm import SVC

from skransfer.solvers.self_labeling import (
    MarginState,
    class_prior,
    exchange_rows,
    inside_margin,
    linear_ramp,
    most_confident,
    quadratic_ramp,
    select_by_class,
    top_two_margin,
)

# ------------------------------------------------------------------------------ margins


def test_two_classes_have_one_margin_however_the_scores_come():
    scores = np.array([-2.0, -0.5, 0.0, 0.25, 3.0])
    codes, margins = top_two_margin(scores)
    np.testing.assert_array_equal(codes, [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(margins, np.abs(scores))
    both = top_two_margin(np.c_[-scores, scores])
    np.testing.assert_array_equal(both[0], codes)
    np.testing.assert_array_equal(both[1], margins)


def test_margin_is_half_the_lead_over_the_runner_up():
    scores = np.random.RandomState(0).normal(size=(30, 4))
    codes, margins = top_two_margin(scores)
    for row, code, margin in zip(scores, codes, margins, strict=True):
        first, second = sorted(row.tolist(), reverse=True)[:2]
        assert row[code] == first
        assert margin == pytest.approx((first - second) / 2)


def test_one_column_is_one_class():
    codes, margins = top_two_margin(np.array([[2.0], [-3.0]]))
    assert codes.tolist() == [0, 0]
    assert margins.tolist() == [2.0, 3.0]


def test_support_vectors_of_a_separable_problem_bound_the_margin_band():
    X = np.array([[-2.0], [-1.0], [1.0], [3.0]])
    machine = SVC(kernel="linear", C=1e6, tol=1e-9).fit(X, [0, 0, 1, 1])
    _, margins = top_two_margin(machine.decision_function(X))
    np.testing.assert_allclose(margins, [2.0, 1.0, 1.0, 3.0], rtol=1e-6)


# ------------------------------------------------------------------------------ selection


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, [0, 0, 0, 0]),
        (0.2, [1, 0, 0, 0]),
        (1, [1, 0, 0, 0]),
        (1.5, [1, 1, 1, 0]),
        (2, [1, 1, 1, 0]),
        (3, [1, 1, 1, 0]),
        (4, [1, 1, 1, 1]),
        (99, [1, 1, 1, 1]),
    ],
)
def test_most_confident_takes_ties_together(count, expected):
    np.testing.assert_array_equal(most_confident(np.array([0.9, 0.8, 0.8, 0.1]), count), expected)


def test_ties_are_judged_up_to_rounding():
    noisy = np.array([0.8 + 1e-15, 0.8, 0.8 - 1e-15, 0.8 - 1e-9])
    np.testing.assert_array_equal(most_confident(noisy, 1), [True, True, True, False])


def test_rows_on_the_bounds_of_the_margin_are_one_and_outside():
    """A solver puts support vectors there up to its tolerance only."""
    on_bounds = np.array([1 - 1e-6, 1 + 1e-6, 1.0])
    assert not inside_margin(on_bounds).any()
    source = np.array([0, 0, 0, 1]), np.append(on_bounds, 0.2)
    target = np.array([0, 1]), np.array([0.5, 0.5])
    after = exchange_rows(
        _state([-1, -1]), target, source, np.array([0, 0, 0, 1]), n_add=1, n_remove=1
    )
    assert not after.kept.any()


def test_a_share_that_is_an_integer_up_to_rounding_is_not_rounded_up():
    assert 0.1 * 3 * 10 > 3
    assert most_confident(np.arange(30.0), 0.1 * 3 * 10).sum() == 3


def test_nothing_to_choose_from():
    assert most_confident(np.empty(0), 3).shape == (0,)


def test_each_class_has_its_own_threshold():
    rng = np.random.RandomState(0)
    codes = rng.choice(3, p=[0.6, 0.3, 0.1], size=200)
    confidence = rng.uniform(0.3, 1.0, size=200) - 0.2 * (codes == 2)
    prior = class_prior(codes, 3)
    chosen = select_by_class(codes, confidence, 50, prior)
    for code in range(3):
        rows = np.flatnonzero(codes == code)
        n_wanted = int(np.ceil(50 * prior[code] - 1e-9))
        best = rows[np.argsort(-confidence[rows])[:n_wanted]]
        np.testing.assert_array_equal(np.flatnonzero(chosen & (codes == code)), np.sort(best))
    # One threshold for all takes another, unbalanced set.
    together = select_by_class(codes, confidence, 50)
    assert together.sum() == 50
    assert class_prior(codes[together], 3)[2] < prior[2] - 0.04


def test_a_class_with_too_few_rows_gives_all_it_has():
    codes = np.array([0, 0, 0, 0, 1])
    chosen = select_by_class(codes, np.linspace(0.9, 0.5, 5), 4, np.array([0.5, 0.5]))
    np.testing.assert_array_equal(chosen, [True, True, False, False, True])


def test_selection_follows_the_rows():
    rng = np.random.RandomState(1)
    codes, confidence = rng.randint(3, size=60), rng.choice([0.5, 0.7, 0.9], size=60)
    order = rng.permutation(60)
    for prior in (None, np.array([0.2, 0.3, 0.5])):
        whole = select_by_class(codes, confidence, 20, prior)
        shuffled = select_by_class(codes[order], confidence[order], 20, prior)
        np.testing.assert_array_equal(whole[order], shuffled)


# ------------------------------------------------------------------------------ schedules


def test_linear_ramp_reaches_its_end_and_stays():
    values = [linear_ramp(step, 5, 0.2, 1.0) for step in range(1, 8)]
    np.testing.assert_allclose(values, [0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0])
    assert linear_ramp(1, 1, 0.2, 1.0) == 1.0


def test_quadratic_ramp_is_the_parabola_of_the_paper():
    age = np.arange(8)
    expected = [0.1 + 0.9 * (min(a, 5) / 5) ** 2 for a in age]
    np.testing.assert_allclose(quadratic_ramp(age, 5, 0.1, 1.0), expected)
    falling = quadratic_ramp(age, 5, 1.0, 0.1)
    assert (np.diff(falling)[:5] < 0).all()
    np.testing.assert_allclose(falling[5:], 0.1)


# ------------------------------------------------------------------------------ DASVM's exchange


def _state(labels, age=None, n_source=4):
    labels = np.asarray(labels)
    age = np.zeros(len(labels), dtype=int) if age is None else np.asarray(age)
    return MarginState(labels, age, np.ones(n_source, dtype=bool))


SOURCE = np.array([0, 0, 1, 1]), np.array([3.0, 1.0, 1.5, 0.5])
SOURCE_CODES = np.array([0, 0, 1, 1])


def _exchange(state, codes, margins, n_add=1, n_remove=1, **options):
    target = np.asarray(codes), np.asarray(margins)
    return exchange_rows(
        state, target, SOURCE, SOURCE_CODES, n_add=n_add, n_remove=n_remove, **options
    )


def test_rows_nearest_to_the_bounds_of_the_margin_join_on_each_side():
    after = _exchange(_state([-1] * 6), [0, 0, 0, 1, 1, 1], [0.2, 0.9, 1.0, 0.1, 0.3, 5.0])
    np.testing.assert_array_equal(after.labels, [-1, 0, -1, -1, 1, -1])
    np.testing.assert_array_equal(after.age, 0)
    np.testing.assert_array_equal(after.kept, [False, True, False, True])


def test_a_contradicted_label_is_taken_back_and_rests_for_a_round():
    state = _state([0, 0, 1, -1], age=[4, 2, 1, 0])
    after = _exchange(state, [1, 0, 1, 0], [0.99, 0.5, 2.0, 3.0])
    np.testing.assert_array_equal(after.labels, [-1, 0, 1, -1])
    np.testing.assert_array_equal(after.age, [0, 3, 2, 0])
    again = _exchange(after, [1, 0, 1, 0], [0.99, 0.5, 2.0, 3.0])
    assert again.labels[0] == 1
    assert again.age[0] == 0
    np.testing.assert_array_equal(state.labels, [0, 0, 1, -1])
    np.testing.assert_array_equal(state.kept, True)


def test_the_source_stays_until_two_classes_have_target_rows():
    one_sided = _exchange(_state([-1, -1]), [1, 1], [0.5, 0.4], n_remove=2)
    assert one_sided.kept.all()
    with_given = _exchange(_state([-1, -1]), [1, 1], [0.5, 0.4], given=np.array([0]))
    np.testing.assert_array_equal(with_given.kept, [False, True, False, True])


def test_source_rows_of_a_class_without_target_rows_stay():
    codes = np.array([0, 0, 1, 1, 2, 2])
    side = np.array([0, 0, 1, 1, 2, 0]), np.array([3.0, 1.0, 1.5, 0.5, 9.0, 9.0])
    state = _state([0, 1], n_source=6)
    target = np.array([0, 1]), np.array([2.0, 2.0])
    for _ in range(5):
        state = exchange_rows(state, target, side, codes, n_add=1, n_remove=1)
    np.testing.assert_array_equal(state.kept, [False, False, False, False, True, True])


def test_misplaced_source_rows_leave_from_the_side_where_they_lie():
    side = np.array([1, 0, 1, 1]), np.array([7.0, 1.0, 1.5, 0.5])
    target = np.array([0, 1]), np.array([0.5, 0.5])
    after = exchange_rows(_state([-1, -1]), target, side, SOURCE_CODES, n_add=1, n_remove=1)
    np.testing.assert_array_equal(after.kept, [False, False, True, True])


def test_all_target_rows_join_and_all_source_rows_leave():
    state = _state([-1] * 4)
    for _ in range(2):
        state = _exchange(state, [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_array_equal(state.labels, [0, 0, 1, 1])
    assert not state.kept.any()
    last = _exchange(state, [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_array_equal(last.labels, state.labels)
    np.testing.assert_array_equal(last.age, state.age + 1)


def test_equal_margins_join_together():
    after = _exchange(_state([-1] * 4), [0, 0, 0, 1], [0.5, 0.5, 0.4, 0.2])
    np.testing.assert_array_equal(after.labels, [0, 0, -1, 1])
