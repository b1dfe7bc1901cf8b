import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handtorch
from handtorch.audio import cer, confusions, edits, error_rate, levenshtein, per, wer
from handtorch.audio.edit_distance import count_edits
from handtorch.audio.metrics import ErrorRate
from handtorch.errors import BatchError, MissingExtraError

symbols = st.lists(st.sampled_from([-2, -1, "a", 97, "AH", None]), max_size=9)


def table(a, b):
    """Wagner and Fischer's D, cell by cell."""
    d = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    d[:, 0], d[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i, j] = min(d[i - 1, j - 1] + (a[i - 1] != b[j - 1]), d[i - 1, j] + 1, d[i, j - 1] + 1)
    return d


@settings(max_examples=60, deadline=None)
@given(symbols, symbols)
def test_the_distance_is_that_of_dynamic_programming_also_where_hashes_collide(a, b):
    assert levenshtein(a, b) == table(a, b)[-1, -1]


@settings(max_examples=60, deadline=None)
@given(symbols, symbols)
def test_an_alignment_holds_every_symbol_once_in_order_and_needs_no_more_edits_than_the_distance(a, b):
    aligned = edits(a, b)
    assert [e.i for e in aligned if e.i is not None] == list(range(len(a)))
    assert [e.j for e in aligned if e.j is not None] == list(range(len(b)))
    for kind, i, j in aligned:
        expected = "insert" if i is None else "delete" if j is None else "equal" if a[i] == b[j] else "substitute"
        assert kind == expected
    assert sum(kind != "equal" for kind, _, _ in aligned) == table(a, b)[-1, -1]


@settings(max_examples=30, deadline=None)
@given(symbols, symbols)
def test_counts_are_those_of_the_alignment(a, b):
    kinds = [edit.kind for edit in edits(a, b)]
    assert count_edits(a, b) == tuple(kinds.count(kind) for kind in ("substitute", "insert", "delete"))


def test_strings_arrays_and_tensors_are_sequences():
    assert levenshtein("kitten", "sitting") == 3
    assert levenshtein(np.array([3, 1, 4]), [3, 4]) == 1
    assert levenshtein(handtorch.tensor([3, 1, 4]), handtorch.tensor([3, 1, 4])) == 0
    assert levenshtein((), "abc") == 3


def test_error_rates_add_up_over_all_sequences_and_not_by_their_mean():
    references = [["AA", "B"], list("0123456789")]
    hypotheses = [["AA"], list("0123456789")]
    counted = error_rate(references, hypotheses)
    assert counted == ErrorRate(deletions=1, symbols=12, sequences=2, wrong_sequences=1)
    assert float(counted) == counted.rate == 1 / 12
    assert (counted.mean_distance, counted.sequence_rate) == (0.5, 0.5)
    assert error_rate(references[:1], hypotheses[:1]) + error_rate(references[1:], hypotheses[1:]) == counted
    assert str(counted) == "8.33% (0 substituted, 0 inserted, 1 deleted of 12; 1 of 2 sequences wrong)"


def test_a_rate_can_exceed_one_and_is_defined_without_references():
    assert error_rate(["a"], ["bcd"]).rate == 3
    assert error_rate([""], [""]).rate == 0
    assert error_rate([""], ["a"]).rate == float("inf")
    assert error_rate([], []).mean_distance == error_rate([], []).sequence_rate == 0


def test_phoneme_error_rate_takes_names_indices_and_lines_of_text():
    expected = ErrorRate(substitutions=1, symbols=3, sequences=1, wrong_sequences=1)
    assert per([["HH", "AH", "L"]], [["HH", "EH", "L"]]) == expected
    assert per([np.array([5, 6, 7])], [[5, 9, 7]]) == expected
    assert per("HH AH L", "HH EH L") == expected


def test_ignored_phones_count_neither_in_the_reference_nor_in_the_hypothesis():
    assert per(["[SIL] AA B"], ["AA [SIL] [SIL] B"], ignore=["[SIL]"]) == ErrorRate(symbols=2, sequences=1)


def test_words_and_characters_are_counted_as_people_count_them():
    assert wer("the  cat sat\n", "the hat sat").rate == 1 / 3
    assert wer(["a b", "c"], ["a", "c"]).deletions == 1
    assert cer(" ab  c ", "ab c").errors == 0
    assert cer("añb", "anb") == ErrorRate(substitutions=1, symbols=3, sequences=1, wrong_sequences=1)


def test_confusions_name_what_was_taken_for_what():
    counted = confusions([["AH", "T", "AH"], ["D"]], [["EH", "T", "EH"], ["D", "ER"]])
    assert counted.most_common(1) == [(("AH", "EH"), 2)]
    assert counted[None, "ER"] == 1
    assert confusions(["T"], [""]) == {("T", None): 1}


def test_a_missing_hypothesis_is_an_error_that_says_so():
    with pytest.raises(BatchError, match="2 references and 1 hypotheses"):
        error_rate(["a", "b"], ["a"])


def test_without_rapidfuzz_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    monkeypatch.setitem(sys.modules, "rapidfuzz.distance.Levenshtein", None)
    with pytest.raises(MissingExtraError, match=r"handtorch\[speech\]"):
        levenshtein("a", "b")


def test_importing_the_metrics_does_not_import_the_engine():
    program = "import sys, handtorch.audio.metrics as m; m.wer; print('rapidfuzz' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
