"""Attention and the Transformer against PyTorch's: first weights, values, gradients, draws and refusals."""

from __future__ import annotations

import importlib
import itertools
import math
from typing import Any

import pytest

from .programs import numbers, programs, raises

torch = pytest.importorskip("torch")

program, test_both_libraries_do_the_same = programs()


def with_gradients(result: Any, leaves: list[Any]) -> list[Any]:
    """A result, and the gradients of a sum in which every element has a weight of its own."""
    weights = result.detach().flatten().cumsum(0).cos().reshape(result.shape)
    (result * weights).sum().backward()
    return [result, *(None if leaf.grad is None else leaf.grad for leaf in leaves)]


def sequences(lib: Any, heads: int = 3, keys_of: int = 3, dtype: str = "float32") -> list[Any]:
    """q (2, H, 5, 4), k (2, H', 6, 4) and v (2, H', 6, 7), that want gradients."""
    shapes = ((2, heads, 5, 4), (2, keys_of, 6, 4), (2, keys_of, 6, 7))
    return [numbers(lib, *shape, seed=i).to(getattr(lib, dtype)).requires_grad_() for i, shape in enumerate(shapes)]


def masks(lib: Any) -> list[Any]:
    """Masks of all kinds, some of which hide all keys from a query."""
    some = numbers(lib, 5, 6, seed=7) > 0
    none_for_one = some & (lib.arange(5) != 1).reshape(5, 1)
    added = numbers(lib, 2, 1, 5, 6)
    return [
        some,
        none_for_one,
        numbers(lib, 2, 3, 1, 6) > 0,
        added.requires_grad_(),
        numbers(lib, 5, 6).masked_fill(~none_for_one, -math.inf),
        numbers(lib, 2, 3, 5, 1).requires_grad_(),
    ]


def biases(lib: Any) -> Any:
    """The module of causal masks."""
    return importlib.import_module(f"{lib.__name__}.nn.attention.bias")


@program
def masks_of_all_kinds_hide_the_same(lib: Any) -> Any:
    seen: list[Any] = []
    for mask in masks(lib):
        leaves = [*sequences(lib), *([mask] if mask.requires_grad else [])]
        seen += with_gradients(lib.nn.functional.scaled_dot_product_attention(*leaves[:3], mask), leaves)
    return seen


@program
def settings_mean_the_same_in_all_types(lib: Any) -> Any:
    attention = lib.nn.functional.scaled_dot_product_attention
    seen: list[Any] = []
    for dtype in ("float32", "float64", "float16"):
        for options in ({}, {"is_causal": True}, {"scale": 0.3}, {"scale": 0.0}):
            leaves = sequences(lib, dtype=dtype)
            seen += with_gradients(attention(*leaves, **options), leaves)
        leaves = sequences(lib, heads=6, dtype=dtype)
        seen += with_gradients(attention(*leaves, enable_gqa=True), leaves)
        seen.append(attention(*sequences(lib, heads=6, dtype=dtype), numbers(lib, 2, 6, 5, 6) > 0, enable_gqa=True))
    return seen


@program
def sequences_may_be_short_empty_or_shared(lib: Any) -> Any:
    attention = lib.nn.functional.scaled_dot_product_attention
    shapes = [
        ((5, 4), (6, 4), (6, 2)),
        ((3, 1, 4), (3, 6, 4), (3, 6, 4)),
        ((2, 3, 0, 4), (2, 3, 6, 4), (2, 3, 6, 4)),
        ((2, 3, 5, 4), (2, 3, 0, 4), (2, 3, 0, 4)),
        ((0, 3, 5, 4), (0, 3, 6, 4), (0, 3, 6, 4)),
        ((2, 3, 5, 4), (1, 3, 6, 4), (6, 4)),
        ((3, 5, 4), (2, 1, 6, 4), (2, 1, 6, 4)),
    ]
    seen: list[Any] = []
    for shape in shapes:
        leaves = [numbers(lib, *s).requires_grad_() for s in shape]
        seen += with_gradients(attention(*leaves), leaves)
    return seen


@program
def dropout_leaves_out_the_same_weights(lib: Any) -> Any:
    attention = lib.nn.functional.scaled_dot_product_attention
    lib.manual_seed(3)
    seen: list[Any] = []
    for p, causal in itertools.product((0.1, 0.5, 1.0), (False, True)):
        leaves = sequences(lib)
        seen += with_gradients(attention(*leaves, dropout_p=p, is_causal=causal), leaves)
    return seen, lib.rand(3)


