"""TensorFlow as a runtime: the passes are traced.

=========== ===================================================================
door        the only import of TensorFlow: late, quiet, on the requested device
runner      a layer with its weights as tensors
layers      a runner for each of Caffe's layers: two formulas
pooling     pooling, with and without a tolerance for ties
operations  a runner for each layer of a frozen graph
onnx_layers a runner for each layer of ONNX' networks
fusion      which steps run as one
phases      the gradient of a strided convolution, without strides
runtime     the passes, a trace for each
=========== ===================================================================
"""

from .door import runs_on_cpu
from .runtime import TensorFlowRuntime

__all__ = ["TensorFlowRuntime", "runs_on_cpu"]
