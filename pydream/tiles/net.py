"""Tiles are the gradient of a picture of any size, block by block, in the memory of one block.

The values of a layer are divided into blocks. For each block the network runs on the crop of the picture that the
block's values see; only these values are driven; and the gradient at the crop's pixels is added to that of the whole
picture. Every value that a block depends on is computed as in the whole picture, so the sum is the whole gradient, up
to its rounding.

For this a crop has to be aligned with the network's grid. It begins at a multiple of the layer's stride, and ends with
the picture or a multiple of the stride before its end. Then every layer's map is the whole one with both ends cut off,
and everything that depends on a map's size (Caffe's pooling, which rounds up; TensorFlow's padding) is as in the whole
picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..errors import ShapeError
from ..net import Affine, Array, Blob, Match, Net, Seed, Wrapper, unknown_name
from .plan import Plan, Span, plan_tiles

OnTile = Callable[[int, int], None]


def tiled(net: Net, ends: Sequence[str], side: int, on_tile: OnTile | None = None) -> Net:
    """Return a net that runs on pictures in tiles.

    Parameters
    ----------
    net : Net
    ends : sequence of str
        The layers to dream with.
    side : int
        The most pixels of a block along each axis; 0: return the net itself.
    on_tile : callable, optional
        As for `TiledNet`.
    """
    return net.each(ends, lambda net, ends: TiledNet(net, ends, side, on_tile)) if side else net


class TiledNet(Wrapper):
    """A net for steps in tiles: the gradient at the picture, of an objective of whole layers.

    For a picture of more than one tile, `blobs` has the input and `ends`. A seed (`Blob.drive`) is applied in each
    tile. An objective may read all of `data`, which costs one more pass forward, and write anything into `diff`. After
    `backward` the blobs of `ends` are empty.

    Parameters
    ----------
    net : Net
        Its input is the whole picture, and is not changed.
    ends : sequence of str
    side : int
        The most pixels of a block along each axis.
    on_tile : callable, optional
        ``on_tile(done, tiles)``, called by `backward` after each tile.

    Raises
    ------
    ShapeError
        As `plan_tiles`, raised by `blobs`, `feed` and the passes.
    """

    def __init__(self, net: Net, ends: Sequence[str], side: int, on_tile: OnTile | None = None) -> None:
        super().__init__(net)
        self._ends = tuple(ends)
        self._side = side
        self._on_tile = on_tile
        self._planned: tuple[int, int] | None = None  # the picture's size that the plan is for
        self._plan = Plan([], [], (0, 0))
        self._layers: dict[str, TiledBlob] = {}
        self._image: Shifted | None = None  # from forward to backward

    @property
    def blobs(self) -> Mapping[str, Blob]:  # type: ignore[override]  # other nets have an attribute
        """The net's own if the picture is one tile, else the input and `ends`."""
        return _Blobs({self.image_input: self._net.image, **self._layers}) if self._divided() else self._net.blobs

    def feed(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        """Return the shifted image for `forward`, which makes a crop of it for each tile."""
        return Shifted(image, ox, oy) if self._divided() else super().feed(image, ox, oy, ops)

    def feed_beside(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        """Return the same of another image."""
        return Shifted(image, ox, oy) if self._divided() else super().feed_beside(image, ox, oy, ops)

    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Any = None) -> Mapping[str, Array]:
        """Take the image, shifted or not; the layers run when their values are read, or in `backward`."""
        if not self._divided():
            return super().forward(end, tensor=tensor)
        self._image = Shifted(self._net.image.data[0], 0, 0) if tensor is None else tensor
        for blob in self._layers.values():
            blob.set_data(None)
        return {}

    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Return the gradient at the shifted image, laid out as a tensor of the net."""
        if not self._divided():
            return super().backward(start)
        channels, height, width = self._net.image.shape[1:]
        shape = (1, height, width, channels) if self.channels_last else (1, channels, height, width)
        gradient = np.zeros(shape, self.dtype)
        made = self._net.gradients_of(self._tile(row, column) for row, column in self._plan)
        for done, ((row, column), part) in enumerate(zip(self._plan, made, strict=True), start=1):
            high, wide = (span.crop.stop - span.crop.start for span in (row, column))
            shape = (1, high, wide, channels) if self.channels_last else (1, channels, high, wide)
            if (part.dtype, part.shape) != (self.dtype, shape):  # it may come from another machine
                raise ShapeError(f"a tile's gradient is {part.dtype} {part.shape}, expected {self.dtype} {shape}")
            for rows, in_rows in folded(row.crop, height):
                for columns, in_columns in folded(column.crop, width):
                    if self.channels_last:
                        gradient[:, rows, columns] += part[:, in_rows, in_columns]
                    else:
                        gradient[:, :, rows, columns] += part[:, :, in_rows, in_columns]
            if self._on_tile is not None:
                self._on_tile(done, len(self._plan))
        self._image = None
        for blob in self._layers.values():
            blob.clear_diff()
        return gradient

    def twin(self) -> TiledNet:
        """Return a net in the same tiles, of a picture of its own."""
        return TiledNet(self._net.twin(), self._ends, self._side)

    def read(self) -> None:
        """Run forward, tile after tile, for the values of all `ends`."""
        made = {end: np.zeros(blob.shape, self.dtype) for end, blob in self._layers.items()}
        for end, (rows, columns), own in self.blocks():
            made[end][:, :, rows, columns] = own
        for end, data in made.items():
            self._layers[end].set_data(data)

    def blocks(self) -> Iterator[tuple[str, Place, Array]]:
        """Run forward, tile after tile, and yield each block of each of `ends`, its place in the layer, and its values.

        Every value comes once; those of a picture of one tile in one block.
        """
        if not self._divided():
            yield from ((end, (slice(None), slice(None)), self._net.blobs[end].data) for end in self._ends)
            return
        twin = self._net.twin()
        for row, column in self._plan:
            assert self._image is not None
            run_crop(twin, self._ends, self._image.crop(row.crop, column.crop))
            for place, end in enumerate(self._ends):
                own = twin.blobs[end].data[:, :, row.inside[place], column.inside[place]]
                yield end, (row.values[place], column.values[place]), own
        twin.resize(1, 1)  # drop what it has computed: see `Net.gradients_of`

    def _divided(self) -> bool:
        """Return whether the picture, at its present size, has several tiles; plan them if the size is new."""
        height, width = self._net.image.shape[2:]
        if self._planned != (height, width):
            self._plan = plan_tiles(self._net, self._ends, height, width, self._side)
            self._layers = {end: TiledBlob(self, self._net.blobs[end].shape) for end in self._ends}
            self._planned = (height, width)
        return len(self._plan) > 1

    def _seed(self, end: str) -> Affine | Match:
        """Return a layer's seed, in the order of the plan's values."""
        return self._layers[end].seed

    def _tile(self, row: Span, column: Span) -> Tile:
        assert self._image is not None
        seeds = [
            _part(self._seed(end), row.values[place], column.values[place]) for place, end in enumerate(self._ends)
        ]
        places = tuple(zip(row.inside, column.inside, strict=True))
        return Tile(self._image.crop(row.crop, column.crop), self._ends, tuple(seeds), places)


@dataclass(frozen=True)
class Tile:
    """All that the gradient of a tile needs beside the net, which may be in another process.

    Attributes
    ----------
    image : (c, h, w) array
        The crop.
    ends : tuple of str
    seeds : tuple
        The seed of each layer, for the block's own values.
    places : tuple of (slice, slice)
        The rows and columns of these values in the crop's maps.
    """

    image: Array
    ends: tuple[str, ...]
    seeds: tuple[Affine | Match, ...]
    places: tuple[Place, ...]

    def gradient(self, net: Net) -> Array:
        """Compute the gradient at the crop, laid out as a tensor of the net, whose input takes the crop's size."""
        run_crop(net, self.ends, self.image)
        for end, seed, place in zip(self.ends, self.seeds, self.places, strict=True):
            _drive(net.blobs[end], seed, place)
        return net.gradient(self.ends)


def run_crop(net: Net, ends: tuple[str, ...], image: Array) -> None:
    """Run forward on a crop, (c, h, w)."""
    net.resize(*image.shape[1:])
    tensor = np.ascontiguousarray(np.rollaxis(image, 0, 3) if net.channels_last else image)
    net.forward(end=ends, tensor=tensor[np.newaxis])


class Shifted(NamedTuple):
    """A circularly shifted image, of which only crops are made.

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
        """Return a part of ``np.roll(np.roll(image, ox, -1), oy, -2)``."""
        height, width = self.image.shape[1:]
        y, x = np.arange(rows.start, rows.stop) - self.oy, np.arange(columns.start, columns.stop) - self.ox
        return self.image[:, (y % height)[:, np.newaxis], x % width]


Place = tuple[slice, slice]  # rows and columns of a map


def folded(crop: slice, size: int) -> Iterator[tuple[slice, slice]]:
    """Yield the parts of a crop that lie within a picture, or one of its copies side by side, and their places in it.

    One, the crop itself, where it does not reach over the picture's ends.
    """
    at = crop.start
    while at < crop.stop:
        behind = min(crop.stop, at - at % size + size)
        yield slice(at % size, at % size + behind - at), slice(at - crop.start, behind - crop.start)
        at = behind


def _part(seed: Affine | Match, rows: slice, columns: slice) -> Affine | Match:
    """Return a layer's seed for some of its values; a guide's features are needed whole."""
    if isinstance(seed, Match):
        return seed
    return Affine(_cut(seed.gain, rows, columns), _cut(seed.bias, rows, columns))


def _drive(blob: Blob, seed: Affine | Match, place: Place) -> None:
    """Drive a crop's blob with a seed at some of its values, and with 0 elsewhere."""
    if isinstance(seed, Affine):
        blob.drive(Affine(_laid(seed.gain, blob.shape, place), _laid(seed.bias, blob.shape, place)))
        return
    blob.drive(seed)
    diff = blob.diff[0]
    own = diff[:, *place].copy()
    diff[...] = 0
    diff[:, *place] = own


def _cut(numbers: Array, rows: slice, columns: slice) -> Array:
    """Return the part of a gain or bias that belongs to some of a layer's values."""
    if not numbers.any():
        return np.zeros((), numbers.dtype)
    numbers = numbers.reshape((1,) * (3 - numbers.ndim) + numbers.shape[-3:])
    return numbers[:, rows if numbers.shape[1] > 1 else slice(None), columns if numbers.shape[2] > 1 else slice(None)]


def _laid(own: Array, shape: tuple[int, ...], place: Place) -> Array:
    """Return the result of `_cut` at its place in a crop's map, with 0 around it."""
    if own.ndim == 0:
        return own
    part = np.zeros((own.shape[0], *shape[2:]), own.dtype)
    part[:, *place] = own
    return part


class _Blobs(dict[str, Blob]):
    def __missing__(self, name: str) -> Blob:
        raise unknown_name("tiled blob", name, self)


class TiledBlob(Blob):
    """A blob of the whole picture, whose values are computed tile by tile, for objectives.

    Parameters
    ----------
    net : TiledNet
    shape : tuple of int
        Of the whole picture's blob.
    """

    def __init__(self, net: TiledNet, shape: tuple[int, ...]) -> None:
        self._net = net
        self._shape = shape
        self._data: Array | None = None
        self._diff: Array | None = None
        self._seed: Affine | Match | None = None  # instead of _diff

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole picture's blob, (n, c, h, w)."""
        return self._shape

    def reshape(self, *dims: int) -> None:
        """Raise `ShapeError`: the blob is computed."""
        raise ShapeError(f"a computed blob cannot be reshaped to {dims}; reshape the input")

    @property
    def data(self) -> Array:
        """The values, (n, c, h, w), computed when they are first read."""
        if self._data is None:
            self._net.read()
        assert self._data is not None
        return self._data

    @property
    def diff(self) -> Array:
        """The gradient, (n, c, h, w), zeros at first; after `drive` it is not the seed's."""
        if self._diff is None:
            self._diff, self._seed = np.zeros(self._shape, self._net.dtype), None
        return self._diff

    def set_data(self, data: Array | None) -> None:
        """Set the values; None: they are computed when they are read."""
        self._data = data

    def clear_diff(self) -> None:
        """Drop the gradient, and the values."""
        self._data = self._diff = self._seed = None

    def drive(self, seed: Seed) -> None:
        """Set `diff` to what a seed makes of `data`, in each tile."""
        if isinstance(seed, Match):
            self._diff, self._seed = None, seed
            return
        gain, bias = (np.asarray(numbers, self._net.dtype) for numbers in (seed or Affine(1)))
        if self._data is not None:  # and may have been written to
            self.diff[:] = gain * self._data + bias
            return
        np.broadcast_shapes(gain.shape, bias.shape, self._shape)  # raises where they do not fit
        self._diff, self._seed = None, Affine(gain, bias)

    @property
    def seed(self) -> Affine | Match:
        """The seed of the blob; zeros by default."""
        if self._seed is not None:
            return self._seed
        zero = np.zeros((), self._net.dtype)
        return Affine(zero, zero if self._diff is None else self._diff[0])
