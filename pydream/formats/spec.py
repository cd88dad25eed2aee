"""An input spec is what pictures a network wants: ``(pixel - mean) * scale``, in its channel order, at a node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ..net import CHANNEL_ORDERS, ChannelOrder

PixelScale = float | tuple[float, float, float]  # of all channels, or of each in the network's order


@dataclass(frozen=True)
class InputSpec:
    """What pictures a network wants. A field that is None is unspecified: see `or_else`.

    Attributes
    ----------
    mean : sequence of 3 floats, or of 1, optional
        Mean of the training pictures, 0..255, in the network's channel order; kept as a tuple. See
        `pydream.net.as_mean`.
    scale : float or sequence of 3 floats, optional
        Factor of the pixels minus the mean, or one for each channel, kept as a tuple; not for Caffe's networks.
    channel_order : {"BGR", "RGB"}, optional
    node : str, optional
        Node of a frozen graph that the picture replaces. Unspecified: its one placeholder for pictures.

    Raises
    ------
    ValueError
        For a mean that is neither three finite numbers nor one, a scale that is neither one nor three finite numbers
        other than 0, or another channel order.
    """

    mean: Sequence[float] | None = None
    scale: float | Sequence[float] | None = None
    channel_order: ChannelOrder | None = None
    node: str | None = None

    def __post_init__(self) -> None:
        if self.mean is not None:
            object.__setattr__(self, "mean", _numbers("mean", self.mean, (1, 3)))
        if self.scale is not None and np.ndim(self.scale):
            object.__setattr__(self, "scale", _numbers("scale", self.scale, (3,)))  # type: ignore[arg-type]
        if self.scale is not None and not (np.isfinite(self.scale).all() and np.all(self.scale)):
            raise ValueError(f"scale {self.scale}, expected a number other than 0, or three of them")
        if self.channel_order is not None and self.channel_order not in CHANNEL_ORDERS:
            raise ValueError(f"channel_order {self.channel_order!r}, expected one of {', '.join(CHANNEL_ORDERS)}")

    def or_else(self, other: InputSpec) -> InputSpec:
        """Return this spec with what it leaves unspecified as in the other."""
        unspecified = [field.name for field in fields(self) if getattr(self, field.name) is None]
        return replace(self, **{name: getattr(other, name) for name in unspecified})

    @property
    def keywords(self) -> dict[str, Any]:
        """The keywords of `load_net` for it."""
        return {"mean": self.mean, "scale": self.scale, "channel_order": self.channel_order, "input": self.node}


def _numbers(name: str, values: Sequence[float], counts: tuple[int, ...]) -> tuple[float, ...]:
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or len(found) not in counts or not np.isfinite(found).all():
        raise ValueError(f"{name} {values}, expected three numbers{', or one' if 1 in counts else ''}")
    return tuple(map(float, found))
