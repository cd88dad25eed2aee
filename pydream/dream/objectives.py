"""An objective is a function of blobs: it writes into ``dst.diff`` where the activations ``dst.data`` should go.

A score is an objective that can be written down, a sum over channels of layers:

>>> from pydream import objectives
>>> objectives.mean("fire8/concat", 7) - 0.5 * objectives.l2("fire2/concat")
mean of 'fire8/concat':7 - 0.5 * l2 of 'fire2/concat'
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ShapeError, UnknownNameError
from ..net import Affine, Array, Blob, Match, Net, in_one_thread, names_of
from ..tiles.net import TiledNet
from .images import check_image, preprocess
from .keyframes import Curve, as_curve
from .labels import find_classes, is_number
from .likeness import MOST_POWER as MOST_POWER
from .likeness import Caricature as Caricature
from .likeness import Inversion as Inversion
from .likeness import Objective as Objective
from .likeness import along

Kind = Literal["l2", "mean", "sum"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Place = tuple[int, int] | Literal["center"]  # row and column of a layer's grid, from 0

MOST_CHANNELS = 100_000  # of a term; more than any layer has


def objective_L2(*dst: Blob) -> None:
    """Make the layer see more of what it sees: ``dst.diff[:] = dst.data``, the gradient of ``|data|^2 / 2``.

    Parameters
    ----------
    *dst : Blob
        Of each layer to dream with.
    """
    for blob in dst:
        blob.copy_data_to_diff()


@dataclass(frozen=True)
class Term:
    """A summand of a score.

    Attributes
    ----------
    layer : str
        A blob's name. As everywhere, a blob that an in-place layer overwrites means its values before that.
    kind : {"l2", "mean", "sum"}
        The function of the activations x: ``sum(x^2) / 2``, their mean or their sum.
    channels : tuple of int
        Numbers of the layer's channels, from 0; empty: all of them.
    weight : float or Curve
        Finite; below 0 the term is made smaller. A curve is for `zoom_loop`.
    place : (int, int) or "center", optional
        Row and column, from 0, of the one place of the layer's grid that counts, or ``(h // 2, w // 2)``; None: all
        places. The grid is that of the picture as the network sees it: shifted, and at the size of each octave.
    vector : tuple of float
        A direction v: at each place ``x·v max(cos(x, v), 0.1)^cosine_power`` counts in place of x, for the kinds "mean"
        and "sum". A number for each channel of the layer, without `channels`.
    cosine_power : float
        From 0 to `MOST_POWER`.

    Raises
    ------
    ValueError
        A value is not one of these.
    """

    layer: str
    kind: Kind = "l2"
    channels: tuple[int, ...] = ()
    weight: float | Curve = 1.0
    place: Place | None = None
    vector: tuple[float, ...] = ()
    cosine_power: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r}, expected one of {', '.join(map(repr, KINDS))}")
        if not isinstance(self.weight, Curve) and not math.isfinite(self.weight):
            raise ValueError(f"weight: {self.weight}, expected a finite number")
        if len(self.channels) > MOST_CHANNELS or any(channel < 0 for channel in self.channels):
            raise ValueError(f"channels: expected at most {MOST_CHANNELS}, each at least 0")
        if len(set(self.channels)) < len(self.channels):
            raise ValueError(f"channels: {channels_text(self.channels)}, expected each once")
        if isinstance(self.place, str):
            known = self.place == "center"
        else:
            known = self.place is None or (len(self.place) == 2 and min(self.place) >= 0)
        if not known:
            raise ValueError(f"place: {self.place!r}, expected 'center', or a row and a column, each at least 0")
        if self.vector and (self.kind == "l2" or self.channels):
            raise ValueError("vector: a direction has a mean or a sum, of all channels")
        if self.vector and not (all(map(math.isfinite, self.vector)) and any(self.vector)):
            raise ValueError("vector: expected finite numbers, and not only 0")
        if not 0 <= self.cosine_power <= MOST_POWER or (self.cosine_power and not self.vector):  # NaN included
            raise ValueError(f"cosine_power: {self.cosine_power}, expected 0 to {MOST_POWER}, and a vector")

    def __str__(self) -> str:
        along = " along a direction" if self.vector else ""
        power = f", power {self.cosine_power:g}" if self.cosine_power else ""
        return f"{self.kind} of {self.layer!r}{part_text(self.channels, self.place)}{along}{power}"

    def index(self, shape: tuple[int, ...]) -> tuple[Any, ...]:
        """Return the index of the term's values in a layer of that shape, (c, h, w) or (c,).

        Raises
        ------
        UnknownNameError
            The layer has no such channel.
        ShapeError
            It has no such place, or another number of channels than the vector.
        """
        count, *grid = shape
        self.check(count)
        chosen = list(self.channels or range(count))
        if self.place is None:
            return (chosen,)
        if len(grid) != 2:
            raise ShapeError(f"{self.layer!r} has no grid, and so no place {place_text(self.place)}: leave it out")
        height, width = grid
        y, x = (height // 2, width // 2) if isinstance(self.place, str) else self.place
        if y >= height or x >= width:
            raise ShapeError(
                f"no place {y},{x} in {self.layer!r}, whose grid has {height} rows and {width} columns at the smallest"
                f" octave: 0,0 to {height - 1},{width - 1}"
            )
        return chosen, y, x

    def check(self, count: int) -> None:
        """Raise `UnknownNameError` or `ShapeError` where a layer of `count` channels lacks some, or does not fit."""
        _check_channels(self.layer, count, self.channels)
        if self.vector and len(self.vector) != count:
            raise ShapeError(f"a direction of {len(self.vector)} numbers, and {self.layer!r} has {count} channels")

    def add_to(self, gain: Array, bias: Array, blob: Blob) -> None:
        """Add its share to the gain and the bias of its layer's gradient, which broadcast to one picture's values."""
        if isinstance(self.weight, Curve):
            raise ValueError(f"objective: a weight {self.weight}, expected a number: keyframes are for zoom loops")
        chosen = self.index(blob.shape[1:])
        if self.kind == "l2":
            gain[chosen] += self.weight
            return
        places = math.prod(blob.shape[2:]) if self.place is None and self.kind == "mean" else 1
        if not self.vector:
            bias[chosen] += self.weight / (places * len(chosen[0]) if self.kind == "mean" else 1)
            return
        vector, weight = np.array(self.vector), np.array(self.weight / places)
        if self.cosine_power:
            of_x, of_vector = along(blob.data[0][chosen], vector, self.cosine_power)
            gain[chosen] += weight * of_x
            weight = weight * of_vector
        bias[chosen] += weight * vector.reshape(-1, *[1] * (bias[chosen].ndim - 1))


class Strongest(Term):
    """A term of the channels that are strongest on a picture, before there is one; `channels` are as many others."""

    def __str__(self) -> str:
        return f"{self.kind} of {self.layer!r}:strongest{len(self.channels)}{part_text((), self.place)}"

    def on(self, net: Net, picture: ArrayLike, tile: int = 0) -> Term:
        """Return the term of the channels that are strongest on a picture: see `strongest`."""
        chosen = strongest(net, picture, self.layer, len(self.channels), self.kind, tile=tile)
        return Term(self.layer, self.kind, chosen, self.weight, self.place)


@dataclass(frozen=True)
class Score:
    """A sum of terms, to be made larger: an objective that knows its layers.

    Scores can be added, subtracted, and multiplied by numbers, or for `zoom_loop` by keyframes. All their gradients
    are affine in the activations, ``diff = gain * data + bias``, so the network computes them where the activations
    are, and one backward pass serves all layers; for the power of a cosine the activations are read, in tiles by one
    more pass forward. The length of a step does not depend on the score's size, only on the ratio of its terms'
    gradients.

    Attributes
    ----------
    terms : tuple of Term
        At least one.
    """

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise ValueError("a score has at least one term")

    @property
    def ends(self) -> tuple[str, ...]:
        """The layers, each once: what `deepdream` takes as `end`."""
        return tuple(dict.fromkeys(term.layer for term in self.terms))

    def __add__(self, other: Score) -> Score:
        return Score(self.terms + other.terms) if isinstance(other, Score) else NotImplemented

    def __mul__(self, weight: Any) -> Score:
        curve = as_curve(weight)
        factor = curve if isinstance(curve, Curve) else float(weight)
        return Score(tuple(replace(term, weight=factor * term.weight) for term in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> Score:
        return -1 * self

    def __sub__(self, other: Score) -> Score:
        return self + -other

    def check(self, net: Net) -> None:
        """Raise `UnknownNameError` where a network lacks one of the layers, or a layer one of the channels.

        `ShapeError` where a direction is of another number of channels.
        """
        for term in self.terms:
            if term.channels or term.vector:
                term.check(net.blobs[term.layer].shape[1])

    def __call__(self, *dst: Blob) -> None:
        """Write the gradient into the `diff` of the blob of each of `ends`.

        Raises
        ------
        UnknownNameError
            A layer has no such channel.
        """
        for layer, blob in zip(self.ends, dst, strict=True):
            gain, bias = self._affine(layer, blob)
            plain = (gain == 1).all() and (bias == 0).all()
            blob.drive(None if plain else Affine(gain, bias))

    def __repr__(self) -> str:
        written = ""
        for term in self.terms:
            weight = term.weight
            if isinstance(weight, Curve):
                sign, factor = " + " if written else "", f"({weight}) * "
            else:
                sign = (" - " if weight < 0 else " + ") if written else "-" if weight < 0 else ""
                factor = "" if abs(weight) == 1 else f"{abs(weight):g} * "
            written += f"{sign}{factor}{term}"
        return written

    def _affine(self, layer: str, blob: Blob) -> tuple[Array, Array]:
        """Return the gain and the bias of a layer's gradient: a number a channel, or a value where places differ."""
        terms = [term for term in self.terms if term.layer == layer]
        count, *grid = blob.shape[1:]
        apart = any(term.place is not None or term.cosine_power for term in terms)
        gain, bias = np.zeros((2, count, *(grid if apart else [1] * len(grid))))
        for term in terms:
            term.add_to(gain, bias, blob)
        return gain, bias


