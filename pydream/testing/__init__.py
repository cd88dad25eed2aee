"""Checks for ports: a port is compared with pydream's NumPy code, step by step, and known mistakes are named.

>>> import pydream.testing
>>> from pydream.imageops import numpy_ops
>>> report = pydream.testing.check_imageops(numpy_ops)

See `docs/porting.md`. A port in another language reads the files of `pydream vectors` instead.

    check_net        a network: blobs, forward, backward                                 (net, mistakes)
    check_layers     a runtime, layer type by layer type                                  (runtime, layer_cases)
    check_imageops   the image side, function by function                                (imageops, stages)
    check_dream      steps, octaves, a whole dream                                       (dream)
    write_vectors    inputs and expected outputs as files                                (cases, vectors, weights)
    check_vectors    a port's outputs as files                                           (results)
    Report           the steps that a check compared; a `ConformanceError` has one       (report)
"""

from .dream import check_dream
from .imageops import check_imageops
from .net import check_net
from .report import ConformanceError, Report
from .results import check_vectors
from .runtime import check_layers
from .vectors import write_vectors

__all__ = [
    "ConformanceError",
    "Report",
    "check_dream",
    "check_imageops",
    "check_layers",
    "check_net",
    "check_vectors",
    "write_vectors",
]
