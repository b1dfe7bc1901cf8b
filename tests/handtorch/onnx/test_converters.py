"""Every converter is held to the samples of its op: ONNX Runtime gives what the op gives."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.onnx.converters import registered

from .running import assert_same


def is_for_runtime(sample):
    """ONNX Runtime has no complex numbers, and does with NaN as it likes."""
    arrays = [x for x in sample.inputs if isinstance(x, np.ndarray)]
    return not sample.bad and not any(x.dtype.kind == "c" or np.isnan(x).any() for x in arrays)


SAMPLES = [(op, i) for op in registered for i, sample in enumerate(op.samples()) if is_for_runtime(sample)]


REFUSED = {
    "Bitwise": "of bits of whole numbers",
    "Classify": "has no operator in ONNX",
    "Index": "a mask, or several arrays of indices",
    "LeakyReLU": "a slope for each element",
    "Gru": "sequences of several lengths",
    "Lstm": "a projection, or sequences of several lengths",
    "MaxPool": "windows of several lengths",
    "Rnn": "sequences of several lengths",
    "ScaledDotProductAttention": "with dropout",
}


class One(nn.Module):
    """A network of one op."""

    def __init__(self, sample):
        super().__init__()
        self.sample = sample

    def forward(self, *tensors):
        given = iter(tensors)
        return self.sample.make()(*(next(given) if isinstance(x, np.ndarray) else x for x in self.sample.inputs))


@pytest.mark.parametrize(("op", "i"), SAMPLES, ids=lambda value: getattr(value, "__name__", value))
def test_onnxruntime_gives_what_the_op_gives(op, i):
    sample = list(op.samples())[i]
    arrays = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in sample.inputs if isinstance(x, np.ndarray)]
    model = One(sample)
    try:
        proto = handtorch.onnx.export(model, tuple(map(handtorch.from_numpy, arrays)))
    except ArgumentError as error:
        assert REFUSED[op.__name__] in str(error)
        return
    assert_same(model, proto, *arrays)
