"""Layers that Caffe does not have, for the vectors: those of networks of TensorFlow and ONNX that NumPy runs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np

from ..runtime import onnx_layers as onnx
from ..runtime import tf_layers as tf
from ..runtime.layers import Layer, Shape

_ENDS = {"name", "bottoms", "tops"}
_ONE, _TWO = (("it", ("bottom0",), ("top0",)), ("it", ("bottom0", "bottom1"), ("top0",)))
_SAME = (tf.Padding(same=True), tf.Padding(same=True))
_MAP = (1, 2, 4, 5)


class Other(NamedTuple):
    """A layer to compute.

    Attributes
    ----------
    source : {"TensorFlow", "ONNX"}
    layer : Layer
        Its bottoms are bottom0 and so on, its top is top0.
    bottoms : tuple of tuple of int
        Shapes.
    """

    source: str
    layer: Layer
    bottoms: tuple[Shape, ...]


OTHERS = (
    Other("TensorFlow", tf.Identity(*_ONE), (_MAP,)),
    Other("TensorFlow", tf.Affine(*_ONE, "BiasAdd", 2, False, True), (_MAP,)),
    Other("TensorFlow", tf.Affine(*_ONE, "FusedBatchNorm", 2, True, True), (_MAP,)),
    *(
        Other("TensorFlow", tf.Conv2D(*_ONE, 4, (3, 3), stride, (0, 0), (1, 1), 1, False, _SAME), ((1, 3, 8, 9),))
        for stride in ((1, 1), (2, 2))
    ),
    Other("TensorFlow", tf.DepthwiseConv2D(*_ONE, 2, (3, 3), (2, 2), (0, 0), (1, 1), 2, False, _SAME), ((1, 2, 7, 8),)),
    *(
        Other(
            "ONNX",
            onnx.Pool(*_ONE, average, False, (3, 3), (2, 2), (0, 1), True, ((0, 1), (1, 0)), counted),
            ((1, 2, 7, 8),),
        )
        for average, counted in ((False, False), (True, False), (True, True))
    ),
    *(
        Other("ONNX", onnx.Elementwise(*_TWO, op), (_MAP, (1, 2, 1, 1)))
        for op in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "PRelu")
    ),
    Other("ONNX", onnx.Elementwise(*_ONE, "Mul", (2, 1, 1)), (_MAP,)),
    *(
        Other("ONNX", onnx.Pointwise(*_ONE, op, constants), (_MAP,))
        for op, constants in (
            ("Celu", (0.5,)),
            ("Erf", ()),
            ("Gelu", ()),
            ("GeluTanh", ()),
            ("HardSigmoid", (0.25, 0.5)),
            ("HardSwish", ()),
            ("Mish", ()),
            ("Selu", (1.5, 1.25)),
            ("Softsign", ()),
        )
    ),
    Other("ONNX", onnx.Transpose(*_ONE, (0, 2, 3, 1)), (_MAP,)),
    Other("ONNX", onnx.View(*_ONE, ((0,), 2, -1)), ((1, 4, 2, 3),)),
    Other("ONNX", onnx.ViewBack(*_TWO), ((1, 12), (1, 2, 2, 3))),
    *(Other("ONNX", onnx.Reduce(*_ONE, op, (2, 3), True), (_MAP,)) for op in ("Mean", "Sum", "Max", "Min", "L2")),
    Other("ONNX", onnx.Normalization(*_ONE, "LayerNormalization", (2,), 1e-5, ((6,), (6,))), ((1, 4, 6),)),
    Other("ONNX", onnx.Part(*_ONE, (slice(None), slice(1, None), slice(None, None, 2), slice(4, 1, -1))), (_MAP,)),
    Other("ONNX", onnx.Pad(*_ONE, ((0, 0), (0, 0), (1, 2), (0, 1)), 0.5, False), (_MAP,)),
    Other("ONNX", onnx.Pad(*_ONE, ((0, 0), (0, 0), (1, 2), (3, 1)), 0.0, True), (_MAP,)),
    Other("ONNX", onnx.MatMul(*_TWO), ((1, 2, 3, 4), (1, 2, 4, 5))),
    Other("ONNX", onnx.MatMul(*_ONE, (4, 5)), ((1, 3, 4),)),
    Other("ONNX", onnx.Gather(*_ONE, 1, np.array([2, 0, 2])), ((1, 3, 4),)),
)


def plain(layer: Layer) -> dict[str, Any]:
    """Return the constants of a layer, as JSON has them; a slice is its start, stop and step."""
    return {each.name: _plain(getattr(layer, each.name)) for each in fields(layer) if each.name not in _ENDS}


def _plain(value: Any) -> Any:
    if isinstance(value, tf.Padding):
        return value._asdict()
    if isinstance(value, slice):
        return [value.start, value.stop, value.step]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
