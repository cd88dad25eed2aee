"""Layers that divide by what values are like together: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .. import caffe_pb2
from .fields import Readers, wrong


def _lrn(proto: Any) -> dict[str, Any]:
    param = proto.lrn_param
    if param.local_size % 2 == 0 or param.local_size > 2**15:
        raise wrong(proto, f"local_size {param.local_size}, expected an odd number")
    return {
        "local_size": param.local_size,
        "alpha": param.alpha,
        "beta": param.beta,
        "k": param.k,
        "within": param.norm_region == caffe_pb2.LRNParameter.WITHIN_CHANNEL,
    }


def _batch_norm(proto: Any) -> dict[str, Any]:
    param = proto.batch_norm_param
    return {"eps": param.eps, "batch": param.HasField("use_global_stats") and not param.use_global_stats}


def _mvn(proto: Any) -> dict[str, Any]:
    param = proto.mvn_param
    return {
        "across_channels": param.across_channels,
        "normalize_variance": param.normalize_variance,
        "eps": param.eps,
    }


READERS: Readers = {
    layers.BatchNorm: _batch_norm,
    layers.LRN: _lrn,
    layers.MVN: _mvn,
}
