"""A film is (H, W, 3) frames, one after the other: H.264 for players, GIF for pages, written whole or not at all."""

from __future__ import annotations

import operator
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from fractions import Fraction
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from .errors import VideoFileError
from .files import check_place, reason, written_whole
from .image import LONGEST_NOTE, Picture, to_pixels

if TYPE_CHECKING:
    from av.codec import Codec

Add = Callable[[Picture], None]  # takes the next frame of a film

QUALITY = 90
SLOWEST = Fraction(1, 10)  # frames per second


class Settings(NamedTuple):
    """What is known of a film before its first frame."""

    fps: Fraction
    quality: int
    note: str | None


class Format(NamedTuple):
    """A format that films are written in."""

    longest: int  # the longest side that it can hold
    fastest: int  # frames per second
    opened: Callable[[Path, tuple[int, int], Settings], AbstractContextManager[Add]]


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[NDArray[Any]],
    fps: float | Fraction = 25,
    quality: int = QUALITY,
    note: str | None = None,
) -> None:
    """Write a film, in the format of the path's suffix, so that the file is whole or is not there.

    Each frame is asked for when the one before is encoded, and memory does not grow with their number. Values are
    clipped to 0..255 and their fractions dropped, as by `pydream.image.write_image`. What the iterator raises passes
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
        ASCII text to keep in the file, at most `pydream.image.LONGEST_NOTE` characters: the comment.

    Raises
    ------
    VideoFileError
        As by `check_video`, before the first frame is asked for; or if there are no frames, one is no picture or of
        another size than the first, or the file cannot be written.
    """
    target = Path(path)
    form, settings = _check(target, fps, quality, note)
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
        if form.opened is _mp4:
            _x264()
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
    raise ValueError(f"fps: {fps!r}, want {float(SLOWEST):g}..{form.fastest}")


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


# ---- H.264 ----

_BT709 = 1  # H.273 numbers primaries, transfer and matrix one by one, and all three so
_LIMITED = 1  # 16..235 for luma, 16..240 for chroma
_FULL = 2


def _x264() -> Codec:
    """Give the encoder; `OSError` where there is none. Only a film pays for PyAV's import."""
    try:
        import av
    except ImportError as error:
        raise OSError(f"PyAV cannot be imported ({error}); 'pip install av' may help, a .gif needs none") from None
    try:
        return av.Codec("libx264", "w")
    except ValueError:
        others = sorted(name for name in av.codecs_available if name.startswith(("h264_", "libopenh264")))
        raise OSError(
            f"this PyAV has no encoder libx264, only {', '.join(others) or 'none'} for H.264;"
            " 'pip install av' brings one that has it, a .gif needs none"
        ) from None


@contextmanager
def _ffmpeg_errors() -> Iterator[None]:
    import av

    try:
        yield
    except av.FFmpegError as error:  # some are OSErrors or ValueErrors as well, some are neither
        raise OSError(reason(error)) from error


@contextmanager
def _mp4(path: Path, size: tuple[int, int], settings: Settings) -> Iterator[Add]:
    import av
    from av.video.reformatter import Interpolation

    height, width = size
    odd = ((0, height % 2), (0, width % 2), (0, 0))
    # What is fast in swscale is off by some levels, and differs between processors.
    exactly = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP | Interpolation.BITEXACT
    time_base = 1 / settings.fps
    times = count()

    with _ffmpeg_errors():
        # The index comes first, so that a browser shows the film while it loads; bitexact leaves out FFmpeg's version.
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        container = av.open(str(path), "w", format="mp4", options=options)
    try:
        with _ffmpeg_errors():
            if settings.note is not None:
                container.metadata["comment"] = settings.note
            # Looking ahead 20 frames, not 40, saves a third of the memory: 12 megapixels take 1.5 GB.
            options = {
                "crf": f"{51 - 0.38 * settings.quality:.2f}",
                "rc-lookahead": "20",
                "x264-params": "cpu-independent=1",
            }
            stream = container.add_stream("libx264", rate=settings.fps, options=options)
            stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
            context = stream.codec_context
            context.time_base = time_base
            context.thread_count = 1  # for another number x264 gives other bytes; a dream takes far longer anyway
            context.color_primaries = context.color_trc = context.colorspace = _BT709
            context.color_range = _LIMITED

        @_ffmpeg_errors()
        def add(pixels: Picture) -> None:
            rgb = av.VideoFrame.from_ndarray(np.pad(pixels, odd, mode="edge"), format="rgb24")
            frame = rgb.reformat(
                format="yuv420p",
                src_color_range=_FULL,
                dst_color_range=_LIMITED,
                dst_colorspace=_BT709,
                interpolation=exactly,
            )
            frame.pts, frame.time_base = next(times), time_base
            container.mux(stream.encode(frame))

        yield add
        with _ffmpeg_errors():
            container.mux(stream.encode(None))
            container.close()
    except BaseException:
        with suppress(av.FFmpegError):  # the first error is the one to tell
            container.close()
        raise


# ---- GIF ----


@contextmanager
def _gif(path: Path, size: tuple[int, int], settings: Settings) -> Iterator[Add]:
    height, width = size
    shown = 0  # frames

    file = path.open("wb")
    try:
        file.write(b"GIF89a" + struct.pack("<2H3B", width, height, 0x70, 0, 0))  # 8 bits a colour, no common palette
        file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")  # for ever
        if settings.note:
            file.write(b"\x21\xfe")
            for start in range(0, len(settings.note), 255):
                block = settings.note[start : start + 255].encode("ascii")
                file.write(bytes([len(block)]) + block)
            file.write(b"\x00")

        def add(pixels: Picture) -> None:
            nonlocal shown
            begin, end = (round(100 * frames / settings.fps) for frames in (shown, shown + 1))
            shown += 1
            # The octree's colours, dithered, are nearer to the picture, blurred as an eye does, than those of Pillow's
            # median cut and FFmpeg's palettegen, and found in a tenth of the time.
            image = Image.fromarray(pixels)
            palette = image.quantize(256, method=Image.Quantize.FASTOCTREE)
            dithered = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
            # Pillow's save() would hold all frames until the last is there.
            milliseconds = 10 * (end - begin)
            blocks = GifImagePlugin.getdata(dithered, duration=milliseconds, include_color_table=True)
            file.writelines(blocks)
            blocks.clear()  # Pillow leaves them in a cycle, which the garbage collector is slow to find

        yield add
        file.write(b"\x3b")
        file.close()
    except BaseException:
        with suppress(OSError):  # what is not written yet is tried once more
            file.close()
        raise


# x264 takes no longer sides; a GIF's header has 16 bits for each. Browsers show what a GIF shows for less than two
# hundredths of a second for ten.
WRITABLE = {".mp4": Format(16384, 240, _mp4), ".gif": Format(65535, 50, _gif)}
