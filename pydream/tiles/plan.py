"""A plan divides a picture into tiles: the crop that each block needs, and the values of the layers that it owns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import lcm, prod
from typing import NamedTuple

from ..errors import ShapeError
from ..net import Net, View

LARGEST_TILE = 2**31


class Span(NamedTuple):
    """A block along one axis.

    Attributes
    ----------
    crop : slice
        The pixels that the block's values see, and as many more as align the crop with the network's grid.
    values : tuple of slice
        The block's own values of each layer.
    inside : tuple of slice
        The same values, as indices of the crop's maps.
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
        The most pixels of a block; at least the stride is taken.
    views : sequence of View
        What each layer's values see of the axis.
    counts : sequence of int
        The number of values of each layer along the axis.

    Returns
    -------
    list of Span
        In order. Each value of each layer is in exactly one of them.
    """
    stride = lcm(*(view.cell for view in views))
    pitch = _pitch(size, side, stride)
    found = []
    for first in range(0, size, pitch):
        behind = first + pitch if first + pitch < size else None  # None: the last one takes the rest
        values = [
            slice(min(first // view.stride, count), count if behind is None else min(behind // view.stride, count))
            for view, count in zip(views, counts, strict=True)
        ]
        pairs = [(view, own) for view, own in zip(views, values, strict=True) if own.start < own.stop]
        if not pairs:  # layers without padding have no values so near the end
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


def torus_spans(size: int, side: int, views: Sequence[View]) -> list[Span]:
    """Divide an axis whose ends meet: crops reach over the ends, below 0 and behind `size`.

    A layer has a value for each of its strides, so none of them sees padding. Other arguments are those of `spans`; all
    strides divide `size`.
    """
    stride = lcm(*(view.cell for view in views))
    pitch = _pitch(size, side, stride)
    found = []
    for first in range(0, size, pitch):
        values = [slice(first // view.stride, min(first + pitch, size) // view.stride) for view in views]
        seen = min(own.start * view.stride + view.start for view, own in zip(views, values, strict=True))
        to = max((own.stop - 1) * view.stride + view.start + view.size for view, own in zip(views, values, strict=True))
        crop = slice(seen // stride * stride, -(-to // stride) * stride)
        inside = [
            slice(own.start - crop.start // view.stride, own.stop - crop.start // view.stride)
            for view, own in zip(views, values, strict=True)
        ]
        found.append(Span(crop, tuple(values), tuple(inside)))
    return found


def _pitch(size: int, side: int, stride: int) -> int:
    """Return the pixels of a block, a multiple of the stride: all blocks have about as many, and at most `side`."""
    blocks = -(-size // (max(side // stride, 1) * stride))
    return -(-size // (blocks * stride)) * stride


@dataclass(frozen=True)
class Plan:
    """The tiles of a picture: each of the rows with each of the columns.

    Attributes
    ----------
    rows, columns : list of Span
    size : (int, int)
        Height and width of the picture.
    """

    rows: list[Span]
    columns: list[Span]
    size: tuple[int, int]

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
        """The number of pixels of all crops, relative to the picture's."""
        seen = 1
        for each in (self.rows, self.columns):
            seen *= sum(span.crop.stop - span.crop.start for span in each)
        return seen / prod(self.size)


def plan_tiles(net: Net, ends: Sequence[str], height: int, width: int, side: int, seamless: bool = False) -> Plan:
    """Divide a picture into tiles.

    Parameters
    ----------
    net : Net
    ends : sequence of str
        The layers to dream with.
    height, width : int
        Of the picture.
    side : int
        The most pixels of a block along each axis, without the margin of its crop; 0 where there is one block.
    seamless : bool
        Whether opposite edges of the picture meet: then crops reach over them.

    Raises
    ------
    ShapeError
        The values of a layer see the whole picture; the message has the reason. Or a picture whose edges meet is no
        multiple of the strides.
    """
    try:
        fields = [net.locality(end) for end in ends]
    except ShapeError as error:
        advice = (
            "use an earlier layer" if seamless else "use one run for the whole picture (tile 0), or an earlier layer"
        )
        raise ShapeError(f"no {'seamless dream' if seamless else 'tiles'}: {error}; {advice}") from None
    rows, columns = [field.rows for field in fields], [field.columns for field in fields]
    if seamless:
        _check_periods(ends, (height, width), rows, columns)
        sides = (side or height, side or width)
        return Plan(torus_spans(height, sides[0], rows), torus_spans(width, sides[1], columns), (height, width))
    shapes = [net.blobs[end].shape for end in ends]
    return Plan(
        rows=spans(height, side, rows, [shape[2] for shape in shapes]),
        columns=spans(width, side, columns, [shape[3] for shape in shapes]),
        size=(height, width),
    )


def _check_periods(ends: Sequence[str], size: tuple[int, int], rows: Sequence[View], columns: Sequence[View]) -> None:
    """Raise `ShapeError` unless a whole number of strides makes a picture: what would do."""
    strides = [lcm(*(view.cell for view in views)) for views in (rows, columns)]
    if any(side % stride for side, stride in zip(size, strides, strict=True)):
        height, width = (max(round(side / stride), 1) * stride for side, stride in zip(size, strides, strict=True))
        raise ShapeError(
            f"{size[1]}x{size[0]} pixels without a seam: {', '.join(map(repr, ends))} takes multiples of"
            f" {strides[1]}x{strides[0]}, as {width}x{height}"
        )
