"""Keyframes on a command line: ``0:0.05,60:0.2`` in place of a number, and plots of their curves in characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from ..dream.keyframes import Curve, Ease, WholeCurve, read_curve
from ..dream.octaves import AUTO
from ..record.scoring import weight_of
from .ranges import FiniteRange, Octaves

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # generic since click 8.4

_COLUMNS, _ROWS = 60, 7  # of a plot


class _Keyframes(_ParamType):
    """Keyframes, or what the type of a number's option takes."""

    _numbers: _ParamType

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number, or the `Curve` of ``FRAME:NUMBER,FRAME:NUMBER``."""
        if not isinstance(value, str) or ":" not in value:
            return self._numbers.convert(value, param, ctx)
        if AUTO in value.split(":"):
            self.fail(f"{AUTO!r} in keyframes is no number", param, ctx)
        try:
            return self.curve(read_curve(value, lambda number: self._numbers.convert(number, param, ctx)))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def curve(self, found: Curve) -> Curve:
        """Return keyframes as the option has them."""
        return found


class Keyframed(_Keyframes, FiniteRange):
    """A range of numbers, or keyframes with such numbers."""

    def __init__(self, numbers: FiniteRange) -> None:
        super().__init__(numbers.min, numbers.max, numbers.min_open, numbers.max_open)
        self._numbers = numbers


class KeyframedOctaves(_Keyframes, Octaves):
    """A range of whole numbers, ``auto``, or keyframes with such numbers."""

    def __init__(self, numbers: Octaves) -> None:
        super().__init__(numbers.min, numbers.max)
        self._numbers = numbers

    def curve(self, found: Curve) -> Curve:
        """Return a curve of whole numbers; ``auto`` is none."""
        return WholeCurve(tuple((frame, int(value)) for frame, value in found.keyframes))


def keyframed(*names: str) -> Callable[[click.Command], click.Command]:
    """Let options of a command, by their parameters, take keyframes in place of a number."""

    def decorate(command: click.Command) -> click.Command:
        for param in command.params:
            if param.name in names:
                if isinstance(param.type, click.Tuple):
                    param.type = click.Tuple([*map(_keyframed, param.type.types)])
                else:
                    type = _keyframed(param.type)
                    number = "X" if isinstance(type, Keyframed) else f"N|{AUTO}"
                    param.type, param.metavar = type, f"{number}|FRAME:{number[0]},…"
        return command

    return decorate


def _keyframed(type: _ParamType) -> Keyframed | KeyframedOctaves:
    if isinstance(type, Octaves):
        return KeyframedOctaves(type)
    assert isinstance(type, FiniteRange)
    return Keyframed(type)


def weights_in(words: Iterable[str]) -> dict[str, Curve]:
    """Return the weights with keyframes in ``LAYER[:CHANNELS][@PLACE][=WEIGHT]`` or ``CLASS[=WEIGHT]``, by what for."""
    found = ((name, weight_of(text)) for name, _, text in (word.rpartition("=") for word in words) if name)
    return {f"weight of {name}": weight for name, weight in found if isinstance(weight, Curve)}


def plots(values: Mapping[str, float | str | Curve], frames: int, ease: Ease) -> Iterator[str]:
    """Yield the lines of a plan: a number, or a curve's keyframes and its plot over the frames."""
    for name, value in values.items():
        if isinstance(value, Curve):
            yield f"{name}: {value}, {ease}"
            yield from _plot(value, frames, ease)
        else:
            yield f"{name}: {value if isinstance(value, str) else f'{value:g}'}"


def _plot(curve: Curve, frames: int, ease: Ease) -> Iterator[str]:
    columns = min(frames, _COLUMNS)
    numbers = [column * (frames - 1) // max(columns - 1, 1) for column in range(columns)]
    values = [curve.at(number, ease) for number in numbers]
    low, high = min(values), max(values)
    span = high - low
    rows = [round((value - low) / span * (_ROWS - 1)) if span else 0 for value in values]
    labels = {_ROWS - 1: f"{high:.4g}", 0: f"{low:.4g}"} if span else {0: f"{low:.4g}"}
    for row in reversed(range(_ROWS if span else 1)):
        line = "".join("*" if each == row else " " for each in rows)
        yield f"{labels.get(row, ''):>10} |{line}".rstrip()
    last = str(frames - 1)
    yield f"{'frame':>10}  0{last:>{columns - 1}}" if columns > len(last) else f"{'frame':>10}  0"
