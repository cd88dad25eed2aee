from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

# As in csrc/passes/bindings.cpp. All arrays are C-contiguous, of one dtype, and aligned.
Real = TypeVar("Real", np.float32, np.float64)
Kernel: TypeAlias = NDArray[Real]  # (out, in / group, h, w)
Image: TypeAlias = NDArray[Real]  # (n, c, h, w)
Pair: TypeAlias = tuple[int, int]  # (vertical, horizontal)

# A correlation, as csrc/passes/convolution.hpp has it. `before` is the padding before the first row and column;
# behind the last there is as much as `size` asks for.
class Convolution(Generic[Real]):
    def forward(
        self, x: Image[Real], before: Pair, size: Pair, bias: NDArray[Real] | None = None, rectify: bool = False
    ) -> Image[Real]: ...  # size: of the top
    def backward(self, diff: Image[Real], before: Pair, size: Pair) -> Image[Real]: ...  # size: of the bottom

def convolution(kernel: Kernel[Real], stride: Pair, dilation: Pair, group: int) -> Convolution[Real]: ...
