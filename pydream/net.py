"""A network is named blobs and two passes: all that a dream needs from a runtime.

A port to another runtime subclasses `Net` and `Blob` and nothing more; no other module knows which runtime it is.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Literal, NamedTuple, Protocol, Self, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import ShapeError, UnknownNameError

Array = NDArray[Any]  # float32 or float64, as the network's dtype
ChannelOrder = Literal["BGR", "RGB"]
CHANNEL_ORDERS: tuple[str, ...] = get_args(ChannelOrder)


class View(NamedTuple):
    """What the values of a blob see of the image along one axis, in pixels.

    Attributes
    ----------
    size : int
        That one value sees: the receptive field.
    stride : int
        From one value's to the next one's.
    start : int
        The first that value 0 sees; below 0 for padding.
    """

    size: int
    stride: int
    start: int


class Field(NamedTuple):
    """The receptive field of a blob's values: of its rows, and of its columns."""

    rows: View
    columns: View


class Affine(NamedTuple):
    """The seed ``gain * data + bias``.

    Attributes
    ----------
    gain, bias : array_like
        What broadcasts to the blob, with one number a channel at least: (c, 1, 1) has one a channel, (c, h, w) one a
        value; a plain number is for all.
    """

    gain: Any
    bias: Any = 0


class Match(NamedTuple):
    """The seed that has at each place the features of a guide that are most like `data` there.

    Likeness is the dot product; of places that are equally like it is the first, row by row.

    Attributes
    ----------
    features : (c, h, w) array
        Of a guide of any size.
    """

    features: Any


Seed = Affine | Match | None  # what the gradient at a blob starts as; None: its `data`, which the notebook maximises


class Blob(ABC):
    """A named array of a network and, of the same shape, the gradient of the objective at it."""

    @property
    @abstractmethod
    def data(self) -> Array:
        """(n, c, h, w), C-contiguous and writable. What is written into an input is what `forward` sees."""

    @property
    @abstractmethod
    def diff(self) -> Array:
        """As `data`: an objective writes it before `backward`, which fills it in for the inputs."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """(n, c, h, w), or (n, c) behind a fully connected layer; `ShapeError` where the input does not fit."""

    @abstractmethod
    def reshape(self, *dims: int) -> None:
        """Set an input blob's shape; its data are zeros then."""

    def drive(self, seed: Seed) -> None:
        """Set `diff` to what a seed makes of `data`. A runtime may do so where the data live, without a round trip."""
        if isinstance(seed, Match):
            features = seed.features.reshape(len(seed.features), -1)
            self.diff[0].reshape(features.shape[0], -1)[:] = features[
                :, best_match(self.data[0].reshape(features.shape[0], -1), features)
            ]
        elif isinstance(seed, Affine):
            gain, bias = (np.asarray(numbers, self.diff.dtype) for numbers in seed)
            self.diff[:] = gain * self.data + bias
        else:
            self.diff[:] = self.data

    def copy_data_to_diff(self) -> None:
        """``diff[:] = data``: the objective of the notebook."""
        self.drive(None)

    def clear_diff(self) -> None:
        """``diff[:] = 0``."""
        self.diff[...] = 0


class Part(Protocol):
    """A part of a picture's gradient, as `pydream.tiles.net.Tile` is."""

    def gradient(self, net: Net) -> Array:
        """Compute it on a net, whose input takes the part's size."""


