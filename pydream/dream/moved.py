"""A step of which the network sees the picture moved: scaled and turned about its middle."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from ..net import Array, Net, Wrapper

Place = tuple[float, float]  # (y, x)
Move = tuple[list[list[float]], list[float]]  # matrix and offset, as `affine_transform` takes them


def turn(factor: float, degrees: float, about: Place, to: Place) -> Move:
    """Return the move that reads at ``factor * R * (o - to) + about``: counter-clockwise as seen, as R turns clockwise.

    Parameters
    ----------
    factor : float
        Below 1 the picture grows.
    degrees : float
    about, to : (y, x)
        The place that the picture is turned about, and where that is afterwards.
    """
    angle = math.radians(degrees)
    c, n = factor * math.cos(angle), factor * math.sin(angle)
    y, x = to
    return [[c, n], [-n, c]], [about[0] - (c * y + n * x), about[1] - (c * x - n * y)]


class Moved(Wrapper):
    """A net that sees an image moved, and brings the gradient back to where the image is.

    With T the move, the objective of a step is that of T x, and its gradient at x is Tᵀ times the gradient at T x: the
    exact one, by `affine_transform_adjoint`. Outside of the image there are zeros, the network's mean.

    Parameters
    ----------
    net : Net
    draw : callable
        ``draw(height, width)``: the next move of an image of that size.
    """

    def __init__(self, net: Net, draw: Callable[[int, int], Move]) -> None:
        super().__init__(net)
        self._draw = draw
        self._move: Move  # from feed
        self._back: Callable[[Array], Array]  # frame → frame, from feed to backward

    def feed(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        """Make the tensor that `forward` takes from an image, shifted cyclically and then moved."""
        move = self._move = self._draw(*image.shape[1:])
        self._back = lambda frame: ops.affine_transform_adjoint(frame, *move)
        return self.feed_beside(image, ox, oy, ops)

    def feed_beside(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        """Make the tensor of another image, moved as the last one was."""
        moved = ops.affine_transform(ops.to_tensor(image, ox, oy)[0], *self._move)
        return self._net.feed(np.ascontiguousarray(np.rollaxis(moved, 2)), 0, 0, ops)

    def backward(self, start: Any = None) -> Array:
        """Return the gradient at the shifted image, laid out as a tensor of the net."""
        g = self._net.gradient(start)[0]
        if self.channels_last:
            return self._back(g)[np.newaxis]
        back = self._back(np.ascontiguousarray(np.rollaxis(g, 0, 3)))
        return np.ascontiguousarray(np.rollaxis(back, 2))[np.newaxis]
