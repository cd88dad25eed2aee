"""Layers that go along whole axes: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .fields import Readers


def _softmax(proto: Any) -> dict[str, Any]:
    return {"axis": proto.softmax_param.axis}


READERS: Readers = {
    layers.Softmax: _softmax,
}