class Net(ABC):
    """Blobs by name, a forward pass up to a layer and a backward pass from it to the input, ``blobs["data"]``.

    Attributes
    ----------
    name : str
        For people: in messages and file names.
    blobs : mapping of str to Blob
        In the order of the network; an unknown name raises `UnknownNameError` with the close ones.
    mean : (3, 1, 1) array
        Of the network's dtype, in its channel order: subtracted from 0..255 pixels.
    channel_order : {"BGR", "RGB"}
        What its image is: BGR, as Caffe's networks have it, or RGB.
    dtype : numpy.dtype
        float32 or float64.
    channels_last : bool
        Layout of the tensors that `forward` takes and `backward` returns: (n, h, w, c), else (n, c, h, w).
    default_end : str or None
        The layer to dream with where none is named.
    logits : (str, int) or None
        The blob with a classifier's numbers before their softmax, and how many classes there are.
    """

    name: str
    blobs: Mapping[str, Blob]
    mean: Array
    channel_order: ChannelOrder
    dtype: np.dtype[Any]
    channels_last: bool
    default_end: str | None
    logits: tuple[str, int] | None = None

    @abstractmethod
    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        """Run the layers up to and with the first one named `end`, on ``blobs["data"]`` or on `tensor`.

        With several names it ends at each: every one's blob holds what its first layer made. See `names_of`.
        """

    @abstractmethod
    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Run back from the first layer named `start`; return the gradient at the input, laid out as a tensor.

        From several, all that the last forward pass ended at, in one pass: the gradients of their `diff`s add up.
        """

    @abstractmethod
    def reshape(self) -> None:
        """Work out every blob's shape for the inputs' present ones; `ShapeError` where they do not fit."""

    def feed(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        """Make the tensor that `forward` takes of an image, shifted in a circle.

        Parameters
        ----------
        image : (3, h, w) array
        ox, oy : int
            Pixels to the right and down.
        ops : module
            The image operations: see `pydream.imageops.backend`.
        """
        return ops.to_tensor(image, ox, oy, self.channels_last)

    # What it takes to run part by part, see `pydream.tiles`; a port need not know.

    def locality(self, end: str) -> Field:
        """Return what of the image it takes to compute values of a blob, and their gradients, as the whole image does.

        On a crop whose first row and column are multiples of the strides, and which is shorter than the rest of the
        image by multiples of them, values that see nothing outside it are those of the whole image.
        `ShapeError`, with the reason, where each value takes the whole image.
        """
        raise ShapeError(f"{self.name} does not tell what its values see of a picture, so it runs on whole pictures")

    def step_bytes(self, ends: Sequence[str], height: int, width: int) -> int:
        """Estimate the memory of forward and back from `ends` for an image of that size, without the image; 0: unknown.

        `ShapeError` where it cannot be run in one go, whatever memory there is.
        """
        return 0

    def twin(self) -> Self:
        """Return a net that shares the weights and whatever runs them, and has blobs of its own."""
        raise NotImplementedError(f"{self.name} runs on whole pictures")

    def gradients_of(self, parts: Iterable[Part]) -> Iterator[Array]:
        """Compute the gradient of each part of a picture, in order: on a twin; a wrapper may send them elsewhere."""
        twin = self.twin()
        try:
            for part in parts:
                yield part.gradient(twin)
        finally:  # drop what it has computed: a net is a reference cycle, which stays in memory until it is collected
            twin.blobs["data"].reshape(1, 3, 1, 1)


class Wrapper(Net):
    """Another net, in all that a subclass does not do otherwise."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self.logits = net.logits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)

    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        return self._net.forward(end, tensor=tensor)

    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        return self._net.backward(start)

    def reshape(self) -> None:
        self._net.reshape()

    def feed(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        return self._net.feed(image, ox, oy, ops)

    def locality(self, end: str) -> Field:
        return self._net.locality(end)

    def step_bytes(self, ends: Sequence[str], height: int, width: int) -> int:
        return self._net.step_bytes(ends, height, width)

    def twin(self) -> Any:
        return self._net.twin()

    def gradients_of(self, parts: Iterable[Part]) -> Iterator[Array]:
        return self._net.gradients_of(parts)


def names_of(end: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the layers that `Net.forward` and `Net.backward` are asked for; None: all."""
    return end if end is None else (end,) if isinstance(end, str) else tuple(end)


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> UnknownNameError:
    """Make the error for a `name` that is none of the `valid` ones; it lists the closest of them."""
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=5, cutoff=0.5) or [n for n in names if name and name in n][:5]
    listed = close or names[:12]
    more = ", …" if len(listed) < len(names) and not close else ""
    return UnknownNameError(
        f"no {kind} {name!r}; {'close' if close else 'there are'}: {', '.join(map(repr, listed))}{more}"
    )


# Rows of the matrix of similarities that are held at once: at 575x1024 all of it would take 9216 x 1200 numbers.
ROWS = 1024


def best_match(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.intp]:
    """Give for each column of x, (channels, places), the first column of y whose dot product with it is largest."""
    blocks = (x[:, i : i + ROWS].T.dot(y).argmax(1) for i in range(0, x.shape[1], ROWS))
    return np.concatenate(list(blocks))
