"""A picture made again by its record is compared with what it was: the same or not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..dream.octaves import Size
from ..errors import ProvenanceError
from ..media import FORMATS, read_image
from ..picture import Picture, Samples, as_pixels
from .provenance import DreamAccount, PictureFacts, pixels_sha256

LOSSLESS = (FORMATS["png"], FORMATS["tiff"])
_PIXELS_A_SECOND = 10**6  # that steps go over, roughly: GoogLeNet's middle layers on a few cores


def read_as_then(path: Path, facts: PictureFacts, to_srgb: bool) -> Picture | None:
    """Read a picture that has the old pixels, in sRGB or, as earlier versions did, whatever its profile."""
    for way in (to_srgb, not to_srgb):
        picture = read_image(path, to_srgb=way)
        if pixels_sha256(picture) == facts.sha256:
            return picture
    return None


def start_size(made: DreamAccount, start: Picture | None) -> Size:
    """Return the height and width of what a dream began with: those of the picture, None: of noise."""
    if start is not None:
        return start.shape[:2] if made.recipe.size is None else _checked_size(made.recipe.size, "a resized picture")
    if made.recipe.noise is None:
        raise ProvenanceError("it says that it was made of noise, but not of what size")
    return _checked_size(made.recipe.noise, "noise")


def _checked_size(size: Size, what: str) -> Size:
    if size[0] * size[1] > (Image.MAX_IMAGE_PIXELS or 0):
        raise ProvenanceError(f"it says that it was made of {size[1]}x{size[0]} pixels of {what}: too many")
    return size


def long_work(made: DreamAccount, size: Size) -> str | None:
    """Return a line about what would take days, if it would: anyone can write a large number into a picture."""
    pixels = made.recipe.work(*size)
    days = pixels / _PIXELS_A_SECOND / 86_400
    if days <= 1:
        return None
    took = f"{days / 365:,.0f} years" if days > 365 else f"{days:.0f} days"
    return f"its steps go over {pixels:.1e} pixels, which takes some {took}"


class Outcome(NamedTuple):
    """What a replay found.

    Attributes
    ----------
    again : bool
        Whether the same was made again.
    identical : bool
        Whether the file has that too.
    compared : str
        How the new pixels differ from the old ones.
    reasons : tuple of str
        What is not as it was.
    """

    again: bool
    identical: bool
    compared: str
    reasons: tuple[str, ...]


def compare(made: DreamAccount, now: DreamAccount, pixels: Samples, file: Samples | None, lossless: bool) -> Outcome:
    """Compare a dream that was made again.

    Parameters
    ----------
    made, now : DreamAccount
        The old record and the new one.
    pixels : (H, W, 3) array
        The new picture, in the depth of its recipe.
    file : (H, W, 3) array or None
        The old one, where there is a file of it.
    lossless : bool
        Whether that has the pixels that were made.
    """
    again = made.result.sha256 == now.result.sha256
    reasons = [] if again else list(_reasons(made, now))
    changed = file is not None and lossless and pixels_sha256(file) != made.result.sha256
    if changed:
        reasons.append("the file itself is not as it was made: its pixels were changed since")
    return Outcome(again, again and not changed, _compared(made, pixels, file, lossless, again), tuple(reasons))


def _compared(made: DreamAccount, pixels: Samples, file: Samples | None, lossless: bool, identical: bool) -> str:
    """Describe how the new picture differs from the old one."""
    height, width = pixels.shape[:2]
    if identical:
        what = "every byte" if lossless else "every byte that was then encoded"
        return f"{what} of {width}x{height} pixels, {made.network.dtype}"
    if file is None:
        return f"sha256 of the pixels {pixels_sha256(pixels)}, was {made.result.sha256}"
    if file.shape != pixels.shape:
        return f"{width}x{height} pixels, was {file.shape[1]}x{file.shape[0]}"
    if file.dtype != pixels.dtype:
        pixels, file = as_pixels(pixels), as_pixels(file)
    apart = np.abs(np.subtract(pixels, file, dtype=np.float64))
    encoded = "" if lossless else ", encoding included"
    return (
        f"{np.count_nonzero(apart)} of {apart.size} values differ, by {apart.max():.6g} at most"
        f" and {apart.mean():.3g} on average{encoded}"
    )


def _reasons(made: DreamAccount, now: DreamAccount) -> Iterator[str]:
    """Name what is not as it was."""
    yield from map(str, made.differences(now))
    if made.pydream != now.pydream:
        yield f"pydream was {made.pydream}, now {now.pydream}"
    for name, before in made.versions.items():
        if before != (after := now.versions.get(name, "none")):
            yield f"{name} was {before}, now {after}"
    if made.network.dtype != "float64":
        yield "float32: such dreams depend on the processor and the number of threads; float64 ones do not"
    elif made.recipe.depth is not None:
        yield "more than 8 bits: their last digits can depend on the processor, in float64 too"
