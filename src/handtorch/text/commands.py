"""The commands of ``python -m handtorch.text``; needs typer and rich (extra ``text``)."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from json import dumps, loads
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from handtorch.errors import ArgumentError, FormatError, MissingFileError, require
from handtorch.io.commands import told_plainly
from handtorch.io.progress import progress
from handtorch.text.completions import Limits
from handtorch.text.export import export_gpt2, export_onnx
from handtorch.text.judge import Judge
from handtorch.text.model import TextModel
from handtorch.text.surprise import Perplexity

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Language models: write with one, serve it, and say how plausible texts are.",
)

ModelPath = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A run's model.safetensors or folder, or a GPT-2 folder.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(
    epilog="""Examples:

  python -m handtorch.text generate runs/hw4p1/model.safetensors "ROMEO."

  python -m handtorch.text generate gpt2/ "Once upon a time" --top-p 0.9 --stop "." --count 3

  head -5 hamlet.txt | python -m handtorch.text generate runs/hw4p1/model.safetensors - --json"""
)
def generate(
    model: ModelPath,
    prompt: Annotated[str, typer.Argument(help="What the text begins with; - reads it from standard input.")] = "",
    max_tokens: Annotated[int, typer.Option(min=0, help="The most tokens to write.")] = 200,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest token, 1 draws.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Draw from so many of the likeliest tokens.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw from the fewest tokens that are so probable.")] = None,
    repetition_penalty: Annotated[float, typer.Option(help="Above 1: less of what was there already.")] = 1.0,
    stop: Annotated[list[str] | None, typer.Option(help="A text to end at; may be given several times.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed writes the same text.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many texts to write.")] = 1,
    json: Json = False,
) -> None:
    """Go on from a prompt, and print prompt and text as it is written."""
    with told_plainly():
        writer = TextModel.open(model)
        begin = sys.stdin.read() if prompt == "-" else prompt
        texts = []
        for i in range(count):
            pieces = writer.stream(
                begin,
                max_tokens=max_tokens,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                repetition_penalty=repetition_penalty,
                stop=stop or (),
                seed=None if seed is None else seed + i,
            )
            if json:
                texts.append("".join(pieces))
                continue
            if i:
                typer.echo("---")
            typer.echo(begin, nl=False)
            for piece in pieces:
                typer.echo(piece, nl=False)
                sys.stdout.flush()
            typer.echo()
        if json:
            typer.echo(dumps({"prompt": begin, "texts": texts}, indent=1, ensure_ascii=False))


@app.command(
    epilog="""Examples:

  python -m handtorch.text serve runs/hw4p1/model.safetensors

  python -m handtorch.text serve gpt2/ --port 9000 --name gpt2

  curl http://127.0.0.1:8000/v1/completions --json '{"model": "hw4p1", "prompt": "ROMEO.", "max_tokens": 50}'"""
)
def serve(
    model: ModelPath,
    host: Annotated[
        str, typer.Option(help="The address to listen at; 0.0.0.0 lets everybody in who can reach this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8000,
    name: Annotated[str | None, typer.Option(help="What requests call the model; by default its folder.")] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="The most tokens that a request may ask for.")] = 4096,
) -> None:
    """Answer the OpenAI completions API (POST /v1/completions, GET /v1/models) until Ctrl-C."""
    with told_plainly():
        for package in ("starlette", "uvicorn"):
            require(package, extra="text")
        from handtorch.text import server

        writer = TextModel.open(model)
        called = name or _name_of(model)
        socket = server.listening(host, port)
        address = f"[{host}]" if ":" in host else host
        url = f"http://{address}:{socket.getsockname()[1]}/v1"
        typer.echo(f"{called} answers at {url}; Ctrl-C ends it", err=True)
        server.serve(writer, called, socket, Limits(max_tokens=max_tokens))


@app.command(
    epilog="""Examples:

  python -m handtorch.text perplexity runs/hw4p1/model.safetensors play.txt

  python -m handtorch.text perplexity gpt2/ *.txt --json"""
)
def perplexity(
    model: ModelPath,
    files: Annotated[list[Path], typer.Argument(help="Texts, UTF-8; - is standard input.")],
    json: Json = False,
) -> None:
    """Say how well a model foresees texts: perplexity by token, word and character."""
    with told_plainly():
        reader = TextModel.open(model)
        texts = [_text(file) for file in files]
        with progress("reading", len(texts)) as step:
            found = []
            for text in texts:
                found.append(reader.perplexity(text))
                step()
    _tell([str(file) for file in files], found, json)


@app.command(
    epilog="""Examples:

  python -m handtorch.text serve gpt2/ &

  python -m handtorch.text generate runs/hw4p1/model.safetensors "ROMEO." --count 20 --json > samples.json

  python -m handtorch.text judge samples.json --url http://127.0.0.1:8000/v1

  OPENAI_API_KEY=... python -m handtorch.text judge samples.txt --lines --model davinci-002 --json"""
)
def judge(
    files: Annotated[
        list[Path],
        typer.Argument(help="Texts, UTF-8; - is standard input; .json: what `generate --json` printed."),
    ],
    url: Annotated[
        str | None, typer.Option(help="Of the server; default $OPENAI_BASE_URL, or else OpenAI's own.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="What the server calls it; default $HANDTORCH_JUDGE, or its only one.")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Every line is a text of its own.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for a request.")] = 60.0,
    json: Json = False,
) -> None:
    """Ask a server that speaks the OpenAI completions API how plausible it finds texts. The key is $OPENAI_API_KEY.

    Of texts that `generate --json` printed the prompt is read, and does not count.
    """
    with told_plainly():
        asked = Judge(model, base_url=url, timeout=timeout)
        parts = [part for file in files for part in _judged(file, lines)]
        with progress(f"asking {asked.url}", len(parts)) as step:
            found = []
            for verdict in asked.each([part.text for part in parts], [part.prompt for part in parts]):
                found.append(verdict.perplexity)
                step()
    _tell([part.name for part in parts], found, json)


