"""From one language to another; from English to Spanish by a network that has read nothing but the Bible.

python examples/translation.py
python examples/translation.py --root /usr/share/sword --epochs 2 --out runs/translation
python examples/translation.py --root pairs.tsv    a line each: a text, a tab, its translation, as Tatoeba has them
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import reading
from program import run

import handtorch
from handtorch.errors import require
from handtorch.text.datasets import TextPairs, Verses
from handtorch.text.pairs import EncodedPairs
from handtorch.text.tokenizers import BytePairTokenizer

LONGEST = 110
"""Characters of a text: a third of the verses are no longer, and those are the ones to begin with."""
TOKENS = 2000
JUDGED = 300
SHOWN = 6


def read(root: str | None, split: str) -> Verses | TextPairs:
    """The pairs of a file, or those of the Bible in a folder of SWORD's modules; of twenty one is for the test."""
    if root is not None and Path(root).is_file():
        return TextPairs(root, split, max_length=LONGEST)
    return Verses(split, root=root, max_length=LONGEST)


def judge(model: Any, pairs: EncodedPairs, held_out: Verses | TextPairs, metrics: Any) -> tuple[float, float]:
    """BLEU (Papineni et al. 2002) and chrF (Popović 2015) of held-out texts, from 0 to 100; prints some of them."""
    texts = [held_out[number] for number in range(0, len(held_out), max(len(held_out) // JUDGED, 1))]
    written = reading.write(model, pairs, [text.source for text in texts])
    for text, words in list(zip(texts, written, strict=True))[:: max(len(texts) // SHOWN, 1)]:
        print(f"\nread      {text.source}\nwritten   {words}\nexpected  {text.target}")
    expected = [[text.target for text in texts]]
    return metrics.BLEU().corpus_score(written, expected).score, metrics.CHRF().corpus_score(written, expected).score


def train(root: str | None, epochs: int, batch_size: int, seed: int, out: Path) -> tuple[float, float]:
    """Train on eighteen chapters of twenty; print translations of others, and draw where the network looked."""
    metrics = require("sacrebleu.metrics", extra="text")  # rather missing now than after the training
    handtorch.manual_seed(seed)
    parts = {split: read(root, split) for split in ("train", "dev", "test")}
    source, target = (
        BytePairTokenizer.train([pair[side] for pair in parts["train"]], TOKENS, (reading.START, reading.END))
        for side in (0, 1)
    )
    train_pairs, dev_pairs = (EncodedPairs(parts[split], source, target) for split in ("train", "dev"))
    model = reading.network(train_pairs)
    reading.train(model, train_pairs, dev_pairs, epochs, batch_size)
    scores = judge(model, train_pairs, parts["test"], metrics)
    print(f"\nBLEU {scores[0]:.1f}, chrF {scores[1]:.1f}")
    example = min((pair.source for pair in parts["test"]), key=lambda text: abs(len(text) - LONGEST // 2))
    (written,) = reading.write(model, train_pairs, [example])
    reading.draw_attention(model, train_pairs, example, written, out / "attention.png")
    return scores


if __name__ == "__main__":
    run(__doc__, train, root="SWORD's modules, or a file of pairs", epochs=16, batch_size=64, out="runs/translation")
