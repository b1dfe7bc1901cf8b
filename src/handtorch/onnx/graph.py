"""The graph that is written: nodes by name, and what a converter needs to add some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, require
from handtorch.onnx.trace import Call, Trace, Value


class Unsupported(ArgumentError):
    """Says why an op cannot be written; :func:`handtorch.onnx.export` gathers these and names all of them."""


class Symbol(str):
    """The name of a value in the graph, with what is known about the value.

    Attributes:
        shape: its lengths, None along an axis whose length may differ from run to run; None as a whole for what a
            converter has made on its way.
        lengths: the lengths in this run.
        dtype: NumPy's element type.
        numbers: of a constant its elements.
    """

    shape: tuple[int | None, ...]
    lengths: tuple[int, ...]
    dtype: np.dtype[Any]
    numbers: np.ndarray | None


class Site:
    """Where a converter works: an op that ran, and the graph that its nodes are added to.

    Attributes:
        op: the op, with its settings.
        call: its run, with what it was given.
        results: what it made, without names yet.
        opset: which version of the operators is written.
    """

    def __init__(self, graph: Graph, call: Call, results: list[Symbol]) -> None:
        self.graph, self.op, self.call, self.results, self.opset = graph, call.op, call, results, graph.opset
        self.path = call.path

    @property
    def y(self) -> Symbol:
        """The first result."""
        return self.results[0]

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one result, and name that."""
        return self.graph.node(self.path, kind, inputs, 1, attributes)[0]

    def nodes(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several results, and name those."""
        return self.graph.node(self.path, kind, inputs, count, attributes)

    def constant(self, numbers: Any, dtype: Any = None) -> str:
        """The name of a constant; of the element type of the first result, if none is given."""
        return self.graph.constant(np.asarray(numbers, self.y.dtype if dtype is None else dtype))

    def integers(self, *numbers: int) -> str:
        """The name of a constant vector of whole numbers."""
        return self.graph.constant(np.array(numbers, np.int64))

    def cast(self, x: str, dtype: Any) -> str:
        """The name of x in another element type."""
        return self.node("Cast", x, to=self.graph.code(dtype))

    def setting(self, array: np.ndarray) -> str:
        """The name of an array that the op has as a setting: a value of the graph, or a constant."""
        value = self.graph.trace.setting(array)
        return self.graph.constant(np.ascontiguousarray(array)) if value is None else self.graph.symbol(value)

    def buffer(self, array: np.ndarray, dtype: Any) -> str:
        """The name of an array of the module's that the op has as a setting: its key in the state dict."""
        symbol = self.graph.symbol(self.graph.trace.known(array))
        return symbol if symbol.dtype == dtype else self.cast(symbol, dtype)


class Graph:
    """Nodes and constants, in the order in which they are computed.

    Args:
        trace: the run that is written.
        shapes: for each value of the trace its lengths, None along an axis whose length may differ.
        opset: which version of the operators is written.

    Attributes:
        nodes: ONNX's NodeProto.
        constants: by name.
        origins: for each node the call that it was written for.
        apart: for a name whose first axis joins several, the lengths before that, and a name that still has them.
        outputs: the names of the network's outputs.
    """

    def __init__(self, trace: Trace, shapes: dict[Value, tuple[int | None, ...]], opset: int) -> None:
        self.trace, self.shapes, self.opset = trace, shapes, opset
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.origins: list[Call] = []
        self.apart: dict[str, tuple[tuple[int, ...], str]] = {}
        self.outputs: list[Symbol] = []
        self._names: dict[Value, Symbol] = {}
        self._makers: dict[Value, Call] = {}
        self._call: Call | None = None
        self._counts: dict[str, int] = {}
        self._small: dict[Any, str] = {}
        self._helper = require("onnx.helper", extra="onnx")

    def name_input(self, value: Value, name: str) -> None:
        """Call an input of the network by a name."""
        self._counts[name] = 1
        self._names[value] = self._described(name, value)

    def symbol(self, value: Value) -> Symbol:
        """The name of a value; a constant enters the graph here, under its key in the state dict or a number."""
        if value not in self._names:
            assert value.numbers is not None
            name = self._unused(value.key or "constant")
            self.constants[name] = value.numbers
            self._names[value] = self._described(name, value)
        return self._names[value]

    def maker(self, value: Any) -> Call | None:
        """The op that made a value; None of an input or a constant."""
        return self._makers.get(value)

    def constant(self, numbers: np.ndarray) -> str:
        """Add a constant under a number; a small one that is there already is taken."""
        same = (numbers.dtype, numbers.shape, numbers.tobytes()) if numbers.size <= _SMALL else None
        if same in self._small:
            return self._small[same]
        name = self._unused("constant")
        self.constants[name] = numbers
        if same is not None:
            self._small[same] = name
        return name

    def node(self, path: str, kind: str, inputs: Sequence[str], count: int, attributes: dict[str, Any]) -> list[str]:
        """Add a node, and name its results after the module and the operator."""
        name = self._unused(f"{path}/{kind}" if path else kind)
        names = [name] if count == 1 else [f"{name}:{i}" for i in range(count)]
        self.nodes.append(self._helper.make_node(kind, list(inputs), names, name=name, **attributes))
        assert self._call is not None
        self.origins.append(self._call)
        return names

    def add(self, call: Call, converter: Callable[..., Any]) -> None:
        """Write one op.

        Raises:
            Unsupported: the converter cannot write it with these settings.
        """
        self._call = call
        site = Site(self, call, [self._described("", value) for value in call.results])
        first = next((dtype for dtype in call.types if dtype is not None), None)
        inputs: list[Symbol | None] = []
        for value, dtype in zip(call.inputs, call.types, strict=True):
            if value is None:
                inputs.append(None)
            elif isinstance(value, Value):
                symbol = self.symbol(value)
                inputs.append(symbol if dtype == value.dtype else self._cast(site, symbol, value, dtype))
            else:
                number = np.asarray(value, first if dtype is None else dtype)
                name = self.constant(number)
                inputs.append(self._described(name, Value((), number.dtype, number)))
        results = converter(site, *inputs)
        names = [results] if isinstance(results, str) else list(results)
        for value, name in zip(call.results, names, strict=True):
            self._names[value] = self._described(name, value)
            self._makers[value] = call

    def leave_out(self, call: Call) -> None:
        """Name the results of an op that cannot be written, so that what cannot be written behind it is found too."""
        for value in call.results:
            self._names[value] = self._described("?", value)

    def drop_unused(self) -> None:
        """Drop nodes and constants on which no output depends, such as a product that another operator includes."""
        used: set[str] = set(self.outputs)
        kept = []
        for node, origin in zip(reversed(self.nodes), reversed(self.origins), strict=True):
            if not used.isdisjoint(node.output):
                used.update(node.input)
                kept.append((node, origin))
        self.nodes, self.origins = [node for node, _ in kept[::-1]], [origin for _, origin in kept[::-1]]
        self.constants = {name: numbers for name, numbers in self.constants.items() if name in used}

    def code(self, dtype: Any) -> int:
        """ONNX's number of an element type."""
        number: int = self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return number

    def _cast(self, site: Site, symbol: Symbol, value: Value, dtype: Any) -> Symbol:
        name = site.cast(symbol, dtype)
        return self._described(name, Value(value.shape, np.dtype(dtype)), self.shapes.get(value))

    def _described(self, name: str, value: Value, shape: tuple[int | None, ...] | None = None) -> Symbol:
        symbol = Symbol(name)
        symbol.shape = shape if shape is not None else self.shapes.get(value, value.shape)
        symbol.lengths, symbol.dtype, symbol.numbers = value.shape, value.dtype, value.numbers
        return symbol

    def _unused(self, name: str) -> str:
        """A name that nothing has yet: the second of a kind gets the number 1."""
        count = self._counts.get(name, 0)
        self._counts[name] = count + 1
        return f"{name}_{count}" if count else name


_SMALL = 16
