"""Layers that only move values: their messages."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

from ....runtime import layers
from ....runtime.graph import MAX_AXES, MAX_COUNT
from .fields import Readers, apart, window, wrong


def _along(proto: Any, param: Any, old: str) -> int:
    """Return the axis, which files before 2015 call `old`."""
    if param.HasField(old) and param.HasField("axis"):
        raise wrong(proto, f"both axis and {old}; one of them is enough")
    axis: int = getattr(param, old) if param.HasField(old) else param.axis
    return axis


def _concat(proto: Any) -> dict[str, Any]:
    return {"axis": _along(proto, proto.concat_param, "concat_dim")}


def _crop(proto: Any) -> dict[str, Any]:
    return {"axis": proto.crop_param.axis, "offset": tuple(proto.crop_param.offset) or (0,)}


def _flatten(proto: Any) -> dict[str, Any]:
    apart(proto)
    return {"axis": proto.flatten_param.axis, "end_axis": proto.flatten_param.end_axis}


def _im2col(proto: Any) -> dict[str, Any]:
    return window(proto, proto.convolution_param)


def _parameter(proto: Any) -> dict[str, Any]:
    return {"shape": _sizes(proto, proto.parameter_param.shape.dim, 1)}


def _reshape(proto: Any) -> dict[str, Any]:
    apart(proto)
    param = proto.reshape_param
    sizes = _sizes(proto, param.shape.dim, -1)
    if sizes.count(-1) > 1:
        raise wrong(proto, f"{sizes.count(-1)} sizes of -1; one can be what remains")
    if param.num_axes < -1:
        raise wrong(proto, f"num_axes {param.num_axes}, expected -1 (all) or more")
    return {"axis": param.axis, "num_axes": param.num_axes, "sizes": sizes}


def _sizes(proto: Any, dims: Any, least: int) -> tuple[int, ...]:
    sizes = tuple(dims)
    if len(sizes) > MAX_AXES or min(sizes, default=least) < least or prod(max(size, 1) for size in sizes) > MAX_COUNT:
        said = ", ".join(map(str, sizes[: MAX_AXES + 1]))
        raise wrong(proto, f"shape {said}; expected up to {MAX_AXES} sizes from {least} on, up to {MAX_COUNT} values")
    return sizes


def _slice(proto: Any) -> dict[str, Any]:
    param = proto.slice_param
    points = tuple(param.slice_point)
    if points and (len(points) != len(proto.top) - 1 or any(a >= b for a, b in pairwise((0, *points)))):
        raise wrong(
            proto,
            f"{len(points)} slice_point for {len(proto.top)} tops; expected one less, each larger than the one before",
        )
    return {"axis": _along(proto, param, "slice_dim"), "points": points}


def _split(proto: Any) -> dict[str, Any]:
    apart(proto)
    return {}


def _tile(proto: Any) -> dict[str, Any]:
    param = proto.tile_param
    if param.tiles < 1:
        raise wrong(proto, f"tiles {param.tiles}, expected 1 or more")
    return {"axis": param.axis, "tiles": param.tiles}


READERS: Readers = {
    layers.Concat: _concat,
    layers.Crop: _crop,
    layers.Flatten: _flatten,
    layers.Im2col: _im2col,
    layers.Parameter: _parameter,
    layers.Reshape: _reshape,
    layers.Slice: _slice,
    layers.Split: _split,
    layers.Tile: _tile,
}
