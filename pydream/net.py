"""A network is named blobs and two passes: all that a dream needs from a runtime.

A port to another runtime subclasses `Net` and `Blob` and nothing more; no other module knows which runtime it is. What
is abstract here is what a port must have; all else has a default.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from math import lcm
from threading import RLock
from types import ModuleType
from typing import Any, Literal, NamedTuple, Protocol, Self, TypeVar, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import NetInUseError, ShapeError, UnknownNameError
from .picture import grey
from .table import Table, Tabular

Array = NDArray[Any]  # float32 or float64, as the network's dtype
ChannelOrder = Literal["BGR", "RGB"]
CHANNEL_ORDERS: tuple[str, ...] = get_args(ChannelOrder)
NOTEBOOK_END = "inception_4c/output"  # the layer that the notebook dreams with


F = TypeVar("F", bound=Callable[..., Any])
B = TypeVar("B", bound="Blob")


class View(NamedTuple):
    """What the values of a blob see of the image along one axis, in pixels.

    Attributes
    ----------
    size : int
        Pixels that one value sees: its receptive field.
    stride : int
        From the first pixel of one value to that of the next.
    start : int
        The first pixel that value 0 sees; below 0 in the padding.
    grid : int
        Stride of a coarser map on the way, which was stretched; 1: there is none.
    """

    size: int
    stride: int
    start: int
    grid: int = 1

    @property
    def cell(self) -> int:
        """What a part of the picture begins at a multiple of, lest its values be others than the whole picture's."""
        return lcm(self.stride, self.grid)


class Field(NamedTuple):
    """The receptive field of a blob's values: of its rows, and of its columns."""

    rows: View
    columns: View


class Affine(NamedTuple):
    """The seed ``gain * data + bias``.

    Attributes
    ----------
    gain, bias : array_like
        What broadcasts to the blob: a number for all values, (c, 1, 1) with one for each channel, or (c, h, w) with one
        for each value.
    """

    gain: Any
    bias: Any = 0


class Match(NamedTuple):
    """The seed that has at each place the features of a guide that are most similar to `data` there.

    Similarity is the dot product; of equally similar features the first are taken, row by row.

    Attributes
    ----------
    features : (c, h, w) array
        Of a guide picture of any size.
    gain : float
        What these features are multiplied by; below 0 they are turned away from.
    """

    features: Any
    gain: Any = 1


Seed = Affine | Match | None  # what the gradient at a blob starts as; None: its `data`, which the notebook maximises


class Blob(ABC):
    """A named array of a network and, of the same shape, the gradient of the objective at it."""

    @property
    @abstractmethod
    def data(self) -> Array:
        """The values: (n, c, h, w), C-contiguous and writable. What is written into an input is what `forward` sees."""

    @property
    @abstractmethod
    def diff(self) -> Array:
        """The gradient: as `data`. An objective writes it before `backward`, which fills it in for the inputs."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """(n, c, h, w), or (n, c) behind a fully connected layer; `ShapeError` where the input does not fit."""

    @property
    def kind(self) -> str:
        """What makes it, for tables: the types of its layers. By default unknown."""
        return ""

    @abstractmethod
    def reshape(self, *dims: int) -> None:
        """Set an input blob's shape; its data become zeros, unless the shape is the same."""

    def drive(self, seed: Seed) -> None:
        """Set `diff` to what a seed makes of `data`. A runtime may do so on its device, without copying the data."""
        if isinstance(seed, Match):
            data = self.data[0]
            features = np.asarray(seed.features, data.dtype).reshape(len(data), -1)
            found = features[:, best_match(data.reshape(len(data), -1), features)].reshape(data.shape)
            self.diff[0] = np.asarray(seed.gain, data.dtype) * found
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


class Blobs(Tabular, Mapping[str, B]):
    """The blobs of a net by name."""

    def __init__(self, net: Net) -> None:
        self._net = net

    def _table(self) -> Table:
        """Return a table of the blobs, with their shapes at the inputs' present sizes."""
        return _blob_table(f"{len(self)} blobs", self, self._net.shapes())


def _blob_table(title: str, blobs: Mapping[str, Blob], shapes: Mapping[str, tuple[int, ...]]) -> Table:
    def cells(name: str) -> tuple[str, str, str]:
        return name, blobs[name].kind, "×".join(map(str, shapes[name])) if name in shapes else "none"

    return Table(title, ("blob", "type", "shape"), list(blobs), cells)


class Part(Protocol):
    """A part of a picture's gradient, such as a tile."""

    def gradient(self, net: Net) -> Array:
        """Compute the gradient on a net, whose input gets the part's size."""


class OneThread:
    """Blocks that one thread at a time may be in, as deep as it likes; `NetInUseError` for another."""

    def __init__(self) -> None:
        self._lock = RLock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise NetInUseError("another thread uses this net, which holds one picture: load a net for each thread")

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[OneThread], tuple[()]]:  # a copy is of another net
        return OneThread, ()


