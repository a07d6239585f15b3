"""Parts of a page: tables, lists, checks with a verdict."""

from typing import NamedTuple

__all__ = ["Check", "bullets", "markdown_table"]


class Check(NamedTuple):
    """Something that must hold: what, the number found, whether it does."""

    what: str
    found: str
    holds: bool

    @classmethod
    def above(cls, what, value, limit):
        """A number that must be at least ``limit``."""
        return cls(f"{what} at least {limit:g}", f"{value:.3f}", bool(value >= limit))

    @classmethod
    def below(cls, what, value, limit):
        """A largest difference that must be at most ``limit``."""
        return cls(f"{what}, within {limit:g}", f"{value:.3f}", bool(value <= limit))


def markdown_table(header, rows):
    """A Markdown table with the columns aligned in the text as well.

    Parameters
    ----------
    header : list of str
        Names of the columns; all but the first are numbers.
    rows : list of list of str
        Cells.
    """
    widths = [max(len(row[j]) for row in [header, *rows]) for j in range(len(header))]

    def line(row):
        first, *others = [*zip(row, widths, strict=True)]
        cells = [first[0].ljust(first[1]), *[cell.rjust(width) for cell, width in others]]
        return f"| {' | '.join(cells)} |"

    rule = ["-" * widths[0], *["-" * (width - 1) + ":" for width in widths[1:]]]
    return "\n".join([line(header), line(rule), *map(line, rows)])


def bullets(lines):
    """A Markdown list.

    Parameters
    ----------
    lines : list of str
        One entry each.
    """
    return "\n".join(f"- {line}" for line in lines)
