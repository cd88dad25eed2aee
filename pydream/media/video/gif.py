"""GIF: 256 colours a frame, no sound, shown everywhere."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import GifImagePlugin, Image

from ...picture import Picture
from .settings import AddFrame, Settings, VideoFormat


@contextmanager
def _gif(path: Path, size: tuple[int, int], settings: Settings) -> Iterator[AddFrame]:
    height, width = size
    shown = 0  # frames

    file = path.open("wb")
    try:
        file.write(b"GIF89a" + struct.pack("<2H3B", width, height, 0x70, 0, 0))  # 8 bits a colour, no global palette
        file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")  # repeats for ever
        if settings.note:
            file.write(b"\x21\xfe")
            for start in range(0, len(settings.note), 255):
                block = settings.note[start : start + 255].encode("ascii")
                file.write(bytes([len(block)]) + block)
            file.write(b"\x00")

        def add(pixels: Picture) -> None:
            nonlocal shown
            begin, end = (round(100 * settings.time(frame)) for frame in (shown, shown + 1))
            shown += 1
            # Blurred as the eye does, the octree's colours, dithered, are nearer to the picture than those of Pillow's
            # median cut and FFmpeg's palettegen, and take a tenth of the time.
            image = Image.fromarray(pixels)
            palette = image.quantize(256, method=Image.Quantize.FASTOCTREE)
            dithered = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
            # Pillow's save() would keep all frames in memory until the last one.
            milliseconds = 10 * (end - begin)
            blocks = GifImagePlugin.getdata(dithered, duration=milliseconds, include_color_table=True)
            file.writelines(blocks)
            blocks.clear()  # Pillow leaves them in a reference cycle, which the garbage collector is slow to find

        yield add
        file.write(b"\x3b")
        file.close()
    except BaseException:
        with suppress(OSError):  # close() tries again to write what is buffered
            file.close()
        raise


# Browsers stretch a frame shorter than two hundredths of a second to ten; the header has 16 bits for each side.
GIF = VideoFormat(longest=65535, fastest=50, silent=True, check=lambda: None, opened=_gif)
