"""recording: note for every op in which module it ran and how long it took."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from handtorch.ops import indexing
from handtorch.ops.op import Op
from handtorch.tensor import Tensor


@contextlib.contextmanager
def recording(model: Any = None) -> Iterator[None]:
    """Inside the block, every op notes its seconds and, of ``model``'s modules, the path of the one that ran it.

    :func:`ledger`, :func:`replay` and :func:`draw` show what was noted. Outside such a block nothing is noted and
    nothing is slower. One block at a time, in one thread.

    Example::

        with autograd.recording(model):
            loss = criterion(model(x), y)
        print(autograd.ledger(loss))
    """

    def note(op: Op, inputs: Any, outputs: Any, path: str, seconds: float) -> None:
        first = outputs[0] if isinstance(outputs, tuple) else outputs
        if isinstance(first, Tensor) and first.op is not None:
            op.forward_seconds = seconds  # type: ignore[attr-defined]
            op.module_path = path  # type: ignore[attr-defined]

    with every_call(model, note):
        yield


@contextlib.contextmanager
def every_call(model: Any, note: Callable[[Op, Any, Any, str, float], None]) -> Iterator[None]:
    """Inside the block, ``note`` is told of every op that has run, recorded for a gradient or not.

    Args:
        model: whose modules' paths are told, or None.
        note: is given the op, its inputs, its result or results, the path of the module that ran it (``""`` where
            there is none) and its seconds.
    """
    path: list[str] = []
    handles: list[Any] = []
    for name, module in model.named_modules() if model is not None else ():
        handles.append(module.register_forward_pre_hook(_entering(path, name or type(model).__name__)))
        handles.append(module.register_forward_hook(_leaving(path), always_call=True))
    plain = Op.__call__

    def noted(self: Op, *inputs: Any) -> Any:
        started = time.perf_counter()
        outputs = plain(self, *inputs)
        note(self, inputs, outputs, path[-1] if path else "", time.perf_counter() - started)
        return outputs

    Op.__call__, indexing.told = noted, True  # type: ignore[method-assign]
    try:
        yield
    finally:
        Op.__call__, indexing.told = plain, False  # type: ignore[method-assign]
        for handle in handles:
            handle.remove()


def _entering(path: list[str], name: str) -> Any:
    def enter(module: Any, args: Any) -> None:
        path.append(name)

    return enter


def _leaving(path: list[str]) -> Any:
    def leave(module: Any, args: Any, output: Any) -> None:
        path.pop()

    return leave
