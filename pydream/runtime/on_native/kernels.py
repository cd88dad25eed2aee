"""The compiled module, imported when a network is built; nothing takes its place where it is missing."""

from __future__ import annotations

from functools import cache
from types import ModuleType


@cache
def kernels() -> ModuleType:
    """Return `_kernels`; raise `ImportError` where it cannot be loaded."""
    try:
        from . import _kernels
    except ImportError as error:
        raise ImportError(
            f"the compiled runtime cannot be loaded ({error}); build it with `pip install -e .` beside setup.py,"
            " or choose the runtime 'tensorflow' or 'numpy'"
        ) from error
    return _kernels
