"""Pictures of `io.load_image` → a network's input, and back, by pycaffe's formulas in pycaffe's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import UnknownNameError
from ..net import Array
from .resizing import resize_image


class Transformer:
    """What is done to pictures before they go into the inputs of a net.

    Parameters
    ----------
    inputs : dict of str to tuple of int
        Input → its shape: ``{"data": net.blobs["data"].data.shape}``.

    Attributes
    ----------
    transpose, channel_swap, raw_scale, mean, input_scale : dict
        Input → what the method of that name set.
    """

    def __init__(self, inputs: Mapping[str, tuple[int, ...]]) -> None:
        self.inputs = dict(inputs)
        self.transpose: dict[str, tuple[int, ...]] = {}
        self.channel_swap: dict[str, tuple[int, ...]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, Array] = {}
        self.input_scale: dict[str, float] = {}

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of the axes: (2, 0, 1) puts a picture's channels first."""
        if len(order) != len(self._shape(in_)) - 1:
            raise ValueError(f"order: {order}, expected {len(self._shape(in_)) - 1} axes, as {in_!r} has")
        self.transpose[in_] = tuple(order)

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of the channels, which come first by then: (2, 1, 0) makes BGR of RGB."""
        if len(order) != self._shape(in_)[1]:
            raise ValueError(f"order: {order}, expected {self._shape(in_)[1]} channels, as {in_!r} has")
        self.channel_swap[in_] = tuple(order)

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Set a factor before the mean is subtracted: 255 for pictures of `io.load_image`, which are 0..1."""
        self._shape(in_)
        self.raw_scale[in_] = scale

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Set a factor after the mean is subtracted."""
        self._shape(in_)
        self.input_scale[in_] = scale

    def set_mean(self, in_: str, mean: ArrayLike) -> None:
        """Set the mean: one number a channel, (c,), or a picture, (c, h, w) or (h, w), resized to the input's size."""
        shape, values = self._shape(in_)[1:], np.asarray(mean)
        if values.ndim == 1 and values.shape != shape[:1]:
            raise ValueError(f"mean: {len(values)} numbers, expected {shape[0]}, one for each channel of {in_!r}")
        if values.ndim == 1:
            values = values[:, np.newaxis, np.newaxis]
        elif values.ndim == 2:
            values = values[np.newaxis]
        if values.ndim != 3 or values.shape[0] != shape[0]:
            raise ValueError(f"mean: shape {values.shape}, expected ({shape[0]},) or {shape}")
        if values.shape[1:] not in (shape[1:], (1, 1)):
            values = resize_image(values.transpose(1, 2, 0), shape[1:]).transpose(2, 0, 1)
        self.mean[in_] = values

    def preprocess(self, in_: str, data: ArrayLike) -> Array:
        """Turn a picture into an input: resize, transpose, swap channels, times raw scale, minus mean, times scale.

        Parameters
        ----------
        in_ : str
        data : (h, w, c) array_like
            Of any size; copied.

        Returns
        -------
        (c, h, w) float32 array
        """
        size = tuple(self._shape(in_)[2:])
        made: Array = np.asarray(data, np.float32)
        if made.shape[:2] != size:
            made = resize_image(made, size)
        if in_ in self.transpose:
            made = made.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            made = made[list(self.channel_swap[in_])]
        made = np.array(made)
        if in_ in self.raw_scale:
            made *= np.float32(self.raw_scale[in_])
        if in_ in self.mean:
            made -= self.mean[in_].astype(np.float32)
        if in_ in self.input_scale:
            made *= np.float32(self.input_scale[in_])
        return made

    def deprocess(self, in_: str, data: ArrayLike) -> Array:
        """Turn an input into a picture: `preprocess` backwards, without resizing.

        Parameters
        ----------
        in_ : str
        data : (1, c, h, w) or (c, h, w) array_like
            Axes of size 1 are left out, as in pycaffe.

        Returns
        -------
        (h, w, c) array
        """
        self._shape(in_)
        made: Any = np.array(data).squeeze()
        if in_ in self.input_scale:
            made /= self.input_scale[in_]
        if in_ in self.mean:
            made = made + self.mean[in_].astype(made.dtype)
        if in_ in self.raw_scale:
            made /= self.raw_scale[in_]
        if in_ in self.channel_swap:
            made = made[np.argsort(self.channel_swap[in_])]
        if in_ in self.transpose:
            made = made.transpose(np.argsort(self.transpose[in_]))
        deprocessed: Array = made
        return deprocessed

    def _shape(self, in_: str) -> tuple[int, ...]:
        if in_ not in self.inputs:
            raise UnknownNameError(f"no input {in_!r}; there are: {', '.join(map(repr, self.inputs))}")
        return self.inputs[in_]
