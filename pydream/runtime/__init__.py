"""Layers, linked, and the runtimes that run them.

============= =======================================================================
layers        what a layer is: its constants and shapes
tf_layers     the same for TensorFlow's padding and ops
graph         the layers linked, every value named once
geometry      what a value sees of the image, and what it costs
base          a runner for each layer, and the passes over the graph
on_numpy      the formulas in NumPy, to be read
on_native     the same with kernels in C++, to be fast in float64
on_tensorflow the formulas in TensorFlow, to be fast in float32
on_onnx       NumPy's formulas as ONNX' operators, to be written into a file
blob          arrays to read and write, made when they are read
formulas      what libraries that differentiate run, each formula once
ported        a runtime of such a library, with NumPy for what has no formula
plugged       runtimes that installed packages add
engines       the runtimes by name, and which is taken where none is named
net           a graph with weights and blobs: a `pydream.net.Net`
============= =======================================================================

A runtime of one's own subclasses `Runtime`, or `NumpyRuntime` with other runners, and is passed to `pydream.load_net`.
"""

from . import formulas, layers, tf_layers
from .base import Runner, Runtime
from .engines import RUNTIMES
from .geometry import BlobFacts, survey
from .graph import Graph, Params
from .net import Net
from .on_native import NativeRuntime
from .on_numpy import NumpyRuntime
from .on_tensorflow import TensorFlowRuntime
from .ported import PortedRuntime

__all__ = [
    "RUNTIMES",
    "BlobFacts",
    "Graph",
    "NativeRuntime",
    "Net",
    "NumpyRuntime",
    "Params",
    "PortedRuntime",
    "Runner",
    "Runtime",
    "TensorFlowRuntime",
    "formulas",
    "layers",
    "survey",
    "tf_layers",
]
