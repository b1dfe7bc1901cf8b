"""What the network is taught in a step, and what it is asked after each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import handtorch
from handtorch.audio.batching import Batch
from handtorch.audio.examples import Examples
from handtorch.audio.metrics import cer
from handtorch.audio.speller import Search, Speller
from handtorch.training import Callback, StepOutput
from handtorch.training.run import Run

_BATCH = 16


class Lessons(Callback):
    """Teacher and examiner: the loss of a batch, and how the network spells on its own.

    At first the speller reads what a teacher has written. From the second epoch on it reads some of its own characters
    instead, each epoch more of them, until it is ``own`` of all in the last one.

    After each epoch it spells the utterances to choose by, greedily; the history tells how well as ``valid_cer``. And
    it is watched where it looks for each character of the first of them: ``looked``, (heads, U, T') an epoch.

    Args:
        speller: the network and its characters.
        dev: utterances to choose by.
        ctc_weight: share of CTC in the loss.
        label_smoothing: share of the probability that is spread over all characters.
        own: share of the speller's own characters that it reads in the last epoch.
    """

    # Before the log and the checkpoints, which look for ``valid_cer``.
    order = -10

    def __init__(
        self, speller: Speller, dev: Examples, *, ctc_weight: float, label_smoothing: float, own: float
    ) -> None:
        self.speller, self.dev = speller, dev
        self.ctc_weight, self.label_smoothing, self.most = ctc_weight, label_smoothing, own
        self.own = 0.0
        self.looked: list[np.ndarray] = []

    # -- a step ---------------------------------------------------------------------------------------------------

    def step(self, model: Any, loss: Any, batch: Batch) -> StepOutput:
        """The loss of a batch; what it is made of goes to the metrics."""
        losses = loss(
            batch.features,
            batch.lengths,
            batch.targets,
            batch.target_lengths,
            ctc_weight=self.ctc_weight,
            label_smoothing=self.label_smoothing if model.training else 0.0,
            own=self.own if model.training else 0.0,
        )
        return StepOutput(losses.total, losses, None, len(batch.ids))

    @staticmethod
    def spelling(losses: Any, _: Any) -> float:
        """Nats that a character costs the speller."""
        return float(losses.spelling.item())

    @staticmethod
    def ctc(losses: Any, _: Any) -> tuple[float, float]:
        """Nats that a character costs CTC, where there is CTC."""
        return (0.0, 0.0) if losses.ctc is None else (float(losses.ctc.item()), 1.0)

    # -- an epoch -------------------------------------------------------------------------------------------------

    def on_epoch_start(self, run: Run) -> None:
        """Let the speller read more of its own characters."""
        self.own = self.most * (run.epoch - 1) / max(run.epochs - 1, 1)

    def on_epoch_end(self, run: Run) -> None:
        """Let it spell, and watch it."""
        targets = [example.targets for example in self.dev]
        said = [self.speller.symbols.text(target) for target in targets if target is not None]
        run.history.rows[-1]["valid_cer"] = cer(said, spell(self.speller, self.dev)).rate
        self.looked.append(self.speller.attend(self.dev[0]))

    def state_dict(self) -> dict[str, Any]:
        return {"looked": [handtorch.from_numpy(weights) for weights in self.looked]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.looked = [weights.numpy() for weights in state["looked"]]


def spell(speller: Speller, examples: Examples, search: Search | None = None) -> list[str]:
    """What is said in all utterances; those of like length are spelled together."""
    texts: dict[int, str] = {}
    for batch in _alike(examples):
        texts.update(zip(batch, speller.spell_all([examples[number] for number in batch], search=search), strict=True))
    return [texts[number] for number in range(len(examples))]


def _alike(examples: Examples) -> Iterator[Sequence[int]]:
    order = examples.lengths.argsort().tolist()
    yield from (order[start : start + _BATCH] for start in range(0, len(order), _BATCH))
