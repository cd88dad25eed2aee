"""Several networks see one picture, and a step climbs along the sum of their gradients.

With g the gradient of the net whose image it is, and h_k that of another with weight w_k, brought back to that image:
``g + sum_k w_k (mean|g| / mean|h_k|) h_k``, whatever units the networks count in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from .. import imageops
from ..errors import ShapeError, ZeroGradientError
from ..net import Array, Net, Wrapper
from ..picture import LUMA
from .images import check_image
from .objectives import Objective, objective_L2
from .params import End, find_ends

COPIES = 4.0  # arrays of the picture's size: another's image, laid out for it, its gradient, and that of the picture


@dataclass(frozen=True)
class Also:
    """Another network, and what of it grows.

    Attributes
    ----------
    net : Net
        Its input is reshaped.
    end : str or sequence of str, optional
    objective : callable
        As for `make_step`. It may read blobs, but a picture's own activations it does not get: no `Caricature`.
    weight : float
        Mean size of its gradient, relative to that of the net that it is beside; below 0 the step goes down it.
    """

    net: Net
    end: End | None = None
    objective: Objective = objective_L2
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.weight):
            raise ValueError(f"weight: {self.weight}, expected a finite number")

    @property
    def ends(self) -> tuple[str, ...]:
        """The layers to dream with."""
        return find_ends(self.net, self.end, self.objective)

    def gradient(self, seen: Net, image: Array, ox: int, oy: int, ops: ModuleType) -> Array:
        """Return the gradient at an image of the net `seen`, (c, h, w), shifted as `Net.feed` does."""
        net = self.net
        colours, offset = recolour(seen, net)
        own = np.tensordot(colours, image, 1).astype(net.dtype, copy=False)
        own += offset
        net.resize(*own.shape[1:])
        ends = self.ends
        net.forward(end=ends, tensor=net.feed(own, ox, oy, ops))
        dst = [net.blobs[end] for end in ends]
        for blob in dst:
            blob.clear_diff()
        self.objective(*dst)
        g = net.gradient(ends)
        back: Array = np.tensordot(colours.T, _planes(net, g), 1).astype(seen.dtype, copy=False)
        return back


def recolour(seen: Net, net: Net) -> tuple[Array, Array]:
    """Return A and b, with which an image x of the net `seen` is ``A x + b`` to another net: the same picture.

    A orders the channels, takes the luma or repeats grey; b is the difference of the means, in A's colours. Back goes
    the gradient with the transpose of A.

    Returns
    -------
    (d, c) array
    (d, 1, 1) array
        Both of the net's dtype.
    """
    if len(seen.mean) == len(net.mean) == 1:
        colours = np.eye(1)
    else:
        to_rgb = np.ones((3, 1)) if len(seen.mean) == 1 else _channels(seen).T
        colours = _channels(net) @ to_rgb
    offset = np.tensordot(colours, seen.mean, 1) - net.mean
    return colours.astype(net.dtype), offset.astype(net.dtype)


def _channels(net: Net) -> Array:
    """Return the matrix from red, green and blue to a net's channels."""
    return LUMA[np.newaxis] if len(net.mean) == 1 else np.eye(3)[:: -1 if net.channel_order == "BGR" else 1]


def _planes(net: Net, tensor: Array) -> Array:
    """Return a view of a net's tensor of one image as planes, (c, h, w)."""
    return np.rollaxis(tensor[0], 2) if net.channels_last else tensor[0]


def _size(planes: Array) -> float:
    """Return the mean absolute value, summed in one order whatever the layout."""
    return float(np.abs(planes, order="C").mean(dtype=np.float64))


class Together(Wrapper):
    """A net that has the blobs of one network, and the gradient of that and others at its image.

    All see the same picture, shifted and moved alike, each in its own colours, minus its own mean. In tiles each has
    its own.

    Parameters
    ----------
    net : Net
    *also : Also

    Raises
    ------
    ShapeError, UnknownNameError
        Another network takes no picture, or has no such layer.
    """

    def __init__(self, net: Net, *also: Also) -> None:
        super().__init__(net)
        self._also = also
        self.copies = net.copies + COPIES
        self._fed: tuple[Array, int, int, ModuleType]  # from feed to backward
        for each in also:
            check_image(each.net)
            each.ends  # noqa: B018 (raises)

    def feed(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        """Make the net's tensor of an image, and keep the image for the others."""
        self._fed = image, ox, oy, ops
        return super().feed(image, ox, oy, ops)

    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        """Run the net; the others run in `backward`, one after the other."""
        if tensor is None:
            self._fed = self.image.data[0], 0, 0, imageops.backend("native")
        return super().forward(end, tensor=tensor)

    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Return the sum of the gradients at the shifted image, laid out as a tensor of the net.

        Raises
        ------
        ZeroGradientError
            That of another network is zero or not finite.
        """
        total = np.array(super().backward(start))
        own = _planes(self, total)
        size = _size(own)
        for each in self._also:
            g = each.gradient(self._net, *self._fed)
            found = _size(g)
            if not 0 < found < math.inf:
                what = f"{', '.join(map(repr, each.ends))} of {each.net.name}"
                raise ZeroGradientError(f"the gradient of {what} at the image is {found:g}, so no step can be taken")
            g *= each.weight * (size / found)
            own += g
            del g  # before the next
        del self._fed
        return total

    def each(self, ends: Sequence[str], make: Callable[[Net, Sequence[str]], Net]) -> Net:
        """Return what `make` makes of each, together."""
        others = (replace(each, net=make(each.net, each.ends), end=each.ends) for each in self._also)
        return Together(make(self._net, ends), *others)

    def resize(self, height: int, width: int) -> None:
        """Set the size of the image, after a check that the others take it; `ShapeError` where one does not."""
        for each in self._also:
            try:
                each.net.resize(height, width)
                for end in each.ends:
                    each.net.blobs[end].shape  # noqa: B018
            except ShapeError as error:
                raise ShapeError(f"{each.net.name}: {error}") from error
        super().resize(height, width)

    def locality(self, end: str) -> Any:
        """As `Net.locality`; `ShapeError` where the others have none."""
        for each in self._also:
            for own in each.ends:
                each.net.locality(own)
        return super().locality(end)

    def step_bytes(self, ends: Sequence[str], height: int, width: int) -> int:
        """As `Net.step_bytes`, of the network that takes the most: one runs after the other."""
        others = [each.net.step_bytes(each.ends, height, width) for each in self._also]
        return max([super().step_bytes(ends, height, width), *others])
