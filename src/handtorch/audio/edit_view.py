"""Hypotheses beside their references with the edits coloured: three lines for a terminal, a page for a browser."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from handtorch.audio.edit_distance import Kind, Symbols, as_symbols, edits
from handtorch.audio.metrics import ErrorRate, confusions, error_rate
from handtorch.errors import require
from handtorch.io.atomic import atomic_write

# Letters below the columns: who cannot see the colours can read those.
_LETTERS: dict[Kind, str] = {"equal": "", "substitute": "S", "insert": "I", "delete": "D"}
_STYLES: dict[Kind, str] = {"equal": "", "substitute": "yellow", "insert": "blue", "delete": "red"}
_NOTHING = "*"
_CONFUSIONS_SHOWN = 12


class Compared(NamedTuple):
    """One row of the page."""

    name: str
    """Which recording."""
    reference: Symbols
    hypothesis: Symbols


def edit_lines(reference: Symbols, hypothesis: Symbols, *, width: int = 100) -> Any:
    """The alignment as lines for a terminal: what was said, what was heard, and beneath what differs a letter.

    ::

        said   HH AH L  OW *
        heard  HH EH L  *  UW
                  S     D  I

    Args:
        reference: symbols; of a string, its words.
        hypothesis: symbols.
        width: columns of the terminal; what is longer goes on in three further lines.

    Returns:
        a ``rich.text.Text``: ``rich.print`` shows it in colours, ``.plain`` is the string without.

    Raises:
        MissingExtraError: the packages rapidfuzz or rich are not installed.
    """
    text = require("rich.text", extra="speech").Text
    cell_len = require("rich.cells", extra="speech").cell_len
    columns = _columns(_words(reference), _words(hypothesis))
    blocks: list[list[Any]] = []
    for kind, said, heard in columns:
        cells = (_NOTHING if said is None else said, _NOTHING if heard is None else heard, _LETTERS[kind])
        wide = max(map(cell_len, cells))
        if not blocks or blocks[-1][0].cell_len + 1 + wide > width:
            blocks.append([text(margin) for margin in ("said  ", "heard ", "      ")])
        for line, cell in zip(blocks[-1], cells, strict=True):
            line.append(" ")
            line.append(cell, style=_STYLES[kind])
            line.append(" " * (wide - cell_len(cell)))
    for block in blocks:
        for line in block:
            line.rstrip()
    return text("\n\n").join(text("\n").join(block) for block in blocks)


def edit_page(
    rows: Iterable[Compared | tuple[str, Symbols, Symbols]],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "Heard and said",
    notes: Mapping[str, str] | None = None,
    spelled: bool = False,
) -> str:
    """A page with every hypothesis beside its reference, edits coloured, totals and the commonest confusions on top.

    It is one file without links to others and works offline, on a phone, on paper and with a dark background.

    Args:
        rows: name, reference and hypothesis of each recording, in the order to show; of a string, its words,
            or its characters where ``spelled``.
        path: the HTML file to write, if any.
        title: the headline.
        notes: further facts to put beside the totals, such as ``{"decoder": "beam 50"}``.
        spelled: whether symbols are characters, which stand without gaps; a blank that is no edit is a gap again.

    Returns:
        the text of the page.

    Raises:
        MissingExtraError: the package rapidfuzz is not installed.
    """
    symbols: Callable[[Symbols], list[str]] = list if spelled else _words  # type: ignore[assignment]
    compared = [(str(name), symbols(reference), symbols(hypothesis)) for name, reference, hypothesis in rows]
    references, hypotheses = [row[1] for row in compared], [row[2] for row in compared]
    total = error_rate(references, hypotheses)
    page = "\n".join(
        [
            _HEAD.replace("@TITLE@", html.escape(title)),
            _totals(total, notes or {}),
            _confusion_table(references, hypotheses),
            *(_row(*row, "" if spelled else " ") for row in compared),
            "</main></body></html>",
            "",
        ]
    )
    if path is not None:
        with atomic_write(path, "w") as file:
            file.write(page)
    return page


def _words(symbols: Symbols) -> list[str]:
    return symbols.split() if isinstance(symbols, str) else [str(symbol) for symbol in as_symbols(symbols)]


def _columns(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[Kind, str | None, str | None]]:
    return [
        (kind, None if i is None else reference[i], None if j is None else hypothesis[j])
        for kind, i, j in edits(reference, hypothesis)
    ]


def _totals(total: ErrorRate, notes: Mapping[str, str]) -> str:
    facts = {
        "error rate": f"{total.rate:.2%}",
        "substituted": str(total.substitutions),
        "inserted": str(total.insertions),
        "deleted": str(total.deletions),
        "symbols": str(total.symbols),
        "sequences wrong": f"{total.wrong_sequences} of {total.sequences}",
        "edits a sequence": f"{total.mean_distance:.2f}",
        **notes,
    }
    cells = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in facts.items()
    )
    return f'<dl class="totals">{cells}</dl>'


def _confusion_table(references: list[list[str]], hypotheses: list[list[str]]) -> str:
    common = confusions(references, hypotheses).most_common(_CONFUSIONS_SHOWN)
    if not common:
        return "<p>Every symbol was heard as it was said.</p>"
    items = "".join(f"<li>{_cell(_kind(*pair), *pair)} {count}×</li>" for pair, count in common)
    return f'<h2>Commonest errors</h2><ol class="confusions">{items}</ol><h2>Sequence by sequence</h2>'


def _kind(said: Any, heard: Any) -> Kind:
    if said is None:
        return "insert"
    return "delete" if heard is None else "substitute"


def _row(name: str, reference: list[str], hypothesis: list[str], gap: str) -> str:
    columns = _columns(reference, hypothesis)
    wrong = sum(kind != "equal" for kind, _, _ in columns)
    verdict = f"{wrong} of {len(reference)}" if wrong else "right"
    line = gap.join(_cell(*column) for column in columns)
    return f"<article><h3>{html.escape(name)} <small>{verdict}</small></h3><p>{line}</p></article>"


def _cell(kind: Kind, said: Any, heard: Any) -> str:
    """``<del>`` for what was said and not heard, ``<ins>`` the other way: screen readers know these two."""
    if kind == "equal":
        return html.escape(said)
    gone = "" if said is None else f"<del>{_shown(said)}</del>"
    come = "" if heard is None else f"<ins>{_shown(heard)}</ins>"
    return f'<span class="{kind}">{gone}{come}</span>'


def _shown(symbol: str) -> str:
    """A blank that was put in or left out has to be seen."""
    return "␣" if symbol == " " else html.escape(symbol)


_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>@TITLE@</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --soft: #666; --line: #ddd;
  --substitute: #ffe9a8; --insert: #cfe3ff; --delete: #ffd3cf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --soft: #9a9a9a; --line: #333;
  --substitute: #5a4700; --insert: #123a6b; --delete: #6b1d17; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
h3 { font-size: .9rem; margin: 0; font-weight: 600; overflow-wrap: anywhere; }
small { color: var(--soft); font-weight: 400; margin-left: .5em; }
.totals { display: flex; flex-wrap: wrap; gap: .25rem 2rem; margin: 0; }
.totals dt { color: var(--soft); font-size: .8rem; } .totals dd { margin: 0; font-size: 1.2rem; }
.confusions { display: flex; flex-wrap: wrap; gap: .25rem 2rem; list-style: none; padding: 0; }
article { border-top: 1px solid var(--line); padding: .6rem 0; } article p { margin: 0; overflow-wrap: anywhere; }
del, ins { border-radius: .2em; padding: 0 .2em; }
del { text-decoration: line-through; } ins { text-decoration: underline; }
.substitute del, .substitute ins { background: var(--substitute); } .substitute del { margin-right: .15em; }
.insert ins { background: var(--insert); } .delete del { background: var(--delete); }
.legend { color: var(--soft); font-size: .9rem; }
</style></head><body><main><h1>@TITLE@</h1>
<p class="legend"><span class="substitute"><del>said</del><ins>heard</ins></span> substituted,
<span class="insert"><ins>heard</ins></span> inserted, <span class="delete"><del>said</del></span> deleted</p>"""
