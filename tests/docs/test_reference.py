"""The documentation as it is built: every public name has its place, and every link leads somewhere."""

import inspect
import re
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

import handtorch
from handtorch import nn, optim

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
import build  # type: ignore[import-not-found]


class Links(HTMLParser):
    """What a page links to, and the places that others may link to."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a" and "href" in attrs:
            self.targets.append(attrs["href"])
        if "id" in attrs:
            self.anchors.add(attrs["id"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build.build(folder, source=False, progress=False)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.html")}


def linked_names(page):
    return set(re.findall(r'<dt id="([^"]+)"><a href', page))


@pytest.mark.parametrize("package", [nn, nn.functional, optim, handtorch.optim.lr_scheduler, handtorch.utils.data])
def test_every_class_and_function_of_a_package_is_in_its_table_of_contents(site, package):
    public = {
        name for name in package.__all__ if inspect.isclass(getattr(package, name)) or callable(getattr(package, name))
    }
    assert len(public) > 10
    assert public <= linked_names(site[package.__name__.replace(".", "/") + ".html"])


def test_every_function_of_the_framework_is_in_the_table_of_contents(site):
    public = {name for name in handtorch.__all__ if inspect.isfunction(getattr(handtorch, name))}
    assert len(public) > 300
    assert public <= linked_names(site["handtorch.html"])


def test_every_method_of_tensor_is_listed(site):
    methods = {
        name
        for name in vars(handtorch.Tensor)
        if not name.startswith("_") and callable(getattr(handtorch.Tensor, name))
    }
    assert len(methods) > 300
    assert methods <= linked_names(site["handtorch/Tensor-methods.html"])


def test_every_link_leads_to_a_page_and_a_place_on_it(site):
    pages = {name: Links(text) for name, text in site.items()}
    broken = []
    for name, page in pages.items():
        for target in page.targets:
            if target.startswith(("http:", "https:")):
                continue
            path, _, anchor = target.partition("#")
            goal = (Path("/", name).parent / path).resolve().relative_to("/").as_posix() if path else name
            if goal not in pages or (anchor and unescape(anchor) not in pages[goal].anchors):
                broken.append((name, target))
    assert len(pages) > 200
    assert not broken


def test_an_op_shows_its_maths_and_a_layer_what_its_arguments_mean(site):
    assert "dL/dx = g y (1 - y)" in site["handtorch/ops/activation.html"]
    assert "the length of axis 1" in site["handtorch/nn/normalization.html"]


def test_no_page_names_a_place_of_the_machine_it_was_built_on(site):
    assert not [
        name
        for name, text in site.items()
        if str(Path.home()) + "/" in text or str(Path(handtorch.__file__).parent) in text
    ]


def test_every_public_function_and_class_has_a_docstring():
    packages = [
        handtorch,
        nn,
        nn.functional,
        nn.utils,
        optim,
        handtorch.optim.lr_scheduler,
        handtorch.autograd,
    ]
    values = [(p.__name__, name, getattr(p, name)) for p in packages for name in p.__all__]
    assert not [
        (p, name) for p, name, v in values if (inspect.isclass(v) or inspect.isfunction(v)) and not inspect.getdoc(v)
    ]
    methods = {name: value for name, value in vars(handtorch.Tensor).items() if not name.startswith("_")}
    assert not [name for name, v in methods.items() if (callable(v) or isinstance(v, property)) and not v.__doc__]
