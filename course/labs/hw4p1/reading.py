"""How a text is read in training: part after part, window after window, the state of one beginning the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import handtorch
from handtorch.errors import ArgumentError
from handtorch.models.language import LSTMState
from handtorch.text.windows import Window
from handtorch.training import Callback, StepOutput


class Parts:
    """Passes over a text, a part of one at a time, so that a few passes have many epochs to look at.

    The text is cut into rows side by side, and those into parts; the next part goes on where the last one ended. Each
    pass begins at another place, as though the text were a ring.

    Args:
        tokens: (L,) of the whole text.
        batch: rows.
        length: tokens of a window.
        parts: of a pass.

    Attributes:
        number: which part comes next, counted through all passes from 0.

    Raises:
        ArgumentError: the text is too short for a window of each row in each part.
    """

    def __init__(self, tokens: npt.NDArray[Any], batch: int, length: int, parts: int) -> None:
        self.tokens, self.batch, self.length, self.parts = tokens, batch, length, parts
        self.number = 0
        self._columns = (len(tokens) // batch - 1) // parts // length * length
        if self._columns < 1:
            needed = batch * (parts * length + 1)
            raise ArgumentError(f"expected at least {needed} tokens for {batch} rows of {length}, got {len(tokens)}")

    def __len__(self) -> int:
        return self._columns // self.length

    def __iter__(self) -> Iterator[Window]:
        passes, part = divmod(self.number, self.parts)
        start = int(np.random.default_rng(passes).integers(len(self.tokens))) if passes else 0
        rows = np.roll(self.tokens, -start)[: len(self.tokens) // self.batch * self.batch].reshape(self.batch, -1)
        # One column more: what follows the last one.
        columns = rows[:, part * self._columns : (part + 1) * self._columns + 1]
        for begin in range(0, self._columns, self.length):
            window = columns[:, begin : begin + self.length + 1].astype(np.int64)
            yield Window(handtorch.from_numpy(window[:, :-1].copy()), handtorch.from_numpy(window[:, 1:].copy()))


class Reading(Callback):
    """The loss of a window; where the network can, after all that its rows read before (truncated backpropagation).

    Gradients end where a window begins: the state goes on without its history. Each pass begins with nothing read. A
    run that is resumed goes on with the state that it had.

    Args:
        text: what is learned from.
        carries: whether the state goes from window to window: that of an LSTM does; a Transformer, whose state would
            grow and grow, reads each window alone.
    """

    def __init__(self, text: Parts, carries: bool) -> None:
        self.text, self.carries = text, carries
        self.learning: LSTMState | None = None
        self.watching: LSTMState | None = None

    def step(self, model: Any, loss: Any, batch: Window) -> StepOutput:
        """The mean of -ln p of each token's successor, for :func:`handtorch.training.fit`."""
        nll, state = model.nll(batch.tokens, batch.targets, self.learning if model.training else self.watching)
        if self.carries and model.training:
            self.learning = state.detach()
        elif self.carries:
            self.watching = state
        return StepOutput(nll.mean(), nll, batch.targets, batch.tokens.numel())

    def on_epoch_start(self, run: Any) -> None:
        """Open the text where it is to be read, and forget what was before where a pass begins."""
        self.text.number = run.epoch - 1
        if self.text.number % self.text.parts == 0 and run.epoch_step == 0:
            self.learning = None

    def on_validation_start(self, run: Any) -> None:
        """Begin the text that is watched anew."""
        self.watching = None

    def state_dict(self) -> dict[str, Any]:
        return {"learning": None if self.learning is None else self.learning.layers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.learning = None if state["learning"] is None else LSTMState(state["learning"])
