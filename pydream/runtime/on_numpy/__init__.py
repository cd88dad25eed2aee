"""NumPy as a runtime: readable formulas.

======= ===============================================
layers  a runner for each layer: two formulas
runtime the passes, one layer after the other
======= ===============================================
"""

from .runtime import NumpyRuntime

__all__ = ["NumpyRuntime"]
