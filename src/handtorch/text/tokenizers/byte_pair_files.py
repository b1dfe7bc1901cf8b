"""Byte pairs in the files of others: GPT-2's ``vocab.json`` with ``merges.txt``, and ``tokenizer.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from handtorch.errors import FormatError, MissingFileError
from handtorch.io.excerpt import excerpt
from handtorch.text.tokenizers.tokenizer import read_json

END_OF_TEXT = "<|endoftext|>"
"""GPT-2's only special token."""


class Parts(NamedTuple):
    """The arguments of a :class:`~handtorch.text.tokenizers.BytePairTokenizer`."""

    vocabulary: list[str]
    merges: list[tuple[str, str]]
    special: list[str]
    end_of_word: str | None = None
    unknown: str | None = None
    prefix_space: bool = False


def read_vocabulary_and_merges(vocabulary: Path, merges: Path, special: Iterable[str] | None) -> Parts:
    """The parts in GPT-2's two files."""
    tokens = _in_order(read_json(vocabulary, "token ids"), str(vocabulary))
    try:
        lines = merges.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise MissingFileError(f"expected merges, but there is no file {merges}") from None
    except UnicodeDecodeError as error:
        raise FormatError(f"expected UTF-8 in {merges}: {error}") from None
    pairs = [_pair(line.rstrip("\r"), str(merges)) for line in lines if line and not line.startswith("#version")]
    if special is None:
        special = [END_OF_TEXT] if END_OF_TEXT in tokens else []
    return Parts(tokens, pairs, list(special))


def read_tokenizer_json(path: Path) -> Parts:
    """The parts in a file of the package ``tokenizers``."""
    content = read_json(path, "a tokenizer")
    model = _object(content, "model", path)
    if model.get("type", "BPE") != "BPE":
        raise FormatError(f"expected byte pairs (model type 'BPE') in {path}, got {model.get('type')!r}")
    refused = [name for name in ("dropout", "fuse_unk", "byte_fallback", "ignore_merges") if model.get(name)]
    refused += [name for name in ("continuing_subword_prefix",) if model.get(name)]
    refused += [name for name in ("normalizer",) if content.get(name)]
    if refused:
        raise FormatError(f"{path} asks for {', '.join(refused)}, which BytePairTokenizer does not do")
    added = content.get("added_tokens") or []
    ids = dict(_object(model, "vocab", path)) | {token["content"]: token["id"] for token in added}
    end_of_word = model.get("end_of_word_suffix") or None
    unknown = model.get("unk_token")
    special = [token["content"] for token in added]
    if unknown is not None and unknown not in special:
        special.insert(0, unknown)
    return Parts(
        _in_order(ids, str(path)),
        [_pair(pair, str(path)) for pair in model.get("merges") or []],
        special,
        end_of_word,
        unknown if end_of_word else None,
        _prefix_space(content.get("pre_tokenizer"), end_of_word, path),
    )


def _prefix_space(rule: Any, end_of_word: str | None, path: Path) -> bool:
    """Check that a file cuts text into words as we do; whether it puts a blank before a text."""
    kind = rule.get("type") if isinstance(rule, dict) else None
    if end_of_word is not None and kind == "WhitespaceSplit":
        return False
    if end_of_word is None and kind == "ByteLevel" and rule.get("use_regex", True):
        return bool(rule.get("add_prefix_space", True))
    wanted = "WhitespaceSplit" if end_of_word is not None else "ByteLevel with its regex"
    raise FormatError(f"expected the pre_tokenizer {wanted} in {path}, got {excerpt(rule)}")


def _object(content: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    value = content.get(name)
    if not isinstance(value, dict):
        raise FormatError(f"expected an object {name!r} in {path}, got {excerpt(value)}")
    return value


def _in_order(ids: Mapping[str, Any], source: str) -> list[str]:
    """Tokens by their ids, which run from 0 without a gap."""
    if not all(isinstance(number, int) for number in ids.values()):
        raise FormatError(f"expected whole numbers as ids in {source}")
    tokens = sorted(ids, key=ids.__getitem__)
    gap = next((number for number, token in enumerate(tokens) if ids[token] != number), None)
    if gap is not None:
        raise FormatError(f"expected ids from 0 to {len(tokens) - 1} in {source}, got none or two tokens for {gap}")
    return tokens


def _pair(pair: Any, source: str) -> tuple[str, str]:
    parts = pair.split(" ") if isinstance(pair, str) else pair
    if not (isinstance(parts, list) and len(parts) == 2 and all(isinstance(part, str) and part for part in parts)):
        raise FormatError(f"expected a merge of two tokens in {source}, got {excerpt(pair)}")
    return parts[0], parts[1]
