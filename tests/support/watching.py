"""A watch made of functions, which are given arrays."""

from pydream import Watch


class watching(Watch):
    def __init__(self, step=None, octave=None, tile=None):
        self._step, self._octave, self._tile = step, octave, tile

    def step(self, octave, iteration, image):
        if self._step:
            self._step(octave, iteration, image())

    def octave(self, octave, base, image):
        if self._octave:
            self._octave(octave, base(), image())

    def tile(self, done, tiles):
        if self._tile:
            self._tile(done, tiles)
