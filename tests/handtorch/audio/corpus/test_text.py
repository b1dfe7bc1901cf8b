"""Sentences never repeat, never change, and hold every word of the list."""

from __future__ import annotations

import hashlib
import itertools

from handtorch.audio.corpus import text


def test_no_sentence_comes_twice() -> None:
    sentences = list(itertools.islice(text.stream(0), 5000))
    assert len(set(sentences)) == 5000


def test_sentences_are_the_same_on_every_computer_and_python() -> None:
    # A golden value on purpose: when it changes, so do all corpora, and LAYOUT in recipe.py has to count up.
    sentences = "\n".join(itertools.islice(text.stream(0), 200))
    assert hashlib.sha256(sentences.encode()).hexdigest()[:16] == "3f813b0b348acb25"
    assert list(itertools.islice(text.stream(1), 5)) != list(itertools.islice(text.stream(0), 5))


def test_sentences_hold_all_words_and_no_others() -> None:
    said = " ".join(itertools.islice(text.stream(2), 20_000)).lower()
    heard = {word.strip(".,?!") for word in said.split()}
    known = {word.lower() for word in text.vocabulary()}
    plurals = {word + "s" for word in known}
    assert known <= heard
    assert heard <= known | plurals
