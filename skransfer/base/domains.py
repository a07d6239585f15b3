"""The one domain convention: ``sample_domain >= 0`` is source, ``< 0`` is target."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_consistent_length, column_or_1d

from skransfer._compat import num_samples
from skransfer.base.warning import warn_user
from skransfer.exceptions import SingleDomainWarning
from skransfer.kernels import to_host

__all__ = ["Domains", "check_domains", "encode_domains"]


@dataclass(frozen=True)
class Domains:
    """The domain of each row, validated.

    Parameters
    ----------
    ids : ndarray of shape (n_samples,), dtype int64
        ``>= 0`` source, ``< 0`` target. All ``-1`` when there is one domain only.
    single : bool, default=False
        True if no domains were given: then every row is a source row *and* a target row in
        ``fit``, which makes each formula reach its own no-transfer limit.
    named : bool, default=True
        False if the caller named no domains in ``predict`` or ``transform``: all are rows of the
        target and, where there are several targets, of none of them in particular.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.base import Domains
    >>> domains = Domains(np.array([0, 0, -1]))
    >>> domains.n_source, domains.n_target
    (2, 1)
    """

    ids: NDArray[np.int64]
    single: bool = False
    named: bool = True

    @classmethod
    def one(cls, n_rows: int) -> "Domains":
        """All rows in one domain."""
        return cls(np.full(n_rows, -1, dtype=np.int64), single=True)

    @classmethod
    def all_target(cls, n_rows: int) -> "Domains":
        """Rows of the target, as in ``predict`` without ``sample_domain``."""
        return cls(np.full(n_rows, -1, dtype=np.int64), named=False)

    @cached_property
    def source(self) -> NDArray[np.bool_]:
        """Mask of the source rows."""
        return np.ones(len(self.ids), dtype=bool) if self.single else self.ids >= 0

    @cached_property
    def target(self) -> NDArray[np.bool_]:
        """Mask of the target rows."""
        return np.ones(len(self.ids), dtype=bool) if self.single else self.ids < 0

    @property
    def n_source(self) -> int:
        """Number of source rows."""
        return int(self.source.sum())

    @property
    def n_target(self) -> int:
        """Number of target rows."""
        return int(self.target.sum())

    @property
    def contrast(self) -> NDArray[np.float64]:
        """Weights e with e'f = mean of f in the source minus its mean in the target."""
        source = self.source / max(self.n_source, 1)
        return source - self.target / max(self.n_target, 1)

    def require_both(self, min_rows: int = 1) -> "Domains":
        """Raise a ValueError unless both sides have at least ``min_rows`` rows."""
        found = f"found ids {_preview(np.unique(self.ids))}"
        if not self.target.any():
            raise ValueError(
                "sample_domain marks no target rows: target ids are negative (-1, -2, ...), "
                f"source ids are >= 0; {found}. Ids in {{0, 1}} with 1 for the target become "
                "valid by np.where(ids == 1, -1, 0); encode_domains makes ids from names."
            )
        if not self.source.any():
            raise ValueError(
                "sample_domain marks no source rows: source ids are >= 0 (0, 1, ...), target "
                f"ids are negative; {found}. stack_domains stacks two samples and makes the ids."
            )
        for side, rows in (("source", self.n_source), ("target", self.n_target)):
            if rows < min_rows:
                raise ValueError(
                    f"The {side} has 1 sample, but this method compares two distributions and "
                    f"needs at least {min_rows} rows of each domain in sample_domain."
                )
        return self


def check_domains(sample_domain: ArrayLike | None, X: Any) -> Domains:
    """Validate ``sample_domain`` against the rows of ``X``.

    Parameters
    ----------
    sample_domain : array-like of shape (n_samples,) of int, or None
        None: one domain, with a :class:`~skransfer.exceptions.SingleDomainWarning`.
    X : array-like of shape (n_samples, n_features)
        The rows, for their number and, if a data frame, their index.

    Returns
    -------
    domains : Domains

    Raises
    ------
    ValueError
        If the ids are not integers, not one a row, or in another order than the index of X.

    Examples
    --------
    >>> from skransfer.base import check_domains
    >>> check_domains([0, 0, -1], [[1.0], [2.0], [3.0]]).target
    array([False, False,  True])
    """
    n_rows = num_samples(X)
    if sample_domain is None:
        warn_user(
            "sample_domain is None: all rows are taken as one domain and nothing is "
            "transferred. Pass sample_domain=... (>= 0 source, < 0 target).",
            SingleDomainWarning,
        )
        return Domains.one(n_rows)
    return Domains(check_ids(sample_domain, X))


