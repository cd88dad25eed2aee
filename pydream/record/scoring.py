"""From layers, a kind of objective and classes, as the command line takes them, to what a dream makes larger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from ..dream.keyframes import Curve, read_curve
from ..dream.labels import NUMBERS
from ..dream.objectives import MOST_CHANNELS, Kind, Place, Score, Strongest, Term, check_channels, class_logit
from ..dream.params import find_end, find_ends
from ..errors import ParameterError
from ..net import NOTEBOOK_END, Net
from ..runtime.ends import guide_end
from ..runtime.net import Net as LocalNet
from .recipe import LEAST_TERM, Recipe

STRONGEST = re.compile(r"strongest(\d{1,6})")  # channels of a layer, by their strength on the picture
_PLACE = re.compile(r"center|\d{1,6},\d{1,6}")


class _Reading(NamedTuple):
    """One way to read LAYER[:CHANNELS][@PLACE][=WEIGHT]: names may have colons, ats and equals signs themselves."""

    layer: str
    channels: str | None = None
    place: str | None = None
    weight: str | None = None

    @property
    def sound(self) -> bool:
        return (
            (self.channels is None or any(each.fullmatch(self.channels) for each in (NUMBERS, STRONGEST)))
            and (self.place is None or _PLACE.fullmatch(self.place) is not None)
            and (self.weight is None or weight_of(self.weight) is not None)
        )


class Direction(NamedTuple):
    """Numbers for the channels of a layer, and the power of the cosine: see `Term`."""

    vector: tuple[float, ...]
    power: float = 0.0

    def of(self, term: Term) -> Term:
        """Return a layer's term along the direction: the mean, unless the sum is wanted."""
        if term.channels:
            raise ParameterError("direction", "it has a number for each channel of the layer: leave the channels out")
        kind: Kind = "mean" if term.kind == "l2" else term.kind
        try:
            return replace(term, kind=kind, vector=self.vector, cosine_power=self.power)
        except ValueError as error:
            raise ParameterError("direction", str(error)) from error


class Aim(NamedTuple):
    """What a dream makes larger.

    Attributes
    ----------
    end : str
        The layer; of several the first.
    score : Score or None
        None: the notebook's objective, or a guide's, of one layer.
    why : str or None
        Why it is this layer, where none was named and the network's is not the notebook's.
    """

    end: str
    score: Score | None
    why: str | None = None

    @property
    def terms(self) -> tuple[Term, ...]:
        """The score's, for a recipe."""
        return self.score.terms if self.score else ()


def aim_of(
    net: Net,
    layers: Sequence[str],
    kind: Kind,
    classes: Sequence[str],
    *,
    guided: bool = False,
    channels: Sequence[int] | None = None,
    direction: Direction | None = None,
) -> Aim:
    """Return what the options name; the net needs neither weights nor TensorFlow.

    Parameters
    ----------
    net : Net
    layers, kind, classes
        As for `score_of`, which raises the same errors.
    guided : bool
        Whether there is a guide, which takes whole layers.
    channels : sequence of int, optional
        Those of the layer that are rendered alone, all of them if there is none; None: it is no rendering.
    direction : Direction, optional
        Of the last layer.

    Raises
    ------
    UnknownNameError
        Where there is no such layer, channel or class, with those that are close.
    ParameterError
        For a guide or a rendering of something else than a layer.
    """
    why = None
    if guided and not layers:
        layers = [(guide_end(net.graph) if isinstance(net, LocalNet) else None) or find_end(net, None)]
        why = f"the guide shows in {layers[0]!r}"
    elif not layers and (direction is not None or not classes):
        layers = [find_end(net, None)]
        if layers[0] != NOTEBOOK_END:
            why = f"{layers[0]!r}, the last convolution that sees most of the picture"
    score = score_of(net, layers, kind, classes, direction)
    if score is not None and channels is not None:
        raise _bad(
            f"the renderers take {layers[0]!r} without a weight, and channels by their numbers, and without a place, as"
            " their tiles are shifted"
        )
    if score is not None and guided:
        guide_weights(score)  # raises for channels
    if score is None:
        end = find_end(net, _term(net, layers[0], "l2").layer)
        check_channels(net, end, channels or ())
        return Aim(end, None, why)
    score.check(net)
    return Aim(find_ends(net, None, score)[0], score, why)


def score_of(
    net: Net, layers: Sequence[str], kind: Kind, classes: Sequence[str], direction: Direction | None = None
) -> Score | None:
    """Return the score that the options name, or None for the notebook's objective of one layer.

    Raises
    ------
    UnknownNameError
        For a layer or a class that the network does not have, with those that are close.
    ParameterError
        For channels or weights of another form.
    """
    terms = [_term(net, layer, kind) for layer in layers]
    if direction is not None:
        terms[-1] = direction.of(terms[-1])
    for given in classes:
        label, equals, text = given.rpartition("=")
        weight = weight_of(text) if equals else None
        terms += (class_logit(net, given) if weight is None else class_logit(net, label) * weight).terms
    if not terms or (len(terms) == 1 and terms[0] == Term(terms[0].layer)):
        return None
    return Score(tuple(terms))


