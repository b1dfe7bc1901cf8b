"""Held-out recordings share no phrase with those that are trained on."""

from __future__ import annotations

import itertools
import re

import pytest

from handtorch.audio.corpus import split_by_phrase
from handtorch.errors import ArgumentError

PIECES = ["please enter your number now", "followed by the pound key", "that is not a valid", "thank you", "goodbye"]
TEXTS = [f"{a}, {b}." for a, b in itertools.permutations(PIECES, 2)] + [f"Word {n}." for n in range(60)] + ["WORD 7"]


def runs_of(texts: list[str], length: int) -> set[tuple[str, ...]]:
    words = [re.findall(r"\w+", text.lower()) for text in texts]
    return {tuple(said[i : i + length]) for said in words for i in range(len(said) - length + 1)}


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_have_no_run_of_words_in_common(seed: int) -> None:
    train, held_out = split_by_phrase(TEXTS, 0.3, words=3, seed=seed)
    assert sorted(train + held_out) == list(range(len(TEXTS)))
    first, second = [[TEXTS[i] for i in part] for part in (train, held_out)]
    assert not runs_of(first, 3) & runs_of(second, 3)
    assert not {text.lower().strip(".") for text in first} & {text.lower().strip(".") for text in second}
    assert 0.2 * len(TEXTS) < len(held_out) <= 0.3 * len(TEXTS)


def test_what_is_joined_through_others_stays_together() -> None:
    chain = ["a b c d", "c d e f", "e f g h", "x y", "g h i j", "y z"]
    for seed in range(8):
        _, held_out = split_by_phrase(chain, 0.7, words=2, seed=seed)
        assert held_out in ([0, 1, 2, 4], [3, 5])


def test_the_choice_follows_the_seed() -> None:
    assert split_by_phrase(TEXTS, seed=1) == split_by_phrase(TEXTS, seed=1)
    assert split_by_phrase(TEXTS, seed=1) != split_by_phrase(TEXTS, seed=2)
    assert split_by_phrase(TEXTS, 0.0)[1] == []
    assert split_by_phrase([], 0.5) == ([], [])
    with pytest.raises(ArgumentError, match="share from 0 to 1"):
        split_by_phrase(TEXTS, 1.2)
