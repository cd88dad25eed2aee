from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

# As in bindings.cpp.
Real = TypeVar("Real", np.float32, np.float64)
Image: TypeAlias = NDArray[Real]  # (C, H, W)
Tensor: TypeAlias = NDArray[Real]  # (1, H, W, C) with channels_last, else (1, C, H, W)
Bounds: TypeAlias = NDArray[Real]  # (C, 1, 1)
Frame: TypeAlias = NDArray[Real]  # (H, W, C)
Numbers: TypeAlias = NDArray[np.float64]

# ox is in 0..W-1, oy in 0..H-1; sum_block is the number of elements that NumPy sums pairwise at a time.
def roll(image: Image[Real], ox: int, oy: int) -> Image[Real]: ...
def zoom(image: Image[Real], height: int, width: int) -> Image[Real]: ...
def affine_transform(frame: Frame[Real], matrix: Numbers, offset: Numbers, offset_first: bool) -> Frame[Real]: ...
def affine_transform_adjoint(
    frame: Frame[Real], matrix: Numbers, offset: Numbers, offset_first: bool
) -> Frame[Real]: ...
def mean_abs(gradient: Image[Real], sum_block: int) -> float: ...
def ascend(image: Image[Real], gradient: Image[Real], step_size: float, sum_block: int) -> None: ...
def clip(image: Image[Real], low: Bounds[Real], high: Bounds[Real]) -> None: ...
def to_tensor(image: Image[Real], ox: int, oy: int, channels_last: bool) -> Tensor[Real]: ...
def ascend_tensor(
    image: Image[Real],
    gradient: Tensor[Real],
    step_size: float,
    ox: int,
    oy: int,
    low: Bounds[Real] | None,
    high: Bounds[Real] | None,
    channels_last: bool,
    sum_block: int,
) -> float: ...
