"""The OpenAI completions API as data: what a request may ask for, what an answer looks like, and what is refused.

Source: https://platform.openai.com/docs/api-reference/completions. No web server is needed for what stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handtorch.errors import ArgumentError


class Refusal(ArgumentError):
    """A request that is not answered.

    Args:
        message: what was expected, and what came.
        param: the part of the request that is wrong.
        code: a name for what is wrong, for programs.
        status: of the answer: 400 a wrong request, 404 not there, 429 too many at once, 503 going away.
    """

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status

    def answer(self) -> dict[str, Any]:
        """The error as the API tells it."""
        kind = {429: "rate_limit_error", 503: "server_error"}.get(self.status, "invalid_request_error")
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True)
class Limits:
    """What one request may ask for, so that it cannot keep the others waiting for ever."""

    max_tokens: int = 4096
    """New tokens of a choice."""
    choices: int = 64
    """Prompts times choices of each."""
    prompt_tokens: int = 32_768
    """Of all prompts together."""
    stops: int = 4
    """Texts that end a choice."""
    waiting: int = 32
    """Requests that wait for their turn."""
    bytes: int = 4_000_000
    """Of a request's body."""


@dataclass(frozen=True)
class Request:
    """What a request asks for.

    Attributes:
        model: whose answer is wanted.
        prompts: text or tokens each.
        max_tokens: of each choice.
        temperature, top_p, top_k, repetition_penalty: how a token is drawn. The last two are not OpenAI's; its client
            sends them as ``extra_body={"top_k": 5}``.
        n: choices of each prompt.
        seed: where the drawing begins; None for anew each time.
        stop: texts that end a choice.
        stream: whether pieces are sent as they come.
        include_usage: whether a stream ends with the number of tokens.
        logprobs: how many of the likeliest tokens are told beside each token's own probability; None for neither.
        echo: whether the prompt is told as well.
    """

    model: str
    prompts: tuple[str | tuple[int, ...], ...] = ("",)
    max_tokens: int = 16
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int | None = None
    repetition_penalty: float = 1.0
    n: int = 1
    seed: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    logprobs: int | None = None
    echo: bool = False

    @classmethod
    def of(cls, body: Any, limits: Limits) -> Request:
        """The request in the body of a message.

        Args:
            body: what the JSON holds.
            limits: what may be asked for.

        Raises:
            Refusal: something unknown, of another type, or out of its range is asked for.
        """
        if not isinstance(body, Mapping):
            raise Refusal(f"expected a JSON object, got {_named(body)}")
        given: dict[str, Any] = {}
        for name, value in body.items():
            if name not in _READERS:
                raise Refusal(f"a completion has no parameter {name!r}", name)
            if value is not None:
                given |= _READERS[name](name, value)
        if "model" not in given:
            raise Refusal("expected the name of a model as model, got none", "model")
        request = cls(**given)
        for name, number, most in (
            ("max_tokens", request.max_tokens, limits.max_tokens),
            ("n", request.n * len(request.prompts), limits.choices),
            ("stop", len(request.stop), limits.stops),
        ):
            if number > most:
                what = "choices in all, prompts times n," if name == "n" else name
                raise Refusal(f"this server gives at most {most} {what}: got {number}", name)
        return request


# -- reading ------------------------------------------------------------------------------------------------------

_Reader = Callable[[str, Any], dict[str, Any]]


