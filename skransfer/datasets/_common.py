"""What generators and loaders share: stacking domains, drawing noise, checking arguments."""

from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
from sklearn.utils import Bunch, check_scalar

__all__ = [
    "check_count",
    "check_name",
    "check_pair",
    "check_positive",
    "check_task",
    "domain_bunch",
    "feature_vector",
    "gaussian_softmax",
    "stack_parts",
]


def check_count(value, name, minimum=1):
    """Raise unless ``value`` is an integer of at least ``minimum``."""
    return int(check_scalar(value, name, Integral, min_val=minimum))


def check_positive(value, name, *, zero_allowed=False):
    """Raise unless ``value`` is a finite positive (or zero) number."""
    bounds = "left" if zero_allowed else "neither"
    check_scalar(value, name, Real, min_val=0, max_val=np.inf, include_boundaries=bounds)
    if not np.isfinite(value):
        raise ValueError(f"{name} == {value}, must be finite.")
    return float(value)


def check_name(value, name, allowed):
    """Raise unless ``value`` is one of the allowed names."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ValueError(f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}")
    return value


def check_pair(source, target, allowed):
    """Raise unless source and target are two different names out of the allowed ones."""
    check_name(source, "source", allowed)
    check_name(target, "target", allowed)
    if source == target:
        raise ValueError(f"source and target are both {source!r}; take two different domains")


def check_task(task, n_classes):
    """Check ``task`` and, where it counts, ``n_classes``."""
    check_name(task, "task", ("classification", "regression"))
    return check_count(n_classes, "n_classes", minimum=2)


def feature_vector(value, name, n_features, *, positive=False):
    """A number or an array of one value a feature, as an array of shape (n_features,)."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim > 1 or (array.ndim == 1 and array.shape != (n_features,)):
        raise ValueError(
            f"{name} has shape {array.shape}; give a number or an array of shape ({n_features},)"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite, got {value}")
    if positive and np.any(array <= 0):
        raise ValueError(f"{name} must be positive, got {value}")
    return np.broadcast_to(array, (n_features,)).copy()


def gaussian_softmax(logits, noise, rng):
    """Draw one class a row with p(k) proportional to exp(logits[k] / noise) (Gumbel's trick)."""
    return np.argmax(logits + noise * rng.gumbel(size=logits.shape), axis=1).astype(np.int64)


def stack_parts(parts):
    """Stack ``(domain id, X, y)`` triples into X, y, sample_domain."""
    ids, blocks, labels = zip(*parts, strict=True)
    X = sp.vstack(blocks, format="csr") if sp.issparse(blocks[0]) else np.concatenate(blocks)
    lengths = [block.shape[0] for block in blocks]
    return X, np.concatenate(labels), np.repeat(np.asarray(ids, dtype=np.int64), lengths)


def domain_bunch(parts, names, *, descr, labeled_target=None, return_X_y_domain=False, **extra):
    """Bunch of the loaders from ``(domain id, X, y)`` triples.

    Parameters
    ----------
    parts : list of (int, array, array)
        Domains in the order in which they are stacked.
    names : dict of int to str
        Name of each domain id.
    descr : str
        The ``DESCR`` of the data set.
    labeled_target : ndarray of bool of shape (n_samples,), default=None
        Target rows whose labels the protocol lets a method see. None means no row.
    return_X_y_domain : bool, default=False
        Return the three arrays alone.
    **extra
        Further fields of the Bunch.

    Returns
    -------
    data : Bunch or tuple of (X, y, sample_domain)
        See the loaders.
    """
    X, y, sample_domain = stack_parts(parts)
    if return_X_y_domain:
        return X, y, sample_domain
    target = sample_domain < 0
    if labeled_target is None:
        labeled_target = np.zeros(len(target), dtype=bool)
    return Bunch(
        X=X,
        y=y,
        sample_domain=sample_domain,
        domain_names=names,
        source_name=_side_name(names, source=True),
        target_name=_side_name(names, source=False),
        labeled_target=labeled_target,
        test=target & ~labeled_target,
        DESCR=descr,
        **extra,
    )


def _side_name(names, *, source):
    """The name of a side's only domain, or the list of names."""
    side = [name for key, name in names.items() if (key >= 0) == source]
    return side[0] if len(side) == 1 else side
