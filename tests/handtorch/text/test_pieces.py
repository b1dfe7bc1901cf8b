import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handtorch.text import CharacterTokenizer, WordTokenizer
from handtorch.text.pieces import Reader, UntilStop, Writer

from .tiny import byte_pairs

TEXTS = st.text("ab¡€𝄞 ", max_size=12)


@settings(deadline=None)
@given(TEXTS, st.lists(st.text("ab ", min_size=1, max_size=3), max_size=3), st.data())
def test_the_pieces_are_the_text_before_the_first_stop(text, stop, data):
    until, given_out, rest = UntilStop(stop), "", text
    while rest and not until.stopped:
        cut = data.draw(st.integers(1, len(rest)))
        given_out += until.add(rest[:cut])
        rest = rest[cut:]
    if not until.stopped:
        given_out += until.finish()
    ends = [text.find(one) for one in stop if one in text]
    assert until.stopped == bool(ends)
    assert given_out == text[: min(ends, default=len(text))]


def test_only_what_may_be_the_beginning_of_a_stop_is_held_back():
    until = UntilStop(["\n\n", "END"])
    assert [until.add(piece) for piece in ("to be", "\nE", "N", "d", "\n", "\n")] == ["to be", "\n", "", "ENd", "", ""]
    assert until.stopped


@settings(deadline=None)
@given(TEXTS)
def test_the_tokens_of_bytes_add_up_to_the_text_and_no_character_is_cut(text):
    tokenizer = byte_pairs()
    reader = Reader(tokenizer)
    tokens = [reader.read(token, None) for token in tokenizer.encode(text)]
    assert "".join(token.text for token in tokens) + reader.end() == text
    assert not any("\N{REPLACEMENT CHARACTER}" in token.text for token in tokens)


def test_a_word_after_a_prompt_begins_with_a_blank():
    tokenizer = WordTokenizer(["<unk>", "to", "be", "or", "."], cut="punctuation")
    reader = Reader(tokenizer, tokenizer.encode("to be"))
    assert [reader.read(tokenizer.index[word], None).text for word in ("or", "to", ".")] == [" or", " to", "."]


def test_alternatives_are_told_as_they_would_go_on_from_the_text():
    tokenizer = WordTokenizer(["<unk>", "to", "be", "or", "."], cut="punctuation")
    token = Reader(tokenizer, tokenizer.encode("to be")).read(3, -1.0, [(3, -1.0), (4, -2.0)])
    assert token.likeliest == {" or": -1.0, ".": -2.0}


def test_of_bytes_that_look_alike_the_likeliest_is_told():
    tokenizer = byte_pairs()
    one, other = (tokenizer.encode(text)[0] for text in ("€", "𝄞"))
    assert Reader(tokenizer).read(one, -1.0, [(other, -0.5), (one, -1.0)]).likeliest == {
        "\N{REPLACEMENT CHARACTER}": -0.5
    }


@pytest.mark.parametrize(
    ("text", "stop", "pieces", "ended"),
    [
        ("abc", [], ["a", "b", "c", ""], "length"),
        ("abcd", ["cx"], ["a", "b", "cd", ""], "length"),
        ("abcd", ["bc"], ["a", ""], "stop"),
        ("abc", ["cx"], ["a", "b", "c"], "length"),
    ],
)
def test_a_writer_gives_each_token_with_the_text_that_it_begins_in(text, stop, pieces, ended):
    writer = Writer(Reader(CharacterTokenizer("abcd")), stop)
    made = []
    for i, letter in enumerate(text):
        piece = writer.add("abcd".index(letter), -float(i))
        made += [] if piece is None else [piece]
        if writer.ended:
            break
    if not writer.ended:
        made.append(writer.end("length"))
    assert [piece.text for piece in made] == pieces
    assert ["".join(token.text for token in piece.tokens) for piece in made] == pieces
    assert [piece.ended for piece in made] == [None] * (len(made) - 1) + [ended]
    assert [token.log_prob for piece in made for token in piece.tokens] == [
        -float(i) for i in range(len("".join(pieces)))
    ]
