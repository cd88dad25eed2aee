"""What went wrong, in one line: an error of any kind, for those that run a dream for others."""

from __future__ import annotations

import os
from typing import NamedTuple

from ..errors import OverwriteError, PydreamError, UnknownNameError
from ..files import reason


class Failure(NamedTuple):
    """An error in one line.

    Attributes
    ----------
    line : str
    asked : bool
        Whether what was asked for cannot be: a bad value, no such layer.
    known : bool
        Whether it is about the input, or the machine; False: the program is at fault.
    """

    line: str
    asked: bool = False
    known: bool = True

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Return the line for any exception."""
        usage = (OverwriteError, UnknownNameError)
        if isinstance(error, OSError) and not isinstance(error, PydreamError) and error.filename is not None:
            return cls(f"'{os.fsdecode(error.filename)}': {reason(error)}")
        if isinstance(error, (PydreamError, OSError)) and not isinstance(error, usage):
            return cls(str(error))
        if isinstance(error, (*usage, ValueError)):  # deepdream's, of a parameter that was not checked before
            return cls(str(error), asked=True)
        kind = type(error).__name__
        unmapped = isinstance(error, ImportError) and "failed to map segment" in str(error)  # for want of memory
        if isinstance(error, MemoryError) or unmapped or kind == "ResourceExhaustedError":  # TensorFlow's
            return cls("not enough memory; a smaller picture needs less")
        if kind == "AbortedError":  # what oneDNN's refusals become, of memory above all
            return cls("the network could not run, most likely for want of memory; a smaller picture needs less")
        lines = [line for line in str(error).splitlines() if line.strip() and "Graph execution error" not in line]
        return cls(f"{kind}: {next(iter(lines), '')}", known=False)