@program
def refusals_of_attention_are_the_same(lib: Any) -> Any:
    attention = lib.nn.functional.scaled_dot_product_attention
    q, k, v = sequences(lib)
    lower_right = biases(lib).causal_lower_right(5, 6)
    return [
        raises(RuntimeError, lambda: attention(q, k, v, lib.ones(5, 6, dtype=lib.bool), is_causal=True)),
        raises(RuntimeError, lambda: attention(q.double(), k, v)),
        raises(RuntimeError, lambda: attention(q[0, 0, 0], k, v)),
        raises(RuntimeError, lambda: attention(q, k, v, lib.ones(5, 6, dtype=lib.int64))),
        raises(RuntimeError, lambda: attention(q, k, v, lib.ones(4, 6))),
        raises(RuntimeError, lambda: attention(q[0, 0], k[0, 0], v[0, 0], lib.ones(3, 5, 6))),
        raises(RuntimeError, lambda: attention(q, k[..., :3], v)),
        raises(RuntimeError, lambda: attention(q[:, :2], k, v, enable_gqa=True)),
        raises(RuntimeError, lambda: attention(q.long(), k.long(), v.long())),
        raises(ValueError, lambda: attention(q, k, v, lower_right, is_causal=True)),
    ]


@program
def causal_biases_are_masks(lib: Any) -> Any:
    bias = biases(lib)
    seen: list[Any] = []
    for make, (queries, keys) in itertools.product(
        (bias.causal_upper_left, bias.causal_lower_right), ((5, 6), (6, 6), (1, 6), (6, 3))
    ):
        mask = make(queries, keys)
        leaves = [numbers(lib, 2, 2, n, 8).requires_grad_() for n in (queries, keys, keys)]
        seen += [repr(mask), mask.variant.name, mask._materialize()]
        seen += with_gradients(lib.nn.functional.scaled_dot_product_attention(*leaves, mask), leaves)
    with lib.nn.attention.sdpa_kernel([lib.nn.attention.SDPBackend.MATH]):
        seen.append(lib.nn.functional.scaled_dot_product_attention(*sequences(lib)))
    return seen, [(backend.name, int(backend)) for backend in (lib.nn.attention.SDPBackend.MATH,)]


@program
def a_result_names_the_same_node(lib: Any) -> Any:
    attention = lib.nn.functional.scaled_dot_product_attention
    q, k, _ = sequences(lib)
    return [
        attention(q, k, k).grad_fn.name(),
        attention(q, k, k, dropout_p=0.1).grad_fn.name(),
        attention(q[0], k[0], k[0]).grad_fn.name(),
        attention(q[0, 0], k[0, 0], k[0, 0]).grad_fn.name(),
    ]


@program
def second_derivatives_agree(lib: Any) -> Any:
    leaves = [x.double().detach().requires_grad_() for x in sequences(lib)]
    mask = numbers(lib, 5, 6).double().requires_grad_()
    attention = lib.nn.functional.scaled_dot_product_attention
    seen: list[Any] = []
    lib.manual_seed(1)
    for options in ({"attn_mask": mask}, {"is_causal": True}, {"dropout_p": 0.3}):
        y = attention(*leaves, **options)
        first = lib.autograd.grad((y * y).sum(), leaves, create_graph=True)
        seen += [*first, *lib.autograd.grad(sum((g * g).sum() for g in first), leaves)]
    return seen


# -- layers ---------------------------------------------------------------------------------------------------------


ATTENTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no bias": {"bias": False},
    "batch first": {"batch_first": True},
    "added": {"add_bias_kv": True, "add_zero_attn": True},
    "other sizes": {"kdim": 5, "vdim": 6},
    "dropout": {"dropout": 0.4},
}


def inputs_of(lib: Any, options: dict[str, Any], batch: tuple[int, ...]) -> list[Any]:
    """q, k and v of 4 queries and 6 keys."""
    sizes = (8, options.get("kdim", 8), options.get("vdim", 8))
    first = options.get("batch_first", False)
    return [
        numbers(lib, *((*batch, n, size) if first else (n, *batch, size)), seed=i).requires_grad_()
        for i, (n, size) in enumerate(zip((4, 6, 6), sizes, strict=True))
    ]


