"""replay: a page that steps back through a graph, op by op, with what flows into and out of each."""

from __future__ import annotations

import html
import json
import os
from typing import Any

import numpy as np

from handtorch.autograd.drawing import to_svg
from handtorch.autograd.graph import Node, human, nodes_of, parameter_names
from handtorch.errors import ArgumentError
from handtorch.io.atomic import atomic_write
from handtorch.tensor import Tensor

_SHOWN = 64  # elements up to which values are on the page
_LIMIT = 500


def replay(tensor: Any, path: str | os.PathLike[str], model: Any = None) -> str:
    """Write a page that steps back from ``tensor`` to its leaves: for each op its formula, the line that ran it, the
    gradient that comes in, what the op had kept, and the gradient that goes to each input, with shapes and norms, and
    with values where there are at most 64.

    The backward pass is really run, for this page only: no ``.grad`` is touched and nothing is freed. The page is one
    file and works offline; arrow keys step.

    Args:
        tensor: a result; the gradient of all of its elements starts at 1.
        path: the HTML file.
        model: names its parameters.

    Returns:
        the text of the page.

    Raises:
        ArgumentError: ``tensor`` is no result, or its graph has more than 500 nodes.
    """
    if tensor.op is None:
        raise ArgumentError("expected the result of an operation that requires gradients, got a leaf")
    nodes = nodes_of(tensor, parameter_names(model))
    if len(nodes) > _LIMIT:
        raise ArgumentError(f"expected a graph of at most {_LIMIT} nodes, got {len(nodes)}; replay a smaller input")
    flows = _flows(tensor, nodes)
    steps = [_step(node, nodes, flows) for node in nodes if not node.is_leaf]
    steps += [_leaf_step(node, flows) for node in nodes if node.is_leaf]
    text = _PAGE.replace("@SVG@", to_svg(nodes)).replace("@STEPS@", _embedded(steps))
    with atomic_write(path, "w") as file:
        file.write(text)
    return text


def _flows(tensor: Any, nodes: list[Node]) -> dict[int, tuple[Any, Any]]:
    """For each op the gradient that came in and the shares that went out; for a leaf its whole gradient."""
    from handtorch.autograd.engine import grad

    flows: dict[int, tuple[Any, Any]] = {}
    ops = [node.op for node in nodes if not node.is_leaf]
    leaves = [node.op for node in nodes if node.is_leaf]
    for op in ops:
        op.backward = _watched(op, flows)
    try:
        found = grad(tensor, leaves, Tensor.of(np.ones_like(tensor.array)), retain_graph=True, allow_unused=True)
    finally:
        for op in ops:
            del op.backward
    for leaf, g in zip(leaves, found, strict=True):
        flows[id(leaf)] = (None if g is None else g.array, ())
    return flows


def _watched(op: Any, flows: dict[int, tuple[Any, Any]]) -> Any:
    plain = op.backward

    def backward(g: Any) -> Any:
        shares = plain(g)
        flows[id(op)] = (g, shares if isinstance(shares, tuple) else (shares,))
        return shares

    return backward


def _step(node: Node, nodes: list[Node], flows: dict[int, tuple[Any, Any]]) -> dict[str, Any]:
    g, shares = flows.get(id(node.op), (None, ()))
    incoming = g if isinstance(g, tuple) else (g,)
    saved = [value.array if isinstance(value, Tensor) else value for value in node.op.saved or ()]
    return {
        "node": node.number,
        "title": node.name,
        "module": node.module,
        "formula": node.formula,
        "line": node.line,
        "kept": human(node.kept),
        "in": [_array(x) for x in incoming if x is not None],
        "saved": [_array(x) for x in saved if isinstance(x, np.ndarray)],
        "out": [
            {"to": None if source is None else nodes[source].name, "node": source, **_array(share)}
            for source, share in zip(node.inputs, shares, strict=False)
            if share is not None and source is not None
        ],
    }


def _leaf_step(node: Node, flows: dict[int, tuple[Any, Any]]) -> dict[str, Any]:
    g = flows[id(node.op)][0]
    return {
        "node": node.number,
        "title": node.name,
        "module": "",
        "formula": "A leaf: what has come here is its gradient, and backward() adds it to .grad",
        "line": "",
        "kept": "",
        "in": [] if g is None else [_array(g)],
        "saved": [_array(node.op.array)],
        "out": [],
    }


def _array(array: Any) -> dict[str, Any]:
    array = np.asarray(array)
    return {
        "shape": "×".join(map(str, array.shape)) or "number",
        "norm": f"{np.linalg.norm(array.astype(complex if array.dtype.kind == 'c' else float).ravel()):.4g}",
        "values": _rows(array) if 0 < array.size <= _SHOWN else None,
    }


