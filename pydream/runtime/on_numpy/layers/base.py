"""Names for what a runner of NumPy's takes and gives."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]  # float32 or float64
Arrays = tuple[Array, ...]
Diffs = tuple[Array | None, ...]
Memo = tuple[Any, ...]
Pair = tuple[int, int]  # (vertical, horizontal)
