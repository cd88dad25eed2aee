"""The notebook's four results: three dreams, and a zoom into the first. `make` makes one and measures its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..bench.clock import TimedNet
from ..dream.notebook import DreamInterrupted, deepdream
from ..dream.objectives import objective_guide
from ..dream.watch import View, Watch
from ..dream.zoom import zoom_loop
from ..errors import UnknownNameError
from ..media.page import small
from ..net import Array, Net
from ..picture import Picture, to_pixels
from ..record.provenance import pixels_sha256
from ..record.recipe import Loop, Recipe

FRAMES = 30  # the notebook made a hundred, and shows frame 29
SCALE = 0.05  # its loop's

# In the exact mode the loop's dreams are rounded to multiples of this after every step. After a dream at full size,
# machines differ by up to 4e-5 of a level, which the second frame would show. After one step they differ by 1e-9 in
# total, summed over the picture: not one step in ten million has a value so near to the middle between two multiples.
GRID = 1 / 64

# Dreams are not rounded, since Caffe's is not: at full size a value so near to the border between two levels may be on
# its other side on another machine. Measured: 4e-5 at most.
BORDER = 1e-4

THUMBNAIL = 320  # longest side of a frame on the page, in pixels


@dataclass(frozen=True)
class Result:
    """One of the notebook's results.

    Attributes
    ----------
    key : str
        Its name on the command line.
    title : str
    line : str
        The notebook's line of code.
    guided, loop : bool
        Whether it uses a guide picture, or the zoom loop.
    """

    key: str
    title: str
    line: str
    guided: bool = False
    loop: bool = False


RESULTS = {
    result.key: result
    for result in (
        Result("4c", "The dream", "deepdream(net, img)"),
        Result("5x5_reduce", "A lower layer", "deepdream(net, img, end='inception_3b/5x5_reduce')"),
        Result(
            "guided",
            "Guided by flowers",
            "deepdream(net, img, end='inception_3b/output', objective=objective_guide)",
            guided=True,
        ),
        Result(
            "zoom",
            "Into the dream",
            "frame = deepdream(net, frame); frame = nd.affine_transform(frame, [1-s,1-s,1], [h*s/2,w*s/2,0], order=1)",
            loop=True,
        ),
    )
}

# Network → result → layer. Other networks' layers correspond to GoogLeNet's: at a similar depth, and for "5x5_reduce"
# also a convolution that is read before its ReLU.
GOOGLENET = {"4c": "inception_4c/output", "5x5_reduce": "inception_3b/5x5_reduce", "guided": "inception_3b/output"}
LAYERS = {
    "bvlc_googlenet": GOOGLENET,
    "squeezenet_v1.1": {"4c": "fire8/concat", "5x5_reduce": "fire5/squeeze1x1", "guided": "fire5/concat"},
    "bvlc_alexnet": {"4c": "conv4", "5x5_reduce": "conv2", "guided": "pool2"},
}


def layer_for(net: Net, key: str) -> str:
    """Return the layer of a result: GoogLeNet's, or the one that corresponds to it.

    Parameters
    ----------
    net : Net
    key : str
        Key of `RESULTS`; the loop uses the first result's layer.

    Raises
    ------
    UnknownNameError
        For a network that is not in `LAYERS` and has no layer of that name.
    """
    key = "4c" if RESULTS[key].loop else key
    layer = LAYERS.get(net.name, GOOGLENET)[key]
    if layer not in net.blobs:
        raise UnknownNameError(f"{net.name} has no {layer!r}; name a layer for it: --layer {key} NAME")
    return layer


def example(name: str) -> Path:
    """Return the path of a picture of pydream's: beside the package in a checkout, inside it where it is installed."""
    package = Path(__file__).resolve().parents[1]
    inside, beside = package / "examples" / name, package.parent / "examples" / name
    return inside if inside.is_file() else beside


@dataclass(frozen=True)
class Snapshot:
    """An octave's result, or a frame of the loop.

    Attributes
    ----------
    sha256 : str
        Hash of its 8-bit pixels.
    picture : (h, w, 3) uint8 array
        An octave at its size; a frame made small.
    """

    sha256: str
    picture: Picture


@dataclass
class Reproduction:
    """A result that `make` made.

    Attributes
    ----------
    result : Result
    recipe : Recipe
        Followed to the end, unless `interrupted`.
    picture : (H, W, 3) uint8 array
        The dream, or the frame of a loop to show.
    snapshots : list of Snapshot
        The octaves that were finished, the smallest first; or the frames.
    steps, steps_wanted : int
    seconds, network_seconds : float
        Total time, and the part in the network's passes.
    interrupted : bool
        Whether Ctrl-C ended it.
    borders : dict of int to int
        Index into a dream's pixels → level, where a value is within `BORDER` of another level.
    """

    result: Result
    recipe: Recipe
    picture: Picture
    snapshots: list[Snapshot]
    steps: int
    steps_wanted: int
    seconds: float
    network_seconds: float
    interrupted: bool = False
    borders: dict[int, int] = field(default_factory=dict)

    @property
    def hashes(self) -> list[str]:
        """The hashes of the snapshots."""
        return [snapshot.sha256 for snapshot in self.snapshots]

    @property
    def shown(self) -> int:
        """The number of the loop's frame in `picture`: the one that the notebook shows, or the last."""
        return min(FRAMES, len(self.snapshots)) - 1


