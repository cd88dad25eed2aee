"""GIF: 256 colours a frame, no sound, shown everywhere."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import GifImagePlugin, Image

from ..image import Picture
from .settings import Add, Format, Settings


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
            begin, end = (round(100 * settings.time(frame)) for frame in (shown, shown + 1))
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


# Browsers show what a GIF shows for less than two hundredths of a second for ten; its header has 16 bits for each side.
GIF = Format(longest=65535, fastest=50, silent=True, check=lambda: None, opened=_gif)
