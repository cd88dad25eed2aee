"""Layers that multiply with weights: their messages."""

from __future__ import annotations

from typing import Any

from ....runtime import layers
from .fields import Readers, axis_1, window, wrong


def _convolution(proto: Any) -> dict[str, Any]:
    param = proto.convolution_param
    axis_1(proto, param)
    if len(proto.bottom) != len(proto.top):
        raise wrong(proto, f"{len(proto.bottom)} bottoms and {len(proto.top)} tops; expected as many tops as bottoms")
    if param.num_output < 1 or param.group < 1 or param.num_output % param.group:
        raise wrong(proto, f"num_output {param.num_output} in {param.group} groups; expected 1 or more in each")
    return {
        "num_output": param.num_output,
        **window(proto, param),
        "group": param.group,
        "bias": param.bias_term,
    }


def _inner_product(proto: Any) -> dict[str, Any]:
    param = proto.inner_product_param
    if param.num_output < 1:
        raise wrong(proto, f"num_output {param.num_output}, expected 1 or more")
    return {
        "num_output": param.num_output,
        "bias": param.bias_term,
        "transpose": param.transpose,
        "axis": param.axis,
    }


READERS: Readers = {
    layers.Convolution: _convolution,
    layers.Deconvolution: _convolution,
    layers.InnerProduct: _inner_product,
}
