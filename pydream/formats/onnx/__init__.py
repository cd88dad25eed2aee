"""ONNX networks, read as layers and their weights.

=========== =====================================================
nodes       a file → nodes, each behind its inputs, and constants
folding     what does not depend on the picture, computed
naming      names of blobs: PyTorch's modules, Caffe's blobs
inputs      what a node reads, as far as it is translated
windows     rules: convolutions, pooling, normalisation
values      rules: value by value, products of matrices
moving      rules: values moved, axes reduced
translation nodes → a graph
format      what every format answers, `read` and `net`
=========== =====================================================
"""

from ..graphdef.format import find_weights, name_of
from .format import DEFAULT_SPEC, SUFFIXES, graph, holds, net, pack, read, reads, wanted

__all__ = [
    "DEFAULT_SPEC",
    "SUFFIXES",
    "find_weights",
    "graph",
    "holds",
    "name_of",
    "net",
    "pack",
    "read",
    "reads",
    "wanted",
]
