"""Caffe's files: a prototxt, which defines a network, and a caffemodel, which holds weights or a network with them.

========== ===========================================================
caffe_pb2  Caffe's messages
wire       a caffemodel's bytes → where its numbers are
caffemodel a caffemodel, opened without its numbers
prototxt   a file → inputs and layers, whatever its age
layers     layer messages → the layers of `pydream.runtime`
weights    a caffemodel → arrays, checked against the layers when read
format     what every format answers, and `read`
========== ===========================================================
"""

from .format import DEFAULT_SPEC, MEAN, SUFFIXES, check_spec, find_weights, graph, holds, name_of, pack, read, reads

__all__ = [
    "DEFAULT_SPEC",
    "MEAN",
    "SUFFIXES",
    "check_spec",
    "find_weights",
    "graph",
    "holds",
    "name_of",
    "pack",
    "read",
    "reads",
]
