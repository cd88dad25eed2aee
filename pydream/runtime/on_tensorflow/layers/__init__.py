"""How TensorFlow runs each layer: two formulas.

Gradients are written out rather than taped: only what the gradient at the input needs is kept (no weight gradients),
and each pass is a formula that can be compared with Caffe's. Four-axis tensors are (n, h, w, c) here; others are as in
Caffe. Sizes are read inside the graph, so one trace serves every image size.

The files are those of `pydream.runtime.layers`.
"""

from __future__ import annotations

from typing import Any

from ... import layers
from ...base import Runner
from ..fusion import ConcatConvolution, RectifiedPooling
from . import activations, combining, linear, normalising, pooling, reductions, shapes

RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    **activations.RUNNERS,
    **combining.RUNNERS,
    **linear.RUNNERS,
    **normalising.RUNNERS,
    **pooling.RUNNERS,
    **reductions.RUNNERS,
    **shapes.RUNNERS,
}

# What `fusion` makes of two layers.
FUSED: dict[type[layers.Layer], type[Runner[Any]]] = {
    ConcatConvolution: linear.ConcatConvolutionRunner,
    RectifiedPooling: pooling.RectifiedPoolingRunner,
}
