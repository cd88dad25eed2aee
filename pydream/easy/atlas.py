"""An activation atlas maps what a layer makes of many pictures: groups of alike activations, each drawn as a cell.

After Carter, Armstrong, Schubert, Johnson and Olah, "Activation Atlas", Distill (2019). There all activations are laid
out on a plane, and a cell is the average of those that came to lie in it. Here activations are grouped in all their
dimensions first, and the groups are laid out: see `pydream.easy.layout`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ..dream.images import as_image, check_image
from ..dream.labels import class_names
from ..dream.nearness import cosine
from ..dream.objectives import direction
from ..dream.octaves import Size
from ..dream.params import find_end
from ..dream.retouch import Robust
from ..dream.watch import Watch
from ..errors import (
    MemoryTooSmallError,
    ParameterError,
    ShapeError,
    SilentScoreError,
    UnknownNameError,
    ZeroGradientError,
)
from ..media import THEMES, PictureMap, resized
from ..net import Array, Net, in_one_thread
from ..picture import Picture, to_pixels
from ..record.provenance import pixels_sha256
from ..record.recipe import Recipe, follow
from ..runtime.net import Net as LocalNet
from ..tiles.fitting import fit
from .inputs import Given, Input, Resizing
from .layout import LENGTH, MOST_SIDE, MOST_VECTORS, assign, directions, group, principal_axes
from .prediction import declared_size

PLACES = 16  # of a picture
MOST_PLACES = 10_000
SIDE = 8  # of the map, in cells
CELL = 96  # pixels
STEPS = 16  # in each octave
POWER = 2.0  # of the cosine
CLASSES = 3  # of a picture, and of a cell
NAMES = 5  # of a cell's pictures
_MOST_NUMBERS = 2**27  # of all activations: a gigabyte in double precision
_DECIMALS = 4  # of a direction's numbers, whose largest is 1: far finer than what can be seen

# How a cell is drawn, beside its size and its steps.
DRAWING: dict[str, Any] = {
    "octave_n": 2, "octave_scale": 1.4, "step_size": 6.0, "jitter": 8, "clip": False, "stretch": 1.0,
    "decorrelate": 1.0, "decorrelate_color": True, "robust_scale": Robust.scale, "robust_rotate": Robust.rotate,
}  # fmt: skip


class Seen(NamedTuple):
    """What a layer makes of a picture at some places.

    Attributes
    ----------
    vectors : (n, c) array
        The activations.
    classes : tuple of int
        The most probable classes of the picture; none where the network has none at its size.
    shares : (n, len(classes)) float64 array
        What each activation adds to these classes, to first order: its dot product with the gradient of the class's
        number before the softmax there, times the number of places.
    """

    vectors: Array
    classes: tuple[int, ...]
    shares: Array


@in_one_thread
def look(net: Net, layer: str, picture: Picture, places: int, rng: np.random.RandomState) -> Seen:
    """Return what a layer makes of a picture at `places` places, or all if it has fewer, which `rng` draws.

    `ShapeError` where the picture is too small for the layer, `MemoryTooSmallError` where it is too large for memory.
    """
    height, width = picture.shape[:2]
    if fit(net, [layer], height, width, None, 1):
        raise MemoryTooSmallError(f"{width}x{height} pixels do not fit into memory, and an atlas is made without tiles")
    net.resize(*picture.shape[:2])
    net.image.data[0] = as_image(net, picture)
    logits = net.logits[0] if net.logits is not None and isinstance(net, LocalNet) else None  # others fill in no `diff`
    if logits is not None and logits != layer:
        with suppress(ShapeError, UnknownNameError):  # a size at which it does not classify, or a layer that ends there
            net.forward(end=(layer, logits))
            return _classified(net, layer, logits, places, rng)
    net.forward(end=layer)
    values = _values(net.blobs[layer].data)
    return Seen(values[_drawn(len(values), places, rng)], (), np.zeros((min(places, len(values)), 0)))


def _classified(net: Net, layer: str, logits: str, places: int, rng: np.random.RandomState) -> Seen:
    """Return what a forward pass made of the layer, and what that does for the most probable classes."""
    values, numbers = _values(net.blobs[layer].data).copy(), net.blobs[logits].data[0].copy()
    chosen = _drawn(len(values), places, rng)
    means = numbers.reshape(len(numbers), -1).mean(1, dtype=np.float64)
    classes = tuple(map(int, np.argsort(-means, kind="stable")[:CLASSES]))
    shares = np.zeros((len(chosen), len(classes)))
    for number, each in enumerate(classes):
        blob = net.blobs[logits]
        blob.clear_diff()
        blob.diff[0, each] = 1 / numbers[each].size
        net.gradient(logits)
        gradient = _values(net.blobs[layer].diff)
        shares[:, number] = (gradient[chosen].astype(np.float64) * values[chosen]).sum(1) * len(values)
    return Seen(values[chosen], classes, shares)


def _values(blob: Array) -> Array:
    """Return the values of a blob, (1, c, h, w) or (1, c), place by place: (places, c)."""
    values: Array = blob[0].reshape(blob.shape[1], -1).T
    return values


def _drawn(count: int, places: int, rng: np.random.RandomState) -> Array:
    return np.sort(rng.choice(count, min(places, count), replace=False))


@dataclass
class Activations:
    """The activations of a layer on many pictures, collected picture by picture.

    Attributes
    ----------
    net : Net
    layer : str
    places : int
        Of each picture, at most.
    seed : int
        Of the places, and of the groups.
    names : list of str
        The pictures'.
    """

    net: Net
    layer: str
    places: int
    seed: int
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.RandomState(self.seed)
        self._seen: list[Seen] = []
        self._hash = hashlib.sha256()

    def check(self, pictures: int) -> None:
        """Raise an error for a network that takes no pictures, and for more activations than are grouped."""
        check_image(self.net)
        channels = self.net.blobs[self.layer].shape[1]
        most = min(MOST_VECTORS, _MOST_NUMBERS // channels)
        if pictures * self.places > most:
            what = (
                f"{self.places} places of {pictures} pictures are more than {most} activations of {channels} channels"
            )
            raise ParameterError("places", what)

    def add(self, name: str, picture: Picture) -> None:
        """Look at a picture."""
        self._seen.append(look(self.net, self.layer, picture, self.places, self._rng))
        self.names.append(name)
        self._hash.update(pixels_sha256(picture).encode())

    @property
    def sha256(self) -> str:
        """Of the hashes of all pictures' pixels, in their order."""
        return self._hash.hexdigest()

    @property
    def count(self) -> int:
        """How many activations there are."""
        return sum(len(seen.vectors) for seen in self._seen)

    def cells(self, side: int, between: Callable[[], object] = lambda: None) -> list[Cell]:
        """Group the activations, and lay the groups out on a map of `side` cells along each side, in its order.

        `SilentScoreError` if all activations are zero.
        """
        vectors = np.concatenate([seen.vectors for seen in self._seen]).astype(np.float64)
        points = directions(vectors)
        if not points.any():
            raise SilentScoreError(f"all activations of {self.layer!r} are zero on these pictures")
        alive = np.flatnonzero(points.any(1))  # what is zero everywhere has no direction
        points = points[alive]
        rng = np.random.RandomState(self.seed)
        groups = np.full(len(vectors), -1)
        groups[alive] = group(points, min(side * side, len(points)), rng, between)
        numbers = range(groups.max() + 1)
        centres = directions(np.stack([points[groups[alive] == number].sum(0) for number in numbers]))
        classes = self._classes(groups, len(centres))
        places = assign(centres, principal_axes(points), side)
        of = np.repeat(np.arange(len(self._seen)), [len(seen.vectors) for seen in self._seen])
        cells = []
        for number, place in enumerate(places):
            own = np.flatnonzero(groups == number)
            closeness = directions(vectors[own]) @ centres[number] / LENGTH**2
            nearest = dict.fromkeys(of[own[np.argsort(-closeness, kind="stable")]])
            cells.append(
                Cell(
                    place=int(place),
                    vector=_rounded(vectors[own].mean(0), centres[number]),
                    count=len(own),
                    closeness=float(closeness.mean()),
                    pictures=len(nearest),
                    names=tuple(self.names[picture] for picture in islice(nearest, NAMES)),
                    classes=classes[number],
                )
            )
        return sorted(cells, key=lambda cell: cell.place)

    def _classes(self, groups: Array, count: int) -> list[tuple[str, ...]]:
        """Return the classes that each of the groups adds most to, the most first."""
        known = self.net.logits[1] if self.net.logits is not None else 0
        sums, first = np.zeros((count + 1, known)), 0  # the last is of those without a group
        for seen in self._seen:
            own = groups[first : first + len(seen.vectors), np.newaxis]
            np.add.at(sums, (own, np.asarray(seen.classes, int)), seen.shares)
            first += len(own)
        names = class_names(known) or [f"class {number}" for number in range(known)]
        order = np.argsort(-sums[:count], axis=1, kind="stable")[:, :CLASSES]
        return [tuple(names[each] for each in best if row[each] > 0) for row, best in zip(sums, order, strict=False)]


