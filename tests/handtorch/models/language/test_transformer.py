import math

import numpy as np
import pytest

import handtorch
from handtorch import kernels
from handtorch.errors import ArgumentError, ShapeError
from handtorch.models.language import TransformerLanguageModel

KINDS = [
    {},
    {"positions": "learned", "activation": "gelu_tanh"},
    {"positions": "sinusoidal", "norm": "post", "activation": "relu"},
    {"kv_heads": 2, "bias": False, "tied": False, "activation": "silu"},
]


def small(**settings):
    handtorch.manual_seed(0)
    given = {"vocabulary": 11, "d_model": 16, "heads": 4, "layers": 2, "max_length": 12} | settings
    model = TransformerLanguageModel(**given)
    for parameter in model.parameters():  # so that attention is far from even
        handtorch.nn.init.normal_(parameter, std=0.3)
    return model


def some_tokens(batch=3, steps=12):
    return handtorch.tensor(np.random.default_rng(0).integers(0, 11, (batch, steps)))


def array(x):
    return x.detach().numpy()


@pytest.mark.parametrize("recorded", [True, False], ids=["with_gradients", "without"])
@pytest.mark.parametrize("settings", KINDS)
def test_token_by_token_with_the_cache_is_the_whole_text_at_once(settings, recorded):
    model, tokens = small(**settings).eval(), some_tokens()
    with handtorch.set_grad_enabled(recorded):
        whole, _ = model(tokens)
        state, pieces = None, []
        for t in range(12):
            logits, state = model(tokens[:, t : t + 1], state)
            pieces.append(logits)
        np.testing.assert_allclose(array(handtorch.cat(pieces, 1)), array(whole), atol=1e-5)
        _, state = model(tokens[:, :3])
        np.testing.assert_allclose(array(model(tokens[:, 3:8], state)[0]), array(whole)[:, 3:8], atol=1e-5)


@pytest.mark.parametrize("rows", [1, 3, 11], ids="{}_rows".format)
@pytest.mark.parametrize("settings", KINDS)
def test_the_op_for_one_step_its_twin_and_the_layers_agree(settings, rows):
    model, tokens = small(**settings).eval(), some_tokens(rows)
    results = []
    for recorded, choice in ((True, "fast"), (False, "fast"), (False, "reference")):
        with handtorch.set_grad_enabled(recorded), kernels.use(choice):
            _, state = model(tokens[:, :4])
            for t in range(4, 12):
                logits, state = model(tokens[:, t : t + 1], state)
            results.append([array(logits), array(state.layers[1].keys), array(state.layers[1].values)])
    for numbers in zip(*results, strict=True):
        np.testing.assert_allclose(numbers[1], numbers[0], atol=1e-5)
        np.testing.assert_allclose(numbers[2], numbers[0], atol=1e-5)


def test_hooks_and_parametrizations_see_single_steps_too():
    model, seen = small().eval(), []
    model.layers[0].expand.register_forward_hook(lambda *given: seen.append(given))
    handtorch.nn.utils.parametrize.register_parametrization(model.layers[1].contract, "weight", handtorch.nn.ReLU())
    with handtorch.no_grad():
        whole, _ = model(some_tokens())
        _, state = model(some_tokens()[:, :11])
        seen.clear()
        last, _ = model(some_tokens()[:, 11:], state)
    assert len(seen) == 1
    np.testing.assert_allclose(array(last[:, 0]), array(whole[:, -1]), atol=1e-5)


def test_what_comes_later_changes_nothing():
    model, tokens = small().eval(), some_tokens()
    changed = tokens.clone()
    changed[:, 7] = (changed[:, 7] + 1) % 11
    before, after = array(model(tokens)[0]), array(model(changed)[0])
    np.testing.assert_array_equal(before[:, :7], after[:, :7])
    assert (np.abs(before - after)[:, 7:].max((0, 2)) > 1e-6).all()


def test_a_state_can_be_continued_twice_and_stays_as_it_was():
    model, tokens = small().eval(), some_tokens()
    with handtorch.no_grad():
        whole = array(model(tokens)[0])
        _, state = model(tokens[:, :5])
        _, state = model(tokens[:, 5:6], state)
        for _ in range(2):
            np.testing.assert_allclose(array(model(tokens[:, 6:7], state)[0]), whole[:, 6:7], atol=1e-5)
            other, far = model((tokens[:, 6:9] + 1) % 11, state)
            model(tokens[:, :1], far)
            assert np.abs(array(other) - whole[:, 6:9]).max() > 1e-3


@pytest.mark.parametrize("recorded", [True, False], ids=["with_gradients", "without"])
def test_selected_states_continue_their_own_sequences(recorded):
    model, tokens = small().eval(), some_tokens()
    with handtorch.set_grad_enabled(recorded):
        _, state = model(tokens[:, :5])
        rows = [2, 0, 2, 1]
        chosen = state.select(handtorch.tensor(rows))
        assert len(chosen) == 4
        for t in range(5, 12):
            logits, chosen = model(tokens[rows, t : t + 1], chosen)
        np.testing.assert_allclose(array(logits[:, 0]), array(model(tokens)[0])[rows, -1], atol=1e-5)


def test_steps_go_into_memory_that_is_there():
    model, tokens = small().eval(), some_tokens(1, 1)
    with handtorch.no_grad():
        _, state = model(tokens)
        starts = set()
        for _ in range(300):
            _, state = model(tokens, state)
            starts.add(state.layers[0].keys.numpy().__array_interface__["data"][0])
        assert state.layers[0].keys.shape == (1, 4, 301, 4)
        assert len(starts) <= 4


