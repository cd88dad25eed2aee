"""A graph's functions in place of their calls, and what a node reads without those that only hand it on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ...errors import NetFileError
from ...runtime.on_tensorflow.door import part, quiet_stderr

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
SCOPES = rf"(?:(?:{'|'.join(CALLS)})(?:_\d+)?/)"  # of calls
_LEFT_ALONE = (
    "_XlaMustCompile",
    "_noinline",
)  # how functions are marked that are to stay; Keras's grouped convolutions
_DEEPEST = 32  # calls within calls
_MOST_NODES = 2**17
_ENDS = re.compile(rf"Func/.*|{SCOPES}*Identity(_\d+)?")  # of a call, once the function is in its place


def inlined(graph: Any, kept: Iterable[str], source: str) -> Any:
    """Put every function's nodes in place of its call, in their order; `kept` are nodes that stay under their names."""
    functions = {function.signature.name: function.node_def for function in graph.library.function}
    place = {name: i for i, name in enumerate(islice(_names(graph.node, functions, source), _MOST_NODES))}
    if len(place) == _MOST_NODES:
        raise NetFileError(f"{source}: its functions come to more than the {_MOST_NODES} nodes that a network can have")
    meta = part("tensorflow.core.protobuf.meta_graph_pb2").MetaGraphDef(graph_def=graph)
    meta.collection_def["train_op"].node_list.value.extend(kept)  # what an optimizer leaves
    library = meta.graph_def.library.function
    for each in (*meta.graph_def.node, *library, *(node for function in library for node in function.node_def)):
        for mark in _LEFT_ALONE:
            each.attr.pop(mark, None)
    config = part("tensorflow.core.protobuf.config_pb2").ConfigProto()
    rewriting = config.graph_options.rewrite_options
    rewriting.min_graph_nodes = -1
    rewriting.optimizers.append("function")
    optimizer = part("tensorflow.python.grappler.tf_optimizer")
    try:
        with quiet_stderr():
            found = optimizer.OptimizeGraph(config, meta)
    except Exception as error:  # TensorFlow's are of many kinds
        raise NetFileError(f"{source}: TensorFlow cannot put its functions together") from error
    return type(graph)(node=sorted(found.node, key=lambda node: place.get(node.name, -1)))


def _names(
    nodes: Iterable[Any], functions: Mapping[str, Any], source: str, before: str = "", depth: int = 0
) -> Iterator[str]:
    """Yield the names of nodes and, behind each call, of what is called."""
    if depth > _DEEPEST:
        raise NetFileError(f"{source}: functions that call one another more than {_DEEPEST} deep")
    for node in nodes:
        yield before + node.name
        if node.op in CALLS:
            called = functions.get(node.attr["f"].func.name, ())
            yield from _names(called, functions, source, f"{before}{node.name}/", depth + 1)


class Origins:
    """Where tensors come from: the nodes that read variables, end calls or carry custom gradients only hand on."""

    def __init__(self, graph: Any, source: str) -> None:
        self._handing_on = {node.name: node for node in graph.node if _hands_on(node)}
        self._source = source

    def __contains__(self, name: str) -> bool:
        return name in self._handing_on

    def of(self, tensor: str) -> str:
        """Give the tensor that this one is."""
        for _ in range(len(self._handing_on) + 1):
            name, _, output = tensor.partition(":")
            if name not in self._handing_on:
                return tensor
            tensor = self._handing_on[name].input[int(output or 0)]
        raise NetFileError(f"{self._source}: damaged: a node reads itself")

    def inputs(self, node: Any) -> list[tuple[str, str]]:
        """Give a node's inputs as names and what is behind these, ``:1`` say; it is not told to wait for others."""
        found = (self.of(each).partition(":") for each in node.input if not each.startswith("^"))
        return [(name, colon + output) for name, colon, output in found]


def _hands_on(node: Any) -> bool:
    ends = node.op == "Identity" and _ENDS.fullmatch(node.name)
    return bool(ends) or node.op in ("IdentityN", "ReadVariableOp")