def l2(layer: str, channels: int | Iterable[int] = (), *, place: Place | None = None) -> Score:
    """Score half the sum of squares of a layer, of some channels or at a place (see `Term`), as the notebook does."""
    return _score(layer, "l2", channels, place)


def mean(layer: str, channels: int | Iterable[int] = (), *, place: Place | None = None) -> Score:
    """Score the mean of the activations of a layer, of some channels or at a place, as the tutorials do."""
    return _score(layer, "mean", channels, place)


def total(layer: str, channels: int | Iterable[int] = (), *, place: Place | None = None) -> Score:
    """Score the sum of the activations of a layer, of some channels or at a place."""
    return _score(layer, "sum", channels, place)


def direction(layer: str, vector: ArrayLike, power: float = 0.0, *, place: Place | None = None) -> Score:
    """Score how far activations go along a vector of the layer's channels: lucid's `direction`.

    The mean over places, or the value at one, of ``x·v max(cos(x, v), 0.1)^power``. The cosine is that of each place by
    itself, so the gradient at a place depends on the activations there alone.

    Parameters
    ----------
    layer : str
    vector : (c,) array_like
        v: a number for each channel; taken in float32, so that records are short.
    power : float
        0: only the dot product counts, and what is strong may grow without bounds. The larger, the more it is the
        proportions of the channels that count.
    place : (int, int) or "center", optional
        See `Term`.

    Raises
    ------
    ValueError
        The vector is not such, or the power out of its range.
    """
    return Score((Term(layer, "mean", place=place, vector=as_vector(vector), cosine_power=float(power)),))


