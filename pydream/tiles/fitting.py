"""Fitting is the choice of tiles by memory: one run of the network, tiles of some side, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from math import inf, lcm

from .. import logs
from ..errors import MemoryTooSmallError, ShapeError
from ..net import Net
from ..system import free_bytes, missing_bytes, resident_bytes, tightest_limit
from .plan import plan_tiles

# Of a process, beside the pictures and the values: measured (docs/tiles.md).
OVERHEAD = 400_000_000
# Larger tiles save hardly any work: the overlap is small already.
LARGEST_SIDE = 4096


def choose_side(
    net: Net,
    ends: Sequence[str],
    height: int,
    width: int,
    memory: int | None = None,
    copies: float = 2.25,
    seamless: bool = False,
) -> int:
    """Choose the side of a tile; 0, for no tiles, if the whole picture is estimated to fit.

    Parameters
    ----------
    net : Net
        Its input is reshaped.
    ends : sequence of str
    height, width : int
        Of the picture, in pixels.
    memory : int, optional
        Bytes that the process may use in all. None: what it uses already, and half of the free memory. A limit of the
        process (``ulimit -v``) holds in any case.
    copies : float
        The most arrays of the picture's size beside the network's values, at any time: TensorFlow keeps the memory of
        its values.
    seamless : bool
        Whether opposite edges of the picture meet.

    Returns
    -------
    int
        The side, of those that fit, that takes the least work; 0 for layers without tiles.

    Raises
    ------
    MemoryTooSmallError
        `memory` is given and too small for the smallest tile.
    """
    room = _room(memory)
    if room is None and tightest_limit() is None:
        return 0
    planned = partial(plan_tiles, net, ends, height, width, seamless=seamless)
    image = 3 * height * width * net.dtype.itemsize
    beside = int((copies + net.copies) * image)

    def fits(step: int, tiled: bool, most: float) -> bool:
        return step + beside + OVERHEAD <= most and missing_bytes(beside, step, tiled=tiled) <= 0

    most = inf if room is None else room
    with suppress(ShapeError):  # raised where one run is impossible
        crop = planned(0).crop if seamless else (height, width)
        if fits(net.step_bytes(ends, *crop) + image, False, most):  # with the image laid out for the network
            return 0
    try:
        net.resize(height, width)
        stride = lcm(*(view.cell for end in ends for view in net.locality(end)))
        plans = {side: planned(side) for side in range(stride, LARGEST_SIDE + 1, stride)}
    except ShapeError:
        return 0
    steps = {side: net.step_bytes(ends, *plan.crop) for side, plan in plans.items()}
    least = min(steps.values()) + beside + OVERHEAD
    if memory is not None and room is not None and least > room:
        raise MemoryTooSmallError(
            f"{memory / 1e9:.3g} GB of memory are too little for {width}x{height} pixels and"
            f" {', '.join(map(repr, ends))}: about {(least - room + memory) / 1e9:.2g} GB would do"
        )
    # If nothing fits into half of the free memory: hardly more than the least.
    most = max(most, 1.1 * least)
    fitting = [side for side, plan in plans.items() if len(plan) > 1 and fits(steps[side], True, most)]
    smallest = min(steps, key=lambda side: steps[side])
    return min(fitting, key=lambda side: plans[side].cost, default=smallest if len(plans[smallest]) > 1 else 0)


def _room(memory: int | None) -> int | None:
    """Return how many bytes a step may add to the process; None: unknown."""
    if memory is not None:
        return memory - resident_bytes()
    free = free_bytes()
    return None if free is None else free // 2


def check_limit(
    net: Net, ends: Sequence[str], height: int, width: int, side: int, copies: float = 3, seamless: bool = False
) -> None:
    """Raise an error for what exceeds a limit of the process: a runtime may end the process when an allocation fails.

    Parameters
    ----------
    net : Net
        Its input is reshaped if there are tiles.
    ends : sequence of str
    height, width : int
        Of the picture, in pixels.
    side : int
        Side of a tile; 0: no tiles.
    copies : float
        The most arrays of the picture's size beside the network's values.
    seamless : bool
        Whether opposite edges of the picture meet.

    Raises
    ------
    ShapeError
        A blob would have more values than any memory allows.
    MemoryTooSmallError
        The estimate exceeds what a limit leaves.
    """
    limit = tightest_limit()
    crop = (height, width)
    if side or seamless:
        net.resize(height, width)
        crop = plan_tiles(net, ends, height, width, side, seamless).crop
    step = net.step_bytes(ends, *crop)
    beside = int((copies + net.copies) * 3 * height * width * net.dtype.itemsize)
    missing = missing_bytes(beside, step, tiled=side > 0)
    if limit is not None and missing > 0:
        how = f"in tiles of {side}" if side else "without tiles"
        purpose = f"{width}x{height} pixels and {', '.join(map(repr, ends))} {how}"
        raise limit.error(f"about {missing / 1e9:.2g} GB", purpose)


def fit(
    net: Net, ends: Sequence[str], height: int, width: int, side: int | None, copies: float, seamless: bool = False
) -> int:
    """Return the side of a tile, chosen if it is None, after a check of limits: see `choose_side`, `check_limit`."""
    if side is None:
        side = choose_side(net, ends, height, width, copies=copies, seamless=seamless)
    check_limit(net, ends, height, width, side, copies, seamless)
    if side:
        logs.info("%sx%s pixels in tiles of %s", width, height, side)
    else:
        logs.debug("%sx%s pixels in one piece", width, height)
    return side