@program
def layers_have_the_same_first_weights_names_and_text(lib: Any) -> Any:
    lib.manual_seed(1)
    nn = lib.nn
    attentions = [nn.MultiheadAttention(8, 2, **options) for options in ATTENTIONS.values()]
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.3, "gelu", 1e-3, True, True, False)
    nets = [
        *attentions,
        layer,
        nn.TransformerDecoderLayer(8, 2, 16, activation="relu"),
        nn.TransformerEncoder(layer, 2, nn.LayerNorm(8)),
        nn.Transformer(8, 2, 1, 2, 16, batch_first=True, norm_first=True),
    ]
    return [(repr(net), dict(net.state_dict()), [tuple(p.shape) for p in net.parameters()]) for net in nets]


@program
def heads_attend_alike_with_all_settings_and_masks(lib: Any) -> Any:
    seen: list[Any] = []
    mask = numbers(lib, 4, 6) > 0.3
    padding = lib.tensor([[False] * 6, [False] * 4 + [True] * 2])
    for (name, options), batched, weights in itertools.product(ATTENTIONS.items(), (True, False), (True, False)):
        lib.manual_seed(len(name))
        net = lib.nn.MultiheadAttention(8, 2, **options)
        heads = (numbers(lib, 4, 4, 6) if batched else numbers(lib, 2, 4, 6)) > 0.5
        pads = padding if batched else padding[1]
        for given in (
            {},
            {"attn_mask": mask},
            {"attn_mask": heads, "average_attn_weights": False},
            {"key_padding_mask": pads},
            {"key_padding_mask": pads, "attn_mask": mask},
            {"key_padding_mask": pads, "attn_mask": numbers(lib, 4, 6)},
            {"key_padding_mask": pads.float() * -2.0},
        ):
            leaves = inputs_of(lib, options, (2,) if batched else ())
            y, p = net(*leaves, need_weights=weights, **given)
            seen += [p, *with_gradients(y, [*leaves, *net.parameters()])]
            net.zero_grad()
    return seen


@program
def one_tensor_as_all_three_inputs_gives_the_same(lib: Any) -> Any:
    seen: list[Any] = []
    causal = lib.nn.Transformer.generate_square_subsequent_mask(4)
    for batch_first, training in itertools.product((False, True), (False, True)):
        lib.manual_seed(2)
        net = lib.nn.MultiheadAttention(8, 2, dropout=0.2, batch_first=batch_first).train(training)
        x, other = numbers(lib, 3, 4, 8), numbers(lib, 3, 4, 8, seed=1)
        if not batch_first:
            x, other = x.transpose(0, 1), other.transpose(0, 1)
        seen += [net(x, x, x), net(x, other, other), net(x, x, x, attn_mask=causal, is_causal=True, need_weights=False)]
        with lib.no_grad():
            seen += [net(x, x, x), net(x, x, x, attn_mask=causal, need_weights=False)]
    return seen


@program
def keys_and_values_may_be_projected_before(lib: Any) -> Any:
    lib.manual_seed(2)
    net = lib.nn.MultiheadAttention(8, 2)
    q, k, v = inputs_of(lib, {}, (3,))
    seen = []
    for weights in (True, False):
        y = lib.nn.functional.multi_head_attention_forward(
            *(q, k, v, 8, 2, net.in_proj_weight, net.in_proj_bias, None, None, False, 0.0),
            *(net.out_proj.weight, net.out_proj.bias),
            static_k=numbers(lib, 6, 5, 4),
            static_v=numbers(lib, 6, 5, 4, seed=1),
            need_weights=weights,
        )
        seen.append(y)
    return seen


@program
def refusals_of_heads_are_the_same(lib: Any) -> Any:
    net = lib.nn.MultiheadAttention(8, 2)
    x = numbers(lib, 4, 2, 8)

    def refused(*args: Any, kind: type[Exception] = AssertionError, **options: Any) -> bool:
        return raises(kind, lambda: net(*args, **options))

    return [
        raises(ValueError, lambda: lib.nn.MultiheadAttention(0, 2)),
        raises(AssertionError, lambda: lib.nn.MultiheadAttention(8, 3)),
        refused(x[0, 0], x, x),
        refused(x, x[0], x),
        refused(x[:, 0], x, x),
        refused(x, x, x, key_padding_mask=lib.zeros(4, dtype=lib.bool)),
        refused(x, x, x, key_padding_mask=lib.zeros(3, 4, dtype=lib.bool)),
        refused(x, x, x, key_padding_mask=lib.zeros(2, 4, dtype=lib.int64)),
        refused(x, x, x, attn_mask=lib.zeros(4)),
        refused(x, x, x, attn_mask=lib.zeros(3, 4), kind=RuntimeError),
        refused(x, x, x, attn_mask=lib.zeros(3, 4, 4), kind=RuntimeError),
        refused(x[:, 0], x[:, 0], x[:, 0], attn_mask=lib.zeros(3, 4, 4)),
        refused(x[..., :6], x, x),
        refused(x, x, x[:2]),
        refused(x, x[:, :1], x[:, :1], kind=RuntimeError),
        refused(x, x, x, is_causal=True, kind=RuntimeError),
        raises(RuntimeError, lambda: lib.nn.TransformerEncoderLayer(8, 2, activation="tanh")),
    ]


