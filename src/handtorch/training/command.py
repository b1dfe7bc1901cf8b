"""The command line of a :class:`handtorch.training.Program`; needs typer (extra ``viz``)."""

from __future__ import annotations

import inspect
import json
import shlex
import typing
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handtorch.errors import ArgumentError, HandtorchError
from handtorch.training.settings import FILE, field_types, is_tuple, option_of, split, written

if TYPE_CHECKING:
    from handtorch.training.program import Program

_RUNS = Path("runs")
_CONTEXT = "typer_context"  # "context" may be a setting


def command_line(program: Program[Any, Any]) -> typer.Typer:
    """The options are the annotated settings, and those that every program has."""

    def main(**given: Any) -> None:
        context = given.pop(_CONTEXT)
        own = {name: given.pop(name) for name in ("name", "runs", "resume", "overwrite", "as_json")}
        folder = own["runs"] / own["name"]
        try:
            settings = _settings(program, given)
            if own["resume"]:
                _refuse_changes(program, settings, folder, _on_command_line(context, given))
            found = program.run(settings, folder, resume=own["resume"], overwrite=own["overwrite"])
        except HandtorchError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo(_how_to_go_on(program, own["name"], own["runs"]), err=True)
            raise typer.Exit(130) from None
        if own["as_json"]:
            print(json.dumps(found, indent=1))
        else:
            program.show(found, folder)

    # Typer reads the options off a signature.
    context = inspect.Parameter(_CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    options = [context, *_settings_options(program), *_common_options(program)]
    main.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    main.__annotations__ = {}
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(help=program.about, epilog=program.examples)(main)
    return app


def _settings_options(program: Program[Any, Any]) -> Iterator[inspect.Parameter]:
    hints = typing.get_type_hints(program.settings, include_extras=True)
    kinds = field_types(program.settings)
    taken = {parameter.name for parameter in _common_options(program)}
    for field in fields(program.settings):
        option = option_of(hints[field.name])
        if option is None:
            continue
        if field.name in taken:
            raise ArgumentError(f"expected another name for the setting {field.name!r}: every program has that option")
        if is_tuple(kinds[field.name]):
            yield _option(field.name, Annotated[str, option], written(field.default))
        else:
            yield _option(field.name, hints[field.name], field.default)


def _common_options(program: Program[Any, Any]) -> Iterator[inspect.Parameter]:
    def flag(name: str, text: str) -> Any:
        return Annotated[bool, typer.Option(name, help=text)]

    place = typer.Option(help="The run is written into <runs>/<name>.")
    yield _option("name", Annotated[str, place], program.name)
    yield _option("runs", Annotated[Path, typer.Option(help="Where runs are kept.")], _RUNS)
    yield _option("resume", flag("--resume", "Continue the run, with the settings it began with."), False)
    yield _option("overwrite", flag("--overwrite", "Begin anew where a run of that name is."), False)
    yield _option("as_json", flag("--json", "Print the metrics as JSON."), False)


def _option(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _settings(program: Program[Any, Any], given: dict[str, Any]) -> Any:
    """The settings of the options; texts of numbers become tuples."""
    hints = typing.get_type_hints(program.settings, include_extras=True)
    kinds = field_types(program.settings)
    values = dict(given)
    for name, text in given.items():
        if is_tuple(kinds[name]):
            option = option_of(hints[name])
            try:
                values[name] = split(text, kinds[name], option.min, option.max)
            except ArgumentError as error:
                raise ArgumentError(f"{_spelled(name)}: {error}") from None
    return program.settings(**values)


def _on_command_line(context: typer.Context, given: dict[str, Any]) -> list[str]:
    sources = {name: context.get_parameter_source(name) for name in given}
    return [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


def _refuse_changes(program: Program[Any, Any], settings: Any, folder: Path, named: list[str]) -> None:
    """A run goes on with the settings it began with: to ask for others is a mistake, and is told."""
    before = program.begun(folder)
    changed = [name for name in named if before and getattr(before, name) != getattr(settings, name)]
    if changed:
        told = ", ".join(f"{_spelled(name)} {written(getattr(before, name))}" for name in changed)
        raise ArgumentError(
            f"the run in {folder} began with {told} and goes on with that; "
            f"try: --resume without {' '.join(map(_spelled, changed))}, or --name for a new run"
        )


def _spelled(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _how_to_go_on(program: Program[Any, Any], name: str, runs: Path) -> str:
    if program.epochs_done(runs / name) is None or not (runs / name / FILE).exists():
        return "interrupted before the training began; the same command starts it again"
    options = ["--resume"]
    options += [] if name == program.name else ["--name", name]
    options += [] if runs == _RUNS else ["--runs", str(runs)]
    return f"interrupted; continue with: {program.call.format(shlex.join(options))}"
