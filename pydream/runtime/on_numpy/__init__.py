"""NumPy as a runtime: readable formulas.

=========== ===============================================
layers      a runner for each layer: two formulas
onnx_layers the same for those of ONNX' networks
runtime     the passes, one layer after the other
=========== ===============================================
"""

from .runtime import NumpyRuntime

__all__ = ["NumpyRuntime"]