@program
def transformers_train_alike_with_dropout(lib: Any) -> Any:
    seen: list[Any] = []
    for norm_first, batch_first, activation in ((False, False, "relu"), (True, True, "gelu")):
        lib.manual_seed(3)
        net = lib.nn.Transformer(
            8, 2, 2, 2, 16, 0.2, activation, norm_first=norm_first, batch_first=batch_first, bias=not norm_first
        )
        source, target = numbers(lib, 3, 5, 8), numbers(lib, 3, 4, 8, seed=1)
        if not batch_first:
            source, target = source.transpose(0, 1), target.transpose(0, 1)
        causal = net.generate_square_subsequent_mask(4)
        padding = lib.tensor([[False] * 5, [False] * 4 + [True], [False] * 2 + [True] * 3])
        optimizer = lib.optim.AdamW(net.parameters(), 1e-2)
        for _ in range(3):
            options = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
            y = net(source, target, tgt_mask=causal, **options)
            loss = (y - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += [y, loss]
    return seen


@program
def padded_places_come_out_alike_in_evaluation(lib: Any) -> Any:
    """PyTorch has several ways through the encoder in evaluation; some leave zeros where there is padding."""
    lib.manual_seed(3)
    left, middle = [False, False, True, True], [False, True, False, False]
    seen: list[Any] = []
    x = numbers(lib, 2, 4, 8)
    for batch_first, norm_first, nested, heads in itertools.product(
        (True, False), (True, False), (True, False), (1, 2)
    ):
        layer = lib.nn.TransformerEncoderLayer(8, heads, 16, batch_first=batch_first, norm_first=norm_first)
        net = lib.nn.TransformerEncoder(layer, 2, lib.nn.LayerNorm(8), enable_nested_tensor=nested).eval()
        for padding in (lib.tensor([left, [False] * 4]), lib.tensor([middle, [False] * 4])):
            y = x if batch_first else x.transpose(0, 1)
            seen.append(net(y, src_key_padding_mask=padding))
            with lib.no_grad():
                seen.append(net(y, src_key_padding_mask=padding))
                seen.append(net(y, lib.nn.Transformer.generate_square_subsequent_mask(4)))
    return seen


@program
def causal_masks_are_found_or_believed(lib: Any) -> Any:
    lib.manual_seed(3)
    layer = lib.nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    decoder = lib.nn.TransformerDecoder(layer, 2).eval()
    x, memory = numbers(lib, 2, 4, 8), numbers(lib, 2, 3, 8)
    causal = lib.nn.Transformer.generate_square_subsequent_mask(4)
    hidden = lib.ones(4, 4, dtype=lib.bool).triu(1)
    return [
        causal,
        lib.nn.Transformer.generate_square_subsequent_mask(3, dtype=lib.float64),
        decoder(x, memory, causal),
        decoder(x, memory, hidden),
        decoder(x, memory, causal, tgt_is_causal=True),
        decoder(x, memory, causal, tgt_is_causal=False),
        decoder(x, memory, causal.expand(4, 4, 4)),
        decoder(x[0], memory[0], causal),
        decoder(x, memory, causal, tgt_key_padding_mask=lib.tensor([[False] * 3 + [True]] * 2)),
        decoder(x, memory, memory_mask=numbers(lib, 4, 3) > 0.5),
    ]


@program
def refusals_of_transformers_are_the_same(lib: Any) -> Any:
    net = lib.nn.Transformer(8, 2, 1, 1, 16)
    x = numbers(lib, 4, 2, 8)
    return [
        raises(RuntimeError, lambda: net(x, x[:, :1])),
        raises(RuntimeError, lambda: net(x, x[..., :6])),
        raises(AssertionError, lambda: net(x, x, lib.zeros(4, 4, dtype=lib.int64))),
    ]
