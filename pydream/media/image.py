"""A picture file is an (H, W, 3) array, RGB, 0..255: read whatever its mode, written whole or not at all."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from ..errors import ImageFileError
from ..files import check_place, reason, written_whole

Picture = NDArray[np.uint8]  # (H, W, 3), RGB

# Named one by one: Pillow would also hand PostScript to Ghostscript, take random bytes for a TGA, and fill up
# a truncated JPEG 2000 without a word.
READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF", "ICO")


class Format(NamedTuple):
    """A format that pictures are written in."""

    name: str  # as Pillow calls it
    longest: int  # the longest side that the format can hold
    options: dict[str, Any]


_PNG = Format("PNG", 2**31 - 1, {})
_JPEG = Format("JPEG", 65500, {"quality": 95})
_WEBP = Format("WEBP", 16383, {"quality": 95})
_TIFF = Format("TIFF", 2**31 - 1, {})
FORMATS = {"png": _PNG, "jpeg": _JPEG, "webp": _WEBP, "tiff": _TIFF}
WRITABLE = {".png": _PNG, ".jpg": _JPEG, ".jpeg": _JPEG, ".webp": _WEBP, ".tif": _TIFF, ".tiff": _TIFF}

# Where a picture keeps the text of `write_image`'s note.
_PNG_KEYWORD = "pydream"
_EXIF_NOTE = 0x010E  # ImageDescription: of the fields for text the one that TIFF, JPEG and WebP all keep
_EXIF_SOFTWARE = 0x0131
LONGEST_NOTE = 60_000  # characters; JPEG keeps all of EXIF within 65,533 bytes

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {  # EXIF's orientation, and what undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(path: str | os.PathLike[str]) -> Picture:
    """Read a picture file as 8-bit RGB.

    Transparency is composited on white; grey, palette, 1-bit, 16-bit, float and CMYK pictures are converted;
    EXIF's orientation is applied; of an animation the first frame is taken. Colour profiles are ignored, as
    the notebook does.

    Parameters
    ----------
    path : path-like
        A file in one of the formats `READABLE`.

    Returns
    -------
    (H, W, 3) uint8 array
        RGB, C-contiguous and writable.

    Raises
    ------
    ImageFileError
        If there is no such file, it is no picture, it is cut short or damaged, its values have no agreed
        meaning (float outside 0..255, integers beyond 16 bits), or it has more pixels than Pillow's
        `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    with _opened(path) as file:
        return decode_image(file, str(path))


def read_note(path: str | os.PathLike[str]) -> str | None:
    """Read the text that `write_image` kept in a picture file, or None where there is none.

    Whoever gave the file may have written anything there.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    ImageFileError
        If there is no such file, or it is no picture.
    """
    with _opened(path) as file, _pillow_errors(str(path)), _pillow_image(file) as image:
        # The pixels, which may be many, are not decoded for it.
        note = image.info.get(_PNG_KEYWORD) if image.format == "PNG" else _exif(image).get(_EXIF_NOTE)
        return str(note) if note else None


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a regular file for reading; what is wrong with its name is an `ImageFileError`."""
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise ImageFileError(f"'{path}' is no regular file")  # a pipe would be waited for
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise ImageFileError(f"no such file: '{path}'") from None
    except IsADirectoryError:
        raise ImageFileError(f"'{path}' is a folder, not a picture") from None
    except OSError as error:
        raise ImageFileError(f"cannot read '{path}': {error.strerror or error}") from error
    except ValueError as error:
        if isinstance(error, ImageFileError):
            raise
        raise ImageFileError(f"cannot read '{path}': {error}") from error  # a NUL in the path


def decode_image(file: BinaryIO, name: str) -> Picture:
    """Read a picture, as `read_image` does, from an open file that can be sought in; `name` is for messages."""
    with _pillow_errors(name), _pillow_image(file) as image:
        if 0 in image.size:
            raise ImageFileError(f"'{name}' has no pixels: it is {image.width}×{image.height}")
        image.load()
        orientation = _exif(image).get(_EXIF_ORIENTATION)  # after load(): TIFF is upright by then
        rgb = _to_rgb(image, name)
        if orientation in _UPRIGHT:
            rgb = rgb.transpose(_UPRIGHT[orientation])
        return np.array(rgb, dtype=np.uint8, order="C")


def _pillow_image(file: BinaryIO) -> Image.Image:
    Image.init()
    return Image.open(file, formats=[name for name in READABLE if name in Image.OPEN])


@contextmanager
def _pillow_errors(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on strangers' files into an `ImageFileError`; its warnings stay off the screen."""
    with warnings.catch_warnings():
        # Pillow warns of what may be a bomb, which is refused, and of damaged metadata, which is no matter.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        except UnidentifiedImageError:
            raise ImageFileError(
                f"'{name}' is not a picture, or is damaged; readable are {', '.join(READABLE)}"
            ) from None
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise ImageFileError(
                f"'{name}' claims more than {Image.MAX_IMAGE_PIXELS} pixels: too large to read safely;"
                " `pydream --max-pixels` takes larger ones that you trust"
            ) from None
        except (ImageFileError, MemoryError):
            raise
        except Exception as error:  # on damaged files Pillow raises struct.error, KeyError, anything
            raise ImageFileError(f"'{name}' is damaged or cut short: {_one_line(error)}") from error


def _exif(image: Image.Image) -> Image.Exif:
    """Give a picture's EXIF; none where that is damaged, which costs the picture nothing."""
    try:
        return image.getexif()
    except MemoryError:
        raise
    except Exception:  # SyntaxError, struct.error, anything
        return Image.Exif()


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Convert any of Pillow's modes to RGB, on white where the picture is transparent."""
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey_to_rgb(image, name)
    if not image.has_transparency_data:
        return image.convert("RGB")
    if image.mode in ("RGBa", "La"):  # premultiplied
        image = image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode])
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def _deep_grey_to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Convert a grey picture of more than 8 bits: integers mean 0..65535, floats 0..1 or 0..255."""
    deep = np.asarray(image)
    low, high = deep.min(), deep.max()
    if deep.dtype.kind == "f":
        if not (low >= 0 and high <= 255):  # NaN too
            raise ImageFileError(f"'{name}' has values from {low:g} to {high:g}; wanted are 0..1 or 0..255")
        grey = np.rint(deep * 255 if high <= 1 else deep)
    else:
        if low < 0 or high > 65535:
            raise ImageFileError(f"'{name}' has values from {low} to {high}; wanted are 0..65535")
        grey = (deep.astype(np.uint32) + 128) // 257  # 65535 = 255 * 257
    transparent = image.info.get("transparency")  # a PNG names one 16-bit grey as transparent
    if isinstance(transparent, int):
        grey[deep == transparent] = 255
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB")


def write_image(
    path: str | os.PathLike[str], image: NDArray[Any], note: str | None = None, dpi: float | None = None
) -> None:
    """Write a picture, in the format of the path's suffix, so that the file is whole or is not there.

    Values are clipped to 0..255 and their fractions dropped, as the notebook's ``uint8(frame)`` does. The
    picture goes to a temporary name beside the target and is renamed when complete: an older file under that
    name stays as it was if anything fails, and keeps its permissions if nothing does.

    Parameters
    ----------
    path : path-like
        Its suffix is one of `WRITABLE`.
    image : (H, W, 3) array
        RGB, 0..255, any real dtype, finite.
    note : str, optional
        ASCII text to keep in the file, at most `LONGEST_NOTE` characters: a PNG's text chunk ``pydream``, the image
        description of EXIF or TIFF. `read_note` gives it back.
    dpi : float, optional
        Pixels per inch, for whoever prints it; a WebP file does not keep it.

    Raises
    ------
    ImageFileError
        If the array is no such picture, or the file cannot be written.
    """
    try:
        pixels = to_pixels(image)
        form = check_writable(path, pixels.shape[:2])
        # Permissions are by the umask, which tempfile's would not be.
        with written_whole(path) as temporary, temporary.open("xb") as file:
            encode_image(file, pixels, form, note, dpi)
    except (OSError, ValueError) as error:  # ValueError: the encoder's, or of an array that is no picture
        if isinstance(error, ImageFileError):
            raise
        raise ImageFileError(f"cannot write '{path}': {reason(error)}") from error


def encode_image(
    file: BinaryIO, pixels: Picture, form: Format, note: str | None = None, dpi: float | None = None
) -> None:
    """Write a picture to an open file, with note and dpi of `write_image`; `ValueError` where the note does not fit."""
    options = dict(form.options)
    if dpi is not None:
        options["dpi"] = (dpi, dpi)
    if note is not None:
        if len(note) > LONGEST_NOTE or not note.isascii():
            raise ValueError(f"note: {len(note)} characters, want ASCII, at most {LONGEST_NOTE}")
        if form is _PNG:
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_text("Software", "pydream")
            options["pnginfo"].add_text(_PNG_KEYWORD, note)
        else:
            options["exif"] = Image.Exif()
            options["exif"][_EXIF_SOFTWARE] = "pydream"
            options["exif"][_EXIF_NOTE] = note
    Image.fromarray(pixels).save(file, format=form.name, **options)


def to_pixels(image: NDArray[Any]) -> Picture:
    """Give the 8-bit picture that is written: clipped to 0..255, fractions dropped.

    Parameters
    ----------
    image : (H, W, 3) array
        RGB, any real dtype.

    Returns
    -------
    (H, W, 3) uint8 array

    Raises
    ------
    ValueError
        For another shape or dtype, or NaN.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"its shape is {image.shape}, not (height, width, 3)")
    if image.dtype.kind not in "buif":
        raise ValueError(f"its dtype is {image.dtype}, not a real number")
    if image.dtype.kind == "f" and np.isnan(image.max()):
        raise ValueError("the picture has NaN in it")
    pixels: Picture = np.empty(image.shape, np.uint8)
    np.clip(image, 0, 255, out=pixels, casting="unsafe")  # buffer by buffer: no other array of this size
    return pixels


def check_writable(path: str | os.PathLike[str], size: tuple[int, ...] | None = None) -> Format:
    """Make sure that `write_image` will find its way clear, before hours of work are spent on the picture.

    Parameters
    ----------
    path : path-like
        Where the picture will be written.
    size : (height, width), optional
        Checked against what the format can hold.

    Returns
    -------
    Format
        The format that the path's suffix means.

    Raises
    ------
    ImageFileError
        If the suffix is unknown; the folder is missing, no folder or takes no new file; a folder or a
        read-only or special file has that name; or the picture is too large for the format.
    """
    target = Path(path)
    form = WRITABLE.get(target.suffix.lower())
    if form is None:
        raise ImageFileError(
            f"cannot write '{target}': its suffix names no known format; known are {', '.join(WRITABLE)}"
        )
    if size is not None and max(size) > form.longest:
        raise ImageFileError(
            f"cannot write '{target}': a {form.name} file is at most {form.longest} pixels wide and high,"
            f" the picture is {size[1]}×{size[0]}"
        )
    try:
        check_place(target)
    except OSError as error:
        raise ImageFileError(f"cannot write '{target}': {reason(error)}") from error
    return form


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
