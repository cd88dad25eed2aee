"""A picture file is an (H, W, 3) array, RGB, 0..255: read in any mode, written whole or not at all."""

from __future__ import annotations

import io
import math
import os
import warnings
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from ..errors import AnimationWarning, DamagedPictureWarning, IgnoredProfileWarning, ImageFileError
from ..files import check_place, open_regular, write_errors, write_whole
from ..picture import DTYPES, Depth, Picture, Samples, to_pixels
from . import deep
from .decoding import EXIF_FIELDS, MAKER_NOTE, NOTE_START, Decoded, convert, decode, decode_deep, find_note, frame_count
from .decoding import PNG_KEYWORD as PNG_KEYWORD
from .decoding import READABLE as READABLE
from .decoding import is_readable as is_readable
from .decoding import unread_kind as unread_kind
from .png import as_png, deflated
from .resolution import Dpi, find_dpi


class ImageFormat(NamedTuple):
    """A format that pictures are written in."""

    name: str  # Pillow's
    longest: int  # side that the format can store, in pixels
    options: dict[str, Any]
    depths: tuple[Depth | None, ...] = (None,)  # None: 8 bits


_PNG = ImageFormat("PNG", 2**31 - 1, {}, (None, 16))
_JPEG = ImageFormat("JPEG", 65500, {"quality": 95})
_WEBP = ImageFormat("WEBP", 16383, {"quality": 95})
_TIFF = ImageFormat("TIFF", 2**31 - 1, {}, (None, 16, "float"))
FORMATS = {"png": _PNG, "jpeg": _JPEG, "webp": _WEBP, "tiff": _TIFF}
WRITABLE = {".png": _PNG, ".jpg": _JPEG, ".jpeg": _JPEG, ".webp": _WEBP, ".tif": _TIFF, ".tiff": _TIFF}

_BAND, _BAND_EACH = 8, 64  # rows of a band, and from one to the next
_LITTLE = 2**17  # bytes of pixels: of fewer, the bands are too few to tell
_EXIF_SOFTWARE = 0x0131
_LARGEST_TIFF = 2**32 - 2**17  # bytes of pixels: places in the file are 32 bits
LONGEST_NOTE = 60_000  # characters; JPEG keeps all of EXIF within 65,533 bytes


def read_image(path: str | os.PathLike[str], *, to_srgb: bool = True) -> Picture:
    """Read a picture file as 8-bit RGB.

    Transparency is composited on white; grey, palette, 1-bit, 12-bit, 16-bit, float, CMYK and CIELab pictures are
    converted; EXIF's orientation is applied; only the first frame of an animation is read, with an `AnimationWarning`.

    Parameters
    ----------
    path : path-like
        A file in one of the formats `READABLE`, or HEIC with the package pillow-heif.
    to_srgb : bool
        Convert colours of a profile such as Display P3 or Adobe RGB to sRGB, relative colorimetric, in 8 bits. Pictures
        without a profile, or with one of sRGB, keep every byte; a profile that is damaged, or has more than 4 MiB, is
        ignored with an `IgnoredProfileWarning`. False: ignore all profiles, as the notebook does.

    Returns
    -------
    (H, W, 3) uint8 array
        RGB, C-contiguous and writable.

    Raises
    ------
    ImageFileError
        If there is no such file, it is not a picture, is truncated or damaged, has values without an agreed meaning
        (float outside 0..255, integers beyond 16 bits), or has more pixels than Pillow's `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    with _opened(path) as file:
        return _picture(file, str(path), to_srgb)


def picture_of(image: Image.Image, name: str = "picture", *, to_srgb: bool = True) -> Picture:
    """Convert a picture of Pillow's as `read_image` does that of a file; `name` is for messages."""
    return _pixels(convert(image, name, to_srgb), name)


def read_note(path: str | os.PathLike[str]) -> str | None:
    """Read the note that `write_image` stored in a picture file; None if there is none.

    The text is untrusted: a file from elsewhere may say anything there.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    ImageFileError
        If there is no such file, or it is not a picture.
    """
    with _opened(path) as file:
        return find_note(file, str(path))


def _opened(path: str | os.PathLike[str]) -> BinaryIO:
    return open_regular(Path(path), "picture", ImageFileError)


