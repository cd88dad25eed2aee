"""Keyframes on a command line: ``0:0.05,60:0.2`` in place of a number, and plots of their curves in characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from ..dream.keyframes import Curve, Ease
from .ranges import FiniteRange

_COLUMNS, _ROWS = 60, 7  # of a plot


class Keyframed(FiniteRange):
    """A range of numbers, or keyframes with such numbers."""

    def __init__(self, numbers: FiniteRange) -> None:
        super().__init__(numbers.min, numbers.max, numbers.min_open, numbers.max_open)
        self._numbers = numbers

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number, or the `Curve` of ``FRAME:NUMBER,FRAME:NUMBER``."""
        if not isinstance(value, str) or ":" not in value:
            return self._numbers.convert(value, param, ctx)
        keyframes = []
        for pair in value.split(","):
            frame, _, number = pair.partition(":")
            if not (re.fullmatch("[0-9]{1,8}", frame) and number):
                self.fail(f"{pair!r} is no keyframe (expected FRAME:NUMBER, e.g. 0:0.05,60:0.2)", param, ctx)
            keyframes.append((int(frame), self._numbers.convert(number, param, ctx)))
        try:
            return Curve(tuple(keyframes))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def keyframed(*names: str) -> Callable[[click.Command], click.Command]:
    """Let options of a command, by their parameters, take keyframes in place of a number."""

    def decorate(command: click.Command) -> click.Command:
        for param in command.params:
            if param.name in names:
                if isinstance(param.type, click.Tuple):
                    param.type = click.Tuple([*map(_keyframed, param.type.types)])
                else:
                    param.type, param.metavar = _keyframed(param.type), "X|FRAME:X,…"
        return command

    return decorate


def _keyframed(type: click.ParamType[Any]) -> Keyframed:
    assert isinstance(type, FiniteRange)
    return Keyframed(type)


def plots(values: Mapping[str, float | Curve], frames: int, ease: Ease) -> Iterator[str]:
    """Yield the lines of a plan: a number, or a curve's keyframes and its plot over the frames."""
    for name, value in values.items():
        if isinstance(value, Curve):
            yield f"{name}: {value}, {ease}"
            yield from _plot(value, frames, ease)
        else:
            yield f"{name}: {value:g}"


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
