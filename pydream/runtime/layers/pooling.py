"""Layers that take one value of each window: facts."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ShapeError
from .base import Layer, Shape, Window, Windows


@dataclass(frozen=True)
class Pooling(Layer):
    """The largest value or the mean of a window; sizes round up, as nowhere else."""

    average: bool
    everything: bool  # global pooling: the window is the whole map
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    round_up: bool

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        n, c, *size = self._image(bottoms[0])
        if self.everything:
            return [(n, c, 1, 1)]
        out = [self.out_size(i, axis) for axis, i in enumerate(size)]
        if min(out) < 1:
            raise ShapeError(
                f"layer {self.name!r}: {size[1]}x{size[0]} is too small for a {self.kernel[1]}x{self.kernel[0]} window"
            )
        return [(n, c, *out)]

    @property
    def windows(self) -> Windows | None:
        if self.everything:
            return None
        rows, columns = map(Window, self.kernel, self.stride, self.pad)
        return rows, columns

    def out_size(self, size: int, axis: int) -> int:
        """Compute the number of rows (`axis` 0) or columns (1) of the top from the bottom's.

        ``ceil((size + 2 pad - kernel) / stride) + 1``; one less where, with padding, the last window would start
        beyond the image and the padding before it.
        """
        kernel, stride, pad = self.kernel[axis], self.stride[axis], self.pad[axis]
        room = size + 2 * pad - kernel
        out = (-(-room // stride) if self.round_up else room // stride) + 1
        if max(self.pad) > 0 and (out - 1) * stride >= size + pad:
            out -= 1
        return out
