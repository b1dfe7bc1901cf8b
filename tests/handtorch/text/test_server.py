"""The server, asked by the client that people use."""

import concurrent.futures
import contextlib
import json
import threading
import time
import urllib.error
import urllib.request

import openai
import pytest

from handtorch.text.completions import Limits
from handtorch.text.server import listening

from .tiny import PATIENCE, next_letter, random_lstm, random_transformer, serving


def client(url, **options):
    return openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=PATIENCE, **options)


@pytest.fixture(scope="module")
def model():
    return random_lstm()


@pytest.fixture(scope="module")
def url(model):
    with serving(model) as url:
        yield url


@pytest.fixture
def ask(url):
    with client(url) as openai_client:

        def create(prompt="to be", **options):
            return openai_client.completions.create(**{"model": "tiny", "prompt": prompt} | options)

        yield create


def post(url, body, headers=None):
    """Status and JSON of an answer to raw bytes."""
    request = urllib.request.Request(f"{url}/completions", body, headers or {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_models_are_listed(url):
    with client(url) as asking:
        assert [model.id for model in asking.models.list()] == ["tiny"]
        assert asking.models.retrieve("tiny").owned_by == "handtorch"
        with pytest.raises(openai.NotFoundError, match="there is no model 'other' here, only 'tiny'"):
            asking.models.retrieve("other")


def test_an_answer_is_what_the_model_writes(ask, model):
    answer = ask(max_tokens=12, temperature=0)
    (choice,) = answer.choices
    assert choice.text == model.generate("to be", max_tokens=12, temperature=0)
    assert (choice.index, choice.finish_reason, choice.logprobs) == (0, "length", None)
    assert (answer.object, answer.model) == ("text_completion", "tiny")
    assert answer.usage.to_dict() == {"prompt_tokens": 5, "completion_tokens": 12, "total_tokens": 17}


def test_every_prompt_has_n_choices_in_order(ask, model):
    answer = ask(["to be", "or", model.tokenizer.encode("not to be")], n=3, max_tokens=4, temperature=0)
    assert [choice.index for choice in answer.choices] == list(range(9))
    expected = [model.generate(prompt, max_tokens=4, temperature=0) for prompt in ("to be", "or", "not to be")]
    assert [choice.text for choice in answer.choices] == [text for text in expected for _ in range(3)]


def test_more_choices_than_are_written_at_once_are_all_different_and_come_again_with_the_seed(ask):
    texts = [[choice.text for choice in ask(n=20, max_tokens=20, seed=7).choices] for _ in range(2)]
    assert texts[0] == texts[1]
    assert len(set(texts[0])) == 20


def test_a_stream_is_the_answer_in_pieces(ask):
    options = {"n": 2, "max_tokens": 30, "seed": 3, "logprobs": 2, "echo": True, "stop": ["ee", "x"]}
    whole = ask(**options)
    texts, tokens, offsets, reasons = ["", ""], [[], []], [[], []], [[], []]
    *pieces, last = ask(**options, stream=True, stream_options={"include_usage": True})
    for piece in pieces:
        (choice,) = piece.choices
        assert not reasons[choice.index], "nothing comes after the reason"
        texts[choice.index] += choice.text
        tokens[choice.index] += choice.logprobs.tokens
        offsets[choice.index] += choice.logprobs.text_offset
        reasons[choice.index] += [choice.finish_reason] if choice.finish_reason else []
    assert texts == [choice.text for choice in whole.choices]
    assert tokens == [choice.logprobs.tokens for choice in whole.choices]
    assert offsets == [choice.logprobs.text_offset for choice in whole.choices]
    assert reasons == [[choice.finish_reason] for choice in whole.choices]
    assert last.choices == []
    assert last.usage == whole.usage


def test_echo_tells_how_likely_the_prompt_was(ask, model):
    (choice,) = ask("to be or not", max_tokens=0, echo=True, logprobs=3).choices
    scored = model.score("to be or not", 3)
    assert choice.text == "to be or not"
    assert choice.logprobs.tokens == list("to be or not")
    assert choice.logprobs.text_offset == list(range(12))
    assert choice.logprobs.token_logprobs == [token.log_prob for token in scored]
    assert choice.logprobs.top_logprobs == [token.likeliest or None for token in scored]


def test_the_likeliest_tokens_are_left_out_where_none_are_asked_for(ask):
    logprobs = ask(max_tokens=3, logprobs=0).choices[0].logprobs
    assert logprobs.top_logprobs is None
    assert len(logprobs.token_logprobs) == 3


def test_settings_of_ours_travel_as_extra_body(ask, model):
    options = {"top_k": 2, "repetition_penalty": 1.5}
    answer = ask(max_tokens=20, seed=1, extra_body=options)
    assert answer.choices[0].text == model.generate("to be", max_tokens=20, seed=1, **options)


def test_a_stop_text_ends_a_choice_and_is_no_part_of_it():
    with serving(next_letter()) as url, client(url) as asking:
        answer = asking.completions.create(model="tiny", prompt="a", stop=["fg", "zz"], max_tokens=24, temperature=0)
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == ("bcde", "stop")
    assert answer.usage.completion_tokens == 6


@pytest.mark.parametrize(
    ("options", "error", "param", "message"),
    [
        ({"model": "other"}, openai.NotFoundError, "model", "there is no model 'other' here, only 'tiny'"),
        ({"prompt": ""}, openai.BadRequestError, "prompt", "this model has no token to begin with"),
        ({"prompt": "é"}, openai.BadRequestError, "prompt", "got 'é'"),
        ({"prompt": [3, 99]}, openai.BadRequestError, "prompt", "expected tokens from 0 to 28"),
        ({"max_tokens": 10**9}, openai.BadRequestError, "max_tokens", "at most 4096"),
        ({"presence_penalty": 1}, openai.BadRequestError, "presence_penalty", "this server has no presence_penalty"),
        ({"prompt": "a" * 40_000}, openai.BadRequestError, "prompt", "at most 32768 tokens"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_mistakes_get_the_errors_of_the_api(ask, options, error, param, message, stream):
    with pytest.raises(error, match=message) as raised:
        ask(**options, stream=stream)
    assert raised.value.body["param"] == param


def test_a_prompt_that_leaves_no_room_is_refused():
    with serving(random_transformer()) as url, client(url) as asking:
        with pytest.raises(openai.BadRequestError, match=r"maximum context length of 32 tokens, got 30 \+ 3") as raised:
            asking.completions.create(model="tiny", prompt="a" * 30, max_tokens=3)
        assert raised.value.code == "context_length_exceeded"
        assert asking.completions.create(model="tiny", prompt="a" * 30, max_tokens=2).usage.total_tokens == 32


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{bad", 400, "expected JSON in the body"),
        (b'{"model": "tiny", "temperature": NaN}', 400, "NaN is no JSON"),
        (b"[" * 100_000, 400, "expected JSON in the body"),
        (b"[]", 400, "expected a JSON object"),
        (b'"\xff"', 400, "expected JSON in the body"),
        (b" " * 4_000_001, 413, "at most 4000000 bytes"),
    ],
)
def test_a_body_that_is_no_request_is_refused(url, body, status, message):
    got, answer = post(url, body)
    assert got == status
    assert message in answer["error"]["message"]


def test_a_form_that_any_web_page_could_send_is_refused(url):
    status, answer = post(url, b'{"model": "tiny"}', {"Content-Type": "text/plain"})
    assert status == 415
    assert "Content-Type: application/json" in answer["error"]["message"]


@pytest.mark.parametrize(("path", "status"), [("/completions", 405), ("/chat/completions", 404)])
def test_other_addresses_say_which_there_are(url, path, status):
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(url + path, timeout=PATIENCE)
    assert raised.value.code == status
    assert "there are /v1/completions and /v1/models" in json.load(raised.value)["error"]["message"]


MOST = 4096


class Steps:
    """Counts the steps of a model, which wait until they may go on."""

    def __init__(self):
        self.count = 0
        self.go_on = threading.Event()
        self.slow = 0.0

    def __call__(self):
        self.count += 1
        assert self.go_on.wait(PATIENCE)
        time.sleep(self.slow)


@contextlib.contextmanager
def stepping(limits=None):
    steps = Steps()
    try:
        with serving(next_letter(on_step=steps), limits) as url, client(url) as asking:
            yield (
                steps,
                lambda **options: asking.completions.create(
                    **{"model": "tiny", "prompt": "a", "max_tokens": MOST, "temperature": 0} | options
                ),
            )
    finally:
        steps.go_on.set()


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def assert_stands_still(steps):
    """Long before all is written nobody asks the model any more."""
    before = -1
    while steps.count != before:
        before = steps.count
        time.sleep(0.3)
    assert before < MOST


def test_writing_ends_when_the_client_leaves_a_stream():
    with stepping() as (steps, ask):
        steps.slow = 0.01
        steps.go_on.set()
        with ask(stream=True) as stream:
            assert "".join(piece.choices[0].text for piece, _ in zip(stream, range(3), strict=False)) == "bcd"
        assert_stands_still(steps)
        assert ask(max_tokens=2).choices[0].text == "bc", "and the next one gets an answer"


def test_writing_ends_when_the_client_no_longer_waits():
    with stepping() as (steps, ask):
        steps.slow = 0.01
        steps.go_on.set()
        with pytest.raises(openai.APITimeoutError):
            ask(timeout=0.3)
        assert_stands_still(steps)


def test_requests_wait_for_their_turn():
    with stepping() as (steps, ask), concurrent.futures.ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask, max_tokens=3) for _ in range(3)]
        wait_for(lambda: steps.count)
        time.sleep(0.2)
        assert steps.count == 1, "one at a time"
        steps.go_on.set()
        assert [answer.result().choices[0].text for answer in asked] == ["bcd"] * 3


def test_when_too_many_wait_the_next_is_refused():
    with stepping(Limits(waiting=2)) as (steps, ask):
        with pytest.raises(openai.RateLimitError, match="2 requests are waiting already") as raised:
            for _ in range(20):  # three of them are not answered in time, and are not forgotten
                with contextlib.suppress(openai.APITimeoutError):
                    ask(timeout=0.2)
        assert raised.value.response.headers["retry-after"] == "1"
        steps.go_on.set()
        wait_for(lambda: _answered(ask))


def _answered(ask):
    with contextlib.suppress(openai.RateLimitError):
        return ask(max_tokens=3).choices[0].text == "bcd"


def test_a_model_that_fails_is_an_error_of_the_server():
    def fail():
        raise RuntimeError("out of luck")

    told = pytest.raises(openai.InternalServerError, match="the model failed: out of luck")
    with serving(next_letter(on_step=fail)) as url, client(url) as asking, told:
        asking.completions.create(model="tiny", prompt="a")


def test_an_error_in_the_middle_of_a_stream_is_told():
    calls = iter(range(100))

    def fail_later():
        if next(calls) == 3:
            raise RuntimeError("out of luck")

    with serving(next_letter(on_step=fail_later)) as url, client(url) as asking:
        text = ""
        with pytest.raises(openai.APIError, match="the model failed: out of luck"):
            for piece in asking.completions.create(model="tiny", prompt="a", stream=True, temperature=0):
                text += piece.choices[0].text
    assert text == "bcd"


def test_a_stream_is_told_that_the_server_was_stopped():
    steps = Steps()
    steps.slow = 0.01
    steps.go_on.set()
    with contextlib.ExitStack() as server:
        url = server.enter_context(serving(next_letter(on_step=steps)))
        stream = client(url).completions.create(model="tiny", prompt="a", stream=True, max_tokens=4000)
        next(stream)
        stop = threading.Thread(target=server.close)
        stop.start()
        with pytest.raises(openai.APIError, match="the server was stopped"):
            list(stream)
        stop.join()


def test_an_address_in_use_is_told():
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use; try another a"):
            listening("127.0.0.1", port)
