"""Splitting recordings so that no phrase of one part is heard in the other."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from handtorch.errors import ArgumentError


def split_by_phrase(
    texts: Sequence[str], share: float = 0.2, *, words: int = 4, seed: int = 0
) -> tuple[list[int], list[int]]:
    """Part recordings into those to train on and those held out, which have no phrase in common.

    Prompts are built of pieces ("Please enter your agent number ... Please enter your password ..."). What has a run of
    ``words`` words in common, or is the same text, stays together, and so does what is joined through others.

    Args:
        texts: (N) what each recording says.
        share: of the recordings, at most, to hold out.
        words: length of a run that counts as a phrase; shorter texts are phrases as a whole.
        seed: of the random choice.

    Returns:
        indices to train on, and indices held out, each in rising order.

    Raises:
        ArgumentError: a share outside 0 to 1, or a run of no words.
    """
    if not 0 <= share <= 1 or words < 1:
        raise ArgumentError(f"expected share from 0 to 1 and words of at least 1, got {share} and {words}")
    groups = _groups([_phrases(text, words) for text in texts])
    held_out: list[int] = []
    for number in np.random.default_rng(seed).permutation(len(groups)):
        if len(held_out) + len(groups[number]) <= share * len(texts):
            held_out += groups[number]
    rest = set(range(len(texts))) - set(held_out)
    return sorted(rest), sorted(held_out)


def _phrases(text: str, words: int) -> set[tuple[str, ...]]:
    said = re.findall(r"[\w']+", text.lower())
    return {tuple(said[i : i + words]) for i in range(max(len(said) - words + 1, 1))}


def _groups(phrases: Sequence[set[tuple[str, ...]]]) -> list[list[int]]:
    """The texts in groups, such that texts of different groups share no phrase."""
    group_of: dict[tuple[str, ...], list[int]] = {}
    for number, own in enumerate(phrases):
        joined = [number]
        for group in {id(group_of[phrase]): group_of[phrase] for phrase in own if phrase in group_of}.values():
            joined += group
        known = {phrase for member in joined for phrase in phrases[member]}
        group_of.update(dict.fromkeys(known, joined))
    return sorted({id(group): group for group in group_of.values()}.values())
