"""An activation grid shows what a layer makes of each place of a picture: a cell, drawn for the activations there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..dream.cells import CellParams, activations, drawn, grid_size
from ..dream.params import find_end
from ..dream.watch import Watch
from ..errors import ParameterError, ShapeError, SilentScoreError
from ..media import Piece, mosaic, resized
from ..net import Array, Net
from ..picture import Picture
from .inputs import Given, Input, Resizing

LONG_SIDE = 224  # pixels: that of the pictures that most networks are trained on
MOST_CELLS = 400  # that are drawn without being asked for


@dataclass(frozen=True, eq=False)
class PlaceGrid:
    """The places of a layer's grid on a picture.

    Attributes
    ----------
    layer : str
    picture : (h, w, 3) array
    values : (rows, columns, channels) array
        The activations.
    middles : (rows,) array, (columns,) array
        The middle of what each place sees, in pixels of the picture.
    stride : (float, float)
        From one place to the next, down and to the right.
    """

    layer: str
    picture: Picture
    values: Array
    middles: tuple[Array, Array]
    stride: tuple[float, float]

    @classmethod
    def of(cls, net: Net, layer: str, picture: Picture, most: int = MOST_CELLS) -> Self:
        """Run a picture to a layer.

        Raises
        ------
        ParameterError
            The layer has more than `most` places, before it is run.
        ShapeError
            It has no grid, or the picture is too small for it.
        """
        rows, columns = grid_size(net, layer, picture.shape[:2])
        if rows * columns > most:
            what = f"{layer} has {columns}x{rows} = {rows * columns} places on this picture, and each is drawn"
            raise ParameterError(
                "most_cells", f"{what} (at most {most}): a smaller picture or a deeper layer has fewer"
            )
        try:
            views = [(view.start + view.size / 2, float(view.stride)) for view in net.locality(layer)]
        except ShapeError:  # each sees it all: the picture in equal parts
            parts = [side / count for side, count in zip(picture.shape, (rows, columns), strict=False)]
            views = [(part / 2, part) for part in parts]
        (top, down), (left, right) = views
        middles = (top + down * np.arange(rows), left + right * np.arange(columns))
        return cls(layer, picture, activations(net, layer, picture), middles, (down, right))

    def __str__(self) -> str:
        return f"{self.values.shape[1]}x{self.values.shape[0]}"

    @property
    def norms(self) -> Array:
        """The length of each place's activations, row by row."""
        found: Array = np.linalg.norm(self._vectors, axis=1)
        return found

    @property
    def _vectors(self) -> Array:
        return self.values.reshape(-1, self.values.shape[-1])

    def places(self) -> Array:
        """Return the places with activations other than 0, counted row by row; `SilentScoreError` if there are none."""
        found: Array = np.flatnonzero(self._vectors.any(1))
        if not len(found):
            raise SilentScoreError(f"all activations of {self.layer!r} on the picture are 0")
        return found

    def vectors(self, places: Array) -> Array:
        """Return the directions of places, of length 1."""
        found: Array = self._vectors[places] / self.norms[places, np.newaxis]
        return found

    def shape(self, side: int) -> tuple[int, int]:
        """Return the height and width of the sheet."""
        height, width = self.picture.shape[:2]
        scale = side / max(self.stride)
        return round(height * scale), round(width * scale)

    def sheet(self, cells: Mapping[int, Picture | None], side: int, sized: bool) -> Picture:
        """Lay the cells of places over the picture, each with its middle over that of what its place sees.

        `sized`: with the area of the strongest place's cell times the place's share of that strength.
        """
        scale, norms = side / max(self.stride), self.norms
        shares = np.sqrt(norms / norms.max()) if sized else np.ones(len(norms))
        pieces = []
        for place, cell in cells.items():
            if cell is not None:
                row, column = divmod(place, self.values.shape[1])
                middle = (float(self.middles[0][row] * scale), float(self.middles[1][column] * scale))
                pieces.append(Piece(cell, middle, float(side * shares[place])))
        return mosaic(self.picture, self.shape(side), pieces)


def read_small(given: Given, long_side: int | None) -> Picture:
    """Read a picture; one with a longer side than that is made so small."""
    pixels = Input.of(given, "picture").pixels
    return pixels if long_side is None else at_most(pixels, long_side)


def at_most(picture: Picture, long_side: int) -> Picture:
    """Return a picture with a long side of at most so many pixels."""
    if max(picture.shape) <= long_side:
        return picture
    return resized(picture, Resizing(long_side=long_side).of(*picture.shape[:2]))


def activation_grid(
    net: Net,
    picture: Given,
    layer: str | None = None,
    *,
    long_side: int | None = LONG_SIDE,
    sized: bool = False,
    most_cells: int = MOST_CELLS,
    watch: Watch | None = None,
    **params: Any,
) -> Picture:
    """Draw what a layer makes of each place of a picture, and lay it over the picture.

    Parameters
    ----------
    net : Net
    picture : path, PIL.Image.Image or array_like
        As for `dream_picture`.
    layer : str, optional
        None: the network's default.
    long_side : int, optional
        The long side that a larger picture is resized to; None: it is not.
    sized : bool
        Whether a cell's area is as the length of the activations.
    most_cells : int
        More are refused.
    watch : Watch, optional
        Its `step` is called with one of the cells that are drawn together.
    **params
        As for `pydream.dream.cells.CellParams`.

    Returns
    -------
    (H, W, 3) uint8 array
        The picture, faint, under its cells: a cell is `side` pixels for the layer's stride.

    Raises
    ------
    ParameterError
        The layer has more places than `most_cells`.
    ShapeError
        The layer has no grid, or the picture or the cells are too small for it.
    SilentScoreError
        All activations are 0.
    """
    cell = CellParams(**params)
    layer = find_end(net, layer)
    grid = PlaceGrid.of(net, layer, read_small(picture, long_side), most_cells)
    places = grid.places()
    cells = dict(zip(map(int, places), drawn(net, layer, grid.vectors(places), cell, watch), strict=True))
    return grid.sheet(cells, cell.side, sized)
