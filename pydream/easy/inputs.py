"""A picture is given as a path, as Pillow's picture or as an array: each becomes 8-bit RGB, as a file's would."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..dream.images import warn_of_unit_range
from ..dream.octaves import MOST_OCTAVES, Size, check_by_hand
from ..errors import ParameterError
from ..media import Dpi, picture_of, read_dpi, read_image
from ..picture import Picture
from ..record.names import NOISE, NOISE_SIZE

Given = str | os.PathLike[str] | Image.Image | Any  # Any: an array_like
WIDTH_HEIGHT = "WIDTHxHEIGHT"
_NAMELESS = "picture.png"  # a picture without a file, in the record of its dream


def noise_size(given: Any) -> Size | None:
    """Return the height and width of ``"noise:640x480"``, or of ``"noise"``; None for a picture."""
    word, colon, size = given.partition(":") if isinstance(given, str) else ("", "", "")
    if word != NOISE:
        return None
    return size_of(size) if colon else NOISE_SIZE


class Input(NamedTuple):
    """A picture with the name of its file, the pixels per inch that it says, and the file."""

    name: str
    pixels: Picture
    dpi: Dpi | None = None
    file: Path | None = None

    @classmethod
    def of(cls, given: Given, parameter: str, to_srgb: bool = True) -> Input:
        """Read what the caller gave for a parameter, by its colour profile in sRGB if wanted.

        Raises
        ------
        ImageFileError
            For a file that is no picture.
        ParameterError
            For an array that is none: of another shape, or with values outside 0..255.
        """
        if isinstance(given, str | os.PathLike):
            return cls(os.fspath(given), read_image(given, to_srgb=to_srgb), read_dpi(given), Path(given).absolute())
        if isinstance(given, Image.Image):
            name = os.fsdecode(getattr(given, "filename", ""))
            pixels = picture_of(given, parameter, to_srgb=to_srgb)
            return cls(name or _NAMELESS, pixels, file=Path(name).absolute() if name else None)
        return cls(_NAMELESS, picture_of(Image.fromarray(_as_bytes(given, parameter)), parameter))


@dataclass(frozen=True)
class Resizing:
    """The size that pictures are resized to: both sides, the long side, or neither."""

    size: Size | None = None
    long_side: int | None = None

    def __post_init__(self) -> None:
        if self.size is not None and self.long_side is not None:
            raise ParameterError("long_side", "--size says both sides")

    @classmethod
    def taken(cls, options: dict[str, Any]) -> Resizing:
        """Take them out of a command's options."""
        return cls(options.pop("size"), options.pop("long_side"))

    @property
    def wanted(self) -> bool:
        """Whether pictures are resized."""
        return self.size is not None or self.long_side is not None

    def of(self, height: int, width: int) -> Size:
        """Return the size that a picture of some size is resized to; `ParameterError` if that is too large."""
        if self.long_side is None:
            return self.size or (height, width)
        ratio = self.long_side / max(height, width)
        high, wide = (max(1, round(side * ratio)) for side in (height, width))
        check_size(high, wide, "long_side")
        return high, wide

    def counted(self, given: Size) -> Size | None:
        """Return the size that a number of octaves is for; None: that of the dream, as `--size` is to the letter."""
        return None if self.long_side is None else given


def size_of(text: str) -> Size:
    """Return the height and width of ``640x480``."""
    found = re.fullmatch(r"([1-9][0-9]{0,6})[x×]([1-9][0-9]{0,6})", text)
    if found is None:
        raise ParameterError("size", f"{text!r} is not a size (expected {WIDTH_HEIGHT}, e.g. 640x480)")
    width, height = int(found[1]), int(found[2])
    check_size(height, width)
    return height, width


def octave_sizes_of(text: str) -> tuple[Size, ...]:
    """Return the sizes of ``320x240,640x480``, the largest last."""
    sizes = []
    for number, each in enumerate(text.split(",")):
        if number == MOST_OCTAVES:
            raise ParameterError("octave_sizes", f"more than {MOST_OCTAVES} sizes")
        try:
            sizes.append(size_of(each))
        except ParameterError as error:
            raise ParameterError("octave_sizes", error.problem) from None
    try:
        check_by_hand(sizes)
    except ValueError as error:
        raise ParameterError("octave_sizes", str(error).removeprefix("octave_sizes: ")) from None
    return tuple(sizes)


def check_size(height: int, width: int, parameter: str = "size") -> None:
    """Raise `ParameterError` for more pixels than are read from a file."""
    most = Image.MAX_IMAGE_PIXELS or sys.maxsize
    if height * width > most:
        what = f"'{width}x{height}' is more than {most} pixels; `pydream --max-pixels` sets that"
        raise ParameterError(parameter, what)


def _as_bytes(given: Any, parameter: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return an array as Pillow takes it: (H, W) grey, or (H, W, 3 or 4), uint8."""
    array = np.asarray(given)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)) or 0 in array.shape:
        expected = "a path, a Pillow picture, or an array (H, W), (H, W, 3) or (H, W, 4)"
        what = f"shape {array.shape}" if array.dtype.kind in "buif" else type(given).__name__
        raise ParameterError(parameter, f"{what} is no picture (expected {expected})")
    if array.dtype.kind not in "uif":
        raise ParameterError(parameter, f"dtype {array.dtype} is not that of a picture (expected uint8, or 0..255)")
    if array.dtype != np.uint8:
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= 255):  # NaN among them
            raise ParameterError(parameter, f"values of {low:.4g} to {high:.4g} (expected 0..255)")
        warn_of_unit_range(array)
    return np.ascontiguousarray(array, dtype=np.uint8)  # fractions dropped, as `write_image` does
