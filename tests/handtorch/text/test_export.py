"""Exported language models, run by ONNX Runtime."""

import numpy as np
import onnx
import onnxruntime
import pytest

import handtorch
from handtorch.errors import ArgumentError
from handtorch.models.language import LSTMLanguageModel
from handtorch.text import CharacterTokenizer, TextModel
from handtorch.text.export import export_gpt2, export_onnx

from .tiny import LETTERS, byte_pairs, random_lstm, random_transformer

NETWORKS = {
    "lstm": random_lstm,
    "lstm with an adaptive softmax": lambda: TextModel(
        LSTMLanguageModel(26, 8, 32, 2, tied=False, cutoffs=(5, 15)).eval(), CharacterTokenizer(LETTERS)
    ),
    "learned": lambda: random_transformer(max_length=400, activation="gelu_tanh"),
    "rotary": lambda: random_transformer(positions="rotary", kv_heads=1, activation="silu"),
    "sinusoidal": lambda: random_transformer(max_length=400, positions="sinusoidal"),
    "post": lambda: random_transformer(max_length=400, norm="post", activation="relu", tied=False, bias=False),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_gives_the_logits_for_any_number_and_length_of_texts(name, tmp_path):
    handtorch.manual_seed(1)
    model = NETWORKS[name]()
    export_onnx(model, path := tmp_path / "model.onnx")
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    assert [(x.name, x.shape) for x in session.get_inputs()] == [("tokens", ["batch", "steps"])]
    assert [(y.name, y.shape) for y in session.get_outputs()] == [("logits", ["batch", "steps", len(model.tokenizer)])]
    for shape in ((1, 1), (2, 3), (3, 2), (4, 4), (1, 333)):
        tokens = np.random.default_rng(shape).integers(0, len(model.tokenizer), shape)
        with handtorch.no_grad():
            expected = model.network(handtorch.tensor(tokens))[0].numpy()
        (logits,) = session.run(None, {"tokens": tokens})
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5 * abs(expected).max())


def test_the_network_is_left_as_it_was(tmp_path):
    model = random_transformer(positions="sinusoidal")
    model.network.train()
    before = model.network.positions
    export_onnx(model, tmp_path / "model.onnx")
    assert model.network.positions is before
    assert model.network.training


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (random_lstm(byte_pairs()), "expected a Transformer with byte pairs, got LSTMLanguageModel with BytePair"),
        (random_transformer(), "got TransformerLanguageModel with CharacterTokenizer"),
        (random_transformer(byte_pairs(), positions="rotary"), "with positions='learned', got 'rotary'"),
    ],
)
def test_only_what_gpt2_has_is_written_in_its_layout(model, message, tmp_path):
    with pytest.raises(ArgumentError, match=message):
        export_gpt2(model, tmp_path / "gpt2")