@dataclass(frozen=True)
class Cell:
    """A group of activations on the map.

    Attributes
    ----------
    place : int
        Counted from 0, row by row.
    vector : tuple of float
        The direction that is drawn: their mean, its largest component 1 or -1.
    count : int
        How many there are.
    closeness : float
        The mean of their cosines with the group's middle.
    pictures : int
        How many pictures they are of.
    names : tuple of str
        Of these, at most `NAMES`, those with the activation that is nearest to the group's middle first.
    classes : tuple of str
        The classes that they add most to, the most first, of those that are the most probable ones of their pictures.
    """

    place: int
    vector: tuple[float, ...]
    count: int
    closeness: float
    pictures: int
    names: tuple[str, ...]
    classes: tuple[str, ...]

    def recipe(self, base: Recipe) -> Recipe:
        """Return the recipe that draws it, by one for the layer without an objective."""
        return msgspec.structs.replace(base, objective=direction(base.end, self.vector, POWER).terms)


def _rounded(mean: Array, centre: Array) -> tuple[float, ...]:
    """Return a mean with few decimals; where opposite activations cancel out, the middle of their directions."""
    vector = mean if mean.any() else centre
    return tuple(map(float, np.round(vector / np.abs(vector).max(), _DECIMALS)))


@in_one_thread
def likeness(net: Net, cell: Cell, layer: str, picture: Picture) -> float:
    """Return the cosine of the mean of a picture's activations with a cell's direction: how honest its drawing is."""
    net.resize(*picture.shape[:2])
    net.image.data[0] = as_image(net, picture)
    net.forward(end=layer)
    mean, vector = _values(net.blobs[layer].data).mean(0, dtype=np.float64), np.array(cell.vector)
    return cosine(mean, vector)


