"""A port is held to this project's NumPy code: what is off, at which step, by how much, as if by which mistake.

>>> import pydream.testing
>>> from pydream.imageops import numpy_ops
>>> report = pydream.testing.check_imageops(numpy_ops)

`docs/porting.md` tells how. A port in another language reads the files of `pydream vectors` instead.
"""

from .dream import check_dream
from .imageops import check_imageops
from .net import check_net
from .report import ConformanceError, Report
from .vectors import write_vectors

__all__ = ["ConformanceError", "Report", "check_dream", "check_imageops", "check_net", "write_vectors"]
