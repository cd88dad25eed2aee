"""ONNX as a runtime that is written, not run: a step's gradient as one graph of standard operators, for any runtime.

======= ============================================================================
nodes   the graph under construction
traced  a value of it, which NumPy's functions compute with
windows windows over maps of any height and width
layers  the layers for which height and width matter; the others' formulas are NumPy's
runtime the passes, as for every runtime
model   a layer → the model of a step
======= ============================================================================
"""

from .model import LAYOUTS, Kind, Layout, Objective, StepModel, step_model
from .runtime import OnnxRuntime

__all__ = ["LAYOUTS", "Kind", "Layout", "Objective", "OnnxRuntime", "StepModel", "step_model"]
