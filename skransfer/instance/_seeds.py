"""Seeds of the learners of a boosting method."""

from typing import Any

from sklearn.utils import check_random_state

__all__ = ["round_seeds"]


def round_seeds(random_state: Any, n_rounds: int) -> list[int | None]:
    """One seed for the learner of each round; None leaves the learner's own ``random_state``."""
    if random_state is None:
        return [None] * n_rounds
    draw = check_random_state(random_state)
    return [int(seed) for seed in draw.randint(2**31 - 1, size=n_rounds)]
