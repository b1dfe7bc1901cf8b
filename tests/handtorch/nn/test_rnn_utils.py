"""Packing and padding: what is refused here, and what stays as it was."""

import pytest

import handtorch
from handtorch.errors import ShapeError
from handtorch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_sequence, unpack_sequence, unpad_sequence


def test_a_length_beyond_the_input_is_refused():
    with pytest.raises(ShapeError, match="up to the 4 steps of the input, got 5"):
        pack_padded_sequence(handtorch.zeros(4, 2, 3), [5, 2])


def test_sequences_of_different_axes_are_refused():
    with pytest.raises(ShapeError, match="alike but for L"):
        pad_sequence([handtorch.zeros(4, 2, 3), handtorch.zeros(2, 3)])


def test_unpadding_leaves_the_batch_as_it_was():
    padded = handtorch.arange(12).reshape(3, 2, 2)
    assert [len(row) for row in unpad_sequence(padded, [3, 1])] == [3, 1]
    assert padded.shape == (3, 2, 2)


def test_steps_of_all_sequences_stand_together():
    rows = [handtorch.tensor(list(map(ord, word))) for word in ("abc", "de", "f")]
    packed = pack_sequence(rows)
    assert "".join(map(chr, packed.data.tolist())) == "adfbec"
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert ["".join(map(chr, row.tolist())) for row in unpack_sequence(packed)] == ["abc", "de", "f"]
