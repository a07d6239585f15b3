"""Feature augmentation."""

from types import MappingProxyType
from typing import Any, ClassVar

from skransfer.base import Traits
from skransfer.feature._augmentation import BaseAugmentation

__all__ = ["EasyAdapt"]


class EasyAdapt(BaseAugmentation):
    r"""Feature augmentation (EasyAdapt, FEDA).

    Give each row a copy of its features that all domains share, and a copy that only its own
    domain has [1]_. With K source domains, a row of source k and a row of the target become

    .. math::

        x^{(k)} \mapsto [\, \sqrt{2\rho}\, x,\; 0, \dots, \sqrt{2(1 - \rho)}\, x, \dots, 0,\; 0 \,],
        \qquad
        x^{(t)} \mapsto [\, \sqrt{2\rho}\, x,\; 0, \dots, 0,\; \sqrt{2(1 - \rho)}\, x \,],

    and one model learns from the labeled rows of all domains. A linear model then has weights
    :math:`w_0 + v_d` in domain d, and its penalty decides how much of them is common: for
    :math:`\rho = 1/2`, the paper's map, inner products double between rows of one domain,
    :math:`\tilde K(x, z) = K(x, z)\,(1 + [\text{same domain}])`. With ridge regression it is the
    regularized multi-task learning of [2]_,

    .. math:: \min_{w_0, v} \sum_i \big(y_i - x_i^\top (w_0 + v_{d_i})\big)^2
        + \frac{\alpha}{2\rho} \lVert w_0 \rVert^2
        + \frac{\alpha}{2(1 - \rho)} \sum_d \lVert v_d \rVert^2.

    Target labels are required.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the long rows of both domains. None: only the map is fitted.
    sharing : float, default=0.5
        How much the domains have in common, :math:`\rho` in [0, 1]. 1: one model of the pooled
        rows; 0: a model for each domain, where the source teaches the target nothing; 0.5: the
        paper's. The estimator's own penalty sets the scale of both parts.
    intercept_scaling : float, default=0.0
        If positive, a constant feature of this value is appended to x and copied like the others,
        so that each domain has an intercept of its own, penalized like other coefficients: less
        for a larger value. 0: x as it is; the estimator's intercept serves all domains.
    sparse_output : bool or "auto", default="auto"
        Whether long rows come as CSR, of at most 2 d entries a row. "auto": if X is sparse. True
        pays for many source domains, whose long rows are mostly zeros.

    Attributes
    ----------
    source_ids_ : ndarray of shape (n_source_domains,)
        Ids of the source domains, in the order of their copies.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    EasyAdaptPlus : Learns from unlabeled target rows as well.
    PRED : Gives the target's model the source's prediction as a feature.

    Notes
    -----
    Rows come as rows of the target unless ``sample_domain`` says otherwise. Each source domain has
    a copy of its own; several target domains share one. A source id that ``fit`` did not see is an
    error. With one domain each row becomes [x, x] (scaled), and inner products double.

    With few target labels and a weak penalty, 0.5 lets the target's own weights fit its labels
    alone, and most of the source is lost: search ``sharing`` near 1 (0.9, 0.99, ...), over the
    labeled target rows, ``TargetKFold(holdout="labeled")``.

    The identity of the kernels holds for models that are linear in the long rows. For other
    kernels put an approximation in front, ``make_pipeline(Nystroem(), EasyAdapt(LinearSVC()))``:
    an RBF kernel on long rows would be another method. Trees and forests gain little: they see no
    more than which domain a row is from. Standardize the features in front as well: inside, the
    copies of the rarer domain would be blown up.

    Time and memory of the map: 2 n d numbers as CSR, (K + 2) n d dense, which is checked first.

    References
    ----------
    .. [1] H. Daumé III. Frustratingly easy domain adaptation. ACL, 2007. :arxiv:`0907.1815`
    .. [2] T. Evgeniou, M. Pontil. Regularized multi-task learning. KDD, 2004.
       :doi:`10.1145/1014052.1014067`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skransfer import EasyAdapt
    >>> X, sample_domain = [[1.0, 2.0], [3.0, 4.0]], [0, -1]
    >>> EasyAdapt().fit_transform(X, sample_domain=sample_domain)
    array([[1., 2., 1., 2., 0., 0.],
           [3., 4., 0., 0., 3., 4.]])
    >>> rng = np.random.RandomState(0)
    >>> X, sample_domain = rng.normal(size=(220, 8)), np.repeat([0, -1], [200, 20])
    >>> coef = np.ones((2, 8))
    >>> coef[1, :2] = 0.0  # the target ignores two features
    >>> y = (X * np.repeat(coef, [200, 20], axis=0)).sum(axis=1)
    >>> adapted = EasyAdapt(Ridge()).fit(X, y, sample_domain=sample_domain)
    >>> X_new = rng.normal(size=(100, 8))
    >>> bool(adapted.score(X_new, X_new @ coef[1]) > 0.98)
    True
    """

    traits = Traits(
        target_labels="required",
        multi_source="distinguished",
        examples=MappingProxyType(
            {
                "sharing": ({}, 0.9),
                "intercept_scaling": ({}, 1.0),
                "sparse_output": ({"estimator": None}, True),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAugmentation._parameter_constraints
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        sharing: float = 0.5,
        intercept_scaling: float = 0.0,
        sparse_output: bool | str = "auto",
    ) -> None:
        self.estimator = estimator
        self.sharing = sharing
        self.intercept_scaling = intercept_scaling
        self.sparse_output = sparse_output
