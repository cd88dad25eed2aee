"""A definition is what a frozen GraphDef says: nodes in running order, each with its inputs and attributes.

What is read may be anyone's: sizes and counts are looked at before memory is taken, and of the ops only those that
`ops` knows are ever run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from ...errors import NetFileError
from ..files import read_bytes
from .proto import GraphDef

Values = NDArray[Any]  # a constant

# protobuf itself stops at 2 GiB. The largest networks that were ever frozen have some ten thousand nodes.
_MAX_BYTES = 2**31 - 1
_MAX_NODES = 2**15
MAX_NUMBERS = 2**28  # in a constant, and in all together that the file does not hold number by number
_OP = re.compile(r"[A-Za-z0-9_.>]+")

# DataType -> NumPy's type, and where a Tensor that has no `tensor_content` lists its numbers.
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
    """A node cannot be run, or a constant not be computed; the text says why."""


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
        """Give an attribute that is a word."""
        held = self.attributes.get(attribute)
        return held.s.decode("ascii", "replace") if held is not None and held.HasField("s") else default

    def integers(self, attribute: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Give an attribute that is a list of integers."""
        held = self.attributes.get(attribute)
        return tuple(held.list.i) if held is not None and held.list.i else default

    def integer(self, attribute: str, default: int) -> int:
        """Give an attribute that is an integer."""
        held = self.attributes.get(attribute)
        return int(held.i) if held is not None and held.HasField("i") else default

    def number(self, attribute: str, default: float) -> float:
        """Give an attribute that is a float."""
        held = self.attributes.get(attribute)
        return float(held.f) if held is not None and held.HasField("f") else default

    def flag(self, attribute: str, default: bool = False) -> bool:
        """Give an attribute that is true or false."""
        held = self.attributes.get(attribute)
        return bool(held.b) if held is not None and held.HasField("b") else default


def read_nodes(file: str | os.PathLike[str] | bytes, source: str) -> list[Node]:
    """Give the nodes of a frozen GraphDef, each behind those that it reads.

    Parameters
    ----------
    file : path, or bytes
        A file, or what one would hold.
    source : str
        For messages.

    Raises
    ------
    NetFileError
        For what is no GraphDef or a damaged one, one whose weights are variables, or a graph with a circle.
    """
    content = file if isinstance(file, bytes) else read_bytes(file, _MAX_BYTES, "a GraphDef")
    graph = GraphDef()
    try:
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
    # protobuf gives bytes for what is no UTF-8
    if not all(isinstance(text, str) for text in texts) or not proto.name or not proto.op:
        raise NetFileError(f"{source}: not a GraphDef, or damaged: a node without a name or an op")
    if not _OP.fullmatch(proto.op):
        raise NetFileError(f"{source}: not a GraphDef, or damaged: {proto.op!r} is no name of an op")
    inputs = tuple(_source(text, source) for text in proto.input if not text.startswith("^"))
    return Node(proto.name, proto.op, inputs, {entry.key: entry.value for entry in proto.attr}, proto)


def _source(text: str, source: str) -> Source:
    name, colon, output = text.partition(":")
    if colon and not (output.isascii() and output.isdecimal() and len(output) < 6):
        raise NetFileError(f"{source}: not a GraphDef, or damaged: {text!r} is no output of a node")
    return Source(name, int(output or 0))


def _ordered(nodes: Mapping[str, Node], source: str) -> list[Node]:
    """Put every node behind its inputs, and else leave them as they are in the file."""
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
            raise NetFileError(f"{source}: node {node.name!r} reads {unknown[0]!r}, which is not there")
        if node.name in opened:
            raise NetFileError(f"{source}: node {node.name!r} ({node.op}) reads what is made of it")
        opened.add(node.name)
        waiting += [nodes[name] for name in reversed(missing)]
    return list(done.values())


def constant(node: Node) -> Values:
    """Give the values of a Const node, read-only; `NetFileError` where it holds none, or not what its shape says."""
    held = node.attributes.get("value")
    if held is None or not held.HasField("tensor"):
        raise NetFileError(f"constant {node.name!r} holds nothing")
    tensor = held.tensor
    if tensor.dtype not in _TYPES:
        raise NetFileError(f"constant {node.name!r} is of TensorFlow's type {tensor.dtype}, which is not known here")
    kind, field = _TYPES[tensor.dtype]
    shape = sizes(tensor.tensor_shape)
    if shape is None or min(shape, default=0) < 0 or prod(shape) > MAX_NUMBERS:
        raise NetFileError(f"constant {node.name!r} has shape {shape}; want sizes, {MAX_NUMBERS} numbers at most")
    if tensor.tensor_content:
        wanted = prod(shape) * np.dtype(kind).itemsize
        if len(tensor.tensor_content) != wanted:
            raise NetFileError(
                f"constant {node.name!r}: {len(tensor.tensor_content)} bytes for shape {shape}, want {wanted}"
            )
        return np.frombuffer(tensor.tensor_content, kind).reshape(shape)
    written: Values = np.array(getattr(tensor, field), np.uint16 if kind is np.float16 else kind)
    written = written.view(kind)
    if len(written) == 0:  # grappler leaves out zeros
        return np.zeros(shape, kind)
    if len(written) > prod(shape):
        raise NetFileError(f"constant {node.name!r}: {len(written)} numbers for shape {shape}")
    if len(written) == 1:
        return np.broadcast_to(written, prod(shape)).reshape(shape)  # takes no memory
    # The last number stands for all that are not written.
    return np.concatenate([written, np.broadcast_to(written[-1:], prod(shape) - len(written))]).reshape(shape)


def sizes(shape: Any) -> tuple[int, ...] | None:
    """Give a TensorShape as a tuple, -1 for an open size; None: the number of axes is open too."""
    return None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)


def listed(names: Iterable[str], most: int = 8) -> str:
    """Write names for a message."""
    every = list(names)
    return ", ".join(map(repr, every[:most])) + (", …" if len(every) > most else "")
