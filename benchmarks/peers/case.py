"""What a comparison is made of: contenders, problems, and the rows of both domains."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["MEAN", "REFERENCE", "STD", "Case", "Contender", "Problem", "make_rows"]

REFERENCE = "skransfer"
MEAN, STD = 0.4, 0.8  # of each feature of the target


class Contender(NamedTuple):
    """A package with settings: its name in the tables, and the key of its code."""

    name: str
    key: str
    options: dict = {}

    @property
    def is_ours(self):
        """Whether it runs here, not under the peers' Python."""
        return self.key.startswith("our-")


class Problem(NamedTuple):
    """Rows of each domain, features, options; ``timed=False``: only the agreement is shown."""

    n: int
    d: int
    options: dict
    timed: bool = True


class Case(NamedTuple):
    """A method that several packages have.

    Attributes
    ----------
    name, title, text : str
        On the command line; of the page; what is compared, in Markdown.
    pooled : bool
        Whether the tables count the rows of both domains together.
    contenders : tuple of Contender
        Who takes part.
    problems, quick : tuple of Problem
        In order of n for each d.
    judge : callable
        ``judge(problem, Xs, Xt, arrays)``, with the arrays by name of the contender, gives the
        facts by the same names.
    columns : dict of str to str
        Header by name of the fact, in order.
    check : tuple of (str, float)
        The fact that must be at most so much for us, and the limit.
    notes : str
        Below the tables: what they do not say themselves.
    """

    name: str
    title: str
    text: str
    pooled: bool
    contenders: tuple
    problems: tuple
    quick: tuple
    judge: Callable
    columns: dict
    check: tuple
    notes: str = ""

    def rows(self, problem):
        """The number of rows that the tables show."""
        return 2 * problem.n if self.pooled else problem.n


def make_rows(n, d, seed=0):
    """Source rows of N(0, 1) and target rows of N(0.4, 0.8^2), n of each.

    Parameters
    ----------
    n, d : int
        Rows of each domain, and features.
    seed : int, default=0
        Seed of the draw.
    """
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(MEAN, STD, size=(n, d))
