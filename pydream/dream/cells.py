"""Cells are small pictures, each drawn for a direction of a layer's channels, several at a time in one batch.

So "The Building Blocks of Interpretability" (Olah et al., Distill 2018) shows what a layer makes of each place of a
picture. A cell starts from noise, the same for all, and climbs ``x·v max(cos(x, v), 0.1)^power``, the sum over the
places of the layer, for its direction v: see `pydream.dream.likeness.along`. Its steps are
decorrelated, and its pixels bounded, as those of `pydream.dream.renderers.render_decorrelated`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import ShapeError, ZeroGradientError
from ..net import Affine, Array, Blob, Net
from ..picture import Picture, to_pixels
from .bounds import is_real, require, whole_number
from .images import as_image, as_seen, check_image, noise, picture_gradient, preprocess
from .likeness import MOST_POWER, along
from .octaves import Size, check_octaves
from .params import check_params
from .renderers import decorrelated_step
from .squash import bounded, bounded_slope, unbounded
from .tutorial import resize, split_sizes
from .watch import Watch

TOGETHER = 16  # cells of a batch: more are no faster, and take more memory
LARGEST_SIDE = 1024  # of a cell, in pixels
_SHIFT = 1 / 8  # of a cell's side: the largest random shift


@dataclass(frozen=True, kw_only=True)
class CellParams:
    """How cells are drawn.

    Attributes
    ----------
    side : int
        Height and width in pixels, to `LARGEST_SIDE`.
    iter_n : int
        Steps in each octave.
    step_size : float
        Mean size of a step, in levels.
    octave_n, octave_scale
        A cell grows through so many sizes, each `octave_scale` times the last.
    power : float
        Of the cosine, 0 to `pydream.dream.likeness.MOST_POWER`: the larger, the more it is the proportions of the
        channels that count, and not the size of a few.
    seed : int
        Of the noise, and of the shift of each step.

    Raises
    ------
    ValueError
        A value is out of its range.
    """

    side: int = 64
    iter_n: int = 20
    step_size: float = 3.0
    octave_n: int = 3
    octave_scale: float = 1.4
    power: float = 4.0
    seed: int = 0

    def __post_init__(self) -> None:
        names = ("iter_n", "step_size", "octave_n", "octave_scale")
        check_params(**{name: getattr(self, name) for name in names})
        whole_number("side", self.side, 1, LARGEST_SIDE)
        require(
            is_real(self.power) and 0 <= self.power <= MOST_POWER,
            "power",
            self.power,
            f"a number from 0 to {MOST_POWER}",
        )

    @property
    def sizes(self) -> list[Size]:
        """The sizes of a cell, the largest first."""
        return split_sizes(self.side, self.side, self.octave_n, self.octave_scale)


def grid_size(net: Net, layer: str, size: Size) -> Size:
    """Return how many rows and columns of places a layer has on a picture of (height, width) `size`.

    `ShapeError` if it has no grid, or the picture is too small for it.
    """
    with net.one_thread():
        check_image(net)
        net.resize(*size)
        shape = net.blobs[layer].shape
    if len(shape) != 4:
        raise ShapeError(f"{layer!r} has no grid: each of its values is of the whole picture")
    return shape[2], shape[3]


def activations(net: Net, layer: str, picture: Picture) -> Array:
    """Return what a layer makes of a picture at each place of its grid, (rows, columns, channels) float64.

    Errors are those of `grid_size`.
    """
    grid_size(net, layer, picture.shape[:2])
    with net.one_thread():
        net.image.data[0] = preprocess(net, picture)
        net.forward(end=layer)
        found: Array = np.ascontiguousarray(np.moveaxis(net.blobs[layer].data[0], 0, -1), np.float64)
    return found


def batches(net: Net, layer: str, count: int, params: CellParams) -> list[range]:
    """Return which cells are drawn together; `ShapeError` where the layer takes no pictures as small as they are."""
    together = min(TOGETHER, count)
    with net.one_thread():
        try:
            check_octaves(net, layer, params.sizes)
        except ShapeError as error:
            raise ShapeError(f"a cell is a picture of its own, and {error}") from error
        together = together if _takes(net, layer, together, params.sizes[0]) else 1
    return [range(first, min(first + together, count)) for first in range(0, count, together)]


def drawn(
    net: Net, layer: str, vectors: Array, params: CellParams, watch: Watch | None = None
) -> Iterator[Picture | None]:
    """Yield the cells of all directions in order, batch by batch: see `draw`."""
    for each in batches(net, layer, len(vectors), params):
        yield from draw(net, layer, vectors[each.start : each.stop], params, watch)


def _takes(net: Net, layer: str, count: int, size: Size) -> bool:
    """Return whether a net runs several pictures at once: some networks are made for one."""
    try:
        _reshape(net, count, size)
        return net.blobs[layer].shape[0] == count
    except ShapeError:
        return False


def draw(net: Net, layer: str, vectors: Array, params: CellParams, watch: Watch | None = None) -> list[Picture | None]:
    """Draw a batch of cells.

    Parameters
    ----------
    net : Net
        Its input is reshaped to the batch.
    layer : str
    vectors : (n, channels) array
        The directions.
    params : CellParams
    watch : Watch, optional
        Its `step` is called after each step, with the first cell so far.

    Returns
    -------
    list of (side, side, 3) uint8 array or None
        None: all its gradients were zero.

    Raises
    ------
    ZeroGradientError
        A gradient is not finite.
    """
    watch, sizes = watch or Watch(), params.sizes[::-1]
    rng = np.random.RandomState(params.seed)
    start = unbounded(as_seen(net, noise(*sizes[0], rng)).astype(net.dtype))
    cells, moved = [start] * len(vectors), np.zeros(len(vectors), bool)
    with net.one_thread():
        for octave, size in enumerate(sizes):
            cells = [resize(cell, size, net.dtype) for cell in cells] if octave else cells
            _reshape(net, len(cells), size)
            most = int(size[0] * _SHIFT)
            for i in range(params.iter_n):
                shift = rng.randint(-most, most + 1, size=2)
                pictures = [bounded(cell) for cell in cells]
                for place, g in enumerate(_gradients(net, layer, vectors, pictures, shift, params.power)):
                    moved[place] |= bool(g.any())
                    change = decorrelated_step(net, g * bounded_slope(cells[place]), params.step_size)
                    cells[place] = cells[place] + change
                watch.step(octave, i, partial(bounded, cells[0]))
    return [to_pixels(bounded(cell)) if any else None for cell, any in zip(cells, moved, strict=True)]


def _reshape(net: Net, count: int, size: Size) -> None:
    net.image.reshape(count, net.image.shape[1], *size)


def _gradients(
    net: Net, layer: str, vectors: Array, pictures: list[Array], shift: Array, power: float
) -> Iterator[Array]:
    """Yield the gradient at each picture, which the network sees shifted."""
    for image, picture in zip(net.image.data, pictures, strict=True):
        as_image(net, np.roll(picture, shift, (0, 1)), out=image)
    net.forward(end=layer)
    blob = net.blobs[layer]
    blob.drive(_seed(blob, vectors, power))
    gradients = net.gradient(layer)
    if not np.isfinite([gradients.min(), gradients.max()]).all():
        raise ZeroGradientError(
            f"the gradient of a direction of {layer!r} is not finite: values overflow; try a smaller step, float64, or"
            " an earlier layer"
        )
    for place in range(len(pictures)):
        yield np.roll(picture_gradient(net, gradients[place : place + 1]), -shift, (0, 1))


def _seed(blob: Blob, vectors: Array, power: float) -> Affine:
    """Return the seed of a batch, each picture's along a direction of its own."""
    slopes = [along(x, vector, power) for x, vector in zip(blob.data, vectors, strict=True)]
    gain, share = (np.stack(each) for each in zip(*slopes, strict=True))
    return Affine(gain[:, np.newaxis], share[:, np.newaxis] * vectors[:, :, np.newaxis, np.newaxis])
