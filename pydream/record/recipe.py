"""A recipe is all that decides a dream's pixels, beside the network and the pictures: following it makes the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from ..dream.bounds import MOST_FRAMES, whole_number
from ..dream.colors import Correlations
from ..dream.era import MODERN
from ..dream.images import MOST_STRETCH, as_shown, blended, noise
from ..dream.keyframes import LINEAR, Curve, Ease, WholeCurve
from ..dream.laplacian import MOST_LEVELS
from ..dream.light import Hold
from ..dream.maco import Magnitudes, check_magnitudes
from ..dream.notebook import DreamInterrupted, deepdream, dream_copies
from ..dream.objectives import Caricature, Objective, Score, Term, part_text
from ..dream.octaves import Size, check_by_hand, octave_sizes
from ..dream.params import check_params, find_ends
from ..dream.renderers import RENDERERS
from ..dream.retouch import (
    Decorrelate,
    DecorrelateColors,
    KeepColors,
    Laplacian,
    Mask,
    PullBack,
    Retouch,
    Robust,
    Smooth,
    TotalVariation,
)
from ..dream.spectrum import check_power
from ..dream.tutorial import NAIVE_COPIES, rendered_sizes, to_display
from ..dream.watch import View, Watch
from ..dream.work import Work
from ..dream.zoom import as_moves, as_octaves, as_share, as_steps, zoom_loop
from ..media import LONGEST_NOTE, resized
from ..net import Array, Net
from ..picture import Depth
from ..tiles.fitting import check_limit, choose_side
from .differences import Difference, changes

T = TypeVar("T")

RNG = "numpy.random.RandomState (MT19937)"  # what a seed is the seed of

Count = Annotated[int, msgspec.Meta(ge=1, le=10**9)]  # of steps or pixels; sums of it fit everywhere
MOST_SEED = 2**32 - 1
LEAST_TERM = 93  # characters that a term takes in a note and its command, beside names and numbers
MOST_TERMS = LONGEST_NOTE // LEAST_TERM  # of a score
DEEP_COPIES = 1  # arrays of the picture's size that a file of more than 8 bits is written with, at most
MOST_OTHERS = 8  # networks beside a dream's own
Other = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
MOST_SUMMED = 4096  # channels of one rendering, so that a picture's note can hold them


class Loop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which frame of a zoom loop this is, and how the loop moves: see `pydream.zoom_loop`.

    Of the step size, the number of octaves and the share of a blend the keyframes are here; a number is the recipe's.
    Keyframes of weights are in the recipe's objective.
    """

    frame: Annotated[int, msgspec.Meta(ge=0, lt=MOST_FRAMES)]
    scale: float | Curve
    rotate: float | Curve
    shift: tuple[float | Curve, float | Curve]
    ease: Ease = LINEAR
    step_size: Curve | None = None
    octave_n: WholeCurve | None = None
    blend: Curve | None = None
    hold: Hold | None = None

    def __post_init__(self) -> None:
        as_moves(**self.move)
        for each, check in ((self.step_size, as_steps), (self.octave_n, as_octaves), (self.blend, as_share)):
            if each is not None:
                check(each)

    @property
    def move(self) -> dict[str, Any]:
        """The keywords for `zoom_loop` and `move_at`."""
        return {name: getattr(self, name) for name in ("scale", "rotate", "shift", "ease")}

    @property
    def curves(self) -> dict[str, Curve]:
        """The keywords for `zoom_loop` that take the place of the recipe's numbers, as far as keyframes do."""
        found = {"step_size": self.step_size, "octave_n": self.octave_n, "blend": self.blend}
        return {name: curve for name, curve in found.items() if curve is not None}


