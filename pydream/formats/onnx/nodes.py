"""An ONNX file is nodes in running order, each with its inputs, outputs and attributes, and constants.

A file may be anyone's: sizes and counts are checked before memory is taken, no other file is opened, and nothing of
the `onnx` package but its messages is used on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from ...errors import NetFileError
from ..files import read_bytes
from ..graphdef.nodes import LeftOutError

Values = NDArray[Any]  # a constant

MAX_BYTES = 2**31 - 1  # protobuf itself stops at 2 GiB
_MAX_NODES = 2**15
_MAX_CALLS = 32  # of functions in one another
_MAX_CHARACTERS = 2**26  # in all names, those of functions written out
_MAX_NUMBERS = 2**30  # in one constant
_MOST = 64  # integers in an attribute with sizes or axes

# TensorProto.DataType -> NumPy's type, and the field that lists its numbers where it has no `raw_data`.
_TYPES: dict[int, tuple[str, str]] = {
    1: ("<f4", "float_data"),
    2: ("|u1", "int32_data"),
    3: ("|i1", "int32_data"),
    5: ("<i2", "int32_data"),
    6: ("<i4", "int32_data"),
    7: ("<i8", "int64_data"),
    9: ("|b1", "int32_data"),
    10: ("<f2", "int32_data"),
    11: ("<f8", "double_data"),
    12: ("<u4", "uint64_data"),
    13: ("<u8", "uint64_data"),
    16: ("<u2", "int32_data"),  # bfloat16: the upper half of a float32
}
_BFLOAT16 = 16
FLOATS = frozenset({1, 10, 11, 16})
INTEGERS = frozenset({2, 3, 5, 6, 7, 12, 13})


@dataclass(frozen=True)
class Node:
    """A node of the graph.

    Attributes
    ----------
    name, op : str
        The op with its domain, if it is not ONNX' own.
    inputs, outputs : tuple of str
        Values; "" stands for one that is left out.
    attributes : mapping of str to AttributeProto
    opset : int
        The version of ONNX' ops that is meant.
    scopes : tuple of str
        Modules of PyTorch's that it lies in, from the outermost on.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    opset: int
    scopes: tuple[str, ...] = ()

    def text(self, attribute: str, default: str) -> str:
        """Return an attribute that is a word."""
        found = self.attributes.get(attribute)
        return found.s.decode("ascii", "replace") if found is not None and found.s else default

    def integers(self, attribute: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return an attribute that is a list of integers."""
        found = self.attributes.get(attribute)
        if found is not None and len(found.ints) > _MOST:
            raise LeftOutError(f"{self}: {len(found.ints)} numbers in {attribute}, expected at most {_MOST}")
        return tuple(found.ints) if found is not None and found.ints else default

    def integer(self, attribute: str, default: int) -> int:
        """Return an attribute that is an integer."""
        found = self.attributes.get(attribute)
        return int(found.i) if found is not None else default

    def number(self, attribute: str, default: float) -> float:
        """Return an attribute that is a float."""
        found = self.attributes.get(attribute)
        return _decimal(found.f) if found is not None else default

    def numbers(self, attribute: str) -> tuple[float, ...]:
        """Return an attribute that is a list of floats."""
        found = self.attributes.get(attribute)
        return tuple(map(_decimal, found.floats[: 2**16])) if found is not None else ()

    def __str__(self) -> str:
        return f"{self.name!r} ({self.op})"


def _decimal(value: float) -> float:
    """Return the number that was meant by one in float32: 1e-5, not 9.999999747378752e-06; 1/6, not 0.16666667."""
    if not np.isfinite(value):
        return value
    fraction = float(Fraction(value).limit_denominator(_MOST))
    if np.float32(fraction) == np.float32(value):
        return fraction
    return float(np.format_float_positional(np.float32(value), unique=True))


@dataclass(frozen=True)
class Model:
    """A network as the file has it.

    Attributes
    ----------
    nodes : list of Node
        Each behind what it reads.
    constants : mapping of str to array
        Weights and other values that are written out.
    unread : mapping of str to str
        Constants that cannot be read → the reason.
    inputs : mapping of str to tuple
        Inputs that no constant stands for → the type and the sizes, where -1 is an open one; None: no tensor.
    producer : str
    metadata : mapping of str to str
    """

    nodes: list[Node]
    constants: Mapping[str, Values]
    unread: Mapping[str, str]
    inputs: Mapping[str, tuple[int, tuple[int, ...] | None]]
    producer: str
    metadata: Mapping[str, str]


def read_model(file: str | os.PathLike[str] | bytes, source: str) -> Model:
    """Read a network.

    Parameters
    ----------
    file : path, or bytes
        A file, or its content.
    source : str
        For messages.

    Raises
    ------
    NetFileError
        For another or a damaged file, or one whose weights are in other files.
    """
    from onnx import ModelProto  # takes 0.1 s, and only networks of this kind want it

    content = file if isinstance(file, bytes) else read_bytes(file, MAX_BYTES, "an ONNX network")
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise NetFileError(f"{source}: not an ONNX network, or cut short ({len(content)} bytes read)") from error
    del content
    graph = model.graph
    if not graph.node or not model.opset_import:
        raise NetFileError(f"{source}: not an ONNX network: no node, or no version of the ops, in it")
    if not all(isinstance(text, str) for text in _texts(model)):  # protobuf returns bytes for what is not UTF-8
        raise NetFileError(f"{source}: not an ONNX network, or damaged: a name is not UTF-8")
    opsets = {"" if each.domain == "ai.onnx" else each.domain: int(each.version) for each in model.opset_import}
    nodes = _Nodes(model.functions, opsets, source).all(graph.node)
    constants, unread = _constants(graph, source)
    inputs = {each.name: _declared(each) for each in graph.input if each.name not in constants and each.name}
    metadata = {each.key: each.value for each in model.metadata_props}
    return Model(_checked(nodes, {*inputs, *constants, *unread}, source), constants, unread, inputs,
                 model.producer_name, metadata)  # fmt: skip


def _texts(model: Any) -> Iterator[Any]:
    """Yield every name in a model."""
    graph = model.graph
    yield model.producer_name
    for pair in (*model.metadata_props, *model.opset_import):
        yield from (getattr(pair, name) for name in ("key", "value", "domain") if hasattr(pair, name))
    yield from (each.name for each in (*graph.input, *graph.initializer))
    yield from (each.values.name for each in graph.sparse_initializer)
    for function in model.functions:
        yield from (function.name, function.domain, *function.input, *function.output)
        yield from (each.domain for each in function.opset_import)
        yield from (each.name for each in function.attribute_proto)
    for node in (*graph.node, *(node for function in model.functions for node in function.node)):
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (text for each in node.attribute for text in (each.name, each.ref_attr_name))
        yield from (text for each in node.metadata_props for text in (each.key, each.value))


def _declared(value: Any) -> tuple[int, tuple[int, ...] | None]:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return int(tensor.elem_type), None
    return int(tensor.elem_type), tuple(int(dim.dim_value) if dim.dim_value > 0 else -1 for dim in tensor.shape.dim)


@dataclass
class _Nodes:
    """The nodes of a graph, with those of functions in place of their calls."""

    functions: Any
    opsets: Mapping[str, int]
    source: str
    count: int = 0
    characters: int = 0
    known: dict[tuple[str, str], Any] = field(default_factory=dict)

    def all(self, protos: Any) -> list[Node]:
        self.known = {(each.domain, each.name): each for each in self.functions}
        return list(self._nodes(protos, self.opsets, (), {}, ""))

    def _nodes(
        self,
        protos: Any,
        opsets: Mapping[str, int],
        calls: tuple[Any, ...],
        renamed: Mapping[str, str],
        prefix: str,
        given: Mapping[str, Any] | None = None,
    ) -> Iterator[Node]:
        for proto in protos:
            self.count += 1
            if self.count > _MAX_NODES:
                raise NetFileError(f"{self.source}: more than {_MAX_NODES} nodes, functions written out included")
            texts = (proto.name, *proto.input, *proto.output)
            self.characters += sum(map(len, texts)) + (len(prefix) + 1) * len(texts)
            if self.characters > _MAX_CHARACTERS:
                raise NetFileError(
                    f"{self.source}: more than {_MAX_CHARACTERS} characters in names of nodes and values"
                )
            attributes = {each.name: each for each in proto.attribute if not each.ref_attr_name}
            for each in proto.attribute:
                if each.ref_attr_name and given and each.ref_attr_name in given:
                    attributes[each.name] = given[each.ref_attr_name]
            domain = "" if proto.domain == "ai.onnx" else proto.domain
            name = proto.name or next(iter(proto.output), "")
            node = Node(
                name=prefix + name,
                op=f"{domain}.{proto.op_type}" if domain else proto.op_type,
                inputs=tuple(_renamed(each, renamed, prefix) for each in proto.input),
                outputs=tuple(_renamed(each, renamed, prefix) for each in proto.output),
                attributes=attributes,
                opset=opsets.get("", 0),
                scopes=_scopes(proto),
            )
            function = self.known.get((proto.domain, proto.op_type))
            if function is None:
                yield node
                continue
            if any(function is each for each in calls):
                raise NetFileError(f"{self.source}: the function {proto.op_type!r} calls itself")
            if len(calls) == _MAX_CALLS:
                raise NetFileError(f"{self.source}: functions call one another more than {_MAX_CALLS} deep")
            yield from self._called(function, node, calls)

    def _called(self, function: Any, call: Node, calls: tuple[Any, ...]) -> Iterator[Node]:
        if len(call.inputs) > len(function.input) or len(call.outputs) > len(function.output):
            raise NetFileError(f"{self.source}: {call} does not fit its function")
        renamed = dict.fromkeys(function.input, "")
        renamed |= dict(zip(function.input, call.inputs, strict=False))
        renamed |= {inner: outer for inner, outer in zip(function.output, call.outputs, strict=False) if outer}
        own = {each.domain: int(each.version) for each in function.opset_import}
        given = {each.name: each for each in function.attribute_proto} | dict(call.attributes)
        inside = self._nodes(function.node, own or self.opsets, (*calls, function), renamed, f"{call.name}/", given)
        yield from (replace(node, scopes=node.scopes or call.scopes) for node in inside)


def _renamed(name: str, renamed: Mapping[str, str], prefix: str) -> str:
    return renamed.get(name, prefix + name) if name else ""


def _scopes(proto: Any) -> tuple[str, ...]:
    """Read the modules that PyTorch's newer exporter notes: a list in Python's notation, the op's own name last."""
    for each in proto.metadata_props:
        if each.key == "pkg.torch.onnx.name_scopes" and len(each.value) < 2**12:
            words = each.value.strip("[] ").split(",")
            names = [word.strip()[1:-1] for word in words]
            return tuple(names[:-1])
    return ()


def _checked(nodes: list[Node], known: set[str], source: str) -> list[Node]:
    """Return the nodes, each behind what it reads; a node that reads what nothing makes is an error."""
    made: dict[str, Node] = {}
    for node in nodes:
        for output in filter(None, node.outputs):
            if output in made or output in known:
                raise NetFileError(f"{source}: the value {output!r} is made twice")
            made[output] = node
    done = set(known)
    ordered: list[Node] = []
    waiting, opened, ready = nodes[::-1], set[int](), set[int]()
    while waiting:
        node = waiting[-1]
        missing = [each for each in node.inputs if each and each not in done]
        if not missing:
            waiting.pop()
            if id(node) not in ready:
                ready.add(id(node))
                ordered.append(node)
                done.update(node.outputs)
            continue
        unknown = [each for each in missing if each not in made]
        if unknown:
            raise NetFileError(f"{source}: node {node} reads {unknown[0]!r}, which nothing makes")
        if id(node) in opened:
            raise NetFileError(f"{source}: node {node} reads its own result")
        opened.add(id(node))
        waiting += [made[each] for each in reversed(missing)]
    return ordered


def _constants(graph: Any, source: str) -> tuple[dict[str, Values], dict[str, str]]:
    found: dict[str, Values] = {}
    unread: dict[str, str] = {each.values.name: "it is sparse" for each in graph.sparse_initializer}
    for proto in graph.initializer:
        try:
            found[proto.name] = tensor(proto, f"{source}: constant {proto.name!r}")
        except LeftOutError as error:
            unread[proto.name] = str(error)
        proto.ClearField("raw_data")  # there is a copy
    return found, unread


def tensor(proto: Any, what: str) -> Values:
    """Return the values of a TensorProto, read-only.

    Raises
    ------
    NetFileError
        For other values than its shape says, or values in another file.
    LeftOutError
        For a type that is not supported.
    """
    if proto.data_location == 1 or proto.external_data:
        raise NetFileError(
            f"{what} is in another file, which is not opened; onnx.save(onnx.load(FILE), FILE) makes one file of both"
        )
    if proto.data_type not in _TYPES:
        raise LeftOutError(f"{what} has ONNX' type {proto.data_type}, which is not supported: it may be quantized")
    kind, listed = _TYPES[proto.data_type]
    shape, size = tuple(proto.dims), np.dtype(kind).itemsize
    if len(shape) > _MOST or min(shape, default=0) < 0 or prod(shape) > _MAX_NUMBERS:
        raise NetFileError(f"{what} has shape {shape[:8]}; expected sizes and at most {_MAX_NUMBERS} numbers")
    if proto.HasField("raw_data"):
        if len(proto.raw_data) != prod(shape) * size:
            raise NetFileError(f"{what}: {len(proto.raw_data)} bytes for shape {shape}, expected {prod(shape) * size}")
        values: Values = np.frombuffer(proto.raw_data, kind)
    else:
        written = getattr(proto, listed)
        if len(written) != prod(shape):
            raise NetFileError(f"{what}: {len(written)} numbers for shape {shape}")
        wide: Values = np.array(written)  # as wide as the field; protobuf itself would cut the numbers to the type
        values = wide.astype(np.uint16 if kind == "<f2" else kind)
        if wide.dtype.kind in "iu" and not np.array_equal(values, wide):
            raise NetFileError(f"{what}: a number that its type does not have")
        values = values.view(kind)
    if proto.data_type == _BFLOAT16:
        values = (values.astype(np.uint32) << 16).view(np.float32)
    try:
        return values.reshape(shape)
    except ValueError as error:  # none of 2**62 numbers each
        raise NetFileError(f"{what} has shape {shape[:8]}: {error}") from error
