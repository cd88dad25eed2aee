"""A SavedModel is a folder: a graph of functions, and its variables in a checkpoint. Both are read, and nothing is run.

TensorFlow's own loader runs the graph's initialisation, whatever that does; here functions replace their calls and
values the variables, which leaves a frozen GraphDef.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import NetFileError
from ...runtime.on_tensorflow.door import part, tensorflow
from .dilation import dilate
from .frozen import Frozen
from .inline import CALLS, Origins, inlined, short_names
from .keras_model import first_line

_MAX_BYTES = 2**31 - 1  # of the graph, and of the variables: a frozen GraphDef cannot be larger
GRAPH_FILE = "saved_model.pb"
VARIABLES = Path("variables", "variables.index")  # has a checksum of each variable's value
_VALUE = "VARIABLE_VALUE"


def freeze_saved_model(path: str | os.PathLike[str]) -> Frozen:
    """Make a frozen GraphDef of the function that a SavedModel serves.

    Parameters
    ----------
    path : path
        A folder as `keras.Model.export` and `tf.saved_model.save` write it.

    Returns
    -------
    Frozen
        Nodes keep their names, without those of the calls around them.

    Raises
    ------
    NetFileError
        For another folder, one that is damaged or too large, a graph with several inputs or of TensorFlow 1.
    """
    path = Path(path)
    graph, signature, bound = _read(path)
    if len(signature.inputs) != 1:
        names = ", ".join(map(repr, sorted(signature.inputs)))
        raise NetFileError(f"{path}: {len(signature.inputs)} inputs ({names}); a dream has one picture")
    (image,) = (_node(tensor.name) for tensor in signature.inputs.values())
    outputs = [_node(tensor.name) for tensor in signature.outputs.values()]
    missing = {image, *outputs} - {node.name for node in graph.node}
    if missing:
        raise NetFileError(f"{path}: damaged: its signature names {min(missing)!r}, which is not in the graph")
    variables = _variables(graph, outputs, bound, str(path))
    graph = inlined(graph, outputs, str(path))
    values = _values(path, variables)
    return Frozen(_frozen(graph, image, outputs, values, str(path)), image)


def _read(path: Path) -> tuple[Any, Any, Mapping[str, Any]]:
    """Read the graph, the signature, and what each function has captured."""
    file = path / GRAPH_FILE
    if file.stat().st_size > _MAX_BYTES:
        raise NetFileError(
            f"{path}: {GRAPH_FILE} has {file.stat().st_size} bytes, more than the {_MAX_BYTES} that a graph can have"
        )
    saved = part("tensorflow.core.protobuf.saved_model_pb2").SavedModel()
    try:
        saved.ParseFromString(file.read_bytes())
    except part("google.protobuf.message").DecodeError as error:
        raise NetFileError(f"{path}: {GRAPH_FILE} is not a SavedModel, or cut short") from error
    served = [meta for meta in saved.meta_graphs if "serve" in meta.meta_info_def.tags]
    if not served:
        raise NetFileError(f"{path}: nothing in this SavedModel is tagged 'serve'")
    meta = served[0]
    signatures = {name: each for name, each in meta.signature_def.items() if each.inputs and each.outputs}
    signature = signatures.get("serving_default") or next(iter(signatures.values()), None)
    if signature is None:
        raise NetFileError(f"{path}: this SavedModel has no signature, so it does not name its input")
    bound = {name: each.bound_inputs for name, each in meta.object_graph_def.concrete_functions.items()}
    return meta.graph_def, signature, bound


def _variables(graph: Any, outputs: list[str], bound: Mapping[str, Any], source: str) -> dict[str, int]:
    """Return the variables that the served function captures: node → index among the saved objects."""
    found: dict[str, int] = {}
    nodes = {node.name: node for node in graph.node}
    for call in (nodes[name] for name in outputs if nodes[name].op in CALLS):
        captured = bound.get(call.attr["f"].func.name, ())
        if len(captured) > len(call.input):
            raise NetFileError(f"{source}: damaged: a function captures more than it is passed")
        found |= dict(zip(map(_node, call.input[len(call.input) - len(captured) :]), captured, strict=True))
    if not found:
        raise NetFileError(
            f"{source}: no function that captures variables, as TensorFlow 1 wrote SavedModels; freeze it to a .pb file"
        )
    return found


def _values(path: Path, variables: Mapping[str, int]) -> dict[str, Any]:
    """Read the variables' values, once the files are known to be large enough for them."""
    shards = list((path / VARIABLES).parent.glob("variables.data-*"))
    size = sum(shard.stat().st_size for shard in shards)
    if size > _MAX_BYTES:
        raise NetFileError(f"{path}: {size} bytes of variables, more than the {_MAX_BYTES} that a graph can have")
    try:
        reader = tensorflow().train.load_checkpoint(str((path / VARIABLES).with_suffix("")))
        tree = part("tensorflow.core.protobuf.trackable_object_graph_pb2").TrackableObjectGraph.FromString(
            reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
        )
        keys = {
            node: next(a.checkpoint_key for a in tree.nodes[index].attributes if a.name == _VALUE)
            for node, index in variables.items()
            if index < len(tree.nodes) and tree.nodes[index].attributes
        }
        shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        wanted = sum(tensorflow().TensorShape(shapes[key]).num_elements() * types[key].size for key in keys.values())
        if wanted > size:
            raise NetFileError(f"{path}: its variables have {wanted} bytes, the files {size}")
    except NetFileError:
        raise
    except Exception as error:  # TensorFlow's are of many kinds
        raise NetFileError(f"{path}: its variables are missing or damaged: {first_line(error)}") from error
    values = {}
    for node, key in keys.items():
        try:
            values[node] = reader.get_tensor(key)
        except Exception as error:
            raise NetFileError(f"{path}: its variable {key!r} is missing or damaged: {first_line(error)}") from error
    return values


def _frozen(graph: Any, image: str, outputs: list[str], values: Mapping[str, Any], source: str) -> bytes:
    """Replace variables by constants, and drop the nodes of calls and those that the outputs do not need."""
    nodes = {node.name: node for node in graph.node}
    origins = Origins(graph, source)
    needed, waiting = {image}, [_node(origins.of(name)) for name in outputs]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [read for read, _ in origins.inputs(nodes[name])]
    names = short_names({name for name in needed if name not in values}) | {name: name for name in values}
    made = type(graph)()
    for node in graph.node:
        if node.name not in needed:
            continue
        if node.name in values:
            constant = made.node.add(name=node.name, op="Const")
            constant.attr["dtype"].CopyFrom(node.attr["dtype"])
            constant.attr["value"].tensor.CopyFrom(tensorflow().make_tensor_proto(values[node.name]))
            continue
        copy = made.node.add()
        copy.CopyFrom(node)
        copy.name = names[node.name]
        copy.input[:] = [names[read] + output for read, output in origins.inputs(node)]
    dilate(made)
    frozen: bytes = made.SerializeToString()
    return frozen


def _node(tensor: str) -> str:
    return tensor.partition(":")[0]
