"""AccumulateGrad: where the graph ends, at a leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from handtorch.autograd.hooks import add_hook

if TYPE_CHECKING:
    from handtorch.tensor import Tensor


class AccumulateGrad:
    """The end of the graph at a leaf: the node that adds to the leaf's ``grad``.

    Attributes:
        variable: the leaf.
    """

    next_functions = ()

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable

    @staticmethod
    def of(leaf: Tensor) -> AccumulateGrad:
        """The node of a leaf, the same one each time."""
        if leaf._accumulator is None:
            leaf._accumulator = AccumulateGrad(leaf)
        return leaf._accumulator

    def name(self) -> str:
        """``torch::autograd::AccumulateGrad``, as in PyTorch."""
        return "torch::autograd::AccumulateGrad"

    def register_hook(self, hook: Callable[[Any, Any], Any]) -> Any:
        """Call ``hook((), ())`` when a gradient has been added to the leaf's ``grad``."""
        return self.variable.register_post_accumulate_grad_hook(lambda leaf: hook((), (leaf.grad,)))

    def register_prehook(self, hook: Callable[[Any], Any]) -> Any:
        """Call ``hook((gradient,))`` before a gradient is added; what it returns replaces it."""

        def on_gradient(g: Any) -> Any:
            changed = hook((g,))
            return changed[0] if isinstance(changed, tuple) else changed

        return add_hook(self.variable, on_gradient)

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"
