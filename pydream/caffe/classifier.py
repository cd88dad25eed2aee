"""The notebook's way to load a network: `Classifier`, a net that knows its mean and channel order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..formats import caffe
from ..formats.spec import InputSpec
from ..net import Array, ChannelOrder, as_mean
from ..runtime.base import Runtime
from .net import TEST, Net

# Channels of an RGB picture, in the order of the network's.
_SWAPS: dict[ChannelOrder, tuple[int, ...]] = {"BGR": (2, 1, 0), "RGB": (0, 1, 2)}


class Transformer:
    """What the notebook reads off a classifier: ``mean['data']``, (3, 1, 1), and ``channel_swap['data']``."""

    def __init__(self) -> None:
        self.mean: dict[str, Array] = {}
        self.channel_swap: dict[str, tuple[int, ...]] = {}


class Classifier(Net):
    """A net with a `transformer`.

    Parameters
    ----------
    model_file, pretrained_file : path or NetParameter
        Prototxt and caffemodel; without the latter the former holds the weights.
    mean : (3,) array, optional
        Mean of the training pictures, 0..255, in the network's channel order; zeros by default.
    channel_swap : sequence of int, optional
        ``(0, 1, 2)``: the network takes RGB. Otherwise, as in the notebook, it takes BGR.
    dtype, device, runtime
        As for `Net`.

    Attributes
    ----------
    transformer : Transformer
    """

    def __init__(
        self,
        model_file: str | os.PathLike[str] | Any,
        pretrained_file: str | os.PathLike[str] | Any | None = None,
        mean: ArrayLike | None = None,
        channel_swap: Sequence[int] | None = None,
        *,
        dtype: DTypeLike = "float32",
        device: str | None = None,
        runtime: str | type[Runtime] = "tensorflow",
    ) -> None:
        self.transformer = Transformer()
        super().__init__(model_file, pretrained_file, TEST, dtype=dtype, device=device, runtime=runtime)
        if channel_swap is not None:
            self.transformer.channel_swap[self.image_input] = tuple(channel_swap)
            self.channel_order = "RGB" if tuple(channel_swap) == _SWAPS["RGB"] else "BGR"
        self.mean = as_mean((0,) if mean is None else mean, self.image.shape, self.channel_order).astype(self.dtype)

    @classmethod
    def load(
        cls,
        model: Path | Any,
        weights: Path | Any | None,
        spec: InputSpec,
        name: str | None = None,
        *,
        dtype: DTypeLike = "float32",
        device: str | None = None,
        runtime: str | type[Runtime] = "tensorflow",
    ) -> Classifier:
        """Load a network of Caffe's for the pictures of a spec, which is all that its files do not hold.

        Parameters
        ----------
        model, weights : path or NetParameter
            As for the constructor.
        spec : InputSpec
            Without a scale and a node; unspecified is the notebook's.
        name : str, optional
            None: the file's own.
        dtype, device, runtime
            As for `Net`.

        Raises
        ------
        NetFileError, DeviceError, ValueError
            As `Net`; and for a spec with a scale or a node.
        """
        caffe.check_spec(spec, model)
        spec = spec.or_else(caffe.DEFAULT_SPEC)
        swap = _SWAPS[spec.channel_order or "BGR"]
        net = cls(model, weights, spec.mean, swap, dtype=dtype, device=device, runtime=runtime)
        net.name = name or net.name
        return net

    @property
    def mean(self) -> Array:
        """The transformer's: (c, 1, 1), of the net's dtype, in its channel order."""
        return np.asarray(self.transformer.mean[self.image_input], self.dtype)

    @mean.setter
    def mean(self, mean: Array) -> None:
        self.transformer.mean[self.image_input] = mean
