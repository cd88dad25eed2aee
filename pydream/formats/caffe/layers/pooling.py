"""Layers that take one value of each window: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .. import caffe_pb2
from .fields import Readers, pair, wrong

_MOST_LEVELS = 16  # 2^15 bins along an axis, as many as a kernel may have rows


def _pooling(proto: Any) -> dict[str, Any]:
    param = proto.pooling_param
    pool = caffe_pb2.PoolingParameter.PoolMethod.Name(param.pool)
    if len(proto.top) > 1 and pool != "MAX":
        raise wrong(proto, f"2 tops and pool {pool}; only MAX has a mask")
    everything = param.global_pooling
    kernel = (0, 0) if everything else pair(proto, param, "kernel", 0, 1)
    pad = pair(proto, param, "pad", 0, 0)
    stride = pair(proto, param, "stride", 1, 1)
    if everything and (pad != (0, 0) or stride != (1, 1)):
        raise wrong(proto, "global_pooling with pad or stride")
    if pool == "STOCHASTIC" and any(pad):
        raise wrong(proto, f"pool STOCHASTIC with pad {pad[0]}x{pad[1]}; only MAX and AVE take one")
    if not everything and any(p >= k for p, k in zip(pad, kernel, strict=True)):
        raise wrong(proto, f"pad {pad[0]}x{pad[1]} is not smaller than the kernel, {kernel[0]}x{kernel[1]}")
    return {
        "average": pool == "AVE",
        "stochastic": pool == "STOCHASTIC",
        "everything": everything,
        "kernel": kernel,
        "stride": stride,
        "pad": pad,
        "round_up": param.round_mode == caffe_pb2.PoolingParameter.CEIL,
    }


def _spp(proto: Any) -> dict[str, Any]:
    param = proto.spp_param
    pool = caffe_pb2.SPPParameter.PoolMethod.Name(param.pool)
    if pool not in ("MAX", "AVE"):
        raise wrong(proto, f"pool {pool}, expected MAX or AVE")
    if not 1 <= param.pyramid_height <= _MOST_LEVELS:
        raise wrong(proto, f"pyramid_height {param.pyramid_height}, expected 1 to {_MOST_LEVELS}")
    return {"height": param.pyramid_height, "average": pool == "AVE"}


READERS: Readers = {
    layers.Pooling: _pooling,
    layers.SPP: _spp,
}
