"""export: write what a network computes as an ONNX file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, require
from handtorch.io.atomic import atomic_write
from handtorch.nn import Module
from handtorch.onnx.converters import registered
from handtorch.onnx.graph import Graph, Unsupported
from handtorch.onnx.trace import Trace, Value
from handtorch.tensor import Tensor
from handtorch.version import __version__

Axes = Mapping[str, Mapping[int, str] | Sequence[int]]
OLDEST, DEFAULT = 17, 17


def export(
    model: Any,
    args: Any = (),
    f: str | os.PathLike[str] | None = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    export_params: bool = True,
    dynamic_axes: Axes | None = None,
    do_constant_folding: bool = True,
    dynamo: bool = False,
) -> Any:
    """Write what a network computes in evaluation as an ONNX file.

    The network is run twice, in evaluation and without gradients: on ``args``, and on other numbers, longer along the
    dynamic axes. Every op that its inputs pass through is written down; what does not depend on the inputs becomes a
    constant, a parameter under its name in the state dict. Both runs must give the same file. So a network that does
    something else for another batch, or computes with NumPy beside its ops, is refused instead of written wrongly.

    Args:
        model: a Module.
        args: what it is called with: a Tensor, or a tuple of which the Tensors are the inputs of the file.
        f: path of the file; None writes none.
        kwargs: further arguments of the model; they become constants.
        input_names, output_names: what inputs and outputs are called; ``input``, ``input_1`` ... otherwise.
        opset_version: which version of the operators is used; 17, the oldest that has layer normalisation, if None.
        dynamic_axes: input or output name -> the axes whose length may differ from run to run, by number or as
            number -> name: ``{"input": {0: "batch"}}``. Axes of outputs follow from those of inputs.
        export_params, do_constant_folding, dynamo: taken for PyTorch's sake. Parameters are always in the file, and
            what does not depend on the inputs is always computed beforehand, by the one way that there is to export.

    Returns:
        ONNX's ModelProto: what the file holds.

    Raises:
        ArgumentError: an op cannot be written; the message names all of them, and where they ran. Or the network
            depends on more than its inputs, or on the length of a dynamic axis.
        MissingExtraError: the package onnx is not installed.

    Example::

        x = handtorch.zeros(1, 3, 224, 224)
        handtorch.onnx.export(resnet18(), x, "resnet18.onnx", dynamic_axes={"input": {0: "batch"}})
    """
    onnx = require("onnx", extra="onnx")
    if not export_params:
        raise ArgumentError("expected export_params=True, got False; a file without parameters is not written")
    opset = DEFAULT if opset_version is None else opset_version
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST <= opset <= newest:
        raise ArgumentError(f"expected opset_version from {OLDEST} to {newest}, got {opset}")
    if not isinstance(model, Module):
        raise ArgumentError(f"expected a Module, got {type(model).__name__}; put the function into a Module's forward")
    args = args if isinstance(args, tuple) else (args,)
    tensors = [x for x in args if isinstance(x, Tensor)]
    inputs = _names("input", input_names, len(tensors))
    axes = _checked(dynamic_axes or {}, inputs, tensors)

    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        traces = [Trace(model, xs, dict(kwargs or {})) for xs in (args, _others(args, axes))]
    finally:
        for module, training in modes:
            module.training = training
    outputs = _names("output", output_names, len(traces[0].outputs))
    _check_names(dynamic_axes or {}, [*inputs, *outputs])
    graph = _agreed(*[_written(trace, shapes, inputs, opset) for trace, shapes in _with_shapes(*traces)])
    proto = _proto(onnx, graph, inputs, outputs, axes | _named_axes(dynamic_axes or {}, outputs))
    if f is not None:
        with atomic_write(f) as file:
            file.write(proto.SerializeToString())
    return proto


def _names(kind: str, given: Sequence[str] | None, count: int) -> list[str]:
    if given is None:
        return [f"{kind}_{i}" if i else kind for i in range(count)]
    if len(given) != count or len(set(given)) != count:
        raise ArgumentError(f"expected {count} different {kind}_names, got {list(given)}")
    return list(given)


def _check_names(dynamic_axes: Axes, names: Sequence[str]) -> None:
    """Warn of axes of an input or output that the network does not have, as PyTorch does."""
    for name in dynamic_axes:
        if name not in names:
            warnings.warn(
                f"Provided key {name} for dynamic axes is not a valid input/output name; "
                f"there are {', '.join(names)}, and all other axes keep their lengths",
                stacklevel=3,
            )


def _named_axes(dynamic_axes: Axes, names: Sequence[str]) -> dict[str, dict[int, str]]:
    """For each of the names that has dynamic axes these and what they are called."""
    return {
        name: {i: str(name_) for i, name_ in axes.items()}
        if isinstance(axes, Mapping)
        else {i: f"{name}_axis_{i}" for i in axes}
        for name, axes in dynamic_axes.items()
        if name in names
    }


def _checked(dynamic_axes: Axes, inputs: Sequence[str], tensors: Sequence[Any]) -> dict[str, dict[int, str]]:
    axes = _named_axes(dynamic_axes, inputs)
    for name, tensor in zip(inputs, tensors, strict=True):
        for axis in axes.get(name, ()):
            if not 0 <= axis < tensor.ndim:
                raise ArgumentError(f"dynamic_axes: {name} has axes 0 to {tensor.ndim - 1}, got {axis}")
    return {name: axes.get(name, {}) for name in inputs}


def _others(args: tuple[Any, ...], axes: dict[str, dict[int, str]]) -> tuple[Any, ...]:
    """Other inputs, of numbers of the same kind, twice as long along the dynamic axes."""
    dynamic = iter(axes.values())
    others = []
    for x in args:
        if isinstance(x, Tensor):
            longer = x.array
            for axis in next(dynamic):
                longer = np.concatenate([longer, longer], axis)
            other = np.roll(longer, 1)
            if other.dtype.kind == "f":
                other = (0.75 * other + 0.01).astype(other.dtype)
            x = Tensor.of(other)
        others.append(x)
    return tuple(others)


def _with_shapes(one: Trace, other: Trace) -> list[tuple[Trace, dict[Value, tuple[int | None, ...]]]]:
    """Both traces, with the lengths that they have in common.

    Raises:
        ArgumentError: other ops ran.
    """
    if len(one.calls) != len(other.calls) or len(one.outputs) != len(other.outputs):
        raise _depends(f"it ran {len(one.calls)} ops for one input and {len(other.calls)} for another")
    shapes: list[dict[Value, tuple[int | None, ...]]] = [{}, {}]
    pairs = [*zip(one.inputs, other.inputs, strict=True)]
    for a, b in zip(one.calls, other.calls, strict=True):
        if a.op.definition is not b.op.definition or a.path != b.path or len(a.results) != len(b.results):
            raise _depends(f"{a} for one input is {b} for another")
        pairs += zip(a.results, b.results, strict=True)
    for v, w in pairs:
        common = tuple(n if n == m else None for n, m in zip(v.shape, w.shape, strict=True))
        shapes[0][v] = shapes[1][w] = common
    return [(one, shapes[0]), (other, shapes[1])]


def _written(trace: Trace, shapes: dict[Value, tuple[int | None, ...]], inputs: Sequence[str], opset: int) -> Graph:
    """The graph of a trace.

    Raises:
        ArgumentError: it has ops that cannot be written.
    """
    graph = Graph(trace, shapes, opset)
    for value, name in zip(trace.inputs, inputs, strict=True):
        graph.name_input(value, name)
    failed: dict[str, None] = {}  # a set in the order of the network
    for call in trace.calls:
        converter = registered.get(call.op.definition)
        try:
            if converter is None:
                raise Unsupported("")
            graph.add(call, converter)
        except Unsupported as error:
            failed[f"{call} ({error})" if str(error) else str(call)] = None
            graph.leave_out(call)
    if failed:
        raise ArgumentError(
            f"cannot export to ONNX: {'; '.join(failed)}. A converter is one function in handtorch.onnx.converters"
        )
    graph.outputs = [graph.symbol(value) for value in trace.outputs]
    graph.drop_unused()
    return graph


def _agreed(one: Graph, other: Graph) -> Graph:
    """The graph that both runs gave.

    Raises:
        ArgumentError: they gave two.
    """
    for i, (a, b) in enumerate(zip(one.nodes, other.nodes, strict=False)):
        if a != b:
            raise _depends(f"{one.origins[i]} has other settings for another input")
    if len(one.nodes) != len(other.nodes) or one.outputs != other.outputs:
        raise _depends("it has other settings for another input")
    for name, numbers in one.constants.items():
        if numbers is not other.constants[name] and not _equal(numbers, other.constants[name]):
            users = [one.origins[i] for i, node in enumerate(one.nodes) if name in node.input]
            user = users[0] if users else "an output"
            raise _depends(f"{user} takes a constant that is another one for another input")
    return one


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def _depends(what: str) -> ArgumentError:
    return ArgumentError(
        f"cannot export to ONNX, because the model depends on more than the ops that it runs: {what}. Lengths of "
        f"dynamic axes, numbers that NumPy or Python computed and random numbers cannot be written"
    )


def _proto(
    onnx: Any, graph: Graph, inputs: Sequence[str], outputs: Sequence[str], axes: dict[str, dict[int, str]]
) -> Any:
    """ONNX's ModelProto of a graph."""
    helper = onnx.helper

    def info(value: Value, name: str) -> Any:
        shape = graph.shapes.get(value, value.shape)
        names = axes.get(name, {})
        # a length that is not named, but differs, follows from those that are
        lengths = [names.get(i, f"{name}_axis_{i}") if n is None else n for i, n in enumerate(shape)]
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), lengths)

    last = [helper.make_node("Identity", [y], [name]) for y, name in zip(graph.outputs, outputs, strict=True)]
    opsets = [helper.make_opsetid("", graph.opset)]
    return helper.make_model(
        helper.make_graph(
            [*graph.nodes, *last],
            "handtorch",
            [info(value, name) for value, name in zip(graph.trace.inputs, inputs, strict=True)],
            [info(value, name) for value, name in zip(graph.trace.outputs, outputs, strict=True)],
            [onnx.numpy_helper.from_array(numbers, name) for name, numbers in graph.constants.items()],
        ),
        producer_name="handtorch",
        producer_version=__version__,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
    )
