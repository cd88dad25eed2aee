"""The notebook's way to load a network: `Classifier`, a net that knows its mean and channel order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..errors import ShapeError
from ..formats import caffe
from ..formats.spec import InputSpec
from ..net import Array, ChannelOrder, as_mean
from ..runtime.base import Runtime
from ..runtime.engines import AUTO
from .net import Net
from .resizing import middle, resize_image
from .resizing import oversample as ten_crops
from .transformer import Transformer

# Channels of an RGB picture, in the order of the network's.
_SWAPS: dict[ChannelOrder, tuple[int, ...]] = {"BGR": (2, 1, 0), "RGB": (0, 1, 2)}


class Classifier(Net):
    """A net with a `transformer`.

    Parameters
    ----------
    model_file, pretrained_file : path or NetParameter
        Prototxt and caffemodel; without the latter the former holds the weights.
    image_dims : (int, int), optional
        Height and width to which `predict` resizes pictures. None: the input's.
    mean : (c,) or (c, h, w) array, optional
        Mean of the training pictures, 0..255, in the network's channel order; zeros by default. A dream takes a mean
        picture's average, channel by channel.
    input_scale, raw_scale : float, optional
        As for `Transformer`. A dream's pixels are 0..255 already, and it takes no `raw_scale`; a net with an
        `input_scale` other than 1 cannot be dreamt with.
    channel_swap : sequence of int, optional
        ``(0, 1, 2)``: the network takes RGB. Otherwise, as in the notebook, it takes BGR.
    dtype, device, runtime
        As for `Net`.

    Attributes
    ----------
    transformer : Transformer
    image_dims, crop_dims : tuple of int
        As `predict` takes them: height and width of the resized picture, and of what the network sees of it.
    """

    def __init__(
        self,
        model_file: str | os.PathLike[str] | Any,
        pretrained_file: str | os.PathLike[str] | Any | None = None,
        image_dims: Sequence[int] | None = None,
        mean: ArrayLike | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        *,
        dtype: DTypeLike = "float32",
        device: str | None = None,
        runtime: str | type[Runtime] = AUTO,
    ) -> None:
        self.transformer = Transformer({})
        super().__init__(model_file, pretrained_file, dtype=dtype, device=device, runtime=runtime)
        name, shape = self.image_input, self.image.shape
        self.transformer.inputs = {each: self.blobs[each].shape for each in self.inputs}
        if len(shape) == 4:
            self.transformer.set_transpose(name, (2, 0, 1))
        if channel_swap is not None:
            swap = tuple(channel_swap)
            if shape[1] != 1:
                self.transformer.set_channel_swap(name, swap)
            self.channel_order = "RGB" if swap == _SWAPS["RGB"] else "BGR"
        numbers = np.zeros(1) if mean is None else np.asarray(mean)
        if numbers.ndim > 1 and numbers.shape[1:] != (1, 1):
            self.transformer.set_mean(name, numbers)
        else:
            self.mean = as_mean(numbers, shape, self.channel_order).astype(self.dtype)
        if input_scale is not None:
            self.transformer.set_input_scale(name, input_scale)
        if raw_scale is not None:
            self.transformer.set_raw_scale(name, raw_scale)
        self.crop_dims = shape[2:]
        self.image_dims = tuple(image_dims or self.crop_dims)

    def predict(self, inputs: Sequence[ArrayLike], oversample: bool = True) -> Array:
        """Return the network's first output for each picture.

        Parameters
        ----------
        inputs : sequence of (h, w, c) array_like
            As `io.load_image` reads them, for a net with ``raw_scale=255``.
        oversample : bool
            Whether to average ten crops, or to take the middle alone.

        Returns
        -------
        (n, classes) array
        """
        resized = [resize_image(each, self.image_dims) for each in inputs]
        if oversample:
            crops = list(ten_crops(resized, self.crop_dims))
        else:
            y, x = middle(self.image_dims, self.crop_dims)
            crops = [each[y : y + self.crop_dims[0], x : x + self.crop_dims[1]] for each in resized]
        name = self.image_input
        data = np.stack([self.transformer.preprocess(name, crop) for crop in crops])
        given: dict[str, Any] = {name: data}
        made = self.forward_all(**given)[self.outputs[0]]
        predictions: Array = made.reshape(len(inputs), -1, *made.shape[1:]).mean(1)
        return predictions

    def resize(self, height: int, width: int) -> None:
        """Set the size of a dream's image; `ShapeError` for a net with an `input_scale`, which a dream's has not."""
        scale = self.transformer.input_scale.get(self.image_input, 1)
        if scale != 1:
            raise ShapeError(
                f"{self.name} has input_scale {scale}, and a dream's input is pixels minus the mean: put a Power layer"
                f" with scale: {scale} behind its input"
            )
        super().resize(height, width)

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
        runtime: str | type[Runtime] = AUTO,
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
        net = cls(model, weights, mean=spec.mean, channel_swap=swap, dtype=dtype, device=device, runtime=runtime)
        net.name = name or net.name
        return net

    @property
    def mean(self) -> Array:
        """The transformer's: (c, 1, 1), of the net's dtype, in its channel order."""
        mean = np.asarray(self.transformer.mean[self.image_input], self.dtype)
        return mean if mean.shape[1:] == (1, 1) else mean.mean((1, 2), keepdims=True)

    @mean.setter
    def mean(self, mean: Array) -> None:
        self.transformer.mean[self.image_input] = mean
