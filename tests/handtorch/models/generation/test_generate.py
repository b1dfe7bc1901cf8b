import numpy as np
import pytest

import handtorch
from handtorch import Generator
from handtorch.errors import ArgumentError
from handtorch.models.generation import generate, stream
from handtorch.models.language import LSTMLanguageModel, TransformerLanguageModel


def model(kind):
    handtorch.manual_seed(0)
    made = {
        "lstm": lambda: LSTMLanguageModel(13, 8, 12, 2),
        "transformer": lambda: TransformerLanguageModel(13, 16, 2, 2),
    }[kind]()
    for parameter in made.parameters():
        handtorch.nn.init.normal_(parameter, std=0.5)
    return made.eval()


KINDS = ["lstm", "transformer"]


def greedy(network, prompt, count):
    """The likeliest token again and again, each time from the whole text."""
    text, log_probs = list(prompt), []
    for _ in range(count):
        last = network.log_probs(handtorch.tensor([text]))[0][0, -1].detach().numpy()
        text.append(int(last.argmax()))
        log_probs.append(float(last.max()))
    return text[len(prompt) :], log_probs


@pytest.mark.parametrize("kind", KINDS)
def test_temperature_zero_takes_the_likeliest_token_each_time(kind):
    network = model(kind)
    found = generate(network, handtorch.tensor([[3, 1, 4]]), max_tokens=20, temperature=0)
    tokens, log_probs = greedy(network, [3, 1, 4], 20)
    assert found.tokens == [tokens]
    np.testing.assert_allclose(found.log_probs[0], log_probs, atol=1e-4)
    assert found.ended == ["length"]


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_of_different_lengths_are_continued_as_each_alone(kind):
    network = model(kind)
    prompts = [[3, 1, 4, 1, 5, 9], [2], [6, 5, 3], [2, 7, 1, 8, 2, 8, 1, 8, 2, 8]]
    stop = greedy(network, prompts[2], 2)[0][1]
    found = generate(network, prompts, max_tokens=4, temperature=0, stop=[stop])
    for row, prompt in enumerate(prompts):
        alone = generate(network, [prompt], max_tokens=4, temperature=0, stop=[stop])
        assert found.tokens[row] == alone.tokens[0]
        assert found.ended[row] == alone.ended[0]
        np.testing.assert_allclose(found.log_probs[row], alone.log_probs[0], atol=1e-5)
    assert found.ended[2] == "stop"


def test_a_stop_token_is_the_last_one():
    network = model("lstm")
    tokens, _ = greedy(network, [3], 30)
    stop = tokens[10]
    found = generate(network, [[3], [3]], max_tokens=30, temperature=0, stop=(stop,))
    first = tokens.index(stop)
    assert found.tokens == [tokens[: first + 1]] * 2
    assert found.ended == ["stop", "stop"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_stands_for_what_was_read(kind):
    network, prompt = model(kind), [3, 1, 4, 1, 5]
    _, state = network(handtorch.tensor([prompt[:3]]))
    continued = generate(network, [prompt[3:]], max_tokens=6, temperature=0, state=state)
    assert continued.tokens == generate(network, [prompt], max_tokens=6, temperature=0).tokens


def test_every_token_is_read_once():
    network, read = model("transformer"), []

    def step(tokens, state):
        read.append(tuple(tokens.shape))
        return network(tokens, state)

    generate(step, [[1, 2, 3, 4]], max_tokens=5)
    assert read == [(1, 4), (1, 1), (1, 1), (1, 1), (1, 1)]
    read.clear()
    generate(step, [[1], [1, 2, 3, 4, 5, 6]], max_tokens=2)
    assert read == [(2, 1), (2, 1), (1, 4), (1, 1)]


def test_streaming_gives_the_same_tokens_as_they_come():
    network, read = model("transformer"), []

    def step(tokens, state):
        read.append(tokens.shape[1])
        return network(tokens, state)

    settings = {"max_tokens": 12, "temperature": 0.9, "top_k": 5, "top_p": 0.9, "repetition_penalty": 1.2}
    whole = generate(network, [3, 1, 4], generator=Generator().manual_seed(5), **settings)
    tokens = stream(step, [3, 1, 4], generator=Generator().manual_seed(5), **settings)
    first = next(tokens)
    assert read == [3]
    assert [first, *tokens] == whole.tokens[0]


def test_a_penalty_sees_the_prompt_and_what_followed():
    network = model("lstm")

    def step(tokens, state):
        logits, state = network(tokens, state)
        return logits + 100, state  # positive ones, which a large penalty makes smaller than all others

    plain = generate(step, [[3, 1]], max_tokens=11, temperature=0).tokens[0]
    assert len(set(plain)) < 11
    found = generate(step, [[3, 1]], max_tokens=11, temperature=0, repetition_penalty=1e6)
    assert sorted([3, 1, *found.tokens[0]]) == list(range(13))


def test_a_penalty_in_a_batch_is_that_of_each_prompt():
    network, prompts = model("lstm"), [[3, 1, 2], [5], [7, 7]]
    settings = {"max_tokens": 6, "temperature": 0, "repetition_penalty": 1.5}
    together = generate(network, prompts, **settings).tokens
    assert together == [generate(network, [prompt], **settings).tokens[0] for prompt in prompts]


def test_alternatives_are_the_likeliest_tokens():
    network = model("lstm")
    found = generate(network, [[3, 1], [4, 1]], max_tokens=3, temperature=0, alternatives=4)
    for tokens, log_probs, places in zip(found.tokens, found.log_probs, found.alternatives, strict=True):
        assert [place[0] for place in places] == list(zip(tokens, log_probs, strict=True))
        for place in places:
            values = [value for _, value in place]
            assert len(place) == 4
            assert values == sorted(values, reverse=True)


def test_log_probabilities_are_the_models_own_whatever_the_filters():
    network = model("lstm")
    found = generate(network, [[3]], max_tokens=8, temperature=2.0, top_k=3, generator=Generator().manual_seed(0))
    text = handtorch.tensor([[3, *found.tokens[0]]])
    cost, _ = network.nll(text[:, :-1], text[:, 1:])
    np.testing.assert_allclose(found.log_probs[0], -cost[0].detach().numpy(), atol=1e-5)


def test_nothing_is_recorded():
    kept = []

    def step(tokens, state):
        logits, state = model("lstm")(tokens, state)
        kept.append(logits.requires_grad)
        return logits, state

    generate(step, [[1]], max_tokens=3)
    assert kept == [False, False, False]
    assert handtorch.is_grad_enabled()


def test_no_token_more_is_none():
    assert generate(model("lstm"), [[1, 2]], max_tokens=0).tokens == [[]]


def test_what_makes_no_sense_is_refused():
    network = model("lstm")
    with pytest.raises(ArgumentError, match="at least one token"):
        generate(network, [[1], []])
    with pytest.raises(ArgumentError, match="at least one token"):
        generate(network, [])
    with pytest.raises(ArgumentError, match="max_tokens of 0 or more"):
        generate(network, [[1]], max_tokens=-1)
    with pytest.raises(ArgumentError, match="one prompt, got 2"):
        stream(network, [[1], [2]])
    with pytest.raises(ArgumentError, match="temperature"):
        stream(network, [1], temperature=-1)