def check_ids(sample_domain: ArrayLike, X: Any = None) -> NDArray[np.int64]:
    """Domain ids as an int64 array, one a row of ``X`` (not checked if X is None)."""
    _check_same_order(sample_domain, X)
    ids = np.asarray(to_host(sample_domain))
    if ids.ndim == 0 or ids[:1].size > 1:
        shape = getattr(sample_domain, "shape", ids.shape)
        raise ValueError(
            f"sample_domain should be a 1d array with one id for each row, got shape {shape}."
        )
    ids = column_or_1d(ids)
    if ids.dtype.kind not in "iu":
        kind = "booleans" if ids.dtype.kind == "b" else f"dtype {ids.dtype}"
        raise ValueError(
            "sample_domain must hold integers, >= 0 for source rows and < 0 for target rows, "
            f"got {kind}; encode_domains(names, target=...) turns names into such integers."
        )
    if X is not None:
        check_consistent_length(X, ids)
    return ids.astype(np.int64, copy=False)


def is_missing(value: Any) -> bool:
    """Whether one value is None, NaN, or pandas NA or NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def _check_same_order(sample_domain: Any, X: Any) -> None:
    """Refuse a Series whose index holds the labels of X in another order."""
    ours, theirs = _pandas_index(sample_domain), _pandas_index(X)
    if ours is None or theirs is None or len(ours) != len(theirs) or ours.equals(theirs):
        return
    if set(ours) == set(theirs):
        raise ValueError(
            "sample_domain and X have the same index labels in different orders; align them "
            "first: sample_domain.loc[X.index]. (Rows are taken by position, not by label.)"
        )


def _pandas_index(container: Any) -> Any:
    # Looked up by module name: pandas must not be imported to find out that X is no frame.
    if type(container).__module__.split(".")[0] != "pandas":
        return None
    return getattr(container, "index", None)


def _preview(ids: NDArray[Any], limit: int = 6) -> str:
    shown = ", ".join(str(value) for value in ids[:limit])
    return "{" + shown + (", ..." if len(ids) > limit else "") + "}"


def encode_domains(names: ArrayLike, target: str | Sequence[Any] | Any) -> NDArray[np.int64]:
    """Turn a column of domain names into ``sample_domain``.

    Parameters
    ----------
    names : array-like of shape (n_samples,)
        The domain of each row: hospital, year, sensor, ...
    target : name or list of names
        The domains to predict in; they get -1, -2, ... in the order given. All others are
        source domains and get 0, 1, ... in sorted order.

    Returns
    -------
    sample_domain : ndarray of shape (n_samples,), dtype int64

    Raises
    ------
    ValueError
        If a name is missing, ``target`` is a set or not among the names, or no source is left.

    Examples
    --------
    >>> from skransfer import encode_domains
    >>> encode_domains(["north", "south", "north", "west"], target="north")
    array([-1,  0, -1,  1])
    """
    column = column_or_1d(np.asarray(names, dtype=object))
    missing = [is_missing(name) for name in column]
    if any(missing):
        raise ValueError(f"names has {sum(missing)} missing values; every row needs a domain.")
    if isinstance(target, (set, frozenset, dict)):
        raise ValueError("target must be a name or a list of names: a set has no order for ids.")
    several = hasattr(target, "__iter__") and not isinstance(target, (str, bytes))
    wanted = list(target) if several else [target]
    present = set(column.tolist())
    unknown = [name for name in wanted if name not in present]
    if unknown or not wanted:
        some = sorted(map(str, present))[:10]
        raise ValueError(f"target {unknown or wanted} is not among the names {some}.")
    sources = sorted(present - set(wanted), key=lambda name: (str(type(name)), name))
    if not sources:
        raise ValueError("Every row belongs to the target; at least one source domain is needed.")
    codes = {name: -1 - i for i, name in enumerate(dict.fromkeys(wanted))}
    codes.update({name: i for i, name in enumerate(sources)})
    return np.array([codes[name] for name in column.tolist()], dtype=np.int64)
