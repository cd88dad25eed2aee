"""`pydream export`: a step's gradient as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...dream.labels import NUMBERS
from ...dream.params import find_end
from ...easy.export import exported, write_export
from ...errors import ParameterError
from ...record.scoring import channels_of
from ...runtime.base import Runtime
from ...runtime.engines import AUTO
from ...runtime.net import Net
from ...runtime.on_numpy import NumpyRuntime
from ...runtime.on_onnx import LAYOUTS, Kind, Layout
from ...zoo.load import load_net, read_outline
from ..errors import interruption
from ..help import Command
from ..input import Size
from ..job import quiet_tensorflow
from ..options import (
    exact_options,
    force_option,
    image_size_option,
    kind_option,
    layer_option,
    network_options,
    no_sync_option,
    option,
    output_option,
    quiet_option,
)
from ..places import claim
from ..rendering import ChannelOption, channel_option
from ..signals import uninterrupted
from ..streams import echo


def _channels(text: str) -> tuple[int, ...]:
    """Read ``7`` or ``0-15,20``."""
    if not NUMBERS.fullmatch(text):
        raise click.BadParameter(f"{text!r} is not a list of channels (expected e.g. 3 or 3-7 or 3-7,12)")
    try:
        return channels_of(text, text)
    except ParameterError as error:
        raise click.BadParameter(error.problem) from error


def _holder(outline: Net | None) -> str | type[Runtime]:
    """Return the runtime that is to hold a network, which it does not run: NumPy's, without TensorFlow, if it can."""
    if outline is None or any(type(step.layer) not in NumpyRuntime.runners for step in outline.runtime.graph.steps):
        return AUTO  # for frozen graphs and Keras models: TensorFlow's
    return NumpyRuntime  # by its name it takes no frozen graph


@click.command("export", cls=Command)
@output_option("An .onnx file", type=click.Path(path_type=Path), required=True)
@network_options
@layer_option("LAYER[:CHANNELS]", type=channel_option)
@option(
    "--channels", "Numbers of the layer's channels that count: 0-15,20.  [default: all]", _channels, metavar="N,N-N"
)
@kind_option
@exact_options
@option("--layout", "Order of the image's axes in the file.", click.Choice(LAYOUTS), default="nchw")
@image_size_option("any, in one file; the network's own where a layer takes no other")
@force_option
@no_sync_option
@quiet_option
def command(
    output: Path,
    model: str,
    weights: Path | None,
    layer: ChannelOption | None,
    channels: tuple[int, ...] | None,
    kind: Kind,
    dtype: str,
    layout: Layout,
    image_size: Size | None,
    quiet: bool,
    **spec: Any,
) -> None:
    """Write a step's gradient as one ONNX graph of standard operators.

    The graph takes an image, of any height and width, and computes the gradient at it and the layer's activations. The
    weights are inside; channel order and mean, which the image is without, are in the metadata. ONNX Runtime, OpenVINO
    and whatever else runs ONNX can dream with it, without TensorFlow and without pydream: see docs/export.md.

    \b
    pydream export -l fire8/concat -o step.onnx
    pydream export -m bvlc_googlenet -l inception_4c/output:0-15 -o step.onnx --layout nhwc
    """  # noqa: D301 (click's mark for a block to leave as it is)
    layer = layer or ChannelOption()
    if layer.channels and channels:
        raise click.UsageError(f"channels twice, in {layer.given!r} and as --channels; expected one")
    claim([output])
    quiet_tensorflow()  # TensorFlow is asked for Keras models and SavedModels
    named = {"scale": spec.pop("pixel_scale"), "input": spec.pop("input_node"), **spec}
    outline = read_outline(model, weights, named["input"])
    if outline is not None:
        find_end(outline, layer.name)  # a wrong name does not wait for weights
    net = load_net(model, weights, dtype, runtime=_holder(outline), **named)
    try:
        content, made = exported(
            net, layer.name, channels=channels or layer.channels or (), kind=kind, layout=layout,
            size=image_size,
        )  # fmt: skip
    except KeyboardInterrupt:
        raise interruption(f"'{output}' is not written") from None
    with uninterrupted(done_then=True):
        write_export(output, content)
    if not quiet:
        size = "images of any size" if made.size is None else f"images of {made.size[1]}x{made.size[0]}"
        why = f" alone, since layer {made.fixed_by} takes no other" if made.fixed_by else ""
        echo(f"wrote '{output}', {made.bytes / 1e6:.1f} MB, for {size}{why}", err=True)
