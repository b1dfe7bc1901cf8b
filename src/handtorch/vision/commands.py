"""The commands of ``python -m handtorch.vision``; needs typer (extra ``viz``)."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from handtorch.errors import HandtorchError
from handtorch.io.commands import told_plainly
from handtorch.vision.datasets import FashionMNIST, ORLFaces, SmallMNIST
from handtorch.vision.datasets.mnist import MNIST
from handtorch.vision.faces import GeneratedFaces, Recipe, contact_sheet
from handtorch.vision.faces.recipe import SPLITS
from handtorch.vision.images import write_image

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Pictures: data sets and faces."
)


@app.command(
    epilog="""Examples:

  python -m handtorch.vision faces

  python -m handtorch.vision faces --sheet faces.png --rows 12 --columns 16

  python -m handtorch.vision faces --people 30 --val 4 --test 6 --size 128 --sheet large.png"""
)
def faces(
    people: Annotated[int, typer.Option(help="People in all splits together.")] = Recipe().people,
    pictures: Annotated[int, typer.Option(help="Pictures of each person.")] = Recipe().pictures,
    val: Annotated[int, typer.Option(help="People to choose settings on.")] = Recipe().val,
    test: Annotated[int, typer.Option(help="People to report on.")] = Recipe().test,
    size: Annotated[int, typer.Option(help="Height and width in pixels.")] = Recipe().size,
    seed: Annotated[int, typer.Option(help="Another seed gives other people.")] = Recipe().seed,
    split: Annotated[str, typer.Option(help=f"The split on the sheet: {', '.join(SPLITS)}.")] = "test",
    sheet: Annotated[Path | None, typer.Option(help="Write a contact sheet, one person a row (.png, .jpg).")] = None,
    rows: Annotated[int, typer.Option(min=1, help="People on the sheet.")] = 10,
    columns: Annotated[int, typer.Option(min=1, help="Pictures of each on the sheet.")] = 12,
    processes: Annotated[int | None, typer.Option(help="How many build at once; default one a core.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Build the generated faces, once, say what is in them, and draw a contact sheet."""
    with told_plainly():
        recipe = Recipe(people=people, pictures=pictures, val=val, test=test, size=size, seed=seed)
        recipe.members(split)
        built = {name: GeneratedFaces(name, recipe=recipe, processes=processes) for name in SPLITS}
        if sheet is not None:
            _write_sheet(sheet, built[split], rows, columns)
    folder = built["train"].folder
    if json:
        counts = {name: {"people": len(data.classes), "pictures": len(data)} for name, data in built.items()}
        typer.echo(dumps({"folder": str(folder), "splits": counts, "sheet": sheet and str(sheet)}, indent=1))
        return
    for name, data in built.items():
        typer.echo(f"{name:9} {len(data.classes):4} people  {len(data):5} pictures")
    typer.echo(f"in {folder}" + (f"; {split} on {sheet}" if sheet else ""))


def _write_sheet(path: Path, data: GeneratedFaces, rows: int, columns: int) -> None:
    import numpy as np

    targets = data.targets.numpy()
    chosen = [np.flatnonzero(targets == person)[:columns] for person in range(min(rows, len(data.classes)))]
    columns = max(map(len, chosen))
    write_image(path, contact_sheet(data.data.numpy()[np.concatenate(chosen)], columns))


@app.command(
    epilog="""Examples:

  python -m handtorch.vision datasets

  python -m handtorch.vision datasets --json"""
)
def datasets(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which data sets are installed, and how to get the others."""
    kinds: tuple[Any, ...] = (MNIST, FashionMNIST, SmallMNIST, ORLFaces)
    found = {}
    for kind in kinds:
        try:
            found[kind.__name__] = f"{len(kind())} pictures"
        except HandtorchError as error:
            found[kind.__name__] = str(error)
    if json:
        typer.echo(dumps(found, indent=1))
        return
    for name, what in found.items():
        typer.echo(f"{name:13} {what}")