def as_vector(numbers: ArrayLike) -> tuple[float, ...]:
    """Return a direction's numbers as a term has them: the shortest decimals of their float32."""
    found = np.asarray(numbers)
    if found.ndim != 1 or found.dtype.kind not in "fiu" or not 0 < len(found) <= MOST_CHANNELS:
        raise ValueError(f"vector: {found.dtype} of shape {found.shape}, expected a number for each channel")
    with np.errstate(over="ignore"):
        return tuple(map(float, found.astype(np.float32).astype(str)))


def class_logit(net: Net, label: int | str) -> Score:
    """Score a class's value before the softmax: the dream becomes what the network takes for that class.

    Of a word for several classes it is the mean of their values, of several numbers the sum.

    Parameters
    ----------
    net : Net
        A classifier.
    label : int or str
        The class's number, or several, as ``"3-7,12"``; or, for the 1,000 classes of ImageNet, its name or a part of
        it, or a word for several, as ``"dog"``: see `pydream.dream.labels.find_classes`.

    Raises
    ------
    UnknownNameError
        The network has no classes, or no such class.
    """
    if net.logits is None:
        raise UnknownNameError(f"{net.name} has no softmax and so no classes; dream with a channel of a layer")
    layer, count = net.logits
    numbers = find_classes(label, count)
    return (1 if is_number(label) else 1 / len(numbers)) * total(layer, numbers)


