"""Attention: what must hold of any queries, keys and values."""

import warnings

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.nn.attention import SDPBackend, sdpa_kernel
from handtorch.nn.attention.bias import CausalBias, causal_lower_right, causal_upper_left
from handtorch.nn.functional import multi_head, scaled_dot_product_attention
from handtorch.nn.functional.attention import where_seen


@pytest.fixture(autouse=True)
def seed():
    handtorch.manual_seed(0)


def normal(*shape):
    return handtorch.randn(*shape, dtype=handtorch.float64)


def assert_close(one, other):
    np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_a_key_that_matches_far_better_than_others_gives_its_value():
    keys, values = handtorch.eye(4), normal(4, 3).float()
    assert_close(scaled_dot_product_attention(1e4 * keys[[2, 0]], keys, values), values[[2, 0]])


def test_keys_that_match_alike_give_the_mean_of_their_values():
    values = normal(5, 3)
    assert_close(scaled_dot_product_attention(normal(2, 4), normal(1, 4).expand(5, 4), values)[0], values.mean(0))


def test_keys_and_values_in_another_order_give_the_same():
    q, k, v, order = normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4), [3, 0, 4, 1, 2]
    assert_close(scaled_dot_product_attention(q, k[:, order], v[:, order]), scaled_dot_product_attention(q, k, v))


def test_a_key_that_is_hidden_is_as_good_as_none():
    q, k, v = normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4)
    seen = handtorch.tensor([True, True, False, True, False])
    shorter = scaled_dot_product_attention(q, k[:, seen], v[:, seen])
    assert_close(scaled_dot_product_attention(q, k, v, seen), shorter)
    assert_close(scaled_dot_product_attention(q, k, v, handtorch.where(seen, 0.0, -handtorch.inf)), shorter)


def test_a_query_that_sees_nothing_gets_zeros_and_gives_no_gradient():
    q, k, v = (normal(2, 3, 4).requires_grad_() for _ in range(3))
    y = scaled_dot_product_attention(q, k, v, handtorch.tensor([[True], [False], [True]]))
    y.sum().backward()
    assert not y[:, 1].detach().numpy().any()
    assert not q.grad[:, 1].numpy().any()
    assert np.isfinite(k.grad.numpy()).all()


def test_grouped_heads_are_heads_whose_keys_and_values_are_repeated():
    q, k, v = normal(2, 6, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 4)
    mask = normal(2, 6, 3, 5)
    repeated = [x.repeat_interleave(3, 1) for x in (k, v)]
    assert_close(
        scaled_dot_product_attention(q, k, v, mask, enable_gqa=True), scaled_dot_product_attention(q, *repeated, mask)
    )


def test_queries_that_follow_others_get_what_they_get_in_the_whole_sequence():
    q, k, v = normal(2, 7, 4), normal(2, 7, 4), normal(2, 7, 4)
    whole = scaled_dot_product_attention(q, k, v, is_causal=True)
    last = scaled_dot_product_attention(q[:, 4:], k, v, causal_lower_right(3, 7))
    assert_close(last, whole[:, 4:])


def test_a_causal_bias_holds_no_matrix():
    bias = causal_upper_left(100_000, 100_000)
    assert bias.numel() == 0
    assert isinstance(bias, handtorch.Tensor)
    with pytest.warns(UserWarning, match="see no key"):
        causal_lower_right(3, 2)
    with pytest.raises(AssertionError, match="two lengths"):
        causal_lower_right(3)
    with pytest.raises(AssertionError, match="CausalVariant"):
        CausalBias(1, 2, 3)


def test_a_way_to_compute_it_may_be_named_and_changes_nothing():
    q = normal(2, 3, 4)
    with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH], set_priority=True):
        assert_close(scaled_dot_product_attention(q, q, q), scaled_dot_product_attention(q, q, q))
    with pytest.raises(AssertionError, match="SDPBackend"), sdpa_kernel("flash"):
        pass


@pytest.mark.parametrize(
    ("shapes", "options", "error", "message"),
    [
        (((3, 4), (5, 3), (5, 3)), {}, ShapeError, r"got \(3, 4\) and \(5, 3\); their last axes differ"),
        (((3, 4), (5, 4), (6, 4)), {}, ShapeError, "their numbers of rows differ"),
        (((2, 3, 4), (3, 5, 4), (3, 5, 4)), {}, ShapeError, "expected shapes that broadcast"),
        (
            ((3, 4), (5, 4), (5, 4)),
            {"attn_mask": handtorch.ones(4, 5)},
            ShapeError,
            r"a mask broadcasts to \(..., 3, 5\)",
        ),
        (((4,), (5, 4), (5, 4)), {}, ShapeError, "at least 2 dimensional"),
        (((5, 3, 4), (2, 5, 4), (2, 5, 4)), {"enable_gqa": True}, ShapeError, "must divide the number of heads"),
        (((3, 4), (5, 4), (5, 4)), {"enable_gqa": True}, ShapeError, "axis of heads"),
        (((3, 4),) * 3, {"attn_mask": handtorch.ones(3, 3), "is_causal": True}, ShapeError, "should not be set"),
        (((3, 4),) * 3, {"attn_mask": causal_upper_left(3, 3), "is_causal": True}, ArgumentError, "CausalBias"),
        (((3, 4),) * 3, {"attn_mask": handtorch.ones(3, 3, dtype=handtorch.int64)}, DtypeError, "attn_mask dtype"),
    ],
)
def test_what_does_not_go_together_is_named(shapes, options, error, message):
    q, k, v = (handtorch.randn(*shape) for shape in shapes)
    with pytest.raises(error, match=message):
        scaled_dot_product_attention(q, k, v, **options)


