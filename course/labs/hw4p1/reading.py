"""How a text is read in training: window after window, the state of one being the beginning of the next."""

from __future__ import annotations

from typing import Any

from handtorch.models.language import LSTMState
from handtorch.text.windows import Window
from handtorch.training import Callback, StepOutput


class Reading(Callback):
    """The loss of a window; where the network can, after all that its rows read before (truncated backpropagation).

    Gradients end where a window begins: the state goes on without its history. Each pass over a text begins with
    nothing read. A run that is resumed goes on with the state that it had.

    Args:
        carries: whether the state goes from window to window: that of an LSTM does; a Transformer, whose state would
            grow and grow, reads each window alone.
    """

    def __init__(self, carries: bool) -> None:
        self.carries = carries
        self.state: LSTMState | None = None

    def step(self, model: Any, loss: Any, batch: Window) -> StepOutput:
        """The mean of -ln p of each token's successor, for :func:`handtorch.training.fit`."""
        nll, state = model.nll(batch.tokens, batch.targets, self.state)
        if self.carries:
            self.state = state.detach()
        return StepOutput(nll.mean(), nll, batch.targets, batch.tokens.numel())

    def on_epoch_start(self, run: Any) -> None:
        """Forget, but not in the middle of a pass."""
        if run.epoch_step == 0:
            self.state = None

    def on_validation_start(self, run: Any) -> None:
        """Forget: another text begins."""
        self.state = None

    def state_dict(self) -> dict[str, Any]:
        return {"layers": None if self.state is None else self.state.layers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state = None if state["layers"] is None else LSTMState(state["layers"])