def test_gradients_flow_through_the_cache_as_through_the_whole():
    model, tokens = small().eval(), some_tokens()
    model(tokens)[0][:, 5:].square().mean().backward()
    whole = [array(p.grad).copy() for p in model.parameters()]
    model.zero_grad()
    _, state = model(tokens[:, :5])
    model(tokens[:, 5:], state)[0].square().mean().backward()
    for parameter, want in zip(model.parameters(), whole, strict=True):
        np.testing.assert_allclose(array(parameter.grad), want, atol=1e-5)


def test_detached_states_let_no_gradient_through():
    model, tokens = small(), some_tokens()
    _, state = model(tokens[:, :5])
    state = state.detach()
    assert not any(cache.keys.requires_grad or cache.values.requires_grad for cache in state.layers)
    model(tokens[:, 5:], state)[0].mean().backward()


def test_the_last_steps_are_remembered_at_their_distance():
    """One layer that looks two steps back gives, with a memory of two, what it gives in the text's last part."""
    model, tokens = small(layers=1).eval(), some_tokens()
    with handtorch.no_grad():
        _, state = model(tokens[:, :11])
        short, _ = model(tokens[:, 11:], state.last(2))
        np.testing.assert_allclose(array(short[:, -1]), array(model(tokens[:, 9:])[0][:, -1]), atol=1e-5)
        assert state.last(2).steps == 11


@pytest.mark.parametrize("settings", KINDS)
def test_attention_is_what_the_model_attends_with(settings):
    """The weights times the values, mapped out, are what the first layer's attention gives."""
    model, tokens = small(**settings).eval(), some_tokens()
    weights = model.attention(tokens)
    assert weights.shape == (2, 3, 4, 12, 12)
    np.testing.assert_allclose(array(weights).sum(-1), 1, rtol=1e-5)
    assert not np.triu(array(weights), 1).any()
    layer = model.layers[0]
    x = model._embedded(tokens, 0)
    x = layer.norm_attention(x) if layer.pre else x
    values = layer.attention.parts(x, 0)[2]
    values = values.repeat_interleave(4 // values.shape[1], 1)
    by_hand = layer.attention.out((weights[0] @ values).transpose(1, 2).flatten(2))
    np.testing.assert_allclose(array(layer.attention(x)[0]), array(by_hand), atol=1e-5)


def test_nll_is_minus_the_log_probability_of_the_targets():
    model, tokens = small().eval(), some_tokens()
    log_probs = array(model.log_probs(tokens[:, :-1])[0])
    wanted = -np.take_along_axis(log_probs, tokens.numpy()[:, 1:, None], -1)[..., 0]
    np.testing.assert_allclose(array(model.nll(tokens[:, :-1], tokens[:, 1:])[0]), wanted, atol=1e-5)


def test_it_learns_to_copy():
    """The second half of a text repeats the first: only attention to what stood there tells it."""
    handtorch.manual_seed(0)
    model = TransformerLanguageModel(8, 32, 2, 2, dropout=0.0)
    optimizer = handtorch.optim.AdamW(model.parameters(), lr=1e-2)
    rng = np.random.default_rng(0)
    for _ in range(80):
        half = rng.integers(0, 8, (32, 6))
        text = handtorch.tensor(np.concatenate([half, half], 1))
        cost, _ = model.nll(text[:, :-1], text[:, 1:])
        optimizer.zero_grad()
        cost[:, 6:].mean().backward()
        optimizer.step()
    assert cost[:, 6:].mean().item() < 0.1


def test_first_logits_are_nearly_even():
    model, tokens = TransformerLanguageModel(100, 64, 4, 3).eval(), some_tokens()
    assert abs(model.nll(tokens, tokens.flip(0) + 50)[0].mean().item() - math.log(100)) < 0.1


def test_settings_make_a_model_of_the_same_shape():
    model = small(kv_heads=1, positions="learned", dropout=0.3)
    again = TransformerLanguageModel(**model.settings)
    again.load_state_dict(model.state_dict())
    assert again.settings == model.settings


def test_gpt2_has_its_number_of_weights():
    """GPT-2 small, a tenth of its vocabulary: 124,439,808 weights, less those of 45,000 rows."""
    model = TransformerLanguageModel(5257, 768, 12, 12, max_length=1024, positions="learned", activation="gelu_tanh")
    assert sum(p.numel() for p in model.parameters()) == 124_439_808 - 45_000 * 768


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layers": 0}, "layers of at least 1"),
        ({"heads": 3}, "heads that divides d_model"),
        ({"kv_heads": 3}, "kv_heads that divides heads"),
        ({"positions": "absolute"}, "positions one of rotary, learned, sinusoidal, got 'absolute'"),
        ({"norm": "none"}, "norm one of"),
        ({"activation": "tanh"}, "activation one of"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ArgumentError, match=message):
        small(**wrong)


def test_what_does_not_fit_is_refused():
    model = small(positions="learned")
    with pytest.raises(ShapeError, match="at most 12 steps"):
        model(some_tokens(steps=13))
    with pytest.raises(ShapeError, match="3 sequences"):
        model(some_tokens(batch=2, steps=1), model(some_tokens(steps=2))[1])
