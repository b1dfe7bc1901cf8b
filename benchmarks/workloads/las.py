"""Listen, attend and spell: a training step of hw4p2's network, with the CTC loss beside."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload

BATCH, FRAMES, BANDS, CHARACTERS, TOKENS = 16, 270, 40, 42, 36
CHANNELS, STRIDE, HIDDEN, SPELLER, EMBEDDING, ATTENTION = 192, 3, 192, 256, 64, 128


def build(peer: Peer) -> Job:
    """Two convolutions, two bidirectional LSTM layers, an LSTM with dot attention, CTC; AdamW.

    16 utterances of 270 frames with 42 characters each, all of one length, so that both libraries do the same.
    """
    lib = peer.lib
    nn, functional = lib.nn, lib.nn.functional
    rng = np.random.default_rng(0)
    features = lib.from_numpy(rng.standard_normal((BATCH, FRAMES, BANDS), dtype=np.float32))
    targets = lib.from_numpy(rng.integers(1, TOKENS - 1, (BATCH, CHARACTERS)))
    start, end = lib.zeros((BATCH, 1), dtype=lib.int64), lib.full((BATCH, 1), TOKENS - 1)
    read, said = lib.cat([start, targets], 1), lib.cat([targets, end], 1)
    steps = lib.full((BATCH,), FRAMES // STRIDE)
    characters = lib.full((BATCH,), CHARACTERS)
    lib.manual_seed(0)

    class Network(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.front = nn.Sequential(
                nn.Conv1d(BANDS, CHANNELS, 5, padding=2), nn.ReLU(),
                nn.Conv1d(CHANNELS, CHANNELS, 5, stride=STRIDE, padding=2), nn.ReLU(),
            )  # fmt: skip
            self.listener = nn.LSTM(CHANNELS, HIDDEN, 2, bidirectional=True, batch_first=True)
            self.ctc = nn.Linear(2 * HIDDEN, TOKENS)
            self.embedding = nn.Embedding(TOKENS, EMBEDDING)
            self.speller = nn.LSTM(EMBEDDING, SPELLER, batch_first=True)
            self.query = nn.Linear(SPELLER, ATTENTION)
            self.key, self.value = nn.Linear(2 * HIDDEN, ATTENTION), nn.Linear(2 * HIDDEN, ATTENTION)
            self.combine = nn.Linear(SPELLER + ATTENTION, SPELLER)
            self.output = nn.Linear(SPELLER, TOKENS)

        def forward(self, x: Any, tokens: Any) -> tuple[Any, Any]:
            memory = self.listener(self.front(x.transpose(1, 2)).transpose(1, 2))[0]
            text = self.speller(self.embedding(tokens))[0]
            context = functional.scaled_dot_product_attention(self.query(text), self.key(memory), self.value(memory))
            combined = self.combine(lib.cat([text, context], 2)).tanh()
            return self.output(combined), self.ctc(memory)

    model = Network()
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-3)

    def loss() -> Any:
        logits, heard = model(features, read)
        spelling = functional.cross_entropy(logits.flatten(0, 1), said.flatten(), label_smoothing=0.1)
        log_probs = functional.log_softmax(heard, -1).transpose(0, 1)
        return 0.6 * spelling + 0.4 * functional.ctc_loss(log_probs, targets, steps, characters)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return Job(step, lambda: float(loss().item()))


WORKLOAD = Workload(
    title="hw4p2's listener and speller with CTC, a training step, batch 16, T 270, 42 characters",
    aim=0.9,
    build=build,
    warmup=3,
    samples=10,
    tolerance=1e-2,
)
