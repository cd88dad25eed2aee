"""Octaves are sizes: which ones a dream goes through, and whether a network takes them."""

from __future__ import annotations

from ..errors import ShapeError
from ..net import Net
from .era import MODERN, round_half

MOST_OCTAVES = 1000  # more than any picture can be halved, and soon checked
_SEARCHED = 1024  # the largest side that is tried to tell the least size that a layer takes

Size = tuple[int, int]  # (height, width)


def octave_sizes(
    height: int, width: int, octave_n: int = 4, octave_scale: float = 1.4, era: str = MODERN
) -> list[Size]:
    """Give the (height, width) of every octave, the picture's own first.

    Each is ``int(round(size * (1 / octave_scale)))`` of the one before, as SciPy's zoom rounds.

    Parameters
    ----------
    height, width : int
        Of the picture, in pixels.
    octave_n : int
    octave_scale : float
        At least 1.
    era : {"modern", "2015"}
        Whether halves go to the even size or to the larger one.
    """
    sizes = [(height, width)]
    for _ in range(octave_n - 1):
        h, w = sizes[-1]
        sizes.append((round_half(h * (1.0 / octave_scale), era), round_half(w * (1.0 / octave_scale), era)))
    return sizes


def check_octaves(net: Net, end: str, sizes: list[Size]) -> None:
    """Raise `ShapeError` where an octave does not fit the layers up to `end`: which one, and what would do.

    Parameters
    ----------
    net : Net
        Its input is reshaped; what was in it is gone.
    end : str
        A blob's name.
    sizes : list of (height, width)
        As `octave_sizes` gives them.
    """
    channels = net.blobs["data"].shape[1]
    if channels != 3:
        raise ShapeError(f"{net.name} takes {channels} channel{'s' if channels > 1 else ''}; a picture has 3")
    for number, (h, w) in enumerate(sizes[::-1], start=1):
        reason = _misfit(net, end, h, w)
        if reason is not None:
            which = f"octave {number} of {len(sizes)} ({w}x{h})" if len(sizes) > 1 else f"the picture ({w}x{h})"
            raise ShapeError(_advice(net, end, which, (h, w), reason, sizes))


def _advice(net: Net, end: str, which: str, size: Size, reason: str, sizes: list[Size]) -> str:
    """Say what would do in place of an octave that does not fit."""
    fixed = _misfit(net, end, _SEARCHED, _SEARCHED)  # of a layer that takes one size only
    larger = [other for other in sizes if min(other) > min(size) and _misfit(net, end, *other) is None]
    if larger:
        most = f"at most {len(larger)} octave{'s' if len(larger) > 1 else ''}"
        return f"{which} is too small for {end!r}: use {most}{'' if fixed else ', or a larger picture'} ({reason})"
    if fixed:
        return f"{which} does not fit {end!r}: {fixed}"
    least = next(side for side in range(1, _SEARCHED + 1) if _misfit(net, end, side, side) is None)
    return f"{which} does not fit {end!r}: {f'it needs at least {least}x{least}' if min(size) < least else reason}"


def _misfit(net: Net, end: str, h: int, w: int) -> str | None:
    """Give why an image of that size does not go through the layers up to `end`, or None."""
    try:
        net.blobs["data"].reshape(1, 3, h, w)
        net.blobs[end].shape  # noqa: B018
    except ShapeError as error:
        return str(error)
    return None
