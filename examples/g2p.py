"""From spelling to sound: a network that reads letters and writes phones, for words that no dictionary has.

python examples/g2p.py
python examples/g2p.py --epochs 1 --out runs/g2p
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import reading
from program import run

import handtorch
from handtorch.audio import levenshtein
from handtorch.text.datasets import Pronunciations
from handtorch.text.pairs import EncodedPairs
from handtorch.text.tokenizers import CharacterTokenizer, WordTokenizer

JUDGED = 2000
WORDS = ("handtorch", "backpropagation", "numpy", "tensorial", "knightless", "yachtsmanship")
"""Words that CMU's dictionary does not have."""


def phone_errors(ways: Sequence[Sequence[str]], written: Sequence[str]) -> tuple[int, int]:
    """Phones to be changed, put in or taken out, and phones there are, by the way to say a word that fits best."""
    return min((levenshtein(way, written), len(way)) for way in ways)


def judge(model: Any, pairs: EncodedPairs, held_out: Pronunciations) -> tuple[float, float]:
    """Phone error rate and the share of words with an error, on words that are spread over the alphabet."""
    ways: dict[str, list[tuple[str, ...]]] = {}
    for word, phones in held_out:
        ways.setdefault(word, []).append(phones)
    words = sorted(ways)[:: max(len(ways) // JUDGED, 1)]
    counts = [
        phone_errors(ways[word], written.split())
        for word, written in zip(words, reading.write(model, pairs, words), strict=True)
    ]
    errors, phones = (sum(column) for column in zip(*counts, strict=True))
    return errors / phones, sum(wrong > 0 for wrong, _ in counts) / len(words)


def train(root: str | None, epochs: int, batch_size: int, seed: int, out: Path) -> tuple[float, float]:
    """Train on eighteen words of twenty; print how others are said, and draw where the network looked."""
    handtorch.manual_seed(seed)
    path = None if root is None else Path(root) / "cmudict.dict"
    parts = {split: Pronunciations(split, path=path) for split in ("train", "dev", "test")}
    letters = CharacterTokenizer.of((word for word, _ in parts["train"]), unknown="<unk>")
    sounds = WordTokenizer([reading.START, reading.END, "<unk>", *parts["train"].phones])
    train_pairs, dev_pairs = (
        EncodedPairs([(word, " ".join(phones)) for word, phones in parts[split]], letters, sounds)
        for split in ("train", "dev")
    )
    model = reading.network(train_pairs)
    reading.train(model, train_pairs, dev_pairs, epochs, batch_size)
    rates = judge(model, train_pairs, parts["test"])
    print(f"phone error rate {rates[0]:.4f}, words with an error {rates[1]:.3f}")
    for word, written in zip(WORDS, reading.write(model, train_pairs, WORDS), strict=True):
        print(f"{word:>16} {written}")
        reading.draw_attention(model, train_pairs, word, written, out / f"{word}.png")
    return rates


if __name__ == "__main__":
    run(__doc__, train, root="CMU's dictionary, cmudict.dict", epochs=4, batch_size=128, out="runs/g2p")
