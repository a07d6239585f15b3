"""Stack the samples of two or more domains into what every estimator takes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skransfer._compat import num_samples
from skransfer.base.labels import clean_labels, label_array, missing_labels
from skransfer.kernels import backend_of, check_device_rows, on_host

__all__ = ["stack_domains"]


def stack_domains(Xs: Any, ys: Any, Xt: Any, yt: Any = None) -> tuple[Any, Any, NDArray[np.int64]]:
    """Stack source and target samples into ``X, y, sample_domain``.

    Parameters
    ----------
    Xs : array-like or sparse matrix of shape (n_source, n_features), or tuple of such
        Source rows. A tuple holds several source domains, which get ids 0, 1, ...
    ys : array-like of shape (n_source,) or (n_source, n_outputs), or tuple of such
        Labels of the source rows; all known.
    Xt : array-like or sparse matrix of shape (n_target, n_features), or tuple of such
        Target rows. A tuple holds several target domains, which get ids -1, -2, ...
    yt : array-like of shape (n_target,) or (n_target, n_outputs), tuple of such, or None
        Labels of the target rows. None, or NaN or None at single rows: unknown.

    Returns
    -------
    X : ndarray, CSR matrix or data frame of shape (n_source + n_target, n_features)
        In the container of the samples: frames are joined by column name, sparse stays sparse,
        and CuPy rows stay on their device.
    y : ndarray of shape (n_source + n_target,) or (n_source + n_target, n_outputs)
        Unknown labels are NaN if labels are numbers, else None. Never -1: whatever reads ``y``
        without knowing about domains would take -1 for a class, in silence.
    sample_domain : ndarray of shape (n_source + n_target,), dtype int64
        ``>= 0`` source, ``< 0`` target.

    Raises
    ------
    ValueError
        If samples and labels differ in length, feature counts or column names differ, a source
        label is unknown, or labels of the two sides are of different kinds (strings, numbers).
    TypeError
        If containers of different kinds are to be stacked (a frame and an array, NumPy and CuPy).

    Examples
    --------
    >>> from skransfer import stack_domains
    >>> X, y, sample_domain = stack_domains([[0.0], [1.0]], [3, 4], [[2.0]])
    >>> y, sample_domain
    (array([ 3.,  4., nan]), array([ 0,  0, -1]))
    """
    sources, source_labels = _domains(Xs), _domains(ys)
    targets = _domains(Xt)
    target_labels = [None] * len(targets) if yt is None else _domains(yt)
    for name, samples, labels in (("s", sources, source_labels), ("t", targets, target_labels)):
        if len(samples) != len(labels):
            raise ValueError(
                f"X{name} holds {len(samples)} domains and y{name} {len(labels)}: give a tuple "
                "of the same length for both, or one sample and its labels."
            )
        for rows, known in zip(samples, labels, strict=True):
            if known is not None and num_samples(rows) != num_samples(known):
                raise ValueError(
                    f"X{name} has {num_samples(rows)} rows and y{name} {num_samples(known)} "
                    "labels; they must be equal."
                )
    ids = [*range(len(sources)), *(-1 - i for i in range(len(targets)))]
    samples = [*sources, *targets]
    sizes = [num_samples(rows) for rows in samples]
    y = _stack_labels([*source_labels, *target_labels], sizes, len(sources))
    return _stack_rows(samples), y, np.repeat(np.array(ids, dtype=np.int64), sizes)


def _domains(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value]


def _stack_rows(samples: list[Any]) -> Any:
    if not all(on_host(rows) for rows in samples):
        return _stack_there(samples)
    if any(sparse.issparse(rows) for rows in samples):
        if not all(sparse.issparse(rows) for rows in samples):
            raise TypeError(
                "Xs and Xt mix sparse and dense rows; convert one of them "
                "(scipy.sparse.csr_array(X) or X.toarray())."
            )
        _check_equal_counts([rows.shape[1] for rows in samples])
        return sparse.vstack(samples, format="csr")
    frames = [hasattr(rows, "columns") for rows in samples]
    if any(frames):
        if not all(frames):
            raise TypeError("Xs and Xt mix data frames and arrays; give both as frames.")
        return _stack_frames(samples)
    arrays = [np.asarray(rows) for rows in samples]
    for rows in arrays:
        if rows.ndim != 2:
            raise ValueError(f"Xs and Xt must be 2-dimensional, got shape {rows.shape}.")
    _check_equal_counts([rows.shape[1] for rows in arrays])
    return np.concatenate(arrays)


def _stack_there(samples: list[Any]) -> Any:
    """Rows on a device, stacked there."""
    if any(on_host(rows) for rows in samples):
        raise TypeError("Xs and Xt mix NumPy rows and rows on a GPU; give both on one side.")
    backend = backend_of(samples[0])
    arrays = [check_device_rows(rows, backend, name="Xs and Xt") for rows in samples]
    _check_equal_counts([rows.shape[1] for rows in arrays])
    return backend.concat(arrays)


def _check_equal_counts(counts: list[int]) -> None:
    if len(set(counts)) > 1:
        raise ValueError(
            f"The domains have different numbers of features ({counts}); stacked rows need the "
            "same columns on both sides."
        )


def _stack_frames(frames: list[Any]) -> Any:
    names = list(frames[0].columns)
    for frame in frames[1:]:
        difference = sorted(map(str, set(frame.columns) ^ set(names)))
        if difference:
            raise ValueError(
                f"The frames have different columns: {difference[:10]} on one side only. "
                "Columns are joined by name; select or rename them first."
            )
    library = type(frames[0]).__module__.split(".")[0]
    if library == "pandas":
        import pandas as pd

        return pd.concat([frame[names] for frame in frames], axis=0, ignore_index=True)
    if library == "polars":
        import polars as pl

        return pl.concat([frame.select(names) for frame in frames], how="vertical_relaxed")
    raise TypeError(f"Cannot stack frames of {library}; convert them to pandas or polars.")


def _stack_labels(parts: list[Any], sizes: list[int], n_sources: int) -> NDArray[Any]:
    known = [None if part is None else label_array(part) for part in parts]
    for part in known[:n_sources]:
        if part is None or missing_labels(part).any():
            raise ValueError("ys has unknown labels (None or NaN); every source row needs one.")
    first = known[0]
    assert first is not None  # checked just above
    shape = first.shape[1:]
    kinds = {_kind(part) for part in known if part is not None} - {None}
    if len(kinds) > 1:
        raise ValueError(
            f"ys and yt hold labels of different kinds ({', '.join(sorted(map(str, kinds)))}); "
            "convert one of them, so that equal classes have equal names."
        )
    unknown = np.nan if kinds == {"numbers"} else None
    gaps = any(part is None or missing_labels(part).any() for part in known)
    dtype = _joint_dtype(known, unknown, gaps)
    columns = []
    for part, size in zip(known, sizes, strict=True):
        if part is None:
            columns.append(np.full((size, *shape), unknown, dtype=dtype))
            continue
        if part.shape[1:] != shape:
            raise ValueError(f"ys and yt differ in their outputs: {shape} and {part.shape[1:]}.")
        filled = part.astype(object) if dtype.kind == "O" else part
        if gaps and part.dtype.kind == "O":
            filled = filled.copy()
            rows = missing_labels(part)
            filled[rows] = unknown
        columns.append(filled.astype(dtype))
    return np.concatenate(columns)


def _kind(labels: NDArray[Any]) -> str | None:
    """Kind of the known labels; None if none is known."""
    values = clean_labels(labels[~missing_labels(labels)], classifier=False)
    if values.size == 0:
        return None
    names = {"b": "booleans", "U": "strings", "S": "bytes", "O": "objects"}
    return names.get(values.dtype.kind, "numbers")


def _joint_dtype(parts: list[Any], unknown: Any, gaps: bool) -> np.dtype[Any]:
    """A dtype for all labels; a number is never turned into a string to get one."""
    cleaned = [
        clean_labels(part[~missing_labels(part)], classifier=False)
        for part in parts
        if part is not None
    ]
    joint = np.result_type(*[part.dtype for part in cleaned if part.size])
    if not gaps:
        return np.dtype(joint)
    if unknown is None:
        return np.dtype(object)
    return np.dtype(np.result_type(joint, np.float64) if joint.kind in "iu" else joint)
