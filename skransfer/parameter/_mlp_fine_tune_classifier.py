"""Classifier that fine-tunes a network of scikit-learn."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.neural_network import MLPClassifier
from sklearn.utils.multiclass import check_classification_targets

from skransfer.base import Traits
from skransfer.parameter._fine_tuning import EXAMPLES, INERT, BaseFineTuning, Task
from skransfer.parameter._networks import SourceNetwork
from skransfer.solvers.network_training import Rows

__all__ = ["MLPFineTuneClassifier"]


class MLPFineTuneClassifier(BaseFineTuning):
    r"""Fine-tune a network that was fitted on the source, to classify.

    .. math:: \min_\theta \; \frac{1}{n} \sum_i \ell(y_i, f_\theta(x_i))
        + \frac{\lambda}{2} \lVert \theta - \theta_s \rVert^2

    over the labeled target rows, by Adam from the source's parameters :math:`\theta_s`, with the
    log-loss :math:`\ell` [1]_. The first layers
    may stay frozen [2]_, the others move at rates that grow toward the head, and may join one by
    one [3]_. :math:`\lambda \to \infty` gives the source model.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source network: ``FrozenEstimator(model)`` for a fitted MLPClassifier or MLPRegressor,
        or a Pipeline that ends in one (its scaler is then part of the knowledge). An unfitted
        one, or None for ``MLPClassifier(max_iter=1000, tol=1e-3)``, is fitted on the source rows,
        if there are any. Without model and source rows this is
        :class:`sklearn.neural_network.MLPClassifier` (see Notes).
    freeze : int or "auto", default="auto"
        How many layers, from the input on, stay as they are. "auto": the number of least held-out
        loss by cross-validation on the target rows; of equal losses, the largest.
    head : {"auto", "keep", "new"}, default="auto"
        Whether the last layer is the source's, or starts at random. "auto": the source's where
        it knows all classes of the target; a regressor's head is always new.
    l2_sp : float, default=0.01
        Strength :math:`\lambda` of the pull of weights and biases to the source's; a new head has
        none to be pulled to.
    alpha : float, default=0.0001
        L2 penalty of the weights of layers that are not the source's: a new head. It is divided
        by the size of the mini-batch, as in scikit-learn.
    learning_rate_init : float, default=0.001
        Learning rate of the head.
    lr_decay : float, default=2.6
        Each layer below has the learning rate of the one above, divided by this. 1: one rate.
    unfreeze : {"none", "gradual"}, default="none"
        "gradual": the head is trained alone at first, and one more layer, from the top, joins
        each ``warmup_head_epochs`` epochs, down to ``freeze``.
    warmup_head_epochs : int, default=10
        How many epochs, the first of ``max_iter``, train a new head alone.
    max_iter : int, default=200
        Number of epochs. It limits how far the network may move, so there is no warning when it is
        reached.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch. "auto": 200, or all rows if there are fewer.
    early_stopping : bool, default=False
        Whether to hold out target rows and to keep the epoch of their least loss.
    validation_fraction : float, default=0.1
        Share of the target rows that ``early_stopping`` holds out.
    n_iter_no_change : int, default=10
        The training ends after more epochs in a row without an improvement by ``tol``, counted
        from when all layers are trained that are to be.
    tol : float, default=0.0001
        Least improvement of the loss: of the held-out loss with ``early_stopping``, else of the
        training loss.
    cv : int, cross-validation generator or iterable, default=3
        Folds of ``freeze="auto"``: their number, or a splitter of the labeled target rows.
    random_state : int, RandomState instance or None, default=None
        Of a new head, of mini-batches, of held-out rows, and of the default source.
    verbose : bool or int, default=False
        Whether to print the losses.

    Attributes
    ----------
    coefs_ : list of ndarrays of shape (n_in, n_out)
        Weights of the layers.
    intercepts_ : list of ndarrays of shape (n_out,)
        Biases of the layers.
    classes_ : ndarray of shape (n_classes,)
        With the source's head, the source's classes, even those that no labeled target row has
        (classes are matched by equality); with a new one, the classes of the labeled target rows.
    frozen_layers_ : int
        How many layers were frozen.
    cv_scores_ : ndarray of shape (n_layers,)
        Minus the held-out loss for 0, 1, ... frozen layers; NaN where ``freeze`` was given.
    drift_ : ndarray of shape (n_layers,)
        :math:`\lVert W_l - W_l^s \rVert_F`: how far each layer moved; NaN for a new one.
    loss_curve_ : list of float
        Training loss of each epoch, with the penalties.
    validation_losses_ : list of float
        Held-out loss after each epoch; empty without ``early_stopping``.
    n_iter_ : int
        Number of epochs.
    activation_ : str
        Activation of the hidden layers.
    out_activation_ : str
        Activation of the last layer.
    transformers_ : tuple of transformers
        The fitted steps before the network in the source's Pipeline.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    MLPFineTuneRegressor : The same for regression.
    FrozenFeatures : Values of the layers as features for any other estimator.
    LogisticTransfer : The same idea for a linear model.

    Notes
    -----
    An epoch takes :math:`O(n p)` time for n labeled target rows and p weights above the frozen
    layers, whose values are computed once; "auto" trains ``cv`` times for each number of layers.
    Integer weights equal repeated rows, and the order of the rows carries no information: equal
    rows are merged and the rest sorted before they are shuffled, with a source.

    Without a source, this is ``MLPClassifier(alpha=alpha, learning_rate_init=learning_rate_init,
    batch_size=batch_size, max_iter=max_iter, tol=tol, n_iter_no_change=n_iter_no_change,
    random_state=random_state)``: one hidden layer of 100 units, trained by Adam on the same
    mini-batches from the same start, to the same parameters up to rounding. Only
    ``early_stopping`` differs: here it watches the loss.

    References
    ----------
    .. [1] X. Li, Y. Grandvalet, F. Davoine. Explicit inductive bias for transfer learning with
       convolutional networks. ICML, 2018. :arxiv:`1802.01483`
    .. [2] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep
       neural networks? NIPS, 2014. :arxiv:`1411.1792`
    .. [3] J. Howard, S. Ruder. Universal language model fine-tuning for text classification.
       ACL, 2018. :arxiv:`1801.06146`

    Examples
    --------
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skransfer import MLPFineTuneClassifier
    >>> from skransfer.datasets import load_rotated_digits
    >>> X, y, d = load_rotated_digits(20, random_state=0, return_X_y_domain=True)
    >>> X /= 16
    >>> source = MLPClassifier((64, 32), alpha=1e-3, max_iter=60, tol=0.01, random_state=0)
    >>> source = source.fit(X[d >= 0], y[d >= 0])
    >>> few, rest = slice(898, 958), slice(958, None)
    >>> model = MLPFineTuneClassifier(source=FrozenEstimator(source), freeze=0, random_state=0)
    >>> model = model.fit(X[few], y[few])
    >>> bool(model.score(X[rest], y[rest]) > source.score(X[rest], y[rest]) + 0.1)
    True
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        stochastic=True,
        inert=INERT,
        examples=EXAMPLES,
    )
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}

    def _default_source(self) -> Any:
        return MLPClassifier(max_iter=1000, tol=1e-3, random_state=self.random_state)

    def _task(self, network: SourceNetwork | None, y: NDArray[Any]) -> Task:
        check_classification_targets(y)
        seen = np.unique(y)
        known = None if network is None else network.classes
        keeps = network is not None and self._keeps_head(known, seen)
        self.classes_ = seen
        if keeps and known is not None and len(known) > len(seen):
            self.classes_ = known
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs labeled target rows of at least 2 classes for a new "
                f"head, got 1 class: {seen[0]!r}."
            )
        column = {name: i for i, name in enumerate(self.classes_.tolist())}
        codes = np.array([column[name] for name in y.tolist()], dtype=np.intp)
        if len(self.classes_) == 2:
            return Task(codes[:, None].astype(np.float64), "logistic", keeps)
        return Task(np.eye(len(self.classes_))[codes], "softmax", keeps)

    def _keeps_head(self, known: NDArray[Any] | None, seen: NDArray[Any]) -> bool:
        """Whether the last layer is the source's."""
        new = set(seen.tolist()) - set([] if known is None else known.tolist())
        if self.head == "keep" and new:
            have = "no classes" if known is None else f"the classes {known.tolist()[:5]}"
            raise ValueError(
                f'head="keep", but the source has {have} and the target rows have '
                f'{sorted(new, key=str)[:5]}; head="new" learns a new last layer.'
            )
        return self.head != "new" and not new

    def _first_bias(self, rows: Rows, out_activation: str) -> NDArray[np.float64]:
        n_classes = max(2, rows.Y.shape[1])
        counts = rows.Y.sum(axis=0) if rows.weight is None else rows.weight @ rows.Y
        total = len(rows.Y) if rows.weight is None else rows.weight.sum()
        # A class may be missing from a fold: as if each had been seen once more.
        share = (counts + 1.0) / (total + n_classes)
        return np.asarray(logit(share) if out_activation == "logistic" else np.log(share))

    def predict_proba(self, X: Any, *, sample_domain: Any = None) -> NDArray[Any]:
        """Class probabilities; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        X, _ = self._check_rows(X, sample_domain)
        return self._proba(X)

    def predict_log_proba(self, X: Any, *, sample_domain: Any = None) -> NDArray[Any]:
        """Logarithms of the class probabilities; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        log_P : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, sample_domain=sample_domain))

    def to_sklearn(self) -> Any:
        """Hand out the network as one of scikit-learn.

        Returns
        -------
        model : MLPClassifier or Pipeline
            Fitted, with the same probabilities; behind the source's transformers, if any.
        """
        rows = np.zeros((len(self.classes_), self.coefs_[0].shape[0]), self.coefs_[0].dtype)
        return self._as_sklearn(MLPClassifier(), rows, self.classes_, classes=self.classes_)

    def _proba(self, X: Any) -> NDArray[Any]:
        P = self._outputs(X)
        return np.hstack([1 - P, P]) if P.shape[1] == 1 else P

    def _predict(self, X: Any) -> NDArray[Any]:
        scores = self._outputs(X)
        codes = (scores[:, 0] > 0.5).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[codes])
