"""`pydream layers`: what there is to dream with."""

from __future__ import annotations

from json import dumps
from math import prod
from typing import Any

import click

from ...errors import ShapeError
from ...formats.caffe.prototxt import read_binary
from ...formats.caffe.weights import misfits
from ...net import Field, unknown_name
from ...runtime.geometry import BlobFacts, survey
from ...runtime.graph import Graph
from ...zoo.load import default_layer, find_files, read_graph
from ..errors import debug_option, printable
from ..help import Command
from ..input import Size
from ..network import hush
from ..options import image_size_option, input_node_option, json_option, model_option

FOUND = ""  # of --check-weights without a file


@click.command("layers", cls=Command)
@model_option()
@image_size_option("what the network declares")
@click.option("--like", metavar="TEXT", help="Part of the names of the blobs to list: 4c.")
@click.option(
    "--check-weights",
    "weights",
    is_flag=False,
    flag_value=FOUND,
    metavar="[FILE]",
    help="Check of each layer's weights, in this file or in the one that `pydream models` knows.",
)
@input_node_option
@json_option
@debug_option
def command(
    model: str, image_size: Size | None, like: str | None, weights: str | None, json: bool, input_node: str | None
) -> None:
    """List the blobs of a network, what each sees of the picture, and what it costs.

    A network is a name that `pydream models` lists, or a prototxt, a caffemodel, a frozen graph (.pb), a Keras model
    (.keras, .h5) or the folder of a SavedModel. Weights are not needed, unless they are in the graph. Each blob but
    the input is a --layer for `pydream dream`, if the last column says so; a layer that works in place has no blob of
    its own. JSON has the place of the first receptive field too.

    \b
    shape   batch × channels × height × width
    sees    pixels, side by side, that one value is made of: the receptive field
    stride  pixels from the field of one value to the field of the next
    MACs    multiplications with a weight, each with an addition: of the layer, and of all that it needs

    \b
    pydream layers -m bvlc_googlenet --like 4c --image-size 1024x575
    """  # noqa: D301 (click's mark for a block to leave as it is)
    hush()  # TensorFlow is asked for Keras models and SavedModels
    graph = read_graph(model, weights or None, input_node)
    shapes = dict(graph.declared)
    if image_size is not None:
        shapes[graph.image_input] = (*shapes[graph.image_input][:2], *image_size)
    blobs = [facts for facts in survey(graph, shapes) if like is None or like in facts.name]
    if not blobs:
        raise unknown_name("blob like", like or "", graph.blobs)
    wrong = None if weights is None else _wrong(model, weights, graph)
    if json:
        default = default_layer(model)
        listed = [_as_json(facts, graph, default, wrong) for facts in blobs]
        click.echo(dumps({"input": {name: list(shape) for name, shape in shapes.items()}, "blobs": listed}, indent=1))
    else:
        _print([_row(facts, graph, default_layer(model), wrong) for facts in blobs])


def _wrong(model: str, weights: str, graph: Graph) -> dict[str, str]:
    """Say which weights are not as the network wants them; a frozen graph was read with its own."""
    files = find_files(model, weights or None)
    if files.frozen:
        return {}
    return misfits(read_binary(files.weights or files.definition), graph.params)


def _row(facts: BlobFacts, graph: Graph, default: str | None, wrong: dict[str, str] | None) -> dict[str, str]:
    shape = None if isinstance(facts.shape, ShapeError) else facts.shape
    row = {
        "name": printable(facts.name),
        "type": facts.type,
        "shape": "×".join(map(str, shape)) if shape else "-",
        "channels": str(shape[1]) if shape and len(shape) > 1 else "-",
        "sees": _pair(facts.field, "size") if facts.field else "all" if facts.dreamable else "-",
        "stride": _pair(facts.field, "stride") if facts.field else "-",
        "MACs": _short(facts.macs),
        "in all": _short(facts.macs_to),
        "to dream with": _dreamt(facts, graph, default),
    }
    if wrong is not None:
        row["weights"] = printable(_held(facts, graph, wrong))
    return row


def _dreamt(facts: BlobFacts, graph: Graph, default: str | None) -> str:
    if not facts.dreamable:
        return "input" if facts.type == "Input" else "no"
    if facts.fixed:
        height, width = graph.declared[graph.image_input][2:]
        return f"at {width}x{height}"
    if isinstance(facts.shape, ShapeError):
        return "not at this size"
    return "default" if facts.name == default else "yes"


def _held(facts: BlobFacts, graph: Graph, wrong: dict[str, str]) -> str:
    """Say how many weights make a blob, those of in-place layers included, or which are not in the file."""
    layers = [layer for layer in _makers(facts, graph) if layer in graph.params]
    problems = [f"{layer}: {wrong[layer]}" for layer in layers if layer in wrong]
    return "; ".join(problems) or (f"{_count(layers, graph):,}" if layers else "-")


def _makers(facts: BlobFacts, graph: Graph) -> list[str]:
    return [step.layer.name for step in graph.steps if facts.name in step.layer.tops]


def _count(layers: list[str], graph: Graph) -> int:
    return sum(prod(shape) for layer in layers for shape in graph.params[layer])


def _as_json(facts: BlobFacts, graph: Graph, default: str | None, wrong: dict[str, str] | None) -> dict[str, Any]:
    shape = None if isinstance(facts.shape, ShapeError) else facts.shape
    field = facts.field
    found: dict[str, Any] = {
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
        layers = [layer for layer in _makers(facts, graph) if layer in graph.params]
        found["weights"] = _count(layers, graph)
        found["wrong_weights"] = {layer: wrong[layer] for layer in layers if layer in wrong}
    return found


def _pair(field: Field, what: str) -> str:
    rows, columns = getattr(field.rows, what), getattr(field.columns, what)
    return str(rows) if rows == columns else f"{columns}x{rows}"  # as sizes are given


def _short(number: int | None) -> str:
    """Write a large number with three digits and a letter: 13769441280 is 13.8G."""
    if not number:
        return "-"
    value, unit = float(number), 0
    while value >= 999.5:
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f}{['', 'k', 'M', 'G', 'T', 'P', 'E'][unit]}"


RIGHT = ("channels", "sees", "stride", "MACs", "in all")


def _print(rows: list[dict[str, str]]) -> None:
    rows = [{title: title for title in rows[0]}, *rows]
    widths = {title: max(len(row[title]) for row in rows) for title in rows[0]}
    for row in rows:
        cells = [f"{text:{'>' if title in RIGHT else '<'}{widths[title]}}" for title, text in row.items()]
        click.echo("  ".join(cells).rstrip())
