"""Where ops leave what they save for backward: with a pair of functions of the user's, who bring it back when asked.

Each op that is recorded may be put away by a watcher (``mode.watch``), which takes what the op has saved and leaves a
function in ``op.restore`` that brings it back; the engine calls that before it goes through the op.
:mod:`handtorch.utils.checkpoint` is the other watcher: it keeps nothing, and computes everything anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.autograd.function import Result
from handtorch.autograd.mode import mode
from handtorch.ops.op import Op, hang
from handtorch.tensor import Tensor


class saved_tensors_hooks:
    """A block in which ``pack_hook`` gets each tensor that an op saves, and ``unpack_hook`` has to bring it back.

    Of nested blocks the innermost one counts.

    Args:
        pack_hook: Tensor -> anything.
        unpack_hook: what ``pack_hook`` returned -> a Tensor of the same shape and type.

    Example, which keeps everything in half the precision::

        with autograd.graph.saved_tensors_hooks(lambda x: x.half(), lambda x: x.float()):
            loss = model(x)
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        self._before = self._checkpoint = mode.watch
        if isinstance(mode.watch, _Watch):
            self._checkpoint = mode.watch.checkpoint
        mode.watch = _Watch(self._checkpoint, self)

    def __exit__(self, *error: object) -> None:
        mode.watch = self._before


class _Watch:
    """Puts ops away with hooks; a checkpoint around the block comes first."""

    def __init__(self, checkpoint: Callable[[Op], None] | None, hooks: saved_tensors_hooks) -> None:
        self.checkpoint, self.hooks = checkpoint, hooks

    def __call__(self, op: Op) -> None:
        if self.checkpoint is not None:
            self.checkpoint(op)
        if op.restore is None:
            op.restore = _Packed(op, self.hooks)


class _Packed:
    """What one op has saved, packed; called with the op, it brings that back.

    The op knows its inputs and its result among what it saved by identity; that is noted here as places, because what
    comes back are other arrays.
    """

    def __init__(self, op: Op, hooks: saved_tensors_hooks) -> None:
        self.unpack = hooks.unpack_hook
        self.places = {id(value): place for place, value in enumerate(op.saved)}
        self.values = [_taken_apart(value) for value in op.saved]
        for i, (content, rebuild) in enumerate(self.values):
            if rebuild is not None:
                self.values[i] = hooks.pack_hook(content), rebuild
        op.saved = ()

    def __call__(self, op: Op) -> None:
        op.restore = None
        op.saved = tuple([value if rebuild is None else rebuild(self.unpack(value)) for value, rebuild in self.values])

        def moved(key: int) -> int:
            return id(op.saved[self.places[key]]) if key in self.places else 0

        op.inputs = tuple(map(moved, op.inputs))
        op.output = tuple(map(moved, op.output)) if isinstance(op.output, tuple) else moved(op.output)


def _taken_apart(value: Any) -> tuple[Any, Callable[[Any], Any] | None]:
    """A saved value as a Tensor to pack, and how to make it again of that Tensor; None for what is no tensor."""
    if isinstance(value, np.ndarray):
        return Tensor.of(value), lambda tensor: tensor.array
    if isinstance(value, Result):
        return Tensor.of(value.array), lambda tensor: Result(value.ctx, value.index, tensor.array)
    if isinstance(value, Tensor) and value.op is not None:
        op = value.op
        return Tensor.of(value.array), lambda tensor: hang(tensor.array, op)
    if isinstance(value, Tensor) and not value.needs_grad:
        return value, lambda tensor: tensor
    return value, None  # a leaf lives on anyway


class save_on_cpu(saved_tensors_hooks):
    """A block in which what ops save is kept on the CPU: where it is anyway, so that nothing is different."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: tensor, lambda tensor: tensor)
