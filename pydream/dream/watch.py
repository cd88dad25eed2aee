"""A watch looks on while a dream grows: after each step, each octave, each tile."""

from __future__ import annotations

from collections.abc import Callable

from ..net import Array

View = Callable[[], Array]  # makes the picture when it is called: a watch that does not look costs nothing


class Watch:
    """Looks on, and does nothing; subclass it, and say what to do.

    A KeyboardInterrupt out of any of these ends the dream, which keeps what it has: see `DreamInterrupted`.
    """

    def step(self, octave: int, iteration: int, image: View) -> None:
        """See a step done.

        Parameters
        ----------
        octave, iteration : int
            Both counted from 0.
        image : callable
            Makes the octave so far, (h, w, 3) RGB as the notebook shows it: by `display_range` where the dream does not
            clip.
        """

    def octave(self, octave: int, base: View, image: View) -> None:
        """See an octave done.

        Parameters
        ----------
        octave : int
            Counted from 0, the smallest.
        base, image : callable
            Make the picture at the octave's size, and the dream into it: (h, w, 3) RGB, neither clipped nor scaled.
            ``image() - base()`` is the detail that goes on to the next octave.
        """

    def tile(self, done: int, tiles: int) -> None:
        """See a tile of a step done, where steps are made in several.

        The image is as it was until the last one is done: a KeyboardInterrupt here costs this step and no other.
        """
