"""The judge, asking our own server and some that behave otherwise."""

import contextlib
import sys
import threading

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handtorch.errors import ArgumentError, MissingExtraError
from handtorch.text import Judge, JudgeError
from handtorch.text.server import listening

from .tiny import PATIENCE, byte_pairs, random_lstm, random_transformer, serving

TEXTS = ["to be or not to be", "that is the question", "a", "whether tis nobler in the mind"]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HANDTORCH_JUDGE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def model():
    return random_lstm()


@pytest.fixture(scope="module")
def url(model):
    with serving(model) as url:
        yield url


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_the_judge_finds_the_perplexity_that_its_model_has(url, model, batch):
    for text, verdict in zip(TEXTS, Judge(base_url=url, batch=batch)(TEXTS), strict=True):
        assert "".join(verdict.tokens) == text
        assert verdict.log_probs[0] is None
        if len(text) > 1:
            known = model.perplexity(text)
            assert verdict.perplexity.nll == pytest.approx(known.nll, rel=1e-5)
            assert (verdict.perplexity.tokens, verdict.perplexity.characters) == (known.tokens, known.characters)


def test_what_stands_in_the_prompt_does_not_count(url, model):
    (verdict,) = Judge(base_url=url)([" or not to be"], ["to be"])
    counted = [token.log_prob for token in model.score("to be or not to be")[5:]]
    assert verdict.perplexity.nll == pytest.approx(-sum(counted))
    assert (verdict.perplexity.tokens, verdict.perplexity.words, verdict.perplexity.characters) == (13, 4, 13)
    assert verdict.log_probs[:6] == (None,) * 5 + (pytest.approx(counted[0]),)


def test_a_token_that_begins_in_the_prompt_does_not_count():
    model = random_transformer(byte_pairs())
    with serving(model) as url:
        (verdict,) = Judge(base_url=url)(["t and the bat"], ["the ca"])
    scored = model.score("the cat and the bat")
    at, counted = 0, []
    for token in scored:
        counted += [token.log_prob] if at >= 6 else []
        at += len(token.text)
    assert verdict.perplexity.nll == pytest.approx(-sum(counted))
    assert verdict.perplexity.tokens == len(counted)


