"""The table of converters: op class -> function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

registered: dict[Any, Callable[..., Any]] = {}


def converts(*ops: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the function that writes ops of these classes."""

    def register(converter: Callable[..., Any]) -> Callable[..., Any]:
        registered.update(dict.fromkeys(ops, converter))
        return converter

    return register


def same(kinds: dict[Any, str]) -> None:
    """Register ops that are one operator of ONNX with the same inputs and no settings: op class -> operator."""

    def converter_to(kind: str) -> Callable[..., Any]:
        return lambda site, *inputs: site.node(kind, *inputs)

    for op, kind in kinds.items():
        registered[op] = converter_to(kind)
