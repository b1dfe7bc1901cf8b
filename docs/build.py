"""Build the documentation as HTML: the guides beside this file, and the API reference from the docstrings.

The reference has two kinds of page. A package's page is its table of contents: every public name with its first
sentence, grouped by the file that it comes from. A file's page has all that the file defines - for a family of ops, the
functions and the op classes with their maths - and its source.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import markdown2
import pdoc
import typer
from markupsafe import Markup
from rich.progress import track

import handtorch
from handtorch.io.atomic import atomic_folder

HERE = Path(__file__).parent
GUIDES = {
    "coming-from-pytorch": "Coming from PyTorch",
    "architecture": "Architecture",
    "adding-an-op": "Adding an op",
}
MARKDOWN = ["fenced-code-blocks", "tables", "header-ids", "code-friendly", "cuddled-lists"]


class Page(pdoc.doc.Module):
    """A module with all that it defines, whether or not its ``__all__`` offers it to the package above."""

    @cached_property
    def _member_objects(self) -> dict[str, Any]:
        own = {
            name: value
            for name, value in vars(self.obj).items()
            if getattr(value, "__module__", None) == self.modulename
            if inspect.isfunction(value) or inspect.isclass(value)
        }
        public = [value for name, value in own.items() if not name.startswith("_")]
        # A base class explains what its heirs share, so it is shown even where its own name is private.
        bases = {base for value in public if inspect.isclass(value) for base in value.__mro__}
        return {name: value for name, value in own.items() if value in public or value in bases}


@dataclass(frozen=True)
class Entry:
    """A line of a table of contents."""

    name: str
    home: str
    anchor: str
    summary: str


def modules() -> dict[str, Page]:
    """Every module of Handtorch, by name."""
    found = pkgutil.walk_packages(handtorch.__path__, "handtorch.")
    names = ["handtorch", *(m.name for m in found if not m.name.rpartition(".")[2].startswith("_"))]
    return {name: Page(importlib.import_module(name)) for name in sorted(names)}


def first_sentence(value: Any) -> str:
    """The docstring up to its first full stop or blank line."""
    text = (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ")
    return re.split(r"(?<=[.:]) (?=[A-Z(])", text)[0]


def entry(name: str, value: Any, default: str) -> Entry:
    """The line for a name of a package or of Tensor; ``default`` is the home of what does not say where it is from."""
    if not (inspect.isfunction(value) or inspect.isclass(value)):
        kind = type(value)
        home = default if kind.__module__ in ("builtins", "functools", "types") else kind.__module__
        constant = home == default
        return Entry(name, home, "" if constant else kind.__qualname__, "" if constant else first_sentence(value))
    anchor = value.__qualname__
    return Entry(name, value.__module__, "" if "<locals>" in anchor else anchor, first_sentence(value))


def contents_of(package: Page) -> Iterator[Entry]:
    """The public names of a package that are no modules."""
    for name in getattr(package.obj, "__all__", []):
        value = getattr(package.obj, name)
        if not inspect.ismodule(value):
            yield entry(name, value, package.modulename)


def methods_of_tensor() -> Iterator[Entry]:
    """The methods and attributes of Tensor, by name."""
    for name, value in sorted(vars(handtorch.Tensor).items()):
        target = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if name.startswith("_") or not callable(target):
            continue
        made = entry(name, target, "handtorch.tensor")
        if made.home == "handtorch.ops.attach":  # exp_ is made out of exp, and lives where exp does
            plain = vars(handtorch.Tensor)[name.removesuffix("_")]
            made = replace(made, home=plain.__module__, anchor=plain.__qualname__)
        yield made


def by_home(entries: Iterator[Entry], pages: dict[str, Page]) -> list[tuple[Page | None, list[Entry]]]:
    """Entries grouped by the page that they live on; those without a page come last."""
    groups: dict[str, list[Entry]] = {}
    for line in entries:
        home = pages.get(line.home)
        if home is not None:  # squeeze_ is explained by squeeze, and what has no name of its own by its page
            anchors = [a for a in (line.anchor, line.anchor.removesuffix("_")) if home.get(a)]
            line = replace(line, anchor=anchors[0] if anchors else "")
        groups.setdefault(line.home if home else "", []).append(line)
    return [(pages.get(home), groups[home]) for home in sorted(groups, key=lambda home: (not home, home))]


def plain_stars(docstring: str) -> str:
    """Google-style docstrings as Markdown in which a star is a star: shapes say ``(N, *)``, formulas ``a * b``."""
    parts = re.split(r"(`+[^`]+`+)", docstring)
    parts[::2] = [part.replace("*", r"\*").replace("<", "&lt;") for part in parts[::2]]
    return pdoc.docstrings.convert("".join(parts), "google", None)


def line(docstring: str) -> Markup:
    """The first paragraph of a docstring as HTML, to stand in a list."""
    html = pdoc.render_helpers.to_html(plain_stars(docstring.split("\n\n")[0]))
    return Markup(html.strip().removeprefix("<p>").removesuffix("</p>"))


def render_guide(text: str) -> Markup:
    """A guide's Markdown as HTML; links between guides lead to their pages here."""
    text = re.sub(r"\]\((?!https?:)([\w-]+)\.md", r"](\1.html", text)
    return Markup(markdown2.markdown(text, extras=MARKDOWN))


