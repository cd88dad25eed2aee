"""Names of blobs: as values stand in PyTorch's module tree, or in Caffe's file, where the exporter kept them.

PyTorch's exporters note in which module a node lies. A module that is one node gives it its name, ``layer1.0.conv1``;
called again, ``layer1.0.relu_1``. Of several nodes the last makes what the module returns, and has its name,
``inception4c``, unless it lies in a module of that module; the others are called after their op too, ``layer1.0/Add``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .nodes import Model, Node

_LONGEST, _DEEPEST = 2**9, 32  # of a module's path: characters, and dots in it
_NUMBERED = re.compile(r"\d+|onnx::\w+|val_\d+")  # names that a counter makes


def blob_names(model: Model, nodes: Sequence[Node]) -> dict[str, str]:
    """Return the name of every value that these nodes make; each name is there once."""
    modules = [_module(node) for node in nodes]
    parents: set[str] = set()
    ops: dict[str, set[str]] = {}
    last: dict[str, int] = {}  # of a module and all that are in it
    for place, module in enumerate(modules):
        if module is not None:
            ops.setdefault(module, set()).add(nodes[place].op)
            ends = [end for end, letter in enumerate(module) if letter == "."]
            last.update((module[:end], place) for end in [*ends, len(module)])
            parents.update(module[:end] for end in ends)
    caffe = is_caffe(model)
    values = {output for node in nodes for output in node.outputs}
    taken: dict[str, int] = {}
    names: dict[str, str] = {}
    for place, (node, module) in enumerate(zip(nodes, modules, strict=True)):
        if module is None:
            name = _value_name(node, caffe, values)
        else:
            whole = module and (place == last[module] or (module not in parents and len(ops[module]) == 1))
            name = module if whole else f"{module}/{node.op}" if module else node.op
        for output, value in enumerate(node.outputs):
            if value:
                plain = module is None and output > 0 and not _NUMBERED.fullmatch(value)
                names[value] = _unique(value if plain else f"{name}:{output}" if output else name, taken)
    return names


def is_caffe(model: Model) -> bool:
    """Return whether a network was one of Caffe's, and came through Caffe2, as those of the ONNX model zoo did."""
    return "caffe2" in model.producer or any(name.rpartition("/")[2] == "data_0" for name in model.inputs)


def _module(node: Node) -> str | None:
    """Return the module that a node lies in, "" for the network itself; None: nothing says so."""
    if node.scopes:
        module = node.scopes[-1]
    elif node.name.startswith("/"):  # /layer1/layer1.0/conv1/Conv
        path: list[str] = []
        for part in node.name[1:].split("/")[:-1]:
            if path and part.startswith(f"{path[-1]}."):
                path[-1] = part
            else:
                path.append(part)
        module = ".".join(path)
    else:
        return None
    if len(module) > _LONGEST or module.count(".") > _DEEPEST:
        return None
    weights = _weighted(node)
    # A normalisation that the exporter merged into the convolution before it: the weights say which this is.
    return weights if weights and weights.rpartition(".")[0] == module.rpartition(".")[0] else module


def _weighted(node: Node) -> str | None:
    """Return the module whose weights a node reads, by their name."""
    found = node.op in ("Conv", "ConvTranspose", "Gemm") and len(node.inputs) > 1 and node.inputs[1]
    return found.removesuffix(".weight") if found and found.endswith(".weight") else None


def _value_name(node: Node, caffe: bool, values: set[str]) -> str:
    value = node.outputs[0] if node.outputs else ""
    if caffe and value.endswith("_1") and value[:-2] not in values:  # Caffe2 counts how often a blob was written
        return value[:-2]
    if _NUMBERED.fullmatch(value) or not value:
        return _weighted(node) or node.name or f"{node.op}_{value}"
    return value


def _unique(name: str, taken: dict[str, int]) -> str:
    found, count = name, taken.get(name, 0)
    while found in taken:
        found, count = f"{name}_{count}", count + 1
    taken[name] = max(count, 1)
    taken.setdefault(found, 1)
    return found
