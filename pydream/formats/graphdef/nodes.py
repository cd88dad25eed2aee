"""A frozen GraphDef is nodes: in running order, each with its inputs and attributes.

A file may be anyone's: sizes and counts are checked before memory is taken, and only ops that `ops` lists are ever
run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from ...errors import NetFileError
from ..files import read_bytes
from .proto import GraphDef
from .text import is_text, parse

Values = NDArray[Any]  # a constant

# protobuf itself stops at 2 GiB. The largest frozen networks have some ten thousand nodes.
_MAX_BYTES = 2**31 - 1
_MAX_NODES = 2**15
LAYER = "_layer"  # an attribute of nodes that are a Keras layer's output
MAX_NUMBERS = 2**28  # in one constant
MAX_MADE = 2**31  # bytes of constants that the file does not write number by number, and of what computing them takes
MAX_WORK = 2**32  # numbers that computing them reads and writes: some ten seconds
_OP = re.compile(r"[A-Za-z0-9_.>]+")

# DataType -> NumPy's type, and the field of a Tensor that lists its numbers where it has no `tensor_content`.
_TYPES: dict[int, tuple[type, str]] = {
    1: (np.float32, "float_val"),
    2: (np.float64, "double_val"),
    3: (np.int32, "int_val"),
    9: (np.int64, "int64_val"),
    10: (np.bool_, "bool_val"),
    19: (np.float16, "half_val"),
}

_VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable", "TemporaryVariable"})
_MERGES = frozenset({"Merge", "RefMerge"})  # where a loop closes


class LeftOutError(Exception):
    """A node cannot be run, or a constant cannot be computed; the text says why."""


class Source(NamedTuple):
    """An output of a node."""

    node: str
    output: int

    @property
    def name(self) -> str:
        """As TensorFlow writes it, without ``:0``."""
        return f"{self.node}:{self.output}" if self.output else self.node


@dataclass(frozen=True)
class Node:
    """A node of the graph.

    Attributes
    ----------
    name, op : str
    inputs : tuple of Source
        Without control inputs.
    attributes : mapping of str to AttrValue
    proto : NodeDef
    """

    name: str
    op: str
    inputs: tuple[Source, ...]
    attributes: Mapping[str, Any]
    proto: Any

    def text(self, attribute: str, default: str) -> str:
        """Return an attribute that is a word."""
        found = self.attributes.get(attribute)
        return found.s.decode("ascii", "replace") if found is not None and found.HasField("s") else default

    def integers(self, attribute: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Return an attribute that is a list of integers."""
        found = self.attributes.get(attribute)
        return tuple(found.list.i) if found is not None and found.list.i else default

    def integer(self, attribute: str, default: int) -> int:
        """Return an attribute that is an integer."""
        found = self.attributes.get(attribute)
        return int(found.i) if found is not None and found.HasField("i") else default

    def number(self, attribute: str, default: float) -> float:
        """Return an attribute that is a float."""
        found = self.attributes.get(attribute)
        return float(found.f) if found is not None and found.HasField("f") else default

    def flag(self, attribute: str, default: bool = False) -> bool:
        """Return an attribute that is true or false."""
        found = self.attributes.get(attribute)
        return bool(found.b) if found is not None and found.HasField("b") else default


class Named(Protocol):
    """A node of any format, for messages."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def op(self) -> str: ...  # noqa: D102


class Budget:
    """What a file's constants may take beyond the bytes that it writes out."""

    def __init__(self) -> None:
        self._left = MAX_MADE
        self._work = MAX_WORK

    def check(self, node: Named, size: int, work: int = 0) -> None:
        """Raise `LeftOutError` where `size` bytes more are too many, or `work` numbers more to compute with."""
        self._work -= work
        if size > self._left:
            most = f"{MAX_MADE} bytes, of which {self._left} are left"
            raise LeftOutError(
                f"{node.name!r} ({node.op}) takes {size} bytes; constants that are not written out may take {most}"
            )
        if self._work < 0:
            raise LeftOutError(f"{node.name!r} ({node.op}): all constants take more than {MAX_WORK} numbers to compute")

    def take(self, node: Named, size: int) -> None:
        """Count bytes that stay."""
        self.check(node, size)
        self._left -= size


def read_nodes(file: str | os.PathLike[str] | bytes, source: str) -> list[Node]:
    """Read the nodes of a frozen GraphDef, each behind its inputs.

    Parameters
    ----------
    file : path, or bytes
        A file, or its content.
    source : str
        For messages.

    Raises
    ------
    NetFileError
        For another or a damaged file, a graph whose weights are variables, or a graph with a cycle.
    """
    content = file if isinstance(file, bytes) else read_bytes(file, _MAX_BYTES, "a GraphDef")
    graph = GraphDef()
    try:
        if is_text(content):
            graph = parse(content, source)
        else:
            graph.ParseFromString(content)
    except DecodeError as error:
        raise NetFileError(f"{source}: not a GraphDef, or cut short ({len(content)} bytes read)") from error
    if not graph.node:
        raise NetFileError(f"{source}: not a GraphDef: no node in its {len(content)} bytes")
    if len(graph.node) > _MAX_NODES:
        raise NetFileError(f"{source}: {len(graph.node)} nodes, more than a network can have here ({_MAX_NODES})")
    nodes: dict[str, Node] = {}
    for proto in graph.node:
        node = _node(proto, source)
        if node.name in nodes:
            raise NetFileError(f"{source}: two nodes are named {node.name!r}")
        if node.op in _VARIABLES:
            raise NetFileError(
                f"{source}: not frozen: {node.name!r} is a variable ({node.op});"
                " TensorFlow's convert_variables_to_constants makes constants of them, with the values in"
            )
        nodes[node.name] = node
    return _ordered(nodes, source)


