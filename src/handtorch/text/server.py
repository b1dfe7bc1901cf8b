"""A language model behind the OpenAI completions API: ``POST /v1/completions`` and ``GET /v1/models``.

One thread does all the computing, request after request, so that a model is asked by one at a time and the machine's
cores serve that one. The event loop meanwhile takes requests, lets them wait, sends pieces, and notices who has left.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from handtorch.errors import ArgumentError
from handtorch.text import completions
from handtorch.text.completions import Limits, LogProbs, Refusal, Request
from handtorch.text.model import TextModel
from handtorch.text.pieces import Piece, Token

T = TypeVar("T")

_END = object()
# So many choices are written at once: what a model remembers of each takes memory.
_ROWS = 8
# What is still being sent after Ctrl-C is cut off then.
_GRACE_SECONDS = 3


class Worker:
    """One thread for everything that computes.

    Args:
        waiting: how many may wait for it.
    """

    def __init__(self, waiting: int) -> None:
        self._most, self._jobs = waiting, 0
        self._closed = False
        self._thread = ThreadPoolExecutor(1, "handtorch-completions")

    async def run(self, job: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        """What a job yields, in order. When nobody asks for the next any more, the job ends after the one it is at.

        Raises:
            Refusal: too many wait already, or the server was stopped.
        """
        if self._closed:
            raise Refusal("the server was stopped", code="stopped", status=503)
        if self._jobs > self._most:
            raise Refusal(f"{self._most} requests are waiting already; try again later", code="busy", status=429)
        loop = asyncio.get_running_loop()
        ready: asyncio.Queue[Any] = asyncio.Queue()
        left = threading.Event()

        def tell(what: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server was stopped
                loop.call_soon_threadsafe(ready.put_nowait, what)

        def work() -> None:
            try:
                pieces = job()
                while not left.is_set():
                    if self._closed:
                        raise Refusal("the server was stopped", code="stopped", status=503)
                    piece = next(pieces, _END)
                    tell(piece)
                    if piece is _END:
                        return
            except BaseException as error:  # whatever it is, it belongs to who asked
                tell(_Failed(error))

        self._jobs += 1
        done = loop.run_in_executor(self._thread, work)
        done.add_done_callback(self._count_off)
        try:
            while (piece := await ready.get()) is not _END:
                if isinstance(piece, _Failed):
                    raise piece.error
                yield piece
        finally:
            left.set()

    def close(self) -> None:
        """Refuse what waits, and end what is being written after the piece that it is at."""
        self._closed = True
        self._thread.shutdown(wait=False)

    def _count_off(self, done: asyncio.Future[None]) -> None:
        self._jobs -= 1


class _Failed:
    """An error on its way from the thread to who asked."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def app(model: TextModel, name: str, limits: Limits | None = None) -> Starlette:
    """The web application.

    Args:
        model: what answers.
        name: what requests call it.
        limits: what a request may ask for.
    """
    limits = limits or Limits()
    worker = Worker(limits.waiting)
    begun = int(time.time())
    card = {"id": name, "object": "model", "created": begun, "owned_by": "handtorch"}

    async def models(request: HTTPRequest) -> Response:
        return JSONResponse({"object": "list", "data": [card]})

    async def one_model(request: HTTPRequest) -> Response:
        _check_name(request.path_params["name"], name)
        return JSONResponse(card)

    async def complete(request: HTTPRequest) -> Response:
        wanted = Request.of(await _body(request, limits.bytes), limits)
        _check_name(wanted.model, name)
        answer = Answer(model, name, wanted, limits)
        if not wanted.stream:
            return JSONResponse(await _unless_left(request, answer.whole(worker)))
        pieces = answer.pieces(worker)
        first = await anext(pieces)  # what is refused now still gets its status
        return StreamingResponse(_events(first, pieces), media_type="text/event-stream")

    async def refuse(request: HTTPRequest, error: Any) -> Response:
        headers = {"Retry-After": "1"} if error.status == 429 else None
        return JSONResponse(error.answer(), error.status, headers)

    async def not_there(request: HTTPRequest, error: Any) -> Response:
        what = f"{request.method} {request.url.path}: {error.detail}; there are /v1/completions and /v1/models"
        return JSONResponse(Refusal(what, status=error.status_code).answer(), error.status_code, error.headers)

    async def failed(request: HTTPRequest, error: Exception) -> Response:
        return JSONResponse(_failure(error), 500)

    application = Starlette(
        routes=[
            Route("/v1/completions", complete, methods=["POST"]),
            Route("/v1/models", models),
            Route("/v1/models/{name:path}", one_model),
        ],
        exception_handlers={Refusal: refuse, HTTPException: not_there, Exception: failed},
    )
    application.state.worker = worker
    return application


