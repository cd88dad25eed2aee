"""Frozen TensorFlow graphs as networks: GraphDef → nodes → layers, run as Caffe's are."""

from .net import GraphDefNet, read_frozen

__all__ = ["GraphDefNet", "read_frozen"]