class Net(Tabular, ABC):
    """Blobs by name, a forward pass up to a layer and a backward pass from it to the image, ``blobs[image_input]``.

    Attributes
    ----------
    name : str
        For messages and file names.
    blobs : mapping of str to Blob
        In the order of the network; an unknown name raises `UnknownNameError` with the close ones.
    image_input : str
        The blob that takes the image, (n, c, h, w) with 3 channels or 1; "data" by default.
    mean : (c, 1, 1) array
        Of the training pictures, 0..255; of the network's dtype, in its channel order.
    channel_order : {"BGR", "RGB"}
        Of the image input. Caffe's networks take BGR. Of no effect where there is one channel.
    dtype : numpy.dtype
        float32 or float64.
    channels_last : bool
        Layout of the tensors that `forward` takes and `backward` returns: (n, h, w, c), else (n, c, h, w).
    default_end : str or None
        The layer to dream with by default.
    logits : (str, int) or None
        The blob with a classifier's numbers before the softmax, and the number of classes; None by default.
    copies : float
        Arrays of the picture's size that a step holds beside the image, its gradient and the values; 0 by default.
    """

    name: str
    blobs: Mapping[str, Blob]
    image_input: str = "data"
    mean: Array
    channel_order: ChannelOrder
    dtype: np.dtype[Any]
    channels_last: bool
    default_end: str | None
    logits: tuple[str, int] | None = None
    copies: float = 0

    @abstractmethod
    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        """Run the layers up to and including the first one named `end`, on the image input's data or on `tensor`.

        Parameters
        ----------
        end : str or sequence of str, optional
            With several names the pass ends at each: the blob holds what the first layer of that name makes. None: all
            layers. `names_of` makes a tuple of any of these.
        tensor : array, optional
            The image in the layout that `channels_last` says.

        Returns
        -------
        mapping of str to array
            The data of the blobs where the pass ends.
        """

    @abstractmethod
    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Run back from the `diff` of the first layer named `start` to the input.

        Parameters
        ----------
        start : str or sequence of str, optional
            Several are all the layers that the last forward pass ended at: their gradients add up in one pass. None:
            where it ended.

        Returns
        -------
        array
            The gradient at the image, in the layout that `channels_last` says.
        """

    def gradient(self, start: str | Sequence[str] | None = None) -> Array:
        """Run `backward`, and return the gradient at the image: what a dream calls.

        A net overrides it whose `backward` returns something else, as pycaffe's does.
        """
        return self.backward(start)

    @abstractmethod
    def reshape(self) -> None:
        """Check that every layer fits the inputs' present shapes; raise `ShapeError` where one does not."""

    def _table(self) -> Table:
        """Return a table of the blobs, under what the net is."""
        default = f", dreams with {self.default_end!r} by default" if self.default_end else ""
        what = f"{self.name}: {self.dtype}, {self.channel_order}{default}"
        return _blob_table(f"{what}; {len(self.blobs)} blobs", self.blobs, self.shapes())

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each blob for the inputs' present sizes, but of those that do not fit."""
        found = {}
        for name, blob in self.blobs.items():
            with suppress(ShapeError):
                found[name] = blob.shape
        return found

    @property
    def image(self) -> Blob:
        """The blob that takes the image."""
        return self.blobs[self.image_input]

    def resize(self, height: int, width: int) -> None:
        """Set the size of the one image that the input takes; its data become zeros, unless the size is the same."""
        image = self.image
        image.reshape(1, image.shape[1], height, width)

    def feed(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        """Make the tensor that `forward` takes from an image, shifted cyclically.

        Parameters
        ----------
        image : (c, h, w) array
        ox, oy : int
            The shift to the right and down, in pixels.
        ops : module
            The image operations: see `pydream.imageops.backend`.
        """
        return ops.to_tensor(image, ox, oy, self.channels_last)

    def feed_beside(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        """Make the tensor of another image as the last `feed` made its own: for nets whose `feed` draws numbers."""
        return self.feed(image, ox, oy, ops)

    def one_thread(self) -> OneThread:
        """Return a block for work on the blobs, from the picture's writing to the gradient's reading.

        `NetInUseError` if another thread is in such a block.
        """
        made: OneThread = vars(self).setdefault("_one_thread", OneThread())
        return made

    def each(self, ends: Sequence[str], make: Callable[[Net, Sequence[str]], Net]) -> Net:
        """Return what `make` makes of the net and the layers to dream with; of several nets in one, of each."""
        return make(self, ends)

    # What follows is for pictures that are dreamt in tiles (`pydream.tiles`). With the defaults, none is.

    def locality(self, end: str) -> Field:
        """Return the part of the image that determines single values of a blob, and their gradients.

        On a crop whose first row and column are multiples of the strides, and whose height and width differ from the
        image's by multiples of them, values that see nothing outside it equal those of the whole image.
        `ShapeError`, with the reason, where each value depends on the whole image.
        """
        raise ShapeError(f"{self.name} has no known receptive fields, so it runs on whole pictures")

    def step_bytes(self, ends: Sequence[str], height: int, width: int) -> int:
        """Estimate the memory of a step from `ends`, in bytes, without the image itself; 0: unknown.

        `ShapeError` where an image of that size cannot be run at once, whatever memory there is.
        """
        return 0

    def make_room(self, ends: Sequence[str], height: int, width: int) -> None:
        """Take memory for steps from `ends` with such an image, while the first one is prepared; or do nothing."""

    def twin(self) -> Self:
        """Return a net that shares the weights and the runtime, and has blobs of its own."""
        raise NotImplementedError(f"{self.name} runs on whole pictures")

    def gradients_of(self, parts: Iterable[Part]) -> Iterator[Array]:
        """Yield the gradient of each part of a picture, in order: on a twin. A wrapper may compute them elsewhere."""
        twin = self.twin()
        try:
            for part in parts:
                yield part.gradient(twin)
        finally:  # drop what it has computed: a net is a reference cycle, which stays in memory until it is collected
            twin.resize(1, 1)


class Wrapper(Net):
    """A net that delegates to another; a subclass overrides what it does differently."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self.logits = net.logits
        self.image_input = net.image_input
        self.copies = net.copies

    def __getattr__(self, name: str) -> Any:
        if name == "_net":  # while it is copied or unpickled, before there is one
            raise AttributeError(name)
        return getattr(self._net, name)

    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        return self._net.forward(end=end, tensor=tensor)

    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        return self._net.gradient(start)

    def gradient(self, start: str | Sequence[str] | None = None) -> Array:
        return self.backward(start)

    def reshape(self) -> None:
        self._net.reshape()

    def resize(self, height: int, width: int) -> None:
        self._net.resize(height, width)

    def feed(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        return self._net.feed(image, ox, oy, ops)

    def feed_beside(self, image: Array, ox: int, oy: int, ops: ModuleType) -> Any:
        return self._net.feed_beside(image, ox, oy, ops)

    def each(self, ends: Sequence[str], make: Callable[[Net, Sequence[str]], Net]) -> Net:
        return make(self, ends)

    def one_thread(self) -> OneThread:
        return self._net.one_thread()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return self._net.shapes()

    def locality(self, end: str) -> Field:
        return self._net.locality(end)

    def step_bytes(self, ends: Sequence[str], height: int, width: int) -> int:
        return self._net.step_bytes(ends, height, width)

    def make_room(self, ends: Sequence[str], height: int, width: int) -> None:
        self._net.make_room(ends, height, width)

    def twin(self) -> Any:
        return self._net.twin()

    def gradients_of(self, parts: Iterable[Part]) -> Iterator[Array]:
        return self._net.gradients_of(parts)


def in_one_thread(function: F) -> F:
    """Make a function of a net hold `Net.one_thread` while it runs."""

    @wraps(function)
    def in_block(net: Net, *args: Any, **kwargs: Any) -> Any:
        with net.one_thread():
            return function(net, *args, **kwargs)

    return cast(F, in_block)


def as_mean(mean: ArrayLike, shape: tuple[int, ...], channel_order: ChannelOrder) -> Array:
    """Return a mean as an input of that shape takes it, (c, 1, 1) float64.

    One number is every channel's, as Caffe's `mean_value`. Three are made grey for one channel, as pictures are: the
    mean of grey pictures is the grey of their mean.

    Raises
    ------
    ValueError
        For another shape than that of one number or three, with or without the axes of height and width.
    """
    numbers = np.asarray(mean, np.float64)
    if numbers.shape not in ((1,), (3,), (1, 1, 1), (3, 1, 1)):
        raise ValueError(f"mean: shape {numbers.shape}, expected one number a channel, (3,) or (1,)")
    numbers = numbers.reshape(-1, 1, 1)
    if len(shape) != 4 or shape[1] not in (1, 3):  # no picture's
        return numbers
    if shape[1] == 1 and len(numbers) == 3:
        numbers = grey(*(numbers[::-1] if channel_order == "BGR" else numbers))[np.newaxis]
    return np.repeat(numbers, shape[1] // len(numbers), axis=0)


def names_of(end: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return as a tuple the names that `Net.forward` and `Net.backward` take; None stays None."""
    return end if end is None else (end,) if isinstance(end, str) else tuple(end)


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> UnknownNameError:
    """Make the error for a `name` that is not `valid`; it lists the closest names."""
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=5, cutoff=0.5) or [n for n in names if name and name in n][:5]
    listed = close or names[:12]
    more = ", …" if len(listed) < len(names) and not close else ""
    return UnknownNameError(
        f"no {kind} {name!r}; {'close' if close else 'there are'}: {', '.join(map(repr, listed))}{more}"
    )


# Rows of the matrix of similarities that are computed at once: at 575x1024 it has 9216 x 1200 numbers.
ROWS = 1024


def best_match(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.intp]:
    """Return for each column of x, (channels, places), the first column of y with the largest dot product."""
    blocks = (x[:, i : i + ROWS].T.dot(y).argmax(1) for i in range(0, x.shape[1], ROWS))
    return np.concatenate(list(blocks))
