"""What the methods of optimal transport share: their arguments, the solve, classes as numbers."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval, take_rows
from skransfer.base import Domains
from skransfer.base.labels import clean_labels, known_labels
from skransfer.base.warning import warn_user
from skransfer.solvers.transport import exact_transport, scaled_transport

__all__ = ["TRANSPORT_CONSTRAINTS", "class_codes", "solve_transport"]

TRANSPORT_CONSTRAINTS = {
    "alpha": [Interval(Real, 0, None, closed="neither")],
    "marginal_alpha": [Interval(Real, 0, None, closed="neither")],
    "metric": [str, callable],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="neither")],
    "verbose": ["verbose"],
}

Codes = NDArray[np.intp]


def solve_transport(
    owner: Any, source: Any, target: Any, codes: tuple[Codes, Codes] | None = None
) -> Any:
    """Solve with the arguments of an estimator, and set what it reports of the solution."""
    options: dict[str, Any] = {"metric": owner.metric}
    if codes is not None:
        options["source_codes"], options["target_codes"] = codes
    if owner.regularization == "exact":
        found: Any = exact_transport(source, target, **options)
    else:
        if owner.regularization == "class":
            options["class_alpha"] = owner.class_alpha
        elif owner.regularization == "unbalanced":
            options["marginal_alpha"] = owner.marginal_alpha
        found = scaled_transport(
            source,
            target,
            alpha=owner.alpha,
            tol=owner.tol,
            max_iter=owner.max_iter,
            verbose=owner.verbose,
            **options,
        )
        if not found.info["converged"]:
            warn_user(
                f"Transport stopped after max_iter={owner.max_iter} rounds with masses wrong by "
                f"{found.info['error']:.1e} in all, more than tol={owner.tol:g}. Raise max_iter or "
                "alpha.",
                ConvergenceWarning,
            )
    owner.source_potential_, owner.target_potential_ = (
        found.source_potential,
        found.target_potential,
    )
    owner.plan_ = getattr(found, "plan", None)
    owner.epsilon_, owner.solver_info_ = getattr(found, "epsilon", 0.0), found.info
    owner.n_iter_ = found.info.get("n_iter", 1)
    return found


def class_codes(
    y: NDArray[Any], domains: Domains, *, read_target: bool
) -> tuple[NDArray[Any], tuple[Codes, Codes]]:
    """The classes, and the number of the class of each source and target row; -1: not known.

    Raises
    ------
    ValueError
        If the labels are no classes, or there are several for a row.
    """
    if y.ndim > 1:
        raise ValueError("Transport by classes takes one label a row; y has several outputs.")
    known = known_labels(y, domains, classifier=True)
    if not read_target:
        known = known & domains.source
    labels = clean_labels(take_rows(y, np.flatnonzero(known)), classifier=True)
    check_classification_targets(labels)
    classes, numbers = np.unique(labels, return_inverse=True)
    codes = np.full(len(y), -1, dtype=np.intp)
    codes[known] = numbers
    return classes, (codes[domains.source], codes[domains.target])
