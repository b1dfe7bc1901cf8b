import pytest

from handtorch.text.completions import Limits, Refusal, Request


def read(**body):
    return Request.of({"model": "m", **body}, Limits())


def test_what_is_not_asked_for_is_as_in_the_api():
    request = read()
    assert request == Request("m", ("",), 16, 1.0, 1.0, None, 1.0, 1, None, (), False, False, None, False)
    assert read(temperature=None, stop=None, suffix=None, logit_bias=None, seed=None) == request


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("to be", ("to be",)),
        (["to", "be"], ("to", "be")),
        ([1, 2], ((1, 2),)),
        ([[1], [2, 3]], ((1,), (2, 3))),
        (["to", [2]], ("to", (2,))),
    ],
)
def test_a_prompt_is_text_or_tokens_or_several(prompt, prompts):
    assert read(prompt=prompt).prompts == prompts


def test_what_asks_for_nothing_is_accepted_where_the_server_has_none():
    read(best_of=1, suffix="", logit_bias={}, presence_penalty=0, frequency_penalty=0.0, user="me")


def test_a_stop_is_one_text_or_a_few():
    assert read(stop="\n").stop == ("\n",)
    assert read(stop=["a", "b", ""]).stop == ("a", "b")


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ({"prompt": 3}, "prompt", "a text, a list of tokens, or a list of such"),
        ({"prompt": []}, "prompt", "a text, a list of tokens"),
        ({"prompt": ["a", None]}, "prompt", "got None"),
        ({"prompt": [1.5]}, "prompt", r"got \[1.5\]|got 1.5"),
        ({"prompt": [True]}, "prompt", "got True"),
        ({"model": 3}, "model", "expected model as a text, got 3"),
        ({"max_tokens": -1}, "max_tokens", "a whole number from 0"),
        ({"max_tokens": 2.0}, "max_tokens", "got 2.0"),
        ({"max_tokens": True}, "max_tokens", "got True"),
        ({"max_tokens": 4097}, "max_tokens", "at most 4096 max_tokens: got 4097"),
        ({"max_tokens": 10**30}, "max_tokens", "expected max_tokens"),
        ({"temperature": 2.1}, "temperature", "a number from 0 to 2, got 2.1"),
        ({"temperature": "hot"}, "temperature", "got 'hot'"),
        ({"temperature": float("nan")}, "temperature", "got nan"),
        ({"top_p": 0}, "top_p", "a number from 0 to 1, not 0"),
        ({"top_k": 0}, "top_k", "from 1"),
        ({"repetition_penalty": 0}, "repetition_penalty", "not 0"),
        ({"n": 0}, "n", "from 1"),
        ({"n": 33, "prompt": ["a", "b"]}, "n", "at most 64 choices in all, prompts times n,: got 66"),
        ({"stop": ["a"] * 5}, "stop", "at most 4 stop"),
        ({"stop": [1]}, "stop", "a text or a list of texts"),
        ({"logprobs": 6}, "logprobs", "from 0 to 5"),
        ({"logprobs": True}, "logprobs", "got True"),
        ({"echo": 1}, "echo", "true or false"),
        ({"stream": "yes"}, "stream", "true or false"),
        ({"stream_options": True}, "stream_options", "a JSON object"),
        ({"seed": "x"}, "seed", "a whole number"),
        ({"best_of": 2}, "best_of", "this server has no best_of; leave it out"),
        ({"suffix": "end"}, "suffix", "this server has no suffix"),
        ({"logit_bias": {"1": 5}}, "logit_bias", "this server has no logit_bias"),
        ({"presence_penalty": 0.5}, "presence_penalty", "this server has no presence_penalty"),
        ({"frequency_penalty": 0.5}, "frequency_penalty", "this server has no frequency_penalty"),
        ({"messages": []}, "messages", "no parameter 'messages'"),
    ],
)
def test_what_cannot_be_given_is_refused_by_name(body, param, message):
    with pytest.raises(Refusal, match=message) as refused:
        read(**body)
    assert refused.value.param == param
    error = refused.value.answer()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"] == str(refused.value)


@pytest.mark.parametrize("body", [[], "x", None, 3])
def test_a_request_is_an_object(body):
    with pytest.raises(Refusal, match="expected a JSON object"):
        Request.of(body, Limits())


def test_a_request_names_a_model():
    with pytest.raises(Refusal, match="expected the name of a model"):
        Request.of({"prompt": "x"}, Limits())


def test_long_values_are_cut_in_messages():
    with pytest.raises(Refusal) as refused:
        read(echo="x" * 10_000)
    assert len(str(refused.value)) < 120
