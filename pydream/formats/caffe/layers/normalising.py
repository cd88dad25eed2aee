"""Layers that divide by what values are like together: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .. import caffe_pb2
from .fields import Readers, wrong


def _lrn(proto: Any) -> dict[str, Any]:
    param = proto.lrn_param
    if param.norm_region != caffe_pb2.LRNParameter.ACROSS_CHANNELS:
        raise wrong(proto, "norm_region WITHIN_CHANNEL, only ACROSS_CHANNELS is supported")
    if param.local_size % 2 == 0 or param.local_size > 2**15:
        raise wrong(proto, f"local_size {param.local_size}, expected an odd number")
    return {"local_size": param.local_size, "alpha": param.alpha, "beta": param.beta, "k": param.k}


def _batch_norm(proto: Any) -> dict[str, Any]:
    param = proto.batch_norm_param
    if param.HasField("use_global_stats") and not param.use_global_stats:
        raise wrong(proto, "use_global_stats: false; a dream runs with the stored statistics")
    return {"eps": param.eps}


READERS: Readers = {
    layers.BatchNorm: _batch_norm,
    layers.LRN: _lrn,
}
