"""Layers for the vectors: each type that there is, on few numbers."""

from __future__ import annotations

from typing import NamedTuple

from ..runtime.layers import Shape


class Example(NamedTuple):
    """A layer to compute.

    Attributes
    ----------
    type : str
    constants : str
        Of its prototxt.
    bottoms, weights : tuple of tuple of int
        Shapes.
    tops : int
    """

    type: str
    constants: str
    bottoms: tuple[Shape, ...]
    weights: tuple[Shape, ...] = ()
    tops: int = 1


_MAP = (1, 2, 4, 5)

EXAMPLES = (
    Example("Convolution", "convolution_param { num_output: 4 kernel_size: 3 }", ((1, 3, 7, 9),), ((4, 3, 3, 3), (4,))),
    Example(
        "Convolution",
        "convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 }",
        ((1, 3, 8, 9),),
        ((4, 3, 3, 3), (4,)),
    ),
    Example(
        "Convolution",
        "convolution_param { num_output: 6 kernel_h: 3 kernel_w: 5 pad_h: 1 pad_w: 2 group: 2 }",
        ((1, 4, 6, 7),),
        ((6, 2, 3, 5), (6,)),
    ),
    Example(
        "Convolution",
        "convolution_param { num_output: 2 kernel_size: 3 dilation: 2 bias_term: false }",
        ((1, 3, 7, 8),),
        ((2, 3, 3, 3),),
    ),
    Example(
        "Convolution",
        "convolution_param { num_output: 2 kernel_size: 3 }",
        ((1, 3, 4, 5),) * 2,
        ((2, 3, 3, 3), (2,)),
        tops=2,
    ),
    Example(
        "Deconvolution",
        "convolution_param { num_output: 2 kernel_size: 4 stride: 2 pad: 1 }",
        ((1, 3, 3, 4),),
        ((3, 2, 4, 4), (2,)),
    ),
    Example(
        "Deconvolution",
        "convolution_param { num_output: 4 kernel_size: 2 stride: 3 group: 2 bias_term: false }",
        ((1, 4, 3, 2),),
        ((4, 2, 2, 2),),
    ),
    Example("Im2col", "convolution_param { kernel_size: 3 stride: 2 pad: 1 }", ((1, 2, 4, 5),)),
    Example("InnerProduct", "inner_product_param { num_output: 5 }", ((2, 2, 3, 4),), ((5, 24), (5,))),
    Example(
        "InnerProduct",
        "inner_product_param { num_output: 5 axis: -1 transpose: true bias_term: false }",
        ((2, 2, 3, 4),),
        ((4, 5),),
    ),
    Example("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }", ((1, 2, 8, 9),)),
    Example("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 1 pad: 1 }", ((1, 2, 6, 7),)),
    Example("Pooling", "pooling_param { pool: MAX kernel_size: 2 stride: 2 pad: 1 }", ((1, 2, 5, 6),)),
    Example("Pooling", "pooling_param { pool: MAX global_pooling: true }", (_MAP,)),
    Example("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }", ((1, 2, 6, 7),), tops=2),
    Example("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }", ((1, 2, 8, 9),)),
    Example("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }", ((1, 2, 8, 9),)),
    Example("Pooling", "pooling_param { pool: AVE global_pooling: true }", (_MAP,)),
    Example("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }", ((1, 2, 8, 9),)),
    Example("SPP", "spp_param { pyramid_height: 2 pool: MAX }", ((1, 2, 5, 6),)),
    Example("SPP", "spp_param { pyramid_height: 3 pool: AVE }", ((1, 2, 6, 7),)),
    Example("LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }", ((1, 7, 3, 4),)),
    Example("LRN", "lrn_param { local_size: 3 alpha: 1.5 beta: 0.6 k: 2 }", ((1, 7, 3, 4),)),
    Example("LRN", "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 alpha: 1.5 k: 2 }", (_MAP,)),
    Example("ReLU", "", (_MAP,)),
    Example("ReLU", "relu_param { negative_slope: 0.25 }", (_MAP,)),
    Example("PReLU", "", (_MAP,), ((2,),)),
    Example("PReLU", "prelu_param { channel_shared: true }", (_MAP,), ((),)),
    Example("ELU", "elu_param { alpha: 0.5 }", (_MAP,)),
    Example("Sigmoid", "", (_MAP,)),
    Example("TanH", "", (_MAP,)),
    Example("AbsVal", "", (_MAP,)),
    Example("BNLL", "", (_MAP,)),
    Example("Exp", "exp_param { base: 2 scale: 0.5 shift: 0.25 }", (_MAP,)),
    Example("Log", "log_param { base: 2 scale: 0.5 shift: 3 }", (_MAP,)),
    Example("Power", "power_param { power: 2 scale: -0.5 shift: 0.25 }", (_MAP,)),
    Example("Threshold", "threshold_param { threshold: 0.5 }", (_MAP,)),
    Example("Clip", "clip_param { min: -0.5 max: 0.75 }", (_MAP,)),
    Example("Swish", "swish_param { beta: 1.5 }", (_MAP,)),
    Example("Dropout", "", (_MAP,)),
    Example("Split", "", (_MAP,), tops=2),
    Example("Slice", "slice_param { slice_point: 1 slice_point: 4 }", ((1, 5, 2, 3),), tops=3),
    Example("Slice", "slice_param { axis: -1 }", ((1, 2, 4, 6),), tops=2),
    Example("Concat", "", ((1, 2, 3, 4), (1, 1, 3, 4), (1, 3, 3, 4))),
    Example("Concat", "concat_param { axis: 2 }", ((1, 2, 3, 4), (1, 2, 1, 4))),
    Example("Reshape", "reshape_param { shape { dim: 0 dim: -1 } }", ((2, 2, 3, 4),)),
    Example("Reshape", "reshape_param { axis: 1 num_axes: 1 shape { dim: 2 dim: -1 } }", ((1, 6, 2, 3),)),
    Example("Flatten", "", ((2, 2, 3, 4),)),
    Example("Flatten", "flatten_param { axis: 1 end_axis: 2 }", ((2, 2, 3, 4),)),
    Example("Crop", "crop_param { axis: 2 offset: 1 offset: 2 }", ((1, 2, 5, 6), (1, 1, 3, 4))),
    Example("Tile", "tile_param { axis: 1 tiles: 3 }", ((1, 2, 3, 4),)),
    Example("Parameter", "parameter_param { shape { dim: 1 dim: 2 dim: 3 } }", (), ((1, 2, 3),)),
    Example("Eltwise", "eltwise_param { operation: SUM coeff: 0.5 coeff: -1 }", ((1, 2, 3, 4),) * 2),
    Example("Eltwise", "eltwise_param { operation: PROD }", ((1, 2, 3, 4),) * 3),
    Example("Eltwise", "eltwise_param { operation: MAX }", ((1, 2, 3, 4),) * 2),
    Example("Softmax", "", ((2, 6),)),
    Example("Softmax", "", ((1, 4, 2, 3),)),
    Example("Softmax", "softmax_param { axis: 2 }", ((1, 4, 2, 3),)),
    Example("Reduction", "reduction_param { operation: SUM }", ((2, 3, 4),)),
    Example("Reduction", "reduction_param { operation: ASUM axis: 1 coeff: 0.5 }", ((2, 3, 4),)),
    Example("Reduction", "reduction_param { operation: SUMSQ axis: -1 }", ((2, 3, 4),)),
    Example("Reduction", "reduction_param { operation: MEAN axis: 2 }", ((2, 3, 4, 5),)),
    Example("ArgMax", "argmax_param { axis: 1 }", (_MAP,)),
    Example("ArgMax", "argmax_param { out_max_val: true top_k: 3 }", (_MAP,)),
    Example("BatchNorm", "", ((1, 3, 4, 5),), ((3,), (3,), (1,))),
    Example("BatchNorm", "batch_norm_param { use_global_stats: false }", ((2, 3, 4, 5),), ((3,), (3,), (1,))),
    Example("MVN", "", (_MAP,)),
    Example("MVN", "mvn_param { across_channels: true normalize_variance: false }", (_MAP,)),
    Example("MVN", "mvn_param { eps: 0.125 }", (_MAP,)),
    Example("Scale", "scale_param { bias_term: true }", ((1, 3, 4, 5),), ((3,), (3,))),
    Example("Scale", "scale_param { axis: 2 num_axes: 2 }", ((1, 3, 4, 5),), ((4, 5),)),
    Example("Scale", "scale_param { axis: 0 }", ((1, 3, 4, 5), (1, 3))),
    Example("Bias", "", ((1, 3, 4, 5),), ((3,),)),
    Example("Bias", "bias_param { axis: 0 }", ((1, 3, 4, 5), (1, 3))),
)
