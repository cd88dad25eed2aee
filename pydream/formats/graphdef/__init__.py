"""Frozen TensorFlow graphs, read as layers and their weights.

=========== =====================================================
proto       TensorFlow's schema of a GraphDef
layout      channels first → channels last
text        its text form, ``.pbtxt``
nodes       a file → nodes, each behind its inputs
inputs      the node that the picture replaces
folding     what does not depend on the picture, computed
rules       a node of a known op → a layer and its weights
ops         the ops that TensorFlow runs itself, with their shapes
attributes  what such an op is asked, written anew
translation nodes → a graph
format      what every format answers, `read` and `net`
=========== =====================================================
"""

from .format import DEFAULT_SPEC, MEAN, SUFFIXES, find_weights, graph, holds, name_of, net, pack, read, reads
from .inputs import NoInputError

__all__ = [
    "DEFAULT_SPEC",
    "MEAN",
    "SUFFIXES",
    "NoInputError",
    "find_weights",
    "graph",
    "holds",
    "name_of",
    "net",
    "pack",
    "read",
    "reads",
]
