"""Layers that go along whole axes: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .. import caffe_pb2
from .fields import Readers, wrong


def _softmax(proto: Any) -> dict[str, Any]:
    return {"axis": proto.softmax_param.axis}


def _reduction(proto: Any) -> dict[str, Any]:
    param = proto.reduction_param
    operation = caffe_pb2.ReductionParameter.ReductionOp.Name(param.operation)
    return {"operation": operation, "axis": param.axis, "coeff": param.coeff}


def _argmax(proto: Any) -> dict[str, Any]:
    param = proto.argmax_param
    if param.top_k < 1:
        raise wrong(proto, f"top_k {param.top_k}, expected 1 or more")
    return {
        "values": param.out_max_val,
        "top_k": param.top_k,
        "axis": param.axis if param.HasField("axis") else None,
    }


READERS: Readers = {
    layers.ArgMax: _argmax,
    layers.Reduction: _reduction,
    layers.Softmax: _softmax,
}
