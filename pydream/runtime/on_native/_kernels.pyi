from collections.abc import Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

# As in csrc/passes/bindings.cpp. All arrays are C-contiguous, aligned, and of one dtype.
Real = TypeVar("Real", np.float32, np.float64)
Kernel: TypeAlias = NDArray[Real]  # (out, in / group, h, w)
Image: TypeAlias = NDArray[Real]  # (n, c, h, w)
Pair: TypeAlias = tuple[int, int]  # (vertical, horizontal)

# A correlation. `before` is the padding before the first row and column of the bottom; behind the last there is as much
# as `size`, of the top or of the bottom, asks for. Results are written to `out`, or added to it, where it is given.
class Convolution(Generic[Real]):
    def forward(
        self,
        x: Image[Real],
        before: Pair,
        size: Pair,
        bias: NDArray[Real] | None = None,
        rectify: bool = False,
        out: Image[Real] | None = None,
        add: bool = False,
    ) -> Image[Real]: ...
    def backward(
        self,
        diff: Image[Real],
        before: Pair,
        size: Pair,
        positive: Image[Real] | None = None,  # the result is 0 where this is not above 0
        out: Image[Real] | None = None,
        add: bool = False,
    ) -> Image[Real]: ...

def convolution(kernel: Kernel[Real], stride: Pair, dilation: Pair, group: int) -> Convolution[Real]: ...

# Arrays of results have memory from a pool, as those that `empty` returns.
def empty(shape: Sequence[int], dtype: np.dtype[Any]) -> NDArray[Any]: ...
def clear_pool() -> None: ...
def pool_bytes() -> tuple[int, int]: ...  # (in use, kept)

# As csrc/passes/pooling.hpp, lrn.hpp and elementwise.hpp have it.
Winner: TypeAlias = NDArray[np.uint8]  # (n, c, h, w) of the top

def pool_maximum(
    x: Image[Real], size: Pair, kernel: Pair, stride: Pair, before: Pair, lowest: float, tie: float
) -> tuple[Image[Real], Winner]: ...  # size: of the top
def pool_maximum_back(
    diff: Image[Real],
    winner: Winner,
    size: Pair,
    kernel: Pair,
    stride: Pair,
    before: Pair,
    pooled: Image[Real] | None = None,
) -> Image[Real]: ...  # size: of the bottom
def normalise(x: Image[Real], k: float, alpha: float, beta: float, reach: int) -> Image[Real]: ...
def normalise_back(
    x: Image[Real], diff: Image[Real], k: float, alpha: float, beta: float, reach: int
) -> Image[Real]: ...
def rectify(x: NDArray[Real], values: NDArray[Real] | None = None, slope: float = 0.0) -> NDArray[Real]: ...
def add_up(terms: Sequence[NDArray[Real]]) -> NDArray[Real]: ...
def join(parts: Sequence[NDArray[Real]]) -> NDArray[Real]: ...  # along the second axis
