"""N-gram and neural language models in the search, against brute force over all paths."""

import numpy as np
import pytest

import handtorch
from handtorch import kernels, nn
from handtorch.audio.decode import BeamSearch, NeuralModel, NGram, ShallowFusion, tabulate
from handtorch.errors import ArgumentError, ShapeError
from tests.handtorch.audio.decode.paths import by_brute_force, log_softmax, random_log_probs

C = 4
EVERYTHING = {"width": 5000, "n_best": 5000}
NAMES = ["<blank>", "AA", "B", "K"]


def bigger_ngram():
    rng = np.random.default_rng(3)
    return NGram.train([rng.choice(NAMES[1:], rng.integers(6), p=[0.6, 0.3, 0.1]) for _ in range(40)], 3)


class Elman:
    """A recurrent network in plain NumPy over 6 columns: <s>, </s>, and the symbols in another order than theirs."""

    START, END, COLUMNS = 0, 1, (5, 3, 2, 4)

    def __init__(self):
        rng = np.random.default_rng(4)
        self.x, self.h, self.y = (rng.standard_normal(shape) for shape in ((6, 5), (5, 5), (5, 6)))
        self.calls = []

    def step(self, symbols, states):
        self.calls.append(list(zip(symbols, map(id, states), strict=True)))
        before = np.stack([np.zeros(5) if state is None else state for state in states])
        after = np.tanh(self.x[symbols] + before @ self.h)
        return log_softmax(after @ self.y), list(after)

    def step_of_tensors(self, symbols, states):
        x, w, y = (handtorch.tensor(weight) for weight in (self.x, self.h, self.y))
        h = handtorch.stack([handtorch.zeros(5).double() if state is None else state for state in states])
        h = handtorch.tanh(x[symbols] + h @ w)
        return (h @ y).log_softmax(-1), list(h)

    def score(self, symbols):
        total, state, column = 0.0, None, self.START
        for following in [*(self.COLUMNS[symbol] for symbol in symbols), self.END]:
            rows, (state,) = self.step([column], [state])
            total, column = total + rows[0, following], following
        return total

    def predict(self, prefixes):
        """The same as a function of prefixes."""
        rows = []
        for prefix in prefixes:
            row, states = self.step([self.START], [None])
            for column in prefix:
                row, states = self.step([column], states)
            rows.append(row[0])
        return np.stack(rows)

    def model(self, form="arrays"):
        if form == "prefixes":
            return NeuralModel.of_prefixes(self.predict, end=self.END, columns=self.COLUMNS)
        step = self.step if form == "arrays" else self.step_of_tensors
        return NeuralModel(step, start=self.START, end=self.END, columns=self.COLUMNS)


def scores(found):
    return {one.symbols: one.score for one in found}


def expected(log_probs, model_score, weight, bonus):
    return {
        symbols: log_prob + weight * model_score(symbols) + bonus * len(symbols)
        for symbols, (log_prob, _) in by_brute_force(log_probs).items()
    }


def test_an_ngram_adds_its_weighted_log_probability_to_every_sequence():
    log_probs, model = random_log_probs(0, 6, C), bigger_ngram()
    found = BeamSearch(language_model=model.over(NAMES), lm_weight=0.8, insertion_bonus=0.5, **EVERYTHING)(log_probs)
    by_model = expected(log_probs, lambda s: model.log_probs([NAMES[i] for i in s]).sum(), 0.8, 0.5)
    assert scores(found) == pytest.approx(by_model)


@pytest.mark.parametrize("width", [3, 5000])
def test_an_ngram_written_out_as_a_table_gives_the_same_in_the_compiled_search(width):
    log_probs, model = random_log_probs(1, 6, C), bigger_ngram()
    guide = ShallowFusion(model.over(NAMES), C, weight=0.8, bonus=0.5)
    table, states = tabulate(guide)
    plain = BeamSearch(width, n_best=width, guide=guide)(log_probs)
    for choice in ("fast", "reference"):
        with kernels.use(choice):
            found = BeamSearch(width, n_best=width, guide=table)(log_probs)
            assert scores(found) == pytest.approx(scores(plain))
            assert [tuple(states[i] for i in one.states) for one in found] == [one.states for one in plain]


@pytest.mark.parametrize("form", ["arrays", "tensors", "prefixes"])
def test_a_network_adds_its_weighted_log_probability_to_every_sequence(form):
    log_probs, network = random_log_probs(2, 5, C), Elman()
    model = network.model(form)
    by_network = expected(log_probs, network.score, 0.6, 0.3)
    alone = BeamSearch(language_model=model, lm_weight=0.6, insertion_bonus=0.3, **EVERYTHING)(log_probs)
    assert scores(alone) == pytest.approx(by_network)
    together = BeamSearch(guide=ShallowFusion(model, C, weight=0.6, bonus=0.3), **EVERYTHING)(log_probs)
    assert scores(together) == pytest.approx(by_network)


def test_a_network_reads_each_prefix_once_and_those_of_a_frame_together():
    network = Elman()
    log_probs = random_log_probs(3, 6, C)
    BeamSearch(guide=ShallowFusion(network.model(), C), **EVERYTHING)(log_probs)
    assert len(network.calls) == 1 + len(log_probs)
    assert sum(map(len, network.calls)) == len(by_brute_force(log_probs))


def test_a_network_of_layers_needs_no_columns_where_its_symbols_are_the_recognizers():
    handtorch.manual_seed(0)
    embedding, head = nn.Embedding(C, 5), nn.Linear(5, C)

    def step(symbols, states):
        result = head(embedding(handtorch.tensor(symbols))).log_softmax(-1)
        assert not result.requires_grad
        return result, states

    model = NeuralModel(step, start=0)
    weight, bias = head.weight.numpy(force=True), head.bias.numpy(force=True)
    after = log_softmax(embedding.weight.numpy(force=True) @ weight.T + bias)
    log_probs = random_log_probs(4, 5, C)
    found = BeamSearch(guide=ShallowFusion(model, C), **EVERYTHING)(log_probs)

    def score(symbols):
        return sum(after[a, b] for a, b in zip((0, *symbols), symbols, strict=False))

    assert scores(found) == pytest.approx(expected(log_probs, score, 1.0, 0.0), rel=1e-5)


def test_a_network_that_has_learned_since_the_last_search_is_asked_anew():
    rows = random_log_probs(6, C, C)
    model = NeuralModel(lambda symbols, states: (rows[symbols], states))
    search = BeamSearch(language_model=model, **EVERYTHING)
    before = scores(search(rows[:2]))
    rows = random_log_probs(7, C, C)
    assert scores(search(rows[:2])) == scores(BeamSearch(language_model=model, **EVERYTHING)(rows[:2])) != before


def test_logits_and_wrong_shapes_of_a_network_are_refused():
    log_probs = random_log_probs(5, 3, C)
    with pytest.raises(ArgumentError, match="log_softmax"):
        BeamSearch(language_model=NeuralModel(lambda symbols, states: (np.ones((1, C)), states)))(log_probs)
    with pytest.raises(ShapeError, match=r"\(1, V\), V at least 8, of 1 prefixes; got \(1, 4\)"):
        BeamSearch(language_model=NeuralModel(lambda s, states: (log_probs[:1], states), end=7))(log_probs)


def test_a_guide_too_large_for_a_table_is_refused():
    guide = ShallowFusion(Elman().model(), C)
    with pytest.raises(ArgumentError, match="at most 100 arcs"):
        tabulate(guide, max_arcs=100)
