"""Caffe's files: a prototxt, which defines a network, and a caffemodel, which holds weights or a network with them.

========== ===========================================================
caffe_pb2  Caffe's messages
wire       a caffemodel's bytes → where its numbers are
caffemodel a caffemodel, opened without its numbers
snapshot   weights in HDF5, opened in the same way
text       a prototxt → Caffe's messages
prototxt   a file → Caffe's messages
upgrade    messages of any age → those of 2015
inputs     Input and data layers → shapes
definition messages → what runs at test time
layers     layer messages → the layers of `pydream.runtime`
weights    a caffemodel → arrays, checked against the layers when read
format     what every format answers, and `read`
========== ===========================================================
"""

from .format import (
    DEFAULT_SPEC,
    MEAN,
    SUFFIXES,
    check_spec,
    definition,
    find_weights,
    graph,
    holds,
    misfits,
    name_of,
    pack,
    read,
    reads,
    weights_for,
    without_weights,
)

__all__ = [
    "DEFAULT_SPEC",
    "MEAN",
    "SUFFIXES",
    "check_spec",
    "definition",
    "find_weights",
    "graph",
    "holds",
    "misfits",
    "name_of",
    "pack",
    "read",
    "reads",
    "weights_for",
    "without_weights",
]
