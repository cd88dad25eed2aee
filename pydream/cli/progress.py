"""Progress is pixels done: an octave's step costs what its size costs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Any, NoReturn, Self

from tqdm import tqdm

from ..dream.watch import View, Watch
from .signals import between_steps


class _Steady(tqdm):  # type: ignore[type-arg]
    """tqdm on a terminal only, by a clock that nobody sets.

    By the time of day a bar stands still for as long as that is set back.
    """

    monitor_interval = 0  # its thread goes by the time of day too

    def __init__(self, quiet: bool, **options: Any) -> None:
        disable = True if quiet else None  # None: where stderr is no terminal
        super().__init__(dynamic_ncols=True, disable=disable, leave=False, **options)
        self._time = monotonic
        self.start_t = self.last_print_t = monotonic()


class Bar:
    """A bar of tqdm's that goes when its block ends."""

    _bar: tqdm[NoReturn]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away while something else is printed."""
        with tqdm.external_write_mode(file=sys.stderr):
            yield


class Progress(Bar, Watch):
    """A bar on stderr, where that is a terminal, with the time left.

    Parameters
    ----------
    title : str or None
        Printed when the first step is done: an error before it remains the only line on stderr.
    sizes : list of (height, width)
        The octaves, the largest first, as `pydream.dream.notebook.octave_sizes` gives them.
    iter_n : int
        Steps in each octave.
    quiet : bool
        Print nothing at all.
    frames : int
        Dreams of these sizes, one after the other.
    what : str
        One of them is.
    costs : sequence of float
        MACs of each dream for a pixel; none: they cost the same.
    """

    def __init__(
        self,
        title: str | None,
        sizes: list[tuple[int, int]],
        iter_n: int,
        quiet: bool = False,
        frames: int = 1,
        what: str = "frame",
        costs: Sequence[float] = (),
    ) -> None:
        self._title = None if quiet else title
        self._pixels = [height * width for height, width in reversed(sizes)]
        self._frames = frames
        self._frame = 0  # counted from 1
        self._what = what
        self._costs = costs or [1] * frames
        self._iter_n = iter_n
        self._whole = iter_n * sum(self._pixels)
        self._next = (0, 0)  # frame, from 0, and octave of the next step
        self._begun: float = 0  # what of it is done
        self._bar = _Steady(quiet, total=sum(self._costs) * self._whole, unit="MAC" if costs else "px", unit_scale=True)

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count a step, and let Ctrl-C in."""
        if self._title is not None:
            self._bar.write(self._title, file=sys.stderr)
            self._title = None
        self._frame += octave == iteration == 0
        frame = f"{self._what} {self._frame}/{self._frames}, " if self._frames > 1 else ""
        self._bar.set_description_str(f"{frame}octave {octave + 1}/{len(self._pixels)}", refresh=False)
        self._bar.set_postfix_str("", refresh=False)
        self._bar.update(self._pixels[octave] * self._costs[self._frame - 1] - self._begun)
        octave += iteration + 1 == self._iter_n
        self._next = (self._frame - 1 + octave // len(self._pixels), octave % len(self._pixels))
        self._begun = 0
        between_steps()

    def tile(self, done: int, tiles: int) -> None:
        """Count a part of a step, and let Ctrl-C in, which costs that step."""
        frame, octave = self._next
        begun = self._pixels[octave] * self._costs[frame] * done / tiles
        self._bar.set_postfix_str(f"tile {done}/{tiles}", refresh=False)
        self._bar.update(begun - self._begun)
        self._begun = begun
        between_steps()

    def passed(self, frames: int) -> None:
        """Go to where so many dreams are over, however they ended."""
        self._frame = frames
        self._bar.n = sum(self._costs[:frames]) * self._whole
        self._bar.set_postfix_str("", refresh=False)
        self._bar.refresh()
        self._next, self._begun = (frames, 0), 0
        between_steps()


class DoneProgress(Bar):
    """A bar of what is done elsewhere, on stderr, where that is a terminal.

    Parameters
    ----------
    title : str
        Printed with the first one that is done.
    total : int
    what : str
        One of them is.
    quiet : bool
        Print nothing at all.
    """

    def __init__(self, title: str, total: int, what: str, quiet: bool = False) -> None:
        self._title = None if quiet else title
        self._bar = _Steady(quiet, total=total, unit=what)

    def passed(self, number: int) -> None:
        """Go to where so many are done, however they ended."""
        if self._title is not None:
            self._bar.write(self._title, file=sys.stderr)
            self._title = None
        self._bar.update(number - self._bar.n)
        between_steps()


class FrameProgress(Bar):
    """A bar of a film's frames, where nothing is dreamt.

    Parameters
    ----------
    title : str
    quiet : bool
        Print nothing at all.
    total : int, optional
        How many, if that is known: then there is the time left.
    """

    def __init__(self, title: str, quiet: bool = False, total: int | None = None) -> None:
        self._bar = _Steady(quiet, desc=title, total=total, unit="frame")

    def on_frame(self) -> None:
        """Count a frame, and let Ctrl-C in."""
        self._bar.update()
        between_steps()


class FetchProgress(Bar):
    """A bar of bytes on stderr, where that is a terminal, and lines about addresses that fail.

    Parameters
    ----------
    title : str
    quiet : bool
        Print nothing at all.
    """

    def __init__(self, title: str, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar = _Steady(quiet, desc=title, unit="B", unit_scale=True)

    def on_bytes(self, address: str, done: int, size: int) -> None:
        """Show how much is there; `pydream.zoo.fetch.fetch` calls it."""
        if self._bar.total is None or done < self._bar.n:  # the first bytes, of now or of an earlier fetch; or anew
            self._bar.total = size
            self._bar.initial = self._bar.n = done
            self._bar.refresh()
        self._bar.update(done - self._bar.n)

    def tell(self, line: str) -> None:
        """Print a line above the bar."""
        if not self._quiet:
            self._bar.write(f"pydream: {line}", file=sys.stderr)
