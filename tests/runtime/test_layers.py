"""Each layer type, forward and back, against the oracle's formulas; and those against finite differences."""

import re
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import nets, oracle

from pydream.errors import NetFileError, ShapeError
from pydream.formats.caffe import layers as layer_readers
from pydream.runtime import layers

# Relative, in L2. float64: a few hundred roundings of 1e-16. float32: the same of 6e-8, in sums of up to 200 terms.
TOLERANCE = {"float64": 1e-12, "float32": 2e-6}


@dataclass
class Case:
    name: str
    kind: str
    rest: str  # of the layer's prototxt
    formula: object  # bottoms (and weights) → top, way back
    shapes: list  # of passes: the shapes of the bottoms, one tuple a bottom
    weights: tuple = ()  # shapes
    low: float = -2.0  # of the bottoms' values
    positive_weights: bool = False
    in_place: bool = False
    tops: int = 1
    beside: bool = False  # tested with others in one network, which is faster

    def __str__(self):
        return f"{self.kind}-{self.name}"

    def draw(self, shapes, seed=0):
        rng = np.random.default_rng(seed)
        # Shifted, lest two bottoms hold the same number at the same place.
        return [nets.spread(rng, shape, self.low + 0.004 * i, 2 + 0.004 * i) for i, shape in enumerate(shapes)]

    def params(self):
        rng = np.random.default_rng(7)
        drawn = [nets.normal(rng, *shape) for shape in self.weights]
        return [np.abs(array) + 0.5 for array in drawn] if self.positive_weights else drawn

    def run(self, bottoms):
        """The tops, and the way back."""
        tops, back = self.formula(*bottoms, *[array.astype(np.float32).astype(np.float64) for array in self.params()])
        return (tops, back) if self.tops > 1 else ([tops], back)


IMAGE = [[(1, 3, 7, 9)], [(2, 3, 5, 8)]]  # two passes of one net: other batch, other size


def conv(name, rest, weights, shapes=IMAGE, **constants):
    rest = f"convolution_param {{ num_output: {weights[0]} {rest} }}"
    shaped = [weights] + ([] if "bias_term: false" in rest else [(weights[0],)])
    return Case(name, "Convolution", rest, partial(oracle.convolution, **constants), shapes, tuple(shaped))


def deconv(name, rest, weights, shapes=IMAGE, **constants):
    shaped = [weights] + ([] if "bias_term: false" in rest else [(weights[1] * constants.get("group", 1),)])
    rest = f"convolution_param {{ num_output: {weights[1] * constants.get('group', 1)} {rest} }}"
    return Case(name, "Deconvolution", rest, partial(oracle.deconvolution, **constants), shapes, tuple(shaped))


def pool(name, rest, shapes=IMAGE, **constants):
    return [
        Case(f"{name}-{way}", "Pooling", f"pooling_param {{ pool: {way} {rest} }}", formula, shapes)
        for way, formula in (
            ("MAX", partial(oracle.max_pooling, **constants)),
            ("AVE", partial(oracle.average_pooling, **constants)),
        )
    ]


def lrn(name, shapes=IMAGE, **constants):
    text = f"lrn_param {{ local_size: {constants['size']} " + " ".join(
        f"{field}: {value}" for field, value in constants.items() if field != "size"
    )
    return Case(name, "LRN", text + " }", partial(oracle.lrn, **constants), shapes)


def power(name, low=-2.0, **constants):
    text = " ".join(f"{field}: {value}" for field, value in constants.items())
    formula = partial(oracle.power, **constants)
    return Case(name, "Power", f"power_param {{ {text} }}", formula, IMAGE, low=low)


def inner(name, rest, weights, shapes, **constants):
    rest = f"inner_product_param {{ num_output: 5 {rest} }}"
    return Case(name, "InnerProduct", rest, partial(oracle.inner_product, **constants), shapes, weights)


def eltwise(name, rest, formula, many, shapes=((1, 3, 5, 4), (2, 3, 3, 7))):
    return Case(name, "Eltwise", f"eltwise_param {{ {rest} }}", formula, [[shape] * many for shape in shapes])


def slicing(name, tops, rest, shapes, **constants):
    formula = partial(oracle.slices, tops=tops, **constants)
    if tops == 1:
        formula = oracle.same
    return Case(name, "Slice", f"slice_param {{ {rest} }}", formula, shapes, tops=tops)


def reshape(name, rest, shape, shapes=IMAGE):
    return Case(name, "Reshape", f"reshape_param {{ {rest} }}", partial(oracle.reshape, shape=shape), shapes)


def crop(name, rest, shapes, part):
    return Case(name, "Crop", f"crop_param {{ {rest} }}", partial(oracle.crop, part=part), shapes)


def value(name, kind, rest, formula, **how):
    return Case(name, kind, rest, formula, IMAGE, in_place=kind != "AbsVal", beside=True, **how)


def reduction(name, operation="SUM", shapes=IMAGE, **constants):
    text = " ".join(f"{field}: {number}" for field, number in constants.items())
    formula = partial(oracle.reduction, operation=operation, **constants)
    return Case(name, "Reduction", f"reduction_param {{ operation: {operation} {text} }}", formula, shapes, beside=True)


def argmax(name, rest, shapes=IMAGE, **constants):
    return Case(name, "ArgMax", f"argmax_param {{ {rest} }}", partial(oracle.argmax, **constants), shapes, beside=True)


def along(name, kind, rest, shapes, weights=(), **constants):
    formula = {"Scale": oracle.scale, "Bias": oracle.offset}[kind]
    formula = partial(formula, weights=len(shapes[0]) == 1, **constants)
    return Case(name, kind, f"{kind.lower()}_param {{ {rest} }}", formula, shapes, weights, beside=True)


DEEP = [[(1, 7, 3, 5)], [(2, 7, 2, 3)]]
FIXED = [[(1, 2, 3, 5)], [(2, 2, 3, 5)]]
FLAT = [[(1, 6)], [(3, 6)]]

