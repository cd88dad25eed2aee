"""A network and a layer → an ONNX file that computes a step's gradient, for whatever runs ONNX."""

from __future__ import annotations

import os
from collections.abc import Iterable
from operator import index
from typing import NamedTuple

import numpy as np

from .. import __version__
from ..dream.objectives import Term, channels_text
from ..dream.octaves import Size
from ..dream.params import find_end
from ..errors import ExportError
from ..files import write_errors, write_whole
from ..net import Net
from ..runtime.net import Net as LocalNet
from ..runtime.on_onnx import LAYOUTS, Kind, Layout, Objective, StepModel, step_model


class Exported(NamedTuple):
    """What was written.

    Attributes
    ----------
    bytes : int
        The size of the file.
    size : (height, width), optional
        The only size of images that it takes; None: any.
    fixed_by : str
        The layer that takes no other size, where `size` was not asked for.
    """

    bytes: int
    size: Size | None
    fixed_by: str


def export_onnx(
    net: Net,
    path: str | os.PathLike[str],
    end: str | None = None,
    *,
    channels: int | Iterable[int] = (),
    kind: Kind = "l2",
    layout: Layout = "nchw",
    size: Size | None = None,
) -> Exported:
    """Write a step's gradient as one ONNX graph of standard operators, with the weights inside.

    The graph takes ``image`` and computes ``gradient``, of its shape, and ``activations``. The image is what the
    network takes: in the channel order and minus the mean that the file's metadata name. In float32 max pooling gives
    all of the gradient to the first of equal values, as Caffe does; in float64 to the first of those within 1e-9, and
    convolutions are matrix products, since ONNX Runtime has no others.

    Parameters
    ----------
    net : Net
        As `load_net` returns it, on any runtime; its dtype is the file's.
    path : path
        Is replaced.
    end : str, optional
        The layer; None: the network's own.
    channels : int or iterable of int
        Those of the layer that count; empty: all.
    kind : {"l2", "mean", "sum"}
        What the gradient is of: half the sum of the squares of the activations, as in 2015, their mean or their sum.
    layout : {"nchw", "nhwc"}
        Of the image and its gradient, and of activations with height and width.
    size : (height, width), optional
        The only one of the images; None: any, or the network's own where a layer takes no other.

    Returns
    -------
    Exported

    Raises
    ------
    ExportError
        A layer has no operators, or the file would be too large, or cannot be written; the text names the layer.
    UnknownNameError
        There is no such layer or channel.
    ShapeError
        The size does not fit the layers.
    ValueError
        `channels`, `kind` or `layout` is not one of these.
    """
    content, made = exported(net, end, channels=channels, kind=kind, layout=layout, size=size)
    write_export(path, content)
    return made


def exported(
    net: Net,
    end: str | None = None,
    *,
    channels: int | Iterable[int] = (),
    kind: Kind = "l2",
    layout: Layout = "nchw",
    size: Size | None = None,
) -> tuple[bytes, Exported]:
    """Return the content of the file that `export_onnx` writes, and what it is."""
    if not isinstance(net, LocalNet):
        raise ExportError(f"{net.name}: a network that another library runs has no graph to write")
    if layout not in LAYOUTS:
        raise ValueError(f"layout: {layout!r}, expected one of {', '.join(map(repr, LAYOUTS))}")
    end = find_end(net, end)
    listed = channels if isinstance(channels, Iterable) else (channels,)
    term = Term(end, kind, tuple(map(index, listed)))  # says what is no kind and no channel
    objective = Objective(kind, term.channels)
    if size is not None:
        height, width = map(index, size)
        size = height, width
    made = step_model(net.runtime, end, objective, layout, size, _metadata(net, end, objective, layout))
    content = _checked(made)
    return content, Exported(len(content), made.size, made.fixed_by)


def write_export(path: str | os.PathLike[str], content: bytes) -> None:
    """Write the content of such a file; raise `ExportError` where that cannot be."""
    with write_errors(path, ExportError):
        write_whole(path, content)


def _metadata(net: LocalNet, end: str, objective: Objective, layout: Layout) -> dict[str, str]:
    """Return what a program has to know that runs the graph."""
    return {
        "pydream": __version__,
        "network": net.name,
        "layer": end,
        "channels": channels_text(objective.channels) or "all",
        "objective": objective.kind,
        "layout": layout,
        "channel_order": net.channel_order,
        "mean": ",".join(np.format_float_positional(number, trim="-") for number in np.ravel(net.mean)),
    }


def _checked(made: StepModel) -> bytes:
    """Return the file's content, which ONNX' own checker has looked at."""
    from onnx import checker

    content: bytes = made.model.SerializeToString()
    checker.check_model(content, full_check=True)
    return content
