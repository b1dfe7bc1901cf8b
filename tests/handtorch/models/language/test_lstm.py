import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError, ShapeError
from handtorch.models.language import LSTMLanguageModel


def small(**settings):
    handtorch.manual_seed(0)
    return LSTMLanguageModel(**({"vocabulary": 11, "embedding_dim": 6, "hidden": 16, "layers": 3} | settings))


def some_tokens(batch=3, steps=9):
    return handtorch.tensor(np.random.default_rng(0).integers(0, 11, (batch, steps)))


@pytest.mark.parametrize("settings", [{}, {"tied": False}, {"tied": False, "cutoffs": [3, 7]}, {"layers": 1}])
def test_a_text_read_in_pieces_is_the_text_read_at_once(settings):
    model, tokens = small(**settings).eval(), some_tokens()
    whole, end = model(tokens)
    assert whole.shape == (3, 9, 11)
    pieces, state = [], None
    for low, high in ((0, 4), (4, 5), (5, 9)):
        logits, state = model(tokens[:, low:high], state)
        pieces.append(logits)
    np.testing.assert_allclose(handtorch.cat(pieces, 1).detach().numpy(), whole.detach().numpy(), atol=1e-6)
    for (h, c), (h_end, c_end) in zip(state.layers, end.layers, strict=True):
        np.testing.assert_allclose(h.detach().numpy(), h_end.detach().numpy(), atol=1e-6)
        np.testing.assert_allclose(c.detach().numpy(), c_end.detach().numpy(), atol=1e-6)


def test_selected_states_continue_their_own_sequences():
    model, tokens = small().eval(), some_tokens()
    _, state = model(tokens[:, :5])
    rows = [2, 0, 2]
    chosen, _ = model(tokens[rows, 5:], state.select(handtorch.tensor(rows)))
    np.testing.assert_allclose(chosen.detach().numpy(), model(tokens)[0][rows, 5:].detach().numpy(), atol=1e-6)


def test_a_state_stays_as_it_was():
    model, tokens = small().eval(), some_tokens()
    _, state = model(tokens[:, :5])
    first, _ = model(tokens[:, 5:], state)
    model(tokens[:, :4], state)
    again, _ = model(tokens[:, 5:], state)
    np.testing.assert_array_equal(first.detach().numpy(), again.detach().numpy())


@pytest.mark.parametrize("settings", [{}, {"tied": False, "cutoffs": [3, 7]}])
def test_nll_is_minus_the_log_probability_of_the_targets(settings):
    model, tokens = small(**settings).eval(), some_tokens(steps=10)
    inputs, targets = tokens[:, :-1], tokens[:, 1:].clone()
    log_probs, _ = model.log_probs(inputs)
    np.testing.assert_allclose(np.exp(log_probs.detach().numpy()).sum(-1), 1, rtol=1e-5)
    wanted = -np.take_along_axis(log_probs.detach().numpy(), targets.numpy()[..., None], -1)[..., 0]
    targets[1, 2] = -100
    wanted[1, 2] = 0
    np.testing.assert_allclose(model.nll(inputs, targets)[0].detach().numpy(), wanted, atol=1e-5)


def test_nll_in_pieces_is_nll_at_once(monkeypatch):
    model, tokens = small().eval(), some_tokens(steps=10)
    at_once, _ = model.nll(tokens[:, :-1], tokens[:, 1:])
    monkeypatch.setattr("handtorch.models.language.model._MOST_LOGITS", 10)
    in_pieces, _ = model.nll(tokens[:, :-1], tokens[:, 1:])
    np.testing.assert_allclose(in_pieces.detach().numpy(), at_once.detach().numpy(), atol=1e-6)


def test_tied_tables_are_one_parameter():
    model = small()
    assert model.output.weight is model.embedding.embedding.weight
    untied = small(tied=False)
    assert sum(p.numel() for p in untied.parameters()) > sum(p.numel() for p in model.parameters())


def test_windows_learn_a_text_that_needs_memory():
    """Between two marks a symbol is repeated; which one comes after the mark only memory tells."""
    handtorch.manual_seed(0)
    dropouts = dict.fromkeys(["dropout_embedding", "dropout_input", "dropout_output", "weight_drop"], 0.0)
    model = small(layers=1, embedding_dim=16, **dropouts)
    text = handtorch.tensor(np.tile([0, 1, 0, 2, 0, 3, 0, 4], 41)[None])
    optimizer = handtorch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(10):
        state = None
        for start in range(0, 320, 20):
            cost, state = model.nll(text[:, start : start + 20], text[:, start + 1 : start + 21], state)
            state = state.detach()
            optimizer.zero_grad()
            cost.mean().backward()
            optimizer.step()
    assert cost.mean().item() < 0.1


def test_dropouts_are_for_training_only():
    model, tokens = small(), some_tokens()
    first, second = (model(tokens)[0].detach().numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1e-4
    model.eval()
    np.testing.assert_array_equal(model(tokens)[0].detach().numpy(), model(tokens)[0].detach().numpy())


def test_settings_make_a_model_of_the_same_shape():
    model = small(tied=False, cutoffs=(3, 7), weight_drop=0.2)
    again = LSTMLanguageModel(**model.settings)
    again.load_state_dict(model.state_dict())
    assert again.settings == model.settings


def test_what_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match="expected layers of at least 1, got 0"):
        small(layers=0)
    with pytest.raises(ArgumentError, match="tied=False"):
        small(cutoffs=[3])
    model = small()
    with pytest.raises(ShapeError, match=r"expected tokens \(N, T\)"):
        model(handtorch.tensor([1, 2]))
    _, state = model(some_tokens())
    with pytest.raises(ShapeError, match="3 sequences"):
        model(some_tokens(batch=2), state)
    with pytest.raises(ShapeError, match="expected targets"):
        model.nll(some_tokens(), some_tokens(steps=8))
