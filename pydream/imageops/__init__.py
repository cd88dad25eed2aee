"""The image side of a dream: image → image, twice with the same functions and the same bits.

`numpy_ops` has the 2015 notebook's expressions, `native_ops` the C++ of csrc/. An image is a C-contiguous
array of shape (C, H, W), float32 or float64; a frame, which `affine_transform` moves, has its channels last.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__all__ = ["backend"]

_MODULES = {"native": "pydream.imageops.native_ops", "numpy": "pydream.imageops.numpy_ops"}


def backend(name: str) -> ModuleType:
    """Return the module that does the image side: `native_ops` for "native", `numpy_ops` for "numpy".

    Raises
    ------
    ValueError
        No backend has that name.
    ImportError
        The compiled module behind "native" is missing. Nothing falls back on "numpy" by itself.
    """
    if name not in _MODULES:
        raise ValueError(f"no backend {name!r}; there are: {', '.join(map(repr, _MODULES))}")
    return import_module(_MODULES[name])
