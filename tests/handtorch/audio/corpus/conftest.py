"""A corpus of a few utterances, built once for the tests of a process, far from the user's cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from handtorch.audio.corpus import PhonemeCorpus, Recipe, phoneme_corpus

SMALL = Recipe(train=70, dev=9, test=18, shifted=4)
"""Each voice speaks once."""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDTORCH_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def corpus(cache: Path) -> PhonemeCorpus:
    return phoneme_corpus(SMALL, processes=2)