def write(folder: Path, name: str, html: str) -> None:
    """A page at its module's place."""
    path = folder / (name.replace(".", "/") + ".html")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(re.sub(r"[ \t]+\n", "\n", html), encoding="utf-8")


def build(folder: Path, source: bool = True, progress: bool = True) -> int:
    """Write all pages into an empty folder, with or without the code beside the docstrings; returns how many."""
    warnings.filterwarnings("ignore", module="pdoc")  # it reads annotations inside Tensor, where `int` is a method
    pdoc.render.configure(
        docformat="google",
        template_directory=HERE / "templates",
        footer_text=f"Handtorch {handtorch.__version__}",
        show_source=source,
    )
    env = pdoc.render.env
    env.filters["to_markdown"], env.filters["line"] = plain_stars, line
    pages = modules()
    shared = {"all_modules": pages, "guides": GUIDES, "root_module_name": None}
    env.globals["guides"] = GUIDES
    contents = env.get_template("contents.html.jinja2")

    for name in track(pages, "reference", disable=not progress):
        page = pages[name]
        if page.is_package:
            inside = [m for m in pages if m.rpartition(".")[0] == name]
            groups = by_home(contents_of(page), pages)
            write(folder, name, contents.render(module=page, inside=inside, groups=groups, title=name, **shared))
        else:
            write(folder, name, pdoc.render.html_module(page, pages))
    tensor = {"module": pages["handtorch"], "title": "Tensor", "intro": first_sentence(handtorch.Tensor)}
    groups = by_home(methods_of_tensor(), pages)
    write(folder, "handtorch.Tensor-methods", contents.render(inside=[], groups=groups, **tensor, **shared))

    guide = env.get_template("guide.html.jinja2")
    for name, title in GUIDES.items():
        body = render_guide((HERE / f"{name}.md").read_text(encoding="utf-8"))
        write(folder, name, guide.render(title=title, body=body, **shared))
    write(folder, "index", env.get_template("start.html.jinja2").render(**shared))
    (folder / "search.js").write_text(pdoc.render.search_index(pages), encoding="utf-8")
    if (HERE / "images").is_dir():
        shutil.copytree(HERE / "images", folder / "images")
    return len(pages) + len(GUIDES) + 2


def main(
    output: Annotated[Path, typer.Option(help="The folder to write; what is there is replaced.")] = Path("build/docs"),
    source: Annotated[
        bool, typer.Option(help="Show the code beside the docstrings: pages three times as large.")
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Build the guides and the API reference as HTML.

    Example: python docs/build.py --output build/docs
    """
    with atomic_folder(output, replace=True) as folder:
        count = build(folder, source, progress=not quiet)
    typer.echo(f"{count} pages: open {output / 'index.html'}")


if __name__ == "__main__":
    typer.run(main)
