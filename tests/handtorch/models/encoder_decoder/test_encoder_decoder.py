"""What every encoder-decoder does, whatever it is made of."""

import itertools
import json
import math

import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError, ShapeError
from handtorch.models import EncoderDecoderTransformer, ListenAttendSpell
from handtorch.models.encoder_decoder.clock import ClockedListenAttendSpell
from handtorch.models.generation import Scorer, generate
from handtorch.nn import functional as F

FEATURES, V = 5, 7
SMALL = {"channels": (8,), "kernel_size": 3, "strides": (2,), "hidden_size": 6}
LSTM = {"embedding_dim": 5, "hidden_size": 8, "attention_size": 6}
KINDS = {
    "las": lambda: ListenAttendSpell(FEATURES, V, encoder={**SMALL, "num_layers": 1}, decoder=LSTM),
    "two layers": lambda: ListenAttendSpell(
        FEATURES, V, encoder={**SMALL, "num_layers": 2}, decoder={**LSTM, "num_layers": 2, "heads": 2}
    ),
    "pyramid": lambda: ListenAttendSpell(
        FEATURES, V, encoder={"channels": (), "levels": 2, "num_layers": 0, "hidden_size": 6}, decoder=LSTM
    ),
    "location": lambda: ListenAttendSpell(
        FEATURES, V, encoder=SMALL, decoder={**LSTM, "attention": "location", "heads": 2}
    ),
    "feeding": lambda: ListenAttendSpell(FEATURES, V, encoder=SMALL, decoder={**LSTM, "feeding": True}),
    "feeding location": lambda: ListenAttendSpell(
        FEATURES, V, encoder=SMALL, decoder={**LSTM, "feeding": True, "attention": "location"}
    ),
    "lstm and blocks": lambda: ListenAttendSpell(
        FEATURES, V, encoder={**SMALL, "num_layers": 1, "blocks": 1, "heads": 2}, decoder=LSTM
    ),
    "transformer": lambda: EncoderDecoderTransformer(
        FEATURES, V, encoder={**SMALL, "num_layers": 0, "blocks": 2, "heads": 2}, decoder={"width": 8, "heads": 2}
    ),
    "conformer": lambda: EncoderDecoderTransformer(
        FEATURES, V,
        encoder={**SMALL, "num_layers": 0, "blocks": 2, "block": "conformer", "heads": 2, "block_kernel_size": 5},
        decoder={"width": 8, "heads": 2, "tied": True},
    ),
    "reading": lambda: EncoderDecoderTransformer(
        V, V, ctc=False, decoder={"width": 8, "heads": 2},
        encoder={"tokens_in": True, "embedding_dim": 8, "channels": (), "num_layers": 1, "hidden_size": 6},
    ),
}  # fmt: skip


KINDS["clock"] = lambda: ClockedListenAttendSpell(FEATURES, V, encoder=SMALL, decoder={**LSTM, "heads": 2})


def made(kind):
    handtorch.manual_seed(0)
    model = KINDS[kind]().eval()
    for parameter in model.parameters():  # no difference hides behind zeros or ones
        parameter.data += 0.1 * handtorch.randn(parameter.shape)
    return model


def batch(model, number=3, seed=0):
    rng = np.random.default_rng(seed)
    lengths = np.array([11, 16, 6, 9, 13][:number])
    if model.encoder.embedding is None:
        x = rng.normal(size=(number, 16, FEATURES)).astype(np.float32)
    else:
        x = rng.integers(0, V, (number, 16))
    tokens = np.concatenate([np.zeros((number, 1), np.int64), rng.integers(2, V, (number, 4))], 1)
    return handtorch.from_numpy(x), handtorch.from_numpy(lengths), handtorch.from_numpy(tokens)


