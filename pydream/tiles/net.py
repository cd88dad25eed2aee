"""Tiles are the gradient of a picture of any size, block by block, in the memory that one block takes.

The values of a layer fall into blocks. For each block the network runs on the crop of the picture that the block's
values see; only they are driven; and what arrives at the crop's pixels is added to the whole picture's gradient, block
after block. Every value that a block's own depend on is then what it would be in the whole picture, so the sum is the
whole gradient, up to the rounding of that sum.

For this a crop has to lie on the picture as the network's grid does. It begins at a multiple of the layer's stride, and
ends with the picture or a multiple of the stride before that. Then every layer's map is the whole one less what was cut
off on either side, and all that goes by a map's size (Caffe's pooling, which rounds up; TensorFlow's padding) comes out
as in the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from ..net import Array, Blob, LocalNet, Net
from .plan import Plan, Span, plan_tiles

OnTile = Callable[[int, int], None]


def in_tiles(net: Net, ends: Sequence[str], side: int, on_tile: OnTile | None = None) -> Net | TiledNet:
    """Give a net that goes over the picture in ``net.blobs["data"]`` in tiles; `net` itself where one tile does.

    Parameters
    ----------
    net : Net
    ends : sequence of str
        The layers that are dreamt with.
    side : int
        Of a block, in pixels; 0: no tiles.
    on_tile : callable, optional
        As for `TiledNet`.

    Raises
    ------
    ShapeError
        As `plan_tiles`.
    """
    if side == 0:
        return net
    height, width = net.blobs["data"].shape[2:]
    plan = plan_tiles(net, ends, height, width, side)
    return net if len(plan) <= 1 else TiledNet(cast(LocalNet, net), ends, plan, on_tile)


class TiledNet:
    """What a step needs of a net, in tiles: the gradient at the picture for an objective of whole layers.

    Its blobs are the picture's, and those of the layers that are dreamt with. What the objective asks of them that goes
    value by value (`copy_data_to_diff`, `set_diff`, `match_diff`) is done in each tile. An objective that reads `data`
    gets all of it, for one more pass forward, and may write what it likes into `diff`.

    Parameters
    ----------
    net : LocalNet
        Its input holds the picture, and stays as it is.
    ends : sequence of str
    plan : Plan
    on_tile : callable, optional
        ``on_tile(done, tiles)`` on the way back, after each tile.

    Attributes
    ----------
    blobs : mapping of str to Blob
    dtype : numpy.dtype
    """

    def __init__(self, net: LocalNet, ends: Sequence[str], plan: Plan, on_tile: OnTile | None = None) -> None:
        self._net = net
        self.dtype = net.dtype
        self._twin = net.twin()  # runs on the crops, and has their size
        self._plan = plan
        self._ends = tuple(ends)
        self._on_tile = on_tile
        self._image: Shifted | None = None  # from forward to backward
        self._tiled = {end: TiledBlob(self, net.blobs[end].shape) for end in ends}
        self.blobs: Mapping[str, Any] = {"data": net.blobs["data"], **self._tiled}

    def forward(self, end: str | Sequence[str], *, tensor: Shifted | None = None) -> None:
        """Take the picture, as it is or shifted; the layers are run when somebody reads what it comes to."""
        self._image = Shifted(self.blobs["data"].data[0], 0, 0) if tensor is None else tensor

    def backward(self, start: str | Sequence[str]) -> Array:
        """Give the gradient at the picture as it was shifted, laid out as a tensor of the net."""
        height, width = self._net.blobs["data"].shape[2:]
        shape = (1, height, width, 3) if self._net.channels_last else (1, 3, height, width)
        gradient = np.zeros(shape, self.dtype)
        # A net may know others that run its tiles, as `pydream.cluster.tasks.SpreadNet` does.
        gradients = getattr(self._net, "gradients_of", self._one_by_one)
        made = gradients(self._tile(row, column) for row, column in self._plan)
        for done, ((row, column), part) in enumerate(zip(self._plan, made, strict=True), start=1):
            places = (row.crop, column.crop)
            crop = (slice(None), *places) if self._net.channels_last else (slice(None), slice(None), *places)
            gradient[crop] += part
            if self._on_tile is not None:
                self._on_tile(done, len(self._plan))
        self._image = None
        self._twin.blobs["data"].reshape(1, 3, 1, 1)  # lets go of what it has computed
        return gradient

    def read(self) -> None:
        """Run forward, tile after tile, for the values of all the layers."""
        made = {end: np.zeros(blob.shape, self._net.dtype) for end, blob in self._tiled.items()}
        for row, column in self._plan:
            assert self._image is not None
            run_crop(self._twin, self._ends, self._image.crop(row.crop, column.crop))
            for place, end in enumerate(self._ends):
                own = self._twin.blobs[end].data[:, :, row.inside[place], column.inside[place]]
                made[end][:, :, row.values[place], column.values[place]] = own
        for end, data in made.items():
            self._tiled[end].hold(data)

    def _tile(self, row: Span, column: Span) -> Tile:
        assert self._image is not None
        seeds = [
            self._tiled[end].seed.cut(row.values[place], column.values[place]) for place, end in enumerate(self._ends)
        ]
        places = tuple(zip(row.inside, column.inside, strict=True))
        return Tile(self._image.crop(row.crop, column.crop), self._ends, tuple(seeds), places)

    def _one_by_one(self, tiles: Iterator[Tile]) -> Iterator[Array]:
        return (tile.gradient(self._twin) for tile in tiles)


@dataclass(frozen=True)
class Tile:
    """All that the gradient of a tile takes beside the net, whose process may be another one.

    Attributes
    ----------
    image : (c, h, w) array
        The crop.
    ends : tuple of str
    seeds : tuple
        What to drive each of these with: their own values' part.
    places : tuple of (slice, slice)
        Where those are in the crop's maps: rows and columns.
    """

    image: Array
    ends: tuple[str, ...]
    seeds: tuple[Affine | Match, ...]
    places: tuple[tuple[slice, slice], ...]

    def gradient(self, net: Net) -> Array:
        """Give the gradient at the crop, laid out as a tensor of the net, which takes the crop's size."""
        run_crop(net, self.ends, self.image)
        for end, seed, place in zip(self.ends, self.seeds, self.places, strict=True):
            seed.sow(net.blobs[end], place)
        return net.backward(start=_where(self.ends))


