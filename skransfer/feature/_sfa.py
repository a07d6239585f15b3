"""Spectral feature alignment."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.extmath import row_norms

from skransfer._compat import Interval
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.feature._augmented import AugmentsRows
from skransfer.solvers.pivots import (
    mutual_information,
    presence,
    ranked,
    shared_features,
    support,
)
from skransfer.solvers.spectral_alignment import aligned_features

__all__ = ["SFA"]


class SFA(AugmentsRows, BaseMapper):
    r"""Spectral feature alignment (SFA).

    Words of one domain are aligned with words of the other through those that both use alike
    [1]_. Features are split by the mutual information of their presence and the domain: the
    least telling ones are *domain-independent*, the others *domain-specific*. A bipartite graph
    joins a specific feature i to an independent feature j by the number :math:`M_{ij}` of rows
    that have both, and the leading eigenvectors U of its normalized adjacency

    .. math:: D^{-1/2} \begin{pmatrix} 0 & M \\ M^\top & 0 \end{pmatrix} D^{-1/2}

    give the specific features coordinates in which those with the same companions are close.
    A row becomes :math:`[x, \gamma\, U_{DS}^\top x_{DS}]`. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the mapped source rows. None: only the map is fitted.
    n_independent : int, default=500
        Number of domain-independent features; at most half of all features.
    n_components : int, default=100
        Number of eigenvectors, or fewer if the graph has a lower rank.
    min_support : int or float, default=0.01
        Independent features are present in at least so many rows of each domain. An integer: a
        number of rows; a float: a share. Rare features say little of the domain because they say
        little at all, so a low value fills the independent features with them.
    scale : float, default=0.6
        Mean norm of the new features of a row, relative to that of the row itself, over the rows
        of ``fit``. It sets :math:`\gamma`, which in [1]_ is 0.6 itself: eigenvectors have length
        1, and the more features share it, the less a given :math:`\gamma` does.
    passthrough : bool, default=True
        Whether mapped rows keep the features themselves beside the new ones.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.

    Attributes
    ----------
    independent_ : ndarray of int
        Columns of the domain-independent features, the least telling of the domain first.
    components_ : ndarray of shape (n_components_, n_features)
        :math:`U_{DS}^\top`; zero for independent features.
    eigenvalues_ : ndarray of shape (n_components_,)
        Of the graph, decreasing: 1 once for each connected part.
    factor_ : float
        :math:`\gamma`. The new features are ``factor_ * (X @ components_.T)``.
    n_components_ : int
        Number of new features.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    SCL : Chooses the shared features by the labels, and predicts them from all others.

    Notes
    -----
    A feature is present in a row where its value is positive. Both sides share one map, so
    ``sample_domain`` changes nothing in ``transform``. With one domain no feature tells of it, and
    the most frequent ones are taken as independent.

    The counts M are one sparse product, and the eigenvectors come from the squares of its shorter
    side: :math:`O(\mathrm{nnz}(M)\, l + l^3 + d\, l\, k)` for l independent features and k
    components. Sparse rows are not made dense; with ``passthrough`` they come back sparse.

    References
    ----------
    .. [1] S. J. Pan, X. Ni, J.-T. Sun, Q. Yang, Z. Chen. Cross-domain sentiment classification
       via spectral feature alignment. WWW, 2010. :doi:`10.1145/1772690.1772767`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import SFA, stack_domains
    >>> source = np.array([[1, 0, 1, 0, 0, 0], [0, 1, 0, 1, 0, 0]] * 20)  # its words: 2 and 3
    >>> target = np.array([[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1]] * 20)  # its words: 4 and 5
    >>> X, y, sample_domain = stack_domains(source, [0, 1] * 20, target)
    >>> model = SFA(LogisticRegression(), n_components=2).fit(X, y, sample_domain=sample_domain)
    >>> sorted(model.independent_.tolist())
    [0, 1]
    >>> model.predict([[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]])
    array([0, 1])
    """

    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType({"n_independent": ({}, 1), "min_support": ({}, 0.55)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "n_independent": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "min_support": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="right"),
        ],
        "scale": [Interval(Real, 0, None, closed="left")],
        "passthrough": ["boolean"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_independent: int = 500,
        n_components: int = 100,
        min_support: int | float = 0.01,
        scale: float = 0.6,
        passthrough: bool = True,
        train_on: str = "source",
    ) -> None:
        self.estimator = estimator
        self.n_independent = n_independent
        self.n_components = n_components
        self.min_support = min_support
        self.scale = scale
        self.passthrough = passthrough
        self.train_on = train_on

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        marks = presence(X)
        counts = np.array([support(marks[side]) for side in (domains.source, domains.target)])
        sizes = np.array([domains.n_source, domains.n_target])
        shared = shared_features(counts, sizes, self.min_support)
        order = ranked(-mutual_information(counts, sizes)[shared], counts.sum(axis=0)[shared])
        # Were all features independent, none would be left to align.
        most = max(X.shape[1] // 2, 1)
        self.independent_ = shared[order[: min(self.n_independent, most)]]
        coordinates, self.eigenvalues_ = aligned_features(
            marks, self.independent_, self.n_components
        )
        self.components_ = coordinates.T
        self.n_components_ = len(self.eigenvalues_)
        size = float(np.linalg.norm(X @ coordinates, axis=1).mean())
        self.factor_ = self.scale * float(row_norms(X).mean()) / size if size else 0.0

    def _map(self, X: Any, domains: Domains) -> Any:
        return self._beside(X, X @ (self.factor_ * self.components_.T))

    @property
    def _n_new(self) -> int:
        return self.n_components_
