"""The notebook, in its order and with its names: a step up the gradient, and steps at growing sizes."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from functools import partial
from traceback import clear_frames
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import imageops, logs
from ..errors import ShapeError, ZeroGradientError
from ..imageops.torus import TorusOps
from ..media.shown import as_png
from ..net import Array, Net, in_one_thread
from ..picture import to_pixels
from ..tiles.fitting import fit
from ..tiles.net import tiled
from ..tiles.torus import on_torus
from .era import MODERN
from .images import deprocess, display_range
from .likeness import at_octave, at_step
from .objectives import Objective, Score, objective_L2
from .octaves import Bases, Size
from .octaves import octave_sizes as sizes_of
from .params import End, check_params, find_ends
from .retouch import Retouch, ascend, finish
from .watch import Watch

STEP_SIZE, JITTER = 1.5, 32  # of the notebook


class DreamInterrupted(KeyboardInterrupt):
    """Ctrl-C during a dream.

    Attributes
    ----------
    image : (H, W, 3) array
        The dream so far, at full size: float, RGB, unclipped.
    steps : int
        How many steps were done.
    """

    def __init__(self, image: Array, steps: int) -> None:
        super().__init__(f"interrupted after {steps} steps; the dream so far is in .image of this exception")
        self.image = image
        self.steps = steps

    def _repr_png_(self) -> bytes:
        return as_png(to_pixels(self.image))

    def _render_traceback_(self) -> list[str]:
        """Show the dream so far in a notebook, where nothing caught this, and return what stands there as its text."""
        if (ipython := sys.modules.get("IPython")) is not None:  # it is IPython that asks
            ipython.display.display(self)
        return [f"DreamInterrupted: after {self.steps} steps; the dream so far is sys.last_value.image"]


@in_one_thread
def make_step(
    net: Net,
    step_size: float = STEP_SIZE,
    end: End | None = None,
    jitter: int = JITTER,
    clip: bool = True,
    objective: Objective = objective_L2,
    *,
    rng: np.random.RandomState | None = None,
    retouches: Sequence[Retouch] = (),
    backend: str | ModuleType = "native",
) -> None:
    """Take one step of gradient ascent on the image in ``net.image.data[0]``, in place.

    Jitter, forward, objective, backward, ``src += step_size / mean|g| * g``, shift back, clip: the order of the
    notebook, each rounding where NumPy rounds.

    Parameters
    ----------
    net : Net
    step_size : float
        Mean absolute change of a pixel, in levels of 0..255; at most `LARGEST_STEP`. Below 0 the step goes down the
        gradient: the layer sees less of what it sees.
    end : str or sequence of str, optional
        The layer to dream with, or several at once. None: the layers of `objective` if it is a `Score`, else the
        network's default, ``"inception_4c/output"`` where it exists.
    jitter : int
        Maximum random shift along each axis, in pixels; at most `LARGEST_JITTER`.
    clip : bool
        Whether to keep the pixels within 0..255.
    objective : callable
        Receives the blob of each layer in `end` and writes its ``diff``: one of `pydream.objectives`, or your own.
        While it runs, ``net.image.data`` is the image unshifted, where the notebook has it shifted.
    rng : numpy.random.RandomState, optional
        Draws the shift. None: NumPy's global legacy state, as in the notebook, so `numpy.random.seed` seeds it.
    retouches : sequence of Retouch
        Changes to the step, applied in this order; without any, the step is the notebook's.
    backend : {"native", "numpy"} or module
        The image operations: the C++ module, or the notebook's expressions. The same bits. Or other such operations.

    Raises
    ------
    ZeroGradientError
        The gradient is zero or not finite; the image is left as it was.
    UnknownNameError, ShapeError
        `end` is not a blob, or the image is too small for it.
    ValueError
        A parameter is out of its range.
    NetInUseError
        Another thread uses the net.
    """
    check_params(step_size=step_size, jitter=jitter, rng=rng, retouches=retouches)
    ops = backend if isinstance(backend, ModuleType) else imageops.backend(backend)
    ends = find_ends(net, end, objective)
    _make_step(net, step_size, ends, int(jitter), _limits(net, clip), objective, rng, retouches, ops)


def _limits(net: Net, clip: bool) -> tuple[Array | None, Array | None]:
    """Return what the image is clipped to."""
    return (-net.mean, 255 - net.mean) if clip else (None, None)


def _make_step(
    net: Net,
    step_size: float,
    ends: tuple[str, ...],
    jitter: int,
    limits: tuple[Array | None, Array | None],
    objective: Objective,
    rng: np.random.RandomState | None,
    retouches: Sequence[Retouch],
    ops: ModuleType,
) -> None:
    """Take a step as `make_step` does, by parameters that were checked.

    What is done here is done after each pass of the network, with no cache warm: it takes 3 to 40 times its time.
    """
    for retouch in retouches:
        net = retouch.around(net, rng)
    src = net.image  # input image is stored in Net's 'data' blob
    if src.shape[0] != 1:
        raise ShapeError(f"the input holds {src.shape[0]} images; a step takes one: net.resize(height, width)")
    image = src.data[0]
    dst = [net.blobs[end] for end in ends]

    ox, oy = (np.random if rng is None else rng).randint(-jitter, jitter + 1, 2)
    # apply jitter shift to what the network sees; the image stays where it is
    net.forward(end=ends, tensor=net.feed(image, ox, oy, ops))
    objective = at_step(objective, ends, partial(net.feed_beside, ox=ox, oy=oy, ops=ops))
    objective(*dst)  # specify the optimization objective
    g = net.gradient(ends)

    # apply normalized ascent step to the input image, the gradient shifted back, and clip
    if retouches:
        g = ops.roll(np.ascontiguousarray(np.rollaxis(g[0], 2) if net.channels_last else g[0]), -ox, -oy)
        mean = ascend(ops, image, g, step_size, *limits, retouches)
    else:
        mean = ops.ascend_tensor(image, g, step_size, ox, oy, *limits, net.channels_last)
    if not 0 < mean < math.inf:  # then the image is as it was
        raise _no_step(repr(objective) if isinstance(objective, Score) else ", ".join(map(repr, ends)), mean)


@in_one_thread
def deepdream(
    net: Net,
    base_img: ArrayLike,
    iter_n: int = 10,
    octave_n: int = 4,
    octave_scale: float = 1.4,
    end: End | None = None,
    clip: bool = True,
    *,
    rng: np.random.RandomState | None = None,
    retouches: Sequence[Retouch] = (),
    watch: Watch | None = None,
    era: str = MODERN,
    grid: float | None = None,
    backend: str = "native",
    tile: int | None = None,
    octave_sizes: Sequence[Size] | None = None,
    seamless: bool = False,
    **step_params: Any,
) -> Array:
    """Dream into a picture, from its smallest octave to its full size.

    Parameters
    ----------
    net : Net
    base_img : (H, W, 3) array_like
        RGB, 0..255.
    iter_n : int
        Steps per octave; at most `MOST_ITERATIONS`.
    octave_n : int
        Number of sizes, the picture's own included; at most `MOST_OCTAVES`.
    octave_scale : float
        Ratio between neighbouring sizes, at least 1.
    end, clip, rng, backend
        As for `make_step`.
    retouches : sequence of Retouch
        Changes to each step, and to the finished dream, applied in this order: a mask for instance.
    watch : Watch, optional
        Its methods are called after each step, octave and tile.
    era : {"modern", "2015"}
        How the size of an octave is rounded where it ends in a half: to even, as Python 3 does, or up, as in 2015.
    grid : float, optional
        Round the image to multiples of this after every step: a power of two from `FINEST_GRID` to 1. None: do not, as
        in the notebook. A dream is chaotic: rounding that differs on another machine, or with another number of
        threads, grows 1.3- to 2-fold a step, in float64 from 1e-14 to at most 4e-5 of a level in the 2015 dream. That
        is too little to be seen in its 8-bit picture, but not in a dream on the dream. A grid of 1/64 removes the
        difference at every step: dreams in float64 are the same everywhere, however many follow each other.
    tile : int, optional
        Side in pixels of the tiles in which the gradient is computed, one after the other, to save memory; 0: no tiles.
        None: 0 if the whole picture is estimated to take less than half of the free memory, else a side that does. In
        float64 the dream is the same up to rounding at 1e-15. With tiles only `objective` can read the blobs: they are
        empty after it.
    octave_sizes : sequence of (height, width), optional
        The octaves, smallest first, in place of `octave_n` and `octave_scale`: the last is the picture's own size.
    seamless : bool
        Dream on a torus, where opposite edges of the picture meet, so that the result tiles without a seam. A rolled
        picture has the rolled dream, to the byte, where it is rolled by multiples of the layers' strides in every
        octave. The picture's sides are multiples of the strides, and those of smaller octaves are rounded to multiples
        of 32.
    **step_params
        `step_size`, `jitter` and `objective` of `make_step`.

    Returns
    -------
    (H, W, 3) array
        RGB, of the network's dtype. Within 0..255 up to rounding if `clip`; ``uint8(clip(…, 0, 255))`` is what to save.

    Raises
    ------
    DreamInterrupted
        On Ctrl-C, with the dream so far.
    ShapeError
        An octave is too small for `end`: which one, and what would do. Raised before anything is computed.
    MemoryTooSmallError
        A limit of the process (``ulimit -v``) is below the estimate of memory. Raised before anything is computed.
    ZeroGradientError, UnknownNameError, ValueError, NetInUseError
        As `make_step`.
    """
    check_params(iter_n=iter_n, octave_n=octave_n, octave_scale=octave_scale, rng=rng, era=era, grid=grid)
    check_params(retouches=retouches, tile=tile, octave_sizes=octave_sizes, **step_params)
    ops = imageops.backend(backend)
    if seamless:
        ops, retouches = TorusOps(ops), [retouch.seamless() for retouch in retouches]
    objective = step_params.pop("objective", objective_L2)
    ends = find_ends(net, end, objective)
    watch = watch or Watch()

    # prepare base images for all octaves
    sizing = (octave_n, octave_scale, era, octave_sizes, seamless)
    bases = Bases(net, base_img, ends, lambda h, w: sizes_of(h, w, *sizing), ops, seamless)
    side = fit(net, ends, *bases.sizes[-1], tile, dream_copies(retouches, clip, seamless), seamless)
    if not (side or seamless):
        net.make_room(ends, *bases.sizes[-1])
    net = on_torus(net, ends, side, watch.tile) if seamless else tiled(net, ends, side, watch.tile)

    height, width = bases.sizes[-1]
    how = (width, height, ", ".join(ends), len(bases.sizes), iter_n)
    logs.info("dreaming on %sx%s pixels with %s: %s octaves of %s steps", *how)

    src = net.image
    # allocate image for network-produced details; None while they are in the network's image
    detail: Array | None = np.zeros((src.shape[1], *bases.sizes[0]), net.dtype)
    octave = steps = 0
    last = len(bases.sizes) - 1
    step_size, jitter = step_params.get("step_size", STEP_SIZE), int(step_params.get("jitter", JITTER))
    limits = _limits(net, clip)
    try:
        for octave in range(last + 1):
            assert detail is not None
            bases.start(octave, detail)  # src.data[0] = octave_base + detail
            if octave == last:
                detail = None  # all of it is in the image: no other array has the full size
            octave_retouches = [retouch.on(net).at(bases[octave]) for retouch in retouches]
            octave_objective = at_octave(objective, net, partial(bases.__getitem__, octave))
            for end in ends:
                net.blobs[end].clear_diff()  # as in a new process: nothing is left from another dream
            for i in range(iter_n):
                _make_step(net, step_size, ends, jitter, limits, octave_objective, rng, octave_retouches, ops)
                if grid is not None:
                    _round_to(src.data[0], grid)
                steps, detail = steps + 1, None
                watch.step(octave, i, lambda: _visualize(net, src.data[0], clip))
            logs.debug("octave %s of %s: %s steps done", octave + 1, last + 1, steps)
            watch.octave(octave, partial(bases.picture, octave), lambda: deprocess(net, src.data[0]))
            # extract details produced on the current octave
            if octave < last:
                detail = src.data[0] - bases[octave]
    except KeyboardInterrupt as interrupt:
        clear_frames(interrupt.__traceback__)  # they hold arrays of the picture's size
        if detail is None and octave < last:
            detail = src.data[0] - bases[octave]
        if detail is not None:
            bases.start(last, detail)
            detail = None
        so_far = deprocess(net, src.data[0])
        net.resize(*bases.sizes[0])  # frees the image: only the dream is needed now
        raise DreamInterrupted(finish(retouches, so_far, base_img), steps) from interrupt
    # returning the resulting image
    return finish(retouches, deprocess(net, src.data[0]), base_img)


def dream_copies(retouches: Sequence[Retouch] = (), clip: bool = True, seamless: bool = False) -> float:
    """Return the most arrays of the picture's size that `deepdream` holds, beside the picture and the network's values.

    docs/tiles.md lists them one by one, and tests/tiles/test_tiles.py counts them.
    """
    if retouches:
        return 11.5  # all kinds together
    if seamless:
        return 6.75  # the gradient rolled, and the hashes that decide on its origin
    # The image, and its gradient or the dream, and the dream's 8-bit pixels; without clipping its percentile too.
    return 2.25 if clip else 3.25


def _visualize(net: Net, image: Array, clip: bool) -> Array:
    vis = deprocess(net, image)
    return vis if clip else display_range(vis)  # adjust image contrast if clipping is disabled


def _round_to(image: Array, grid: float) -> None:
    """Round to multiples of `grid`, in place."""
    image /= grid
    np.rint(image, out=image)
    image *= grid


def _no_step(source: str, mean: float) -> ZeroGradientError:
    if mean == 0:
        what, advice = "zero", "nothing in the picture moves that layer; try another layer or picture"
    else:
        what, advice = "not finite", "values overflow; try a smaller step_size, float64, or an earlier layer"
    return ZeroGradientError(f"the gradient of {source} at the image is {what}, so no step can be taken: {advice}")
