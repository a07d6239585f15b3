"""ONNX networks on disk against the networks that they were exported from."""

import copy
import pickle
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skransfer import FrozenFeatures, onnx_features

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype(np.float32)
W = [RNG.normal(size=shape).astype(np.float32) for shape in ((4, 6), (6, 3))]
NEEDS = "needs the extra onnx: pip install skransfer[onnx]"


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"skransfer\[onnx\]"):
        onnx_features(path)


@pytest.fixture
def path(tmp_path):
    """Two layers with a ReLU between them, with an input of shape (n, 2, 2)."""
    pytest.importorskip("onnxruntime", reason=NEEDS)
    onnx = pytest.importorskip("onnx", reason=NEEDS)
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "W0"], ["z"]),
        helper.make_node("Relu", ["z"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "W1"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    weights = [("W0", W[0]), ("W1", W[1])]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", kind, [None, 2, 2])],
        [
            helper.make_tensor_value_info("scores", kind, [None, 3]),
            helper.make_tensor_value_info("probabilities", kind, [None, 3]),
        ],
        [onnx.numpy_helper.from_array(part, name) for name, part in weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    where = tmp_path / "net.onnx"
    onnx.save(model, where)
    return where


def test_outputs_and_inner_tensors(path):
    hidden = np.maximum(X @ W[0], 0)
    scores = hidden @ W[1]
    P = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    for output, values in ((None, scores), (0, scores), (-1, P), ("probabilities", P)):
        np.testing.assert_allclose(onnx_features(path, output)(X), values, rtol=1e-4, atol=1e-5)
    inner = onnx_features(path, "hidden")
    np.testing.assert_allclose(inner(X), hidden, rtol=1e-4, atol=1e-5)
    assert repr(inner) == "onnx_features(output='hidden')"


def test_an_output_that_is_not_there(path):
    with pytest.raises(ValueError, match="the network has 2"):
        onnx_features(path, 2)
    with pytest.raises(ValueError, match=r"no tensor 'conv'; the last ones are \['flat'"):
        onnx_features(path, "conv")


def test_an_inner_tensor_needs_onnx(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    onnx_features(path, 1)
    with pytest.raises(ImportError, match="'hidden' is no output"):
        onnx_features(path, "hidden")


def test_it_is_a_feature_extractor_that_travels(path):
    features = FrozenFeatures(onnx_features(path, "hidden"))
    y = (X[:, 0] > 0).astype(int)
    pipe = make_pipeline(features, LogisticRegression()).fit(X, y)
    path.unlink()
    for other in (clone(pipe).fit(X, y), pickle.loads(pickle.dumps(pipe)), copy.deepcopy(pipe)):
        np.testing.assert_allclose(other.predict_proba(X), pipe.predict_proba(X), rtol=1e-6)
    assert clone(features).model is features.model
    assert pipe[0].transform(X.astype(np.float64)).shape == (50, 6)
    assert pipe[0].transform(X).dtype == np.float32
    assert FrozenFeatures(FrozenEstimator(pipe)).fit(X).transform(X).shape == (50, 6)
