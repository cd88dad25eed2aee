"""Layers that work value by value: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .fields import Readers


def _relu(proto: Any) -> dict[str, Any]:
    return {"negative_slope": proto.relu_param.negative_slope}


def _power(proto: Any) -> dict[str, Any]:
    param = proto.power_param
    return {"power": param.power, "scale": param.scale, "shift": param.shift}


READERS: Readers = {
    layers.Dropout: None,
    layers.Power: _power,
    layers.ReLU: _relu,
    layers.Sigmoid: None,
    layers.TanH: None,
}
