"""Layers that take one value of each window: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .. import caffe_pb2
from .fields import Readers, pair, wrong


def _pooling(proto: Any) -> dict[str, Any]:
    param = proto.pooling_param
    if param.pool not in (caffe_pb2.PoolingParameter.MAX, caffe_pb2.PoolingParameter.AVE):
        raise wrong(proto, f"pool {caffe_pb2.PoolingParameter.PoolMethod.Name(param.pool)}, expected MAX or AVE")
    everything = param.global_pooling
    kernel = (0, 0) if everything else pair(proto, param, "kernel", 0, 1)
    pad = pair(proto, param, "pad", 0, 0)
    stride = pair(proto, param, "stride", 1, 1)
    if everything and (pad != (0, 0) or stride != (1, 1)):
        raise wrong(proto, "global_pooling with pad or stride")
    if not everything and any(p >= k for p, k in zip(pad, kernel, strict=True)):
        raise wrong(proto, f"pad {pad[0]}x{pad[1]} is not smaller than the kernel, {kernel[0]}x{kernel[1]}")
    return {
        "average": param.pool == caffe_pb2.PoolingParameter.AVE,
        "everything": everything,
        "kernel": kernel,
        "stride": stride,
        "pad": pad,
        "round_up": param.round_mode == caffe_pb2.PoolingParameter.CEIL,
    }


READERS: Readers = {
    layers.Pooling: _pooling,
}
