"""A watch is an observer of a dream: called after each step, each octave, each tile."""

from __future__ import annotations

from collections.abc import Callable

from ..net import Array

View = Callable[[], Array]  # makes a picture when called: a watch that needs none costs nothing


class Watch:
    """An observer that does nothing; subclasses override its methods.

    A KeyboardInterrupt raised by any of them ends the dream, which keeps what was done: see `DreamInterrupted`.

    A picture has to be made, if at all, before the method returns.
    """

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Handle the end of a step.

        Parameters
        ----------
        octave, iteration : int
            Both counted from 0.
        image : callable
            Makes the picture so far at the octave's size, (h, w, 3) RGB as the notebook shows it: by `display_range` if
            the dream does not clip.
        """

    def octave(self, octave: int, base: View, image: View) -> None:
        """Handle the end of an octave.

        Parameters
        ----------
        octave : int
            Counted from 0, the smallest.
        base, image : callable
            Make the input picture and the dream at the octave's size: (h, w, 3) RGB, neither clipped nor scaled.
            ``image() - base()`` is the detail that the next octave starts with.
        """

    def tile(self, done: int, tiles: int) -> None:
        """Handle the end of a tile, in a step of several tiles.

        The image does not change until the last one is done: a KeyboardInterrupt here loses this step and no other.
        """
