"""Frozen TensorFlow graphs as networks: GraphDef → nodes → layers, run as Caffe's are."""

from .net import CHANNEL_ORDER, MEAN, FrozenGraph, GraphDefNet, GraphDefRuntime, read_frozen

__all__ = ["CHANNEL_ORDER", "MEAN", "FrozenGraph", "GraphDefNet", "GraphDefRuntime", "read_frozen"]
