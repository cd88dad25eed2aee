"""From layers, a kind of objective and classes, as the command line takes them, to what a dream makes larger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..dream.objectives import MOST_CHANNELS, Kind, Score, Term, class_logit
from ..errors import ParameterError, UnknownNameError
from ..net import Net
from .recipe import LEAST_TERM

CHANNELS = re.compile(r"\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*")


class _Reading(NamedTuple):
    """One way to read LAYER[:CHANNELS][=WEIGHT]: names may have colons and equals signs themselves."""

    layer: str
    channels: str | None
    weight: str | None

    @property
    def sound(self) -> bool:
        return (self.channels is None or CHANNELS.fullmatch(self.channels) is not None) and (
            self.weight is None or _number(self.weight) is not None
        )


def score_of(net: Net, layers: Sequence[str], kind: Kind, classes: Sequence[str]) -> Score | None:
    """Return the score that the options name, or None for the notebook's objective of one layer.

    Raises
    ------
    UnknownNameError
        For a layer or a class that the network does not have, with those that are close.
    ParameterError
        For channels or weights of another form.
    """
    terms = [_term(net, layer, kind) for layer in layers]
    for given in classes:
        label, equals, text = given.rpartition("=")
        weight = _number(text) if equals else None
        terms += (class_logit(net, given) if weight is None else weight * class_logit(net, label)).terms
    if not terms or (len(terms) == 1 and terms[0] == Term(terms[0].layer)):
        return None
    return Score(tuple(terms))


def least_in_record(given: str) -> int:
    """Count the characters that LAYER[:CHANNELS][=WEIGHT] takes at least in a picture's record."""
    layer, colon, _ = given.partition("=")[0].partition(":")
    return LEAST_TERM + len(given) + len(layer) + (len("\n     0\n    ") if colon else 0)


def only_layer(net: Net, layers: Sequence[str]) -> str | None:
    """Return the name of the layer of a dream without a score."""
    return _term(net, layers[0], "l2").layer if layers else None


def _term(net: Net, given: str, kind: Kind) -> Term:
    """Read LAYER[:CHANNELS][=WEIGHT]."""
    readings = [reading for reading in _readings(given) if reading.layer in net.blobs]
    if not readings:
        net.blobs[min((reading.layer for reading in _readings(given)), key=len)]  # raises, and lists close ones
        raise UnknownNameError(f"no blob {given!r}")
    layer, channels, weight = next((reading for reading in readings if reading.sound), readings[0])
    factor = 1.0 if weight is None else _number(weight)
    if factor is None:
        raise _bad(f"{weight!r} in {given!r} is not a weight (expected a number, e.g. 0.5 or -1)")
    return Term(layer, kind, () if channels is None else channels_of(channels, given), factor)


def channels_of(listed: str, given: str) -> tuple[int, ...]:
    """Read a list of channels, e.g. 3-7,12, of an option's text `given`; `ParameterError` if it is not one."""
    if not CHANNELS.fullmatch(listed):
        raise _bad(f"{listed!r} in {given!r} is not a list of channels (expected e.g. 3 or 3-7 or 3-7,12)")
    chosen: list[int] = []
    for run in listed.split(","):
        first, _, last = run.partition("-")
        chosen += range(int(first), int(last or first) + 1)
        if len(chosen) > MOST_CHANNELS or int(last or first) < int(first):
            raise _bad(f"{run!r} in {given!r} is not a range of channels (expected e.g. 3-7)")
    return tuple(chosen)


def _bad(message: str) -> ParameterError:
    return ParameterError("layer", message)


def _readings(given: str) -> list[_Reading]:
    """Return every way to read it, the one with the longest name first."""
    readings = [_Reading(given, None, None)]
    head, equals, weight = given.rpartition("=")
    if equals:
        readings.append(_Reading(head, None, weight))
    for name, rest in [(head, weight)] * bool(equals) + [(given, None)]:
        layer, colon, channels = name.rpartition(":")
        if colon:
            readings.append(_Reading(layer, channels, rest))
    return readings


def _number(text: str) -> float | None:
    """Read a finite number; None for any other text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