def run_crop(net: Net, ends: tuple[str, ...], image: Array) -> None:
    """Run forward on a crop, (c, h, w)."""
    net.blobs["data"].reshape(1, *image.shape)
    tensor = np.ascontiguousarray(np.rollaxis(image, 0, 3) if net.channels_last else image)
    net.forward(end=_where(ends), tensor=tensor[np.newaxis])


def _where(ends: tuple[str, ...]) -> str | tuple[str, ...]:
    return ends if len(ends) > 1 else ends[0]


class Shifted(NamedTuple):
    """An image shifted in a circle, of which only parts are made.

    Attributes
    ----------
    image : (c, h, w) array
    ox, oy : int
        Pixels to the right and down.
    """

    image: Array
    ox: int
    oy: int

    def crop(self, rows: slice, columns: slice) -> Array:
        """Give a part of ``np.roll(np.roll(image, ox, -1), oy, -2)``."""
        height, width = self.image.shape[1:]
        y, x = np.arange(rows.start, rows.stop) - self.oy, np.arange(columns.start, columns.stop) - self.ox
        return self.image[:, (y % height)[:, np.newaxis], x % width]


Place = tuple[slice, slice]  # rows and columns of a map


@dataclass(frozen=True)
class Affine:
    """Drives a layer with ``gain * data + bias``, which broadcast to it: (c, h, w)."""

    gain: Array
    bias: Array

    def cut(self, rows: slice, columns: slice) -> Affine:
        """Give the part for some of the layer's values."""
        return Affine(_cut(self.gain, rows, columns), _cut(self.bias, rows, columns))

    def sow(self, blob: Blob, place: Place) -> None:
        """Write the gradient into a crop's blob: there are these values, and 0 elsewhere."""
        blob.set_diff(_laid(self.gain, blob.shape, place), _laid(self.bias, blob.shape, place))