def test_settings_come_from_the_environment(url, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("HANDTORCH_JUDGE", "other")
    with pytest.raises(JudgeError, match="there is no model 'other' here, only 'tiny'"):
        Judge()(["to be"])
    assert Judge("tiny")(["to be"])[0].perplexity.tokens == 4


def test_without_a_key_only_servers_of_this_machine_are_asked():
    for url in (None, "https://example.org/v1"):
        with pytest.raises(JudgeError, match="put it into the environment variable OPENAI_API_KEY, or ask a server of"):
            Judge(base_url=url)
    assert Judge(base_url="http://[::1]:9/v1").url == "http://[::1]:9/v1"
    assert Judge(api_key="key").url == "https://api.openai.com/v1"


def test_without_the_client_the_extra_that_brings_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'handtorch\[text\]'"):
        Judge(api_key="key")


def test_nobody_there_is_told():
    with listening("127.0.0.1", 0) as socket:
        port = socket.getsockname()[1]
    with pytest.raises(JudgeError, match=f"no server answers at http://127.0.0.1:{port}/v1; start one"):
        Judge(base_url=f"http://127.0.0.1:{port}/v1", retries=0)(["to be"])


def test_texts_must_have_something_in_them(url):
    with pytest.raises(ArgumentError, match="expected texts with something in them"):
        Judge(base_url=url)(["to be", ""])
    with pytest.raises(ArgumentError, match="expected a prompt for each of 2 texts, got 1"):
        Judge(base_url=url)(["to", "be"], ["x"])
    with pytest.raises(ArgumentError, match="expected a batch of at least 1"):
        Judge(base_url=url, batch=0)


@contextlib.contextmanager
def answering(*answers):
    """A server that gives one answer after the other, the last again and again; and what it was asked for."""
    asked = []

    async def complete(request):
        asked.append((dict(request.headers), await request.json()))
        answer = answers[min(len(asked), len(answers)) - 1]
        return answer if isinstance(answer, Response) else answer(asked[-1][1])

    async def models(request):
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "me"} for name in ("big", "small")]
        return JSONResponse({"object": "list", "data": data})

    app = Starlette(
        routes=[Route("/v1/completions", complete, methods=["POST"]), Route("/v1/models", models)],
    )
    socket = listening("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/v1", asked
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


def error(status, message, **headers):
    body = {"error": {"message": message, "type": "error", "param": None, "code": None}}
    return JSONResponse(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def echoed(body, *, offsets=True, extra=()):
    """Every character has the log probability -1; ``extra`` is what the server writes of its own."""
    choices = []
    for i, text in enumerate(body["prompt"]):
        tokens = [*text, *extra]
        logprobs = {
            "tokens": tokens,
            "token_logprobs": [None] + [-1.0] * (len(tokens) - 1),
            "top_logprobs": None,
            "text_offset": list(range(len(tokens))) if offsets else [],
        }
        choice = {"text": "".join(tokens), "index": i, "logprobs": logprobs, "finish_reason": "length"}
        choices.insert(0, choice)  # in any order
    return JSONResponse({"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": choices})


def test_a_busy_server_is_asked_again_until_it_answers():
    busy = error(429, "later", retry_after_ms="20")
    with answering(busy, error(503, "down", retry_after_ms="20"), echoed) as (url, asked):
        (verdict,) = Judge("m", base_url=url)(["abc"])
    assert len(asked) == 3
    assert verdict.perplexity.nll == 2


def test_after_the_last_attempt_the_reason_is_told():
    busy = error(429, "no room today", retry_after_ms="1")
    with answering(busy) as (url, asked), pytest.raises(JudgeError, match=r"refuses: .*no room today"):
        Judge("m", base_url=url, retries=2)(["abc"])
    assert len(asked) == 3


def test_a_wrong_key_is_not_tried_again():
    message = r"does not take this key .*set another one in OPENAI_API_KEY"
    with answering(error(401, "Incorrect API key")) as (url, asked), pytest.raises(JudgeError, match=message):
        Judge("m", base_url=url, api_key="wrong")(["abc"])
    assert [headers["authorization"] for headers, _ in asked] == ["Bearer wrong"]


@pytest.mark.parametrize("offsets", [True, False])
def test_a_server_that_must_write_something_writes_one_token_that_does_not_count(offsets):
    refuses = error(400, "max_tokens must be at least 1")
    writes = lambda body: echoed(body, offsets=offsets, extra=["x"])  # noqa: E731
    with answering(refuses, writes) as (url, asked):
        verdicts = Judge("m", base_url=url, batch=2)(["abc", "de", "fgh"])
    assert [body["max_tokens"] for _, body in asked] == [0, 1, 1]
    assert [verdict.tokens for verdict in verdicts] == [tuple("abc"), tuple("de"), tuple("fgh")]
    assert [verdict.perplexity.nll for verdict in verdicts] == [2, 1, 2]


def test_a_server_without_log_probabilities_of_the_prompt_is_told_apart():
    def without(body):
        choice = {"text": "abc", "index": 0, "logprobs": None, "finish_reason": "length"}
        return JSONResponse({"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": [choice]})

    with answering(without) as (url, _), pytest.raises(JudgeError, match="gave no log probabilities of the prompt"):
        Judge("m", base_url=url)(["abc"])


def test_of_several_models_one_must_be_named():
    with answering(echoed) as (url, _), pytest.raises(JudgeError, match="which has big, small; name one"):
        Judge(base_url=url)(["abc"])


def test_other_refusals_are_passed_on():
    with answering(error(400, "too long")) as (url, asked), pytest.raises(JudgeError, match=r"refuses: .*too long"):
        Judge("m", base_url=url)(["abc"])
    assert len(asked) == 1