def same(one, other):
    np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_token_by_token_is_as_all_at_once_and_old_states_can_go_on_otherwise(kind):
    model = made(kind)
    x, lengths, tokens = batch(model)
    whole = model(x, lengths, tokens)
    assert whole.shape == (3, 5, V)
    with handtorch.no_grad():
        states = [model.start(x, lengths)]
        for u in range(5):
            logits, state = model.decode(tokens[:, u : u + 1], states[-1])
            same(logits[:, 0], whole[:, u])
            states.append(state)
        other = handtorch.full((3, 1), 3)
        model.decode(other, states[2])
        same(model.decode(tokens[:, 2:4], states[2])[0], whole[:, 2:4])
        same(model.decode(tokens[:, 4:], states[4])[0], whole[:, 4:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_is_spelled_alone_as_in_a_padded_batch_whatever_stands_after_its_end(kind):
    model = made(kind)
    x, lengths, tokens = batch(model)
    dirty = x.clone()
    for row, length in enumerate(lengths.tolist()):
        dirty[row, length:] = math.nan if model.encoder.embedding is None else V + 100
    together = model(dirty, lengths, tokens)
    for row, length in enumerate(lengths.tolist()):
        alone = model(x[row : row + 1, :length], lengths[row : row + 1], tokens[row : row + 1])
        same(together[row], alone[0])
    together.sum().backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", KINDS)
def test_chosen_states_go_on_as_they_would_have(kind):
    model = made(kind)
    x, lengths, tokens = batch(model)
    with handtorch.no_grad():
        _, state = model.decode(tokens[:, :3], model.start(x, lengths, watch=True))
        whole, after = model.decode(tokens[:, 3:], state)
        for rows in ([2, 0, 0, 1], [1, 0, 2], [0, 1, 2], [2]):
            index = handtorch.tensor(rows)
            logits, chosen = model.decode(tokens[:, 3:][index], state.select(index))
            same(logits, whole[index])
            same(chosen.watched, after.watched[index])


@pytest.mark.parametrize("kind", KINDS)
def test_watched_weights_add_up_to_one_over_what_is_there(kind):
    model = made(kind)
    x, lengths, tokens = batch(model)
    weights = model.attention(x, lengths, tokens).numpy()
    assert weights.shape[0] == 3 and weights.shape[2] == 5
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    for row, length in enumerate(model.encode(x, lengths).lengths.tolist()):
        assert (weights[row, :, :, length:] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns_and_settings_make_a_model_of_the_same_shape(kind):
    model = made(kind).train()
    again = type(model)(**json.loads(json.dumps(model.settings)))
    again.load_state_dict(model.state_dict())
    x, lengths, tokens = batch(model)
    model.loss(x, lengths, tokens[:, 1:], handtorch.tensor([4, 2, 1])).total.backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []


def test_the_loss_is_what_a_token_costs_without_padding():
    model = made("las")
    x, lengths, _ = batch(model)
    targets, ends = [[3, 4, 5], [2, 2], [6]], [3, 2, 1]
    padded = handtorch.tensor([(text + [V + 9] * 3)[:3] for text in targets])
    losses = model.loss(x, lengths, padded, handtorch.tensor(ends), ctc_weight=0.25)
    spelled, aligned = 0.0, 0.0
    for row, text in enumerate(targets):
        one = x[row : row + 1, : int(lengths[row])], lengths[row : row + 1]
        log_probs = F.log_softmax(model(*one, handtorch.tensor([[0, *text]])), -1)[0].detach().numpy()
        spelled -= sum(log_probs[u, token] for u, token in enumerate([*text, 1]))
        encoded = model.encode(*one)
        table = model.ctc_log_probs(encoded).transpose(0, 1)
        aligned += float(F.ctc_loss(table, handtorch.tensor([text]), encoded.lengths, (len(text),), reduction="sum"))
    np.testing.assert_allclose(losses.spelling.item(), spelled / 9, rtol=1e-5)
    np.testing.assert_allclose(losses.ctc.item(), aligned / 6, rtol=1e-5)
    np.testing.assert_allclose(losses.total.item(), 0.75 * spelled / 9 + 0.25 * aligned / 6, rtol=1e-5)
    alone = model.loss(x, lengths, padded, handtorch.tensor(ends), ctc_weight=0)
    assert alone.ctc is None and alone.total.item() == alone.spelling.item() == losses.spelling.item()


def test_an_empty_text_is_its_end():
    model = made("las")
    x, lengths, _ = batch(model)
    losses = model.loss(x, lengths, handtorch.zeros(3, 0, dtype=handtorch.int64), handtorch.tensor([0, 0, 0]))
    log_probs = F.log_softmax(model(x, lengths, handtorch.zeros(3, 1, dtype=handtorch.int64)), -1)
    np.testing.assert_allclose(losses.spelling.item(), -log_probs[:, 0, 1].mean().item(), rtol=1e-5)
    assert losses.ctc.item() > 0


def test_with_own_tokens_it_reads_what_it_finds_likeliest():
    model = made("las")
    x, lengths, tokens = batch(model)
    taught = model(x, lengths, tokens)
    same(model(x, lengths, tokens, own=0.0), taught)
    own = model(x, lengths, tokens, own=1.0)
    read = handtorch.cat([tokens[:, :1], taught.argmax(-1)[:, :-1]], 1)
    same(own, model(x, lengths, read))
    half = [model(x, lengths, tokens, own=0.5).detach().numpy() for _ in range(5)]
    assert any(np.abs(a - b).max() > 1e-4 for a, b in itertools.pairwise(half))


def test_greedy_generation_and_one_beam_say_the_same():
    model = made("transformer")
    x, lengths, _ = batch(model)
    written = generate(model.decode, [[0]] * 3, max_tokens=6, temperature=0.0, stop=(1,), state=model.start(x, lengths))
    searched = model.spell(x, lengths, beams=1, ctc_weight=0, max_tokens=6, min_tokens=6)
    for tokens, found in zip(written.tokens, searched, strict=True):
        tokens = [token for token in tokens if token != 1]
        assert list(found[0].tokens[: len(tokens)]) == tokens


@pytest.mark.parametrize("kind", ["las", "location", "conformer"])
def test_the_search_with_ctc_finds_what_trying_every_text_finds(kind):
    model = made(kind)
    x, lengths, _ = batch(model)
    results = model.spell(x, lengths, beams=500, ctc_weight=0.4, max_tokens=4, n_best=3, end_gap=None)
    with handtorch.no_grad():
        encoded = model.encode(x, lengths)
        # CTC has no end token: what it gives it is shared among the others.
        logits = model.ctc_head(encoded.memory).double()
        logits[:, :, 1] = -1e9
        table = F.log_softmax(logits, -1).transpose(0, 1)
        for row, found in enumerate(results):
            scores = {}
            for length in range(4):
                texts = list(itertools.product(range(2, V), repeat=length))
                read = handtorch.tensor([[0, *text] for text in texts])
                state = model.start(x, lengths).select(np.full(len(texts), row))
                said = F.log_softmax(model.decode(read, state)[0].double(), -1).numpy()
                steps = encoded.lengths[row : row + 1].expand(len(texts))
                aligned = F.ctc_loss(
                    table[:, row : row + 1].expand(-1, len(texts), -1), read[:, 1:], steps,
                    handtorch.full((len(texts),), length), reduction="none",
                ).numpy()  # fmt: skip
                for place, text in enumerate(texts):
                    told = sum(said[place, u, token] for u, token in enumerate([*text, 1]))
                    scores[text] = 0.6 * told - 0.4 * aligned[place]
            best = sorted(scores, key=lambda text: -scores[text])[:3]
            assert [each.tokens for each in found] == best
            np.testing.assert_allclose([each.score for each in found], [scores[text] for text in best], rtol=1e-4)


def test_a_further_opinion_can_forbid():
    model = made("las")
    x, lengths, _ = batch(model)

    class Nothing:
        def select(self, rows):
            return self

    def no_three(tokens, state):
        logits = np.zeros((len(tokens), 1, V))
        logits[:, :, 3] = -np.inf
        return handtorch.from_numpy(logits), state

    rules = {"beams": 50, "max_tokens": 3, "n_best": 20}
    free = model.spell(x, lengths, **rules)
    bound = model.spell(x, lengths, scorers=[Scorer(no_three, 1.0, Nothing())], **rules)
    assert any(3 in each.tokens for found in free for each in found)
    assert not any(3 in each.tokens for found in bound for each in found)


def test_wrong_settings_are_told():
    for wrong in ({"start_token": 1}, {"end_token": V}, {"start_token": -1}):
        with pytest.raises(ArgumentError, match="start and end tokens"):
            ListenAttendSpell(FEATURES, V, **wrong)
    for name, value in (("block", "rnn"), ("heads", 5)):
        with pytest.raises((ArgumentError, AssertionError)):
            ListenAttendSpell(FEATURES, V, encoder={"blocks": 1, name: value})
    with pytest.raises(ArgumentError, match="none of them"):
        ListenAttendSpell(FEATURES, V, encoder={"channels": (), "num_layers": 0})
    with pytest.raises(ArgumentError, match="dot, location"):
        ListenAttendSpell(FEATURES, V, decoder={"attention": "hard"})
    with pytest.raises(ShapeError, match="a row for each state"):
        model = made("las")
        model.decode(handtorch.zeros(3, 1, dtype=handtorch.int64), model.start(*batch(model, 1)[:2]))
    with pytest.raises(ArgumentError, match="CTC head"):
        model = made("reading")
        x, lengths, _ = batch(model)
        model.ctc_log_probs(model.encode(x, lengths))


@pytest.mark.parametrize("kind", ["las", "transformer"])
def test_it_learns_to_write_backwards_what_it_reads(kind):
    """Which cannot be done without looking at each token once, from the last to the first."""
    handtorch.manual_seed(0)
    encoder = {"tokens_in": True, "embedding_dim": 24, "channels": (), "num_layers": 1, "hidden_size": 24, "dropout": 0}
    if kind == "las":
        decoder = {"embedding_dim": 24, "hidden_size": 48, "attention_size": 32, "dropout": 0}
        model = ListenAttendSpell(8, 8, encoder=encoder, decoder=decoder, ctc=False)
    else:
        decoder = {"width": 32, "heads": 2, "num_layers": 2, "dropout": 0}
        model = EncoderDecoderTransformer(8, 8, encoder=encoder, decoder=decoder, ctc=False)
    rng = np.random.default_rng(0)

    def examples(number):
        lengths = rng.integers(2, 6, number)
        x = rng.integers(2, 8, (number, 5))
        targets = np.zeros_like(x)
        for row, length in enumerate(lengths):
            targets[row, :length] = x[row, :length][::-1]
        return [handtorch.from_numpy(each) for each in (x, lengths, targets, lengths)]

    optimizer = handtorch.optim.Adam(model.parameters(), 5e-3)
    for step in range(250):
        loss = model.loss(*examples(64), own=0.1 if step > 150 else 0.0).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    x, lengths, targets, _ = examples(50)
    found = model.spell(x, lengths, beams=3)
    right = [list(each[0].tokens) == targets[row, : int(lengths[row])].tolist() for row, each in enumerate(found)]
    assert np.mean(right) > 0.9
