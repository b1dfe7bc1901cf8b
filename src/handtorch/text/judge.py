"""Judge: how surprising texts are to somebody else's language model, over the OpenAI completions API.

A model that writes well is one whose texts a better reader finds plausible. The judge is asked for the log
probabilities of texts that it did not write (``echo`` and ``logprobs``, no new tokens). Any server will do that gives
those: ``python -m handtorch.text serve`` for one of ours, vLLM and others for open models, OpenAI for some of theirs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from handtorch.errors import ArgumentError, HandtorchError, require
from handtorch.text.surprise import Perplexity

URL, KEY, MODEL = "OPENAI_BASE_URL", "OPENAI_API_KEY", "HANDTORCH_JUDGE"

_OPENAI = "https://api.openai.com/v1"
_WITHOUT_KEY = ("localhost", "127.0.0.1", "::1")


class JudgeError(HandtorchError, ConnectionError):
    """A judge that cannot be asked, or gives no answer that is one."""


class Verdict(NamedTuple):
    """What a judge thinks of a text.

    Attributes:
        tokens: what it read, token by token.
        log_probs: ln p of each after all before it; None of one that does not count: the first of all, which has
            nothing before it, and those that begin in the prompt.
        perplexity: of those that count, and of the words and characters from the first of them on.
    """

    tokens: tuple[str, ...]
    log_probs: tuple[float | None, ...]
    perplexity: Perplexity


class Judge:
    """Somebody else's language model, asked how likely it finds texts.

    ::

        judge = Judge(base_url="http://localhost:8000/v1")
        verdicts = judge(["to be or not to be", "be to not or be to"])
        print([verdict.perplexity.character for verdict in verdicts])

    Args:
        model: what the server calls it; if None the environment's ``HANDTORCH_JUDGE``, or else the only one that the
            server has.
        base_url: where it is; if None the environment's ``OPENAI_BASE_URL``, or else OpenAI's.
        api_key: if None the environment's ``OPENAI_API_KEY``; a server on this machine needs none.
        timeout: seconds for a request.
        retries: how often a request is sent again that failed for want of a connection or of room (408, 409, 429, 5xx),
            each time after about twice as long, from half a second on, or when the server says.
        batch: texts in a request.

    Raises:
        MissingExtraError: the package openai is not installed.
        JudgeError: no key for a server that needs one.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        retries: int = 5,
        batch: int = 16,
    ) -> None:
        self._openai = require("openai", extra="text")
        self.url = base_url or os.environ.get(URL) or _OPENAI
        key = api_key or os.environ.get(KEY)
        if not key and urlsplit(self.url).hostname not in _WITHOUT_KEY:
            raise JudgeError(
                f"expected a key for {self.url}; put it into the environment variable {KEY}, or ask a server of your "
                f"own, which needs none: python -m handtorch.text serve MODEL"
            )
        if batch < 1:
            raise ArgumentError(f"expected a batch of at least 1 text, got {batch}")
        self._client = self._openai.OpenAI(
            base_url=self.url, api_key=key or "none", timeout=timeout, max_retries=retries
        )
        self._model, self._batch = model or os.environ.get(MODEL), batch
        self._new_tokens = 0

    @property
    def model(self) -> str:
        """What the server calls it.

        Raises:
            JudgeError: none was named, and the server has another number than one.
        """
        if self._model is None:
            names = [model.id for model in self._ask(self._client.models.list)]
            if len(names) != 1:
                raise JudgeError(f"expected the name of a model of {self.url}, which has {_listed(names)}; name one")
            self._model = names[0]
        return self._model

    def __call__(self, texts: Sequence[str], prompts: Sequence[str] | None = None) -> list[Verdict]:
        """How likely the judge finds texts.

        Args:
            texts: what is judged.
            prompts: what stands before each of them and is not judged; nothing, if None.

        Raises:
            ArgumentError: another number of prompts than of texts, or nothing to read.
            JudgeError: no answer, or one without log probabilities.
        """
        return [*self.each(texts, prompts)]

    def each(self, texts: Sequence[str], prompts: Sequence[str] | None = None) -> Iterator[Verdict]:
        """The verdicts one by one, as they come."""
        if isinstance(texts, str) or isinstance(prompts, str):
            raise ArgumentError("expected a list of texts, got one text; put it into a list")
        before = [""] * len(texts) if prompts is None else list(prompts)
        if len(before) != len(texts):
            raise ArgumentError(f"expected a prompt for each of {len(texts)} texts, got {len(before)}")
        if not all(prompt + text for prompt, text in zip(before, texts, strict=True)):
            raise ArgumentError("expected texts with something in them, got an empty one")
        return self._verdicts([*zip(before, texts, strict=True)])

    def _verdicts(self, pairs: Sequence[tuple[str, str]]) -> Iterator[Verdict]:
        for start in range(0, len(pairs), self._batch):
            some = pairs[start : start + self._batch]
            choices = sorted(self._echo([prompt + text for prompt, text in some]), key=lambda choice: choice.index)
            if len(choices) != len(some):
                raise JudgeError(f"expected {len(some)} answers of {self.url}, got {len(choices)}")
            for (prompt, text), choice in zip(some, choices, strict=True):
                yield self._verdict(prompt, text, choice.logprobs)

    def _echo(self, texts: list[str]) -> Any:
        """The texts as the server gives them back, with their log probabilities."""
        request = {"model": self.model, "prompt": texts, "echo": True, "logprobs": 1, "temperature": 0}
        create = self._client.completions.create
        if self._new_tokens == 0:
            try:
                return create(**request, max_tokens=0).choices
            except self._openai.BadRequestError as error:
                too_long = error.code == "context_length_exceeded"
                if too_long or ("max_tokens" not in str(error) and "max_completion_tokens" not in str(error)):
                    raise self._told(error) from None
                self._new_tokens = 1  # some servers want to write at least one; what they write is cut off
            except self._openai.OpenAIError as error:
                raise self._told(error) from None
        return self._ask(create, **request, max_tokens=1).choices

    def _verdict(self, prompt: str, text: str, told: Any) -> Verdict:
        if told is None or not told.token_logprobs or not told.tokens:
            raise JudgeError(
                f"{self.url} gave no log probabilities of the prompt; expected a server that takes echo together with "
                f"logprobs, such as: python -m handtorch.text serve MODEL"
            )
        begins = told.text_offset or _offsets(told.tokens)
        read = [
            (token, log_prob if at >= len(prompt) else None, at)
            for token, log_prob, at in zip(told.tokens, told.token_logprobs, begins, strict=True)
            if at < len(prompt) + len(text)
        ]
        counted = [log_prob for _, log_prob, _ in read if log_prob is not None]
        begin = min((at for _, log_prob, at in read if log_prob is not None), default=len(prompt) + len(text))
        rest = (prompt + text)[begin:]
        return Verdict(
            tuple(token for token, _, _ in read),
            tuple(log_prob for _, log_prob, _ in read),
            Perplexity(-sum(counted), len(counted), len(rest.split()), len(rest)),
        )

    def _ask(self, what: Any, **request: Any) -> Any:
        try:
            return what(**request)
        except self._openai.OpenAIError as error:
            raise self._told(error) from None

    def _told(self, error: Any) -> JudgeError:
        """An error of the client's in a sentence that says what to do."""
        openai = self._openai
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return JudgeError(f"{self.url} does not take this key ({error}); set another one in {KEY}")
        if isinstance(error, openai.APITimeoutError):
            return JudgeError(f"{self.url} gave no answer in time; try fewer texts in a batch, or a longer timeout")
        if isinstance(error, openai.APIConnectionError):
            return JudgeError(f"no server answers at {self.url}; start one, or set {URL}")
        return JudgeError(f"{self.url} refuses: {error}")


def _offsets(tokens: Sequence[str]) -> list[int]:
    starts = [0]
    for token in tokens[:-1]:
        starts.append(starts[-1] + len(token))
    return starts


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"
