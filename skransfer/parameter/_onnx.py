"""Networks in ONNX files, as functions of rows."""

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OnnxFeatures", "onnx_features"]


def onnx_features(path: str | PathLike[str], output: str | int | None = None) -> "OnnxFeatures":
    """Take a network in an ONNX file as a fixed function of rows, for :class:`FrozenFeatures`.

    Parameters
    ----------
    path : str or path-like
        The file, as exported by PyTorch, TensorFlow, skl2onnx and others.
    output : str, int or None, default=None
        Which values to take: the name of any tensor of the graph, such as that of the last hidden
        layer, or the place of an output. None: the first output.

    Returns
    -------
    features : callable
        Gives an array of shape (n_samples, n_features_out). It may be pickled, and then holds the
        network itself.

    Raises
    ------
    ImportError
        If onnxruntime is not installed, or, for a tensor that is no output, onnx.
    ValueError
        If there is no such output.

    Notes
    -----
    Rows are given to the first input, in its type, and in its shape: an input of shape
    (n, 3, 32, 32) gets rows of 3072 features. It runs on the CPU.

    Examples
    --------
    >>> from skransfer import FrozenFeatures, onnx_features
    >>> FrozenFeatures(onnx_features("resnet.onnx", "flatten_473"))  # doctest: +SKIP
    """
    with open(path, "rb") as file:
        content = file.read()
    names = [found.name for found in _session(content).get_outputs()]
    if isinstance(output, int):
        if not -len(names) <= output < len(names):
            raise ValueError(f"output={output}, but the network has {len(names)}: {names}.")
        output = names[output]
    elif output is None:
        output = names[0]
    elif output not in names:
        content = _with_output(content, output)
    return OnnxFeatures(content, output)


class OnnxFeatures:
    """An output of an ONNX network as a function of rows; made by :func:`onnx_features`.

    Parameters
    ----------
    content : bytes
        The network.
    output : str
        Name of the output.
    """

    def __init__(self, content: bytes, output: str) -> None:
        self.content = content
        self.output = output
        self._session = _session(content)

    def __call__(self, X: Any) -> NDArray[Any]:
        """Values of the output for rows of an array of shape (n_samples, n_features)."""
        X = np.asarray(X)
        wanted = self._session.get_inputs()[0]
        kind = {"tensor(double)": np.float64, "tensor(float16)": np.float16}
        X = X.astype(kind.get(wanted.type, np.float32), copy=False)
        if len(wanted.shape) > 2:
            X = X.reshape(len(X), *[n if isinstance(n, int) else -1 for n in wanted.shape[1:]])
        (values,) = self._session.run([self.output], {wanted.name: X})
        return np.asarray(values).reshape(len(X), -1)

    def __repr__(self) -> str:
        return f"onnx_features(output={self.output!r})"

    def __sklearn_clone__(self) -> "OnnxFeatures":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "OnnxFeatures":
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {"content": self.content, "output": self.output}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def _session(content: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            'onnx_features runs networks with onnxruntime: pip install "skransfer[onnx]".'
        ) from error
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def _with_output(content: bytes, name: str) -> bytes:
    """The network with a tensor inside it as one more output."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            f"{name!r} is no output of the network; to make a tensor inside it one, onnx is "
            'needed: pip install "skransfer[onnx]".'
        ) from error
    model = onnx.load_from_string(content)
    inside = [tensor for node in model.graph.node for tensor in node.output]
    if name not in inside:
        raise ValueError(f"The network has no tensor {name!r}; the last ones are {inside[-8:]}.")
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return model.SerializeToString()