def _named(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{type(value).__name__} {text[:36]} ..."


def _wrong(name: str, expected: str, value: Any) -> Refusal:
    return Refusal(f"expected {name} as {expected}, got {_named(value)}", name)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(low: int, high: int) -> _Reader:
    def read(name: str, value: Any) -> dict[str, Any]:
        if not _is_whole(value) or not low <= value <= high:
            raise _wrong(name, f"a whole number from {low} to {high}", value)
        return {name: value}

    return read


def _number(low: float, high: float, open_below: bool = False) -> _Reader:
    def read(name: str, value: Any) -> dict[str, Any]:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        if not fits or (open_below and value == low):
            raise _wrong(name, f"a number from {low:g} to {high:g}{', not 0' if open_below else ''}", value)
        return {name: float(value)}

    return read


def _flag(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise _wrong(name, "true or false", value)
    return {name: value}


def _text(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise _wrong(name, "a text", value)
    return {name: value}


def _ignored(name: str, value: Any) -> dict[str, Any]:
    return {}


def _without(*neutral: Any) -> _Reader:
    """What this server cannot do: only values that ask for nothing pass."""

    def read(name: str, value: Any) -> dict[str, Any]:
        if value not in neutral:
            raise Refusal(f"this server has no {name}; leave it out", name, "unsupported_parameter")
        return {}

    return read


def _stops(name: str, value: Any) -> dict[str, Any]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _wrong(name, "a text or a list of texts", value)
    return {name: tuple(text for text in texts if text)}


def _prompts(name: str, value: Any) -> dict[str, Any]:
    prompts = [value] if isinstance(value, str) or (isinstance(value, list) and any(map(_is_whole, value))) else value
    if not isinstance(prompts, list) or not prompts:
        raise _wrong(name, "a text, a list of tokens, or a list of such", value)
    read: list[str | tuple[int, ...]] = []
    for prompt in prompts:
        if isinstance(prompt, list) and all(map(_is_whole, prompt)):
            read.append(tuple(prompt))
        elif isinstance(prompt, str):
            read.append(prompt)
        else:
            raise _wrong(name, "a text, a list of tokens, or a list of such", prompt)
    return {"prompts": tuple(read)}


def _stream_options(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(name, "a JSON object", value)
    return {"include_usage": value.get("include_usage") is True}


_READERS: dict[str, _Reader] = {
    "model": _text,
    "prompt": _prompts,
    "max_tokens": _whole(0, 1 << 31),
    "temperature": _number(0, 2),
    "top_p": _number(0, 1, open_below=True),
    "top_k": _whole(1, 1 << 31),
    "repetition_penalty": _number(0, 100, open_below=True),
    "n": _whole(1, 1 << 31),
    "seed": _whole(-(1 << 63), (1 << 64) - 1),
    "stop": _stops,
    "stream": _flag,
    "stream_options": _stream_options,
    "logprobs": _whole(0, 5),
    "echo": _flag,
    "user": _ignored,
    "best_of": _without(1),
    "suffix": _without(""),
    "logit_bias": _without({}),
    "presence_penalty": _without(0),
    "frequency_penalty": _without(0),
}


# -- answering ----------------------------------------------------------------------------------------------------


@dataclass
class LogProbs:
    """Tokens of a choice and how likely they were, as the API tells them: four lists of the same length.

    Attributes:
        tokens: their texts.
        token_logprobs: natural logarithms; None of a token with nothing before it.
        top_logprobs: the likeliest tokens at each place; None where they were not asked for.
        text_offset: where in the choice's text each token begins, in characters.
    """

    tokens: list[str] = field(default_factory=list)
    token_logprobs: list[float | None] = field(default_factory=list)
    top_logprobs: list[dict[str, float] | None] | None = None
    text_offset: list[int] = field(default_factory=list)

    def answer(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


def choice(index: int, text: str, finish_reason: str | None, logprobs: LogProbs | None = None) -> dict[str, Any]:
    """One of the texts of an answer, or a piece of it.

    Args:
        index: which of them.
        text: what comes.
        finish_reason: ``"stop"``, ``"length"``, or None of a piece that is not the last.
        logprobs: of its tokens, if they were asked for.
    """
    return {
        "text": text,
        "index": index,
        "logprobs": None if logprobs is None else logprobs.answer(),
        "finish_reason": finish_reason,
    }


def completion(
    name: str, created: int, model: str, choices: Sequence[Mapping[str, Any]], usage: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """An answer, or a piece of one: an object with choices, and with the number of tokens where that is known."""
    body = {"id": name, "object": "text_completion", "created": created, "model": model, "choices": list(choices)}
    return body if usage is None else body | {"usage": dict(usage)}


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """How many tokens were read and written."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
