"""`pydream layers`: what there is to dream with."""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from math import prod
from typing import Any

import click
from click.core import ParameterSource

from ...errors import ShapeError, printable
from ...formats import caffe, graphdef
from ...net import unknown_name
from ...record.text import as_unicode
from ...runtime.ends import default_end, worthwhile
from ...runtime.geometry import BlobFacts, survey
from ...runtime.graph import Graph
from ...table import aligned
from ...zoo.load import default_layer, find_files, read_graph
from ..help import Command
from ..input import Size
from ..job import quiet_tensorflow
from ..options import image_size_option, input_node_option, json_option, model_option, option
from ..places import Model
from ..streams import echo


@click.command("layers", cls=Command)
@click.argument("network", required=False, type=Model(), metavar="[MODEL]")
@model_option()
@image_size_option("what the network declares")
@option("--like", "Part of the names of the blobs to list: 4c.", as_unicode, metavar="TEXT")
@option(
    "--check-weights weights",
    "Check of each layer's weights, in this file or in the one that `pydream models` knows.",
    Model(),
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
)
@input_node_option
@json_option
def command(
    network: str | None,
    model: str,
    image_size: Size | None,
    like: str | None,
    weights: str | None,
    json: bool,
    input_node: str | None,
) -> None:
    """List the blobs of a network, what each sees of the picture, and what it costs.

    A network is a name that `pydream models` lists, or a prototxt, a caffemodel, a frozen graph (.pb), an ONNX network,
    a Keras model (.keras, .h5) or the folder of a SavedModel. Weights are not needed, unless they are in the graph. The
    first line names what is worth dreaming of, such as the modules' outputs. Each blob but the input is a --layer for
    `pydream dream`, if the last column says so; a layer that works in place has no blob of its own. JSON has the place
    of the first receptive field too, and why layers cannot be run.

    \b
    shape   batch × channels × height × width
    sees    pixels, side by side, that one value is made of: the receptive field
    stride  pixels from the field of one value to the field of the next
    MACs    multiplications with a weight, each with an addition: of the layer, and of all that it needs

    \b
    pydream layers bvlc_googlenet --like 4c --image-size 1024x575
    """  # noqa: D301 (click's mark for a block to leave as it is)
    quiet_tensorflow()  # TensorFlow is asked for Keras models and SavedModels
    if network is not None:
        if click.get_current_context().get_parameter_source("model") is not ParameterSource.DEFAULT:
            raise click.UsageError(f"two networks, {network!r} and --model {model!r}; expected one")
        model = network
    try:
        graph = read_graph(model, weights or None, input_node)
    except graphdef.NoInputError as error:
        _print_nodes(error.nodes, json)
        raise
    shapes = dict(graph.declared)
    if image_size is not None:
        shapes[graph.image_input] = (*shapes[graph.image_input][:2], *image_size)
    facts = [each for each in survey(graph, shapes) if like is None or like in each.name]
    good = worthwhile(graph)
    if not facts:
        raise unknown_name("blob like", like or "", dict.fromkeys([*good, *graph.blobs]))
    default = default_layer(model) or default_end(graph)
    wrong = None if weights is None else _wrong_weights(model, weights, graph)
    made_by: dict[str, list[str]] = {}  # layers of each blob, those in place included
    for step in graph.steps:
        for top in step.layer.tops:
            made_by.setdefault(top, []).append(step.layer.name)
    blobs = [_as_json(each, graph, made_by, default, wrong) | {"worthwhile": each.name in good} for each in facts]
    if json:
        content = {
            "input": {name: list(shape) for name, shape in shapes.items()},
            "blobs": blobs,
            "left_out": graph.left_out,
        }
        echo(*dumps(content, indent=1).split("\n"))
    else:
        if listed := [each.name for each in facts if each.name in good]:
            echo(f"worth dreaming of: {', '.join(map(printable, listed))}")
        declared = "x".join(map(str, reversed(graph.declared[graph.image_input][2:])))  # width first, as in sizes
        _print_table([_row(blob, declared) for blob in blobs])


