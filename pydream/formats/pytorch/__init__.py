"""Live PyTorch modules. A checkpoint holds no network: `foreign` says the way from there.

====== ==============================================
format what is asked of a format
live   a module as a net, on PyTorch's own autograd
====== ==============================================
"""

from .format import DEFAULT_SPEC, MEAN, SUFFIXES, find_weights, graph, holds, name_of, net, pack, reads

__all__ = [
    "DEFAULT_SPEC",
    "MEAN",
    "SUFFIXES",
    "find_weights",
    "graph",
    "holds",
    "name_of",
    "net",
    "pack",
    "reads",
]
