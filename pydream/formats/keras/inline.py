"""A graph is inlined: its functions in place of their calls, its nodes without those that only pass a tensor on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ...errors import NetFileError
from ...runtime.on_tensorflow.door import part, quiet_stderr

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
SCOPES = rf"(?:(?:{'|'.join(CALLS)})(?:_\d+)?/)"  # of calls
# Marks of functions that TensorFlow would not inline, as Keras's grouped convolutions.
_NOT_INLINED = ("_XlaMustCompile", "_noinline")
_DEEPEST = 32  # calls within calls
_MOST_NODES = 2**17
_ENDS = re.compile(rf"Func/.*|{SCOPES}*Identity(_\d+)?")  # nodes that end a call, once it is inlined


def inlined(graph: Any, kept: Iterable[str], source: str) -> Any:
    """Put every function's nodes in place of its call, in their order; nodes in `kept` keep their names."""
    functions = {function.signature.name: function.node_def for function in graph.library.function}
    place = {name: i for i, name in enumerate(islice(_names(graph.node, functions, source), _MOST_NODES))}
    if len(place) == _MOST_NODES:
        raise NetFileError(f"{source}: its functions have more than the {_MOST_NODES} nodes that a network can have")
    meta = part("tensorflow.core.protobuf.meta_graph_pb2").MetaGraphDef(graph_def=graph)
    meta.collection_def["train_op"].node_list.value.extend(kept)  # which optimizers leave alone
    library = meta.graph_def.library.function
    for each in (*meta.graph_def.node, *library, *(node for function in library for node in function.node_def)):
        for mark in _NOT_INLINED:
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
        raise NetFileError(f"{source}: TensorFlow cannot inline its functions") from error
    return type(graph)(node=sorted(found.node, key=lambda node: place.get(node.name, -1)))


def _names(
    nodes: Iterable[Any], functions: Mapping[str, Any], source: str, before: str = "", depth: int = 0
) -> Iterator[str]:
    """Yield the names of nodes and, behind each call, those of the function's nodes."""
    if depth > _DEEPEST:
        raise NetFileError(f"{source}: functions call one another more than {_DEEPEST} deep")
    for node in nodes:
        yield before + node.name
        if node.op in CALLS:
            called = functions.get(node.attr["f"].func.name, ())
            yield from _names(called, functions, source, f"{before}{node.name}/", depth + 1)


class Origins:
    """Where tensors come from: nodes that read variables, end calls or have custom gradients pass a tensor on."""

    def __init__(self, graph: Any, source: str) -> None:
        self._passing = {node.name: node for node in graph.node if _passes_on(node)}
        self._source = source

    def __contains__(self, name: str) -> bool:
        return name in self._passing

    def of(self, tensor: str) -> str:
        """Return the tensor that this one passes on, or itself."""
        for _ in range(len(self._passing) + 1):
            name, _, output = tensor.partition(":")
            if name not in self._passing:
                return tensor
            tensor = self._passing[name].input[int(output or 0)]
        raise NetFileError(f"{self._source}: damaged: a node reads itself")

    def inputs(self, node: Any) -> list[tuple[str, str]]:
        """Return a node's inputs as names and outputs, ``":1"`` for instance; control inputs are dropped."""
        found = (self.of(each).partition(":") for each in node.input if not each.startswith("^"))
        return [(name, colon + output) for name, colon, output in found]


def _passes_on(node: Any) -> bool:
    ends = node.op == "Identity" and _ENDS.fullmatch(node.name)
    return bool(ends) or node.op in ("IdentityN", "ReadVariableOp")


def connect(graph: Any, returned: Collection[str], source: str) -> None:
    """Drop the nodes that only pass a tensor on, a function's return nodes, and those that only order others."""
    origins = Origins(graph, source)
    kept = [each for each in graph.node if each.op != "NoOp" and each.name not in returned and each.name not in origins]
    for node in kept:
        node.input[:] = [name + output for name, output in origins.inputs(node)]
    graph.CopyFrom(type(graph)(node=kept))


def short_names(names: set[str]) -> dict[str, str]:
    """Return names without those of the calls before them, where they stay distinct."""
    short = {name: re.sub(f"^{SCOPES}+", "", name) for name in names}
    taken = Counter(short.values())
    return {name: after if taken[after] == 1 else name for name, after in short.items()}
