"""The notebook, in its order and with its names: a step up the gradient, and steps at growing sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from traceback import clear_frames
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import imageops
from ..errors import ShapeError, ZeroGradientError
from ..net import Array, Net
from ..tiles.fitting import fit
from ..tiles.net import tiled
from .era import MODERN
from .images import deprocess, display_range, preprocess
from .objectives import Objective, Score, objective_L2
from .octaves import check_octaves, octave_sizes
from .params import End, check_params, find_ends
from .retouch import Retouch
from .watch import Watch


class DreamInterrupted(KeyboardInterrupt):
    """Ctrl-C in a dream.

    Attributes
    ----------
    image : (H, W, 3) array
        What the dream had so far, at full size: float, RGB, unclipped.
    steps : int
        How many steps it had done.
    """

    def __init__(self, image: Array, steps: int) -> None:
        super().__init__(f"interrupted after {steps} steps")
        self.image = image
        self.steps = steps


def make_step(
    net: Net,
    step_size: float = 1.5,
    end: End | None = None,
    jitter: int = 32,
    clip: bool = True,
    objective: Objective = objective_L2,
    *,
    rng: np.random.RandomState | None = None,
    retouches: Sequence[Retouch] = (),
    backend: str = "native",
) -> None:
    """Take one step of gradient ascent on the image in ``net.blobs["data"].data[0]``, in place.

    Jitter, forward, objective, backward, ``src += step_size / mean|g| * g``, shift back, clip: the order of the
    notebook, each rounding where NumPy rounds.

    Parameters
    ----------
    net : Net
    step_size : float
        Mean size of the change, in 0..255 levels; at most `LARGEST_STEP`.
    end : str or sequence of str, optional
        Layer to dream with, or several at once; None: the objective's, if it is a `Score`, else the network's own
        default, ``"inception_4c/output"`` where it has that.
    jitter : int
        Largest random shift in pixels, either way, both ends included; at most `LARGEST_JITTER`.
    clip : bool
        Whether to keep the pixels within 0..255.
    objective : callable
        Given the blob `end`, or each one's of several, writes its ``diff``: one of `pydream.objectives`, or your own.
        Meanwhile ``net.blobs["data"].data`` is the image unshifted, where the notebook has it shifted.
    rng : numpy.random.RandomState, optional
        Draws the shift; None: NumPy's global legacy state, as the notebook does, so `numpy.random.seed` seeds it.
    retouches : sequence of Retouch
        What is done to the change of the image, one after the other; without, the notebook's step as it is.
    backend : {"native", "numpy"}
        What works on the image: the C++ module, or the notebook's expressions. The same bits.

    Raises
    ------
    ZeroGradientError
        Where the gradient is zero or not finite; the image is left as it was.
    UnknownNameError, ShapeError
        For an `end` that is no blob, or that the image is too small for.
    ValueError
        For a parameter out of its range.
    """
    check_params(step_size=step_size, jitter=jitter, rng=rng, retouches=retouches)
    jitter = int(jitter)  # jitter + 1 could be more than a NumPy integer holds
    ops = imageops.backend(backend)
    ends = find_ends(net, end, objective)
    src = net.blobs["data"]  # input image is stored in Net's 'data' blob
    if src.shape[0] != 1:
        raise ShapeError(
            f"the input holds {src.shape[0]} images; a step takes one: net.blobs['data'].reshape(1, 3, h, w)"
        )
    image = src.data[0]
    dst = [net.blobs[end] for end in ends]

    ox, oy = (np.random if rng is None else rng).randint(-jitter, jitter + 1, 2)
    # apply jitter shift, and lay out for the network; the image itself stays unshifted
    net.forward(ends, tensor=net.feed(image, ox, oy, ops))
    objective(*dst)  # specify the optimization objective
    g = net.backward(ends)

    # Apply the normalized ascent step to the shifted image, shift it back, clip.
    low, high = (-net.mean, 255 - net.mean) if clip else (None, None)
    if retouches:
        g = ops.roll(np.ascontiguousarray(np.rollaxis(g[0], 2) if net.channels_last else g[0]), -ox, -oy)
        mean = _ascend_retouched(ops, image, g, step_size, low, high, retouches)
    else:
        mean = ops.ascend_tensor(image, g, step_size, ox, oy, low, high, net.channels_last)
    if not 0 < mean < math.inf:  # then the image is as it was
        if mean == 0:
            what, advice = "zero", "nothing in the picture moves that layer; try another layer or picture"
        else:
            what, advice = "not finite", "values overflow; try a smaller step_size, float64, or an earlier layer"
        named = repr(objective) if isinstance(objective, Score) else ", ".join(map(repr, ends))
        raise ZeroGradientError(f"the gradient of {named} at the image is {what}, so no step can be taken: {advice}")


def _ascend_retouched(
    ops: ModuleType,
    image: Array,
    g: Array,
    step_size: float,
    low: Array | None,
    high: Array | None,
    retouches: Sequence[Retouch],
) -> float:
    """As `ascend_tensor`, for a gradient that lies as the image does, with the change as the retouches have it.

    The gradient is written to.
    """
    mean = float(ops.mean_abs(g))
    if 0 < mean < math.inf:
        g /= g.dtype.type(mean)
        change = g
        for retouch in retouches:
            change = retouch.change(change, image)
        image += image.dtype.type(step_size) * change
        if low is not None and high is not None:
            ops.clip(image, low, high)
    return mean


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
    **step_params: Any,
) -> Array:
    """Dream into a picture, from its smallest octave to its full size.

    Parameters
    ----------
    net : Net
    base_img : (H, W, 3) array_like
        RGB, 0..255.
    iter_n : int
        Steps an octave.
    octave_n : int
        Sizes, the picture's own included; at most `MOST_OCTAVES`.
    octave_scale : float
        Ratio between neighbouring sizes, at least 1.
    end, clip, rng, backend
        As for `make_step`.
    retouches : sequence of Retouch
        What is done to each change of the image, and to the dream when it is done, in this order: a mask for instance.
    watch : Watch, optional
        Looks on: see its methods `step`, `octave` and `tile`.
    era : {"modern", "2015"}
        How the sizes of octaves are rounded where they end in a half: as now, to even, or as in 2015, up.
    grid : float, optional
        Round the image to multiples of this after every step, a power of two from `FINEST_GRID` to 1; None, as in the
        notebook: do not. A dream is chaotic: what rounding does otherwise on another machine, or with another number of
        threads, grows 1.3- to 2-fold a step, in float64 from 1e-14 to 4e-5 of a level at most in the 2015 dream. That
        is too little to be seen in its 8-bit picture, but not in a dream on the dream. On a grid of 1/64 what differs
        ends with every step, and dreams in float64 are the same everywhere, however many follow each other.
    tile : int, optional
        The side in pixels of the blocks that the gradient is made in, one after the other, to save memory; 0: in one.
        None: 0 where the whole is estimated to take less than half of the memory that is free, else what does. In
        float64 the dream is the same but for rounding at 1e-15. In tiles only `objective` sees the blobs: they hold
        nothing after it.
    **step_params
        More for `make_step`: `step_size`, `jitter`, `objective`.

    Returns
    -------
    (H, W, 3) array
        RGB, of the network's dtype. Within 0..255 up to rounding if `clip`; ``uint8(clip(…, 0, 255))`` is what to save.

    Raises
    ------
    DreamInterrupted
        On Ctrl-C, with what there is so far.
    ShapeError
        Before anything is computed, where an octave is too small for `end`: which one, and what would do.
    MemoryTooSmallError
        Likewise, where a limit of the process (``ulimit -v``) leaves too little for what it is estimated to take.
    ZeroGradientError, UnknownNameError, ValueError
        As `make_step`.
    """
    check_params(
        iter_n=iter_n,
        octave_n=octave_n,
        octave_scale=octave_scale,
        rng=rng,
        era=era,
        grid=grid,
        retouches=retouches,
        tile=tile,
        **step_params,
    )
    ops = imageops.backend(backend)
    ends = find_ends(net, end, step_params.get("objective"))
    bases = Bases(net, base_img, ends, ops, octave_n, octave_scale, era)  # prepare base images for all octaves
    tile = fit(net, ends, *bases.sizes[-1], tile, copies_held(retouches, clip))
    watch = watch or Watch()
    net = tiled(net, ends, tile, watch.tile)
    src = net.blobs["data"]
    detail: Array | None = np.zeros((3, *bases.sizes[0]), net.dtype)  # image for network-produced details
    octave = steps = 0
    try:
        for octave in range(octave_n):
            _enter(net, bases, octave, detail, ops)
            if octave == octave_n - 1:
                detail = None  # it is in the image, which has the size of the dream
            touched = [retouch.at(bases[octave]) for retouch in retouches]
            for end in ends:
                net.blobs[end].clear_diff()  # as in a fresh process: nothing is left over from another dream
            for i in range(iter_n):
                make_step(net, end=ends, clip=clip, rng=rng, retouches=touched, backend=backend, **step_params)
                if grid is not None:
                    _round_to(src.data[0], grid)
                steps, detail = steps + 1, None
                watch.step(octave, i, lambda: _shown(net, src.data[0], clip))
            watch.octave(octave, partial(_base, net, bases, octave), lambda: deprocess(net, src.data[0]))
            if octave < octave_n - 1:  # extract details produced on the current octave
                detail = src.data[0] - bases[octave]
    except KeyboardInterrupt as interrupt:
        clear_frames(interrupt.__traceback__)  # they hold arrays of the picture's size
        if detail is None and octave < octave_n - 1:
            detail = src.data[0] - bases[octave]
        if detail is not None:
            _enter(net, bases, octave_n - 1, detail, ops)
            detail = None
        so_far = deprocess(net, src.data[0])
        src.reshape(1, 3, *bases.sizes[0])  # whoever writes the dream to a file has no use for another
        raise DreamInterrupted(_finished(so_far, base_img, retouches), steps) from interrupt
    # returning the resulting image
    return _finished(deprocess(net, src.data[0]), base_img, retouches)


class Bases:
    """The picture at the size of each octave, the smallest first.

    The largest, which is the picture itself, is made when it is asked for, and smaller ones are dropped once the dream
    has outgrown them: so none is held beside the dream at its full size.
    """

    def __init__(
        self,
        net: Net,
        picture: ArrayLike,
        ends: Sequence[str],
        ops: ModuleType,
        octave_n: int,
        octave_scale: float,
        era: str,
    ) -> None:
        self._net, self._picture = net, picture
        self._smaller: dict[int, Array] = {}
        image = preprocess(net, picture)
        h, w = image.shape[1:]
        self.sizes = octave_sizes(h, w, octave_n, octave_scale, era)[::-1]
        for end in ends:
            check_octaves(net, end, self.sizes[::-1])
        for octave, (h, w) in list(enumerate(self.sizes))[-2::-1]:  # chained: each octave shrinks the last one
            image = self._smaller[octave] = ops.zoom(image, h, w)

    def __getitem__(self, octave: int) -> Array:
        return self._smaller[octave] if octave in self._smaller else preprocess(self._net, self._picture)

    def write(self, octave: int, image: Array) -> None:
        """Copy the base of an octave into `image`, and drop all smaller ones."""
        if octave in self._smaller:
            image[...] = self._smaller[octave]
        else:
            preprocess(self._net, self._picture, out=image)
        self._smaller = {kept: base for kept, base in self._smaller.items() if kept >= octave}


def _enter(net: Net, bases: Bases, octave: int, detail: Array | None, ops: ModuleType) -> None:
    """Begin an octave: the network's image becomes its base with the details so far."""
    src, (h, w) = net.blobs["data"], bases.sizes[octave]
    src.reshape(1, 3, h, w)  # resize the network's input image size
    bases.write(octave, src.data[0])
    assert detail is not None
    for channel, small in zip(src.data[0], detail, strict=True):  # one by one: no other array is as large as the image
        channel += ops.zoom(small[np.newaxis], h, w)[0]  # upscale details from the previous octave


def _round_to(image: Array, grid: float) -> None:
    """Round to multiples of `grid`, in place."""
    image /= grid
    np.rint(image, out=image)
    image *= grid


def _base(net: Net, bases: Bases, octave: int) -> Array:
    return deprocess(net, bases[octave])


def copies_held(retouches: Sequence[Retouch] = (), clip: bool = True) -> float:
    """Give how many arrays of the picture's size a dream holds at most, beside the picture and the network's values.

    They are told one by one in docs/tiles.md, and counted in tests/test_tiles.py.
    """
    if retouches:
        return 11.5  # all of them together
    # The image, and its gradient or the dream, and of that what is written, in 8 bits; or the dream's percentiles too.
    return 2.25 if clip else 3.25


def _shown(net: Net, image: Array, clip: bool) -> Array:
    """Give the image so far as the notebook shows it."""
    vis = deprocess(net, image)
    return vis if clip else display_range(vis)


def _finished(dream: Array, picture: ArrayLike, retouches: Sequence[Retouch]) -> Array:
    for retouch in retouches:
        dream = retouch.finish(dream, np.asarray(picture))
    return dream
