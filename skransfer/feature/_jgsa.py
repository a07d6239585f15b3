"""Joint geometrical and statistical alignment."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from skransfer._compat import Interval
from skransfer.base import Domains, Traits
from skransfer.feature._pseudo_labels import PseudoLabelMapper, Solution, read_classes
from skransfer.solvers._half_inverse import odd_signs
from skransfer.solvers._spectra import covariance_spectrum
from skransfer.solvers.geometric_statistical import CoupledAlignment, CoupledDirections
from skransfer.solvers.joint import joint_contrasts
from skransfer.solvers.subspace import project

__all__ = ["JGSA"]


class JGSA(ClassNamePrefixFeaturesOutMixin, PseudoLabelMapper):
    r"""Joint geometrical and statistical alignment (JGSA).

    Two coupled projections, A for rows of the source and B for rows of the target, after which
    the domains have the same means, overall and class by class, the source's classes stand apart,
    and the target keeps its variance [1]_:

    .. math:: \max_{A, B} \frac{\operatorname{tr}\bigl(\mu B^\top S_t B
        + \beta A^\top S_b A\bigr)}{\operatorname{tr}\bigl(\sum_c \lVert A^\top m_s^c
        - B^\top m_t^c \rVert^2 + \lambda \lVert A - B \rVert_F^2 + \mu \lVert B \rVert_F^2
        + \beta A^\top S_w A\bigr)}.

    :math:`S_t` is the scatter of the target, :math:`S_b` and :math:`S_w` that of the source
    between and within its classes; :math:`m^c` are means of a domain's class c, and
    :math:`m^0` of the domain, with the scale given in the notes. Classes of the target are those
    that a classifier of the projected rows names, in rounds.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier that learns from the projected source rows. None: only the projections are
        learned.
    n_components : int, default=30
        Directions kept; fewer if fewer tell anything apart.
    alpha : float, default=1.0
        Penalty on the difference of the projections, :math:`\lambda` in [1]_. ``numpy.inf``: both
        are the same.
    mu : float, default=1.0
        Weight of the target's variance, against the length of B.
    beta : float, default=0.1
        Weight of the source's classes. The authors take 0.1 for objects and 0.01 for digits.
    labeler : classifier, default=None
        Names the classes of target rows, first from the rows as they are, then from projected
        rows. None: ``estimator`` or, without one, the nearest neighbor.
    max_iter : int, default=10
        Most projections computed; it ends early when no class of a target row changes.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one, with that class from the first round on.
    verbose : int, default=0
        1: a line for each round.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of the rows of ``fit``; rows are centered by it.
    source_components_ : ndarray of shape (n_features, n_components_)
        A.
    target_components_ : ndarray of shape (n_features, n_components_)
        B.
    eigenvalues_ : ndarray of shape (n_components_,)
        The quotient that each direction attains, decreasing.
    n_components_ : int
        Number of directions found.
    pseudo_labels_ : ndarray of shape (n_target,)
        Classes of the target rows that the projections were computed for.
    history_ : dict of ndarray
        Entry 0 is of the first projections, entry t of the t-th time that projected rows were
        labeled: ``changed``, the share of unlabeled target rows whose class changed (NaN at 0),
        and the ``objective``, the sum of the eigenvalues.
    n_iter_ : int
        Projections computed.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    SubspaceAlignment : Two projections that know nothing of classes.
    MEDA : Aligns the values of a classifier instead of the rows.

    Notes
    -----
    Rows are mapped as rows of their own side: ``sample_domain`` matters in ``transform``.

    The problem is a symmetric pencil of twice as many rows as there are features, solved in the
    span of the rows where features are more, :math:`O(n d^2 + d^3)` time for
    :math:`d = \min(n, n_{features})`, once for all rounds; a round takes some hundred products
    with vectors. For a kernel put its features in front,
    ``make_pipeline(Nystroem(...), JGSA(...))``: penalties on A and B are then those of the
    kernel's space. The quotient is that of scatters, sums over rows, so contrasts of means are
    scaled to match: each class counts :math:`n_s n_t / (n_s + n_t) / C` for C classes, and the
    domains as a whole as much as all classes together, as in the authors' program. With one
    domain there are no contrasts, and both projections are the same.

    References
    ----------
    .. [1] J. Zhang, W. Li, P. Ogunbona. Joint geometrical and statistical alignment for visual
       domain adaptation. CVPR, 2017. :doi:`10.1109/CVPR.2017.547`

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skransfer import JGSA
    >>> from skransfer.datasets import make_subspace_shift
    >>> X, y, sample_domain = make_subspace_shift(random_state=0)
    >>> jgsa = JGSA(KNeighborsClassifier(1), n_components=2)
    >>> jgsa.fit_transform(X, y, sample_domain=sample_domain).shape[1]
    2
    """

    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            {
                "n_components": ({}, 2),
                "max_iter": ({"labeler": KNeighborsClassifier(1)}, 1),
                "labeler": ({}, DummyClassifier()),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **PseudoLabelMapper._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, np.inf, closed="right")],
        "mu": [Interval(Real, 0, None, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_components: int = 30,
        alpha: float = 1.0,
        mu: float = 1.0,
        beta: float = 0.1,
        labeler: Any = None,
        max_iter: int = 10,
        train_on: str = "source",
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_components = n_components
        self.alpha = alpha
        self.mu = mu
        self.beta = beta
        self.labeler = labeler
        self.max_iter = max_iter
        self.train_on = train_on
        self.verbose = verbose

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        axes = covariance_spectrum(X)  # the span of the rows, where they are fewer than features
        rows, source = project(X, axes.mean, axes.vectors), domains.source
        classes = read_classes(y, domains, self.train_on)
        problem = CoupledAlignment(
            rows[source],
            rows[domains.target],
            classes.codes[source],
            alpha=np.inf if domains.single else self.alpha,  # one domain, one map
            mu=self.mu,
            beta=self.beta,
        )

        def solve(codes: NDArray[np.intp]) -> Solution:
            E = _contrasts(codes, domains)
            found = problem.solve(E[source], E[domains.target], self.n_components)
            mapped = np.where(source[:, None], rows @ found.source, rows @ found.target)
            signs = odd_signs(mapped)
            found = CoupledDirections(found.source * signs, found.target * signs, found.values)
            return Solution(found, mapped * signs, {"objective": float(found.values.sum())})

        found, mapped, _ = self._refine(solve, classes, domains, rows)
        self.mean_ = axes.mean
        self.source_components_ = axes.vectors @ found.source
        self.target_components_ = axes.vectors @ found.target
        self.eigenvalues_, self.n_components_ = found.values, len(found.values)
        return mapped.astype(X.dtype, copy=False)

    def _map(self, X: Any, domains: Domains) -> Any:
        Z = np.empty((X.shape[0], self.n_components_), dtype=X.dtype)
        source = domains.source
        for side, directions in (
            (source, self.source_components_),
            (~source, self.target_components_),
        ):
            if side.any():
                Z[side] = project(X[side], self.mean_, directions)
        return Z

    @property
    def _n_features_out(self) -> int:
        return self.n_components_


def _contrasts(codes: NDArray[np.intp], domains: Domains) -> NDArray[np.float64]:
    """Contrasts of means on the scale of a scatter; the domains count as all classes together."""
    if domains.single:
        return np.zeros((len(codes), 0))
    n_classes = len(np.unique(codes[domains.source]))
    E = joint_contrasts(domains.source, codes, balance=1 / (1 + n_classes))
    # With length 1 the first is the scatter between the domains, n_s n_t / (n_s + n_t) |gap|^2.
    return np.asarray(E / np.linalg.norm(E[:, 0]))
