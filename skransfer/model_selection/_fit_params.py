"""Hand ``sample_domain`` to the parts that take it, with metadata routing on or off."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from skransfer.model_selection._domain_kfold import DomainKFold

__all__ = ["domain_params"]


def domain_params(estimator: Any, sample_domain: ArrayLike | None) -> dict[str, Any]:
    """Keyword arguments with which ``estimator.fit`` gets ``sample_domain``.

    With metadata routing on that is ``sample_domain`` itself. With routing off, a Pipeline
    wants one argument for each step that takes it (``tca__sample_domain``), and a search passes
    its arguments on to the estimator it searches and ``groups`` to its splitter.

    Parameters
    ----------
    estimator : estimator object
        Possibly a Pipeline or a search, at any depth.
    sample_domain : array-like of shape (n_samples,) or None
        >= 0 source, < 0 target. None: no arguments.

    Returns
    -------
    params : dict
        Empty if no part of ``estimator`` takes ``sample_domain``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skransfer.model_selection import TargetKFold, domain_params
    >>> search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=TargetKFold(5))
    >>> domain_params(search, [0, 0, -1])
    {'groups': [0, 0, -1]}
    >>> domain_params(LogisticRegression(), [0, 0, -1])
    {}
    """
    if sample_domain is None:
        return {}
    names = _names(estimator)
    if get_config()["enable_metadata_routing"]:
        # A part that takes it but whose request was taken back makes scikit-learn raise, which
        # is better than leaving it out in silence.
        asked = get_routing_for_object(estimator).consumes("fit", ["sample_domain"])
        names = ["sample_domain"] if names or asked else []
    return dict.fromkeys(names, sample_domain)


def _names(estimator: Any) -> list[str]:
    """Names of the arguments when routing is off."""
    if isinstance(estimator, Pipeline):
        return [
            f"{name}__{inner}"
            for name, step in estimator.steps
            if step is not None and not isinstance(step, str)
            for inner in _names(step)
        ]
    if _is_search(estimator):
        groups = ["groups"] if isinstance(estimator.cv, DomainKFold) else []
        return [*_names(estimator.estimator), *groups]
    return ["sample_domain"] if has_fit_parameter(estimator, "sample_domain") else []


def _is_search(estimator: Any) -> bool:
    # Their common base class is private, and the halving searches need an experimental import.
    return all(hasattr(estimator, name) for name in ("estimator", "cv", "refit", "scoring"))