class Rendering(msgspec.Struct, frozen=True, kw_only=True):
    """Which renderer, of which channels' mean, and with how many levels or what power: `pydream.dream.renderers`."""

    renderer: Literal["naive", "multiscale", "lapnorm", "deepdream", "decorrelated", "maco"]
    channels: Annotated[tuple[int, ...], msgspec.Meta(max_length=MOST_SUMMED)] | None = None
    lap_n: int | None = None
    power: float | None = None
    magnitudes: Magnitudes | None = None

    def __post_init__(self) -> None:
        if self.lap_n is not None:
            whole_number("lap_n", self.lap_n, 0, MOST_LEVELS)
        if self.power is not None:
            check_power(self.power)
        if self.magnitudes is not None:
            check_magnitudes(self.magnitudes)

    @property
    def whole(self) -> bool:
        """Whether the network sees the whole picture at once, and not the tutorial's tiles of it."""
        return self.renderer in ("naive", "maco")


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What `follow` follows.

    What can be read in a file is bounded by what a dream can be; the bounds are those of `deepdream`.

    Attributes
    ----------
    end : str
        The layer; of several the first.
    objective : tuple of Term, optional
        Those of the `Score` that is the objective, if that is not the notebook's. With a guide, the layers that it
        takes up and their weights, if they are not `end` alone.
    caricature : float, optional
        The power of the `Caricature` that is the objective, of the whole layer `end`.
    invert : bool
        Whether the guide's activations themselves are dreamt, by the `Inversion` of the guide.
    also : tuple of str
        What other networks add to the gradient: each MODEL:LAYER[:CHANNELS][@PLACE][=WEIGHT], for
        `pydream.dream.together`.
    iter_n, octave_n, octave_scale, step_size, jitter, clip, era, grid, backend, octave_sizes, seamless
        As for `pydream.deepdream`; of sizes by hand `octave_n` is the number.
    tile : int, optional
        As for `pydream.deepdream`. In float32 tiles are rounded otherwise than a picture in one run, so the side
        counts; in float64 they are not, and None lets every machine decide by itself.
    robust_scale, robust_rotate
        The ranges of the retouch `Robust`; both 0: without.
    smooth, laplacian, decorrelate, decorrelate_color, tv, pull_back, keep_colors
        The retouches of these names, in this order, with their one parameter; 0 or False: without. A mask is a picture,
        and no part of a recipe.
    color_correlations : (float, float, float), optional
        Those of `DecorrelateColors`; given, `decorrelate_color` need not be.
    size : (int, int), optional
        Height and width that the picture is resized to before the dream, by `pydream.media.resized`.
    blend : float
        Share of that picture in the result: ``dream + blend * (picture - dream)``, of a finished dream; in a loop of
        what each frame is dreamt on.
    depth : {None, 16, "float"}
        Of the numbers that the file has, by `pydream.picture.to_samples`; None: 8 bits.
    stretch : float
        Percentage for `pydream.dream.images.stretched`, which adjusts the contrast of what is shown; 0: the notebook's.
    seed : int
        Of the `RandomState` that draws noise, if the dream starts from that, and then the jitter.
    noise : (int, int), optional
        Height and width of the noise that the dream starts from.
    loop : Loop, optional
        For a frame of the zoom loop.
    rendering : Rendering, optional
        For a picture of the tutorial's renderers: `step_size` is their step, and parameters that they lack are ignored.
    steps : int, optional
        For a dream that was interrupted: after so many steps.

    Raises
    ------
    ValueError
        A value is out of its range.
    """

    end: str
    seed: Annotated[int, msgspec.Meta(ge=0, le=MOST_SEED)]
    objective: Annotated[tuple[Term, ...], msgspec.Meta(max_length=MOST_TERMS)] = ()
    caricature: float | None = None
    invert: bool = False
    also: Annotated[tuple[Other, ...], msgspec.Meta(max_length=MOST_OTHERS)] = ()
    iter_n: int = 10
    octave_n: int = 4
    octave_scale: float = 1.4
    step_size: float = 1.5
    jitter: int = 32
    clip: bool = True
    era: str = MODERN
    grid: float | None = None
    backend: str = "native"
    tile: int | None = None
    smooth: float = 0.0
    laplacian: int = 0
    tv: float = 0.0
    pull_back: float = 0.0
    keep_colors: bool = False
    decorrelate: float = 0.0
    decorrelate_color: bool = False
    color_correlations: Correlations | None = None
    robust_scale: float = 0.0
    robust_rotate: float = 0.0
    octave_sizes: tuple[tuple[Count, Count], ...] | None = None
    seamless: bool = False
    size: tuple[Count, Count] | None = None
    blend: float = 0.0
    stretch: Annotated[float, msgspec.Meta(ge=0, le=MOST_STRETCH)] = 0.0
    depth: Depth | None = None
    noise: tuple[Count, Count] | None = None
    loop: Loop | None = None
    rendering: Rendering | None = None
    steps: Count | None = None

    def __post_init__(self) -> None:
        names = ("iter_n", "octave_n", "octave_scale", "step_size", "jitter", "era", "grid", "tile")
        check_params(**{name: getattr(self, name) for name in names})
        self.retouches()
        check_by_hand(self.octave_sizes, self.octave_n)
        if self.seamless and (self.loop or self.rendering):
            raise ValueError("seamless: frames of a zoom loop, and pictures of a renderer, have edges that do not meet")
        if self.loop is None and any(isinstance(term.weight, Curve) for term in self.objective):
            raise ValueError("objective: a weight with keyframes, expected a number: it takes a zoom loop")
        if self.caricature is not None:
            Caricature(self.caricature)
            if self.objective:
                raise ValueError("caricature: it takes up a whole layer, without channels, places and weights")
        if not 0 <= self.blend <= 1:  # NaN included
            raise ValueError(f"blend: {self.blend}, expected a number from 0, the dream, to 1, the picture")

    @property
    def score(self) -> Score | None:
        """The objective, where it is not the notebook's; with a guide its layers and weights."""
        return Score(self.objective) if self.objective else None

    @property
    def dreams_with(self) -> str:
        """The layer, or the score in words, and what other networks add."""
        if self.rendering is not None:
            return f"{self.rendering.renderer} of {self.end}{part_text(self.rendering.channels or ())}"
        what = str(self.score or self.end)
        if self.caricature is not None:
            what = f"caricature of {self.end}"
        if self.invert:
            what = f"inversion at {what}"
        return " + ".join([what, *self.also])

    def differences(self, other: Recipe) -> Iterator[Difference]:
        """Name what differs in another recipe; of a loop how it moves, not which frame it is."""
        yield from changes(self, other, (name for name in self.__struct_fields__ if name != "loop"))
        if self.loop is not None and other.loop is not None:
            yield from changes(self.loop, other.loop, (name for name in Loop.__struct_fields__ if name != "frame"))
        else:
            yield from changes(self, other, ["loop"])

    @property
    def in_colors(self) -> bool:
        """Whether colours are decorrelated."""
        return self.decorrelate_color or self.color_correlations is not None

    def at(self, frame: int) -> Recipe:
        """Return the recipe of another frame of its loop, if it has one."""
        loop = self.loop and msgspec.structs.replace(self.loop, frame=frame)
        return msgspec.structs.replace(self, loop=loop)

    def retouches(self, mask: Mask | None = None) -> list[Retouch]:
        """Return what is done beside climbing; the mask comes last, so that nothing gets past it."""
        found = [
            *([Robust(self.robust_scale, self.robust_rotate)] if self.robust_scale or self.robust_rotate else []),
            *([Smooth(self.smooth)] if self.smooth else []),
            *([Laplacian(self.laplacian)] if self.laplacian else []),
            *([Decorrelate(self.decorrelate)] if self.decorrelate else []),
            *([DecorrelateColors(self.color_correlations)] if self.in_colors else []),
            *([TotalVariation(self.tv)] if self.tv else []),
            *([PullBack(self.pull_back)] if self.pull_back else []),
            *([KeepColors()] if self.keep_colors else []),
            *([mask] if mask is not None else []),
        ]
        return [each.seamless() for each in found] if self.seamless else found

    def dream_params(
        self, objective: Objective | None = None, retouches: Sequence[Retouch] | None = None
    ) -> dict[str, Any]:
        """Return the keywords for `deepdream`; `objective` is a guide's, `retouches` are those with a mask."""
        names = "iter_n octave_n octave_scale step_size jitter clip era grid backend tile octave_sizes seamless"
        params = {name: getattr(self, name) for name in names.split()}
        params["retouches"] = self.retouches() if retouches is None else retouches
        if self.score is not None and objective is None:
            return {**params, "objective": self.score}
        params["end"] = self.end if self.score is None else self.score.ends
        if self.caricature is not None:
            objective = Caricature(self.caricature)
        return params if objective is None else {**params, "objective": objective}

    def loop_params(
        self, objective: Objective | None = None, retouches: Sequence[Retouch] | None = None
    ) -> dict[str, Any]:
        """Return the keywords for `zoom_loop`; see `dream_params`."""
        if self.loop is None:
            raise ValueError("the recipe has no loop")
        params = {**self.dream_params(objective, retouches), "blend": self.blend, "hold": self.loop.hold}
        return {**params, **self.loop.move, **self.loop.curves}

    def render_params(self) -> dict[str, Any]:
        """Return the keywords for the renderer."""
        if self.rendering is None:
            raise ValueError("the recipe has no renderer")
        params: dict[str, Any] = {"iter_n": self.iter_n, "step": self.step_size}
        if self.rendering.whole:
            params["tile"] = self.tile
        else:
            params |= {"octave_n": self.octave_n, "octave_scale": self.octave_scale}
        if self.rendering.renderer == "lapnorm" and self.rendering.lap_n is not None:
            params["lap_n"] = self.rendering.lap_n
        if self.rendering.renderer == "decorrelated":
            params |= {"robust_scale": self.robust_scale, "robust_rotate": self.robust_rotate}
        if self.rendering.power is not None:
            params["power"] = self.rendering.power
        if self.rendering.magnitudes is not None:
            params["magnitudes"] = self.rendering.magnitudes
        return params

    def sizes(self, height: int, width: int) -> list[Size]:
        """Return the sizes of the octaves of a picture of that size; the first is the largest, the dream's."""
        if self.rendering is not None:
            return rendered_sizes(self.rendering.renderer, height, width, self.octave_n, self.octave_scale)
        octaves = self.octave_n if self.loop is None else self._octaves_at(self.loop.frame)
        return octave_sizes(height, width, octaves, self.octave_scale, self.era, self.octave_sizes, self.seamless)

    def by_octaves(self, frames: Sequence[int], make: Callable[[Recipe], T]) -> list[T]:
        """Make something of the recipe at frames of its loop: once of those that have the same number of octaves."""
        made: dict[int, T] = {}
        octaves = [self._octaves_at(frame) for frame in frames]
        for frame, count in zip(frames, octaves, strict=True):
            if count not in made:
                made[count] = make(self.at(frame))
        return [made[count] for count in octaves]

    def _octaves_at(self, frame: int) -> int:
        curve = None if self.loop is None else self.loop.octave_n
        return self.octave_n if self.loop is None or curve is None else curve.at(frame, self.loop.ease)

    def work(self, height: int, width: int) -> int:
        """Return how many pixels the steps go over at most, all together, in a dream on a picture of that size."""
        frames, sizes = 1, self.sizes(height, width)
        if self.loop is not None:
            frames = self.loop.frame + 1
            if self.loop.octave_n is not None:
                sizes = octave_sizes(height, width, self.loop.octave_n.largest, self.octave_scale, self.era)
        whole = frames * Work.of(sizes, self.iter_n).whole
        return whole if self.steps is None else min(whole, self.steps * height * width)

    def start(self, picture: ArrayLike | None) -> tuple[Array, np.random.RandomState]:
        """Return what the dream starts from, the picture in its size or noise, and the random state for the dream."""
        rng = np.random.RandomState(self.seed)
        if picture is None and self.noise is not None:
            return noise(*self.noise, rng), rng
        found = np.asarray(picture)
        return (found if self.size is None else resized(found, self.size)), rng

    def shown(self, dream: Array, picture: ArrayLike | None = None) -> Array:
        """Return a dream as it is shown: see `pydream.dream.images.as_shown`; a rendering as the tutorial does.

        `picture` is what `blend` mixes it with, as for `start`.
        """
        if self.rendering is not None:
            return to_display(self.rendering.renderer, dream)
        dream = as_shown(dream, self.clip, self.stretch)
        if not self.blend or self.loop is not None:
            return dream
        return blended(dream, self.start(picture)[0], self.blend)


DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Recipe)}


def choose_tile(
    recipe: Recipe,
    net: Net,
    height: int,
    width: int,
    tile: int | None = None,
    memory: int | None = None,
    retouches: Sequence[Retouch] | None = None,
    copies: float = 0,
) -> int:
    """Decide on the side of the tiles for a recipe, 0 for none: see `pydream.tiles.fitting.choose_side`.

    Parameters
    ----------
    recipe : Recipe
    net : Net
    height, width : int
        Of the picture, in pixels.
    tile : int, optional
        The side, if it is decided already.
    memory : int, optional
    retouches : sequence of Retouch, optional
        None: the recipe's, without a mask.
    copies : float
        Arrays of the picture's size that the caller keeps beside a dream's own.

    Raises
    ------
    MemoryTooSmallError
        Where `memory`, or a limit on the process, is too little.
    """
    if recipe.rendering is not None and not recipe.rendering.whole:
        return 0
    touched = recipe.retouches() if retouches is None else retouches
    copies += DEEP_COPIES if recipe.depth else 0
    clip = recipe.clip and not recipe.stretch
    copies += NAIVE_COPIES if recipe.rendering else dream_copies(touched, clip, recipe.seamless)
    ends = find_ends(net, recipe.end if recipe.score is None else None, recipe.score)
    side = choose_side(net, ends, height, width, memory, copies, recipe.seamless) if tile is None else tile
    check_limit(net, ends, height, width, side, copies, recipe.seamless)
    return side


