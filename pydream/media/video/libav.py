"""libav at arm's length: strangers' files opened without a network, its errors in one line, its colours exact."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from ...errors import VideoFileError
from ...files import reason

if TYPE_CHECKING:
    from av.container import InputContainer

# Named one by one: libav also knows playlists, which name other files and hosts, and formats that anything would fit.
READABLE = (
    "mov", "mp4", "matroska", "webm", "avi", "gif", "apng", "mpegts", "mpeg", "flv", "asf", "ogg", "nut", "ivf", "mxf",
    "yuv4mpegpipe",
)  # fmt: skip

# Ranges of luma and chroma: 16..235 and 16..240, or 0..255; H.273 has them as a flag, libav numbers them.
LIMITED, FULL = 1, 2

# swscale's BICUBIC | FULL_CHR_H_INT | FULL_CHR_H_INP | ACCURATE_RND | BITEXACT: what is fast there is off by some
# levels, and differs between processors.
EXACTLY = 4 | 1 << 13 | 1 << 14 | 1 << 18 | 1 << 19


@contextmanager
def ffmpeg_errors() -> Iterator[None]:
    """Turn libav's errors, of which some are `OSError` or `ValueError` as well and some are neither, into `OSError`."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise OSError(reason(error)) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a film is read into a `VideoFileError`."""
    try:
        with ffmpeg_errors():
            yield
    except OSError as error:
        raise VideoFileError(f"cannot read '{path}': {reason(error)}") from error


def limits() -> dict[str, str]:
    """Give the options by which a decoder refuses frames of too many pixels, whatever its container said of them."""
    return {"max_pixels": str(Image.MAX_IMAGE_PIXELS or 2**31 - 1)}


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a film that may be anyone's: this file alone is read, and no frame of too many pixels is made.

    Raises
    ------
    VideoFileError
        If there is no such file, or it is no film.
    """
    import av

    options = {
        "format_whitelist": ",".join(READABLE),
        "protocol_whitelist": "none",  # what is read is given: nothing else is opened
        **limits(),
    }
    with ExitStack() as stack:
        try:
            if not path.is_dir() and not stat.S_ISREG(path.stat().st_mode):
                raise VideoFileError(f"'{path}' is no regular file")  # a pipe would be waited for, and is read twice
            file = stack.enter_context(path.open("rb"))
        except FileNotFoundError:
            raise VideoFileError(f"no such file: '{path}'") from None
        except IsADirectoryError:
            raise VideoFileError(f"'{path}' is a folder, not a film") from None
        except (OSError, ValueError) as error:
            if isinstance(error, VideoFileError):
                raise
            raise VideoFileError(f"cannot read '{path}': {reason(error)}") from error  # a NUL in the path
        try:
            container = stack.enter_context(av.open(file, "r", options=options, metadata_errors="replace"))
        except (av.FFmpegError, OSError) as error:  # OSError: it sought where there is nothing
            raise VideoFileError(
                f"'{path}' is no film that can be read, or is damaged; readable are {', '.join(READABLE)}"
            ) from error
        yield container
