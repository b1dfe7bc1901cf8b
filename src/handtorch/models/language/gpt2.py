"""GPT-2: checkpoints in the layout of Hugging Face's transformers, read and written by mapping their keys.

A folder holds ``config.json`` and ``model.safetensors``, or ``pytorch_model.bin`` as older ones do. GPT-2 (Radford et
al. 2019) is :class:`~handtorch.models.language.TransformerLanguageModel` with learned positions, norms before each
part, the tanh form of GELU, biases everywhere but in the logits, and one table for embeddings and logits.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import handtorch
from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.io import safetensors
from handtorch.io.atomic import atomic_write
from handtorch.io.excerpt import excerpt
from handtorch.models.language.transformer import TransformerLanguageModel

# transformers' name -> ours. Its "Conv1D" keeps a weight as (in, out), nn.Linear as (out, in).
_PARTS = {
    "ln_1": "norm_attention",
    "attn.c_attn": "attention.into",
    "attn.c_proj": "attention.out",
    "ln_2": "norm_feed",
    "mlp.c_fc": "expand",
    "mlp.c_proj": "contract",
}
_ENDS = {"wte.weight": "embedding.weight", "wpe.weight": "positions.weight", "lm_head.weight": "output.weight"}
_ENDS |= {f"ln_f.{part}": f"norm.{part}" for part in ("weight", "bias")}
_LAYER = re.compile(r"h\.(\d+)\.(.+)\.(weight|bias)")
# Masks that older files hold, which follow from the lengths.
_MASKS = re.compile(r"h\.\d+\.attn\.(masked_)?bias")

_ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
    "silu": "silu",
}
# What TransformerLanguageModel does; a checkpoint that wants something else is not GPT-2's network.
_FIXED = {"layer_norm_epsilon": 1e-5, "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False}
_FIXED |= {"add_cross_attention": False}


def load_gpt2(folder: str | os.PathLike[str]) -> TransformerLanguageModel:
    """The network of a GPT-2 checkpoint, float32, in evaluation mode.

    Args:
        folder: holds ``config.json`` and the weights.

    Raises:
        MissingFileError: a file is not there.
        FormatError: it is another network's, or its weights do not fit its configuration.
    """
    folder = Path(folder)
    settings = _settings(_read_config(folder / "config.json"))
    try:
        network = TransformerLanguageModel(**settings)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{folder / 'config.json'} describes no GPT-2: {error}") from None
    state: dict[str, Any] = {}
    for key, tensor in _read_weights(folder).items():
        key = key.removeprefix("transformer.")
        if not _MASKS.fullmatch(key):
            ours, turned = _ours(key)
            state[ours] = (tensor.T if turned else tensor).float()
    if network.settings["tied"] and "embedding.weight" in state:
        state["output.weight"] = state["embedding.weight"]
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise FormatError(f"the weights in {folder} are not those that its config.json tells of: {error}") from None
    network.eval()
    return network


def save_gpt2(network: TransformerLanguageModel, folder: str | os.PathLike[str]) -> None:
    """Write what :func:`load_gpt2` reads, and transformers' ``GPT2LMHeadModel.from_pretrained``.

    Args:
        network: one of GPT-2's kind, of any size.
        folder: made if it is not there.

    Raises:
        ArgumentError: it is of another kind.
    """
    given = network.settings
    wanted = {"positions": "learned", "norm": "pre", "bias": True, "kv_heads": given["heads"]}
    for name, value in wanted.items():
        if given[name] != value:
            raise ArgumentError(f"expected a network of GPT-2's kind, with {name}={value!r}, got {given[name]!r}")
    activation = next(name for name, ours in _ACTIVATIONS.items() if ours == given["activation"])
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": given["vocabulary"],
        "n_positions": given["max_length"],
        "n_embd": given["d_model"],
        "n_layer": given["layers"],
        "n_head": given["heads"],
        "n_inner": given["d_ff"],
        "activation_function": activation,
        "resid_pdrop": given["dropout"],
        "embd_pdrop": given["dropout"],
        "attn_pdrop": given["dropout_attention"],
        "tie_word_embeddings": given["tied"],
        **_FIXED,
    }
    theirs = _theirs(network)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.save_file(theirs, folder / "model.safetensors", {"format": "pt"})
    with atomic_write(folder / "config.json", "w") as file:
        json.dump(config, file, indent=2)


def _theirs(network: TransformerLanguageModel) -> dict[str, Any]:
    """The weights under transformers' names; those of tied logits are those of the embeddings."""
    ends = {ours: theirs for theirs, ours in _ENDS.items()}
    parts = {ours: theirs for theirs, ours in _PARTS.items()}
    theirs = {}
    for key, tensor in network.state_dict().items():
        if key in ends:
            if key != "output.weight":
                theirs[f"transformer.{ends[key]}"] = tensor
            elif not network.settings["tied"]:
                theirs[ends[key]] = tensor
            continue
        _, layer, rest = key.split(".", 2)
        part, kind = rest.rsplit(".", 1)
        name = f"{parts[part]}.{kind}"
        theirs[f"transformer.h.{layer}.{name}"] = tensor.T.contiguous() if _is_turned(name) else tensor
    return theirs


