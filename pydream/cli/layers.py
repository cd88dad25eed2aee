"""`pydream layers`: what there is to dream with."""

from __future__ import annotations

import click

from ..zoo import blob_shapes, default_layer
from .errors import debug_option, printable


@click.command("layers")
@click.argument("model")
@debug_option
def command(model: str) -> None:
    """List the blobs of MODEL with their shapes; each but the input is a --layer for `pydream dream`.

    MODEL is a name that `pydream models` lists, or a prototxt or caffemodel file. Weights are not needed. Shapes,
    batch × channels × height × width, are those for the input size that the network declares.

    \b
    pydream layers squeezenet_v1.1
    """  # noqa: D301 (click's mark for a block to leave as it is)
    shapes, default = blob_shapes(model), default_layer(model)
    names = {name: printable(name) for name in shapes}
    width = max(map(len, names.values()))
    for name, shape in shapes.items():
        click.echo(f"{names[name]:<{width}}  {'×'.join(map(str, shape))}{'  (default)' if name == default else ''}")
