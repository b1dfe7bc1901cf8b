"""Checkpoints: a part of a network keeps nothing for backward, and is computed once more when backward gets there.

While the function runs, every op that is recorded is stripped of what it has saved (``Segment.strip``). When the engine
comes to the first of them, the function runs again with the same arguments and random numbers, and the k-th op of that
run gives the k-th op of the first run what it has saved. The graph itself stays, so that gradients flow as ever:
to arguments and to parameters, into ``.grad`` or through ``autograd.grad``, once or twice.

T. Chen, B. Xu, C. Zhang, C. Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from handtorch.autograd import changes
from handtorch.autograd.mode import enable_grad, mode, no_grad
from handtorch.autograd.origin import describe
from handtorch.errors import ArgumentError, GradientError
from handtorch.ops.op import Op
from handtorch.random import default_generator, fork_rng
from handtorch.tensor import Tensor

__all__ = [
    "CheckpointError",
    "checkpoint",
    "checkpoint_sequential",
    "get_device_states",
    "noop_context_fn",
    "set_device_states",
]

# What makes an op a node of the graph. All else it has from its forward, and will get from the second one.
_OF_THE_GRAPH = {"parents", "depth", "shape", "dtype", "hooks", "origin", "module_path", "function"}


class CheckpointError(GradientError):
    """The second run of a function was not like the first."""


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """The accelerators on which the arguments are, and their generators' states: none of either."""
    return [], []


def set_device_states(devices: Sequence[int], states: Sequence[Any], *, device_type: str | None = None) -> None:
    """Give accelerators the states of their generators back: there is nothing to do."""


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing: for the first run and for the second."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Run ``function(*args, **kwargs)`` without keeping what its backward needs; run it again when that is needed.

    Args:
        function: has to compute the same both times, and to leave its arguments as they are.
        use_reentrant: True for the restrictions that PyTorch's older way has: no keyword arguments, no contexts, and
            results that require gradients only if an argument does. What is computed is the same. None means True, and
            warns, as in PyTorch.
        context_fn: makes a context for the first run and one for the second.
        determinism_check: "none" to leave out the comparison of both runs (number, names and shapes of the ops).
        debug, early_stop: kept for PyTorch's signature; errors name the forward line at any rate.
        preserve_rng_state: give the second run the random numbers of the first.

    Raises:
        CheckpointError: in backward, if the second run was not like the first.
        ArgumentError: keyword arguments or contexts with ``use_reentrant=True``.
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint: the use_reentrant parameter should be passed explicitly; use_reentrant=False is recommended",
            stacklevel=2,
        )
        use_reentrant = True
    if use_reentrant and kwargs:
        raise ArgumentError(f"Unexpected keyword arguments: {','.join(kwargs)}; pass use_reentrant=False")
    if use_reentrant and (context_fn is not noop_context_fn or debug):
        raise ArgumentError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    if determinism_check not in ("default", "none"):
        raise ArgumentError(f"determinism_check should be 'default' or 'none', got {determinism_check!r}")
    if use_reentrant and mode.grad and not any(isinstance(x, Tensor) and x.requires_grad for x in args):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        with no_grad():
            return function(*args)
    first, second = context_fn()
    segment = Segment(lambda: function(*args, **kwargs), second, determinism_check == "default", preserve_rng_state)
    segment.watch_over([x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)])
    with first, segment.running(segment.strip):
        return function(*args, **kwargs)


class Segment:
    """One checkpointed call: how to run it again, and which op of it is which.

    Args:
        run: computes it anew.
        context: around that.
        compare: whether both runs are compared.
        preserve_rng_state: whether random numbers are drawn again.
    """

    def __init__(self, run: Callable[[], Any], context: Any, compare: bool, preserve_rng_state: bool) -> None:
        self.run, self.context, self.compare = run, context, compare
        self.random_state = default_generator.state_bytes() if preserve_rng_state else None
        self.seen: list[tuple[str, Any, Any]] = []  # of each op of the first run: name, shape of its result, line
        self.again: list[Any] | None = None
        self.arguments: list[Any] = []
        self.time = changes.now

    def watch_over(self, arguments: list[Any]) -> None:
        """Note the arguments, which must not change until the second run."""
        self.arguments = [x.array for x in arguments]

    @contextlib.contextmanager
    def running(self, watch: Callable[[Op], None]) -> Iterator[None]:
        """A block in which ``watch`` sees every op that is recorded; then a segment around this one does."""
        outer = mode.watch

        def both(op: Op) -> None:
            watch(op)
            if outer is not None:
                outer(op)

        mode.watch = both
        try:
            yield
        finally:
            mode.watch = outer

    def strip(self, op: Op) -> None:
        """Take from an op what its forward left in it."""
        place = len(self.seen)
        self.seen.append((op.name(), op.shape, op.origin))
        for name in [name for name in vars(op) if name not in _OF_THE_GRAPH]:
            delattr(op, name)
        op.restore = lambda op: self.restore(op, place)

    def restore(self, op: Op, place: int) -> None:
        """Give an op back what it had, from the op in its place of the second run."""
        if self.again is None:
            self.again = self.computed_again()
        found, self.again[place] = self.again[place], None
        op.__class__ = found.__class__
        op.restore = None
        vars(op).update({name: value for name, value in vars(found).items() if name not in _OF_THE_GRAPH})

    def computed_again(self) -> list[Any]:
        """The ops of the second run, in their order."""
        for array in self.arguments:
            if changes.since(array, self.time):
                raise CheckpointError(
                    f"checkpoint: an argument of shape {array.shape} was changed in place before backward; "
                    f"clone() it first"
                )
        ops: list[Any] = []
        with enable_grad(), self.context, fork_rng(enabled=self.random_state is not None), _alone():
            if self.random_state is not None:
                default_generator.load_state_bytes(self.random_state)
            with self.running(ops.append):
                self.run()
        if self.compare:
            for (name, shape, origin), op in zip(self.seen, ops, strict=False):
                if (op.name(), op.shape) != (name, shape):
                    raise CheckpointError(
                        f"checkpoint: the second run is not like the first: {name} with a result of shape {shape} at "
                        f"{describe(origin)} is {op.name()} with {op.shape} now; the function must not depend on what "
                        f"changes in between"
                    )
        if len(ops) != len(self.seen):
            raise CheckpointError(
                f"checkpoint: the second run is not like the first: it recorded {len(ops)} ops, the first "
                f"{len(self.seen)}"
            )
        return ops


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """A block that no watcher around it sees: backward may have been called inside one."""
    outer, mode.watch = mode.watch, None
    try:
        yield
    finally:
        mode.watch = outer


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Run functions one after another, in segments of which all but the last are checkpointed.

    Args:
        functions: a ``Sequential``, or a list of modules or functions of one argument.
        segments: into how many the functions are cut.
        input: of the first function.
        use_reentrant: as in :func:`checkpoint`.
        kwargs: ``preserve_rng_state``.

    Raises:
        ArgumentError: any other keyword argument.
    """
    if kwargs.keys() - {"preserve_rng_state"}:
        raise ArgumentError(f"Unexpected keyword arguments: {','.join(kwargs.keys() - {'preserve_rng_state'})}")
    functions = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(functions) // segments
    last = size * (segments - 1)
    for start in range(0, last, size) if size else ():
        part = _in_turn(functions[start : start + size])
        input = checkpoint(part, input, use_reentrant=use_reentrant, **kwargs)
    return _in_turn(functions[last:])(input)


def _in_turn(functions: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return run
