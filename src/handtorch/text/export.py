"""Exporting a language model: ONNX for other programs, GPT-2's layout for Hugging Face's transformers."""

from __future__ import annotations

import copy
import os
from typing import Any

import handtorch
from handtorch import nn, onnx
from handtorch.nn.positions import SinusoidalPositions, sinusoids
from handtorch.ops.positions import AddPositions
from handtorch.text.model import TextModel


def export_onnx(model: TextModel, path: str | os.PathLike[str]) -> Any:
    """Write the network as an ONNX file: ``tokens`` (N, T) int64 to ``logits`` (N, T, V), for any N and T.

    T has no limit for an LSTM and for rotary positions, else the Transformer's ``max_length``.

    Args:
        model: what is written; its tokenizer is not, see :meth:`Tokenizer.save`.
        path: of the file.

    Returns:
        ONNX's ModelProto: what the file holds.

    Raises:
        ArgumentError: the network does something that cannot be written.
        MissingExtraError: the package onnx is not installed.
    """
    network, axes = model.network, {0: "batch", 1: "steps"}
    if isinstance(getattr(network, "positions", None), SinusoidalPositions):
        network = copy.deepcopy(network)
        network.positions = _Waves(network.positions, network.settings["max_length"])
    return onnx.export(
        _Logits(network),
        handtorch.zeros(2, 3, dtype=handtorch.int64),
        path,
        input_names=["tokens"],
        output_names=["logits"],
        dynamic_axes={"tokens": axes, "logits": axes},
    )


class _Waves(SinusoidalPositions):
    """The same waves as one table, which a file can hold."""

    def __init__(self, positions: SinusoidalPositions, rows: int) -> None:
        super().__init__(positions.width, positions.base)
        self.register_buffer("table", handtorch.tensor(sinusoids(range(rows), self.width, self.base)).float())

    def forward(self, x: Any, start: int = 0) -> Any:
        return AddPositions(start)(x, self.table)


class _Logits(nn.Module):
    """A language model that has read nothing before, and does not say what it remembers."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Any) -> Any:
        return self.network(tokens)[0]
