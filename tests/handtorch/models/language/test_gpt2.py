"""Checkpoints in transformers' layout, made here by the rules of its documentation."""

import json

import numpy as np
import pytest
import safetensors.numpy

import handtorch
from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.models.language import TransformerLanguageModel, load_gpt2, save_gpt2

CONFIG = {"model_type": "gpt2", "vocab_size": 11, "n_positions": 8, "n_embd": 6, "n_layer": 2, "n_head": 3}
TOKENS = np.array([[1, 5, 2, 10, 0], [3, 3, 7, 0, 9]])


def weights(rng=None):
    """A GPT-2's weights under the names that GPT2Model has for them; maps are (in, out)."""
    rng = rng or np.random.default_rng(0)
    made = {"wte.weight": (11, 6), "wpe.weight": (8, 6), "ln_f.weight": (6,), "ln_f.bias": (6,)}
    for layer in range(2):
        for name, shape in {
            "attn.c_attn": (6, 18),
            "attn.c_proj": (6, 6),
            "mlp.c_fc": (6, 24),
            "mlp.c_proj": (24, 6),
        }.items():
            made[f"h.{layer}.{name}.weight"] = shape
            made[f"h.{layer}.{name}.bias"] = shape[1:]
        for name in ("ln_1", "ln_2"):
            made |= {f"h.{layer}.{name}.weight": (6,), f"h.{layer}.{name}.bias": (6,)}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in made.items()}


def checkpoint(folder, state, **config):
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    safetensors.numpy.save_file(state, folder / "model.safetensors")
    return folder


def logits_of(network, tokens=TOKENS):
    with handtorch.no_grad():
        return network(handtorch.tensor(tokens))[0].numpy()


def gpt2(state, tokens):
    """The network as Radford et al. 2019 describe it, in float64, one sequence and one head after the other."""
    w = {name: array.astype(np.float64) for name, array in state.items()}

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def through(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    def gelu(x):
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    def attend(x):
        steps, made = len(x), []
        for head in range(3):
            q, k, v = (x[:, part * 6 + head * 2 : part * 6 + head * 2 + 2] for part in range(3))
            scores = np.where(np.tri(steps), q @ k.T / np.sqrt(2), -np.inf)
            e = np.exp(scores - scores.max(-1, keepdims=True))
            made.append(e / e.sum(-1, keepdims=True) @ v)
        return np.concatenate(made, -1)

    made = []
    for row in tokens:
        x = w["wte.weight"][row] + w["wpe.weight"][: len(row)]
        for layer in ("h.0", "h.1"):
            x = x + through(attend(through(norm(x, f"{layer}.ln_1"), f"{layer}.attn.c_attn")), f"{layer}.attn.c_proj")
            x = x + through(gelu(through(norm(x, f"{layer}.ln_2"), f"{layer}.mlp.c_fc")), f"{layer}.mlp.c_proj")
        made.append(norm(x, "ln_f") @ w["wte.weight"].T)
    return np.array(made)


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_a_checkpoint_computes_what_the_paper_says(prefix, tmp_path):
    state = weights()
    named = {prefix + name: array for name, array in state.items()}
    masks = {f"{prefix}h.{i}.attn.bias": np.tri(8, dtype=bool)[None, None] for i in range(2)}
    masks |= {f"{prefix}h.{i}.attn.masked_bias": np.array(-1e4, np.float32) for i in range(2)}
    network = load_gpt2(checkpoint(tmp_path, named | masks))
    assert not network.training
    np.testing.assert_allclose(logits_of(network), gpt2(state, TOKENS), rtol=1e-4, atol=1e-4)


def test_an_older_file_of_pytorch_is_read_as_well(tmp_path):
    checkpoint(tmp_path, weights())
    expected = logits_of(load_gpt2(tmp_path))
    (tmp_path / "model.safetensors").unlink()
    handtorch.save({name: handtorch.tensor(array) for name, array in weights().items()}, tmp_path / "pytorch_model.bin")
    np.testing.assert_array_equal(logits_of(load_gpt2(tmp_path)), expected)


def test_half_precision_is_widened(tmp_path):
    half = {name: array.astype(np.float16) for name, array in weights().items()}
    network = load_gpt2(checkpoint(tmp_path, half))
    assert {parameter.dtype for parameter in network.parameters()} == {handtorch.float32}
    np.testing.assert_allclose(logits_of(network), gpt2(half, TOKENS), rtol=1e-4, atol=1e-4)


def test_logits_of_their_own_are_kept(tmp_path):
    own = {"lm_head.weight": np.random.default_rng(1).standard_normal((11, 6)).astype(np.float32)}
    network = load_gpt2(checkpoint(tmp_path, weights() | own, tie_word_embeddings=False))
    np.testing.assert_array_equal(network.output.weight.detach().numpy(), own["lm_head.weight"])
    save_gpt2(network, tmp_path / "again")
    np.testing.assert_array_equal(logits_of(load_gpt2(tmp_path / "again")), logits_of(network))


def test_what_is_written_is_what_was_read(tmp_path):
    checkpoint(tmp_path, weights(), activation_function="relu", n_inner=24, resid_pdrop=0.3)
    network = load_gpt2(tmp_path)
    save_gpt2(network, tmp_path / "again")
    again = load_gpt2(tmp_path / "again")
    assert again.settings == network.settings
    assert (again.settings["activation"], again.settings["dropout"]) == ("relu", 0.3)
    theirs = safetensors.numpy.load_file(tmp_path / "again" / "model.safetensors")
    assert theirs.keys() == {f"transformer.{name}" for name in weights()}
    for name, array in weights().items():
        np.testing.assert_array_equal(theirs[f"transformer.{name}"], array)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "llama"}, "model_type 'gpt2', got 'llama'"),
        ({"activation_function": "mish"}, "activation_function out of gelu_new"),
        ({"layer_norm_epsilon": 1e-3}, "layer_norm_epsilon=1e-05, got 0.001"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx=False, got True"),
        ({"n_embd": None}, "describes no GPT-2"),
        ({"n_head": 5}, "describes no GPT-2: expected heads that divides d_model"),
        ({"n_layer": 3}, "are not those that its config.json tells of"),
        ({"vocab_size": 12}, "are not those that its config.json tells of"),
    ],
)
def test_another_network_is_refused(config, message, tmp_path):
    checkpoint(tmp_path, weights(), **config)
    with pytest.raises(FormatError, match=message):
        load_gpt2(tmp_path)


def test_a_weight_that_no_gpt2_has_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"got 'h\.0\.rotary\.weight' among them"):
        load_gpt2(checkpoint(tmp_path, weights() | {"h.0.rotary.weight": np.zeros(2, np.float32)}))


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"there is no .*config\.json"):
        load_gpt2(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(MissingFileError, match=r"expected model.safetensors or pytorch_model.bin in .*, found neither"):
        load_gpt2(tmp_path)
    (tmp_path / "config.json").write_text("[")
    with pytest.raises(FormatError, match="expected a configuration as JSON"):
        load_gpt2(tmp_path)


@pytest.mark.parametrize("settings", [{"positions": "rotary"}, {"norm": "post"}, {"kv_heads": 1}, {"bias": False}])
def test_only_gpt2s_kind_is_written(settings, tmp_path):
    network = TransformerLanguageModel(11, 6, 3, 1, **{"positions": "learned"} | settings)
    with pytest.raises(ArgumentError, match=f"expected a network of GPT-2's kind, with {next(iter(settings))}="):
        save_gpt2(network, tmp_path)