def listening(host: str, port: int) -> socket.socket:
    """A socket for :func:`serve`; port 0 stands for any that is free.

    Raises:
        OSError: the address is not this machine's, or is in use.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise OSError(f"cannot listen on {host}:{port}: {why}; try another address or port") from None


def serve(model: TextModel, name: str, on: socket.socket, limits: Limits | None = None) -> None:
    """Answer requests until Ctrl-C, which is raised again when all is closed.

    Args:
        model: what answers.
        name: what requests call it.
        on: where, as :func:`listening` gives it.
        limits: what a request may ask for.
    """
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # that somebody left in the middle of a stream is no news
    Server(model, name, limits).run([on])


class Server(uvicorn.Server):
    """Answers requests in ``run([socket])`` until Ctrl-C, or until ``should_exit`` is set; see :func:`serve`."""

    def __init__(self, model: TextModel, name: str, limits: Limits | None = None) -> None:
        application = app(model, name, limits)
        self._worker: Worker = application.state.worker
        super().__init__(
            uvicorn.Config(application, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS)
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the worker to stop, so that streams end with a word instead of being cut off; then close all."""
        self._worker.close()
        await super().shutdown(sockets)


# -- one request ----------------------------------------------------------------------------------------------------


class Answer:
    """What one request gets.

    Args:
        model: what answers.
        name: what it is called.
        request: what is wanted.
        limits: what may be wanted.
    """

    def __init__(self, model: TextModel, name: str, request: Request, limits: Limits) -> None:
        self._model, self._name, self._request, self._limits = model, name, request, limits
        self._id, self._created = f"cmpl-{uuid.uuid4().hex}", int(time.time())
        self._read = self._written = 0

    async def whole(self, worker: Worker) -> dict[str, Any]:
        """All choices at once."""
        made: dict[int, list[Piece]] = {}
        async for index, piece in worker.run(self._work):
            made.setdefault(index, []).append(piece)
        choices = []
        for index, pieces in sorted(made.items()):
            logprobs = self._told(0, [token for piece in pieces for token in piece.tokens])
            text = "".join(piece.text for piece in pieces)
            choices.append(completions.choice(index, text, pieces[-1].ended, logprobs))
        return completions.completion(self._id, self._created, self._name, choices, self._usage())

    async def pieces(self, worker: Worker) -> AsyncIterator[dict[str, Any]]:
        """All choices piece by piece, as they come."""
        told: dict[int, int] = {}  # index of a choice -> characters of its tokens so far
        async with contextlib.aclosing(worker.run(self._work)) as made:
            async for index, piece in made:
                logprobs = self._told(told.get(index, 0), piece.tokens)
                told[index] = told.get(index, 0) + sum(len(token.text) for token in piece.tokens)
                choice = completions.choice(index, piece.text, piece.ended, logprobs)
                yield completions.completion(self._id, self._created, self._name, [choice])
        if self._request.include_usage:
            yield completions.completion(self._id, self._created, self._name, [], self._usage())

    def _work(self) -> Iterator[tuple[int, Piece]]:
        """Pieces with the index of their choice: what the thread does.

        Raises:
            Refusal: a prompt has tokens that the model does not know, or leaves it no room.
        """
        wanted = self._request
        read = [self._tokens(prompt) for prompt in wanted.prompts]
        self._read = sum(map(len, read))
        if self._read > self._limits.prompt_tokens:
            most = self._limits.prompt_tokens
            raise Refusal(f"this server reads at most {most} tokens at once: got {self._read}", "prompt")
        prompts = [prompt for prompt in read for _ in range(wanted.n)]
        for start in range(0, len(prompts), _ROWS):
            rows = prompts[start : start + _ROWS]
            if wanted.echo:
                yield from ((start + row, self._echo(prompt)) for row, prompt in enumerate(rows))
            pieces = self._model.pieces(
                rows,
                max_tokens=wanted.max_tokens,
                temperature=wanted.temperature,
                top_p=wanted.top_p,
                top_k=wanted.top_k,
                repetition_penalty=wanted.repetition_penalty,
                stop=wanted.stop,
                seed=None if wanted.seed is None else wanted.seed + start,
                likeliest=wanted.logprobs or 0,
            )
            for row, piece in pieces:
                self._written += piece.drawn
                yield start + row, piece

    def _echo(self, prompt: list[int]) -> Piece:
        tokens = self._model.score(prompt, self._request.logprobs) if self._request.logprobs is not None else ()
        return Piece(self._model.tokenizer.decode(prompt), tuple(tokens), None)

    def _tokens(self, prompt: str | tuple[int, ...]) -> list[int]:
        model, request = self._model, self._request
        if not isinstance(prompt, str) and any(not 0 <= token < len(model.tokenizer) for token in prompt):
            raise Refusal(f"expected tokens from 0 to {len(model.tokenizer) - 1}, got others", "prompt")
        try:
            tokens = model.begun(model.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt)
        except ArgumentError as error:
            raise Refusal(str(error), "prompt") from None
        room = model.max_length
        if room is not None and len(tokens) + request.max_tokens > room:
            raise Refusal(
                f"expected prompt and max_tokens within the model's maximum context length of {room} tokens, got "
                f"{len(tokens)} + {request.max_tokens}",
                "prompt",
                "context_length_exceeded",
            )
        return tokens

    def _told(self, at: int, tokens: Sequence[Token]) -> LogProbs | None:
        """Tokens that begin ``at`` so many characters in their choice, if they were asked for."""
        asked = self._request.logprobs
        if asked is None:
            return None
        told = LogProbs(top_logprobs=[] if asked else None)
        for token in tokens:
            told.tokens.append(token.text)
            told.token_logprobs.append(token.log_prob)
            told.text_offset.append(at)
            if told.top_logprobs is not None:
                told.top_logprobs.append(token.likeliest or None)
            at += len(token.text)
        return told

    def _usage(self) -> dict[str, int]:
        return completions.usage(self._read, self._written)


