"""Looking inside: the ledger's accounts, the drawing, the replayed backward pass."""

import csv
import importlib
import io
import json
import pkgutil
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import handtorch
from handtorch import autograd, nn
from handtorch.errors import ArgumentError


@pytest.fixture
def network():
    handtorch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
    with autograd.recording(model):
        loss = nn.functional.cross_entropy(model(handtorch.randn(32, 8)), handtorch.zeros(32, dtype=handtorch.int64))
    return model, loss


def test_the_ledger_lists_every_op_with_its_module_and_times(network):
    model, loss = network
    found = autograd.ledger(loss, model)
    assert [(e.node.name, e.node.module) for e in found.entries] == [
        ("CrossEntropy", ""), ("Linear", "3"), ("ReLU", "2"), ("BatchNorm", "1"), ("Linear", "0"),
    ]  # fmt: skip
    assert all(e.forward > 0 and e.backward > 0 for e in found.entries)
    text = str(found)
    assert "5 ops" in text and "32×16" in text
    assert len(found.costliest(2).entries) == 2


def test_the_ledger_counts_each_kept_byte_once():
    x = handtorch.zeros(1000, dtype=handtorch.float64, requires_grad=True)
    y = x.exp()
    found = autograd.ledger((y * y).sum())
    assert found.kept == 8000
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [row["op"] for row in rows] == ["Sum", "Mul", "Exp"]
    assert sum(int(row["kept_bytes"]) for row in rows) == 8000


def test_looking_changes_nothing(network, tmp_path):
    model, loss = network
    autograd.ledger(loss)
    autograd.replay(loss, tmp_path / "replay.html")
    autograd.draw(loss)
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_recording_ends_with_its_block_and_takes_its_hooks_away():
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(KeyError), autograd.recording(model):
        raise KeyError
    y = model(handtorch.ones(1, 2))
    assert not hasattr(y.op, "module_path")
    assert not model._forward_hooks and not model[0]._forward_pre_hooks


def test_the_drawing_is_well_formed_and_has_a_box_for_every_node(network, tmp_path):
    model, loss = network
    text = autograd.draw(loss, tmp_path / "graph.svg", model)
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == text
    boxes = ElementTree.fromstring(text).findall("{http://www.w3.org/2000/svg}g")
    labels = [box.find("{http://www.w3.org/2000/svg}text").text for box in boxes]
    assert len(labels) == 5 + 6
    assert {"CrossEntropy", "0.weight", "3.bias"} <= set(labels)


def test_boxes_never_overlap_and_every_op_stands_below_what_it_uses():
    x = handtorch.ones(3, requires_grad=True)
    y = sum((x * i).exp() for i in range(1, 9)) + x
    from handtorch.autograd.drawing import layout
    from handtorch.autograd.graph import nodes_of

    nodes = nodes_of(y.sum())
    places = layout(nodes)
    rows = {}
    for node in nodes:
        rows.setdefault(places[node.number][1], []).append(places[node.number][0])
        for source in node.inputs:
            if source is not None:
                assert places[source][1] < places[node.number][1]
    for row in rows.values():
        assert all(b - a > 150 for a, b in zip(sorted(row), sorted(row)[1:], strict=False))


def test_the_replay_shows_the_gradients_that_really_flow(tmp_path):
    x = handtorch.tensor([1.0, 2.0], requires_grad=True)
    w = handtorch.tensor([3.0, -1.0], requires_grad=True)
    page = autograd.replay((x * w).tanh().sum(), tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    steps = json.loads(re.search(r"const steps = (.*);\n", page).group(1))
    assert [s["title"] for s in steps] == ["Sum", "Tanh", "Mul", "leaf", "leaf"]
    product = steps[2]
    slope = 1 - np.tanh(np.array([3.0, -2.0])) ** 2
    np.testing.assert_allclose([float(v) for v in product["in"][0]["values"][0]], slope, rtol=1e-3)
    np.testing.assert_allclose([float(v) for v in product["out"][0]["values"][0]], slope * [3, -1], rtol=1e-3)
    assert "tanh" in steps[1]["formula"]
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_text_of_the_program_cannot_break_out_of_the_page(tmp_path):
    x = handtorch.ones(1, requires_grad=True)
    y = x * 2  # </script><b>
    page = autograd.replay(y, tmp_path / "page.html")
    assert page.count("</script>") == 1


def test_graphs_that_nobody_can_look_at_are_refused(tmp_path):
    x = handtorch.ones(1, requires_grad=True)
    with pytest.raises(ArgumentError, match="a leaf"):
        autograd.replay(x, tmp_path / "page.html")
    y = x
    for _ in range(2100):
        y = y + 1
    with pytest.raises(ArgumentError, match="at most 2000"):
        autograd.draw(y)
    with pytest.raises(ArgumentError, match="at most 500"):
        autograd.replay(y, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_no_module_hides_a_function_of_the_package_once_it_is_imported():
    for package in ("handtorch", "handtorch.autograd", "handtorch.nn", "handtorch.nn.utils", "handtorch.training"):
        module = importlib.import_module(package)
        names = {m.name for m in pkgutil.iter_modules(module.__path__)} - {"__main__"}
        before = {name: getattr(module, name, None) for name in names}
        for name in names:
            importlib.import_module(f"{package}.{name}")
        hidden = [n for n, value in before.items() if callable(value) and getattr(module, n) is not value]
        assert not hidden