def decode_image(file: BinaryIO, name: str, *, to_srgb: bool = True) -> Picture:
    """Read a picture, as `read_image` does, from an open seekable file; `name` is for messages."""
    return _picture(file, name, to_srgb)


def read_samples(path: str | os.PathLike[str]) -> Samples:
    """Read a picture file as it stores its numbers: uint16 or float32 RGB as they are, others as `read_image` does."""
    with _opened(path) as file:
        samples = decode_deep(file, str(path))
    return read_image(path) if samples is None else samples


def read_dpi(path: str | os.PathLike[str]) -> Dpi | None:
    """Read the pixels per inch of a picture file: see `find_dpi`."""
    with _opened(path) as file:
        return find_dpi(file)


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return a picture at another (height, width), by Pillow's Lanczos filter: antialiased, and the same everywhere."""
    if picture.shape[:2] == size:
        return picture
    return np.array(Image.fromarray(picture).resize(size[::-1], Image.Resampling.LANCZOS))


def _picture(file: BinaryIO, name: str, to_srgb: bool) -> Picture:
    found = decode(file, name, to_srgb)
    if (frames := frame_count(file)) > 1:
        what = f"'{name}' is an animation, and only the first of its {frames} frames is read: `pydream video` takes all"
        warnings.warn(what, AnimationWarning, stacklevel=3)
    return _pixels(found, name)


def _pixels(found: Decoded, name: str) -> Picture:
    if found.damage is not None:
        warnings.warn(f"'{name}' is damaged: {found.damage}", DamagedPictureWarning, stacklevel=4)
    if found.profile_trouble is not None:
        what = f"the colour profile of '{name}' is ignored: {found.profile_trouble}"
        warnings.warn(what, IgnoredProfileWarning, stacklevel=4)
    return np.array(found.image, dtype=np.uint8, order="C")


def write_image(
    path: str | os.PathLike[str], image: NDArray[Any], note: str | None = None, dpi: float | Dpi | None = None
) -> None:
    """Write a picture whole or not at all, in the format of the path's suffix.

    Values are clipped to 0..255 and their fractions dropped, as the notebook's ``uint8(frame)`` does. The picture is
    written under a temporary name beside the target and renamed when complete: an older file of that name is
    unchanged after a failure, and is replaced with its permissions kept otherwise.

    Parameters
    ----------
    path : path-like
        Its suffix is one of `WRITABLE`.
    image : (H, W, 3) array
        RGB, 0..255, any real dtype, without NaN.
    note : str, optional
        ASCII text to store in the file, at most `LONGEST_NOTE` characters: in a PNG's text chunk ``pydream``, or in the
        maker's note of EXIF or TIFF, not in the image description, which programs show as the caption. `read_note`
        returns it.
    dpi : float or (float, float), optional
        Pixels per inch in print, or those across and down; WebP cannot store it.

    Raises
    ------
    ImageFileError
        If the array is not such a picture, or the file cannot be written.
    """
    with write_errors(path, ImageFileError):
        write_samples(path, to_pixels(image), note, dpi)


def write_samples(
    path: str | os.PathLike[str], samples: Samples, note: str | None = None, dpi: float | Dpi | None = None
) -> None:
    """Write what `pydream.picture.to_samples` made, in its depth, as `write_image` writes 8 bits."""
    with write_errors(path, ImageFileError):
        depth = next(depth for depth, dtype in DTYPES.items() if samples.dtype == dtype)
        form = check_writable(path, samples.shape[:2], depth)
        write_whole(path, encode_image(samples, form, note, dpi))


