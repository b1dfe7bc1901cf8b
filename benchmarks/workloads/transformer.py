"""A training step of a causal Transformer: attention, layer normalisation, wide products, many classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload

BATCH, STEPS, VOCABULARY, WIDTH, HEADS, LAYERS = 16, 128, 8_000, 256, 4, 4


def language_model(lib: Any) -> Any:
    """Embedding, learned positions, encoder layers with a causal mask, logits; written against ``lib``."""
    nn: Any = lib.nn

    class LanguageModel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(VOCABULARY, WIDTH)
            self.positions = nn.Parameter(0.02 * lib.randn(STEPS, WIDTH))
            self.layers = nn.ModuleList(
                nn.TransformerEncoderLayer(
                    WIDTH, HEADS, 4 * WIDTH, activation="gelu", batch_first=True, norm_first=True
                )
                for _ in range(LAYERS)
            )
            self.norm = nn.LayerNorm(WIDTH)
            self.logits = nn.Linear(WIDTH, VOCABULARY)
            self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(STEPS))

        def forward(self, tokens: Any) -> Any:
            x = self.tokens(tokens) + self.positions
            for layer in self.layers:
                x = layer(x, src_mask=self.mask, is_causal=True)
            return self.logits(self.norm(x))

    return LanguageModel()


def build(peer: Peer) -> Job:
    """Batch of 16 sequences of 128 tokens, every next token predicted; cross entropy over 8,000 classes, AdamW."""
    lib = peer.lib
    rng = np.random.default_rng(0)
    tokens = lib.from_numpy(rng.integers(0, VOCABULARY, (BATCH, STEPS + 1)))
    inputs, targets = tokens[:, :-1], tokens[:, 1:].reshape(-1)

    lib.manual_seed(0)
    model = language_model(lib)
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-3)

    def loss() -> Any:
        return lib.nn.functional.cross_entropy(model(inputs).flatten(0, 1), targets)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    def outcome() -> float:
        model.eval()
        return float(loss().item())

    return Job(step, outcome)


WORKLOAD = Workload(
    title="training step, batch 16 of 128 tokens, Transformer 4 x 256, 4 heads, vocabulary 8,000, AdamW",
    aim=0.8,
    build=build,
    warmup=2,
    samples=7,
    tolerance=0.05,
)
