"""Where hw4p1's text comes from: Shakespeare's plays, WikiText, Chinese poems, or the folders of 11-785."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import hand_in
import numpy as np
import numpy.typing as npt

from handtorch.errors import MissingFileError
from handtorch.text import BytePairTokenizer, CharacterTokenizer, Tokenizer, WordTokenizer, running_text
from handtorch.text.datasets import ChinesePoems, Shakespeare, WikiText

Ids = npt.NDArray[np.int32]

_BETWEEN = "<eos>"


@dataclass
class Corpus:
    """A text as tokens (L,) in its parts, and what goes with it."""

    name: str
    """A key of recipes.RECIPES."""
    tokenizer: Tokenizer
    train: Ids
    dev: Ids
    test: Ids | None
    prompts: tuple[str, ...]
    """Beginnings to be written on."""
    number: npt.NDArray[np.int64] | None = None
    """(V,) the id that each id of the text's folder has here, where the text came as ids."""
    questions: hand_in.Questions | None = None
    """What 11-785 asks about the text."""

    @property
    def judged(self) -> dict[str, Ids]:
        """The parts that are not learned from, by name."""
        return {"dev": self.dev} | ({} if self.test is None else {"test": self.test})

    def describe(self) -> str:
        """How much there is, in a line."""
        judged = ", ".join(f"{len(tokens):,} for {name}" for name, tokens in self.judged.items())
        return f"{len(self.train):,} tokens of {len(self.tokenizer):,} kinds to learn from, {judged}"


def shakespeare(vocabulary: int) -> Corpus:
    """All that is in modern spelling; three plays to choose by and three to be judged on are in nothing else.

    Args:
        vocabulary: how many byte pairs and bytes.

    Raises:
        MissingExtraError: the texts are not installed; the message says what to install.
    """
    train = Shakespeare("train")
    tokenizer = BytePairTokenizer.train(train, vocabulary)
    return Corpus(
        "shakespeare",
        tokenizer,
        *(tokenizer.encode_array(text.text) for text in (train, Shakespeare("dev"), Shakespeare("test"))),
        prompts=("ROMEO.\n", "HAMLET.\nTo be, or not to be", "ACT V.\n\nSCENE I. A forest near Athens.\n\n"),
    )


def wikitext(root: Path) -> Corpus:
    """Articles of Wikipedia as words, which get new numbers: from the most frequent one down.

    Raises:
        MissingFileError, FormatError: the folder holds something else.
    """
    train, dev = WikiText(root, "train"), WikiText(root, "dev")
    try:
        test: WikiText | None = WikiText(root, "test")
    except MissingFileError:
        test = None
    counts = np.bincount(train.tokens, minlength=len(train.vocabulary))
    order = np.argsort(-counts, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    old = train.tokenizer
    line = old.end_of_line or "."
    return Corpus(
        "wikitext",
        WordTokenizer([train.vocabulary[token] for token in order], old.unknown, old.end_of_line),
        *(None if part is None else number[part.tokens].astype(np.int32) for part in (train, dev, test)),
        prompts=(f"{line} = The Great War = {line}", "The village is located in", f"{line} = = Early life = = {line}"),
        number=number,
    )


def from_course(root: Path) -> Corpus:
    """WikiText as 11-785 hands it out, with its questions: ``root`` or ``root/dataset``, ``root/fixtures``.

    Raises:
        MissingFileError, FormatError: the folder holds something else.
    """
    place = root / "dataset"
    corpus = wikitext(place if place.is_dir() else root)
    corpus.questions = hand_in.questions(root, corpus.number)
    return corpus


def chinese_poems(root: Path, vocabulary: int) -> Corpus:
    """Poems of the Tang dynasty by character, with a token between them.

    Args:
        root: the folder of the npm package chinese-poetry.
        vocabulary: how many characters at most; rarer ones are unknown.

    Raises:
        MissingFileError, FormatError: the folder holds something else.
    """
    parts = [ChinesePoems("tang", split, root=root) for split in ("train", "dev", "test")]
    counts = Counter(itertools.chain.from_iterable(parts[0]))
    special = (_BETWEEN, "<unk>")
    tokenizer = CharacterTokenizer(
        (sign for sign, _ in counts.most_common(vocabulary - len(special))), special, unknown="<unk>"
    )
    between = tokenizer.index[_BETWEEN]
    return Corpus(
        "poems",
        tokenizer,
        *(running_text(map(tokenizer.encode_array, part), before=between) for part in parts),
        prompts=(_BETWEEN, _BETWEEN + "明月", _BETWEEN + "春風"),
    )
