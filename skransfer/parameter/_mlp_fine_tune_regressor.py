"""Regressor that fine-tunes a network of scikit-learn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPRegressor

from skransfer.base import Traits
from skransfer.parameter._fine_tuning import EXAMPLES, INERT, BaseFineTuning, Task
from skransfer.parameter._networks import SourceNetwork
from skransfer.solvers.network_training import Rows

__all__ = ["MLPFineTuneRegressor"]


class MLPFineTuneRegressor(BaseFineTuning):
    r"""Fine-tune a network that was fitted on the source, for regression.

    .. math:: \min_\theta \; \frac{1}{n} \sum_i \ell(y_i, f_\theta(x_i))
        + \frac{\lambda}{2} \lVert \theta - \theta_s \rVert^2

    over the labeled target rows, by Adam from the source's parameters :math:`\theta_s`, with half
    the squared error :math:`\ell`, summed over outputs [1]_. The first layers
    may stay frozen [2]_, the others move at rates that grow toward the head, and may join one by
    one [3]_. :math:`\lambda \to \infty` gives the source model.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        The source network: ``FrozenEstimator(model)`` for a fitted MLPClassifier or MLPRegressor,
        or a Pipeline that ends in one (its scaler is then part of the knowledge). An unfitted
        one, or None for ``MLPRegressor(max_iter=1000, tol=1e-3)``, is fitted on the source rows,
        if there are any. Without model and source rows this is
        :class:`sklearn.neural_network.MLPRegressor` (see Notes).
    freeze : int or "auto", default="auto"
        How many layers, from the input on, stay as they are. "auto": the number of least held-out
        loss by cross-validation on the target rows; of equal losses, the largest.
    head : {"auto", "keep", "new"}, default="auto"
        Whether the last layer is the source's, or starts at random. "auto": the source's where
        it has as many outputs as y; a classifier's head is always new.
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
    MLPFineTuneClassifier : The same for classification.
    FrozenFeatures : Values of the layers as features for any other estimator.
    RidgeTransfer : The same idea for a linear model.

    Notes
    -----
    An epoch takes :math:`O(n p)` time for n labeled target rows and p weights above the frozen
    layers, whose values are computed once; "auto" trains ``cv`` times for each number of layers.
    Integer weights equal repeated rows, and the order of the rows carries no information: equal
    rows are merged and the rest sorted before they are shuffled, with a source.

    Without a source, this is ``MLPRegressor(alpha=alpha, learning_rate_init=learning_rate_init,
    batch_size=batch_size, max_iter=max_iter, tol=tol, n_iter_no_change=n_iter_no_change,
    random_state=random_state)``: one hidden layer of 100 units, trained by Adam on the same
    mini-batches from the same start, to the same parameters up to rounding, if there is one
    output (the loss of several is their sum here and their mean there, which ``tol`` compares).
    Only ``early_stopping`` differs: here it watches the loss.

    The head of an MLPRegressor with ``loss="poisson"`` keeps its loss, and y must not be negative.
    Targets far from the scale of 1 are learned slowly, as by every network: scale y.

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
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.neural_network import MLPRegressor
    >>> from skransfer import MLPFineTuneRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-2, 2, size=(600, 2))
    >>> y = np.sin(2 * X[:, 0]) + X[:, 1]
    >>> source = MLPRegressor(
    ...     hidden_layer_sizes=(32, 16), solver="lbfgs", max_iter=500, tol=0.01, random_state=0
    ... )
    >>> source = source.fit(X[:400], y[:400])
    >>> y = y + 0.5 * X[:, 0]
    >>> model = MLPFineTuneRegressor(source=FrozenEstimator(source), freeze=0, random_state=0)
    >>> model = model.fit(X[400:430], y[400:430])
    >>> bool(model.score(X[430:], y[430:]) > source.score(X[430:], y[430:]) + 0.1)
    True
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        needs_source=False,
        stochastic=True,
        inert=INERT,
        examples=EXAMPLES,
    )

    def _default_source(self) -> Any:
        return MLPRegressor(max_iter=1000, tol=1e-3, random_state=self.random_state)

    def _multi_output(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _task(self, network: SourceNetwork | None, y: NDArray[Any]) -> Task:
        Y = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        keeps = network is not None and self._keeps_head(network, Y.shape[1])
        out = network.out_activation if network is not None and keeps else "identity"
        if out == "exp" and (Y < 0).any():
            raise ValueError(
                'The head of the source has a Poisson loss and y is negative; head="new" has the '
                "squared error."
            )
        return Task(Y, out, keeps)

    def _keeps_head(self, network: SourceNetwork, n_outputs: int) -> bool:
        """Whether the last layer is the source's."""
        theirs = network.coefs[-1].shape[1]
        fits = theirs == n_outputs and network.out_activation in ("identity", "exp")
        if self.head == "keep" and not fits:
            raise ValueError(
                f'head="keep", but the source has {theirs} outputs with out_activation_='
                f"{network.out_activation!r} and y has {n_outputs}; "
                'head="new" learns a new last layer.'
            )
        return self.head != "new" and fits

    def _first_bias(self, rows: Rows, out_activation: str) -> NDArray[np.float64]:
        return np.average(rows.Y, axis=0, weights=rows.weight)

    def to_sklearn(self) -> Any:
        """Hand out the network as one of scikit-learn.

        Returns
        -------
        model : MLPRegressor or Pipeline
            Fitted, with the same predictions; behind the source's transformers, if any.
        """
        rows = np.zeros((1, self.coefs_[0].shape[0]), self.coefs_[0].dtype)
        model = MLPRegressor()
        if self.out_activation_ == "exp":
            model.set_params(loss="poisson")
        y = np.zeros((1, self.coefs_[-1].shape[1]), self.coefs_[0].dtype)
        return self._as_sklearn(model, rows, y.ravel() if y.size == 1 else y)

    def _predict(self, X: Any) -> NDArray[Any]:
        Y = self._outputs(X)
        return Y[:, 0] if Y.shape[1] == 1 else Y
