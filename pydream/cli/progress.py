"""Progress is pixels done: an octave's step costs what its size costs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from time import monotonic
from typing import Any, NamedTuple, Self

from tqdm import tqdm

from ..dream.watch import View, Watch
from ..dream.work import Work
from ..errors import printable
from ..record.recipe import Recipe
from .signals import of_this_run
from .streams import echo

_ENOUGH = 400_000  # pixels of an octave from which on time grows with them
_LONG_ENOUGH = 5  # seconds of an octave, to foretell the others by


def about(seconds: float) -> str:
    """Return a time in words, as far as it can be foretold: ``35 s``, ``4 min``."""
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{max(seconds, 1):.0f} s"


class _Steady(tqdm):  # type: ignore[type-arg]
    """tqdm by a clock that cannot be set: by the time of day a bar stands still for as long as that is set back."""

    monitor_interval = 0  # its thread goes by the time of day too

    def __init__(self, desc: str | None = None, **options: Any) -> None:
        super().__init__(desc=desc and printable(desc), dynamic_ncols=True, leave=False, **options)
        self._time = monotonic
        self.start_t = self.last_print_t = monotonic()

    def set_description_str(self, desc: str | None = None, refresh: bool | None = True) -> None:
        """Set what stands before the bar."""
        super().set_description_str(printable(desc or ""), refresh)


class Bar:
    """A bar on stderr, where that is a terminal, until its block ends; `options` are tqdm's.

    The title is printed when the first step is done, or after it, once nothing comes before: an error before that step
    remains the only line on stderr.
    """

    def __init__(self, quiet: bool = False, title: str | None = None, **options: Any) -> None:
        self._quiet = quiet
        self._title = title
        self.waits: Callable[[], bool] | None = None  # whether what comes before the title is yet to be known
        self.before_title: Callable[[], None] | None = None  # waits for that, and prints it
        self._moved = False
        self._signals = of_this_run()  # once: after each step there is nothing warm in any cache
        self._bar = _Steady(disable=True if quiet else None, **options)  # None: where stderr is no terminal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._moved:
                self.announce()
        finally:
            self._bar.close()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away while something else is printed."""
        with tqdm.external_write_mode(file=sys.stderr):
            yield

    def write(self, line: str) -> None:
        """Print a line above the bar."""
        if not self._quiet:
            with self.aside():
                echo(line, err=True)

    def advance(self, amount: float = 1) -> None:
        """Move the bar, and let Ctrl-C in."""
        self._moved = True
        if self._title is not None and not (self.waits and self.waits()):
            self.announce()
        self._bar.update(amount)
        self._signals.let_in()

    def announce(self) -> None:
        """Print the title, unless it is printed, and what comes before it."""
        if self._title is None:
            return
        if self.before_title is not None:
            with self.aside():
                self.before_title()
        self.write(self._title)
        self._title = None

    def passed(self, number: int) -> None:
        """Go to where so many are done, however they ended."""
        self.advance(number - self._bar.n)

    def show(self, done: int, total: int, what: str) -> None:
        """Show how much is done of how much, and what comes next; let Ctrl-C in."""
        self._bar.n, self._bar.total = done, total
        self._bar.set_description_str(what)
        self._signals.let_in()


