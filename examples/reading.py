"""What the examples that read one sequence and write another share: a network, its training, and how it is asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import handtorch
from handtorch import nn, optim
from handtorch.models.encoder_decoder import EncoderDecoderTransformer
from handtorch.text.pairs import EncodedPairs, Pair, pad_pairs
from handtorch.training.attention_plots import attention_picture
from handtorch.utils.data import BucketBatchSampler, DataLoader

START, END = "<start>", "<end>"
"""The first two tokens of what is written."""
WIDTH, LAYERS = 128, 2
"""Twice as wide takes more than twice the time, and had learned less when it had taken as long."""
PEAK = 2e-3
"""The highest learning rate."""


def network(pairs: EncodedPairs) -> EncoderDecoderTransformer:
    """A bidirectional LSTM reads; layers of attention write, and look at what was read."""
    # An LSTM knows what stands beside what from the first step on; attention would have to learn order from examples,
    # and there are few.
    reader = {
        "tokens_in": True,
        "embedding_dim": WIDTH,
        "channels": (),
        "num_layers": LAYERS,
        "hidden_size": WIDTH // 2,
    }
    writer = {"width": WIDTH, "num_layers": LAYERS, "d_ff": 2 * WIDTH, "tied": True}
    # A CTC head would want both sides in the same order, and no more to write than to read.
    return EncoderDecoderTransformer(len(pairs.source), len(pairs.target), encoder=reader, decoder=writer, ctc=False)


def train(model: Any, pairs: EncodedPairs, held_out: EncodedPairs, epochs: int, batch_size: int) -> None:
    """Train, and print a line an epoch: the loss, and what a token of ``held_out`` costs, in nats."""
    # Pairs of like length meet in a batch, so that little of it is padding.
    batches = BucketBatchSampler(pairs.lengths, batch_size=batch_size)
    optimizer = optim.AdamW(model.parameters(), lr=PEAK, weight_decay=1e-2)
    # The rate rises while attention does not yet know where to look, and falls to nothing at the end.
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, PEAK, total_steps=epochs * len(batches), pct_start=0.1)
    began = time.perf_counter()
    for epoch in range(1, epochs + 1):
        batches.set_epoch(epoch)
        model.train()
        costs = []
        for batch in DataLoader(pairs, batch_sampler=batches, collate_fn=pad_pairs):
            # There are several ways to say it, and the data show one: nobody should be sure of a token.
            loss = model.loss(*batch, label_smoothing=0.1).total
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            costs.append(loss.item())
        loss, cost, seconds = sum(costs) / len(costs), cost_of(model, held_out, batch_size), time.perf_counter() - began
        print(f"epoch {epoch}: loss {loss:.3f}, held out {cost:.3f}, {seconds:.0f} s", flush=True)


def cost_of(model: Any, pairs: EncodedPairs, batch_size: int) -> float:
    """Nats a token, the end among them."""
    model.eval()
    batches = BucketBatchSampler(pairs.lengths, batch_size=batch_size, shuffle=False)
    total, tokens = 0.0, 0
    with handtorch.no_grad():
        for batch in DataLoader(pairs, batch_sampler=batches, collate_fn=pad_pairs):
            said = int(batch.target_lengths.sum()) + len(batch.lengths)
            total, tokens = total + model.loss(*batch).total.item() * said, tokens + said
    return total / tokens


def write(model: Any, pairs: EncodedPairs, texts: Sequence[str], together: int = 64) -> list[str]:
    """What the model writes for each text: the best of a beam by the mean log probability of a token."""
    model.eval()
    written = []
    for first in range(0, len(texts), together):
        batch = pad_pairs([cut(pairs, text) for text in texts[first : first + together]])
        found = model.spell(batch.sources, batch.lengths, beams=5, length_penalty=1.0)
        written += [pairs.target.decode(hypotheses[0].tokens) for hypotheses in found]
    return written


def cut(pairs: EncodedPairs, read: str, written: str = "") -> Pair:
    """A pair of texts by the tokenizers of others."""
    return Pair(pairs.source.encode_array(read), pairs.target.encode_array(written))


def draw_attention(model: Any, pairs: EncodedPairs, text: str, written: str, path: Path) -> None:
    """Draw where the model looked when it wrote this, the mean of all heads."""
    pair = cut(pairs, text, written)
    batch = pad_pairs([pair])
    with handtorch.no_grad():
        state = model.start(batch.sources, batch.lengths, watch=True)
        tokens = handtorch.cat([handtorch.tensor([[model.start_token]]), batch.targets], 1)
        watched = model.decode(tokens, state)[1].watched[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    attention_picture(
        watched.mean(0).numpy(),
        path,
        rows=[*(pairs.target.decode([number]) for number in pair.target), END],
        columns=[pairs.source.decode([number]) for number in pair.source],
        row_axis="written",
        column_axis="read",
    )