def at_size(net: Net, picture: Picture, resizing: Resizing) -> Picture:
    """Return a picture in the size that a network is shown it in, by default the one that it was made for."""
    height, width = picture.shape[:2]
    return resized(picture, resizing.of(height, width) if resizing.wanted else declared_size(net))


class Atlas(NamedTuple):
    """An activation atlas: (H, W, 3) uint8, its cells, in the order of their places, and each one's drawing."""

    picture: Picture
    cells: list[Cell]
    drawings: list[Picture | None]


def activation_atlas(
    net: Net,
    pictures: Iterable[Given],
    layer: str | None = None,
    *,
    places: int = PLACES,
    side: int = SIDE,
    cell: int = CELL,
    iter_n: int = STEPS,
    size: Size | None = None,
    long_side: int | None = None,
    seed: int = 0,
    watch: Watch | None = None,
) -> Atlas:
    """Map what a layer makes of many pictures, and draw it.

    Parameters
    ----------
    net : Net
    pictures : iterable of path, PIL.Image.Image or array_like
        Each as for `dream_picture`.
    layer : str, optional
        None: the network's default.
    places : int
        Of each picture, drawn at random, or all if it has fewer.
    side : int
        Cells along each side of the map, at most `pydream.easy.layout.MOST_SIDE`.
    cell : int
        Height and width of a drawing, in pixels.
    iter_n : int
        Steps of a drawing in each of its two octaves.
    size, long_side : (int, int), int, optional
        What the pictures are resized to; neither: to the size that the network was made for.
    seed : int
        Of the places, the groups, and the noise that drawings begin with.
    watch : Watch, optional
        Its `step` is called after each step of a drawing.

    Returns
    -------
    Atlas
        A drawing is None, and its cell grey, where nothing in the noise moves the layer.

    Raises
    ------
    ParameterError
        There are no pictures, or too many activations, or a value is out of its range.
    ImageFileError
        A picture is none.
    ShapeError
        The pictures, or the drawings, are too small for the layer.
    SilentScoreError
        All activations are zero.
    """
    for name, value, most in (("places", places, MOST_PLACES), ("side", side, MOST_SIDE)):
        if not 1 <= value <= most:
            raise ParameterError(name, f"{value} is out of the range 1 to {most}")
    layer, resizing = find_end(net, layer), Resizing(size, long_side)
    found = [Input.of(each, "pictures") for each in pictures]
    if not found:
        raise ParameterError("pictures", "there are none")
    activations = Activations(net, layer, places, seed)
    activations.check(len(found))
    for given in found:
        activations.add(given.name, at_size(net, given.pixels, resizing))
    base = Recipe(end=layer, seed=seed, iter_n=iter_n, noise=(cell, cell), **DRAWING)
    cells, sheet = activations.cells(side), PictureMap(side, cell)
    drawings: list[Picture | None] = []
    for each in cells:
        try:
            drawings.append(to_pixels(follow(each.recipe(base), net, None, watch=watch)))
        except ZeroGradientError:
            drawings.append(None)
        sheet.add(each.place, drawings[-1], "")
    return Atlas(sheet.picture(THEMES["light"].empty), cells, drawings)