def recipe_for(result: Result, layer: str, *, exact: bool, frames: int, **params: Any) -> Recipe:
    """Return the recipe of a result: the notebook's parameters, except those in `params`."""
    loop = Loop(frame=frames - 1, scale=SCALE, rotate=0.0, shift=(0.0, 0.0)) if result.loop else None
    return Recipe(end=layer, loop=loop, grid=GRID if exact and result.loop else None, **params)


def make(
    net: Net,
    result: Result,
    recipe: Recipe,
    sky: Picture,
    guide: Picture | None = None,
    watch: Watch | None = None,
    on_frame: Callable[[int, Picture], None] | None = None,
) -> Reproduction:
    """Make one result, with a `RandomState` of its own.

    Parameters
    ----------
    net : Net
    result : Result
    recipe : Recipe
        As `recipe_for` returns it.
    sky : (H, W, 3) uint8 array
        The input picture.
    guide : (h, w, 3) uint8 array, optional
        For a guided result.
    watch : Watch, optional
        As for `deepdream`, for every frame of a loop.
    on_frame : callable, optional
        ``on_frame(number, pixels)`` for every frame of a loop, counted from 0. Its time is not counted.

    Returns
    -------
    Reproduction
        After Ctrl-C, as far as it was made.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C before there is anything to show.
    """
    run = _Run(TimedNet(net), recipe, watch or Watch(), on_frame)
    try:
        if result.loop:
            run.loop(sky)
        else:
            run.dream(sky, guide)
    except KeyboardInterrupt as interrupt:
        if run.picture is None and isinstance(interrupt, DreamInterrupted) and interrupt.steps and not result.loop:
            run.picture = to_pixels(interrupt.image)
        if run.picture is None:
            raise
        interrupted = True
    else:
        interrupted = False
    assert run.picture is not None
    frames = 1 if recipe.loop is None else recipe.loop.frame + 1
    return Reproduction(
        result=result,
        recipe=recipe,
        picture=run.picture,
        snapshots=run.snapshots,
        steps=run.steps,
        steps_wanted=recipe.octave_n * recipe.iter_n * frames,
        seconds=run.seconds,
        network_seconds=run.net.seconds,
        interrupted=interrupted,
        borders=run.borders,
    )


class _Run(Watch):
    """One result while it is made."""

    def __init__(
        self, net: TimedNet, recipe: Recipe, watch: Watch, on_frame: Callable[[int, Picture], None] | None
    ) -> None:
        self.net = net
        self.picture: Picture | None = None
        self.snapshots: list[Snapshot] = []
        self.borders: dict[int, int] = {}
        self.steps = 0
        self.seconds = 0.0
        self._recipe = recipe
        self._watch = watch
        self.tile = watch.tile  # type: ignore[method-assign]
        self._octaves: list[Picture] = []
        self._on_frame = on_frame
        self._rng = np.random.RandomState(recipe.seed)

    def dream(self, sky: Picture, guide: Picture | None) -> None:
        """Dream, and keep the picture at the end of each octave."""
        try:
            with self._clock():
                objective = None if guide is None else objective_guide(self.net, guide, self._recipe.end)
                params = self._recipe.dream_params(objective)
                dream = deepdream(self.net, sky, rng=self._rng, watch=self, **params)
            self.picture = to_pixels(dream)
            self.borders = borders(dream)
        finally:
            self.snapshots += [Snapshot(pixels_sha256(pixels), pixels) for pixels in self._octaves]

    def loop(self, sky: Picture) -> None:
        """Make the frames, and keep the one to show."""
        assert self._recipe.loop is not None
        number = self._recipe.loop.frame + 1
        params = {**self._recipe.loop.move, **self._recipe.dream_params()}
        frames = zoom_loop(self.net, sky, frames=number, rng=self._rng, watch=self, **params)
        for i in range(number):
            with self._clock():
                pixels = to_pixels(next(frames))
            if self._on_frame is not None:
                self._on_frame(i, pixels)  # first: a frame that Ctrl-C kept from being written does not count
            if i < FRAMES:
                self.picture = pixels
            self.snapshots.append(Snapshot(pixels_sha256(pixels), small(pixels, THUMBNAIL)))

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count a step, and keep what an octave of a single dream ends with."""
        if self._recipe.loop is None and iteration + 1 == self._recipe.iter_n:
            self._octaves.append(to_pixels(image()))
        self.steps += 1
        self._watch.step(octave, iteration, image)

    @contextmanager
    def _clock(self) -> Iterator[None]:
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds += perf_counter() - start


def borders(dream: Array) -> dict[int, int]:
    """Find the values within `BORDER` of another level, without those that were clipped, which do not move."""
    near = (np.abs(dream - np.rint(dream)) < BORDER) & (dream > 0.5) & (dream < 255)
    return {int(index): int(dream.flat[index]) for index in np.flatnonzero(near)}
