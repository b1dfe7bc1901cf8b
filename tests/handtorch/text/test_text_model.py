import json
import math

import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.io import safetensors
from handtorch.models.language import LSTMLanguageModel
from handtorch.text import CharacterTokenizer, TextModel, WordTokenizer
from handtorch.text.export import export_gpt2
from handtorch.text.surprise import perplexity

from .tiny import LETTERS, NextLetter, byte_pairs, next_letter, random_lstm, random_transformer


@pytest.mark.parametrize("make", [random_lstm, random_transformer, lambda: random_lstm(byte_pairs())])
def test_a_model_comes_back_from_its_file_with_its_tokenizer(make, tmp_path):
    model = make()
    model.save(tmp_path / "model.safetensors")
    again = TextModel.open(tmp_path / "model.safetensors")
    assert again.tokenizer == model.tokenizer
    assert not again.network.training
    assert again.score("the bat") == model.score("the bat")


def test_a_gpt2_folder_is_opened_with_its_byte_pairs(tmp_path):
    model = random_transformer(byte_pairs(), activation="gelu_tanh")
    export_gpt2(model, tmp_path)
    again = TextModel.open(tmp_path)
    assert again.tokenizer == model.tokenizer
    assert again.max_length == 32
    assert again.score("the hat", 2) == model.score("the hat", 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda settings: settings.update(network="Module"), "unknown kind 'Module'"),
        (lambda settings: settings["settings"].update(embedding_dim=3), "damaged"),
        (lambda settings: settings["settings"].update(embedding_dim=10**14), "expected embedding_dim for a network of"),
        (lambda settings: settings["settings"].update(hidden=math.inf), "expected hidden for a network of"),
        (lambda settings: settings.update(settings=None), "damaged"),
        (lambda settings: settings["tokenizer"].update(characters="ab"), "expected a network with 2 tokens"),
        (lambda settings: settings.update(tokenizer="ab"), "expected the settings of a tokenizer"),
    ],
)
def test_a_damaged_file_is_refused(change, message, tmp_path):
    random_lstm().save(path := tmp_path / "model.safetensors")
    metadata, tensors = safetensors.load_metadata(path), safetensors.load_file(path)
    settings = json.loads(metadata["settings"])
    change(settings)
    safetensors.save_file(tensors, path, metadata | {"settings": json.dumps(settings)})
    with pytest.raises(FormatError, match=message):
        TextModel.load(path)
    with pytest.raises(MissingFileError, match="run: make train LAB=hw4p1"):
        TextModel.load(tmp_path / "other.safetensors")


def test_network_and_tokenizer_must_have_as_many_tokens():
    with pytest.raises(ArgumentError, match="expected a network with 26 tokens, the tokenizer's, got one with 5"):
        TextModel(LSTMLanguageModel(5, 4, 4, 1), CharacterTokenizer(LETTERS))


@pytest.mark.parametrize("make", [random_lstm, lambda: random_transformer(max_length=600, positions="rotary")])
def test_scores_are_the_log_softmax_of_the_logits(make):
    model = make()
    text = "".join(np.random.default_rng(0).choice(list(LETTERS), 300))
    tokens = model.tokenizer.encode(text)
    with handtorch.no_grad():
        logits = model.network(handtorch.tensor([tokens]))[0].numpy()[0].astype(np.float64)
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    scored = model.score(text, 3)
    assert scored[0].log_prob is None
    assert scored[0].likeliest == {}
    assert "".join(token.text for token in scored) == text
    for t in range(1, len(tokens)):
        assert scored[t].log_prob == pytest.approx(log_probs[t - 1, tokens[t]], abs=1e-4)
        best = np.argsort(-log_probs[t - 1])[:3]
        assert scored[t].likeliest == pytest.approx(
            {model.tokenizer.vocabulary[i]: log_probs[t - 1, i] for i in best}, abs=1e-4
        )


def test_scores_add_up_to_the_perplexity():
    model = random_lstm()
    scored = model.score("to be or not to be.")
    found = model.perplexity("to be or not to be.")
    assert found.tokens == len(scored) - 1
    assert found.nll == pytest.approx(-sum(token.log_prob for token in scored[1:]), rel=1e-5)


def test_a_transformer_foresees_each_token_from_at_least_half_its_length():
    model, text = random_transformer(), "the quick brown fox jumps over the lazy dog. " * 3
    assert model.perplexity(text) == perplexity(model.network, text, model.tokenizer, length=32, stride=16)
    assert model.perplexity(text, stride=1) == perplexity(model.network, text, model.tokenizer, length=32, stride=1)


