"""Functions that are called when a gradient passes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

_numbers = itertools.count()


class RemovableHandle:
    """Takes a hook away again: ``handle.remove()``, or ``with`` the handle."""

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.hooks = hooks
        self.id = next(_numbers)

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def enter(hooks: dict[int, Any], hook: Callable[..., Any]) -> RemovableHandle:
    """Put a hook at the end of a table."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def add_hook(owner: Any, hook: Callable[[Any], Any]) -> RemovableHandle:
    """Call ``hook(grad)`` when the gradient of ``owner``, a leaf or an op, is known."""
    if owner.hooks is None:
        owner.hooks = {}
    return enter(owner.hooks, hook)


def add_post_hook(leaf: Any, hook: Callable[[Any], None]) -> RemovableHandle:
    """Call ``hook(leaf)`` when a gradient has been added to ``leaf.grad``."""
    if leaf.post_hooks is None:
        leaf.post_hooks = {}
    return enter(leaf.post_hooks, hook)


def run_hooks(hooks: dict[int, Any], g: Any) -> Any:
    """Pass a gradient Tensor through the hooks; what a hook returns takes its place."""
    for hook in list(hooks.values()):
        changed = hook(g)
        if changed is not None:
            g = changed
    return g
