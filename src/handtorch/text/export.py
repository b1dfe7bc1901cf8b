"""Exporting a language model: ONNX for other programs, GPT-2's layout for Hugging Face's transformers."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import handtorch
from handtorch import nn, onnx
from handtorch.errors import ArgumentError
from handtorch.io.atomic import atomic_write
from handtorch.models.language import TransformerLanguageModel
from handtorch.models.language.gpt2 import save_gpt2
from handtorch.nn.positions import SinusoidalPositions, sinusoids
from handtorch.ops.positions import AddPositions
from handtorch.text.model import TextModel
from handtorch.text.tokenizers import BytePairTokenizer


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


def export_gpt2(model: TextModel, folder: str | os.PathLike[str]) -> None:
    """Write what :meth:`TextModel.from_gpt2` reads: the folder that Hugging Face's transformers has for a GPT-2.

    Args:
        model: a Transformer of GPT-2's kind, of any size, with tokens of bytes.
        folder: made if it is not there.

    Raises:
        ArgumentError: network or tokenizer are of another kind.
    """
    tokenizer = model.tokenizer
    if not isinstance(model.network, TransformerLanguageModel) or not isinstance(tokenizer, BytePairTokenizer):
        raise ArgumentError(f"expected a Transformer with byte pairs, got {_kind(model)}")
    if tokenizer.end_of_word is not None or tokenizer.prefix_space:
        raise ArgumentError("expected byte pairs of bytes, without end_of_word and prefix_space, as GPT-2 has them")
    save_gpt2(model.network, folder)
    with atomic_write(Path(folder) / "vocab.json", "w") as file:
        json.dump(tokenizer.index, file, ensure_ascii=False)
    with atomic_write(Path(folder) / "merges.txt", "w") as file:
        file.write("#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in tokenizer.merges))


def _kind(model: TextModel) -> str:
    return f"{type(model.network).__name__} with {type(model.tokenizer).__name__}"


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
