"""One step of a Transformer that writes token by token, a layer as one op: there, calls cost more than arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from handtorch.ops.activation import GELU, SiLU, TanhGELU
from handtorch.ops.op import Op
from handtorch.ops.positions import Turn
from handtorch.ops.samples import Sample, normal, sample

_OF_LAYER = 14  # inputs


class TransformerStep(Op):
    """A Transformer at the one step that follows S others: ``W norm(y)`` of what its layers make of x.

    In a layer ``a = x + W_o [softmax(q kᵀ / √E) v] + b_o`` and ``y = a + W_2 f(W_1 norm_2(a) + b_1) + b_2``, where q
    and the last rows of k and v are W_i norm_1(x) + b_i, in H heads of E = D / H features, and the rows before are
    given; y is the next layer's x. Nobody asks for a gradient of what was written, so there is none.

    Inputs:
        x: (N, 1, D), of the first layer.
        W: (V, D), of the logits.
        gain, shift: (D), of the norm behind the last layer; None for a shift that is not there.
        for each layer:
            keys, values: (N, K, C, E), of which the first S of C places hold the steps before; for H / K heads each.
            gain_1, shift_1, W_i, b_i, W_o, b_o, gain_2, shift_2, W_1, b_1, W_2, b_2: of norm_1, the map
                (D + 2 K E, D) for queries, keys and values, the map (D, D), norm_2 and the maps (F, D) and (D, F); None
                for a bias or shift that is not there.

    Returns:
        the logits (N, 1, V), and the keys and the values of the step (L, N, K, 1, E).

    Args:
        length: S.
        activation: f, "gelu", "gelu_tanh", "relu" or "silu".
        eps: of the norms.
        base: of the angles by which queries and keys are turned, see :class:`~handtorch.ops.positions.Turn`; None if
            they are not.
        position: of the step.
    """

    differentiable = False
    twin_from = 1  # it saves calls
    functions: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "gelu": GELU().value,
        "gelu_tanh": TanhGELU().value,
        "relu": lambda x: np.maximum(x, 0),
        "silu": SiLU().value,
    }

    def __init__(
        self, length: int, activation: str, eps: float = 1e-5, base: float | None = None, position: int = 0
    ) -> None:
        self.length, self.activation, self.eps, self.base, self.position = length, activation, eps, base, position

    def forward(self, x: Any, table: Any, gain: Any, shift: Any, *arrays: Any) -> Any:
        x, keys, values = x[:, 0], [], []
        for of_layer in self.by_layer(arrays):
            x, k, v = self.layer(x, *of_layer)
            keys.append(k)
            values.append(v)
        logits = mapped(self.normed(x, gain, shift), table, None)
        return logits[:, None], np.stack(keys), np.stack(values)

    def by_layer(self, arrays: Any) -> Iterator[Any]:
        """The inputs of each layer."""
        return (arrays[i : i + _OF_LAYER] for i in range(0, len(arrays), _OF_LAYER))

    def layer(self, x: Any, keys: Any, values: Any, *weights: Any) -> tuple[Any, Any, Any]:
        """y (N, D), and the key and the value of the step (N, K, 1, E), for x (N, D)."""
        gain_1, shift_1, into, b, out, b_out, gain_2, shift_2, expand, b_expand, contract, b_contract = weights
        batch, shared, features = len(x), keys.shape[1], keys.shape[3]
        joint = mapped(self.normed(x, gain_1, shift_1), into, b).reshape(batch, -1, 1, features)
        q, k, v = np.split(joint, [joint.shape[1] - 2 * shared, joint.shape[1] - shared], axis=1)
        if self.base is not None:
            q, k = Turn.forward(Turn(self.position, self.base), q), Turn.forward(Turn(self.position, self.base), k)
        keys = np.concatenate([keys[:, :, : self.length], k], axis=2)
        values = np.concatenate([values[:, :, : self.length], v], axis=2)
        scores = q.reshape(batch, shared, -1, features) @ keys.swapaxes(2, 3) / math.sqrt(features)
        e = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (e / e.sum(-1, keepdims=True)) @ values
        x = x + mapped(seen.reshape(batch, -1), out, b_out)
        wide = self.functions[self.activation](mapped(self.normed(x, gain_2, shift_2), expand, b_expand))
        return x + mapped(wide, contract, b_contract), k, v

    def normed(self, x: Any, gain: Any, shift: Any) -> Any:
        """Layer normalisation of each row of x."""
        centred = x - x.mean(-1, keepdims=True)
        y = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + self.eps) * gain
        return y if shift is None else y + shift

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        def inputs(batch: int, shared: int, layers: int, bias: bool = True) -> list[Any]:
            shapes = [*[(batch, shared, 7, 4)] * 2, (12,), (12,), (12 + 8 * shared, 12), (12 + 8 * shared,), (12, 12)]
            shapes += [(12,), (12,), (12,), (20, 12), (20,), (12, 20), (12,)]
            without = () if bias else (3, 5, 7, 9, 11, 13)
            last = [normal(11, 12), normal(12), normal(12) if bias else None]
            return [normal(batch, 1, 12), *last] + [
                None if i in without else normal(*shape, seed=i + layer)
                for layer in range(layers)
                for i, shape in enumerate(shapes)
            ]

        yield sample(lambda: cls(5, "gelu"), *inputs(2, 3, 2))
        yield sample(lambda: cls(7, "relu", base=50.0, position=9), *inputs(1, 1, 1))
        yield sample(lambda: cls(0, "silu", 1e-3), *inputs(1, 1, 3, bias=False))


def mapped(x: Any, weight: Any, bias: Any) -> Any:
    """x Wᵀ + b."""
    y = x @ weight.T
    return y if bias is None else y + bias