@app.command(
    epilog="""Examples:

  python -m handtorch.text export runs/hw4p1/model.safetensors model.onnx

  python -m handtorch.text export runs/hw4p1/model.safetensors for-transformers/

  python -m handtorch.text export gpt2/ gpt2.safetensors"""
)
def export(
    model: ModelPath,
    to: Annotated[Path, typer.Argument(help="A .onnx or .safetensors file, or a folder for GPT-2's layout.")],
) -> None:
    """Write a model for other programs: as ONNX, as one safetensors file, or in the layout of transformers."""
    with told_plainly():
        source = TextModel.open(model)
        if to.suffix == ".onnx":
            export_onnx(source, to)
        elif to.suffix == ".safetensors":
            source.save(to)
        elif not to.suffix:
            export_gpt2(source, to)
        else:
            raise ArgumentError(f"expected a file that ends in .onnx or .safetensors, or a folder, got {to}")
    typer.echo(f"written: {to}", err=True)


@app.command(
    epilog="""Examples:

  python -m handtorch.text info runs/hw4p1/model.safetensors

  python -m handtorch.text info gpt2/ --json"""
)
def info(model: ModelPath, json: Json = False) -> None:
    """Say what a model is made of."""
    with told_plainly():
        opened = TextModel.open(model)
    facts: dict[str, Any] = {
        "network": type(opened.network).__name__,
        "weights": sum(weight.numel() for weight in {id(w): w for w in opened.network.parameters()}.values()),
        "tokenizer": type(opened.tokenizer).__name__,
        "tokens": len(opened.tokenizer),
        "special tokens": list(opened.tokenizer.special),
        "longest text": opened.max_length,
        "settings": opened.network.settings,
    }
    if json:
        typer.echo(dumps(facts, indent=1, ensure_ascii=False))
        return
    settings = ", ".join(f"{name}={value}" for name, value in facts.pop("settings").items())
    facts["weights"] = f"{facts['weights']:,}"
    facts["special tokens"] = " ".join(facts["special tokens"]) or "none"
    facts["longest text"] = f"{opened.max_length} tokens" if opened.max_length else "any"
    for name, value in [*facts.items(), ("settings", settings)]:
        typer.echo(f"{name:15} {value}")


def _name_of(path: Path) -> str:
    """What a model is called: the run's folder of ``runs/hw4p1/model.safetensors``, else the file or folder itself."""
    place = path.resolve()
    return place.parent.name if place.name == "model.safetensors" else place.stem


def _text(file: Path) -> str:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingFileError(f"expected a text, but there is no file {file}") from None
    except UnicodeDecodeError as error:
        raise ArgumentError(f"expected UTF-8 in {file}: {error}") from None
    if not text.strip():
        raise ArgumentError(f"expected a text in {file}, which has none")
    return text


class _Judged(NamedTuple):
    """A text for the judge, what it is called, and what stands before it."""

    name: str
    prompt: str
    text: str


def _judged(file: Path, lines: bool) -> list[_Judged]:
    text = _text(file)
    if file.suffix == ".json":
        try:
            written = loads(text)
            prompt, texts = str(written["prompt"]), [str(one) for one in written["texts"]]
        except (ValueError, KeyError, TypeError):
            raise FormatError(f"expected what `generate --json` prints in {file}") from None
        found = [_Judged(f"{file}:{i}", prompt, one) for i, one in enumerate(texts, 1) if one]
        if not found:
            raise ArgumentError(f"expected a text in {file}, which has none")
        return found
    if lines:
        return [_Judged(f"{file}:{i}", "", line) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    return [_Judged(str(file), "", text)]


def _tell(names: Sequence[str], found: Sequence[Perplexity], json: bool) -> None:
    total = sum(found[1:], found[0])
    if json:
        texts = [{"name": name, **_numbers(one)} for name, one in zip(names, found, strict=True)]
        typer.echo(dumps({"texts": texts, "all": _numbers(total)}, indent=1, ensure_ascii=False))
        return
    width = max(map(len, [*names, "text"]))
    typer.echo(f"{'text':{width}}  {'per token':>10} {'per word':>10} {'per char':>10}  tokens")
    rows = [*zip(names, found, strict=True), *([("all", total)] if len(found) > 1 else [])]
    for name, one in rows:
        numbers = " ".join(f"{number:10.4g}" for number in (one.token, one.word, one.character))
        typer.echo(f"{name:{width}}  {numbers}  {one.tokens}")


def _numbers(one: Perplexity) -> dict[str, Any]:
    parts = {"token": one.token, "word": one.word, "character": one.character}
    return {
        "perplexity": {name: number if math.isfinite(number) else None for name, number in parts.items()},
        "nll": one.nll,
        "tokens": one.tokens,
        "words": one.words,
        "characters": one.characters,
    }