CASES = [
    conv("1x1", "kernel_size: 1", (4, 3, 1, 1)),
    conv("3x3-pad1", "kernel_size: 3 pad: 1", (4, 3, 3, 3), pad=(1, 1)),
    conv("3x3-pad2-stride2", "kernel_size: 3 pad: 2 stride: 2", (4, 3, 3, 3), pad=(2, 2), stride=(2, 2)),
    conv("stride-over-kernel", "kernel_size: 2 stride: 3", (4, 3, 2, 2), stride=(3, 3)),
    conv("no-bias", "kernel_size: 3 bias_term: false", (4, 3, 3, 3)),
    conv("rectangular", "kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 1", (4, 3, 3, 2),
         stride=(1, 2), pad=(0, 1)),
    conv("pad-h-alone", "kernel_size: 3 pad_h: 1", (4, 3, 3, 3), pad=(1, 0)),
    conv("repeated", "kernel_size: 2 kernel_size: 4 stride: 2 stride: 1 pad: 1 pad: 3", (4, 3, 2, 4),
         stride=(2, 1), pad=(1, 3)),
    conv("dilated", "kernel_size: 3 dilation: 2 pad: 2", (4, 3, 3, 3), dilation=(2, 2), pad=(2, 2)),
    conv("dilated-pad0", "kernel_size: 2 dilation: 2 bias_term: false", (4, 3, 2, 2), dilation=(2, 2)),
    conv("dilated-pad-beyond", "kernel_h: 2 kernel_w: 3 dilation: 3 dilation: 2 pad: 5 pad: 6", (4, 3, 2, 3),
         dilation=(3, 2), pad=(5, 6)),
    conv("dilated-groups", "kernel_size: 3 dilation: 2 pad: 1 group: 3", (6, 1, 3, 3), group=3, dilation=(2, 2),
         pad=(1, 1)),
    conv("dilated-stride", "kernel_h: 2 kernel_w: 3 dilation: 3 dilation: 2 stride: 2 pad: 1", (4, 3, 2, 3),
         dilation=(3, 2), stride=(2, 2), pad=(1, 1)),
    conv("groups", "kernel_size: 3 pad: 1 group: 2", (6, 2, 3, 3), [[(1, 4, 5, 7)], [(2, 4, 4, 6)]],
         pad=(1, 1), group=2),
    conv("groups-stride-dilation", "kernel_size: 2 stride: 2 dilation: 2 group: 3 bias_term: false", (6, 1, 2, 2),
         group=3, stride=(2, 2), dilation=(2, 2)),
    conv("depthwise", "kernel_size: 5 pad: 2 group: 4", (4, 1, 5, 5), [[(2, 4, 3, 7)]], pad=(2, 2), group=4),
    conv("kernel-is-image", "kernel_h: 5 kernel_w: 6", (2, 3, 5, 6), [[(2, 3, 5, 6)]]),

    Case("two-bottoms", "Convolution", "convolution_param { num_output: 4 kernel_size: 3 stride: 2 }",
         partial(oracle.convolutions, bottoms=2, stride=(2, 2)), [shapes * 2 for shapes in IMAGE], ((4, 3, 3, 3), (4,)),
         tops=2),

    deconv("1x1", "kernel_size: 1", (3, 4, 1, 1)),
    deconv("2x", "kernel_size: 4 stride: 2 pad: 1", (3, 2, 4, 4), stride=(2, 2), pad=(1, 1)),
    deconv("2x-groups", "kernel_size: 4 stride: 2 pad: 1 group: 3 bias_term: false", (3, 1, 4, 4), stride=(2, 2),
           pad=(1, 1), group=3),
    deconv("gaps", "kernel_size: 1 stride: 3", (3, 2, 1, 1), stride=(3, 3)),
    deconv("rectangular", "kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 3 pad_h: 2 pad_w: 0", (3, 2, 3, 2),
           stride=(1, 3), pad=(2, 0)),
    deconv("dilated-stride-1", "kernel_size: 3 dilation: 2 pad: 1", (3, 2, 3, 3), dilation=(2, 2), pad=(1, 1)),
    deconv("dilated", "kernel_size: 2 dilation: 3 stride: 2", (3, 2, 2, 2), dilation=(3, 3), stride=(2, 2)),
    Case("two-bottoms", "Deconvolution", "convolution_param { num_output: 2 kernel_size: 3 stride: 2 }",
         partial(oracle.convolutions, formula=oracle.deconvolution, bottoms=2, stride=(2, 2)),
         [shapes * 2 for shapes in IMAGE], ((3, 2, 3, 3), (2,)), tops=2),

    Case("3x2", "Im2col", "convolution_param { kernel_h: 3 kernel_w: 2 }", partial(oracle.im2col, kernel=(3, 2)),
         IMAGE),
    Case("stride-pad-dilation", "Im2col", "convolution_param { kernel_size: 2 stride: 2 pad: 1 dilation: 2 }",
         partial(oracle.im2col, kernel=(2, 2), stride=(2, 2), pad=(1, 1), dilation=(2, 2)), IMAGE),

    inner("4-axes", "", ((5, 30), (5,)), FIXED),
    inner("2-axes", "", ((5, 6), (5,)), FLAT),
    inner("no-bias", "bias_term: false", ((5, 30),), FIXED),
    inner("transposed", "transpose: true", ((30, 5), (5,)), FIXED, transpose=True),

    # 3x3/2 without padding: even sizes reach one past the edge, odd ones do not.
    *pool("3x3/2", "kernel_size: 3 stride: 2", [[(1, 2, 7, 8)], [(2, 2, 6, 9)], [(1, 2, 2, 3)]],
          kernel=(3, 3), stride=(2, 2)),
    *pool("3x3/1-pad1", "kernel_size: 3 pad: 1", kernel=(3, 3), pad=(1, 1)),
    # 2x2/2 with padding 1: at odd sizes the last window would lie in the padding, one less.
    *pool("one-less", "kernel_size: 2 stride: 2 pad: 1", kernel=(2, 2), stride=(2, 2), pad=(1, 1)),
    # Padding on one axis allows one less on the other, too.
    *pool("one-less-other-axis", "kernel_h: 3 kernel_w: 1 stride: 2 pad_h: 1 pad_w: 0", kernel=(3, 1), stride=(2, 2),
          pad=(1, 0)),
    *pool("5x5/3-pad2", "kernel_size: 5 stride: 3 pad: 2", kernel=(5, 5), stride=(3, 3), pad=(2, 2)),
    *pool("rectangular", "kernel_h: 2 kernel_w: 4 stride_h: 3 stride_w: 1 pad_h: 1 pad_w: 2", kernel=(2, 4),
          stride=(3, 1), pad=(1, 2)),
    *pool("overlapping", "kernel_size: 4 stride: 1", kernel=(4, 4)),
    *pool("floor", "kernel_size: 3 stride: 2 round_mode: FLOOR", kernel=(3, 3), stride=(2, 2), floor=True),
    *pool("floor-pad", "kernel_size: 3 stride: 2 pad: 1 round_mode: FLOOR", kernel=(3, 3), stride=(2, 2), pad=(1, 1),
          floor=True),
    Case("global-MAX", "Pooling", "pooling_param { pool: MAX global_pooling: true }",
         partial(oracle.global_pooling, oracle.max_pooling), IMAGE),
    Case("global-AVE", "Pooling", "pooling_param { pool: AVE global_pooling: true }",
         partial(oracle.global_pooling, oracle.average_pooling), IMAGE),

    Case("mask", "Pooling", "pooling_param { kernel_size: 3 stride: 2 }",
         partial(oracle.pooling_with_mask, kernel=(3, 3), stride=(2, 2)), IMAGE, tops=2),
    Case("mask-pad", "Pooling", "pooling_param { kernel_h: 2 kernel_w: 3 stride: 2 pad: 1 }",
         partial(oracle.pooling_with_mask, kernel=(2, 3), stride=(2, 2), pad=(1, 1)), IMAGE, tops=2),
    Case("mask-global", "Pooling", "pooling_param { global_pooling: true }",
         partial(oracle.global_pooling, oracle.pooling_with_mask), IMAGE, tops=2),
    Case("stochastic", "Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }",
         partial(oracle.stochastic_pooling, kernel=(3, 3), stride=(2, 2)), IMAGE, low=-0.3),
    Case("stochastic-global", "Pooling", "pooling_param { pool: STOCHASTIC global_pooling: true }",
         partial(oracle.global_pooling, oracle.stochastic_pooling), IMAGE, low=-0.3),

    Case("1-MAX", "SPP", "spp_param { pyramid_height: 1 }",
         partial(oracle.pyramid, levels=1, pooling=oracle.max_pooling), IMAGE),
    Case("2-MAX", "SPP", "spp_param { pyramid_height: 2 }",
         partial(oracle.pyramid, levels=2, pooling=oracle.max_pooling), IMAGE),
    Case("3-AVE", "SPP", "spp_param { pyramid_height: 3 pool: AVE }",
         partial(oracle.pyramid, levels=3, pooling=oracle.average_pooling), [[(1, 3, 7, 10)], [(2, 3, 6, 8)]]),

    lrn("googlenet", size=5, alpha=0.0001, beta=0.75, shapes=DEEP),
    lrn("strong", size=5, alpha=0.7, beta=0.75, k=2.0, shapes=DEEP),
    lrn("beta", size=3, alpha=1.5, beta=0.6, k=0.5, shapes=DEEP),
    lrn("beta-2", size=1, alpha=0.5, beta=2, shapes=DEEP),
    lrn("wider-than-channels", size=9, alpha=1, beta=0.75, shapes=IMAGE),
    Case("defaults", "LRN", "", oracle.lrn, DEEP),

    Case("plain", "ReLU", "", oracle.relu, IMAGE, in_place=True),
    Case("slope", "ReLU", "relu_param { negative_slope: 0.1 }", partial(oracle.relu, slope=0.1), IMAGE, in_place=True),
    Case("negative-slope", "ReLU", "relu_param { negative_slope: -0.5 }", partial(oracle.relu, slope=-0.5), IMAGE),
    Case("2-axes", "ReLU", "", oracle.relu, FLAT),
    Case("plain", "Sigmoid", "", oracle.sigmoid, IMAGE, in_place=True),
    Case("plain", "TanH", "", oracle.tanh, IMAGE, in_place=True),
    Case("plain", "Dropout", "dropout_param { dropout_ratio: 0.4 }", oracle.same, IMAGE, in_place=True),

    power("1", power=1, scale=0.3, shift=-1.5),
    power("2", power=2, scale=-0.3, shift=0.5),
    power("0", power=0, scale=2, shift=0.5),
    power("scale-0", power=3, scale=0, shift=2),
    power("3-negative-base", power=3, scale=1.5, shift=0.1),
    power("fractional", low=0.1, power=0.4, scale=2, shift=0.3),
    power("reciprocal", low=0.1, power=-1.5, scale=1, shift=0),

    value("e", "Exp", "", oracle.exponential),
    value("2", "Exp", "exp_param { base: 2.5 scale: -0.3 shift: 0.7 }",
          partial(oracle.exponential, base=2.5, scale=-0.3, shift=0.7)),
    value("e", "Log", "", oracle.logarithm, low=0.1),
    value("10", "Log", "log_param { base: 10 scale: 0.3 shift: 1.5 }",
          partial(oracle.logarithm, base=10, scale=0.3, shift=1.5)),
    value("channels", "PReLU", "", oracle.prelu, weights=((3,),)),
    value("shared", "PReLU", "prelu_param { channel_shared: true }", oracle.prelu, weights=((),)),
    Case("2-axes", "PReLU", "", oracle.prelu, FLAT, ((6,),), beside=True),
    value("plain", "ELU", "", oracle.elu),
    value("alpha", "ELU", "elu_param { alpha: 0.3 }", partial(oracle.elu, alpha=0.3)),
    value("plain", "AbsVal", "", oracle.absolute),
    value("plain", "BNLL", "", oracle.bnll),
    value("0.3", "Threshold", "threshold_param { threshold: 0.3 }", partial(oracle.threshold, threshold=0.3)),
    value("least-above-most", "Clip", "clip_param { min: 0.5 max: 0.2 }", partial(oracle.clip, low=0.5, high=0.2)),
    value("-0.7..0.4", "Clip", "clip_param { min: -0.7 max: 0.4 }", partial(oracle.clip, low=-0.7, high=0.4)),
    value("plain", "Swish", "", oracle.swish),
    value("beta", "Swish", "swish_param { beta: -0.7 }", partial(oracle.swish, beta=-0.7)),
    *(Case(f"{len(shape)}-axes", kind, "", formula, [[shape]], beside=True)
      for shape in ((4,), (2, 2, 3), (1, 2, 2, 1, 3))
      for kind, formula in (("TanH", oracle.tanh), ("Swish", oracle.swish))),

    Case("axis-1", "Concat", "", oracle.concat,
         [[(1, 2, 3, 5), (1, 1, 3, 5), (1, 4, 3, 5)], [(2, 2, 4, 3), (2, 1, 4, 3), (2, 4, 4, 3)]]),
    Case("axis-0", "Concat", "concat_param { axis: 0 }", partial(oracle.concat, axis=0),
         [[(1, 2, 3, 5), (2, 2, 3, 5)], [(3, 2, 4, 3), (1, 2, 4, 3)]]),
    Case("axis-2", "Concat", "concat_param { axis: 2 }", partial(oracle.concat, axis=2),
         [[(1, 2, 3, 5), (1, 2, 1, 5)], [(2, 2, 4, 3), (2, 2, 6, 3)]]),
    Case("axis-minus-1", "Concat", "concat_param { axis: -1 }", partial(oracle.concat, axis=3),
         [[(1, 2, 3, 5), (1, 2, 3, 2)], [(2, 2, 4, 3), (2, 2, 4, 1)]]),
    Case("concat_dim", "Concat", "concat_param { concat_dim: 0 }", partial(oracle.concat, axis=0),
         [[(1, 2, 3, 5), (2, 2, 3, 5)]]),
    Case("2-axes", "Concat", "", oracle.concat, [[(2, 3), (2, 4)]]),
    Case("one-bottom", "Concat", "", oracle.concat, IMAGE),

    Case("2-axes", "Softmax", "", oracle.softmax, FLAT, in_place=True),
    Case("4-axes", "Softmax", "", oracle.softmax, IMAGE, in_place=True),
    Case("axis-0", "Softmax", "softmax_param { axis: 0 }", partial(oracle.softmax, axis=0), [[(3, 2, 4, 5)]]),
    Case("axis-2", "Softmax", "softmax_param { axis: 2 }", partial(oracle.softmax, axis=2), IMAGE),
    Case("axis-minus-1", "Softmax", "softmax_param { axis: -1 }", partial(oracle.softmax, axis=3), IMAGE),

    Case("plain", "BatchNorm", "", oracle.batch_norm, IMAGE, ((3,), (3,), (1,)), positive_weights=True, in_place=True),
    Case("eps", "BatchNorm", "batch_norm_param { eps: 0.3 use_global_stats: true }",
         partial(oracle.batch_norm, eps=0.3), IMAGE, ((3,), (3,), (1,)), positive_weights=True),
    Case("2-axes", "BatchNorm", "", oracle.batch_norm, FLAT, ((6,), (6,), (1,)), positive_weights=True),
    Case("plain", "Scale", "", oracle.scale, IMAGE, ((3,),), in_place=True),
    Case("bias", "Scale", "scale_param { bias_term: true }", oracle.scale, IMAGE, ((3,), (3,)), in_place=True),
    Case("2-axes", "Scale", "scale_param { bias_term: true }", oracle.scale, FLAT, ((6,), (6,))),

    along("axis-minus-1", "Scale", "axis: -1 bias_term: true", FIXED, ((5,), (5,)), axis=-1),
    along("all-axes", "Scale", "axis: 1 num_axes: -1", FIXED, ((2, 3, 5),)),
    along("one-number", "Scale", "num_axes: 0 bias_term: true", IMAGE, ((), ())),
    along("two", "Scale", "axis: 0", [[(1, 3, 7, 9), (1, 3)], [(2, 3, 5, 8), (2, 3)]], axis=0),
    along("two-maps", "Scale", "axis: 2 bias_term: true", [[(2, 3, 2, 5), (2, 5)]], ((2, 5),), axis=2),
    along("two-alike", "Scale", "axis: -4", [image * 2 for image in IMAGE], axis=0),
    along("two-of-3", "Scale", "axis: 1", [[(2, 3, 4), (3,)], [(3, 3, 4), (3,)]]),
    along("5-axes", "Scale", "axis: 1", [[(2, 3, 2, 1, 2), (3, 2, 1, 2)]]),
    along("channels", "Bias", "", IMAGE, ((3,),)),
    along("2-axes", "Bias", "", FLAT, ((6,),)),
    along("one-number", "Bias", "num_axes: 0", IMAGE, ((),)),
    along("two-axes", "Bias", "num_axes: 2", FIXED, ((2, 3),)),
    along("two", "Bias", "axis: 0", [[(1, 3, 7, 9), (1, 3)], [(2, 3, 5, 8), (2, 3)]], axis=0),
    along("two-maps", "Bias", "axis: -2", [[(1, 3, 7, 9), (7, 9)]], axis=-2),

    Case("batch", "BatchNorm", "batch_norm_param { use_global_stats: false }", oracle.batch_statistics,
         IMAGE, ((3,), (3,), (1,)), in_place=True, beside=True),
    Case("batch-2-axes", "BatchNorm", "batch_norm_param { use_global_stats: false eps: 0.3 }",
         partial(oracle.batch_statistics, eps=0.3), [[(4, 6)], [(3, 6)]], ((6,), (6,), (1,)), beside=True),
    *(Case(f"{across}-{variance}-{len(shapes[0][0])}", "MVN",
           f"mvn_param {{ across_channels: {across} normalize_variance: {variance} }}".lower(),
           partial(oracle.mvn, across=across, variance=variance), shapes, beside=True)
      for across in (False, True) for variance in (False, True) for shapes in (IMAGE, [[(2, 3, 5)], [(1, 3, 5)]])),
    *(Case(f"within-{size}", "LRN",
           f"lrn_param {{ local_size: {size} alpha: 0.7 beta: {beta} k: 3 norm_region: WITHIN_CHANNEL }}",
           partial(oracle.lrn_within, size=size, alpha=0.7, beta=beta), IMAGE, beside=True)
      for size, beta in ((1, 0.75), (3, 0.6), (11, 0.5))),

    reduction("all"),
    reduction("of-5", axis=4, shapes=[[(1, 2, 3, 2, 4)], [(2, 2, 3, 2, 4)]]),
    reduction("channels", axis=1, coeff=0.3),
    reduction("maps", "MEAN", axis=2, coeff=-1.5),
    reduction("rows", "ASUM", axis=-1),
    reduction("squares", "SUMSQ", axis=2),
    argmax("flat", ""),
    argmax("flat-values", "top_k: 4 out_max_val: true", top_k=4, values=True),
    argmax("flat-2-axes", "top_k: 2 out_max_val: true", FLAT, top_k=2, values=True),
    argmax("channels", "axis: 1 top_k: 2", axis=1, top_k=2),
    argmax("rows", "axis: -2 out_max_val: true", axis=-2, values=True),
    inner("axis-2", "axis: 2", ((5, 15), (5,)), FIXED, axis=2),
    inner("axis-minus-1", "axis: -1 transpose: true", ((5, 5), (5,)), FIXED, axis=3, transpose=True),
    inner("axis-0", "axis: 0", ((5, 6), (5,)), [[(2, 3)]], axis=0),
    eltwise("product-unstable", "operation: PROD stable_prod_grad: false", oracle.unstable_product, 3),

    eltwise("default-is-sum", "", oracle.weighted_sum, 2),
    eltwise("sum-coeff", "operation: SUM coeff: 0.3 coeff: -1 coeff: 1",
            partial(oracle.weighted_sum, coeff=(0.3, -1, 1)), 3),
    eltwise("product-2", "operation: PROD", oracle.product, 2),
    eltwise("product-3", "operation: PROD", oracle.product, 3),
    eltwise("maximum-2", "operation: MAX", oracle.maximum, 2),
    eltwise("maximum-3", "operation: MAX", oracle.maximum, 3),

    Case("plain", "Flatten", "", oracle.flatten, IMAGE),
    Case("axes-2-3", "Flatten", "flatten_param { axis: 2 }", partial(oracle.flatten, axis=2), IMAGE),
    Case("axes-1-2", "Flatten", "flatten_param { end_axis: 2 }", partial(oracle.flatten, end_axis=2), IMAGE),
    Case("axes-0-1", "Flatten", "flatten_param { axis: 0 end_axis: -3 }",
         partial(oracle.flatten, axis=0, end_axis=-3), IMAGE),
    Case("one-axis", "Flatten", "flatten_param { axis: 2 end_axis: 2 }",
         partial(oracle.flatten, axis=2, end_axis=2), IMAGE),
    Case("3-axes", "Flatten", "flatten_param { axis: 0 end_axis: 1 }", partial(oracle.flatten, axis=0, end_axis=1),
         [[(2, 3, 5)], [(4, 3, 5)]]),

    slicing("even", 3, "", IMAGE, sizes=(1, 1, 1)),
    slicing("points", 3, "slice_point: 1 slice_point: 4", [[(1, 6, 3, 5)], [(2, 6, 4, 3)]], sizes=(1, 3, 2)),
    slicing("rows", 2, "axis: 2", [[(1, 3, 4, 5)], [(2, 3, 8, 3)]], axis=2, sizes=None),
    slicing("columns", 2, "axis: -1 slice_point: 2", [[(1, 3, 4, 5)], [(2, 3, 3, 7)]], axis=3, sizes=(2, None)),
    slicing("pictures", 2, "slice_dim: 0", [[(2, 3, 4, 5)], [(4, 3, 3, 2)]], axis=0, sizes=None),
    slicing("2-axes", 2, "slice_point: 4", FLAT, sizes=(4, 2)),
    slicing("5-axes", 2, "axis: 3", [[(1, 2, 3, 4, 5)], [(2, 2, 3, 2, 5)]], axis=3, sizes=None),
    slicing("one-top", 1, "", IMAGE, sizes=(3,)),

    reshape("vector", "shape { dim: 0 dim: -1 }", lambda n, c, h, w: (n, c * h * w)),
    reshape("groups", "axis: 1 num_axes: 1 shape { dim: 3 dim: -1 }", lambda n, c, h, w: (n, 3, c // 3, h, w)),
    reshape("one-map", "shape { dim: 0 dim: 1 dim: -1 dim: 0 }", lambda n, c, h, w: (n, 1, c * h, w)),
    reshape("axis-behind-the-last", "axis: -1 num_axes: 0 shape { dim: 1 }", lambda *sizes: (*sizes, 1)),
    reshape("axis-in-front", "num_axes: 0 shape { dim: 1 }", lambda *sizes: (1, *sizes)),
    reshape("places-as-channels", "axis: 1 shape { dim: -1 dim: 1 dim: 3 }",
            lambda n, c, h, w: (n, c * h * w // 3, 1, 3)),
    reshape("image-of-a-list", "axis: 1 shape { dim: 2 dim: 1 dim: 3 }", lambda n, k: (n, 2, 1, 3), FLAT),
    reshape("5-axes", "axis: 3 num_axes: 2 shape { dim: -1 }", lambda a, b, c, d, e: (a, b, c, d * e),
            [[(1, 2, 3, 4, 5)], [(2, 2, 3, 2, 5)]]),

    crop("rows-and-columns", "offset: 1", [[(1, 3, 7, 9), (1, 2, 5, 4)], [(2, 3, 6, 8), (1, 2, 4, 7)]],
         lambda y: np.s_[:, :, 1 : 1 + y[2], 1 : 1 + y[3]]),
    crop("no-offset", "", [[(1, 3, 7, 9), (1, 3, 7, 9)]], lambda y: np.s_[:, :, : y[2], : y[3]]),
    crop("columns", "axis: -1 offset: 3", [[(1, 3, 7, 9), (1, 1, 1, 6)]], lambda y: np.s_[:, :, :, 3 : 3 + y[3]]),
    crop("channels", "axis: 1 offset: 1 offset: 0 offset: 2",
         [[(1, 5, 7, 9), (1, 3, 7, 4)], [(2, 5, 8, 6), (2, 3, 2, 3)]],
         lambda y: np.s_[:, 1 : 1 + y[1], : y[2], 2 : 2 + y[3]]),
    crop("2-axes", "axis: 1 offset: 2", [[(2, 6), (1, 3)]], lambda y: np.s_[:, 2 : 2 + y[1]]),

    Case("channels", "Tile", "tile_param { tiles: 3 }", partial(oracle.tile, axis=1, tiles=3), IMAGE),
    Case("pictures", "Tile", "tile_param { axis: 0 tiles: 2 }", partial(oracle.tile, axis=0, tiles=2), IMAGE),
    Case("rows", "Tile", "tile_param { axis: 2 tiles: 2 }", partial(oracle.tile, axis=2, tiles=2), IMAGE),
    Case("last", "Tile", "tile_param { axis: -1 tiles: 2 }", partial(oracle.tile, axis=3, tiles=2), IMAGE),
    Case("2-axes", "Tile", "tile_param { tiles: 2 }", partial(oracle.tile, axis=1, tiles=2), FLAT),
    Case("once", "Tile", "tile_param { tiles: 1 }", partial(oracle.tile, axis=1, tiles=1), IMAGE),
]  # fmt: skip

NAMES = "abc"


ALONE = [case for case in CASES if not case.beside]
BESIDE = [case for case in CASES if case.beside]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_layers_side_by_side(build, dtype):
    """As the next two tests, for many layers in one network."""
    layers_made, params, ends = [], {}, {}
    for i, case in enumerate(BESIDE):
        ends[f"apart{i}"] = case, [f"apart{i}_{name}" for name in NAMES[: len(case.shapes[0])]]
        layers_made.append(nets.layer(f"apart{i}", case.kind, " ".join(ends[f"apart{i}"][1]), f"apart{i}", case.rest))
        if case.in_place and case.kind not in WRONG_IN_PLACE:
            ends[f"there{i}"] = case, [f"there{i}_a"]
            layers_made.append(nets.layer(f"copy{i}", "Dropout", f"there{i}_a", f"there{i}"))
            layers_made.append(nets.layer(f"there{i}_it", case.kind, f"there{i}", f"there{i}", case.rest))
            params[f"there{i}_it"] = case.params()
        params[f"apart{i}"] = case.params()
    shapes = {name: shape for case, names in ends.values() for name, shape in zip(names, case.shapes[0], strict=True)}
    net = build(nets.inputs(**shapes) + "".join(layers_made), dtype, **{k: v for k, v in params.items() if v})
    for turn in range(2):
        drawn, wanted, diffs = {}, {}, {}
        for end, (case, names) in ends.items():
            drawn[end] = case.draw(case.shapes[min(turn, len(case.shapes) - 1)], turn)
            wanted[end] = (top,), _ = case.run(drawn[end])
            diffs[end] = nets.normal(np.random.default_rng(turn), *np.shape(top))
            for name, values in zip(names, drawn[end], strict=True):
                net.blobs[name].reshape(*values.shape)
                net.blobs[name].data[...] = values
        out = net.forward()
        for end, ((top,), _) in wanted.items():
            assert out[end].dtype == dtype
            assert nets.off(out[end], top) < TOLERANCE[dtype], ends[end][0]
            net.blobs[end].diff[...] = diffs[end]
        net.runtime._made.clear()  # the memos alone are read
        net.backward()
        for end, (_, back) in wanted.items():
            case, names = ends[end]
            for name, gradient in zip(names, back(diffs[end]), strict=True):
                assert nets.off(net.blobs[name].diff, gradient) < TOLERANCE[dtype], f"gradient at {name}: {case}"


# Caffe's gradient is not the derivative: test_golden_layers.
WRONG_IN_PLACE = {"BNLL", "Log", "Clip", "MVN", "Power"}


def net_of(build, case, dtype, in_place=False):
    names = NAMES[: len(case.shapes[0])]
    text = nets.inputs(**dict(zip(names, case.shapes[0], strict=True)))
    if in_place:
        text += nets.layer("copy", "Dropout", "a", "y") + nets.layer("it", case.kind, "y", "y", case.rest)
    else:
        text += nets.layer("it", case.kind, " ".join(names), " ".join(tops_of(case)), case.rest)
    return build(text, dtype, **({"it": case.params()} if case.weights else {}))


def tops_of(case):
    return ["y", "z", "v"][: case.tops]


def feed(net, bottoms):
    for name, values in zip(net.inputs, bottoms, strict=True):
        net.blobs[name].reshape(*values.shape)
        net.blobs[name].data[...] = values


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("case", "in_place"),
    [(case, False) for case in ALONE] + [(case, True) for case in ALONE if case.in_place],
    ids=lambda value: str(value) if isinstance(value, Case) else ("apart", "in place")[value],
)
def test_layer_is_the_formula(build, case, in_place, dtype):
    net = net_of(build, case, dtype, in_place)
    for turn, shapes in enumerate(case.shapes):
        bottoms = case.draw(shapes, turn)
        tops, back = case.run(bottoms)
        rng = np.random.default_rng(turn)
        diffs = [nets.normal(rng, *top.shape) for top in tops]
        feed(net, bottoms)
        out = net.forward()
        assert list(out) == tops_of(case)
        for name, top, diff in zip(out, tops, diffs, strict=True):
            assert net.blobs[name].shape == top.shape
            assert out[name] is net.blobs[name].data
            assert out[name].dtype == dtype
            assert nets.off(out[name], top) < TOLERANCE[dtype]
            net.blobs[name].diff[...] = diff
        net.backward()
        for name, wanted in zip(net.inputs, back(*diffs), strict=True):
            assert net.blobs[name].diff.dtype == dtype
            assert nets.off(net.blobs[name].diff, wanted) < TOLERANCE[dtype], f"gradient at {name}"


@pytest.mark.parametrize("case", ALONE, ids=str)
def test_backward_reads_the_memo_alone(build, case):
    """Runners that have not run forward go back from the memos of others."""
    net = net_of(build, case, "float32")
    (shapes, *_) = case.shapes
    bottoms = case.draw(shapes)
    tops, back = case.run(bottoms)
    feed(net, bottoms)
    assert [top.shape for top in net.forward().values()] == [top.shape for top in tops]
    net.runtime._made.clear()
    diffs = [nets.normal(np.random.default_rng(0), *top.shape) for top in tops]
    for name, diff in zip(tops_of(case), diffs, strict=True):
        net.blobs[name].diff[...] = diff
    net.backward()
    for name, wanted in zip(net.inputs, back(*diffs), strict=True):
        assert nets.off(net.blobs[name].diff, wanted) < TOLERANCE["float32"], f"gradient at {name}"


@pytest.mark.parametrize("case", [case for case in CASES if case.kind != "ArgMax"], ids=str)
def test_oracle_goes_back_as_it_goes_forward(case):
    """Central differences along random directions; 1e-6 steps in values that are 5e-4 or more from any kink."""
    for turn, shapes in enumerate(case.shapes):
        bottoms = case.draw(shapes, turn)
        tops, back = case.run(bottoms)
        rng = np.random.default_rng(turn + 100)
        weights = [nets.normal(rng, *top.shape) for top in tops]
        diffs = back(*weights)
        for _ in range(3):
            directions = [nets.normal(rng, *shape) for shape in shapes]
            step = 1e-6
            ahead, _ = case.run([x + step * u for x, u in zip(bottoms, directions, strict=True)])
            behind, _ = case.run([x - step * u for x, u in zip(bottoms, directions, strict=True)])
            measured = sum(np.sum(weight * (a - b)) for weight, a, b in zip(weights, ahead, behind, strict=True)) / (
                2 * step
            )
            told = sum(np.sum(d * u) for d, u in zip(diffs, directions, strict=True))
            assert told == pytest.approx(measured, rel=1e-6, abs=1e-6)


def test_every_type_has_a_case():
    # Split: test_graph. Parameter has no bottom: below.
    covered = {case.kind for case in CASES} | {"Split", "Parameter"}
    assert covered == set(layer_readers.TYPES)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_parameter_is_its_weights(build, dtype):
    text = (
        nets.inputs(x=(1, 2, 3, 4))
        + nets.layer("it", "Parameter", "", "p", "parameter_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } }")
        + nets.layer("sum", "Eltwise", "x p", "y")
    )
    rng = np.random.default_rng(0)
    x, p, diff = (nets.normal(rng, 1, 2, 3, 4) for _ in range(3))
    net = build(text, dtype, it=[p])
    assert nets.off(net.forward(x=x)["y"], x + p) < TOLERANCE[dtype]
    assert np.array_equal(net.blobs["p"].data, p.astype(dtype))
    net.blobs["y"].diff[...] = diff
    net.backward()
    assert np.array_equal(net.blobs["x"].diff, diff.astype(dtype))
    assert np.array_equal(net.blobs["p"].diff, diff.astype(dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_batch_norm_with_nothing_stored(build, dtype):
    text = nets.inputs(x=(2, 3, 3, 5)) + nets.layer("it", "BatchNorm", "x", "y", "batch_norm_param { eps: 0.01 }")
    params = [np.float64([1, 2, 3]), np.float64([4, 5, 6]), np.float64([0])]
    net = build(text, dtype, it=params)
    x = nets.spread(np.random.default_rng(0), (2, 3, 3, 5))
    top, _ = oracle.batch_norm(x, *params, eps=0.01)
    assert nets.off(top, x / np.sqrt(oracle.f32(0.01))) < 1e-15
    assert nets.off(net.forward(x=x)["y"], top) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rectifier_at_zero(build, dtype):
    """The gradient at 0 is the negative side's: 0, or the slope."""
    text = (
        nets.inputs(x=(1, 1, 1, 3))
        + nets.layer("plain", "ReLU", "x", "y")
        + nets.layer("leaky", "ReLU", "x", "z", "relu_param { negative_slope: 0.25 }")
    )
    net = build(text, dtype)
    for end, slope in (("plain", 0.0), ("leaky", 0.25)):
        (name,) = net.forward(end=end, x=np.float64([[[[-0.0, 0.0, 1e-30]]]]))
        net.blobs[name].diff[...] = [[[[4, 8, 16]]]]
        net.backward(start=end)
        assert net.blobs["x"].diff.ravel().tolist() == [4 * slope, 8 * slope, 16]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_maximum_with_ties(build, dtype):
    """Two bottoms: the later. Three: as Caffe's CPU code, which lets a third one win only by being larger."""
    rng = np.random.default_rng(3)
    for names in ("ab", "abc"):
        shape = (2, 3, 3, 9)
        text = nets.inputs(**dict.fromkeys(names, shape))
        text += nets.layer("it", "Eltwise", " ".join(names), "y", "eltwise_param { operation: MAX }")
        net = build(text, dtype)
        bottoms = [rng.integers(0, 3, shape).astype(np.float64) for _ in names]
        top, back = oracle.maximum(*bottoms)
        net.forward(**dict(zip(names, bottoms, strict=True)))
        assert np.array_equal(net.blobs["y"].data, top)
        net.blobs["y"].diff[...] = diff = nets.normal(rng, *shape)
        net.backward()
        for name, wanted in zip(names, back(diff), strict=True):
            assert np.array_equal(net.blobs[name].diff, wanted)
    a = b = np.ones((1, 1))
    assert [d.item() for d in oracle.maximum(a, b)[1](a)] == [0, 1]
    assert [d.item() for d in oracle.maximum(a, b, a)[1](a)] == [0, 1, 0]
    assert [d.item() for d in oracle.maximum(a, b - 1, a)[1](a)] == [1, 0, 0]


def test_product_with_zeros_has_the_others_as_gradient(build):
    text = nets.inputs(a=(1, 4), b=(1, 4)) + nets.layer(
        "it", "Eltwise", "a b", "y", "eltwise_param { operation: PROD }"
    )
    net = build(text)
    net.forward(a=[[0, 0, 2, 3]], b=[[0, 5, 0, 7]])
    net.blobs["y"].diff[...] = 1
    net.backward()
    assert net.blobs["a"].diff.tolist() == [[0, 5, 0, 7]]
    assert net.blobs["b"].diff.tolist() == [[0, 0, 2, 3]]


def test_softmax_of_large_numbers(build):
    net = build(nets.inputs(x=(1, 3)) + nets.layer("it", "Softmax", "x", "y"))
    assert net.forward(x=[[1e4, 1e4, -1e4]])["y"].tolist() == [[0.5, 0.5, 0]]


# Max pooling where values tie: who gets the gradient.

TIES = [  # kernel, stride, pad
    ((3, 3), (2, 2), (0, 0)),
    ((3, 3), (1, 1), (1, 1)),  # windows that reach into the padding
    ((2, 3), (2, 1), (1, 2)),
    ((4, 4), (3, 3), (3, 3)),
]


def tie_net(build, kernel, stride, pad, dtype):
    text = nets.inputs(x=(2, 3, 6, 7)) + nets.layer(
        "it", "Pooling", "x", "y",
        f"pooling_param {{ kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} stride_w: {stride[1]} "
        f"pad_h: {pad[0]} pad_w: {pad[1]} }}",
    )  # fmt: skip
    return build(text, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("kernel", "stride", "pad"), TIES)
def test_max_pooling_with_ties(build, kernel, stride, pad, dtype):
    """float32 takes the first of equal values; float64 the first of those within 1e-9."""
    rng = np.random.default_rng(5)
    exact = dtype == "float32"
    net = tie_net(build, kernel, stride, pad, dtype)
    shape = (2, 3, 6, 7)
    for turn in range(8):
        few = rng.integers(0, 3, shape) / 4.0 - 1.0  # negative and 0 too: padding must not win
        near = rng.choice([0, 1e-12, -1e-12], shape)  # no difference, in float64
        far = rng.choice([0, 1e-7, 3e-7], shape)  # a difference, in both
        x = [few, np.full(shape, -300.0), few + far, few - 7][turn % 4]
        if not exact:
            x = x + near
        if turn == 7:
            x = np.zeros(shape)
        x = x.astype(dtype).astype(np.float64)
        top, back = oracle.max_pooling(x, kernel=kernel, stride=stride, pad=pad, tolerance=0 if exact else 1e-9)
        net.forward(x=x)
        assert np.array_equal(net.blobs["y"].data, top)
        diff = rng.integers(1, 100, top.shape).astype(np.float64)  # sums of whole numbers are exact
        net.blobs["y"].diff[...] = diff
        net.backward()
        assert np.array_equal(net.blobs["x"].diff, back(diff)[0])


def test_the_tolerance_for_ties(build):
    """A later value wins only if it is greater by more than 1e-9 * (1 + |best|), and its own value is the top's."""
    window = "pooling_param { kernel_h: 1 kernel_w: 4 }"
    net = build(nets.inputs(x=(1, 1, 1, 4)) + nets.layer("it", "Pooling", "x", "y", window))
    for values, winner in (
        ([1, 1 + 1e-12, 1 - 1e-12, 0], 0),
        ([1, 1 + 1e-7, 1 + 1e-7, 0], 1),
        ([1, 1 + 1.9e-9, 0, 0], 0),
        ([1, 1 + 2.1e-9, 0, 0], 1),
        ([1, 1 + 1.5e-9, 1 + 3e-9, 0], 2),  # compared with the best so far, which is still the first
        ([1e6, 1e6 + 9e-4, 0, 1e6 + 2e-3], 3),
        ([-1, -1 + 1e-12, -1 + 1e-7, -2], 2),
        ([0, 0.9e-9, 1.1e-9, 0], 2),
        ([-1e30, -1e29, -1e29, -1e30], 1),
    ):
        net.forward(x=np.float64(values).reshape(1, 1, 1, 4))
        assert net.blobs["y"].data.item() == values[winner]
        net.blobs["y"].diff[...] = 5
        net.backward()
        assert net.blobs["x"].diff.ravel().tolist() == [5.0 if i == winner else 0.0 for i in range(4)]
        top, back = oracle.max_pooling(np.float64(values).reshape(1, 1, 1, 4), kernel=(1, 4), tolerance=1e-9)
        assert top.item() == values[winner]
        assert back(np.full((1, 1, 1, 1), 5.0))[0].argmax() == winner


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_global_max_pooling_with_ties(build, dtype):
    text = nets.inputs(x=(2, 2, 3, 5)) + nets.layer("it", "Pooling", "x", "y", "pooling_param { global_pooling: true }")
    net = build(text, dtype)
    rng = np.random.default_rng(0)
    for x in (rng.integers(-3, 1, (2, 2, 3, 5)) * 1.0, 1 + rng.choice([0, 1e-12, -1e-12], (2, 2, 3, 5))):
        x = x.astype(dtype).astype(np.float64)
        tolerance = 0 if dtype == "float32" else 1e-9
        top, back = oracle.global_pooling(partial(oracle.max_pooling, tolerance=tolerance), x)
        net.forward(x=x)
        assert np.array_equal(net.blobs["y"].data, top)
        net.blobs["y"].diff[...] = [[[[3]], [[5]]], [[[7]], [[9]]]]
        net.backward()
        assert np.array_equal(net.blobs["x"].diff, back(net.blobs["y"].diff)[0])


# Sizes, for many constants: no network is run.

small = st.integers(1, 6)


@given(st.integers(1, 40), st.integers(1, 40), small, small, small, small, st.data(), st.booleans())
def test_pooled_sizes(height, width, kernel_h, kernel_w, stride_h, stride_w, data, floor):
    pad = (data.draw(st.integers(0, kernel_h - 1)), data.draw(st.integers(0, kernel_w - 1)))
    kernel, stride = (kernel_h, kernel_w), (stride_h, stride_w)
    pooling = layers.Pooling("p", ("x",), ("y",), False, False, kernel, stride, pad, not floor)
    wanted = tuple(
        oracle.pooled_size(size, kernel[a], stride[a], pad[a], any(pad), floor)
        for a, size in enumerate((height, width))
    )
    # Caffe's division rounds towards the ceiling: a map smaller than its window by a stride or more has none.
    if any(s + 2 * p - k <= -t for s, p, k, t in zip((height, width), pad, kernel, stride, strict=True)):
        wanted = (0, 0)
    if min(wanted) < 1:
        with pytest.raises(ShapeError, match="too small"):
            pooling.top_shapes((1, 2, height, width))
    else:
        assert pooling.top_shapes((1, 2, height, width)) == [(1, 2, *wanted)]


@given(st.integers(1, 30), st.integers(1, 30), small, small, small, st.integers(0, 4), st.integers(1, 3))
def test_convolved_sizes(height, width, kernel_h, kernel_w, stride, pad, dilation):
    convolution = layers.Convolution(
        "c", ("x",), ("y",), 4, (kernel_h, kernel_w), (stride, stride), (pad, pad), (dilation, dilation), 1, True
    )
    fit = [
        len(range(0, size + 2 * pad - dilation * (kernel - 1), stride))
        for size, kernel in ((height, kernel_h), (width, kernel_w))
    ]
    if min(fit) < 1:
        with pytest.raises(ShapeError, match=f"{width}x{height} is smaller than its"):
            convolution.top_shapes((1, 3, height, width))
    else:
        assert convolution.top_shapes((1, 3, height, width)) == [(1, 4, *fit)]


# What makes no sense, and what is said about it.

IMAGES = nets.inputs(x=(1, 3, 6, 7), wide=(1, 3, 6, 8))
LISTS = nets.inputs(x=(1, 5), numbers=(5,))
FIELD = {
    "Convolution": "convolution_param", "Deconvolution": "convolution_param", "Im2col": "convolution_param",
    "SPP": "spp_param", "InnerProduct": "inner_product_param", "Pooling": "pooling_param",
    "LRN": "lrn_param", "Concat": "concat_param", "Eltwise": "eltwise_param", "Softmax": "softmax_param",
    "Slice": "slice_param", "Reshape": "reshape_param", "Crop": "crop_param", "Tile": "tile_param",
    "Parameter": "parameter_param",
    "Flatten": "flatten_param", "BatchNorm": "batch_norm_param", "Scale": "scale_param",
    "Bias": "bias_param", "Exp": "exp_param", "Log": "log_param", "Clip": "clip_param", "ArgMax": "argmax_param",
    "Reduction": "reduction_param",
}  # fmt: skip


@pytest.mark.parametrize(
    ("inputs", "kind", "ends", "constants", "words"),
    [
        (IMAGES, "Warp", "x > y", "", "'it': its type 'Warp' is not known"),
        (IMAGES, "relu", "x > y", "", "'relu' is not known; Caffe's name is 'ReLU'"),
        (IMAGES, "ReLU", "x x > y", "", r"'it' \(ReLU\): 2 bottoms, expected 1"),
        (IMAGES, "ReLU", "x > y z", "", "2 tops, expected 1"),
        (IMAGES, "ReLU", " > y", "", "0 bottoms, expected 1"),
        (IMAGES, "Eltwise", "x > y", "", "1 bottoms, expected 2 or more"),
        (IMAGES, "Pooling", "x > y mask", "kernel_size: 2 pool: AVE", "2 tops and pool AVE; only MAX has a mask"),
        (IMAGES, "Pooling", "x > y mask more", "kernel_size: 2", "3 tops, expected 1 or"),
        (IMAGES, "Convolution", "x x > y", "num_output: 4 kernel_size: 1", "2 bottoms and 1 tops"),
        (IMAGES, "Convolution", "x wide > y z", "num_output: 4 kernel_size: 1", "bottoms of different shapes"),
        (IMAGES, "Deconvolution", "x > y", "num_output: 4 kernel_size: 2 pad: 4", "leaves nothing within the padding"),
        (IMAGES, "Deconvolution", "x > y", f"num_output: 9 kernel_size: {2**15}", "more than 2147483647"),
        (IMAGES, "Im2col", "x > y", "kernel_size: 7", "7x6 is smaller than its 7x7 kernel"),
        (IMAGES, "Im2col", "x > y", f"kernel_size: {2**15} pad: {2**15}", "more than 2147483647"),
        (IMAGES, "Pooling", "x > y", f"kernel_size: {2**15} pad: {2**15 - 1} stride: {2**15}", "more than 2147483647"),
        (IMAGES, "Convolution", "x > y", "num_output: 1 kernel_size: 2 dilation: 32767 pad: 32768 stride: 32768",
         "would make 1x3x65536x65536 values"),
        (IMAGES, "SPP", "x > y", "", "pyramid_height 0, expected 1 to 16"),
        (IMAGES, "SPP", "x > y", "pyramid_height: 60", "pyramid_height 60, expected 1 to 16"),
        (IMAGES, "SPP", "x > y", "pyramid_height: 4", "7x6 does not divide into 8x8 bins"),
        (IMAGES, "SPP", "x > y", "pyramid_height: 2 pool: STOCHASTIC", "STOCHASTIC, expected MAX or AVE"),
        (IMAGES, "Convolution", "x > y", "", "num_output 0"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 group: 3 kernel_size: 1", "num_output 4 in 3 groups"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 group: 0 kernel_size: 1", "in 0 groups"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 group: 2 kernel_size: 1", "3 channels .* 2 groups"),
        (IMAGES, "Convolution", "x > y", "num_output: 4", "kernel_size is missing"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 kernel_h: 3", "kernel_size 3x0"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 kernel_size: 1 stride: 0", "stride 0x0"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 kernel_size: 1 pad: 99999", "pad 99999x99999"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 kernel_size: [1, 2, 3]", "3 numbers for kernel_size"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 kernel_size: 1 axis: 2", "axis 2"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 kernel_size: 7", "7x6 is smaller than its 7x7 kernel"),
        (IMAGES, "Convolution", "x > y", "num_output: 4 kernel_size: 3 dilation: 3", "smaller than its 7x7 kernel"),
        (IMAGES, "InnerProduct", "x > y", "", "num_output 0"),
        (IMAGES, "InnerProduct", "x > y", "num_output: 4 axis: 4", r"no axis 4 in \(1, 3, 6, 7\)"),
        (IMAGES, "Pooling", "x > y", "", "kernel_size is missing"),
        (IMAGES, "Pooling", "x > y", "kernel_size: 3 pad: 3", "pad 3x3 is not smaller than the kernel, 3x3"),
        (IMAGES, "Pooling", "x > y", "kernel_size: 3 pool: STOCHASTIC pad: 1", "pool STOCHASTIC with pad 1x1"),
        (IMAGES, "Pooling", "x > y", "global_pooling: true pad: 1", "global_pooling with pad"),
        (IMAGES, "Pooling", "x > y", "global_pooling: true stride: 2", "global_pooling with pad or stride"),
        (IMAGES, "Pooling", "x > y", "kernel_size: 9 stride: 2", "7x6 is too small for a 9x9 window"),
        (IMAGES, "Pooling", "x > y", "kernel_size: 7 round_mode: FLOOR", "too small"),
        (IMAGES, "LRN", "x > y", "local_size: 4", "local_size 4, expected an odd number"),
        (IMAGES, "LRN", "x > y", "norm_region: WITHIN_CHANNEL local_size: 2", "local_size 2, expected an odd number"),
        (IMAGES, "Concat", "x wide > y", "", r"'wide' is \(1, 3, 6, 8\).* \(1, 3, 6, 7\) along axis 1"),
        (IMAGES, "Concat", "x > y", "axis: 4", "no axis 4"),
        (IMAGES, "Concat", "x > y", "axis: -5", "no axis -5"),
        (IMAGES, "Eltwise", "x wide > y", "", "bottoms of different shapes"),
        (IMAGES, "Eltwise", "x x > y", "coeff: 1", "1 coeff for SUM of 2 bottoms"),
        (IMAGES, "Eltwise", "x x > y", "operation: MAX coeff: 1 coeff: 2", "coeff for MAX"),
        (IMAGES, "Softmax", "x > y", "axis: 4", "no axis 4"),
        (IMAGES, "Concat", "x > y", "axis: 1 concat_dim: 1", "both axis and concat_dim"),
        (IMAGES, "Slice", "x > y z", "axis: 1 slice_dim: 1", "both axis and slice_dim"),
        (IMAGES, "Slice", "x > y z", "", "3 along axis 1 does not fall into 2 equal parts"),
        (IMAGES, "Slice", "x > y z", "axis: 7", "no axis 7"),
        (IMAGES, "Slice", "x > y z", "slice_point: 3", "a part of the 3 along axis 1 would be empty"),
        (IMAGES, "Slice", "x > y z", "slice_point: 4294967295", "would be empty"),
        (IMAGES, "Slice", "x > y z", "slice_point: 1 slice_point: 2", "2 slice_point for 2 tops; expected one less"),
        (IMAGES, "Slice", "x > y z v", "slice_point: 2 slice_point: 1", "each larger than the one before"),
        (IMAGES, "Reshape", "x > x", "shape { dim: -1 }", "cannot work in place on 'x'"),
        (IMAGES, "Flatten", "x > x", "", "cannot work in place on 'x'"),
        (IMAGES, "Reshape", "x > y", "shape { dim: 5 dim: -1 }", r"\(1, 3, 6, 7\) cannot become \(5, 25\)"),
        (IMAGES, "Reshape", "x > y", "shape { dim: -1 dim: -1 }", "2 sizes of -1"),
        (IMAGES, "Reshape", "x > y", "shape { dim: -2 }", "shape -2; expected"),
        (IMAGES, "Reshape", "x > y", f"shape {{ dim: {2**62} dim: {2**62} }}", "expected up to 32 sizes"),
        (IMAGES, "Reshape", "x > y", "shape { " + "dim: 1 " * 33 + "}", "expected up to 32 sizes"),
        (IMAGES, "Reshape", "x > y", "axis: 0 num_axes: 0 shape { " + "dim: 1 " * 29 + "}", "33 axes, more than 32"),
        (IMAGES, "Reshape", "x > y", "num_axes: -2", "num_axes -2"),
        (IMAGES, "Reshape", "x > y", "axis: 3 num_axes: 2 shape { dim: -1 }", "no such axes"),
        (IMAGES, "Reshape", "x > y", "axis: 3 shape { dim: -1 dim: 0 }", "no such axes"),
        (IMAGES, "Crop", "x wide > y", "", r"\(1, 3, 6, 7\) cut from \(0, 0, 0, 0\) on is smaller than \(1, 3, 6, 8\)"),
        (IMAGES, "Crop", "wide x > y", "offset: 1", "is smaller than"),
        (IMAGES, "Crop", "wide x > y", "offset: 0 offset: 0 offset: 0", "3 numbers for offset, expected 1 or 2"),
        (IMAGES, "Crop", "wide x > y", "axis: 4", "no axis 4"),
        (IMAGES, "Crop", "x > y", "", "1 bottoms, expected 2"),
        (IMAGES, "Tile", "x > y", "", "tiles 0, expected 1 or more"),
        (IMAGES, "Tile", "x > y", "tiles: -1", "tiles -1"),
        (IMAGES, "Tile", "x > y", "axis: 4 tiles: 1", "no axis 4"),
        (IMAGES, "Tile", "x > y", f"tiles: {2**30}", "more than 2147483647"),
        (IMAGES, "Parameter", " > y", "shape { dim: 0 }", "shape 0; expected"),
        (IMAGES, "Parameter", " > y", f"shape {{ dim: {2**31} }}", "expected up to 32 sizes"),
        (IMAGES, "Flatten", "x > y", "axis: 3 end_axis: 1", "no axes 3 to 1"),
        (IMAGES, "Scale", "x > y", "axis: 4", "no axis 4"),
        (IMAGES, "Scale", "x > y", "axis: 3 num_axes: 2", r"no 2 axes from 3 on in \(1, 3, 6, 7\)"),
        (IMAGES, "Scale", "x > y", "num_axes: -2", "num_axes -2, expected -1 for all, or 0 or more"),
        (IMAGES, "Scale", "x wide > y", "", r"'wide' is \(1, 3, 6, 8\), which is not what 'x', .* from axis 1 on"),
        (IMAGES, "Bias", "x wide x > y", "", "3 bottoms, expected 1 or 2"),
        (IMAGES, "Exp", "x > y", "base: 0", "base 0, expected more than 0, or -1 for e"),
        (IMAGES, "Log", "x > y", "base: 1", "base 1, expected more than 0 and not 1"),
        (IMAGES, "AbsVal", "x > x", "", "in place, which Caffe refuses"),
        (IMAGES, "Clip", "x > y", "min: 1", "min or max is missing"),
        (IMAGES, "Reduction", "x > y", "axis: -5", "no axis -5"),
        (IMAGES, "ArgMax", "x > y", "top_k: 0", "top_k 0, expected 1 or more"),
        (IMAGES, "ArgMax", "x > y", "top_k: 127", "top_k 127 of 126 values"),
        (IMAGES, "ArgMax", "x > y", "top_k: 4 axis: 1", "top_k 4 of 3 values"),
        (nets.inputs(x=(1, 2, 1, 2, 1)), "MVN", "x > y", "", "expects 4 axes at most"),
        (LISTS, "PReLU", "numbers > y", "", "expects channels"),
        (LISTS, "BatchNorm", "numbers > y", "", "expects channels"),
        (LISTS, "Pooling", "x > y", "kernel_size: 1", r"expects \(n, c, h, w\), bottom 'x' is \(1, 5\)"),
        (LISTS, "Convolution", "x > y", "num_output: 1 kernel_size: 1", r"expects \(n, c, h, w\)"),
        (LISTS, "LRN", "x > y", "", r"expects \(n, c, h, w\)"),
        (LISTS, "Scale", "numbers > y", "", "no axis 1"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(build, inputs, kind, ends, constants, words):
    rest = f"{FIELD[kind]} {{ {constants} }}" if constants else ""
    with pytest.raises((NetFileError, ShapeError)) as error:
        build(inputs + nets.layer("it", kind, *ends.split(" > "), rest))
    assert re.search(words, str(error.value))
    assert "'it'" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("kind", "top", "slope"), [("Bias", 30, 2), ("Scale", 225, 30)])
def test_two_blobs_of_no_axes(build, kind, top, slope):
    net = build(nets.inputs(x=(1, 6)) + nets.layer("s", "Reduction", "x", "s") + nets.layer("y", kind, "s s", "y"))
    assert net.forward(x=np.arange(6).reshape(1, 6))["y"] == top
    net.blobs["y"].diff[...] = 1
    net.backward()
    assert (net.blobs["x"].diff == slope).all()