def _print_nodes(nodes: Sequence[tuple[str, str]], json: bool) -> None:
    """Print the nodes of a graph whose input is not known."""
    if json:
        content = {"nodes": [{"name": name, "op": op} for name, op in nodes]}
        echo(*dumps(content, indent=1).split("\n"))
    else:
        _print_table([{"node": printable(name), "op": op} for name, op in nodes] or [{"node": "", "op": ""}])


def _wrong_weights(model: str, weights: str, graph: Graph) -> dict[str, str]:
    """Describe which weights do not fit the network; a frozen graph was read with its own."""
    files = find_files(model, weights or None)
    return {} if files.frozen else caffe.misfits(files.definition, files.weights)


def _as_json(
    facts: BlobFacts, graph: Graph, made_by: dict[str, list[str]], default: str | None, wrong: dict[str, str] | None
) -> dict[str, Any]:
    shape = None if isinstance(facts.shape, ShapeError) else facts.shape
    field = facts.field
    blob: dict[str, Any] = {
        "name": facts.name,
        "layer": facts.layer,
        "type": facts.type,
        "shape": shape,
        "channels": shape[1] if shape and len(shape) > 1 else None,
        "receptive_field": [view.size for view in field] if field else "all" if facts.dreamable else None,
        "stride": [view.stride for view in field] if field else None,
        "start": [view.start for view in field] if field else None,
        "macs": facts.macs,
        "macs_in_all": facts.macs_to,
        "dream": facts.dreamable,
        "fixed_size": facts.fixed,
        "default": facts.name == default,
    }
    if wrong is not None:
        layers = made_by.get(facts.name, [])
        blob["weights"] = sum(prod(shape) for layer in layers for shape in graph.params.get(layer, ()))
        blob["wrong_weights"] = {layer: wrong[layer] for layer in layers if layer in wrong}
    return blob


def _row(blob: dict[str, Any], declared: str) -> dict[str, str]:
    shape = blob["shape"]
    row = {
        "name": printable(blob["name"]),
        "type": blob["type"],
        "shape": "×".join(map(str, shape)) if shape else "-",
        "channels": str(blob["channels"] or "-"),
        "sees": _pair(blob["receptive_field"]),
        "stride": _pair(blob["stride"]),
        "MACs": _short(blob["macs"]),
        "in all": _short(blob["macs_in_all"]),
        "to dream with": _dreams(blob, declared),
    }
    if "weights" in blob:
        wrong = "; ".join(f"{layer}: {fault}" for layer, fault in blob["wrong_weights"].items())
        row["weights"] = printable(wrong) or (f"{blob['weights']:,}" if blob["weights"] else "-")
    return row


def _dreams(blob: dict[str, Any], declared: str) -> str:
    if not blob["dream"]:
        return "input" if blob["type"] == "Input" else "no"
    if blob["fixed_size"]:
        return f"at {declared}"
    if blob["shape"] is None:
        return "not at this size"
    return "default" if blob["default"] else "yes"


def _pair(both: list[int] | str | None) -> str:
    if not isinstance(both, list):
        return both or "-"
    rows, columns = both
    return str(rows) if rows == columns else f"{columns}x{rows}"


def _short(number: int | None) -> str:
    """Return a large number with three digits and a letter: 13769441280 is 13.8G."""
    if not number:
        return "-"
    value, unit = float(number), 0
    while value >= 999.5:
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f}{['', 'k', 'M', 'G', 'T', 'P', 'E'][unit]}"


RIGHT = ("channels", "sees", "stride", "MACs", "in all")


def _print_table(rows: list[dict[str, str]]) -> None:
    head = list(rows[0])
    right = [column for column, title in enumerate(head) if title in RIGHT]
    for line in aligned([head, *(list(row.values()) for row in rows)], right):
        echo(line)
