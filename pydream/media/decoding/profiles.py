"""Colours by an ICC profile → sRGB: relative colorimetric, 8 bits. Colours that are sRGB already keep every byte."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image, ImageCms

from ...files import reason

LONGEST_PROFILE = 4 * 2**20  # bytes: those of printers have two million
_SAME = 2  # levels: what profiles of sRGB by different makers are apart at most
_SPACES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}
_CLASSES = {"mntr", "scnr", "prtr", "spac"}  # not links and the like, which are no picture's
_GRID = np.linspace(0, 255, 9).round().astype(np.uint8)


class Profile:
    """A picture's colour profile, and why it is ignored, once that is known."""

    def __init__(self, content: bytes | None) -> None:
        self._content = content
        self.trouble: str | None = None

    def __bool__(self) -> bool:
        return bool(self._content)

    def to_srgb(self, image: Image.Image) -> Image.Image:
        """Return a picture without transparency in sRGB; the same one if it is that, or the profile cannot be used."""
        if not self._content:
            return image
        try:
            return _converted(image, self._content)
        except MemoryError:
            raise
        except Exception as error:  # ImageCms raises OSError, TypeError, PyCMSError
            self.trouble = reason(error)
            return image


def _converted(image: Image.Image, content: bytes) -> Image.Image:
    if len(content) > LONGEST_PROFILE:
        raise ValueError(f"it has more than {LONGEST_PROFILE} bytes")
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    space, mode = profile.profile.xcolor_space, _SPACES.get(profile.profile.xcolor_space)
    if mode is None or profile.profile.device_class not in _CLASSES:
        raise ValueError(f"it is a {profile.profile.device_class} profile of {space} colours")
    given = image
    if image.mode != "CMYK":
        image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    if image.mode == "L" and mode == "RGB":
        image = image.convert("RGB")
    if image.mode != mode:
        raise ValueError(f"it is of {space} colours, the picture of {image.mode}")
    transform = ImageCms.buildTransform(profile, _srgb(), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
    if mode != "CMYK" and _keeps(transform, mode):
        return given
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted


def _keeps(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Return whether a transform leaves colours, as far as eyes and other makers' sRGB go, as they are."""
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    colours = (
        greys if mode == "L" else np.concatenate([greys, np.stack(np.meshgrid(_GRID, _GRID, _GRID), -1).reshape(-1, 3)])
    )
    probe = Image.fromarray(colours[None])
    after = ImageCms.applyTransform(probe.convert(mode), transform)
    return bool(np.abs(np.asarray(after, np.int16) - np.asarray(probe)).max() <= _SAME)


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
