"""Feed-forward networks as lists of arrays: their values, their losses and their gradients."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = [
    "ACTIVATIONS",
    "OUTPUTS",
    "Gradients",
    "glorot_layers",
    "hidden_values",
    "network_gradients",
    "network_loss",
    "output_values",
]

Arrays = Sequence[NDArray[Any]]

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
# Each with the loss of which it is the canonical link, so that the error of a score is the output
# minus the truth: squared error, binary and multinomial log-loss, Poisson deviance.
OUTPUTS = ("identity", "logistic", "softmax", "exp")


class Gradients(NamedTuple):
    """Loss of a network on some rows, and its derivatives; frozen layers have None."""

    loss: float
    coefs: list[Any]
    intercepts: list[Any]


def _activate(name: str, Z: NDArray[Any]) -> None:
    """Apply an activation in place."""
    if name == "relu":
        np.maximum(Z, 0, out=Z)
    elif name == "tanh":
        np.tanh(Z, out=Z)
    elif name == "logistic":
        expit(Z, out=Z)


def _times_slope(name: str, A: NDArray[Any], delta: NDArray[Any]) -> None:
    """Multiply by the derivative of an activation, in place, from the values that it gave."""
    if name == "relu":
        np.multiply(delta, A > 0, out=delta)
    elif name == "tanh":
        delta *= 1 - A * A
    elif name == "logistic":
        delta *= A
        delta *= 1 - A


def _affine(A: Any, W: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    Z = np.asarray(A @ W)
    Z += b
    return Z


def hidden_values(X: Any, coefs: Arrays, intercepts: Arrays, activation: str, n_layers: int) -> Any:
    r"""Values of a hidden layer, :math:`\phi_k(X)`.

    Parameters
    ----------
    X : array or CSR matrix of shape (n, d)
        Rows.
    coefs : sequence of ndarrays of shape (n_in, n_out)
        Weights :math:`W_l` of the layers.
    intercepts : sequence of ndarrays of shape (n_out,)
        Biases :math:`b_l`.
    activation : {"identity", "logistic", "tanh", "relu"}
        :math:`a` in :math:`\phi_{l} = a(\phi_{l-1} W_l + b_l)`.
    n_layers : int
        How many layers to apply; 0 gives X itself.

    Returns
    -------
    A : ndarray of shape (n, n_units)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.network import hidden_values
    >>> hidden_values(np.array([[1.0, 2.0]]), [np.eye(2)], [np.array([0.0, -5.0])], "relu", 1)
    array([[1., 0.]])
    """
    for W, b in zip(coefs[:n_layers], intercepts[:n_layers], strict=True):
        X = _affine(X, W, b)
        _activate(activation, X)
    return X


def output_values(
    X: Any, coefs: Arrays, intercepts: Arrays, activation: str, out_activation: str | None
) -> NDArray[Any]:
    """What a network says of some rows.

    Parameters
    ----------
    X : array or CSR matrix of shape (n, d)
        Rows.
    coefs, intercepts : sequences of ndarrays
        Parameters of the layers, as in :func:`hidden_values`.
    activation : {"identity", "logistic", "tanh", "relu"}
        Of the hidden layers.
    out_activation : {"identity", "logistic", "softmax", "exp"} or None
        Of the last layer; None leaves its scores as they are.

    Returns
    -------
    P : ndarray of shape (n, n_outputs)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.network import output_values
    >>> layers = [np.zeros((2, 2))], [np.log([3.0, 1.0])]
    >>> output_values(np.ones((1, 2)), *layers, "relu", "softmax")
    array([[0.75, 0.25]])
    """
    last = len(coefs) - 1
    Z = _affine(hidden_values(X, coefs, intercepts, activation, last), coefs[-1], intercepts[-1])
    return Z if out_activation is None else _outputs(Z, out_activation)


def _outputs(Z: NDArray[Any], out_activation: str) -> NDArray[Any]:
    if out_activation == "softmax":
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        return P
    if out_activation == "logistic":
        return np.asarray(expit(Z))
    return np.exp(Z) if out_activation == "exp" else Z


def _loss_and_error(
    Z: NDArray[Any], Y: NDArray[Any], out_activation: str, weight: NDArray[Any] | None
) -> tuple[float, NDArray[Any]]:
    """Mean loss of scores, from the scores themselves (no logarithm of 0), and its gradient."""
    if out_activation == "softmax":
        Z = Z - Z.max(axis=1, keepdims=True)
        error = np.exp(Z)
        total = error.sum(axis=1, keepdims=True)
        rows = np.log(total[:, 0]) - np.einsum("ij,ij->i", Y, Z)
        error /= total
        error -= Y
    else:
        error = _outputs(Z, out_activation) - Y
        if out_activation == "identity":
            rows = 0.5 * np.einsum("ij,ij->i", error, error)
        elif out_activation == "logistic":
            rows = (np.logaddexp(0, Z) - Y * Z).sum(axis=1)
        else:
            rows = (error + Y - Y * Z).sum(axis=1)
    if weight is None:
        error /= len(Y)
        return float(rows.mean()), error
    share = weight / weight.sum()
    error *= share[:, None]
    return float(rows @ share), error


def network_loss(
    X: Any,
    Y: NDArray[Any],
    coefs: Arrays,
    intercepts: Arrays,
    *,
    activation: str,
    out_activation: str,
    sample_weight: NDArray[Any] | None = None,
) -> float:
    r"""Mean loss of a network: half the squared error, the log-loss, or the Poisson loss.

    Losses are summed over outputs. "exp" has :math:`e^z - y z`, the Poisson deviance up to a
    constant.

    Parameters
    ----------
    X : array or CSR matrix of shape (n, d)
        Rows.
    Y : ndarray of shape (n, n_outputs)
        Truth: numbers, or indicators of the classes (one column, of 0 and 1, for "logistic").
    coefs, intercepts : sequences of ndarrays
        Parameters of the layers, as in :func:`hidden_values`.
    activation : {"identity", "logistic", "tanh", "relu"}
        Of the hidden layers.
    out_activation : {"identity", "logistic", "softmax", "exp"}
        Of the last layer; it names the loss.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the rows in the mean.

    Returns
    -------
    loss : float

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.network import network_loss
    >>> layers = [np.zeros((2, 1))], [np.zeros(1)]
    >>> Y = np.array([[1.0], [0.0]])
    >>> network_loss(np.eye(2), Y, *layers, activation="relu", out_activation="logistic")
    0.6931
    """
    Z = output_values(X, coefs, intercepts, activation, None)
    return _loss_and_error(Z, Y, out_activation, sample_weight)[0]


def network_gradients(
    X: Any,
    Y: NDArray[Any],
    coefs: Arrays,
    intercepts: Arrays,
    *,
    activation: str,
    out_activation: str,
    sample_weight: NDArray[Any] | None = None,
    first: int = 0,
    out: Gradients | None = None,
) -> Gradients:
    """Gradients of :func:`network_loss` by backpropagation, down to a layer.

    Parameters
    ----------
    X : array or CSR matrix of shape (n, d)
        Rows.
    Y : ndarray of shape (n, n_outputs)
        Truth, as in :func:`network_loss`.
    coefs, intercepts : sequences of ndarrays
        Parameters of the layers, as in :func:`hidden_values`.
    activation, out_activation : str
        As in :func:`network_loss`.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the rows.
    first : int, default=0
        Layers below it are constants: nothing is computed for them on the way back.
    out : Gradients, default=None
        Arrays of the right shapes to write to.

    Returns
    -------
    gradients : Gradients

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.network import network_gradients
    >>> found = network_gradients(
    ...     np.ones((1, 2)), np.ones((1, 1)), [np.zeros((2, 1))], [np.zeros(1)],
    ...     activation="relu", out_activation="identity",
    ... )
    >>> found.loss, found.coefs[0].ravel(), found.intercepts[0]
    (0.5, array([-1., -1.]), array([-1.]))
    """
    last = len(coefs) - 1
    values = [X]
    for layer in range(last):
        Z = _affine(values[-1], coefs[layer], intercepts[layer])
        _activate(activation, Z)
        values.append(Z)
    Z = _affine(values[-1], coefs[last], intercepts[last])
    loss, delta = _loss_and_error(Z, Y, out_activation, sample_weight)
    if out is None:
        shapes = [None if layer < first else layer for layer in range(last + 1)]
        out = Gradients(
            loss,
            [None if i is None else np.empty_like(coefs[i]) for i in shapes],
            [None if i is None else np.empty_like(intercepts[i]) for i in shapes],
        )
    for layer in range(last, first - 1, -1):
        A = values[layer]
        if isinstance(A, np.ndarray):
            np.matmul(A.T, delta, out=out.coefs[layer])
        else:
            out.coefs[layer][:] = A.T @ delta
        delta.sum(axis=0, out=out.intercepts[layer])
        if layer > first:
            delta = delta @ coefs[layer].T
            _times_slope(activation, A, delta)
    return out._replace(loss=loss)


def glorot_layers(
    sizes: Sequence[int], activation: str, rng: np.random.RandomState, dtype: Any = np.float64
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    r"""Random layers, uniform in :math:`\pm\sqrt{6 / (n_{in} + n_{out})}` (Glorot, Bengio 2010).

    The draws are those of scikit-learn's networks: layer by layer, weights before biases.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units in each hidden layer, of outputs.
    activation : {"identity", "logistic", "tanh", "relu"}
        "logistic" has 2 in place of 6.
    rng : RandomState
        Where the numbers come from.
    dtype : dtype, default=float64
        Of the arrays.

    Returns
    -------
    coefs, intercepts : lists of ndarrays

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.network import glorot_layers
    >>> coefs, intercepts = glorot_layers([4, 3, 2], "relu", np.random.RandomState(0))
    >>> [W.shape for W in coefs], [b.shape for b in intercepts]
    ([(4, 3), (3, 2)], [(3,), (2,)])
    """
    coefs, intercepts = [], []
    for n_in, n_out in pairwise(sizes):
        bound = np.sqrt((2.0 if activation == "logistic" else 6.0) / (n_in + n_out))
        coefs.append(rng.uniform(-bound, bound, (n_in, n_out)).astype(dtype, copy=False))
        intercepts.append(rng.uniform(-bound, bound, n_out).astype(dtype, copy=False))
    return coefs, intercepts
