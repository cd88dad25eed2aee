"""The loop of a dream, written once more and plainly, so that each of its parts can be done wrong.

A port whose dream is that of one of these gets its name in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..dream.images import deprocess, preprocess
from ..dream.octaves import octave_sizes
from ..imageops import numpy_ops
from ..net import Net
from .report import Array


class Loop:
    """The loop as it should be. A mistake is a subclass that replaces a part; images are (3, H, W).

    Parameters
    ----------
    net : Net
    parameters : dict
        `end`, `octave_n`, `octave_scale`, `iter_n`, `step_size`, as `deepdream` takes them.
    shifts : (steps, 2) array
        (ox, oy) of each step.
    """

    def __init__(self, net: Net, parameters: dict[str, Any], shifts: Array) -> None:
        self.net, self.shifts = net, shifts
        self.end, self.step_size = parameters["end"], parameters["step_size"]
        self.octave_n, self.octave_scale = parameters["octave_n"], parameters["octave_scale"]
        self.iter_n = parameters["iter_n"]
        self.low, self.high = -net.mean, 255 - net.mean

    def dream(self, picture: Array) -> dict[str, Array]:
        """Return what the vectors have of a dream on an (H, W, 3) picture: `step_rms`, `dream` and `saved`."""
        bases = self.bases(self.image(picture))
        order = list(self.order(len(bases)))
        image, detail = bases[order[0]], np.zeros_like(bases[order[0]])
        done, levels = 0, []
        for octave in order:
            base = bases[octave]
            image = self.start(base, detail, image)
            for i in range(self.iter_n):
                ox, oy = self.shift(done, i)
                image = self.step(image, ox, oy)
                levels.append(float(np.sqrt(np.mean(image**2))))
                done += 1
            detail = image - base
        dream = deprocess(self.net, image)
        return {"step_rms": np.array(levels), "dream": dream, "saved": self.save(dream)}

    def image(self, picture: Array) -> Array:
        """Return the image of a picture."""
        return preprocess(self.net, picture)

    def sizes(self, image: Array) -> list[tuple[int, int]]:
        """Return the sizes of the octaves, the largest first."""
        _, height, width = image.shape
        return octave_sizes(height, width, self.octave_n, self.octave_scale)

    def bases(self, image: Array) -> list[Array]:
        """Return the image at each octave, the largest first."""
        bases = [image]
        for height, width in self.sizes(image)[1:]:
            bases.append(numpy_ops.zoom(bases[-1], height, width))
        return bases

    def order(self, octaves: int) -> Iterator[int]:
        """Yield the octaves as they are dreamt."""
        return reversed(range(octaves))

    def start(self, base: Array, detail: Array, image: Array) -> Array:
        """Return what an octave starts with: its base, and what the octaves before it have drawn."""
        started: Array = base + numpy_ops.zoom(detail, *base.shape[1:])
        return started

    def shift(self, done: int, iteration: int) -> tuple[int, int]:
        """Return (ox, oy) of a step."""
        ox, oy = self.shifts[done]
        return int(ox), int(oy)

    def step(self, image: Array, ox: int, oy: int) -> Array:
        """Return the image after a step."""
        image = numpy_ops.roll(image, ox, oy)
        image = image + self.change(self.gradient(image))
        return self.clip(numpy_ops.roll(image, -ox, -oy))

    def gradient(self, image: Array) -> Array:
        """Return the objective's gradient at the image."""
        net = self.net
        net.resize(*image.shape[1:])
        net.image.data[0] = image
        net.forward(end=self.end)
        blob = net.blobs[self.end]
        blob.diff[...] = self.seed(blob.data)
        net.backward(start=self.end)
        gradient: Array = net.image.diff[0].copy()
        return gradient

    def seed(self, activations: Array) -> Array:
        """Return the gradient at the layer."""
        return activations

    def change(self, g: Array) -> Array:
        """Return what a step adds."""
        change: Array = self.step_size / np.abs(g).mean() * g
        return change

    def clip(self, image: Array) -> Array:
        """Return the image within 0..255, the mean taken off."""
        clipped: Array = np.clip(image, self.low, self.high)
        return clipped

    def save(self, dream: Array) -> Array:
        """Return 8 bits."""
        saved: Array = np.clip(dream, 0, 255).astype(np.uint8)
        return saved


def _with(**parts: Callable[..., Any]) -> type[Loop]:
    return type("Mistaken", (Loop,), parts)


def _unchained(self: Loop, image: Array) -> list[Array]:
    return [numpy_ops.zoom(image, *size) for size in self.sizes(image)]


def _unrolled(self: Loop, image: Array, ox: int, oy: int) -> Array:
    rolled = numpy_ops.roll(image, ox, oy) + self.change(self.gradient(image))
    return self.clip(numpy_ops.roll(rolled, -ox, -oy))


def _left_rolled(self: Loop, image: Array, ox: int, oy: int) -> Array:
    image = numpy_ops.roll(image, ox, oy)
    return self.clip(image + self.change(self.gradient(image)))


WRONG_DREAMS: dict[str, type[Loop]] = {
    "octaves were each made of the picture, not of the one before": _with(bases=_unchained),
    "the largest octave came first": _with(order=lambda self, octaves: iter(range(octaves))),
    "the detail of the smaller octaves were forgotten": _with(start=lambda self, base, detail, image: base),
    "the image were enlarged from octave to octave, not its detail": _with(
        start=lambda self, base, detail, image: numpy_ops.zoom(image, *base.shape[1:])
    ),
    "the shifts began anew with each octave": _with(shift=lambda self, done, i: tuple(map(int, self.shifts[i]))),
    "ox and oy were swapped: the first draw is the shift to the right": _with(
        shift=lambda self, done, i: tuple(map(int, self.shifts[done][::-1]))
    ),
    "it rolled the other way": _with(shift=lambda self, done, i: tuple(map(int, -self.shifts[done]))),
    "there were no jitter": _with(shift=lambda self, done, i: (0, 0)),
    "the network saw the image that is not rolled": _with(step=_unrolled),
    "the image were not rolled back": _with(step=_left_rolled),
    "the gradient at the layer were 1, not its activations": _with(seed=lambda self, y: np.ones_like(y)),
    "it went down the gradient": _with(change=lambda self, g: -self.step_size / np.abs(g).mean() * g),
    "the step were divided by the standard deviation": _with(change=lambda self, g: self.step_size / g.std() * g),
    "the step were divided by the largest value": _with(change=lambda self, g: self.step_size / np.abs(g).max() * g),
    "each channel had a mean of its own": _with(
        change=lambda self, g: self.step_size / np.abs(g).mean((1, 2), keepdims=True) * g
    ),
    "the step size were 1": _with(change=lambda self, g: g / np.abs(g).mean()),
    "it did not clip": _with(clip=lambda self, image: image),
    "it clipped to 0..255: the image is minus the mean": _with(clip=lambda self, image: np.clip(image, 0, 255)),
    "pixels were 0..1": _with(
        image=lambda self, picture: (preprocess(self.net, picture) + self.net.mean) / 255 - self.net.mean
    ),
    "fractions were rounded, not dropped": _with(save=lambda self, dream: np.rint(np.clip(dream, 0, 255))),
    "the saved picture were BGR": _with(save=lambda self, dream: np.clip(dream, 0, 255).astype(np.uint8)[..., ::-1]),
}