def _rows(array: np.ndarray) -> list[list[str]]:
    table = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    return [[f"{value:.4g}" for value in row] for row in table.tolist()]


def _embedded(steps: list[dict[str, Any]]) -> str:
    """JSON that cannot end the script element that it stands in."""
    return json.dumps(steps, ensure_ascii=False).replace("<", "\\u003c")


_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape("Handtorch: one backward pass, step by step")}</title>
<style>
body {{ margin: 0; font: 15px/1.45 system-ui, sans-serif; color: #20262e; display: flex; height: 100vh; }}
#graph {{ flex: 1 1 55%; overflow: auto; background: #fff; }}
#panel {{ flex: 1 1 45%; overflow: auto; padding: 16px 22px; background: #f6f7f9; border-left: 1px solid #d5dae1; }}
#graph g.done rect {{ fill: #cfd6df; }} #graph g.now rect {{ stroke: #d2451e; stroke-width: 3; }}
#graph g {{ cursor: pointer; }}
h1 {{ font-size: 22px; margin: 8px 0 2px; }} h2 {{ font-size: 14px; margin: 18px 0 4px; color: #55606e; }}
.formula {{ font-family: ui-monospace, monospace; background: #fff; border: 1px solid #d5dae1; border-radius: 4px;
  padding: 8px 10px; }}
.line, .note {{ color: #55606e; font-size: 13px; overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; margin: 4px 0 8px; font: 12px ui-monospace, monospace; }}
td {{ border: 1px solid #d5dae1; padding: 1px 6px; text-align: right; background: #fff; }}
details summary {{ cursor: pointer; }}
button {{ font: inherit; padding: 4px 14px; margin-right: 6px; }}
</style></head><body>
<div id="graph">@SVG@</div>
<div id="panel"><div><button id="back">◀ towards the result</button><button id="on">towards the leaves ▶</button>
<span id="count" class="note"></span></div><div id="step"></div></div>
<script>
const steps = @STEPS@;
const boxes = Array.from(document.querySelectorAll("#graph g"));
const rank = new Map(steps.map((s, i) => [s.node, i]));
let at = 0;
function el(tag, text, name) {{
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (name) e.className = name;
  return e;
}}
function show(parent, label, a) {{
  const d = el("details"); d.open = true;
  d.append(el("summary", label + "  shape " + a.shape + ", norm " + a.norm));
  if (a.values) {{
    const t = el("table");
    for (const row of a.values) {{ const r = el("tr"); for (const v of row) r.append(el("td", v)); t.append(r); }}
    d.append(t);
  }} else d.append(el("div", "too many values to show", "note"));
  parent.append(d);
}}
function draw() {{
  const s = steps[at], p = document.getElementById("step");
  p.replaceChildren(el("h1", s.title));
  if (s.module) p.append(el("div", "in module " + s.module, "line"));
  if (s.line) p.append(el("div", s.line, "line"));
  p.append(el("h2", "The maths"), el("div", s.formula, "formula"));
  p.append(el("h2", "g, the gradient that comes in"));
  s.in.forEach(a => show(p, "g", a));
  if (!s.in.length) p.append(el("div", "none: the result does not depend on it", "note"));
  if (s.saved.length) p.append(el("h2", s.kept ? "What it kept (" + s.kept + " that nobody else keeps)" : "Its value"));
  s.saved.forEach(a => show(p, "array", a));
  if (s.out.length) p.append(el("h2", "What goes on"));
  s.out.forEach(a => show(p, "to " + a.to, a));
  document.getElementById("count").textContent = (at + 1) + " of " + steps.length;
  boxes.forEach((b, n) => {{
    b.classList.toggle("now", n === s.node);
    b.classList.toggle("done", rank.get(n) < at);
  }});
  boxes[s.node].scrollIntoView({{ block: "center", inline: "center" }});
}}
function go(by) {{ at = Math.max(0, Math.min(steps.length - 1, at + by)); draw(); }}
document.getElementById("on").onclick = () => go(1);
document.getElementById("back").onclick = () => go(-1);
document.addEventListener("keydown", e => {{
  if (e.key === "ArrowRight" || e.key === "ArrowDown") go(1);
  if (e.key === "ArrowLeft" || e.key === "ArrowUp") go(-1);
}});
boxes.forEach((b, n) => b.onclick = () => {{ at = rank.get(n); draw(); }});
draw();
</script></body></html>
"""
