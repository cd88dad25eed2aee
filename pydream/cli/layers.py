"""`pydream layers`: what there is to dream with."""

from __future__ import annotations

from pathlib import Path

import click

from .errors import debug_option
from .network import load, weights_option


@click.command("layers")
@click.argument("model")
@weights_option
@debug_option
def command(model: str, weights: Path | None) -> None:
    """List the blobs of MODEL with their shapes; each is a --layer for `pydream dream`.

    MODEL is a name that `pydream models` lists, or a prototxt or caffemodel file. Shapes, batch × channels ×
    height × width, are those for the input size that the network declares.

    \b
    pydream layers squeezenet_v1.1
    """  # noqa: D301 (click's mark for a block to leave as it is)
    net = load(model, weights, device="cpu")
    width = max(map(len, net.blobs))
    for name, blob in net.blobs.items():
        shape = "×".join(map(str, blob.shape))
        click.echo(f"{name:<{width}}  {shape}{'  (default)' if name == net.default_end else ''}")
