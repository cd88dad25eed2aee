"""The image side of a dream: image → image, twice, with the same functions and the same bits.

`backend` returns one of the two modules and is all that is public here:

    numpy_ops    the 2015 notebook's expressions, in NumPy and SciPy; its docstrings are the reference
    native_ops   the same in C++, from csrc/ through the compiled module `_native`

`torus` wraps either, for pictures whose opposite edges meet.

Both check their arguments with `_check`. An image is a C-contiguous array of shape (C, H, W), float32 or float64; a
frame, for `affine_transform` and its adjoint alone, has its channels last.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__all__ = ["backend"]

_MODULES = {"native": "pydream.imageops.native_ops", "numpy": "pydream.imageops.numpy_ops"}


def backend(name: str) -> ModuleType:
    """Return the module with the image operations: `native_ops` for "native", `numpy_ops` for "numpy".

    Raises
    ------
    ValueError
        No backend has that name.
    ImportError
        The compiled module of "native" is missing; "numpy" is never chosen in its place.
    """
    if name not in _MODULES:
        raise ValueError(f"{name!r} is not a backend (expected {' or '.join(map(repr, _MODULES))})")
    return import_module(_MODULES[name])
