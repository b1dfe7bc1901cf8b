"""Nested containers of tensors in one safetensors file, so that every tool for the format can open it.

How the tensors were nested, and all that is not a tensor, stands as JSON in the file's metadata under ``handtorch``.
"""

from __future__ import annotations

import json
import math
from typing import IO, Any

import numpy as np

from handtorch.errors import ArgumentError, DtypeError, FormatError
from handtorch.io import safetensors
from handtorch.tensor import Tensor

_KEY = "handtorch"
_VERSION = 1
_DEEPEST = 100  # containers inside each other; deeper ones most likely contain themselves


def write(file: IO[Any], obj: Any) -> None:
    """Write tensors, numbers, text, None, and dicts, lists and tuples of them to an open file.

    A tensor that occurs twice is written once; different tensors that share memory are written once each and no longer
    share it when loaded. A subclass of dict is loaded as a dict, and a NumPy number as a Python number.

    Raises:
        TypeError: something that is none of the above; the message says where in ``obj`` it is.
        DtypeError: a tensor of a type that the format has not, such as ``complex128``.
    """
    encoder = _Encoder()
    structure = {"version": _VERSION, "root": encoder.encode(obj, ())}
    safetensors.write(file, encoder.tensors, {_KEY: json.dumps(structure, separators=(",", ":"))})


def read(file: IO[Any]) -> Any:
    """Read what :func:`write` wrote, or any safetensors file, as a dict of tensors.

    Raises:
        FormatError: the file is damaged; nothing is loaded then.
    """
    tensors, metadata = safetensors.read(file)
    if _KEY not in metadata:
        return tensors
    try:
        structure = json.loads(metadata[_KEY])
        version = structure["version"]
        if version != _VERSION:
            raise FormatError(f"expected structure version {_VERSION}, got {version}; try a newer Handtorch")
        decoder = _Decoder(tensors)
        loaded = decoder.decode(structure["root"])
    except FormatError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError, DtypeError) as error:
        raise FormatError(f"expected the structure that handtorch.save writes, got {error!r}") from None
    if decoder.unused:
        raise FormatError(f"expected every tensor in the structure, got others as well: {sorted(decoder.unused)[:5]}")
    return loaded


# -- structure --------------------------------------------------------------------------------------------------------
# None, bools, ints, finite floats, text and lists are themselves in JSON. The rest is an object with one tag:
# {"dict": [[key, value], ...]}, {"tuple": [...]}, {"float": "nan"}, {"tensor": name}, {"parameter": name}.


class _Encoder:
    """Turns an object into JSON values and collects its tensors."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[int, str] = {}

    def encode(self, value: Any, path: tuple[Any, ...]) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"float": str(float(value))}
        if len(path) > _DEEPEST:
            raise ArgumentError(f"expected at most {_DEEPEST} containers inside each other; does one contain itself?")
        if isinstance(value, Tensor):
            return self._tensor(value, path)
        if isinstance(value, dict):
            return {"dict": [[self._key(key, path), self.encode(item, (*path, key))] for key, item in value.items()]}
        if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
            items = [self.encode(item, (*path, position)) for position, item in enumerate(value)]
            return items if isinstance(value, list) else {"tuple": items}
        raise TypeError(
            f"expected tensors, numbers, text, None, dicts, lists and tuples, got {type(value).__name__}{_at(path)}; "
            "convert it, for instance with vars(), dict() or handtorch.from_numpy()"
        )

    def _key(self, key: Any, path: tuple[Any, ...]) -> Any:
        if isinstance(key, tuple):
            return {"tuple": [self._key(part, path) for part in key]}
        if isinstance(key, (Tensor, dict)) or not isinstance(key, (str, int, float, type(None))):
            raise TypeError(f"expected numbers, text, None or tuples as keys, got {type(key).__name__}{_at(path)}")
        return self.encode(key, path)

    def _tensor(self, tensor: Tensor, path: tuple[Any, ...]) -> dict[str, Any]:
        from handtorch.nn import Parameter

        name = self._names.get(id(tensor))
        if name is None:
            name = self._names[id(tensor)] = self._free_name(path)
            self.tensors[name] = tensor
        encoded: dict[str, Any] = {"parameter" if isinstance(tensor, Parameter) else "tensor": name}
        if tensor.requires_grad:
            encoded["requires_grad"] = True
        return encoded

    def _free_name(self, path: tuple[Any, ...]) -> str:
        """The way to the tensor, so that other tools show something that can be understood."""
        wanted = ".".join(map(str, path)).encode(errors="replace").decode() or "tensor"
        name, count = wanted, 1
        while name in self.tensors or name == "__metadata__":
            count += 1
            name = f"{wanted}~{count}"
        return name


def _at(path: tuple[Any, ...]) -> str:
    return f" at obj{''.join(f'[{step!r}]' for step in path)}" if path else ""


class _Decoder:
    """Turns JSON values back into an object around the tensors of the file."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.unused = set(tensors)
        self._tensors = tensors
        self._made: dict[str, Tensor] = {}

    def decode(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        tag: str | None = next(iter(value), None)
        content: Any = value.get(tag)
        if tag == "dict":
            return self._dict(content)
        if tag == "tuple":
            return tuple(self.decode(item) for item in content)
        if tag == "float":
            return float(content)
        if tag in ("tensor", "parameter"):
            return self._tensor(content, tag, value.get("requires_grad") is True)
        raise FormatError(f"expected a dict, tuple, float, tensor or parameter in the structure, got {tag!r}")

    def _dict(self, pairs: list[list[Any]]) -> dict[Any, Any]:
        result = {self.decode(key): self.decode(item) for key, item in pairs}
        if len(result) != len(pairs):
            raise FormatError("expected each key of a dict once, got one twice")
        return result

    def _tensor(self, name: str, tag: str, requires_grad: bool) -> Tensor:
        from handtorch.nn import Parameter

        if name not in self._tensors:
            raise FormatError(f"expected the tensor {name!r} that the structure names, got a file without it")
        if name not in self._made:
            tensor = self._tensors[name]
            made = Parameter(tensor, requires_grad) if tag == "parameter" else tensor.requires_grad_(requires_grad)
            self._made[name] = made
            self.unused.discard(name)
        return self._made[name]
