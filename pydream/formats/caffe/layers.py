"""A layer's type decides how its message is read: LayerParameter → the constants of a layer's dataclass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import NetFileError
from ...runtime.graph import Graph
from ...runtime.layers import (
    LRN,
    BatchNorm,
    Concat,
    Convolution,
    Dropout,
    Eltwise,
    Flatten,
    InnerProduct,
    Layer,
    Pooling,
    Power,
    ReLU,
    Scale,
    Sigmoid,
    Softmax,
    Split,
    TanH,
)
from . import caffe_pb2
from .prototxt import define


def _convolution(proto: Any) -> dict[str, Any]:
    param = proto.convolution_param
    _axis_1(proto, param)
    if param.num_output < 1 or param.group < 1 or param.num_output % param.group:
        raise _wrong(proto, f"num_output {param.num_output} in {param.group} groups; expected 1 or more in each")
    return {
        "num_output": param.num_output,
        "kernel": _pair(proto, param, "kernel", 0, 1),
        "stride": _pair(proto, param, "stride", 1, 1),
        "pad": _pair(proto, param, "pad", 0, 0),
        "dilation": _pair(proto, param, "dilation", 1, 1),
        "group": param.group,
        "bias": param.bias_term,
    }


def _inner_product(proto: Any) -> dict[str, Any]:
    param = proto.inner_product_param
    if param.axis != 1:
        raise _wrong(proto, f"axis {param.axis}, only 1 is supported")
    if param.num_output < 1:
        raise _wrong(proto, f"num_output {param.num_output}, expected 1 or more")
    return {"num_output": param.num_output, "bias": param.bias_term, "transpose": param.transpose}


def _pooling(proto: Any) -> dict[str, Any]:
    param = proto.pooling_param
    if param.pool not in (caffe_pb2.PoolingParameter.MAX, caffe_pb2.PoolingParameter.AVE):
        raise _wrong(proto, f"pool {caffe_pb2.PoolingParameter.PoolMethod.Name(param.pool)}, expected MAX or AVE")
    everything = param.global_pooling
    kernel = (0, 0) if everything else _pair(proto, param, "kernel", 0, 1)
    pad = _pair(proto, param, "pad", 0, 0)
    stride = _pair(proto, param, "stride", 1, 1)
    if everything and (pad != (0, 0) or stride != (1, 1)):
        raise _wrong(proto, "global_pooling with pad or stride")
    if not everything and any(p >= k for p, k in zip(pad, kernel, strict=True)):
        raise _wrong(proto, f"pad {pad[0]}x{pad[1]} is not smaller than the kernel, {kernel[0]}x{kernel[1]}")
    return {
        "average": param.pool == caffe_pb2.PoolingParameter.AVE,
        "everything": everything,
        "kernel": kernel,
        "stride": stride,
        "pad": pad,
        "round_up": param.round_mode == caffe_pb2.PoolingParameter.CEIL,
    }


def _lrn(proto: Any) -> dict[str, Any]:
    param = proto.lrn_param
    if param.norm_region != caffe_pb2.LRNParameter.ACROSS_CHANNELS:
        raise _wrong(proto, "norm_region WITHIN_CHANNEL, only ACROSS_CHANNELS is supported")
    if param.local_size % 2 == 0 or param.local_size > 2**15:
        raise _wrong(proto, f"local_size {param.local_size}, expected an odd number")
    return {"local_size": param.local_size, "alpha": param.alpha, "beta": param.beta, "k": param.k}


def _relu(proto: Any) -> dict[str, Any]:
    return {"negative_slope": proto.relu_param.negative_slope}


def _power(proto: Any) -> dict[str, Any]:
    param = proto.power_param
    return {"power": param.power, "scale": param.scale, "shift": param.shift}


def _concat(proto: Any) -> dict[str, Any]:
    param = proto.concat_param
    return {"axis": param.concat_dim if param.HasField("concat_dim") else param.axis}


def _eltwise(proto: Any) -> dict[str, Any]:
    param = proto.eltwise_param
    operation = caffe_pb2.EltwiseParameter.EltwiseOp.Name(param.operation)
    coeff = tuple(param.coeff) or (1.0,) * len(proto.bottom)
    if len(coeff) != len(proto.bottom) or (param.coeff and operation != "SUM"):
        raise _wrong(
            proto,
            f"{len(coeff)} coeff for {operation} of {len(proto.bottom)} bottoms; expected one each, for SUM",
        )
    return {"operation": operation, "coeff": coeff}


def _softmax(proto: Any) -> dict[str, Any]:
    return {"axis": proto.softmax_param.axis}


def _flatten(proto: Any) -> dict[str, Any]:
    return {"axis": proto.flatten_param.axis, "end_axis": proto.flatten_param.end_axis}


def _batch_norm(proto: Any) -> dict[str, Any]:
    param = proto.batch_norm_param
    if param.HasField("use_global_stats") and not param.use_global_stats:
        raise _wrong(proto, "use_global_stats: false; a dream runs with the stored statistics")
    return {"eps": param.eps}


def _scale(proto: Any) -> dict[str, Any]:
    param = proto.scale_param
    _axis_1(proto, param)
    if param.num_axes != 1:
        raise _wrong(proto, f"num_axes {param.num_axes}, only 1 is supported")
    return {"bias": param.bias_term}


def _wrong(proto: Any, what: str) -> NetFileError:
    return NetFileError(f"layer {proto.name!r} ({proto.type}): {what}")


def _pair(proto: Any, param: Any, what: str, default: int, least: int, most: int = 2**15) -> tuple[int, int]:
    """Read `kernel_h`/`kernel_w`, or `kernel_size`/`pad`/`stride`/`dilation`, repeated or not, as (height, width)."""
    whole = "kernel_size" if what == "kernel" else what
    fields = param.DESCRIPTOR.fields_by_name
    if f"{what}_h" in fields and (param.HasField(f"{what}_h") or param.HasField(f"{what}_w")):
        pair = (getattr(param, f"{what}_h"), getattr(param, f"{what}_w"))
    else:
        value = getattr(param, whole)
        values = [value] if isinstance(value, int) else list(value)
        if not values or (isinstance(value, int) and not param.HasField(whole)):
            if default < least:
                raise _wrong(proto, f"{whole} is missing")
            values = [default]
        if len(values) > 2:
            raise _wrong(proto, f"{len(values)} numbers for {whole}, expected 1 or 2")
        pair = (values[0], values[-1])
    if not all(least <= size <= most for size in pair):
        raise _wrong(proto, f"{whole} {pair[0]}x{pair[1]}, expected {least} to {most}")
    return pair


def _axis_1(proto: Any, param: Any) -> None:
    if param.axis not in (1, -3):
        raise _wrong(proto, f"axis {param.axis}, only 1 (channels) is supported")


# Type → the reader of its constants; None: it has none.
READERS: dict[type[Layer], Callable[[Any], dict[str, Any]] | None] = {
    BatchNorm: _batch_norm,
    Concat: _concat,
    Convolution: _convolution,
    Dropout: None,
    Eltwise: _eltwise,
    Flatten: _flatten,
    InnerProduct: _inner_product,
    LRN: _lrn,
    Pooling: _pooling,
    Power: _power,
    ReLU: _relu,
    Scale: _scale,
    Sigmoid: None,
    Softmax: _softmax,
    Split: None,
    TanH: None,
}
TYPES = {kind.__name__: kind for kind in READERS}


def layer_from_proto(proto: Any) -> Layer:
    """Read a LayerParameter.

    Raises
    ------
    NetFileError
        For an unknown type, with the known ones, or constants that are not valid.
    """
    kind = TYPES.get(proto.type)
    if kind is None:
        raise NetFileError(
            f"layer {proto.name!r} has the unknown type {proto.type!r}; known: Input, {', '.join(sorted(TYPES))}"
        )
    for what, names, (low, high) in (
        ("bottoms", proto.bottom, kind.bottoms_wanted),
        ("tops", proto.top, kind.tops_wanted),
    ):
        if not low <= len(names) <= high:
            raise _wrong(proto, f"{len(names)} {what}, expected {low if low == high else f'{low} or more'}")
    reader = READERS[kind]
    return kind(proto.name, tuple(proto.bottom), tuple(proto.top), **(reader(proto) if reader else {}))


def graph_of(net: Any, source: str) -> Graph:
    """Make the graph of a NetParameter: see `define`, which raises the same errors."""
    definition = define(net, source)
    return Graph(definition.name, definition.inputs, map(layer_from_proto, definition.layers))