@in_one_thread
def strongest(
    net: Net, picture: ArrayLike, layer: str, count: int, kind: Kind = "l2", *, tile: int = 0
) -> tuple[int, ...]:
    """Return the channels of a layer with the largest share of its score on a picture.

    A channel's strength is what it adds to the score at each place of the layer: the mean of its squared activations
    for "l2", else the mean of its activations.

    Parameters
    ----------
    net : Net
        Its input is reshaped to the picture's size.
    picture : (h, w, 3) array_like
        RGB, 0..255; it is not resized.
    layer : str
    count : int
        How many, from 1 to all.
    kind : {"l2", "mean", "sum"}
    tile : int
        The most pixels of a block along each axis, as for `deepdream`; 0: the picture is not divided.

    Returns
    -------
    tuple of int
        The strongest first; of equal ones the smaller number.

    Raises
    ------
    ValueError, ShapeError, UnknownNameError
        The count is not one of these, the picture is none, or too small for the layer, or there is no such layer.
    """
    check_image(net)
    channels = net.blobs[layer].shape[1]
    if not 1 <= count <= channels:
        raise ValueError(f"count: {count}, expected 1 to {channels}, the channels of {layer!r}")
    image = preprocess(net, picture)
    net.resize(*image.shape[1:])
    net.image.data[0] = image
    if tile:
        net = TiledNet(net, [layer], tile)
    net.forward(end=layer)
    blocks = (own for _, _, own in net.blocks()) if isinstance(net, TiledNet) else [net.blobs[layer].data]
    sums = sum((_sums(own, kind) for own in blocks), np.zeros(channels))
    return tuple(map(int, np.argsort(-sums, kind="stable")[:count]))


def _sums(values: Array, kind: Kind) -> Array:
    """Sum the squares of each channel's activations, or the activations, in float64."""
    values = values.reshape(*values.shape[:2], -1).astype(np.float64)
    sums: Array = np.einsum("ncp,ncp->c", values, values) if kind == "l2" else values.sum((0, 2))
    return sums


def check_channels(net: Net, layer: str, channels: Sequence[int]) -> None:
    """Raise `UnknownNameError` where a layer lacks one of these channels."""
    if channels:
        _check_channels(layer, net.blobs[layer].shape[1], channels)


def _check_channels(layer: str, count: int, channels: Sequence[int]) -> None:
    for channel in channels:
        if not 0 <= channel < count:
            raise UnknownNameError(f"no channel {channel} in {layer!r}, which has {count}: 0 to {count - 1}")


def channels_text(channels: Iterable[int]) -> str:
    """Return channels as the command line has them: ``3-7,12``."""
    runs: list[list[int]] = []
    for channel in channels:
        if runs and runs[-1][1] == channel - 1:
            runs[-1][1] = channel
        else:
            runs.append([channel, channel])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def place_text(place: Place) -> str:
    """Return a place as the command line has it: ``3,7`` or ``center``."""
    return place if isinstance(place, str) else ",".join(map(str, place))


def part_text(channels: Iterable[int], place: Place | None = None) -> str:
    """Return what stands behind a layer's name on the command line: ``:3-7,12@center``."""
    listed = channels_text(channels)
    return f"{listed and ':'}{listed}{'' if place is None else f'@{place_text(place)}'}"


def _score(layer: str, kind: Kind, channels: int | Iterable[int], place: Place | None) -> Score:
    chosen = (channels,) if isinstance(channels, int) else tuple(channels)
    return Score((Term(layer, kind, chosen, place=place),))


@in_one_thread
def objective_guide(
    net: Net, guide: ArrayLike, end: str | Sequence[str], *, weights: Sequence[float] | None = None
) -> Objective:
    """Make a layer see what it sees in a guide picture, or each of several.

    Every position of the dream's layer is pulled to the guide's position whose features are most similar to its own, by
    dot product; of equal ones the first. The guide is not resized.

    Parameters
    ----------
    net : Net
        Its input is reshaped to the guide's size, so make the objective before the dream.
    guide : (h, w, 3) array_like
        RGB, 0..255.
    end : str or sequence of str
        The layer whose features are compared: the layer to dream with. Of several each has its own best matches.
    weights : sequence of float, optional
        A factor for the gradient at each layer; below 0 the dream is turned away from what matches best. None: 1.

    Returns
    -------
    callable
        An objective, for `make_step` or `deepdream` with the same `end`.

    Raises
    ------
    ValueError, ShapeError
        The guide is not a picture, or too small for `end`; or there are not as many weights as layers. The objective
        itself raises `ShapeError` for another layer's blob.
    """
    check_image(net)
    ends = names_of(end) or ()
    gains = [1.0] * len(ends) if weights is None else weights
    if len(gains) != len(ends):
        raise ValueError(f"weights: {weights}, expected one for each of {', '.join(map(repr, ends))}")
    dst = [net.blobs[end] for end in ends]
    image = preprocess(net, guide)
    net.resize(*image.shape[1:])
    net.image.data[0] = image
    net.forward(end=ends)
    guide_features = [blob.data[0].copy() for blob in dst]

    def objective(*dst: Blob) -> None:
        for blob, end, features, gain in zip(dst, ends, guide_features, gains, strict=True):
            ch = features.shape[0]
            if blob.shape[1] != ch:
                raise ShapeError(
                    f"the guide's features are of {end!r}, {ch} channels; the dream's layer has {blob.shape[1]}"
                )
            blob.drive(Match(features, gain))

    return objective
