"""A network is named blobs and two passes: all that a dream needs from a runtime.

A port to another runtime implements `Net` and `Blob` and nothing more; no other module knows which runtime it is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import UnknownNameError

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


class Blob(Protocol):
    """A named array of a network and, of the same shape, the gradient of the objective at it."""

    @property
    def data(self) -> Array:
        """(n, c, h, w), C-contiguous and writable. What is written into an input is what `forward` sees."""

    @property
    def diff(self) -> Array:
        """As `data`: an objective writes it before `backward`, which fills it in for the inputs."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, c, h, w), or (n, c) behind a fully connected layer; `ShapeError` where the input does not fit."""

    def reshape(self, *dims: int) -> None:
        """Give an input blob another shape; its data are zeros then."""

    def copy_data_to_diff(self) -> None:
        """``diff[:] = data``, made where the data live: the objective of the notebook without a round trip."""

    def set_diff(self, gain: ArrayLike, bias: ArrayLike = 0) -> None:
        """``diff[:] = gain * data + bias``, likewise; both broadcast to the blob. What `Score` is made of."""
        self.diff[:] = np.asarray(gain, self.diff.dtype) * self.data + np.asarray(bias, self.diff.dtype)

    def match_diff(self, features: Array) -> None:
        """Set `diff` at each place to a guide's features, (c, h, w), where those are most like `data` there, likewise.

        Likeness is the dot product; of places that are equally like it is the first. What a guide's objective is.
        """
        x, y = self.data[0].reshape(len(features), -1), features.reshape(len(features), -1)
        self.diff[0].reshape(len(features), -1)[:] = y[:, best_match(x, y)]


class Net(Protocol):
    """Blobs by name, a forward pass up to a layer and a backward pass from it to the input, ``blobs["data"]``."""

    @property
    def name(self) -> str:
        """For people: in messages and file names."""

    @property
    def blobs(self) -> Mapping[str, Blob]:
        """In the order of the network; an unknown name raises `UnknownNameError` with the close ones."""

    @property
    def mean(self) -> Array:
        """(3, 1, 1), of the network's dtype, in its channel order: subtracted from 0..255 pixels."""

    @property
    def channel_order(self) -> ChannelOrder:
        """What its image is: BGR, as Caffe's networks have it, or RGB."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""

    @property
    def channels_last(self) -> bool:
        """Layout of the tensors that `forward` takes and `backward` gives: (n, h, w, c), else (n, c, h, w)."""

    @property
    def default_end(self) -> str | None:
        """The layer to dream with where none is named."""

    @property
    def logits(self) -> tuple[str, int] | None:
        """The blob with a classifier's numbers before their softmax, and how many classes; None where there is none."""
        return None

    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        """Run the layers up to and with the first one named `end`, on ``blobs["data"]`` or on `tensor`.

        With several names it ends at each: every one's blob holds what its first layer made. Dreams with one layer
        give one name, and a port that takes no more can do those.
        """

    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Run back from the first layer named `start`; gives the gradient at the input, laid out as a tensor.

        From several, all that the last forward pass ended at, in one pass: the gradients of their `diff`s add up.
        """

    def reshape(self) -> None:
        """Work out every blob's shape for the inputs' present ones; `ShapeError` where they do not fit."""


class LocalNet(Net, Protocol):
    """A net that can tell what a part of a gradient takes, and so can be run part by part: see `pydream.tiles.net`."""

    def locality(self, end: str) -> Field:
        """Give what of the image it takes to compute values of a blob, and their gradients, as the whole image does.

        On a crop whose first row and column are multiples of the strides, and which is shorter than the rest of the
        image by multiples of them, values that see nothing outside it are those of the whole image.
        `ShapeError`, with the layer that is why, where each value takes the whole image.
        """

    def step_bytes(self, ends: Sequence[str], height: int, width: int) -> int:
        """Estimate what forward and back from `ends` take for an image of that size, without the image.

        `ShapeError` where it cannot be run in one go, whatever memory there is.
        """

    def twin(self) -> Self:
        """Give a net that shares the weights and whatever runs them, and has blobs of its own."""


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
