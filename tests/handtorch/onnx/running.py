"""Runs an exported network in ONNX Runtime."""

import numpy as np
import onnxruntime

import handtorch
from handtorch.onnx.trace import tensors_in


def run(proto, *inputs):
    """What ONNX Runtime makes of arrays."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def assert_same(model, proto, *inputs, tolerance=1e-5):
    """ONNX Runtime and Handtorch make the same of these inputs."""
    model.eval()
    with handtorch.no_grad():
        ours = tensors_in(model(*(handtorch.from_numpy(np.array(x)) for x in inputs)))
    theirs = run(proto, *inputs)
    assert len(ours) == len(theirs)
    for y, expected in zip(ours, theirs, strict=True):
        assert y.numpy().dtype == expected.dtype
        largest = float(np.abs(expected.astype(np.float64)).max(initial=1, where=np.isfinite(expected)))
        np.testing.assert_allclose(y.numpy(), expected, rtol=tolerance, atol=tolerance * largest)
