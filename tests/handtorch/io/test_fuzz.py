"""A few hundred mutated files of each kind; ``python -m tests.handtorch.io.fuzz`` loads as many as one likes."""

import pytest

from handtorch.errors import FormatError
from tests.handtorch.io import fuzz

KINDS = pytest.mark.parametrize("kind", list(fuzz.FILES))


@KINDS
def test_the_file_is_sound_before_it_is_mutated(kind):
    assert fuzz.outcome(fuzz.FILES[kind]()) == "loaded"


@KINDS
def test_mutated_files_are_refused_or_load_as_sound_tensors(kind):
    outcomes = {seed: fuzz.outcome(fuzz.mutated(kind, seed)) for seed in range(400)}
    assert {seed: text for seed, text in outcomes.items() if text.startswith("failed")} == {}
    assert "loaded" in outcomes.values() and len({*outcomes.values()}) > 1


@KINDS
def test_a_seed_makes_the_same_file_every_time(kind):
    assert fuzz.mutated(kind, 7) == fuzz.mutated(kind, 7) != fuzz.mutated(kind, 8)


def test_only_typed_errors_count_as_refusals():
    def fail(error):
        def load(file):
            raise error

        return load

    assert fuzz.outcome(b"", fail(FormatError("no"))) == "FormatError"
    for error in (ValueError("no"), RecursionError(), MemoryError(), KeyError("x")):
        assert fuzz.outcome(b"", fail(error)).startswith("failed: ")


def test_a_process_that_crashes_is_reported_with_its_seed(monkeypatch):
    said = []
    monkeypatch.setattr(fuzz.sys, "executable", "false")
    counts = fuzz.run("pt", 3, 5, lambda text, progress=False: said.append(text))
    assert counts == {"failed": 2}
    assert said[0].startswith("--kind pt --seed 3: failed: the process ended with status 1")
