"""Layers that add and multiply blobs, or blobs and weights: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .. import caffe_pb2
from .fields import Readers, axis_1, wrong


def _eltwise(proto: Any) -> dict[str, Any]:
    param = proto.eltwise_param
    operation = caffe_pb2.EltwiseParameter.EltwiseOp.Name(param.operation)
    coeff = tuple(param.coeff) or (1.0,) * len(proto.bottom)
    if len(coeff) != len(proto.bottom) or (param.coeff and operation != "SUM"):
        raise wrong(
            proto,
            f"{len(coeff)} coeff for {operation} of {len(proto.bottom)} bottoms; expected one each, for SUM",
        )
    return {"operation": operation, "coeff": coeff}


def _scale(proto: Any) -> dict[str, Any]:
    param = proto.scale_param
    axis_1(proto, param)
    if param.num_axes != 1:
        raise wrong(proto, f"num_axes {param.num_axes}, only 1 is supported")
    return {"bias": param.bias_term}


READERS: Readers = {
    layers.Eltwise: _eltwise,
    layers.Scale: _scale,
}
