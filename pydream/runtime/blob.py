"""A blob is an array that is made when it is read: until then what the passes compute stays a tensor of the runtime.

So a dream whose objective is a seed (`Blob.drive`) copies no activation, and runs forward and backward at once, which
frees each of them as soon as it has been used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import net
from ..errors import ShapeError
from ..net import Affine, Array, Match, Seed
from .base import Tensor
from .graph import MAX_COUNT
from .layers import Shape

if TYPE_CHECKING:
    from .net import Net


class Seeded(NamedTuple):
    """A gradient that is what a seed makes of values.

    Attributes
    ----------
    seed : Seed
        Of tensors.
    tensor : tensor or None
        The values; None: pending, those that the last forward pass has yet to compute.
    """

    seed: Seed
    tensor: Tensor | None


@dataclass
class Computed:
    """A gradient that the last backward pass left.

    Attributes
    ----------
    array : array or None
        None: not read yet.
    """

    array: Array | None = None


class Blob(net.Blob):
    """A named array of a net and the gradient at it.

    What is written into an input's `data` is what `forward` reads. What is written into another blob's `data` is seen
    by whatever reads it next, such as an objective, but not by the passes: those keep what they computed.

    A `diff` that was written stays until it is written over. One that a backward pass computed can be read until the
    next forward pass; an input's stays until the next backward pass. A pass makes new arrays, so read them off the
    blob again after it.
    """

    def __init__(self, net: Net, name: str, shape: Shape | None) -> None:
        self._net = net
        self.name = name
        self._input_shape = shape  # None: computed by a layer
        self._data: Array | None = None  # None: not read since it was computed, or zeros
        self._diff: Array | Seeded | Computed | None = None  # None: zeros

    def __repr__(self) -> str:
        return f"<Blob {self.name!r}>"

    @property
    def kind(self) -> str:
        """The types of the layers that write it, in order."""
        return self._net.graph.kind(self.name)

    @property
    def shape(self) -> Shape:
        """The shape for the inputs' present shapes."""
        if self._input_shape is not None:
            return self._input_shape
        return self._net.shape_of(self.name)

    @property
    def data(self) -> Array:
        """The values: (n, c, h, w), C-contiguous, writable; zeros until a pass has made them."""
        if self._data is None:
            tensor = None if self._input_shape is not None else self._net.computed(self.name)
            self._data = np.zeros(self.shape, self._net.dtype) if tensor is None else self._net.to_caffe(tensor)
        return self._data

    @property
    def diff(self) -> Array:
        """The gradient: as `data`."""
        if isinstance(self._diff, Computed):
            if self._diff.array is None:
                tensor = self._net.computed_diff(self.name)
                self._diff.array = (
                    np.zeros(self.shape, self._net.dtype) if tensor is None else self._net.to_caffe(tensor)
                )
            return self._diff.array
        if not isinstance(self._diff, np.ndarray):
            tensor = self._seeded()
            self._diff = np.zeros(self.shape, self._net.dtype) if tensor is None else self._net.to_caffe(tensor)
        return self._diff

    @property
    def count(self) -> int:
        """How many values there are."""
        return prod(self.shape)

    @property
    def num(self) -> int:
        """First size: images."""
        return self._size(0)

    @property
    def channels(self) -> int:
        """Second size."""
        return self._size(1)

    @property
    def height(self) -> int:
        """Third size."""
        return self._size(2)

    @property
    def width(self) -> int:
        """Fourth size."""
        return self._size(3)

    def _size(self, axis: int) -> int:
        shape = self.shape
        return shape[axis] if axis < len(shape) else 1

    def reshape(self, *dims: int) -> None:
        """Set an input's shape; its data are zeros then, unless the shape is the same.

        Raises
        ------
        ShapeError
            For another number of axes or channels, a size below 1, more than 2^31 - 1 values in a channel, or a
            computed blob.
        """
        if self._input_shape is None:
            raise ShapeError(f"blob {self.name!r} is computed; reshape the input, {', '.join(self._net.inputs)}")
        shape = tuple(int(dim) for dim in dims)
        declared = self._net.graph.declared[self.name]
        if len(shape) != len(declared) or shape[1:2] != declared[1:2]:
            raise ShapeError(f"input {self.name!r} is {declared}; {shape} has other axes or channels")
        if min(shape) < 1 or prod(shape[:1] + shape[2:]) > MAX_COUNT:
            raise ShapeError(f"input {self.name!r} cannot be {shape}: 1 to {MAX_COUNT} values a channel")
        if shape != self._input_shape:
            self._net.resized()  # raises where another thread uses it
            self._input_shape = shape
            self._data = None

    def drive(self, seed: Seed) -> None:
        """Set `diff` to what a seed makes of `data`, without reading values that nothing has read.

        Raises
        ------
        ShapeError
            For a gain or bias that does not broadcast to the blob, or features of another number of channels.
        """
        seed = self._checked(seed)
        unread = self._data is None and self._input_shape is None
        if unread and self._net.pending(self.name):
            self._diff = Seeded(self._net.seed(seed), None)
        elif unread and (tensor := self._net.computed(self.name)) is not None:
            self._diff = Seeded(self._net.seed(seed), tensor)
        else:
            if isinstance(self._diff, Computed):
                self._diff = None  # lest the next forward pass forget what is written now
            if isinstance(seed, Match):
                values = self._net.from_caffe(self.data)
                self.diff[:] = self._net.to_caffe(self._net.runtime.seeded(values, self._net.seed(seed)))
            else:
                super().drive(seed)

    def _checked(self, seed: Seed) -> Seed:
        """Return a seed of arrays, of the blob's dtype and rank."""
        shape, dtype = self.shape, self._net.dtype
        if isinstance(seed, Match):
            if len(seed.features) != shape[1]:
                raise ShapeError(f"features of {len(seed.features)} channels, and blob {self.name!r} has {shape[1]}")
            return Match(np.asarray(seed.features, dtype), np.asarray(seed.gain, dtype))
        if isinstance(seed, Affine):
            return Affine(*(self._broadcast(name, n, shape) for name, n in zip(seed._fields, seed, strict=True)))
        return seed

    def _broadcast(self, name: str, numbers: ArrayLike, shape: Shape) -> Array:
        """Return numbers for a blob as an array of its rank, with at least one number for each channel."""
        array = np.asarray(numbers, self._net.dtype)
        try:
            wanted = np.broadcast_shapes(array.shape, (1, *shape[1:2], *[1] * (len(shape) - 2))[: len(shape)])
            if np.broadcast_shapes(wanted, shape) == shape:
                return np.broadcast_to(array, wanted)
        except ValueError:
            pass
        raise ShapeError(f"{name} of {array.shape} does not broadcast to blob {self.name!r}, {shape}")

    # What follows is for the net alone.

    @property
    def pending_seed(self) -> Seeded | None:
        """The seed of values that the last forward pass has yet to compute, if the gradient is one."""
        return self._diff if isinstance(self._diff, Seeded) and self._diff.tensor is None else None

    @property
    def has_diff(self) -> bool:
        """Whether the gradient is anything but the zeros that it starts as."""
        return self._diff is not None

    def resolve(self) -> None:
        """Compute the values of a pending seed, with the last forward pass."""
        if (pending := self.pending_seed) is not None:
            self._diff = Seeded(pending.seed, self._net.computed(self.name))

    def forget_data(self) -> None:
        """Forget the values, and the gradient that a backward pass left: a forward pass begins."""
        self._data = None
        if isinstance(self._diff, Computed):
            self._diff = None

    def replace_diff(self, tensor: Tensor | None = None, *, computed: bool = False) -> None:
        """Replace the gradient by a tensor, by what the last backward pass left, or by zeros."""
        self._diff = Seeded(None, tensor) if tensor is not None else Computed() if computed else None

    def diff_tensor(self) -> Tensor:
        """Return the gradient as a tensor, for a backward pass to start with."""
        tensor = self._seeded()
        return self._net.from_caffe(self.diff) if tensor is None else tensor

    def _seeded(self) -> Tensor | None:
        """Compute the gradient from its seed; None where it has none."""
        self.resolve()
        if not isinstance(self._diff, Seeded):
            return None
        return self._net.runtime.seeded(self._diff.tensor, self._diff.seed)


class Blobs(net.Blobs[Blob]):
    """Blobs by name, inputs first, then in the order of the layers that make them.

    The image input answers to "data" too, as the notebook calls it, where no blob has that name.
    """

    def __init__(self, blobs: dict[str, Blob], net: Net) -> None:
        super().__init__(net)
        self._blobs = blobs
        self._graph = net.graph
        self._known = {"data": blobs[net.graph.image_input], **blobs}

    def __getitem__(self, name: str) -> Blob:
        if name not in self._known:
            raise self._graph.unknown_blob(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def __len__(self) -> int:
        return len(self._blobs)


class Outputs(Mapping[str, Array]):
    """The results of a pass by blob name; each is computed when it is read."""

    def __init__(self, blobs: Blobs, names: list[str]) -> None:
        self._blobs = blobs
        self._names = names

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(name)
        return self._blobs[name].data

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
