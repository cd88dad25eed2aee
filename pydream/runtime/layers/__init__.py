"""A layer is its facts: what it reads and writes, its constants, and the shapes it makes; how it runs is elsewhere.

Four packages have the same files: this one, the readers of a layer's message in `pydream.formats.caffe.layers`, and the
formulas of its passes in `on_numpy.layers` and `on_tensorflow.layers`.

=========== =======================================================================
base        what all layers have
linear      convolution and inner product
pooling     one value for a window
normalising divided by what values are like together
activations value by value
combining   blobs added and multiplied, with each other and with weights
reductions  along whole axes
shapes      values moved, nothing computed
=========== =======================================================================
"""

from .activations import BNLL, ELU, AbsVal, Clip, Dropout, Exp, Log, Power, PReLU, ReLU, Sigmoid, Swish, TanH, Threshold
from .base import POINT, Layer, Numbers, Shape, Window, Windows
from .combining import Bias, Eltwise, Scale
from .linear import Convolution, Deconvolution, InnerProduct
from .normalising import LRN, MVN, BatchNorm
from .pooling import SPP, Pooling, takes_maximum
from .reductions import ArgMax, Reduction, Softmax
from .shapes import Concat, Crop, Flatten, Im2col, Overwritten, Parameter, Part, Refolded, Reshape, Slice, Split, Tile

__all__ = [
    "BNLL",
    "ELU",
    "LRN",
    "MVN",
    "POINT",
    "SPP",
    "AbsVal",
    "ArgMax",
    "BatchNorm",
    "Bias",
    "Clip",
    "Concat",
    "Convolution",
    "Crop",
    "Deconvolution",
    "Dropout",
    "Eltwise",
    "Exp",
    "Flatten",
    "Im2col",
    "InnerProduct",
    "Layer",
    "Log",
    "Numbers",
    "Overwritten",
    "PReLU",
    "Parameter",
    "Part",
    "Pooling",
    "Power",
    "ReLU",
    "Reduction",
    "Refolded",
    "Reshape",
    "Scale",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Split",
    "Swish",
    "TanH",
    "Threshold",
    "Tile",
    "Window",
    "Windows",
    "takes_maximum",
]
