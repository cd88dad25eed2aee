"""Octaves are sizes: which ones a dream goes through, whether a network takes them, and the picture at each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from ..errors import MemoryTooSmallError, ShapeError
from ..net import Array, Net, in_one_thread
from ..system import free_bytes
from ..tiles.plan import plan_tiles
from .era import MODERN, round_half
from .images import as_image, check_image, deprocess, preprocess

MOST_OCTAVES = 1000  # more than any picture can be halved, and quickly checked
AUTO = "auto"  # in place of a number of octaves: see `octaves_for`
SMALLEST_SIDE = 160  # pixels: what `octaves_for` goes down to
TRIED_SIDE = 1500  # pixels: the long side of pictures that looks are tried on
_NOTEBOOKS = 1.4**3  # how much smaller the notebook's smallest octave is than the picture
_LEAST_SIDE = 48  # pixels: below that middle layers see mostly their own padding
_SEARCHED = 1024  # largest side tried in the search for the smallest that a layer takes
_LITTLE = 2**24  # bytes that are not worth asking the system about: that takes as long as to fill them
PERIOD = 32  # pixels: octaves of a picture without a seam are multiples, as most layers' strides divide it

Size = tuple[int, int]  # (height, width)


def octave_sizes(
    height: int,
    width: int,
    octave_n: int = 4,
    octave_scale: float = 1.4,
    era: str = MODERN,
    by_hand: Sequence[Size] | None = None,
    seamless: bool = False,
) -> list[Size]:
    """Return the (height, width) of every octave, the picture's own first.

    Each is ``int(round(size * (1 / octave_scale)))`` of the one before, as SciPy's zoom rounds.

    Parameters
    ----------
    height, width : int
        Of the picture, in pixels.
    octave_n : int
    octave_scale : float
        At least 1.
    era : {"modern", "2015"}
        Whether halves are rounded to the even size or to the larger one.
    by_hand : sequence of (height, width), optional
        All sizes, the picture's own last, in place of these.
    seamless : bool
        Whether the smaller sizes are rounded to multiples of `PERIOD`.

    Raises
    ------
    ValueError
        The last of the sizes by hand is not the picture's.
    """
    if by_hand is not None:
        if tuple(by_hand[-1]) != (height, width):
            what = f"the last is {size_text(by_hand[-1])}, and the picture {width}x{height}"
            raise ValueError(f"octave_sizes: {what}: resize it, or change the last")
        return [(high, wide) for high, wide in reversed(by_hand)]
    sizes = [(height, width)]
    for _ in range(octave_n - 1):
        h, w = sizes[-1]
        sizes.append((round_half(h * (1.0 / octave_scale), era), round_half(w * (1.0 / octave_scale), era)))
    if seamless:
        sizes[1:] = [(_multiple(h, height), _multiple(w, width)) for h, w in sizes[1:]]
    return sizes


def size_text(size: Size) -> str:
    """Return a size as the command line has it: ``640x480``."""
    height, width = size
    return f"{width}x{height}"


def sizes_text(sizes: Iterable[Size]) -> str:
    """Return sizes as the command line has them: ``320x240,640x480``."""
    return ",".join(map(size_text, sizes))


def check_by_hand(sizes: Sequence[Size] | None, octave_n: int | None = None) -> None:
    """Raise `ValueError` for sizes of octaves: too many, not `octave_n`, or some larger than the last."""
    if sizes is None:
        return
    if octave_n not in (None, len(sizes)):
        raise ValueError(f"octave_n: {octave_n}, expected the number of octave_sizes, {len(sizes)}")
    if not 1 <= len(sizes) <= MOST_OCTAVES:
        raise ValueError(f"octave_sizes: {len(sizes)} sizes, expected 1 to {MOST_OCTAVES}")
    for size in sizes:
        if min(size) < 1 or any(side > most for side, most in zip(size, sizes[-1], strict=True)):
            raise ValueError(
                f"octave_sizes: {size_text(size)} before {size_text(sizes[-1])}, expected the largest last"
            )


def _multiple(side: int, most: int) -> int:
    return min(max(round(side / PERIOD), 1) * PERIOD, most)


def octaves_for(height: int, width: int, octave_scale: float = 1.4) -> int:
    """Return the number of octaves that go down to about 160 pixels on the short side.

    The smallest octave decides how large what is dreamt can be in the picture. Where 160 pixels are nearer than the
    notebook's smallest octave, 1 / 1.4³ of the picture, that is the goal, but no less than 48 pixels: so a picture of
    132 to 439 pixels has the notebook's 4, and one of less than 57 a single one.

    Parameters
    ----------
    height, width : int
        Of the picture, in pixels.
    octave_scale : float
        At least 1; at 1 all octaves would be as large, and one is enough.
    """
    if octave_scale == 1:
        return 1
    side = min(height, width)
    goal = min(SMALLEST_SIDE, max(side / _NOTEBOOKS, _LEAST_SIDE), side)
    return min(1 + round(math.log(side / goal) / math.log(octave_scale)), MOST_OCTAVES)


def octaves_added(size: Size, before: Size, octave_scale: float = 1.4) -> int:
    """Return how many more octaves a larger picture needs, so that its smallest octave stays as large.

    Parameters
    ----------
    size, before : (int, int)
        Height and width of the picture, and those that a number of octaves was chosen for. Of a long side above 1,500
        pixels counts 1,500, as looks are tried at such sizes.
    octave_scale : float
        At least 1.
    """
    growth = max(size) / min(max(before), TRIED_SIDE)
    return 0 if growth <= 1 or octave_scale == 1 else round(math.log(growth) / math.log(octave_scale))


class Bases:
    """The picture at the size of each octave, as the network's images, the smallest first.

    The largest, the picture itself, is made whenever it is needed, and smaller ones are dropped once the dream is
    larger: so no other array has the dream's full size.

    Parameters
    ----------
    net : Net
        Its input is reshaped.
    picture : (H, W, 3) array_like
    ends : sequence of str
        The layers to dream with, which every size is checked for: see `check_octaves`.
    sizes_for : callable
        ``sizes_for(height, width)``: `octave_sizes` of a picture.
    ops : module
        The image operations: see `pydream.imageops.backend`.
    seamless : bool
        Whether opposite edges meet, so that every size is a multiple of the strides: see `pydream.tiles.torus`.

    Attributes
    ----------
    sizes : list of (height, width)
    """

    def __init__(
        self,
        net: Net,
        picture: ArrayLike,
        ends: Sequence[str],
        sizes_for: Callable[[int, int], list[Size]],
        ops: ModuleType,
        seamless: bool = False,
    ) -> None:
        self._net, self._picture, self._ops = net, picture, ops
        self._smaller: dict[int, Array] = {}  # without the largest
        image = preprocess(net, picture)
        h, w = image.shape[1:]
        sizes = sizes_for(h, w)
        for size in sizes if seamless else ():
            plan_tiles(net, ends, *size, 0, seamless=True)
        for end in () if seamless else ends:
            check_octaves(net, end, sizes)
        check_memory(sizes, net.dtype.itemsize)
        self.sizes = sizes[::-1]
        for octave in reversed(range(len(sizes) - 1)):  # chained, as in the notebook: each octave shrinks the last one
            image = self._smaller[octave] = ops.zoom(image, *self.sizes[octave])

    def __getitem__(self, octave: int) -> Array:
        return self._smaller[octave] if octave in self._smaller else as_image(self._net, self._picture)

    def picture(self, octave: int) -> Array:
        """Return an octave's base as a picture, (h, w, 3) RGB."""
        return deprocess(self._net, self[octave])

    def start(self, octave: int, detail: Array) -> None:
        """Make the network's image an octave's base plus the details so far, and drop all smaller bases."""
        h, w = self.sizes[octave]
        self._net.resize(h, w)  # resize the network's input image size
        image = self._net.image.data[0]
        if octave in self._smaller:
            image[...] = self._smaller[octave]
        else:
            as_image(self._net, self._picture, out=image)
        self._smaller = {later: base for later, base in self._smaller.items() if later >= octave}
        # upscale details from the previous octave, channel by channel: no other array is as large as the image
        for channel, small in zip(image, detail, strict=True):
            channel += self._ops.zoom(small[np.newaxis], h, w)[0]


