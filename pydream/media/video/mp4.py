"""H.264 in an MP4, with sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...picture import Picture
from .libav import EXACT_SCALING, FULL, LIMITED, ffmpeg_errors
from .settings import AddFrame, Settings, VideoFormat

if TYPE_CHECKING:
    from av.container import OutputContainer

_BT709 = 1  # in H.273: of primaries, transfer and matrix alike


def _find_x264() -> None:
    """Raise `OSError` if there is no encoder. PyAV is imported late, since only films need it."""
    try:
        import av
    except ImportError as error:
        raise OSError(f"PyAV cannot be imported ({error}); 'pip install av' may help, or write a .gif") from None
    try:
        av.Codec("libx264", "w")
    except ValueError:
        others = sorted(name for name in av.codecs_available if name.startswith(("h264_", "libopenh264")))
        raise OSError(
            f"this PyAV has no encoder libx264, only {', '.join(others) or 'none'} for H.264;"
            " 'pip install av' installs one that has it, or write a .gif"
        ) from None


def _begin(container: OutputContainer) -> None:
    """Open the file, again after a signal: Python does that by itself, libav does not."""
    import av

    while True:
        with suppress(av.error.InterruptedError):
            return container.start_encoding()


@contextmanager
def _mp4(path: Path, size: tuple[int, int], settings: Settings) -> Iterator[AddFrame]:
    import av

    height, width = size
    odd = ((0, height % 2), (0, width % 2), (0, 0))
    frames = count()

    with ffmpeg_errors():
        # The index comes first, so that a browser can play the film while it loads; bitexact omits FFmpeg's version.
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        container = av.open(str(path), "w", format="mp4", options=options)
    try:
        with ffmpeg_errors():
            if settings.note is not None:
                container.metadata["comment"] = settings.note
            # A lookahead of 20 frames, not 40, saves a third of the memory: 12 megapixels take 1.5 GB.
            options = {
                "crf": f"{51 - 0.38 * settings.quality:.2f}",
                "rc-lookahead": "20",
                "x264-params": "cpu-independent=1",
            }
            stream = container.add_stream("libx264", rate=settings.fps, options=options)
            stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
            context = stream.codec_context
            context.time_base = settings.tick
            context.sample_aspect_ratio = settings.pixel_aspect
            context.thread_count = 1  # x264's bytes depend on the number; a dream takes far longer anyway
            context.color_primaries = context.color_trc = context.colorspace = _BT709
            context.color_range = LIMITED

        @ffmpeg_errors()
        def add(pixels: Picture) -> None:
            rgb = av.VideoFrame.from_ndarray(np.pad(pixels, odd, mode="edge"), format="rgb24")
            frame = rgb.reformat(
                format="yuv420p",
                src_color_range=FULL,
                dst_color_range=LIMITED,
                dst_colorspace=_BT709,
                interpolation=EXACT_SCALING,
            )
            number = next(frames)
            begin, end = settings.time(number), settings.time(number + 1)
            frame.time_base = settings.tick
            frame.pts, frame.duration = int(begin / settings.tick), int((end - begin) / settings.tick)
            packets = stream.encode(frame)
            if number == 0:
                _begin(container)
            container.mux(packets)
            if mux_sound is not None:
                mux_sound(begin)

        with ExitStack() as stack:
            mux_sound = None if settings.sound is None else stack.enter_context(settings.sound.into(container))
            yield add
            with ffmpeg_errors():
                container.mux(stream.encode(None))
                if mux_sound is not None:
                    mux_sound(None)
                container.close()
    except BaseException:
        with suppress(av.FFmpegError):  # the first error is the one to report
            container.close()
        raise


# x264's limits.
MP4 = VideoFormat(longest=16384, fastest=240, silent=False, check=_find_x264, opened=_mp4)
