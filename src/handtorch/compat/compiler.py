"""torch.compiler: what a program asks of a compiler that is never at work."""

from __future__ import annotations

from handtorch.compat.jit import compile, ignore, is_scripting

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "reset",
]

is_compiling = is_dynamo_compiling = is_exporting = is_scripting
disable = allow_in_graph = assume_constant_result = ignore


def reset() -> None:
    """Nothing to forget."""


cudagraph_mark_step_begin = reset
