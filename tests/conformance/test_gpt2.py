"""GPT-2 checkpoints that Hugging Face's transformers wrote, or reads: the same logits, tokens and texts."""

import json

import numpy as np
import pytest
import torch
import transformers

import handtorch
from handtorch.text import BytePairTokenizer, TextModel
from handtorch.text.export import export_gpt2

TEXT = "the cat and the hat, and the bat! " * 3


@pytest.fixture(scope="module")
def tokenizer():
    return BytePairTokenizer.train([TEXT], 290, ["<|endoftext|>"])


def peer(tokenizer, **config):
    """A network of theirs with weights large enough to prefer some tokens to others."""
    torch.manual_seed(0)
    settings = {"n_positions": 64, "n_embd": 24, "n_layer": 3, "n_head": 4, "bos_token_id": 0, "eos_token_id": 0}
    made = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=len(tokenizer), **settings | config)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0, 0.3)
    return made


def logits_of(network, tokens):
    with torch.no_grad():
        return network(torch.tensor(tokens)).logits.numpy()


@pytest.mark.parametrize("config", [{}, {"tie_word_embeddings": False}, {"activation_function": "relu", "n_inner": 40}])
def test_a_checkpoint_has_the_same_logits_on_both_sides(config, tokenizer, tmp_path):
    theirs = peer(tokenizer, **config)
    theirs.save_pretrained(tmp_path)
    tokenizer_files(tokenizer, tmp_path)
    model = TextModel.from_gpt2(tmp_path)
    tokens = np.random.default_rng(0).integers(0, len(tokenizer), (2, 40))
    with handtorch.no_grad():
        ours = model.network(handtorch.tensor(tokens))[0].numpy()
    np.testing.assert_allclose(ours, logits_of(theirs, tokens), rtol=1e-4, atol=1e-5)

    export_gpt2(model, tmp_path / "ours")
    again = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "ours").eval()
    np.testing.assert_array_equal(logits_of(again, tokens), logits_of(theirs, tokens))


def test_an_exported_model_writes_the_same_text_there(tokenizer, tmp_path):
    theirs = peer(tokenizer)
    theirs.save_pretrained(tmp_path / "theirs")
    tokenizer_files(tokenizer, tmp_path / "theirs")
    export_gpt2(TextModel.from_gpt2(tmp_path / "theirs"), tmp_path / "ours")
    model = TextModel.from_gpt2(tmp_path / "ours")
    cut = transformers.GPT2Tokenizer.from_pretrained(tmp_path / "ours")
    tokens = cut("the cat and", return_tensors="pt")
    assert tokens.input_ids[0].tolist() == model.tokenizer.encode("the cat and")
    with torch.no_grad():
        written = theirs.generate(**tokens, max_new_tokens=20, do_sample=False, pad_token_id=0)[
            0, tokens.input_ids.shape[1] :
        ]
    ours = [
        token.id
        for _, piece in model.pieces([tokens.input_ids[0].tolist()], max_tokens=20, temperature=0)
        for token in piece.tokens
    ]
    assert ours == [token for token in written.tolist() if token != 0]


def tokenizer_files(tokenizer, folder):
    (folder / "vocab.json").write_text(json.dumps(tokenizer.index))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in tokenizer.merges))