@dataclass(frozen=True)
class Match:
    """Drives each place of a layer with those of a guide's features, (c, h, w), that are most like it."""

    features: Array

    def cut(self, rows: slice, columns: slice) -> Match:
        """Give itself: any of them may be most alike."""
        return self

    def sow(self, blob: Blob, place: Place) -> None:
        """As of `Affine`."""
        blob.match_diff(self.features)
        diff = blob.diff[0]
        own = diff[:, *place].copy()
        diff[...] = 0
        diff[:, *place] = own


def _cut(numbers: Array, rows: slice, columns: slice) -> Array:
    """Give the part for some of a layer's values of what broadcasts to all of them."""
    if not numbers.any():
        return np.zeros((), numbers.dtype)
    numbers = numbers.reshape((1,) * (3 - numbers.ndim) + numbers.shape[-3:])
    return numbers[:, rows if numbers.shape[1] > 1 else slice(None), columns if numbers.shape[2] > 1 else slice(None)]


def _laid(own: Array, shape: tuple[int, ...], place: Place) -> Array:
    """Put what `_cut` gave to its place in a crop's map, with 0 around it."""
    if own.ndim == 0:
        return own
    part = np.zeros((own.shape[0], *shape[2:]), own.dtype)
    part[:, *place] = own
    return part


class TiledBlob:
    """A layer of the whole picture, whose values are computed tile by tile: a `Blob` for objectives.

    Parameters
    ----------
    net : TiledNet
    shape : tuple of int
        Of the whole.
    """

    def __init__(self, net: TiledNet, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._net = net
        self._data: Array | None = None
        self._diff: Array | None = None
        self._seed: Affine | Match | None = None  # instead of _diff

    @property
    def data(self) -> Array:
        """The values of the whole, computed when they are asked for: (n, c, h, w)."""
        if self._data is None:
            self._net.read()
        assert self._data is not None
        return self._data

    @property
    def diff(self) -> Array:
        """The gradient of the whole, zeros at first; it is not to be read after `copy_data_to_diff` and its like."""
        if self._diff is None:
            self._diff, self._seed = np.zeros(self.shape, self._net.dtype), None
        return self._diff

    def hold(self, data: Array) -> None:
        """Take the values."""
        self._data = data

    def copy_data_to_diff(self) -> None:
        """``diff[:] = data``."""
        self.set_diff(1)

    def set_diff(self, gain: ArrayLike, bias: ArrayLike = 0) -> None:
        """``diff[:] = gain * data + bias``, which broadcast to the whole layer."""
        factor, summand = np.asarray(gain, self._net.dtype), np.asarray(bias, self._net.dtype)
        if self._data is not None:  # and may have been written to
            self.diff[:] = factor * self._data + summand
            return
        np.broadcast_shapes(factor.shape, summand.shape, self.shape)  # raises where they do not fit
        self._diff, self._seed = None, Affine(factor, summand)

    def match_diff(self, features: Array) -> None:
        """Set `diff` at each place to a guide's features, (c, h, w), where those are most like `data` there."""
        self._diff, self._seed = None, Match(features)

    @property
    def seed(self) -> Affine | Match:
        """What drives the layer: zeros where nobody has said."""
        if self._seed is not None:
            return self._seed
        zero = np.zeros((), self._net.dtype)
        return Affine(zero, zero if self._diff is None else self._diff[0])
