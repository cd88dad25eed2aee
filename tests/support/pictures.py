"""Small picture files, and their pixels."""

from pathlib import Path

import numpy as np
from PIL import Image

from pydream.media import read_image


def saved(folder: Path, image: Image.Image, name: str = "in.png", **options: object) -> Path:
    path = folder / name
    image.save(path, **options)
    return path


def pixels(path: Path) -> list[tuple[int, ...]]:
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.flags.writeable
    return [tuple(map(int, pixel)) for pixel in image.reshape(-1, 3)]


def photograph(height: int = 60, width: int = 80) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    channels = [x * 3 % 256, y * 4 % 256, (x * y) % 256]
    return Image.fromarray(np.stack(channels, -1).astype(np.uint8))
