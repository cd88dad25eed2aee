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
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from math import inf, lcm
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from .errors import MemoryTooSmallError, ShapeError
from .memory import Limit, free_bytes, limits, resident_bytes
from .net import Array, Blob, LocalNet, Net, View

LARGEST_TILE = 2**31
# Of a process, beside the pictures and the values: measured (docs/tiles.md).
OVERHEAD = 400_000_000
# Of a limit on address space more goes than is used: allocators reserve ahead, and keep plans for each size of crop.
RESERVED_AHEAD = 1.25  # to one
RESERVED_BESIDE = 100_000_000
RESERVED_FOR_TILES = 600_000_000
# Beyond, what overlaps is little, and a step takes no less.
LARGEST_SIDE = 4096

OnTile = Callable[[int, int], None]


class Span(NamedTuple):
    """A block along one axis.

    Attributes
    ----------
    crop : slice
        Of the picture's pixels: what the block's values see, and what makes the crop lie as the picture does.
    values : tuple of slice
        Of each layer's values: the block's own.
    inside : tuple of slice
        The same values, counted in the crop's own maps.
    """

    crop: slice
    values: tuple[slice, ...]
    inside: tuple[slice, ...]


def spans(size: int, side: int, views: Sequence[View], counts: Sequence[int]) -> list[Span]:
    """Divide an axis into blocks of about the same size.

    Parameters
    ----------
    size : int
        Pixels along the axis.
    side : int
        The most pixels of a block; as many as the stride at least.
    views : sequence of View
        What each layer's values see.
    counts : sequence of int
        How many values each layer has along the axis.

    Returns
    -------
    list of Span
        In order. Each value of each layer is in one of them.
    """
    stride = lcm(*(view.stride for view in views))
    blocks = -(-size // (max(side // stride, 1) * stride))
    pitch = -(-size // (blocks * stride)) * stride
    found = []
    for first in range(0, size, pitch):
        behind = first + pitch if first + pitch < size else None  # the last one takes what is left
        values = [
            slice(min(first // view.stride, count), count if behind is None else min(behind // view.stride, count))
            for view, count in zip(views, counts, strict=True)
        ]
        pairs = [(view, own) for view, own in zip(views, values, strict=True) if own.start < own.stop]
        if not pairs:  # layers without padding have no values so near to the end
            continue
        seen = min(own.start * view.stride + view.start for view, own in pairs)
        to = max((own.stop - 1) * view.stride + view.start + view.size for view, own in pairs)
        crop = slice(max(seen, 0) // stride * stride, size - max(size - to, 0) // stride * stride)
        inside = [
            slice(own.start - crop.start // view.stride, own.stop - crop.start // view.stride)
            for view, own in zip(views, values, strict=True)
        ]
        found.append(Span(crop, tuple(values), tuple(inside)))
    return found


@dataclass(frozen=True)
class Plan:
    """How a picture falls into tiles: each of the rows with each of the columns.

    Attributes
    ----------
    rows, columns : list of Span
    """

    rows: list[Span]
    columns: list[Span]

    def __iter__(self) -> Iterator[tuple[Span, Span]]:
        return ((row, column) for row in self.rows for column in self.columns)

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    @property
    def crop(self) -> tuple[int, int]:
        """Height and width of the largest crop."""
        height, width = (max(span.crop.stop - span.crop.start for span in each) for each in (self.rows, self.columns))
        return height, width

    @property
    def cost(self) -> float:
        """How many pixels the crops have, to one of the picture."""
        seen, whole = 1, 1
        for each in (self.rows, self.columns):
            seen *= sum(span.crop.stop - span.crop.start for span in each)
            whole *= each[-1].crop.stop
        return seen / whole


def plan_tiles(net: Net, ends: Sequence[str], height: int, width: int, side: int) -> Plan:
    """Divide a picture into tiles.

    Parameters
    ----------
    net : Net
    ends : sequence of str
        The layers that are dreamt with.
    height, width : int
        Of the picture.
    side : int
        The most pixels of a block, either way, without what its crop has around it.

    Raises
    ------
    ShapeError
        Where a value of one of the layers sees the whole picture: why.
    """
    local = _local(net)
    if local is None:
        raise ShapeError(f"{net.name} does not tell what its values see of a picture, so it runs on whole ones: tile=0")
    try:
        fields = [local.locality(end) for end in ends]
    except ShapeError as error:
        raise ShapeError(f"no tiles: {error}; a picture takes one run there (tile 0), or an earlier layer") from None
    shapes = [net.blobs[end].shape for end in ends]
    return Plan(
        rows=spans(height, side, [field.rows for field in fields], [shape[2] for shape in shapes]),
        columns=spans(width, side, [field.columns for field in fields], [shape[3] for shape in shapes]),
    )


def choose_side(
    net: Net, ends: Sequence[str], height: int, width: int, memory: int | None = None, copies: float = 2.25
) -> int:
    """Choose the side of a tile: 0, for no tiles, where an estimate says that the whole picture fits.

    Parameters
    ----------
    net : Net
        Its input is reshaped.
    ends : sequence of str
    height, width : int
        Of the picture, in pixels.
    memory : int, optional
        Bytes that the process may take, what it has already included. None: half of what is free, and that. No more
        than a limit leaves (``ulimit -v``) in any case.
    copies : float
        How many arrays of the picture's size are held beside the network's values. At any time: what those took,
        TensorFlow keeps.

    Returns
    -------
    int
        Of those that fit the one that takes the least work; 0 for a net or layers that whole pictures only go with.

    Raises
    ------
    MemoryTooSmallError
        Where `memory` was given, and is too little for the smallest tile.
    """
    local = _local(net)
    room = _room(memory)
    if local is None or (room is None and _tightest_limit() is None):
        return 0
    image = 3 * height * width * net.dtype.itemsize
    held = int(copies * image)

    def fits(step: int, tiled: bool, most: float) -> bool:
        return step + held + OVERHEAD <= most and _missing(held, step, tiled) <= 0

    most = inf if room is None else room
    with suppress(ShapeError):  # which says that one run will not do
        if fits(local.step_bytes(ends, height, width) + image, False, most):  # with the image laid out for the network
            return 0
    net.blobs["data"].reshape(1, 3, height, width)
    try:
        stride = lcm(*(view.stride for end in ends for view in local.locality(end)))
        plans = {side: plan_tiles(net, ends, height, width, side) for side in range(stride, LARGEST_SIDE + 1, stride)}
    except ShapeError:
        return 0
    steps = {side: local.step_bytes(ends, *plan.crop) for side, plan in plans.items()}
    least = min(steps.values()) + held + OVERHEAD
    if memory is not None and room is not None and least > room:
        raise MemoryTooSmallError(
            f"{memory / 1e9:.3g} GB of memory are too little for {width}x{height} pixels and"
            f" {', '.join(map(repr, ends))}: about {(least - room + memory) / 1e9:.2g} GB would do"
        )
    # Where nothing fits into what may be had without asking, hardly more than the least.
    most = max(most, 1.1 * least)
    fitting = [side for side, plan in plans.items() if len(plan) > 1 and fits(steps[side], True, most)]
    smallest = min(steps, key=lambda side: steps[side])
    return min(fitting, key=lambda side: plans[side].cost, default=smallest if len(plans[smallest]) > 1 else 0)


def _room(memory: int | None) -> int | None:
    """Give how many bytes a step may add to what the process has; None: nobody knows."""
    if memory is not None:
        return memory - resident_bytes()
    free = free_bytes()
    return None if free is None else free // 2


@cache
def _tightest_limit() -> Limit | None:
    """Give the process's limit that leaves least. What the first steps take of it the next ones use again."""
    return min(limits(), key=lambda limit: limit.left, default=None)


def _missing(held: int, step: int, tiled: bool) -> float:
    """Give by how many bytes a limit is too low for a step, and for what is held beside it; 0 or less: it is not."""
    limit = _tightest_limit()
    if limit is None:
        return 0
    reserved = RESERVED_BESIDE + (RESERVED_FOR_TILES if tiled else 0) + RESERVED_AHEAD * step
    return held + reserved - limit.left


def check_limit(net: Net, ends: Sequence[str], height: int, width: int, side: int, copies: float = 3) -> None:
    """Refuse what a limit of the process will not let be made: what runs a net may end the process where memory fails.

    Parameters
    ----------
    net : Net
        Its input is reshaped.
    ends : sequence of str
    height, width : int
        Of the picture, in pixels.
    side : int
        Of a tile; 0: no tiles.
    copies : float
        How many arrays of the picture's size are held beside the network's.

    Raises
    ------
    ShapeError
        Where a blob would have more values than it can, whatever memory there is.
    MemoryTooSmallError
        Where the estimate is more than a limit leaves.
    """
    limit, local = _tightest_limit(), _local(net)
    if local is None:
        return
    net.blobs["data"].reshape(1, 3, height, width)
    crop = plan_tiles(net, ends, height, width, side).crop if side else (height, width)
    step = local.step_bytes(ends, *crop)
    missing = _missing(int(copies * 3 * height * width * net.dtype.itemsize), step, tiled=side > 0)
    if limit is not None and missing > 0:
        raise MemoryTooSmallError(
            f"the limit on this process's {limit.of} is about {missing / 1e9:.2g} GB too low for {width}x{height}"
            f" pixels and {', '.join(map(repr, ends))} {f'in tiles of {side}' if side else 'without tiles'}:"
            f" {limit.command} tells and sets it"
        )


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


def _local(net: Net) -> LocalNet | None:
    """Give the net as one that can run part by part, if it is one; a port need not be."""
    return cast(LocalNet, net) if all(hasattr(net, name) for name in ("locality", "step_bytes", "twin")) else None


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
        for done, (row, column) in enumerate(self._plan, start=1):
            self._forward(row, column)
            for place, end in enumerate(self._ends):
                share = Share(row.values[place], column.values[place], row.inside[place], column.inside[place])
                self._tiled[end].sow(self._twin.blobs[end], share)
            places = (row.crop, column.crop)
            crop = (slice(None), *places) if self._net.channels_last else (slice(None), slice(None), *places)
            gradient[crop] += self._twin.backward(start=self._where)
            if self._on_tile is not None:
                self._on_tile(done, len(self._plan))
        self._image = None
        self._twin.blobs["data"].reshape(1, 3, 1, 1)  # lets go of what it has computed
        return gradient

    def read(self) -> None:
        """Run forward, tile after tile, for the values of all the layers."""
        made = {end: np.zeros(blob.shape, self._net.dtype) for end, blob in self._tiled.items()}
        for row, column in self._plan:
            self._forward(row, column)
            for place, end in enumerate(self._ends):
                own = self._twin.blobs[end].data[:, :, row.inside[place], column.inside[place]]
                made[end][:, :, row.values[place], column.values[place]] = own
        for end, data in made.items():
            self._tiled[end].hold(data)

    @property
    def _where(self) -> str | tuple[str, ...]:
        return self._ends if len(self._ends) > 1 else self._ends[0]

    def _forward(self, row: Span, column: Span) -> None:
        assert self._image is not None
        crop = self._image.crop(row.crop, column.crop)
        self._twin.blobs["data"].reshape(1, *crop.shape)
        tensor = np.ascontiguousarray(np.rollaxis(crop, 0, 3) if self._net.channels_last else crop)
        self._twin.forward(end=self._where, tensor=tensor[np.newaxis])


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


class Share(NamedTuple):
    """A tile's own values of a layer: where they are in the whole, and where in the crop."""

    rows: slice
    columns: slice
    inside_rows: slice
    inside_columns: slice

    def of(self, numbers: Array, shape: tuple[int, ...]) -> Array:
        """Give a crop's part of what broadcasts to the whole layer, (c, h, w): 0 but at the own values."""
        if not numbers.any():
            return np.zeros((), numbers.dtype)
        numbers = numbers.reshape((1,) * (3 - numbers.ndim) + numbers.shape[-3:])
        rows = self.rows if numbers.shape[1] > 1 else slice(None)
        columns = self.columns if numbers.shape[2] > 1 else slice(None)
        part = np.zeros((numbers.shape[0], *shape[2:]), numbers.dtype)
        part[:, self.inside_rows, self.inside_columns] = numbers[:, rows, columns]
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
        self._seed: Callable[[Blob, Share], None] | None = None  # instead of _diff: writes a crop's

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
        self._sow(lambda blob, share: blob.set_diff(share.of(factor, blob.shape), share.of(summand, blob.shape)))

    def match_diff(self, features: Array) -> None:
        """Set `diff` at each place to a guide's features, (c, h, w), where those are most like `data` there."""

        def seed(blob: Blob, share: Share) -> None:
            blob.match_diff(features)
            diff = blob.diff[0]
            own = diff[:, share.inside_rows, share.inside_columns].copy()
            diff[...] = 0
            diff[:, share.inside_rows, share.inside_columns] = own

        self._sow(seed)

    def sow(self, blob: Blob, share: Share) -> None:
        """Write the gradient of a crop's blob: at the tile's own values this one's, 0 elsewhere."""
        if self._seed is not None:
            self._seed(blob, share)
        elif self._diff is None:
            blob.set_diff(0)
        else:
            blob.set_diff(0, share.of(self._diff[0], blob.shape))

    def _sow(self, seed: Callable[[Blob, Share], None]) -> None:
        self._diff, self._seed = None, seed
