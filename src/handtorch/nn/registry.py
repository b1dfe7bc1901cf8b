"""Registry: the members of one kind that a module holds, readable as plain attributes of the module.

``module._parameters``, ``module._buffers`` and ``module._modules`` are registries. PyTorch finds ``self.weight`` by
failing an ordinary look-up first and searching these dictionaries afterwards; here every member also lies in the module
as an ordinary attribute, so that reading it costs what reading any attribute costs. Whoever writes to the dictionary
itself (weight norm, pruning and functional calls do) writes the attribute too.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

missing = object()


def stored(owner: Any, name: str, default: Any = missing) -> Any:
    """An attribute as it is stored, without asking a ``__getattr__`` that a subclass may have."""
    try:
        return object.__getattribute__(owner, name)
    except AttributeError:
        return default


def _nobody() -> None:
    """The owner of a registry that was let go."""


class Registry(dict[str, Any]):
    """A dictionary that mirrors its entries as attributes of the module that owns it.

    Args:
        owner: the module; held weakly, so that a model is freed as soon as it is let go.
        members: the first entries.
    """

    __slots__ = ("_owner",)

    def __init__(self, owner: Any, members: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__()
        self._owner: Callable[[], Any] = weakref.ref(owner)
        self.update(members)

    def belongs_to(self, module: Any) -> bool:
        """Whether ``module`` is the one whose attributes mirror this dictionary."""
        return self._owner() is module

    def __setitem__(self, name: str, member: Any) -> None:
        super().__setitem__(name, member)
        owner = self._owner()
        if owner is not None and not _belongs_to_class(owner, name):
            object.__setattr__(owner, name, member)

    def __delitem__(self, name: str) -> None:
        self._take_attribute_away(name, self[name])
        super().__delitem__(name)

    def _take_attribute_away(self, name: str, member: Any) -> None:
        """Delete the attribute, unless somebody set another one over the member: that stays."""
        owner = self._owner()
        if owner is not None and not _belongs_to_class(owner, name) and stored(owner, name) is member:
            object.__delattr__(owner, name)

    def let_go(self) -> None:
        """Stop mirroring: the entries stay, their attributes go."""
        for name, member in self.items():
            self._take_attribute_away(name, member)
        self._owner = _nobody

    def pop(self, name: str, default: Any = missing) -> Any:  # type: ignore[override]
        """Take an entry out, and the attribute with it."""
        if name not in self and default is not missing:
            return default
        member = self[name]
        del self[name]
        return member

    def popitem(self) -> tuple[str, Any]:
        """Take the latest entry out."""
        if not self:
            raise KeyError("popitem(): dictionary is empty")
        name = next(reversed(self))
        return name, self.pop(name)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The entry, made from ``default`` where there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    def update(self, *members: Any, **named: Any) -> None:
        """Add entries as ``dict.update`` does."""
        for name, member in dict(*members, **named).items():
            self[name] = member

    def __ior__(self, members: Any) -> Registry:  # type: ignore[override,misc]
        self.update(members)
        return self

    def clear(self) -> None:
        """Take every entry out."""
        for name in list(self):
            del self[name]

    def __reduce__(self) -> Any:
        """Pickle and deep-copy as a plain dictionary; the module that receives it makes it its own."""
        return dict, (dict(self),)

    def __copy__(self) -> dict[str, Any]:
        return dict(self)


def _belongs_to_class(owner: Any, name: str) -> bool:
    """Whether the class has something of this name (a method, a property), which a member does not hide."""
    return any(name in vars(base) for base in type(owner).__mro__)
