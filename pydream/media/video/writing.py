"""Films are written whole or not at all, in the format of their suffix."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ...errors import VideoFileError
from ...files import check_place, reason, written_whole
from ..image import LONGEST_NOTE, Picture, to_pixels
from .gif import GIF
from .mp4 import MP4
from .settings import Format, Settings, Times
from .sound import Sound

WRITABLE = {".mp4": MP4, ".gif": GIF}
QUALITY = 90
SLOWEST = Fraction(1, 10)  # frames per second


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
    """Write a film, in the format of the path's suffix, so that the file is whole or is not there.

    Each frame is asked for when the one before is encoded, and memory does not grow with their number. Values are
    clipped to 0..255 and their fractions dropped, as by `write_image`. What the iterator raises passes
    through as it is; an older file stays as it was then. The same frames give the same file, byte for byte, whatever
    the machine's number of processors, as long as PyAV's and Pillow's versions are the same.

    ``.mp4`` is H.264, 4:2:0, in BT.709's colours and limited range, and says so, which players and browsers show,
    though telephones often only up to 4096×2304. Such a film has even sides: an odd picture's last row or column is
    there twice. ``.gif`` runs for ever; each of its frames has its own 256 colours, dithered.

    Parameters
    ----------
    path : path-like
        Its suffix is one of `WRITABLE`.
    frames : iterable of (H, W, 3) arrays
        RGB, 0..255, any real dtype, all of one size, at least one. They may be one array, written anew each time.
    fps : float or Fraction
        Frames per second, from `SLOWEST` to 240, for a GIF to 50, beyond which browsers slow it down; rounded to a
        fraction with a denominator of at most 1001, so that NTSC's is ``Fraction(30000, 1001)`` and 29.97 is 2997/100.
        A GIF counts in hundredths of a second: frames are shown for one hundredth more or less, so that none comes
        more than half of one too early or late.
    quality : int
        1..100, higher is better and larger: x264's CRF is ``51 - 0.38 * quality``, so that 100 means 13, which no eye
        tells from the frames, 90 about 17, 74 about 23, x264's own default, and 1 about 51. A GIF has but one.
    note : str, optional
        ASCII text to keep in the file, at most `pydream.media.image.LONGEST_NOTE` characters: the comment.
    times : Times, optional
        When each frame is shown, in place of `fps`; one tick more than there are frames.
    pixel_aspect : Fraction
        A pixel's width to its height. A GIF's pixels are square.
    sound : Sound, optional
        Another film's, to go with this one; not for a GIF, which is silent.

    Raises
    ------
    VideoFileError
        As by `check_video`, before the first frame is asked for; or if there are no frames, one is no picture or of
        another size than the first, or the file cannot be written.
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
        with _told(target):
            size = _pixels(1, first).shape[:2]
            _check_size(target, form, size)
            temporary = stack.enter_context(written_whole(target))
            temporary.open("xb").close()  # so that permissions are by the umask
            add = stack.enter_context(form.opened(temporary, size, settings))
        for number, frame in enumerate(chain([first], frames), start=1):
            with _told(target):
                pixels = _pixels(number, frame)
                height, width = pixels.shape[:2]
                if (height, width) != size:
                    raise ValueError(f"frame {number} is {width}×{height}, the first is {size[1]}×{size[0]}")
                if times is not None and number >= len(times.ticks):
                    raise ValueError(f"there are times for {len(times.ticks) - 1} frames, and more frames")
                add(pixels)
        with _told(target):
            stack.close()  # ends the film, then renames it


def check_video(
    path: str | os.PathLike[str],
    size: tuple[int, ...] | None = None,
    fps: float | Fraction = 25,
    quality: int = QUALITY,
) -> None:
    """Make sure that `write_video` will find its way clear, before hours of work are spent on the frames.

    Parameters
    ----------
    path : path-like
        Where the film will be written.
    size : (height, width), optional
        Checked against what the format can hold.
    fps, quality
        As for `write_video`.

    Raises
    ------
    VideoFileError
        If the suffix is unknown, or this PyAV cannot encode its format; the folder is missing, no folder or takes no
        new file; a folder or a read-only or special file has that name; `fps` or `quality` is out of range; or the
        picture is too large for the format.
    """
    form, _ = _check(Path(path), fps, quality, None)
    if size is not None:
        _check_size(Path(path), form, size)


def is_film(path: str | os.PathLike[str]) -> bool:
    """Tell by its suffix whether a file is a film."""
    return Path(path).suffix.lower() in WRITABLE


def _pixels(number: int, frame: NDArray[Any]) -> Picture:
    try:
        return to_pixels(frame)
    except ValueError as error:
        raise ValueError(f"frame {number}: {error}") from error


def _check(target: Path, fps: float | Fraction, quality: int, note: str | None) -> tuple[Format, Settings]:
    form = WRITABLE.get(target.suffix.lower())
    if form is None:
        raise VideoFileError(
            f"cannot write '{target}': its suffix names no known format; known are {', '.join(WRITABLE)}"
        )
    with _told(target):
        settings = Settings(_fraction(fps, form), _whole_quality(quality), note)
        if note is not None and (len(note) > LONGEST_NOTE or not note.isascii() or "\0" in note):
            raise ValueError(f"note: {len(note)} characters, want ASCII, at most {LONGEST_NOTE}")
        check_place(target)
        form.check()
    return form, settings


def _check_size(target: Path, form: Format, size: tuple[int, ...]) -> None:
    if max(size) > form.longest:
        raise VideoFileError(
            f"cannot write '{target}': a {target.suffix.lower()} film is at most {form.longest} pixels wide and high,"
            f" the frames are {size[1]}×{size[0]}"
        )


def _fraction(fps: float | Fraction, form: Format) -> Fraction:
    try:
        if SLOWEST <= fps <= form.fastest:  # False for NaN
            return Fraction(fps).limit_denominator(1001)
    except TypeError:
        pass
    told = str(fps) if isinstance(fps, Fraction) else repr(fps)
    raise ValueError(f"fps: {told}, want {float(SLOWEST):g}..{form.fastest}")


def _whole_quality(quality: int) -> int:
    try:
        if 1 <= operator.index(quality) <= 100:
            return operator.index(quality)
    except TypeError:
        pass
    raise ValueError(f"quality: {quality!r}, want a whole number, 1..100")


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """Turn what goes wrong with the file into a `VideoFileError`; the frames are made outside of it."""
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, VideoFileError):
            raise
        raise VideoFileError(f"cannot write '{target}': {reason(error)}") from error