@in_one_thread
def check_octaves(net: Net, end: str, sizes: list[Size]) -> None:
    """Raise `ShapeError` if an octave does not fit the layers up to `end`: which one, and what would do.

    Parameters
    ----------
    net : Net
        Its input is reshaped, which clears it.
    end : str
        A blob's name.
    sizes : list of (height, width)
        As `octave_sizes` returns them.
    """
    check_image(net)
    for number, (h, w) in enumerate(sizes[::-1], start=1):
        reason = _misfit(net, end, h, w)
        if reason is not None:
            which = f"octave {number} of {len(sizes)} ({w}x{h})" if len(sizes) > 1 else f"the picture ({w}x{h})"
            raise ShapeError(_advice(net, end, which, (h, w), reason, sizes))


def check_memory(sizes: list[Size], itemsize: int) -> None:
    """Raise `MemoryTooSmallError` if a picture at all smaller sizes is more than all free memory.

    Parameters
    ----------
    sizes : list of (height, width)
        As `octave_sizes` returns them.
    itemsize : int
        Bytes of a number.
    """
    wanted = sum(3 * height * width * itemsize for height, width in sizes[1:])
    if wanted > _LITTLE and (free := free_bytes()) is not None and wanted > free:
        raise MemoryTooSmallError(
            f"{len(sizes)} octaves of {sizes[0][1]}x{sizes[0][0]} pixels take {wanted / 1e9:.3g} GB, and"
            f" {free / 1e9:.3g} GB are free: use fewer octaves, or a larger octave_scale"
        )


def _advice(net: Net, end: str, which: str, size: Size, reason: str, sizes: list[Size]) -> str:
    """Return the message for an octave that does not fit: what would."""
    fixed = _misfit(net, end, _SEARCHED, _SEARCHED)  # the reason, for a layer that takes one size only
    larger = [other for other in sizes if min(other) > min(size) and _misfit(net, end, *other) is None]
    if larger:
        most = f"at most {len(larger)} octave{'s' if len(larger) > 1 else ''}"
        return f"{which} is too small for {end!r}: use {most}{'' if fixed else ', or a larger picture'} ({reason})"
    if fixed:
        return f"{which} does not fit {end!r}: {fixed}"
    least = next(side for side in range(1, _SEARCHED + 1) if _misfit(net, end, side, side) is None)
    return f"{which} does not fit {end!r}: {f'it needs at least {least}x{least}' if min(size) < least else reason}"


def _misfit(net: Net, end: str, h: int, w: int) -> str | None:
    """Return why an image of that size does not fit the layers up to `end`; None: it fits."""
    try:
        net.resize(h, w)
        net.blobs[end].shape  # noqa: B018
    except ShapeError as error:
        return str(error)
    return None
