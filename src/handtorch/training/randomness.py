"""Every source of random numbers that a run draws from: taken down, and put back.

These are the default generators of Handtorch, NumPy and Python, and whatever generator hangs on a data loader, its
samplers, its data set, their transforms or its collate function.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import handtorch

# Where generators hang: attributes worth following from a loader. Everything else of a data set is data.
_FOLLOWED = ("sampler", "batch_sampler", "dataset", "collate_fn", "transform", "target_transform", "transforms")


def capture(loaders: Iterable[Any]) -> dict[str, Any]:
    """The state of every generator, made of numbers, texts, lists, dicts, arrays and tensors."""
    return {name: _get_state(generator) for name, generator in _generators(loaders).items()}


def restore(state: dict[str, Any], loaders: Iterable[Any]) -> None:
    """Put back what :func:`capture` took; a generator that was not there then keeps its own state."""
    for name, generator in _generators(loaders).items():
        if name in state:
            _set_state(generator, state[name])


def _generators(loaders: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"handtorch": handtorch.default_generator, "numpy": np.random, "python": random}
    seen = {id(generator) for generator in found.values()}
    for number, loader in enumerate(loaders):
        for path, generator in _owned(loader, f"loader{number}", seen):
            found[path] = generator
    return found


def _owned(owner: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Generators among the attributes of ``owner`` and of what it holds, each object once."""
    owner = getattr(owner, "__self__", owner)  # a bound method draws from its object
    if owner is None or id(owner) in seen:
        return
    seen.add(id(owner))
    for name, value in getattr(owner, "__dict__", {}).items():
        place, plain = f"{path}.{name}", name.lstrip("_")
        if isinstance(value, handtorch.Generator | np.random.Generator | np.random.RandomState | random.Random):
            if id(value) not in seen:
                seen.add(id(value))
                yield place, value
        elif plain == "transforms" and isinstance(value, list | tuple):
            for number, item in enumerate(value):
                yield from _owned(item, f"{place}.{number}", seen)
        elif plain in _FOLLOWED:
            yield from _owned(value, place, seen)


def _get_state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.RandomState) or generator is np.random:
        return generator.get_state(legacy=False)
    if isinstance(generator, random.Random) or generator is random:
        version, words, gauss = generator.getstate()
        return {"version": version, "words": np.array(words, dtype=np.int64), "gauss": gauss}
    return generator.get_state()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, random.Random) or generator is random:
        generator.setstate((state["version"], tuple(state["words"].tolist()), state["gauss"]))
    else:
        generator.set_state(state)