def crossing(recipe: Recipe, number: int, last: int) -> Recipe:
    """Return a recipe's number on the way through the terms of its objective: from the first, 0, to the last.

    Of two neighbours one fades out, ``1 - t`` of its weight, as the other fades in, t of its own.
    """
    place = number * (len(recipe.objective) - 1) / last
    faded = ((term, max(0.0, 1 - abs(place - at))) for at, term in enumerate(recipe.objective))
    score = Score(tuple(replace(term, weight=factor * term.weight) for term, factor in faded if factor))
    terms = () if score.terms == (Term(score.terms[0].layer),) else score.terms
    return msgspec.structs.replace(recipe, end=score.ends[0], objective=terms)


def guide_weights(score: Score) -> dict[str, float]:
    """Return the layers that a guide takes up, with their weights; `ParameterError` for anything but whole layers."""
    weights = dict.fromkeys(score.ends, 0.0)
    for term in score.terms:
        if term != Term(term.layer, weight=term.weight):
            raise ParameterError("guide", "a guide takes up whole layers, without channels and places")
        if isinstance(term.weight, Curve):
            raise ParameterError("guide", "a guide's layers have numbers as weights, without keyframes")
        weights[term.layer] += term.weight
    return weights


def least_in_record(given: str) -> int:
    """Count the characters that LAYER[:CHANNELS][@PLACE][=WEIGHT] takes at least in a picture's record."""
    layer, colon, _ = given.partition("=")[0].partition(":")
    given = STRONGEST.sub("0", given)
    return LEAST_TERM + len(given) + len(layer) + (len("\n     0\n    ") if colon else 0)


def _term(net: Net, given: str, kind: Kind) -> Term:
    """Read LAYER[:CHANNELS][@PLACE][=WEIGHT]."""
    known = [reading for reading in _readings(given) if reading.layer in net.blobs]
    readings = known or [min(_readings(given), key=lambda reading: len(reading.layer))]
    net.blobs[readings[0].layer]  # an unknown name raises, and lists close ones
    layer, channels, place, weight = next((reading for reading in readings if reading.sound), readings[0])
    factor = 1.0 if weight is None else weight_of(weight)
    if factor is None:
        keyframes = ", or keyframes, e.g. 0:1,60:0" if ":" in (weight or "") else ""
        raise _bad(f"{weight!r} in {given!r} is not a weight (expected a number, e.g. 0.5 or -1{keyframes})")
    at = None if place is None else _place_of(place, given)
    if channels is not None and (found := STRONGEST.fullmatch(channels)) is not None:
        return Strongest(layer, kind, _as_many(net, layer, int(found[1]), given), factor, at)
    return Term(layer, kind, () if channels is None else channels_of(channels, given), factor, at)


def _as_many(net: Net, layer: str, count: int, given: str) -> tuple[int, ...]:
    """Return so many channels of a layer, those that take the most characters in a record."""
    channels = net.blobs[layer].shape[1]
    if not 1 <= count <= channels:
        raise _bad(
            f"'strongest{count}' in {given!r} is not a number of channels of {layer!r} (expected 1 to {channels})"
        )
    return tuple(range(channels - 1, channels - 1 - count, -1))


def channels_of(listed: str, given: str) -> tuple[int, ...]:
    """Read a list of channels, e.g. 3-7,12, of an option's text `given`; `ParameterError` if it is not one."""
    if not NUMBERS.fullmatch(listed):
        raise _bad(
            f"{listed!r} in {given!r} is not a list of channels (expected e.g. 3 or 3-7 or 3-7,12, or strongest10)"
        )
    chosen: list[int] = []
    for run in listed.split(","):
        first, _, last = run.partition("-")
        chosen += range(int(first), int(last or first) + 1)
        if len(chosen) > MOST_CHANNELS or int(last or first) < int(first):
            raise _bad(f"{run!r} in {given!r} is not a range of channels (expected e.g. 3-7)")
    return tuple(chosen)


def _place_of(place: str, given: str) -> Place:
    if not _PLACE.fullmatch(place):
        raise _bad(f"{place!r} in {given!r} is not a place of the layer's grid (expected e.g. 3,7 or center)")
    if place == "center":
        return "center"
    y, x = map(int, place.split(","))
    return y, x


def _bad(message: str) -> ParameterError:
    return ParameterError("layer", message)


def _readings(given: str) -> list[_Reading]:
    """Return every way to read it, the one with the longest name first."""
    readings = [_Reading(given)]
    for field, mark in (("weight", "="), ("place", "@"), ("channels", ":")):  # from the end to the name
        for reading in tuple(readings):
            name, found, rest = reading.layer.rpartition(mark)
            if found:
                readings.append(reading._replace(**{"layer": name, field: rest}))
    readings.reverse()  # of one name, the most of the rest understood first
    return sorted(readings, key=lambda reading: -len(reading.layer))


def weight_of(text: str) -> float | Curve | None:
    """Read a finite number, or the keyframes of a zoom loop; None for any other text."""
    try:
        weight = read_curve(text) if ":" in text else float(text)
    except ValueError:
        return None
    return weight if isinstance(weight, Curve) or abs(weight) < float("inf") else None