def test_the_text_goes_on_from_the_prompt():
    assert next_letter().generate("abc", max_tokens=5, temperature=0) == "defgh"
    assert list(next_letter().stream("xy", max_tokens=3, temperature=0)) == ["z", "a", "b", ""]
    assert next_letter().generate("abc", max_tokens=0) == ""


def test_the_text_ends_before_a_stop():
    assert next_letter().generate("a", max_tokens=20, stop=["gh", "fg"], temperature=0) == "bcde"


def test_one_stop_needs_no_list():
    assert next_letter().generate("a", max_tokens=20, temperature=0, stop="fg") == "bcde"


def test_the_text_ends_at_the_token_between_texts_and_begins_after_it():
    tokenizer = CharacterTokenizer(LETTERS, special=["<eos>"])
    model = _between_letters(tokenizer)
    assert model.between == model.start == 0
    assert model.generate("x", max_tokens=20, temperature=0) == "yz"
    assert model.generate("", max_tokens=3, temperature=0) == "abc"
    (_, last) = list(model.pieces([tokenizer.encode("y")], max_tokens=20, temperature=0))[-1]
    assert last.ended == "stop"
    assert last.drawn == 1


def test_a_line_end_begins_a_text_and_does_not_end_it():
    tokenizer = WordTokenizer(["<unk>", "<eos>", "a", "b"], end_of_line="<eos>")
    model = random_lstm(tokenizer)
    assert (model.between, model.start) == (None, 1)
    assert model.generate("", max_tokens=2, seed=0) != ""


def test_prompts_of_different_lengths_get_what_each_would_get_alone():
    model = random_lstm()
    prompts = [model.tokenizer.encode(text) for text in ("to be", "a", "the question is")]
    together = ["", "", ""]
    for row, piece in model.pieces(prompts, max_tokens=12, temperature=0, stop=["e"]):
        together[row] += piece.text
    assert together == [
        model.generate(model.tokenizer.decode(prompt), max_tokens=12, temperature=0, stop=["e"]) for prompt in prompts
    ]


def test_drawn_tokens_carry_the_log_probs_that_scoring_gives():
    model = random_transformer()
    prompt = model.tokenizer.encode("to be")
    pieces = [
        piece for _, piece in model.pieces([prompt], max_tokens=10, temperature=1.5, top_k=9, seed=3, likeliest=2)
    ]
    tokens = [token for piece in pieces for token in piece.tokens]
    scored = model.score(prompt + [token.id for token in tokens], 2)[len(prompt) :]
    for drawn, known in zip(tokens, scored, strict=True):
        assert drawn[:2] == known[:2]
        assert drawn.log_prob == pytest.approx(known.log_prob, abs=1e-4)
        assert drawn.likeliest == pytest.approx(known.likeliest, abs=1e-4)


def test_the_same_seed_writes_the_same_text_and_others_differ():
    model = random_lstm()
    texts = [model.generate("to", max_tokens=40, temperature=2.0, seed=seed) for seed in (1, 1, 2, None, None)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 4


def test_the_default_generator_and_the_mode_of_training_are_left_alone():
    model = random_lstm()
    model.network.train()
    handtorch.manual_seed(5)
    expected = handtorch.rand(3).tolist()
    handtorch.manual_seed(5)
    assert model.generate("to", max_tokens=5, seed=0) == model.generate("to", max_tokens=5, seed=0)
    assert handtorch.rand(3).tolist() == expected
    assert model.network.training
    assert handtorch.is_grad_enabled()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda model: model.generate(""), "this model has no token to begin with"),
        (
            lambda model: model.generate("a" * 30, max_tokens=3),
            r"at most 32 tokens together, the network's, got 30 \+ 3",
        ),
        (lambda model: model.score("a" * 33), "expected at most 32 tokens, the network's, got 33"),
        (lambda model: model.generate("a", max_tokens=1, temperature=-1), "temperature"),
        (lambda model: model.generate("é", max_tokens=1), "got 'é'"),
    ],
)
def test_mistakes_are_told(act, message):
    with pytest.raises(ArgumentError, match=message):
        act(random_transformer())


def _between_letters(tokenizer):
    """After z and at the beginning comes what the tokenizer has at 0; after that a."""
    model = TextModel(NextLetter(vocabulary=27, first=1), tokenizer)
    weight = model.network.output.weight.array
    weight[1, 26], weight[0, 26], weight[1, 0] = 0, 20, 20
    return model


def test_the_perplexity_of_a_sure_model_is_nearly_one():
    found = next_letter().perplexity("abcdefg")
    assert found.token == pytest.approx(1 + 25 * math.exp(-20), rel=1e-6)
