"""The Transformer: what must hold of any sequences."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import RangeError, ShapeError


@pytest.fixture(autouse=True)
def seed():
    handtorch.manual_seed(0)


def normal(*shape):
    return handtorch.randn(*shape, dtype=handtorch.float64)


def assert_close(one, other):
    np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-11)


def network(**options):
    settings = {"d_model": 8, "nhead": 2, "num_encoder_layers": 2, "num_decoder_layers": 2, "dim_feedforward": 16}
    return nn.Transformer(**settings, batch_first=True, dtype=handtorch.float64, **options).eval()


def layer(kind="Encoder", **options):
    return getattr(nn, f"Transformer{kind}Layer")(8, 2, 16, batch_first=True, dtype=handtorch.float64, **options).eval()


def square(x):
    return x * x


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_layer_is_its_formula(norm_first):
    net, x = layer(norm_first=norm_first, activation=square), normal(3, 5, 8)

    def mix(y):
        return net.self_attn(y, y, y)[0]

    def change(y):
        return square(y @ net.linear1.weight.T + net.linear1.bias) @ net.linear2.weight.T + net.linear2.bias

    if norm_first:
        y = x + mix(net.norm1(x))
        expected = y + change(net.norm2(y))
    else:
        y = net.norm1(x + mix(x))
        expected = net.norm2(y + change(y))
    assert_close(net(x), expected)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("norm_first", [False, True])
def test_what_is_decoded_does_not_depend_on_what_comes_later(norm_first):
    net, source, target = network(norm_first=norm_first), normal(2, 5, 8), normal(2, 4, 8)
    whole = net(source, target, tgt_mask=net.generate_square_subsequent_mask(4))
    for length in (1, 2, 3):
        mask = net.generate_square_subsequent_mask(length)
        assert_close(net(source, target[:, :length], tgt_mask=mask), whole[:, :length])


def test_padding_does_not_change_what_is_decoded():
    net, source, target = network(), normal(2, 5, 8), normal(2, 4, 8)
    padding = handtorch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    y = net(source, target, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    assert_close(y[1:], net(source[1:, :3], target[1:]))


def test_without_a_mask_the_order_of_places_does_not_matter():
    net, x, order = layer(), normal(2, 5, 8), [3, 0, 4, 1, 2]
    assert_close(net(x[:, order]), net(x)[:, order])


def test_a_causal_mask_of_any_kind_that_is_recognised_means_the_same():
    encoder = nn.TransformerEncoder(layer(), 2, enable_nested_tensor=False)
    x = normal(2, 5, 8)
    added = nn.Transformer.generate_square_subsequent_mask(5, dtype=handtorch.float64)
    expected = encoder(x, added, is_causal=False)
    for mask, told in ((added, None), (added, True), (added == -handtorch.inf, None), (added == -handtorch.inf, False)):
        assert_close(encoder(x, mask, is_causal=told), expected)
    assert_close(encoder(x[0], added), expected[0])


def test_layers_of_a_stack_begin_alike_and_part():
    encoder = nn.TransformerEncoder(layer(), 3, enable_nested_tensor=False)
    first, *others = [list(part.parameters()) for part in encoder.layers]
    for parameters in others:
        for one, other in zip(first, parameters, strict=True):
            assert one is not other
            assert_close(one, other)


def test_places_that_are_skipped_in_evaluation_are_zeros():
    encoder = nn.TransformerEncoder(layer(), 2).eval()
    x, padding = normal(2, 4, 8), handtorch.tensor([[False] * 4, [False, False, True, True]])
    with handtorch.no_grad():
        y = encoder(x, src_key_padding_mask=padding)
    assert not y[1, 2:].numpy().any()
    assert_close(y[1, :2], encoder(x[1, :2]))
    assert encoder(x, src_key_padding_mask=padding)[1, 2:].detach().numpy().all()  # with gradients nothing is skipped


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"norm_first": True}, "encoder_layer.norm_first was True"),
        ({"bias": False}, "bias=False"),
        ({"activation": square}, "activation_relu_or_gelu"),
    ],
)
def test_a_layer_that_can_skip_nothing_is_warned_of(options, reason):
    with pytest.warns(UserWarning, match=reason):
        encoder = nn.TransformerEncoder(layer(**options), 1)
    assert not encoder.use_nested_tensor


def test_dropout_is_everywhere_and_only_in_training():
    net, source, target = network(dropout=0.5), normal(2, 5, 8), normal(2, 4, 8)
    assert_close(net(source, target), net(source, target))
    net.train()
    assert not np.allclose(net(source, target).detach().numpy(), net(source, target).detach().numpy())


def test_custom_stacks_take_the_places_of_the_usual_ones():
    class Twice(nn.Module):
        def forward(self, x, *args, **options):
            return 2 * x

    net = network(custom_encoder=Twice(), custom_decoder=Twice())
    source, target = normal(2, 5, 8), normal(2, 4, 8)
    assert_close(net(source, target), 2 * target)


def test_what_does_not_go_together_is_named():
    net, x = network(), normal(2, 5, 8)
    with pytest.raises(ShapeError, match="batch number of src and tgt must be equal, got 2 and 1"):
        net(x, x[:1])
    with pytest.raises(ShapeError, match="must be equal to d_model, 8, got 8 and 6"):
        net(x, x[..., :6])
    with pytest.raises(RangeError, match="activation should be relu/gelu, not tanh"):
        layer(activation="tanh")
