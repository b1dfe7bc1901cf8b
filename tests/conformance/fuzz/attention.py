"""What is drawn for attention and for the layers of the Transformer."""

from __future__ import annotations

import math
from typing import Any

import torch

from tests.conformance.fuzz.draw import Call, Dice


def _broadcast(dice: Dice, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a mask: some axes of length 1, and leading ones left out."""
    lengths = tuple(1 if dice.chance(0.3) else n for n in shape)
    return lengths[dice.whole(0, len(shape) - 2) :]


def _mask(dice: Dice, *shape: int, hides: float = 0.4) -> torch.Tensor:
    """Truth values, or numbers that hide by -Inf, or numbers that only change the scores."""
    kind = dice.one_of("truth", "hiding", "numbers")
    numbers = dice.tensor(*shape, ties=0.0, grad=0.3 if kind == "numbers" else 0.0)
    if kind == "numbers":
        return numbers
    hidden = torch.rand(shape, generator=torch.Generator().manual_seed(dice.whole(0, 99))) < hides
    return ~hidden if kind == "truth" else numbers.masked_fill(hidden, -math.inf)


def attention(dice: Dice) -> Call:
    """scaled_dot_product_attention."""
    batch = dice.one_of((), (2,), (2, 3), (2, 3), (1, 4), (0, 2))
    queries, keys = (dice.one_of(1, 2, 5, 17, 40 if dice.chance(0.3) else 3) for _ in range(2))
    size = dice.one_of(1, 4, 8, 16, 33)
    values = size if dice.chance(0.6) else dice.one_of(1, 3, 8)
    grouped = len(batch) == 2 and dice.chance(0.15)
    of_keys = (batch[0], dice.one_of(1, batch[1], 2)) if grouped else batch
    if not grouped and dice.chance(0.02):
        keys = 0
    checked = 0 not in (*batch, keys)  # where there is nothing to compute, PyTorch checks nothing
    q = dice.tensor(*batch, queries, size)
    k = dice.tensor(*of_keys, keys, size + (checked and dice.chance(0.02)))
    v = dice.tensor(*of_keys, keys, values)
    options: dict[str, Any] = {"enable_gqa": True} if grouped else {}
    if dice.chance(0.3):
        options["is_causal"] = True
    if dice.chance(0.5 if not options.get("is_causal") else 0.05 if checked else 0.0):
        options["attn_mask"] = _mask(dice, *_broadcast(dice, (*batch, queries, keys)))
    options |= dice.some(scale=lambda: dice.one_of(0.3, 1.0), dropout_p=lambda: dice.one_of(0.0, 0.0, 0.3, 1.0))
    return Call("nn.functional.scaled_dot_product_attention", (q, k, v), options)


def _inputs(dice: Dice, size: int, *others: int, first: bool, batch: tuple[int, ...]) -> list[torch.Tensor]:
    """Queries, and what is looked at, with features of these sizes."""
    lengths = dice.whole(1, 6), dice.whole(1, 7)
    shapes = [
        (n, *batch, features) for n, features in zip((lengths[0], *lengths[1:] * 2), (size, *others), strict=False)
    ]
    return [dice.tensor(*((*shape[1:-1], shape[0], shape[-1]) if first else shape)) for shape in shapes]


def heads(dice: Dice) -> Call:
    """MultiheadAttention."""
    count, size = dice.one_of(1, 2, 4), 8 + (dice.chance(0.02))
    settings = dice.some(
        bias=lambda: False,
        batch_first=lambda: True,
        dropout=lambda: 0.3,
        add_bias_kv=lambda: True,
        add_zero_attn=lambda: True,
        kdim=lambda: 5,
        vdim=lambda: 6,
    )
    batch = () if dice.chance(0.2) else (dice.one_of(1, 2, 3),)
    first = settings.get("batch_first", False) and bool(batch)
    sizes = settings.get("kdim", size), settings.get("vdim", size)
    q, k, v = _inputs(dice, size, *sizes, first=first, batch=batch)
    queries, keys = (x.shape[1 if first else 0] for x in (q, k))
    if sizes == (size, size) and dice.chance(0.5):
        v = k
        if dice.chance(0.5):
            q = k = v = q
            keys = queries
    options = dice.some(
        need_weights=lambda: False,
        average_attn_weights=lambda: False,
        attn_mask=lambda: _mask(
            dice, *((math.prod(batch) * count,) if dice.chance(0.4) else ()), queries, keys, hides=0.2
        ),
        key_padding_mask=lambda: _mask(dice, *batch, keys + dice.chance(0.02), hides=0.2),
    )
    modes = dice.one_of((True,), (False,))
    return Call("nn.MultiheadAttention", (q, k, v), options, ((size, count), settings), modes)


def transformer_layer(dice: Dice) -> Call:
    """TransformerEncoderLayer and TransformerDecoderLayer."""
    settings = dice.some(
        batch_first=lambda: True,
        norm_first=lambda: True,
        bias=lambda: False,
        activation=lambda: dice.one_of("gelu", "relu"),
        layer_norm_eps=lambda: 1e-3,
    )
    batch = () if dice.chance(0.2) else (dice.one_of(1, 2, 3),)
    first = settings.get("batch_first", False) and bool(batch)
    x, memory = _inputs(dice, 8, 8, first=first, batch=batch)
    own, other = (y.shape[1 if first else 0] for y in (x, memory))
    kind = dice.one_of("Encoder", "Decoder")
    name, args = ("src", (x,)) if kind == "Encoder" else ("tgt", (x, memory))
    options = dice.some(
        **{
            f"{name}_mask": lambda: _mask(dice, own, own, hides=0.1),
            f"{name}_key_padding_mask": lambda: _mask(dice, *batch, own, hides=0.1),
        }
    )
    if kind == "Decoder":
        options |= dice.some(memory_key_padding_mask=lambda: _mask(dice, *batch, other, hides=0.1))
    made = ((8, dice.one_of(1, 2, 4), 16, dice.one_of(0.0, 0.2)), settings)
    return Call(f"nn.Transformer{kind}Layer", args, options, made, dice.one_of((True,), (False,)))