class Progress(Bar, Watch):
    """A bar of dreams, one after the other, with the time left."""

    def __init__(
        self,
        title: str | None,
        sizes: list[tuple[int, int]],  # (height, width) of the octaves, the largest first
        iter_n: int,  # steps in each octave
        quiet: bool = False,
        frames: int = 1,  # number of dreams
        what: str = "frame",  # noun for one of them
        costs: Sequence[float] = (),  # MACs of each dream for a pixel; none: they cost the same
    ) -> None:
        self._dream_work = Work.of(sizes, iter_n)
        self._frames = frames
        self._what = what
        self._costs = costs
        self._whole = self._dream_work.whole
        self._next = (0, 0)  # frame and octave of the next step, from 0
        self._begun: float = 0  # what of it is done
        self._tiles = 1  # of a step
        self._start = self._octave = self._since = monotonic()
        self.estimated: Callable[[float], None] | None = None  # takes the seconds of all of it, once they are known
        self.pace: float | None = None  # seconds for a pixel, or a MAC
        unit = "MAC" if costs else "px"
        super().__init__(quiet, title, total=self._cost_to(frames) * self._whole, unit=unit, unit_scale=True)

    def _cost(self, frame: int) -> float:
        return self._costs[frame] if self._costs else 1

    def _cost_to(self, frame: int) -> float:
        return sum(self._costs[:frame]) if self._costs else frame

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count a step, and let Ctrl-C in."""
        frame, octaves = self._next[0], len(self._dream_work.pixels)
        if not self._bar.disable:
            dream = f"{self._what} {frame + 1}/{self._frames}, " if self._frames > 1 else ""
            self._bar.set_description_str(f"{dream}octave {octave + 1}/{octaves}", refresh=False)
            self._bar.set_postfix_str("", refresh=False)
        work, at = self._dream_work, octave
        rest = work.pixels[octave] * self._cost(frame) - self._begun
        octave += iteration + 1 == work.iter_n
        self._next, self._begun = (frame + octave // octaves, octave % octaves), 0
        self._pace(rest)
        self.advance(rest)
        if self.estimated is not None:
            self._estimate(frame, at, iteration + 1)

    def _estimate(self, frame: int, octave: int, steps: int) -> None:
        """Foretell the seconds of all by an octave so far, with its first step, which takes longer in each of them."""
        now = monotonic()
        work, pixels = self._dream_work, self._dream_work.pixels[octave]
        seconds, over = now - self._octave, steps == work.iter_n
        if over:
            self._octave = now
        if pixels < min(_ENOUGH, work.pixels[-1]) or not (over or (steps > 1 and seconds >= _LONG_ENOUGH)):
            return
        cost = self._cost(frame)
        done = self._cost_to(frame) * self._whole + cost * work.done(octave, steps)
        left = self._cost_to(self._frames) * self._whole - done
        if left and self.estimated is not None:
            self.estimated(now - self._start + left * seconds / (cost * steps * pixels))
            self.estimated = None

    def tile(self, done: int, tiles: int) -> None:
        """Count a part of a step, and let Ctrl-C in, which costs that step."""
        frame, octave = self._next
        before, self._begun = self._begun, self._dream_work.pixels[octave] * self._cost(frame) * done / tiles
        self._bar.set_postfix_str(f"tile {done}/{tiles}", refresh=False)
        self._bar.update(self._begun - before)
        self._tiles = tiles
        self._pace(self._begun - before)
        self._signals.let_in()

    def _pace(self, done: float) -> None:
        """Note how long the next step, or tile, is likely to take, by what was done since the last one."""
        frame, octave = self._next
        if done > 0:  # a step in tiles ends with its last tile
            now = monotonic()
            self.pace, self._since = (now - self._since) / done, now
        if self.pace is not None and frame < self._frames:
            self._signals.expect(self.pace * self._dream_work.pixels[octave] * self._cost(frame) / self._tiles)

    def __exit__(self, *_: object) -> None:
        self._signals.expect(None)
        super().__exit__()

    def passed(self, number: int) -> None:
        """Go to where so many dreams are over, however they ended."""
        self._bar.n = self._cost_to(number) * self._whole
        self._bar.set_postfix_str("", refresh=False)
        self._bar.refresh()
        self._next, self._begun = (number, 0), 0
        self._signals.let_in()


class Plan(NamedTuple):
    """The steps of a dream, and what they cost."""

    sizes: list[tuple[int, int]]  # (height, width) of the octaves, the largest first
    iter_n: int
    cost: float  # MACs for a pixel, or 1

    @classmethod
    def of(cls, recipe: Recipe, size: tuple[int, int], macs: float | None) -> Self:
        """Plan a recipe's dream on a picture of (height, width) `size`, where a step takes so many MACs, if known."""
        return cls(recipe.sizes(*size), recipe.iter_n, 1 if macs is None else macs / prod(size))

    @property
    def work(self) -> float:
        """What the whole dream costs."""
        return self.cost * Work.of(self.sizes, self.iter_n).whole


class Plans(Progress):
    """A bar of dreams that differ in their steps too."""

    def __init__(self, title: str | None, plans: Sequence[Plan], quiet: bool = False, what: str = "frame") -> None:
        self._plans = plans
        costs = [plan.cost for plan in plans if plan.cost != 1]
        super().__init__(title, plans[0].sizes, plans[0].iter_n, quiet, len(plans), what, costs)

    def _cost_to(self, frame: int) -> float:
        return sum(plan.work for plan in self._plans[:frame]) / self._whole

    def _turn_to_the_next(self) -> None:
        plan = self._plans[min(self._next[0], len(self._plans) - 1)]
        self._dream_work = Work.of(plan.sizes, plan.iter_n)

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count a step, and let Ctrl-C in."""
        super().step(octave, iteration, image)
        self._turn_to_the_next()

    def passed(self, number: int) -> None:
        """Go to where so many dreams are over, however they ended."""
        super().passed(number)
        self._turn_to_the_next()


class FetchProgress(Bar):
    """A bar of bytes."""

    def __init__(self, title: str, quiet: bool = False) -> None:
        super().__init__(quiet, desc=title, unit="B", unit_scale=True)

    def on_bytes(self, address: str, done: int, size: int | None) -> None:
        """Show how much is there; `pydream.zoo.fetch.fetch` calls it."""
        if self._bar.total is None or done < self._bar.n:  # the first bytes, of now or of an earlier fetch; or anew
            self._bar.total = size
            self._bar.initial = self._bar.n = done
            self._bar.refresh()
        self._bar.update(done - self._bar.n)

    def message(self, text: str) -> None:
        """Print a line above the bar."""
        self.write(f"pydream: {text}")
