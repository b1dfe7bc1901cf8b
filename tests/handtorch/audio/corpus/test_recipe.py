"""A recipe settles everything in advance: no voice and no sentence is in two splits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handtorch.audio.corpus import Recipe
from handtorch.audio.corpus.recipe import chunk_of, chunks, plan
from handtorch.errors import ArgumentError

_SPLITS = ("train", "dev", "test")


@pytest.mark.parametrize(("one", "other"), [("train", "dev"), ("train", "test"), ("dev", "test")])
def test_splits_share_neither_voices_nor_sentences(one: str, other: str) -> None:
    first, second = plan(Recipe(), one), plan(Recipe(), other)
    assert not {job.voicing.voice for job in first} & {job.voicing.voice for job in second}
    assert not {job.voicing.text for job in first} & {job.voicing.text for job in second}
    assert not {job.id for job in first} & {job.id for job in second}


def test_a_larger_training_split_is_tested_on_the_same_utterances() -> None:
    assert plan(Recipe(train=50), "test") == plan(Recipe(train=3000), "test")
    assert plan(Recipe(train=50), "dev") == plan(Recipe(train=3000), "dev")
    assert plan(Recipe(train=50), "train") == plan(Recipe(train=3000), "train")[:50]


def test_every_voice_of_a_split_speaks_about_equally_often() -> None:
    for split in _SPLITS:
        voices = [job.voicing.voice for job in plan(Recipe(), split)]
        counts = [voices.count(voice) for voice in set(voices)]
        assert max(counts) - min(counts) <= 1


def test_noisy_has_the_utterances_of_test_disturbed() -> None:
    clean, noisy = plan(Recipe(), "test"), plan(Recipe(), "noisy")
    assert [job.voicing for job in noisy] == [job.voicing for job in clean]
    assert all(job.disturbance.snr >= 40 for job in clean)
    assert all(job.disturbance.snr <= 30 for job in noisy)


def test_the_share_of_noisy_training_utterances_is_as_asked() -> None:
    for share in (0.0, 0.5, 1.0):
        noisy = [job.disturbance.snr <= 30 for job in plan(Recipe(noisy_share=share), "train")]
        assert sum(noisy) / len(noisy) == pytest.approx(share, abs=0.04)


def test_chunks_hold_every_utterance_once() -> None:
    recipe = Recipe(train=50, dev=1, test=16)
    for split in (*_SPLITS, "noisy"):
        parts = [chunk_of(plan(recipe, split), number) for name, number in chunks(recipe) if name == split]
        assert all(parts)
        assert [job for part in parts for job in part] == list(plan(recipe, split))


def test_keys_tell_recipes_and_engines_apart() -> None:
    recipe = Recipe()
    others = [replace(recipe, seed=1), replace(recipe, train=2001), replace(recipe, noisy_share=0.4)]
    keys = {recipe.key("engine-1"), recipe.key("engine-2"), *(other.key("engine-1") for other in others)}
    assert len(keys) == 5
    assert Recipe().key("engine-1") == recipe.key("engine-1")


@pytest.mark.parametrize("wrong", [{"train": 0}, {"test": -1}, {"noisy_share": 1.5}])
def test_impossible_numbers_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match="expected"):
        Recipe(**wrong)  # type: ignore[arg-type]
