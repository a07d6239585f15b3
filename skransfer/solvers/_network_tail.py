"""Adam on the upper layers of a network, with a pull to where they start."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.solvers.network import Gradients

__all__ = ["NetworkTail"]

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8  # as Kingma and Ba propose


class NetworkTail:
    r"""The layers that are trained, as one vector, and the state of Adam beside it.

    Parameters
    ----------
    coefs, intercepts : sequences of ndarrays
        The layers to start from; they are copied.
    rates : sequence of float
        Learning rates of the layers.
    pull : sequence of float
        Strengths of the pull to the start.
    alpha : sequence of float
        Strengths of the L2 penalty of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._network_tail import NetworkTail
    >>> tail = NetworkTail([np.ones((2, 1))], [np.zeros(1)], [0.1], [0.0], [0.0])
    >>> tail.gradients.coefs[0][:], tail.gradients.intercepts[0][:] = 3.0, 0.0
    >>> tail.step(1.0)
    >>> tail.coefs[0].ravel(), tail.intercepts[0]
    (array([0.9, 0.9]), array([0.]))
    """

    def __init__(
        self,
        coefs: Sequence[NDArray[Any]],
        intercepts: Sequence[NDArray[Any]],
        rates: Sequence[float],
        pull: Sequence[float],
        alpha: Sequence[float],
    ) -> None:
        layers = list(zip(coefs, intercepts, strict=True))
        sizes = [W.size + b.size for W, b in layers]
        self.offsets = np.cumsum([0, *sizes])
        self.theta = np.concatenate([part.ravel() for layer in layers for part in layer])
        self.grad = np.zeros_like(self.theta)
        self.start = self.theta.copy()
        self.coefs, self.intercepts = self._views(self.theta, layers)
        self.gradients = Gradients(0.0, *self._views(self.grad, layers))
        dtype = self.theta.dtype
        self.rate = np.repeat(rates, sizes).astype(dtype)
        self.pull = np.repeat(pull, sizes).astype(dtype)
        self.alpha = list(alpha)
        self.thaw(0)

    def _views(
        self, vector: NDArray[Any], layers: list[tuple[NDArray[Any], NDArray[Any]]]
    ) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        coefs, intercepts = [], []
        for (W, b), end in zip(layers, self.offsets[1:], strict=True):
            coefs.append(vector[end - b.size - W.size : end - b.size].reshape(W.shape))
            intercepts.append(vector[end - b.size : end])
        return coefs, intercepts

    def thaw(self, first: int) -> None:
        """Train the layers from ``first`` on; Adam begins anew, for its moments have one age."""
        self.first = first
        self.active = slice(int(self.offsets[first]), None)
        self.pulled = bool((self.pull[self.active] > 0).any())
        self.age = 0
        size = self.theta[self.active].size
        self.moment, self.square = np.zeros((2, size), dtype=self.theta.dtype)

    def penalty(self, size: float) -> float:
        """What is added to the mean loss of a mini-batch of a weight."""
        total = sum(
            a * float(np.vdot(W, W)) for a, W in zip(self.alpha, self.coefs, strict=True) if a > 0
        )
        total /= size
        if self.pulled:
            move = self.theta - self.start
            total += float((self.pull * move) @ move)
        return 0.5 * total

    def step(self, size: float) -> None:
        """One step of Adam on the gradients, then the proximal map of the pull."""
        for layer in range(self.first, len(self.coefs)):
            if self.alpha[layer] > 0:
                grad = self.gradients.coefs[layer]
                grad += self.alpha[layer] / size * self.coefs[layer]
        grad, theta = self.grad[self.active], self.theta[self.active]
        self.age += 1
        self.moment *= _BETA_1
        self.moment += (1 - _BETA_1) * grad
        np.multiply(grad, grad, out=grad)
        grad *= 1 - _BETA_2
        self.square *= _BETA_2
        self.square += grad
        scale = np.sqrt(self.square)
        scale += _EPSILON
        np.divide(self.rate[self.active], scale, out=scale)
        scale *= np.sqrt(1 - _BETA_2**self.age) / (1 - _BETA_1**self.age)
        theta -= scale * self.moment
        if self.pulled:
            scale *= self.pull[self.active]
            scale /= 1 + scale
            scale *= self.start[self.active] - theta
            theta += scale
