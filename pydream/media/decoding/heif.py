"""HEIC, by the package pillow-heif, which is imported when such a file is read, and not before."""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image

from .pillow import check_size


def open_heic(file: BinaryIO) -> Image.Image:
    """Open a HEIC picture; its pixels are not decoded, and are upright when they are."""
    from pillow_heif import HeifImageFile  # not registered with Pillow: other code's `Image.open` is not ours to change

    image: Image.Image = HeifImageFile(file)
    check_size(image)
    return image
