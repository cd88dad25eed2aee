"""Layers that only move values: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .fields import Readers


def _concat(proto: Any) -> dict[str, Any]:
    param = proto.concat_param
    return {"axis": param.concat_dim if param.HasField("concat_dim") else param.axis}


def _flatten(proto: Any) -> dict[str, Any]:
    return {"axis": proto.flatten_param.axis, "end_axis": proto.flatten_param.end_axis}


READERS: Readers = {
    layers.Concat: _concat,
    layers.Flatten: _flatten,
    layers.Split: None,
}
