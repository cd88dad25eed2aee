"""A torus is a picture whose opposite edges meet, so that it tiles without a seam.

A layer has on it one value for each of its strides, and each of them sees the picture wrapped, never padding. With W
the wrapping, which repeats pixels, and f the objective of these values on the wrapped picture, the objective on the
torus is f(W x), and its gradient Wᵀ times that at W x: what arrives at copies of a pixel adds up there. So it is in
tiles, and in one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import lcm
from typing import Any

import numpy as np

from ..imageops.torus import origin
from ..net import Affine, Array, Match, Net
from .net import OnTile, Place, Shifted, TiledBlob, TiledNet, folded
from .plan import plan_tiles


def on_torus(net: Net, ends: Sequence[str], side: int, on_tile: OnTile | None = None) -> Net:
    """Return a net that runs on pictures whose opposite edges meet; parameters are those of `TorusNet`."""
    return net.each(ends, lambda net, ends: TorusNet(net, ends, side, on_tile))


class TorusNet(TiledNet):
    """A net for steps on a torus: a rolled picture has the rolled gradient, to the bit, at multiples of the strides.

    For that its tiles begin at an origin that is rolled with the picture: see `pydream.imageops.torus.origin`.

    Parameters
    ----------
    net : Net
    ends : sequence of str
    side : int
        The most pixels of a block along each axis; 0: one block.
    on_tile : callable, optional

    Raises
    ------
    ShapeError
        As `plan_tiles`, raised by `blobs`, `feed` and the passes.
    """

    def __init__(self, net: Net, ends: Sequence[str], side: int, on_tile: OnTile | None = None) -> None:
        super().__init__(net, ends, side, on_tile)
        self._origin = (0, 0)  # of the tiles, in the shifted image; from forward to backward

    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Any = None) -> Mapping[str, Array]:
        """Take the image, shifted or not, and find its origin."""
        super().forward(end, tensor=tensor)
        assert self._image is not None
        image, ox, oy = self._image
        _, height, width = image.shape
        y, x = self._origin = origin(self._image.crop(slice(0, height), slice(0, width)), self._strides)
        self._image = Shifted(image, ox - x, oy - y)
        return {}

    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Return the gradient at the shifted image, laid out as a tensor of the net."""
        return np.roll(super().backward(start), self._origin, (1, 2) if self.channels_last else (2, 3))

    def twin(self) -> TorusNet:
        """Return a net in the same tiles, of a picture of its own."""
        return TorusNet(self._net.twin(), self._ends, self._side)

    def blocks(self) -> Iterator[tuple[str, Place, Array]]:
        """Run forward, tile after tile, and yield the blocks; one that reaches over the picture's ends in parts."""
        for end, (rows, columns), own in super().blocks():
            y, x = self._first(end)
            high, wide = self._layers[end].shape[2:]
            for row, in_rows in folded(slice(rows.start + y, rows.stop + y), high):
                for column, in_columns in folded(slice(columns.start + x, columns.stop + x), wide):
                    yield end, (row, column), own[:, :, in_rows, in_columns]

    def _seed(self, end: str) -> Affine | Match:
        seed = super()._seed(end)
        if isinstance(seed, Match):
            return seed
        y, x = self._first(end)
        gain, bias = (np.roll(np.atleast_2d(numbers), (-y, -x), (-2, -1)) for numbers in seed)
        return Affine(gain, bias)

    def _first(self, end: str) -> tuple[int, int]:
        """Return the place of a layer's value at the origin."""
        (y, x), (height, width), (high, wide) = self._origin, self._plan.size, self._layers[end].shape[2:]
        return y * high // height, x * wide // width

    def _divided(self) -> bool:
        """Return True: also a single tile has its edges wrapped. Plan the tiles if the picture's size is new."""
        height, width = self._net.image.shape[2:]
        if self._planned != (height, width):
            self._plan = plan_tiles(self._net, self._ends, height, width, self._side, seamless=True)
            last = zip(self._ends, self._plan.rows[-1].values, self._plan.columns[-1].values, strict=True)
            counts = {end: (rows.stop, columns.stop) for end, rows, columns in last}
            twin = self._net.twin()
            twin.resize(*self._plan.crop)  # the picture itself may be too small for the layers
            self._layers = {end: TiledBlob(self, (*twin.blobs[end].shape[:2], *counts[end])) for end in counts}
            self._planned = (height, width)
        return True

    @property
    def _strides(self) -> tuple[int, int]:
        fields = [self.locality(end) for end in self._ends]
        return lcm(*(field.rows.cell for field in fields)), lcm(*(field.columns.cell for field in fields))