# -- several heads --------------------------------------------------------------------------------------------------


def test_heads_are_attention_between_projections_of_their_own():
    net = nn.MultiheadAttention(8, 2, kdim=5, vdim=6, dtype=handtorch.float64)
    q, k, v = normal(4, 3, 8), normal(7, 3, 5), normal(7, 3, 6)
    y, weights = net(q, k, v, average_attn_weights=False)
    heads = []
    for n in range(3):
        for head in range(2):
            rows = slice(4 * head, 4 * head + 4)
            matrices = (net.q_proj_weight, net.k_proj_weight, net.v_proj_weight)
            a, b, c = (x[:, n] @ w[rows].T for x, w in zip((q, k, v), matrices, strict=True))
            heads.append(scaled_dot_product_attention(a, b, c))
            assert_close(weights[n, head], (a @ b.T / 2).softmax(-1))
    together = handtorch.stack([handtorch.cat(heads[i : i + 2], -1) for i in (0, 2, 4)], 1)
    assert_close(y, together @ net.out_proj.weight.T)


@pytest.mark.parametrize("options", [{}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"bias": False}], ids=str)
def test_weights_that_are_shown_are_those_that_are_used(options):
    net = nn.MultiheadAttention(8, 2, batch_first=True, dtype=handtorch.float64, **options)
    x, memory = normal(3, 4, 8), normal(3, 5, 8)
    hidden = handtorch.rand(4, 5) > 0.7
    padding = handtorch.arange(5) >= handtorch.tensor([[5], [3], [4]])
    for masks in (
        {},
        {"attn_mask": hidden},
        {"key_padding_mask": padding, "attn_mask": hidden & ~hidden.all(-1, True)},
    ):
        shown, weights = net(x, memory, memory, **masks)
        lean, none = net(x, memory, memory, need_weights=False, **masks)
        assert none is None
        assert_close(shown, lean)
        assert_close(weights.sum(-1), handtorch.ones(3, 4))


def test_a_sequence_alone_gives_what_it_gives_in_a_padded_batch():
    net = nn.MultiheadAttention(8, 4, batch_first=True, dtype=handtorch.float64)
    x = normal(3, 6, 8)
    lengths = [6, 2, 4]
    padding = handtorch.arange(6) >= handtorch.tensor(lengths).unsqueeze(1)
    y, _ = net(x, x, x, padding, need_weights=False)
    for row, together, length in zip(x, y, lengths, strict=True):
        alone, _ = net(*[row[:length]] * 3)
        assert_close(together[:length], alone)


def test_a_promise_of_a_causal_mask_needs_the_mask():
    net, x = nn.MultiheadAttention(8, 2), handtorch.randn(4, 3, 8)
    with pytest.raises(ShapeError, match="Need attn_mask"):
        net(x, x, x, is_causal=True)


def test_a_causal_mask_and_padding_go_together_without_a_matrix(monkeypatch):
    net = nn.MultiheadAttention(8, 2, batch_first=True, dtype=handtorch.float64)
    x, padding = normal(3, 6, 8), handtorch.arange(6) >= handtorch.tensor([[6], [2], [4]])
    causal = handtorch.ones(6, 6, dtype=handtorch.bool).triu(1)
    expected, _ = net(x, x, x, padding, False, causal)
    seen = []
    monkeypatch.setattr(multi_head, "where_seen", lambda *args: seen.append(args) or where_seen(*args))
    assert_close(net(x, x, x, padding, False, causal, is_causal=True)[0], expected)
    ((_, _, _, mask, is_causal, _),) = seen
    assert is_causal
    assert tuple(mask.shape) == (3, 1, 1, 6)


def test_an_error_of_a_module_says_where():
    layer, x = nn.TransformerEncoderLayer(8, 2, 16), handtorch.randn(4, 3, 8)
    with pytest.raises(
        ShapeError, match=r"self_attn: The shape of the 2D attn_mask is \(3, 3\), but should be \(4, 4\)"
    ):
        layer(x, handtorch.zeros(3, 3))


def test_masks_of_two_kinds_are_warned_of():
    net, x = nn.MultiheadAttention(8, 2), handtorch.randn(4, 3, 8)
    with pytest.warns(UserWarning, match="mismatched key_padding_mask and attn_mask"):
        net(x, x, x, handtorch.zeros(3, 4, dtype=handtorch.bool), attn_mask=handtorch.zeros(4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net(x, x, x, handtorch.zeros(3, 4), attn_mask=handtorch.zeros(4, 4))