def _node(proto: Any, source: str) -> Node:
    texts = (proto.name, proto.op, *proto.input, *(entry.key for entry in proto.attr))
    # protobuf returns bytes for what is not UTF-8
    if not all(isinstance(text, str) for text in texts) or not proto.name or not proto.op:
        raise NetFileError(f"{source}: not a GraphDef, or damaged: a node without a name or an op")
    if not _OP.fullmatch(proto.op):
        raise NetFileError(f"{source}: not a GraphDef, or damaged: {proto.op!r} is not the name of an op")
    inputs = tuple(_source(text, source) for text in proto.input if not text.startswith("^"))
    return Node(proto.name, proto.op, inputs, {entry.key: entry.value for entry in proto.attr}, proto)


def _source(text: str, source: str) -> Source:
    name, colon, output = text.partition(":")
    if colon and not (output.isascii() and output.isdecimal() and len(output) < 6):
        raise NetFileError(f"{source}: not a GraphDef, or damaged: {text!r} is not an output of a node")
    return Source(name, int(output or 0))


def _ordered(nodes: Mapping[str, Node], source: str) -> list[Node]:
    """Put every node behind its inputs, otherwise in the order of the file."""
    done: dict[str, Node] = {}
    opened: set[str] = set()
    waiting = list(nodes.values())[::-1]
    while waiting:
        node = waiting[-1]
        if node.name in done:
            waiting.pop()
            continue
        missing = [each.node for each in node.inputs if each.node not in done and node.op not in _MERGES]
        if not missing:
            done[node.name] = waiting.pop()
            continue
        unknown = [name for name in missing if name not in nodes]
        if unknown:
            raise NetFileError(f"{source}: node {node.name!r} reads {unknown[0]!r}, which does not exist")
        if node.name in opened:
            raise NetFileError(f"{source}: node {node.name!r} ({node.op}) reads its own result")
        opened.add(node.name)
        waiting += [nodes[name] for name in reversed(missing)]
    return list(done.values())


def constant(node: Node, budget: Budget) -> Values:
    """Return the values of a Const node, read-only.

    Raises
    ------
    NetFileError
        It has none, or other than its shape says.
    LeftOutError
        It does not write them all, and they are more than the budget has.
    """
    attribute = node.attributes.get("value")
    if attribute is None or not attribute.HasField("tensor"):
        raise NetFileError(f"constant {node.name!r} has no value")
    tensor = attribute.tensor
    if tensor.dtype not in _TYPES:
        raise NetFileError(f"constant {node.name!r} has TensorFlow's type {tensor.dtype}, which is not supported")
    kind, field = _TYPES[tensor.dtype]
    shape = sizes(tensor.tensor_shape)
    if shape is None or min(shape, default=0) < 0 or prod(shape) > MAX_NUMBERS:
        raise NetFileError(
            f"constant {node.name!r} has shape {shape}; expected sizes and at most {MAX_NUMBERS} numbers"
        )
    if tensor.tensor_content:
        wanted = prod(shape) * np.dtype(kind).itemsize
        if len(tensor.tensor_content) != wanted:
            raise NetFileError(
                f"constant {node.name!r}: {len(tensor.tensor_content)} bytes for shape {shape}, expected {wanted}"
            )
        return np.frombuffer(tensor.tensor_content, kind).reshape(shape)
    budget.take(node, prod(shape) * np.dtype(kind).itemsize)
    written: Values = np.array(getattr(tensor, field), np.uint16 if kind is np.float16 else kind)
    written = written.view(kind)
    if len(written) == 0:  # grappler leaves out zeros
        return np.zeros(shape, kind)
    if len(written) > prod(shape):
        raise NetFileError(f"constant {node.name!r}: {len(written)} numbers for shape {shape}")
    if len(written) == 1:
        return np.broadcast_to(written, prod(shape)).reshape(shape)  # takes no memory
    # The last number is repeated for all that are not written.
    return np.concatenate([written, np.broadcast_to(written[-1:], prod(shape) - len(written))]).reshape(shape)


def sizes(shape: Any) -> tuple[int, ...] | None:
    """Return a TensorShape as a tuple, -1 for an open size; None: the number of axes is open too."""
    return None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)


def listed(names: Iterable[str], most: int = 8) -> str:
    """Return names as a list for a message."""
    every = list(names)
    return ", ".join(map(repr, every[:most])) + (", …" if len(every) > most else "")
