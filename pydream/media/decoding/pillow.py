"""Pillow, with a fixed list of formats, and with errors of one kind."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from ...errors import ImageFileError
from ...files import reason
from .depth import to_8_bits
from .profiles import Profile

# Named one by one: Pillow would also pass PostScript to Ghostscript, take random bytes for a TGA, and silently fill up
# a truncated JPEG 2000.
READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF", "ICO")

EXIF_FIELDS = 0x8769  # where EXIF's own fields are


def open_image(file: Any) -> ImageFile.ImageFile:
    """Open a picture in one of the formats `READABLE`; its pixels are not decoded."""
    Image.init()
    return Image.open(file, formats=[name for name in READABLE if name in Image.OPEN])


def load(image: Image.Image) -> Image.Image:
    """Decode the pixels of an opened picture, and return it."""
    if 0 in image.size:
        raise ValueError(f"it is {image.width}×{image.height} pixels")
    image.load()
    return image


def check_size(image: Image.Image) -> None:
    """Raise Pillow's error for more pixels than are read safely, of a picture that is not opened by `Image.open`."""
    if Image.MAX_IMAGE_PIXELS is not None and image.width * image.height > Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError


@contextmanager
def pillow_errors(name: str) -> Iterator[None]:
    """Turn any error of Pillow's into an `ImageFileError`, and silence its warnings."""
    with warnings.catch_warnings():
        # Pillow warns of decompression bombs, which are refused, and of damaged metadata, which does no harm.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        except UnidentifiedImageError:
            raise ImageFileError(f"'{name}' is not a picture, or is damaged (expected {', '.join(READABLE)})") from None
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise ImageFileError(
                f"'{name}' claims more than {Image.MAX_IMAGE_PIXELS} pixels: too large to read safely;"
                " `pydream --max-pixels` allows larger ones that you trust"
            ) from None
        except (ImageFileError, MemoryError):
            raise
        except Exception as error:  # on damaged files Pillow raises struct.error, KeyError, anything
            raise ImageFileError(f"'{name}' is damaged or cut short: {reason(error)}") from error


def exif(image: Image.Image) -> Image.Exif:
    """Return a picture's EXIF; an empty one if it is damaged."""
    try:
        return image.getexif()
    except MemoryError:
        raise
    except Exception:  # SyntaxError, struct.error, anything
        return Image.Exif()


def exif_fields(fields: Image.Exif) -> dict[int, Any]:
    """Return the fields of EXIF that are not TIFF's; none if they are damaged."""
    try:
        return fields.get_ifd(EXIF_FIELDS)
    except MemoryError:
        raise
    except Exception:  # as above
        return {}


def to_rgb(image: Image.Image, name: str, profile: Profile) -> Image.Image:
    """Convert any of Pillow's modes to RGB by a profile's colours, with transparency on white."""
    if image.mode.startswith("I") or image.mode == "F":
        return profile.to_srgb(_in_8_bits(image, name)).convert("RGB")
    if not image.has_transparency_data:
        image = profile.to_srgb(image)
        return image if image.mode == "RGB" else image.convert("RGB")
    if image.mode in ("RGBa", "La"):  # premultiplied
        image = image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode])
    rgba = image.convert("RGBA")
    if profile:
        colours = profile.to_srgb(image.convert("L") if image.mode in ("L", "LA") else rgba.convert("RGB")).convert(
            "RGB"
        )
        colours.putalpha(rgba.getchannel("A"))
        rgba = colours
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def _in_8_bits(image: Image.Image, name: str) -> Image.Image:
    deep = np.asarray(image)
    grey = to_8_bits(deep, name)
    transparent = image.info.get("transparency")  # a PNG names one 16-bit grey as transparent
    if isinstance(transparent, int):
        grey[deep == transparent] = 255
    return Image.fromarray(grey)