def encode_image(
    samples: Samples, form: ImageFormat, note: str | None = None, dpi: float | Dpi | None = None
) -> memoryview:
    """Return a picture's file, with `write_image`'s note and dpi; `ValueError` if the note does not fit.

    In memory, since Pillow's encoders of JPEG and TIFF ignore that a disk takes only some of their bytes.
    """
    options = dict(form.options)
    if dpi is not None:
        options["dpi"] = dpi if isinstance(dpi, tuple) else (dpi, dpi)
    if note is not None and (len(note) > LONGEST_NOTE or not note.isascii()):
        raise ValueError(f"note: {len(note)} characters, expected ASCII, at most {LONGEST_NOTE}")
    if samples.dtype != np.uint8:
        encode = as_png if form.name == _PNG.name else deep.as_tiff
        return memoryview(encode(samples, note, options.get("dpi")))
    how = _quickest_png(samples) if form is _PNG else None
    if how == "averages":
        return memoryview(as_png(samples, note, options.get("dpi")))
    if how == "runs":
        options["compress_type"] = zlib.Z_RLE
    if note is not None:
        if form is _PNG:
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_text("Software", "pydream")
            options["pnginfo"].add_text(PNG_KEYWORD, note)
        else:
            options["exif"] = Image.Exif()
            options["exif"][_EXIF_SOFTWARE] = "pydream"
            # Pillow writes no fields of EXIF's own into a TIFF.
            fields = options["exif"] if form is _TIFF else options["exif"].get_ifd(EXIF_FIELDS)
            fields[MAKER_NOTE] = NOTE_START + note.encode("ascii")
    return _encoded(samples, form, options)


def _encoded(samples: Samples, form: ImageFormat, options: dict[str, Any]) -> memoryview:
    file = io.BytesIO()
    Image.fromarray(samples).save(file, format=form.name, **options)
    return file.getbuffer()


def _quickest_png(samples: Samples) -> str | None:
    """Return how a PNG grows by at most 3 % in less time, by bands of its rows; None: by what Pillow does.

    "averages" is `as_png`, which suffices for dreams and takes a quarter of the time; "runs" has rows filtered each in
    its way, and takes half. Patterns that repeat themselves are what neither finds.
    """
    if samples.nbytes <= _LITTLE:
        return None
    first = (min(len(samples), _BAND_EACH) - _BAND) // 2
    bands = [slice(top, top + _BAND) for top in range(max(first, 0), len(samples), _BAND_EACH)]
    alone = np.concatenate([samples[band] for band in bands])  # Pillow's, 1 to 2 % larger without the rows above them
    least = len(_encoded(alone, _PNG, {}))
    if sum(map(len, deflated(samples, bands))) <= least:
        return "averages"
    return "runs" if len(_encoded(alone, _PNG, {"compress_type": zlib.Z_RLE})) <= 1.03 * least else None


def check_depth(form: ImageFormat, depth: Depth | None) -> None:
    """Raise `ValueError` with the suffixes of those that can, if a format cannot hold samples of a depth."""
    if depth not in form.depths:
        able = ", ".join(suffix for suffix, each in WRITABLE.items() if depth in each.depths)
        what = "floats" if depth == "float" else f"{depth} bits a colour"
        raise ValueError(f"a {form.name} file cannot hold {what} (expected {able})")


def check_writable(
    path: str | os.PathLike[str], size: tuple[int, ...] | None = None, depth: Depth | None = None
) -> ImageFormat:
    """Check that `write_image` can write a file, before hours of work are spent on the picture.

    Parameters
    ----------
    path : path-like
        Where the picture will be written.
    size : (height, width), optional
        Of the picture, to check that the format can store it.
    depth : {None, 16, "float"}
        The same; None: 8 bits.

    Returns
    -------
    ImageFormat
        The format of the path's suffix.

    Raises
    ------
    ImageFileError
        If the suffix is unknown; the folder is missing, is not a folder or cannot take a new file; a folder or a
        read-only or special file has that name; or the picture is too large or too deep for the format.
    """
    target = Path(path)
    with write_errors(target, ImageFileError):
        form = WRITABLE.get(target.suffix.lower())
        if form is None:
            raise ValueError(f"its suffix names no known format (expected {', '.join(WRITABLE)})")
        check_depth(form, depth)
        if size is not None and max(size) > form.longest:
            raise ValueError(
                f"a {form.name} file is at most {form.longest} pixels wide and high, the picture is {size[1]}×{size[0]}"
            )
        if size is not None and form is _TIFF and math.prod(size) * 3 * DTYPES[depth]().itemsize > _LARGEST_TIFF:
            raise ValueError("a TIFF file is at most 4 GiB, and the picture's numbers are more")
        check_place(target)
    return form
