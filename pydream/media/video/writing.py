"""A film is written whole or not at all, in the format of its suffix."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ...errors import VideoFileError
from ...files import check_place, write_errors, written_whole
from ...picture import to_pixels
from ..image import LONGEST_NOTE
from .gif import GIF
from .mp4 import MP4
from .settings import Settings, Times, VideoFormat
from .sound import Sound

WRITABLE = {".mp4": MP4, ".gif": GIF}
QUALITY = 90
SLOWEST = Fraction(1, 10)  # frames per second
FASTEST = max(form.fastest for form in WRITABLE.values())


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[NDArray[Any]],
    fps: float | Fraction = 25,
    quality: int = QUALITY,
    note: str | None = None,
    times: Times | None = None,
    pixel_aspect: Fraction = Fraction(1),
    sound: Sound | None = None,
) -> None:
    """Write a film whole or not at all, in the format of the path's suffix.

    Each frame is requested when the one before is encoded, so memory does not grow with their number. Values are
    clipped to 0..255 and their fractions dropped, as by `write_image`. An exception of the iterator passes through
    unchanged, and an older file stays as it was. The same frames give the same file, byte for byte, on any number of
    processors, as long as the versions of PyAV and Pillow are the same.

    ``.mp4`` is H.264, 4:2:0, tagged as BT.709 in limited range, which players and browsers show, though telephones
    often only up to 4096×2304. Its sides are even: the last row or column of an odd picture is repeated. ``.gif``
    repeats for ever; each frame has 256 colours of its own, dithered.

    Parameters
    ----------
    path : path-like
        Its suffix is one of `WRITABLE`.
    frames : iterable of (H, W, 3) arrays
        RGB, 0..255, any real dtype, all of one size, at least one. They may be one array, overwritten each time.
    fps : float or Fraction
        Frames per second, from `SLOWEST` to 240, or to 50 in a GIF, since browsers slow down faster ones; rounded to a
        fraction with a denominator of at most 1001, so that NTSC's is ``Fraction(30000, 1001)`` and 29.97 is 2997/100.
        A GIF counts hundredths of a second: durations differ by one, so that no frame is more than half of one early
        or late.
    quality : int
        1..100, higher is better and larger: x264's CRF is ``51 - 0.38 * quality``, so that 100 means 13, visually
        lossless, 90 about 17, 74 about 23, x264's default, and 1 about 51. A GIF ignores it.
    note : str, optional
        ASCII text to store in the file's comment, at most `pydream.media.LONGEST_NOTE` characters.
    times : Times, optional
        When each frame is shown, in place of `fps`; one tick more than there are frames.
    pixel_aspect : Fraction
        A pixel's width to its height. A GIF's pixels are square.
    sound : Sound, optional
        Sound of another film; not for a GIF, which is silent.

    Raises
    ------
    VideoFileError
        As by `check_video`, before the first frame is requested; or if there are no frames, one is not a picture or
        has another size than the first, or the file cannot be written.
    """
    target = Path(path)
    form, settings = _check(target, fps if times is None else times.rate, quality, note)
    settings = settings._replace(times=times, pixel_aspect=pixel_aspect, sound=sound)
    if sound is not None and form.silent:
        raise VideoFileError(f"cannot write '{target}': a {target.suffix.lower()} film has no sound")
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise VideoFileError(f"cannot write '{target}': there are no frames")
    with ExitStack() as stack:
        with write_errors(target, VideoFileError):
            size = to_pixels(first, "frame 1").shape[:2]
            _check_size(target, form, size)
            temporary = stack.enter_context(written_whole(target))
            add = stack.enter_context(form.opened(temporary, size, settings))
        for number, frame in enumerate(chain([first], frames), start=1):
            with write_errors(target, VideoFileError):
                pixels = to_pixels(frame, f"frame {number}")
                height, width = pixels.shape[:2]
                if (height, width) != size:
                    raise ValueError(f"frame {number} is {width}×{height}, the first is {size[1]}×{size[0]}")
                if times is not None and number >= len(times.ticks):
                    raise ValueError(f"there are times for {len(times.ticks) - 1} frames, but there are more frames")
                add(pixels)
        with write_errors(target, VideoFileError):
            stack.close()  # ends the film, then renames it


def check_video(
    path: str | os.PathLike[str],
    size: tuple[int, ...] | None = None,
    fps: float | Fraction = 25,
    quality: int = QUALITY,
) -> None:
    """Check that `write_video` can write a file, before hours of work are spent on the frames.

    Parameters
    ----------
    path : path-like
        Where the film will be written.
    size : (height, width), optional
        Of the frames, to check that the format can store them.
    fps, quality
        As for `write_video`.

    Raises
    ------
    VideoFileError
        If the suffix is unknown, or this PyAV cannot encode its format; the folder is missing, is not a folder or
        cannot take a new file; a folder or a read-only or special file has that name; `fps` or `quality` is out of
        range; or the frames are too large for the format.
    """
    form, _ = _check(Path(path), fps, quality, None)
    if size is not None:
        _check_size(Path(path), form, size)


def is_film(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is a film, by its suffix."""
    return Path(path).suffix.lower() in WRITABLE


def _check(target: Path, fps: float | Fraction, quality: int, note: str | None) -> tuple[VideoFormat, Settings]:
    with write_errors(target, VideoFileError):
        form = WRITABLE.get(target.suffix.lower())
        if form is None:
            raise ValueError(f"its suffix names no known format (expected {', '.join(WRITABLE)})")
        settings = Settings(_fraction(fps, form), _whole_quality(quality), note)
        if note is not None and (len(note) > LONGEST_NOTE or not note.isascii() or "\0" in note):
            raise ValueError(f"note: {len(note)} characters, expected ASCII, at most {LONGEST_NOTE}")
        check_place(target)
        form.check()
    return form, settings


def _check_size(target: Path, form: VideoFormat, size: tuple[int, ...]) -> None:
    if max(size) > form.longest:
        raise VideoFileError(
            f"cannot write '{target}': a {target.suffix.lower()} film is at most {form.longest} pixels wide and high,"
            f" the frames are {size[1]}×{size[0]}"
        )


def _fraction(fps: float | Fraction, form: VideoFormat) -> Fraction:
    try:
        if SLOWEST <= fps <= form.fastest:  # False for NaN
            return Fraction(fps).limit_denominator(1001)
    except TypeError:
        pass
    shown = str(fps) if isinstance(fps, Fraction) else repr(fps)
    raise ValueError(f"fps: {shown}, expected {float(SLOWEST):g}..{form.fastest}")


def _whole_quality(quality: int) -> int:
    try:
        if 1 <= operator.index(quality) <= 100:
            return operator.index(quality)
    except TypeError:
        pass
    raise ValueError(f"quality: {quality!r}, expected a whole number, 1..100")