def follow(
    recipe: Recipe,
    net: Net,
    picture: ArrayLike | None,
    objective: Objective | None = None,
    *,
    retouches: Sequence[Retouch] | None = None,
    watch: Watch | None = None,
) -> Array:
    """Dream as a recipe says.

    Parameters
    ----------
    recipe : Recipe
    net : Net
    picture : (H, W, 3) array_like or None
        What the dream starts from; None where the recipe says noise.
    objective : callable, optional
        In place of `objective_L2`: a guide is no part of a recipe.
    retouches : sequence of Retouch, optional
        ``recipe.retouches(mask)`` with a mask, which is no part of a recipe either; None: the recipe's own.
    watch : Watch, optional
        As for `deepdream`; a rendering has no `octave`, and `tile` where it has tiles.

    Returns
    -------
    (H, W, 3) array
        Float, RGB, as it is shown: see `Recipe.shown`.

    Raises
    ------
    DreamInterrupted
        On Ctrl-C.
    ValueError, ShapeError, UnknownNameError, ZeroGradientError
        As `deepdream`.
    """
    start, rng = recipe.start(picture)
    watch = watch or Watch()
    if recipe.steps is not None:
        watch = _Interrupting(recipe.steps, watch)
    try:
        if recipe.rendering is not None:
            render, of = RENDERERS[recipe.rendering.renderer], recipe.rendering.channels
            dream = render(net, recipe.end, of, start, rng=rng, watch=watch, **recipe.render_params())
        elif recipe.loop is None:
            dream = deepdream(net, start, rng=rng, watch=watch, **recipe.dream_params(objective, retouches))
        else:
            params = recipe.loop_params(objective, retouches)
            frames = zoom_loop(net, start, frames=recipe.loop.frame + 1, rng=rng, watch=watch, **params)
            dream = deque(frames, maxlen=1).pop()  # the last
    except DreamInterrupted as interrupted:
        if interrupted.steps != recipe.steps:
            raise
        dream = interrupted.image
    return recipe.shown(dream, picture)


class _Interrupting(Watch):
    """Another watch, until a Ctrl-C after so many steps."""

    def __init__(self, steps: int, watch: Watch) -> None:
        self._left = steps
        self._watch = watch
        self.octave = watch.octave  # type: ignore[method-assign]
        self.tile = watch.tile  # type: ignore[method-assign]

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count down."""
        self._watch.step(octave, iteration, image)
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt
