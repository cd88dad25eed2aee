"""What the dream of a large picture will look like, and how long it takes, each in a line, before it is made."""

from __future__ import annotations

import msgspec

from ..dream.octaves import AUTO, SMALLEST_SIDE, TRIED_SIDE, Size, octaves_for
from ..dream.params import find_ends
from ..errors import ShapeError
from ..net import Net
from ..record.recipe import Recipe
from .progress import about

_FAR = 2  # times what `octaves_for` goes down to: of smallest octaves below that nothing is said
# What grows best fills about a third of what a layer's values see, as weights get small towards the edges: measured by
# looking, heads of 30 to 70 pixels in one octave of fire8/squeeze1x1, whose values see 143.
_FILLED = 1 / 3
_LONG = 60  # seconds
_TRAINED = 224  # pixels, the usual side of pictures in training: what layers know that see all of a picture


def creatures(net: Net, recipe: Recipe, size: Size) -> str | None:
    """Return a line on how large things will become in a large picture, and how they become larger.

    None: the smallest octave is small enough for that.
    """
    smallest, enough = recipe.sizes(*size)[-1], octaves_for(*size, recipe.octave_scale)
    if min(smallest) <= _FAR * SMALLEST_SIDE or enough <= recipe.octave_n:
        return None
    larger = msgspec.structs.replace(recipe, octave_n=enough)
    now, then = (f"{float(f'{_size(net, each, size):.2g}'):g}" for each in (recipe, larger))
    return (
        f"creatures will have up to about {now} of {size[1]}x{size[0]} pixels;"
        f" --octaves {AUTO}, here {enough}, makes them as large as {then}"
    )


def duration(seconds: float, size: Size) -> str | None:
    """Return a line on how long the dream of a picture is likely to take, and what is faster; None: not long."""
    if seconds <= _LONG:
        return None
    line = f"this takes about {about(seconds)}"
    if max(size) <= TRIED_SIDE:
        return line
    return f"{line}; --long-side {TRIED_SIDE} takes about {about(seconds * (TRIED_SIDE / max(size)) ** 2)}"


def _size(net: Net, recipe: Recipe, size: Size) -> float:
    """Estimate the size of what the smallest octave makes grow, in pixels of the picture."""
    smallest, seen = recipe.sizes(*size)[-1], 0
    for end in find_ends(net, recipe.end if recipe.score is None else None, recipe.score):
        try:
            seen = max(seen, *(view.size for view in net.locality(end)))
        except ShapeError:
            seen = max(seen, _TRAINED)
    return _FILLED * min(seen, *smallest) * min(size) / min(smallest)