def _ours(key: str) -> tuple[str, bool]:
    """Our name of one of transformers' weights, and whether it is transposed."""
    if key in _ENDS:
        return _ENDS[key], False
    match = _LAYER.fullmatch(key)
    if match is None or match[2] not in _PARTS:
        raise FormatError(f"expected the weights of a GPT-2, got {excerpt(key)} among them")
    return f"layers.{match[1]}.{_PARTS[match[2]]}.{match[3]}", _is_turned(key)


def _is_turned(key: str) -> bool:
    return key.endswith(".weight") and ("attn.c_" in key or "mlp.c_" in key)


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of :class:`TransformerLanguageModel` for one of transformers' configurations."""
    if config.get("model_type", "gpt2") != "gpt2":
        raise FormatError(f"expected a checkpoint of model_type 'gpt2', got {config['model_type']!r}")
    for name, value in _FIXED.items():
        if config.get(name, value) != value:
            raise FormatError(f"expected a GPT-2 with {name}={value}, got {config[name]!r}")
    activation = config.get("activation_function", "gelu_new")
    if activation not in _ACTIVATIONS:
        raise FormatError(f"expected an activation_function out of {', '.join(_ACTIVATIONS)}, got {activation!r}")
    try:
        return {
            "vocabulary": config["vocab_size"],
            "d_model": config["n_embd"],
            "heads": config["n_head"],
            "layers": config["n_layer"],
            "d_ff": config.get("n_inner"),
            "max_length": config["n_positions"],
            "positions": "learned",
            "tied": config.get("tie_word_embeddings", True),
            "dropout": config.get("resid_pdrop", 0.1),
            "dropout_attention": config.get("attn_pdrop", 0.1),
            "activation": _ACTIVATIONS[activation],
        }
    except KeyError as error:
        raise FormatError(f"expected {error.args[0]} in the configuration of a GPT-2") from None


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFileError(f"expected a GPT-2 checkpoint, but there is no {path}") from None
    except ValueError as error:
        raise FormatError(f"expected a configuration as JSON in {path}: {error}") from None
    if not isinstance(config, dict):
        raise FormatError(f"expected a configuration as a JSON object in {path}, got {type(config).__name__}")
    return config


def _read_weights(folder: Path) -> dict[str, Any]:
    if (folder / "model.safetensors").is_file():
        return safetensors.load_file(folder / "model.safetensors")
    if (folder / "pytorch_model.bin").is_file():
        return dict(handtorch.load(folder / "pytorch_model.bin"))
    raise MissingFileError(f"expected model.safetensors or pytorch_model.bin in {folder}, found neither")
