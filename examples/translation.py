"""From English to Spanish: a network that has read nothing but the Bible, verse by verse.

python examples/translation.py
python examples/translation.py --root /usr/share/sword --epochs 2 --out runs/translation
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import reading
from program import run

import handtorch
from handtorch.errors import require
from handtorch.text.datasets import Verses
from handtorch.text.pairs import EncodedPairs
from handtorch.text.tokenizers import BytePairTokenizer

LONGEST = 110
"""Characters of a verse."""
TOKENS = 2000
JUDGED = 300
SHOWN = 6


def judge(model: Any, pairs: EncodedPairs, held_out: Verses) -> tuple[float, float]:
    """BLEU (Papineni et al. 2002) and chrF (Popović 2015) of held-out verses, from 0 to 100; prints some of them."""
    metrics = require("sacrebleu.metrics", extra="text")
    verses = [held_out[number] for number in range(0, len(held_out), max(len(held_out) // JUDGED, 1))]
    written = reading.write(model, pairs, [verse.source for verse in verses])
    for verse, text in list(zip(verses, written, strict=True))[:: max(len(verses) // SHOWN, 1)]:
        print(f"\n{verse.place}\n  read      {verse.source}\n  written   {text}\n  expected  {verse.target}")
    expected = [[verse.target for verse in verses]]
    return metrics.BLEU().corpus_score(written, expected).score, metrics.CHRF().corpus_score(written, expected).score


def train(root: str | None, epochs: int, batch_size: int, seed: int, out: Path) -> tuple[float, float]:
    """Train on eighteen chapters of twenty; print others' verses, and draw where the network looked."""
    handtorch.manual_seed(seed)
    parts = {split: Verses(split, root=root, max_length=LONGEST) for split in ("train", "dev", "test")}
    english, spanish = (
        BytePairTokenizer.train([verse[side] for verse in parts["train"]], TOKENS, (reading.START, reading.END))
        for side in (0, 1)
    )
    train_pairs, dev_pairs = (EncodedPairs(parts[split], english, spanish) for split in ("train", "dev"))
    model = reading.network(train_pairs, width=256, layers=2)
    for _ in reading.train(model, train_pairs, dev_pairs, epochs, batch_size):
        pass
    scores = judge(model, train_pairs, parts["test"])
    print(f"\nBLEU {scores[0]:.1f}, chrF {scores[1]:.1f}")
    shortest = min((verse.source for verse in parts["test"]), key=lambda text: abs(len(text) - LONGEST // 2))
    (written,) = reading.write(model, train_pairs, [shortest])
    reading.draw_attention(model, train_pairs, shortest, written, out / "attention.png")
    return scores


if __name__ == "__main__":
    run(__doc__, train, root="the modules of SWORD", epochs=12, batch_size=64, out="runs/translation")
