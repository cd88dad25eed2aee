"""A gradient in parts, for pictures of any size.

======= ===================================================
plan    which crops a picture falls into
net     a net that runs on them, one after the other
torus   the same, where opposite edges meet
fitting whether to, and which side: what fits into memory
======= ===================================================
"""

from .net import tiled

__all__ = ["tiled"]
