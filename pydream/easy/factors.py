"""What a layer sees in a picture, in a few parts: each a direction that is drawn, and a map of where it is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..dream.cells import CellParams, drawn
from ..dream.factors import Factors, factorise
from ..dream.nearness import nearness_to
from ..dream.params import find_end
from ..dream.watch import Watch
from ..media import wash
from ..net import Array, Net
from ..picture import Picture
from .grid import LONG_SIDE, PlaceGrid, read_small
from .inputs import Given

SIDE = 128  # pixels of a factor's cell: there are few
MOST_PLACES = 10**5  # that are factorised


class Factor(NamedTuple):
    """A part of what a layer sees in a picture.

    Attributes
    ----------
    share : float
        Of all factors' activations.
    vector : (channels,) array
        The direction.
    weights : (rows, columns) array
        Where it is, at least 0.
    where : (h, w, 3) uint8 array
        The picture, dark, in the factor's colour where it is.
    cell : (side, side, 3) uint8 array or None
        The direction, drawn; None: nothing moved it.
    nearness : float
        The cosine of the direction and of what the cell gives: see `pydream.dream.nearness`.
    """

    share: float
    vector: Array
    weights: Array
    where: Picture
    cell: Picture | None
    nearness: float


def activation_factors(
    net: Net,
    picture: Given,
    layer: str | None = None,
    count: int = 6,
    *,
    long_side: int | None = LONG_SIDE,
    watch: Watch | None = None,
    **params: Any,
) -> list[Factor]:
    """Find the factors of a layer's activations on a picture, the strongest first, and draw them.

    Parameters
    ----------
    net, picture, layer, long_side, watch, **params
        As for `activation_grid`; a cell's side is 128 pixels by default.
    count : int
        1 to 16.

    Raises
    ------
    ShapeError
        The layer has no grid, the picture or the cells are too small for it, or fewer places differ.
    ValueError
        A parameter is out of its range.
    """
    cell = CellParams(**{"side": SIDE, **params})
    layer = find_end(net, layer)
    grid = PlaceGrid.of(net, layer, read_small(picture, long_side), MOST_PLACES)
    grid.places()
    factors = factorise(grid.values, count)
    found = []
    for number, made in enumerate(drawn(net, layer, factors.vectors, cell, watch)):
        vector = factors.vectors[number]
        near = 0.0 if made is None else nearness_to(net, layer, made, vector)
        where = shown(grid, factors, number)
        found.append(Factor(float(factors.shares[number]), vector, factors.weights[number], where, made, near))
    return found


def shown(grid: PlaceGrid, factors: Factors, number: int | None = None) -> Picture:
    """Show where a factor is in the picture, in its colour; None: all of them."""
    count = len(factors.weights)
    chosen = range(count) if number is None else [number]
    maps = np.stack([factors.weights[each] / max(factors.weights[each].max(), 1e-300) for each in chosen])
    return wash(grid.picture, maps, grid.middles, chosen[0], count)
