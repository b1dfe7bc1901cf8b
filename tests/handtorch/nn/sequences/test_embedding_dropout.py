"""A word is left out at all its places or at none."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.nn.sequences import EmbeddingDropout
from handtorch.nn.utils.rnn import pack_sequence

VOCABULARY, WIDTH = 500, 6


def layer(p):
    handtorch.manual_seed(0)
    return EmbeddingDropout(nn.Embedding(VOCABULARY, WIDTH), p)


def test_a_word_is_dropped_everywhere_or_nowhere_and_the_others_are_scaled():
    words = layer(0.3)
    x = handtorch.randint(0, VOCABULARY, (40, 100))
    y = words(x).detach().numpy() / words.embedding(x).detach().numpy()
    factor = y.reshape(-1, WIDTH)
    assert np.ptp(factor, axis=1).max() < 1e-5
    by_word = {int(word): set() for word in x.reshape(-1).tolist()}
    for word, value in zip(x.reshape(-1).tolist(), factor[:, 0], strict=True):
        by_word[word].add(round(float(value), 4))
    assert {len(values) for values in by_word.values()} == {1}
    dropped = np.array([values == {0.0} for values in by_word.values()])
    assert set().union(*by_word.values()) == {0.0, round(1 / 0.7, 4)}
    assert abs(dropped.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / len(dropped))


def test_it_is_dropout_of_the_tables_rows():
    words = layer(0.5)
    x = handtorch.randint(0, VOCABULARY, (3, 7))
    handtorch.manual_seed(5)
    y = words(x)
    handtorch.manual_seed(5)
    mask = nn.functional.dropout(handtorch.ones(VOCABULARY), 0.5)
    expected = nn.functional.embedding(x, words.embedding.weight * mask.unsqueeze(1))
    np.testing.assert_array_equal(y.detach().numpy(), expected.detach().numpy())
    y.sum().backward()
    seen = np.unique(x.numpy())
    gradient = words.embedding.weight.grad.numpy()
    np.testing.assert_array_equal(gradient[seen, 0] != 0, mask.numpy()[seen] != 0)


def test_packed_words_give_packed_rows():
    words = layer(0.5)
    packed = pack_sequence([handtorch.tensor([3, 4, 3]), handtorch.tensor([4])])
    y = words(packed)
    assert y.batch_sizes is packed.batch_sizes
    assert y.data.shape == (4, WIDTH)
    np.testing.assert_array_equal(y.data[0].detach().numpy(), y.data[3].detach().numpy())


def test_evaluation_is_the_embedding_and_its_state_is_its_own():
    words = layer(0.5).eval()
    x = handtorch.randint(0, VOCABULARY, (3, 7))
    np.testing.assert_array_equal(words(x).detach().numpy(), words.embedding(x).detach().numpy())
    assert list(words.state_dict()) == ["embedding.weight"]
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        EmbeddingDropout(nn.Embedding(3, 2), -0.1)
