"""The watch of a dream in the studio: how far it is, the picture so far, and whether it is to stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import numpy as np
from PIL import Image

from ...dream.watch import View, Watch
from ...dream.work import Work
from ...media import FORMATS, encode_image
from ...net import Array
from ...picture import to_pixels
from .task import Task

SHOWN = 1280  # pixels of the longer side of what a page shows
_EVERY = 0.2  # seconds between two previews, at least,
_SHARE = 60  # and this times what the last one took
_OFTEN = 0.1  # seconds between two reports of progress
_JPEG = FORMATS["jpeg"]._replace(options={"quality": 85})


class Previews(Watch):
    """What a page sees of dreams, one after the other.

    Parameters
    ----------
    task : Task
    dreams : sequence of Work
        The steps of each dream.
    what : callable, optional
        The number of a dream, from 0 → what is made, in words.
    """

    def __init__(self, task: Task[Any], dreams: Sequence[Work], what: Callable[[int], str] | None = None) -> None:
        self._task, self._dreams, self._what = task, dreams, what
        self._number = self._before = self._step = 0  # the dream, and the pixels and steps of those before it
        self._done = 0  # pixels, of all of them
        self._whole, self._steps = sum(each.whole for each in dreams), sum(each.steps for each in dreams)
        self._timed: tuple[float, int] | None = (
            None  # the time after the first step, which takes longer, and its pixels
        )
        self._reported = self._due = 0.0

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Report a step, show the picture if it is time to, and stop if that is wanted."""
        dream = self._dreams[self._number]
        self._step += 1
        done = self._before + dream.done(octave, iteration + 1)
        self._report(done, last=octave + 1 == len(dream.pixels) and iteration + 1 == dream.iter_n)
        if monotonic() >= self._due:
            self.show(image)
        self._task.check()

    def tile(self, done: int, tiles: int) -> None:
        """Stop if that is wanted, which costs the step."""
        self._task.check()

    def passed(self, number: int) -> None:
        """Go to where so many dreams are over, however they ended."""
        self._before = sum(each.whole for each in self._dreams[:number])
        self._step = sum(each.steps for each in self._dreams[:number])
        self._number = number
        if self._done != self._before:  # some were not made here
            self._timed = None
        self._report(self._before, last=True)
        self._task.check()

    def show(self, image: View) -> None:
        """Show a picture, between two steps: a thread beside the dream would take its time from the dream's own two."""
        begun = monotonic()
        jpeg, width, height = preview(image())
        self._task.preview(width, height, jpeg)
        self._due = begun + max(_EVERY, _SHARE * (monotonic() - begun))

    def _report(self, done: int, last: bool) -> None:
        now, self._done = monotonic(), done
        if self._timed is None:
            self._timed = now, done
        if now < self._reported + _OFTEN and not last:
            return
        self._reported = now
        since, before = self._timed
        left = None if done == before else (now - since) / (done - before) * (self._whole - done)
        what = None if self._what is None or self._number == len(self._dreams) else self._what(self._number)
        self._task.progress(self._step, self._steps, left, what)


def preview(picture: Array) -> tuple[bytes, int, int]:
    """Return a picture as a page shows it while it grows: a JPEG file, its width and its height."""
    pixels = to_pixels(picture)
    if (times := -(-max(pixels.shape) // SHOWN)) > 1:
        pixels = np.asarray(Image.fromarray(pixels).reduce(times))
    height, width = pixels.shape[:2]
    return bytes(encode_image(pixels, _JPEG)), width, height
