"""Layers that work value by value: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .fields import Readers, wrong


def _relu(proto: Any) -> dict[str, Any]:
    return {"negative_slope": proto.relu_param.negative_slope}


def _power(proto: Any) -> dict[str, Any]:
    param = proto.power_param
    return {"power": param.power, "scale": param.scale, "shift": param.shift}


def _exp(proto: Any) -> dict[str, Any]:
    param = proto.exp_param
    if param.base != -1 and not param.base > 0:
        raise wrong(proto, f"base {param.base:g}, expected more than 0, or -1 for e")
    return {"base": param.base, "scale": param.scale, "shift": param.shift}


def _log(proto: Any) -> dict[str, Any]:
    param = proto.log_param
    if param.base != -1 and (not param.base > 0 or param.base == 1):
        raise wrong(proto, f"base {param.base:g}, expected more than 0 and not 1, or -1 for e")
    return {"base": param.base, "scale": param.scale, "shift": param.shift}


def _prelu(proto: Any) -> dict[str, Any]:
    return {"shared": proto.prelu_param.channel_shared}


def _elu(proto: Any) -> dict[str, Any]:
    return {"alpha": proto.elu_param.alpha}


def _absval(proto: Any) -> dict[str, Any]:
    if list(proto.bottom) == list(proto.top):
        raise wrong(proto, "in place, which Caffe refuses; expected a top of another name")
    return {}


def _threshold(proto: Any) -> dict[str, Any]:
    return {"threshold": proto.threshold_param.threshold}


def _clip(proto: Any) -> dict[str, Any]:
    param = proto.clip_param
    if not (param.HasField("min") and param.HasField("max")):
        raise wrong(proto, "min or max is missing; expected both")
    return {"least": param.min, "most": param.max}


def _swish(proto: Any) -> dict[str, Any]:
    return {"beta": proto.swish_param.beta}


READERS: Readers = {
    layers.BNLL: None,
    layers.ELU: _elu,
    layers.AbsVal: _absval,
    layers.Clip: _clip,
    layers.Dropout: None,
    layers.Exp: _exp,
    layers.Log: _log,
    layers.PReLU: _prelu,
    layers.Power: _power,
    layers.ReLU: _relu,
    layers.Sigmoid: None,
    layers.Swish: _swish,
    layers.TanH: None,
    layers.Threshold: _threshold,
}
