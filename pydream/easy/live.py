"""A dream is watched while it is made: a bar, in a notebook the picture so far, and an interrupt between two steps."""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from importlib import import_module
from time import monotonic
from typing import Any, Self

from ..dream.octaves import Size
from ..dream.watch import View, Watch
from ..dream.work import Work
from ..media.shown import as_jpeg
from ..net import Array
from ..picture import to_pixels

_EVERY = 3.0  # seconds between two pictures of one octave
_SHARE = 0.1  # of a dream's time that a preview takes


class Live(Watch):
    """A progress bar, in a notebook with the picture so far, until the block ends; a silent one only counts.

    In the block the first Ctrl-C ends the dream after the step that it comes in, which the record can say; a second one
    ends it at once.
    """

    def __init__(self, sizes: list[Size], iter_n: int, shown: bool) -> None:
        self._work = Work.of(sizes, iter_n)
        self._screen = _Screen.of_notebook() if shown else None
        in_notebook = self._screen is not None
        self._bar = _bar(self._work.whole, (False if in_notebook else None) if shown else True)
        self._due = monotonic() + _EVERY
        self._interrupts = 0
        self._handler: Any = None  # of Ctrl-C, outside the block

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._handler = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        self._bar.close()

    def _interrupt(self, *_: object) -> None:
        self._interrupts += 1
        if self.at_once:
            raise KeyboardInterrupt

    @property
    def at_once(self) -> bool:
        """Whether it was interrupted twice: then in the middle of a step, which no record can say."""
        return self._interrupts > 1

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count a step, show the picture if it is time to, and let an interrupt in."""
        self._bar.set_description_str(f"octave {octave + 1}/{len(self._work.pixels)}", refresh=False)
        self._bar.update(self._work.pixels[octave])
        if self._screen is not None and (iteration + 1 == self._work.iter_n or monotonic() >= self._due):
            self.show(image())
            self._due = monotonic() + _EVERY
        self.tile(1, 1)

    def tile(self, done: int, tiles: int) -> None:
        """Let an interrupt in, which costs the step."""
        if self._interrupts:
            raise KeyboardInterrupt

    def show(self, picture: Array) -> None:
        """Show a picture, where that can be."""
        if self._screen is not None:
            self._screen.show(picture)

    def clear(self) -> None:
        """Take the picture away, in the cell that it was made in: the dream itself is shown there."""
        if self._screen is not None:
            self._screen.clear()


class Preview(Watch):
    """The picture so far in the output of a notebook's cell: for the `watch` of `pydream.deepdream`, and what calls it.

    It shows every step, but takes at most a tenth of the time. Outside a notebook it does nothing.

    Examples
    --------
    >>> import numpy, pydream
    >>> net = pydream.load_net("squeezenet_v1.1")
    >>> params = {"octave_n": 1, "iter_n": 1, "watch": pydream.Preview()}
    >>> picture = pydream.deepdream(net, numpy.full((64, 64, 3), 128), **params)
    """

    def __init__(self) -> None:
        self._screen = _Screen.of_notebook()
        self._due = 0.0
        self._is_shown = False

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Show the picture, if it is time to."""
        if self._screen is not None and octave == iteration == 0:  # another dream, perhaps in another cell
            self._screen = self._screen.in_this_cell()
        self._is_shown = self._screen is not None and monotonic() >= self._due
        if self._is_shown:
            self._show(image)

    def octave(self, octave: int, base: View, image: View) -> None:
        """Show the picture at the end of an octave, unless its last step was shown."""
        if self._screen is not None and not self._is_shown:
            self._show(image)

    def _show(self, image: View) -> None:
        assert self._screen is not None
        begun = monotonic()
        self._screen.show(image())
        now = monotonic()
        self._due = now + (now - begun) / _SHARE


class _Screen:
    """A picture in the output of a notebook's cell, which is replaced by the next one."""

    def __init__(self, shell: Any) -> None:
        self._shell, self._cell = shell, shell.execution_count
        self._handle: Any = None

    @classmethod
    def of_notebook(cls) -> Self | None:
        """Return that of the cell that is run; None elsewhere."""
        ipython = sys.modules.get("IPython")  # only there, if it runs
        shell = ipython and ipython.get_ipython()
        return cls(shell) if hasattr(shell, "kernel") else None

    def in_this_cell(self) -> Self:
        """Return that of the cell that is run now."""
        return self if self._shell.execution_count == self._cell else type(self)(self._shell)

    def show(self, picture: Array) -> None:
        """Show a picture in place of the last one."""
        self._replace(_Frame(as_jpeg(to_pixels(picture))))

    def clear(self) -> None:
        """Show nothing, if the cell still runs."""
        if self._handle is not None and self._shell.execution_count == self._cell:
            self._replace(_Nothing())

    def _replace(self, shown: Any) -> None:
        if self._handle is None:
            self._handle = import_module("IPython.display").display(shown, display_id=True)
        else:
            self._handle.update(shown)


class _Frame:
    def __init__(self, jpeg: bytes) -> None:
        self._jpeg = jpeg

    def __repr__(self) -> str:
        return "<the dream so far>"

    def _repr_jpeg_(self) -> bytes:
        return self._jpeg


class _Nothing:
    def __repr__(self) -> str:
        return ""


def _bar(total: int, disable: bool | None) -> Any:
    """Return a bar: a widget in a notebook that has them, else a line; None: where that is a terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a notebook without widgets
        from tqdm.auto import tqdm

        return tqdm(total=total, unit="px", unit_scale=True, leave=False, dynamic_ncols=True, disable=disable)
