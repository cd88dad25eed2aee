"""C++ as a runtime: NumPy's, with kernels of one's own (csrc/passes/) for the layers that cost time.

======= =======================================================================
kernels the compiled module `_kernels`
layers  runners that call it; all others are NumPy's, as are the formulas
fusion  which steps run as one
runtime the passes, in Caffe's own layout, (n, c, h, w)
======= =======================================================================
"""

from .runtime import NativeRuntime

__all__ = ["NativeRuntime"]
