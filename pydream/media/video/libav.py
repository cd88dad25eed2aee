"""libav at arm's length: untrusted files opened without a network, errors in one line, exact colours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ...errors import MissingExtraError, VideoFileError
from ...files import open_regular, reason

if TYPE_CHECKING:
    from av.container import InputContainer

# Named one by one: libav also reads playlists, which name other files and hosts, and formats that any file matches.
READABLE = (
    "mov", "mp4", "matroska", "webm", "avi", "gif", "apng", "mpegts", "mpeg", "flv", "asf", "ogg", "nut", "ivf", "mxf",
    "yuv4mpegpipe",
)  # fmt: skip

# libav's numbers for the ranges of luma and chroma: 16..235 and 16..240, or 0..255.
LIMITED, FULL = 1, 2

# swscale's BICUBIC | FULL_CHR_H_INT | FULL_CHR_H_INP | ACCURATE_RND | BITEXACT: its faster ways are off by some levels,
# and differ between processors.
EXACT_SCALING = 4 | 1 << 13 | 1 << 14 | 1 << 18 | 1 << 19


def _pyav() -> Any:
    """Return PyAV; `MissingExtraError` if it cannot be imported."""
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(f"reading a film needs PyAV ({error}): pip install av") from error
    return av


@contextmanager
def ffmpeg_errors() -> Iterator[None]:
    """Turn libav's errors into `OSError`; some of them are `OSError` or `ValueError` already, some are neither."""
    av = _pyav()
    try:
        yield
    except av.FFmpegError as error:
        raise OSError(reason(error)) from error


@contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Turn libav's errors and `OSError` into a `VideoFileError`: ``cannot read 'path': …``."""
    try:
        with ffmpeg_errors():
            yield
    except OSError as error:
        raise VideoFileError(f"cannot read '{path}': {reason(error)}") from error


def decoder_options() -> dict[str, str]:
    """Return the options that make a decoder refuse frames of too many pixels, whatever the container says."""
    return {"max_pixels": str(Image.MAX_IMAGE_PIXELS or 2**31 - 1)}


def _text_options(av: Any) -> dict[str, str]:
    """Return the option of `av.open` for tags that are not UTF-8.

    PyAV below 19 refuses a film for such a tag unless it is asked to keep its bytes, as 19 always does: then it has no
    such option.
    """
    return {"metadata_errors": "surrogateescape"} if hasattr(av.container.InputContainer, "metadata_errors") else {}


def text(tag: str) -> str:
    """Return a film's tag as text; bytes that are not UTF-8 become U+FFFD."""
    return tag.encode(errors="surrogateescape").decode(errors="replace")


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open an untrusted film: no other file is read, and no frame of too many pixels is decoded.

    Raises
    ------
    VideoFileError
        If there is no such file, or it is not a film.
    MissingExtraError
        If PyAV cannot be imported.
    """
    av = _pyav()
    options = {
        "format_whitelist": ",".join(READABLE),
        "protocol_whitelist": "none",  # libav reads from the open file, and opens nothing else
        **decoder_options(),
    }
    with open_regular(path, "film", VideoFileError) as file:
        try:
            container = av.open(file, "r", options=options, **_text_options(av))
        except (av.FFmpegError, OSError) as error:  # OSError: a seek beyond the file
            raise VideoFileError(
                f"'{path}' is not a readable film, or is damaged (expected {', '.join(READABLE)})"
            ) from error
        with container:
            yield container