# -- HTTP -----------------------------------------------------------------------------------------------------------


async def _body(request: HTTPRequest, most: int) -> Any:
    """What the JSON of a request holds.

    Raises:
        Refusal: it is none, or too long.
    """
    # A web page of somebody else's can make a browser send anything but this type without asking first.
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refusal('expected JSON; send the header "Content-Type: application/json"', status=415)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise Refusal(f"expected a request of at most {most} bytes", status=413)
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"expected JSON in the body: {error}") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _check_name(asked: str, name: str) -> None:
    if asked != name:
        raise Refusal(f"there is no model {asked!r} here, only {name!r}", "model", "model_not_found", 404)


async def _unless_left(request: HTTPRequest, answer: Any) -> Any:
    """The answer; it is given up when the client goes away."""
    work, left = asyncio.ensure_future(answer), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((work, left), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Refusal("the client went away", status=499)
        return work.result()
    finally:
        work.cancel()
        left.cancel()


async def _left(request: HTTPRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _events(first: Any, pieces: AsyncIterator[Any]) -> AsyncIterator[str]:
    """Server-sent events; an error in the middle is the last of them."""
    try:
        yield f"data: {json.dumps(first)}\n\n"
        async for piece in pieces:
            yield f"data: {json.dumps(piece)}\n\n"
    except Exception as error:
        yield f"data: {json.dumps(_failure(error))}\n\n"
    yield "data: [DONE]\n\n"


def _failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, Refusal):
        return error.answer()
    return {"error": {"message": f"the model failed: {error}", "type": "server_error", "param": None, "code": None}}
