"""Networks of attention as ONNX files, for sequences of any length."""

import warnings

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.nn import functional as F

from .running import assert_same


def normal(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


def exported(model, *arrays, **options):
    return handtorch.onnx.export(model, tuple(map(handtorch.from_numpy, arrays)), **options)


class Encoder(nn.Module):
    """Layers that see what came before each place, or all that is no padding."""

    def __init__(self, **options):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x, padding=None):
        causal = nn.Transformer.generate_square_subsequent_mask(x.shape[1]) if padding is None else None
        return self.layers(x, causal, padding)


@pytest.mark.parametrize("options", [{}, {"norm_first": True, "activation": "gelu"}], ids=str)
def test_a_causal_network_takes_batches_of_sequences_of_any_length(options):
    model = Encoder(**options)
    proto = exported(model, normal(2, 5, 8), dynamic_axes={"input": {0: "batch", 1: "time"}})
    for shape in ((2, 5, 8), (1, 1, 8), (3, 40, 8)):
        assert_same(model, proto, normal(*shape))


def test_a_mask_of_padding_may_be_an_input_and_hide_everything():
    model, axes = Encoder(), {0: "batch", 1: "time"}
    padding = np.arange(5) >= np.array([[5], [3], [0]])
    proto = exported(model, normal(3, 5, 8), padding, dynamic_axes={"input": axes, "input_1": axes})
    assert_same(model, proto, normal(3, 5, 8), padding)
    assert_same(model, proto, normal(2, 4, 8), padding[1:, 1:])


@pytest.mark.parametrize("options", [{}, {"add_bias_kv": True, "add_zero_attn": True}, {"kdim": 6, "vdim": 4}], ids=str)
def test_heads_and_their_weights_are_the_same(options):
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, **options)

        def forward(self, q, k, v):
            return self.attention(q, k, v), self.attention(q, k, v, need_weights=False)[0]

    model = Heads()
    inputs = [normal(5, 2, 8), normal(6, 2, options.get("kdim", 8)), normal(6, 2, options.get("vdim", 8))]
    assert_same(model, exported(model, *inputs), *inputs)


def test_an_encoder_and_a_decoder_take_lengths_of_their_own():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what is skipped in evaluation
                self.both = nn.Transformer(8, 2, 1, 1, 16, batch_first=True, norm_first=True)

        def forward(self, source, target):
            return self.both(source, target, tgt_mask=self.both.generate_square_subsequent_mask(target.shape[1]))

    model = Both()
    proto = exported(
        model,
        normal(2, 5, 8),
        normal(2, 3, 8),
        dynamic_axes={"input": {0: "batch", 1: "source"}, "input_1": {0: "batch", 1: "target"}},
    )
    assert_same(model, proto, normal(1, 9, 8), normal(1, 4, 8))


def test_dropout_that_evaluation_does_not_leave_out_is_refused():
    class Leaky(nn.Module):
        def forward(self, x):
            return F.scaled_dot_product_attention(x, x, x, dropout_p=0.1)

    with pytest.raises(ArgumentError, match=r"pass dropout_p=0\.0"):
        exported(Leaky(), normal(2, 3, 4))
