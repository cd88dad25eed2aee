"""Layers that add and multiply blobs, or blobs and weights: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .. import caffe_pb2
from .fields import Readers, wrong


def _eltwise(proto: Any) -> dict[str, Any]:
    param = proto.eltwise_param
    operation = caffe_pb2.EltwiseParameter.EltwiseOp.Name(param.operation)
    coeff = tuple(param.coeff) or (1.0,) * len(proto.bottom)
    if len(coeff) != len(proto.bottom) or (param.coeff and operation != "SUM"):
        raise wrong(
            proto,
            f"{len(coeff)} coeff for {operation} of {len(proto.bottom)} bottoms; expected one each, for SUM",
        )
    return {"operation": operation, "coeff": coeff, "stable": param.stable_prod_grad}


def _scale(proto: Any) -> dict[str, Any]:
    return {**_along(proto, proto.scale_param), "bias": proto.scale_param.bias_term}


def _bias(proto: Any) -> dict[str, Any]:
    return _along(proto, proto.bias_param)


def _along(proto: Any, param: Any) -> dict[str, Any]:
    if param.num_axes < -1:
        raise wrong(proto, f"num_axes {param.num_axes}, expected -1 for all, or 0 or more")
    return {"axis": param.axis, "num_axes": param.num_axes}


READERS: Readers = {
    layers.Bias: _bias,
    layers.Eltwise: _eltwise,
    layers.Scale: _scale,
}
