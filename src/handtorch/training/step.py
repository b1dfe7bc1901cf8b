"""One forward pass: how a batch becomes a loss. Replace it for batches that are not (inputs, targets)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from handtorch.errors import ArgumentError


class StepOutput(NamedTuple):
    """What a forward pass gives: the loss to minimise, what the metrics look at, and how many samples it has.

    ``loss`` is a scalar Tensor, a mean over ``samples``, their number, which is the batch's weight in all averages;
    ``outputs`` and ``targets`` go to every metric.
    """

    loss: Any
    outputs: Any
    targets: Any
    samples: float


Loss = Callable[[Any, Any], Any]
"""``loss(outputs, targets)``, a scalar Tensor: a function, or a module such as ``nn.CrossEntropyLoss()``."""

Step = Callable[[Any, Any, Any], StepOutput]
"""``step(model, loss, batch) -> StepOutput``."""


def supervised_step(model: Any, loss: Any, batch: Any) -> StepOutput:
    """``loss(model(inputs), targets)`` for a batch ``(inputs, targets)``.

    Raises:
        ArgumentError: the batch is not a pair.
    """
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        kind = f"{type(batch).__name__} of {len(batch)}" if hasattr(batch, "__len__") else type(batch).__name__
        raise ArgumentError(
            f"expected batches (inputs, targets), got a {kind}; "
            "try: fit(..., step=my_step) with my_step(model, loss, batch) -> training.StepOutput"
        )
    inputs, targets = batch
    outputs = model(inputs)
    return StepOutput(loss(outputs, targets), outputs, targets, len(targets))
