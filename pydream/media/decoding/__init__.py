"""Picture files → 8 bits, RGB, upright; what Pillow misreads, refuses or keeps to itself is found here.

======== ===================================================================================
pillow   Pillow: its formats, its errors, its modes
depth    numbers of more than 8 bits
png      chunks that are not needed, transparent colours, checksums
jpeg     whether all pixels are there
heif     HEIC, by another package
kinds    what is not read, by its name
moving   films, and the frames of animations
profiles colours by an ICC profile
tiff     kinds of samples that Pillow does not read
libtiff  its messages
======== ===================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ...errors import ImageFileError
from ...files import reason
from . import jpeg, kinds, libtiff, png, tiff
from .heif import open_heic
from .kinds import is_readable, unread_kind
from .moving import frame_count, is_film
from .pillow import EXIF_FIELDS, READABLE, exif, exif_fields, load, open_image, pillow_errors, to_rgb
from .profiles import Profile

__all__ = [
    "EXIF_FIELDS",
    "MAKER_NOTE",
    "NOTE_START",
    "PNG_KEYWORD",
    "READABLE",
    "Decoded",
    "convert",
    "decode",
    "decode_deep",
    "exif",
    "find_note",
    "frame_count",
    "is_readable",
    "open_image",
    "pillow_errors",
    "unread_kind",
]

MAKER_NOTE = 0x927C  # of EXIF: the maker's own bytes, which no program shows; up to what a JPEG's EXIF has room for
NOTE_START = b"pydream\0"
_OLD_NOTE = 0x010E  # ImageDescription, the caption: where versions before 0.3 have it
PNG_KEYWORD = png.KEYWORD
_UPRIGHT = {  # EXIF's orientation → the transposition that undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Decoded(NamedTuple):
    """A picture, what is damaged of it, and why its colour profile is ignored, if it is."""

    image: Image.Image
    damage: str | None = None
    profile_trouble: str | None = None


def decode(file: BinaryIO, name: str, to_srgb: bool = False) -> Decoded:
    """Return the picture in an open seekable file, by its colour profile in sRGB; `name` is for messages.

    Raises
    ------
    ImageFileError
        If it is no picture, cannot be decoded, or has values without an agreed meaning.
    """
    with pillow_errors(name), libtiff.messages() as heard:  # also of what is a TIFF only to Pillow
        if is_film(file):
            raise ImageFileError(f"'{name}' is a film: {kinds.FILM.instead}")
        if kinds.is_heic(file, name):
            image, damage, turned = open_heic(file), None, None  # it becomes upright
            content = image.info.get("icc_profile")
            load(image)
        elif (kind := tiff.Kind.read(file)) is not None:
            kinds.check_tiff(file, kind.tags, name)
            image, turned = _load_tiff(file, kind, name, heard)
            damage, content = libtiff.damage(heard), kind.profile
        elif tiff.is_unknown(file):
            raise ImageFileError(f"'{name}' is a big-endian BigTIFF: not a kind that is read")
        elif png.is_png(file):
            image, damage = png.in_spite_of_metadata(png.load, file), png.damage(file)
            turned, content = exif(image).get(tiff.ORIENTATION), png.profile(file) if to_srgb else None
        else:
            image, damage = jpeg.load(file) if jpeg.is_jpeg(file) else (load(open_image(file)), None)
            turned, content = exif(image).get(tiff.ORIENTATION), image.info.get("icc_profile")
        profile = Profile(content if to_srgb else None)
        return Decoded(_upright(to_rgb(image, name, profile), turned), damage, profile.trouble)


def decode_deep(file: BinaryIO, name: str) -> NDArray[Any] | None:
    """Return the (H, W, 3) samples of an open file with 16-bit or float32 colours; None where there are others."""
    with pillow_errors(name), libtiff.messages():
        if png.is_png(file):
            return png.in_spite_of_metadata(png.read_deep, file)
        kind = tiff.Kind.read(file)
        return tiff.read_deep(file, kind) if kind is not None and kind.deep else None


def _load_tiff(file: BinaryIO, kind: tiff.Kind, name: str, heard: list[str]) -> tuple[Image.Image, object]:
    """Decode the pixels of a TIFF; return what turns them, too."""
    try:
        if kind.by_pillow:
            kind.check_blocks()
            try:
                return load(open_image(file)), None  # it is upright
            except (UnidentifiedImageError, ValueError):
                file.seek(0)
        if not kind.by_samples:
            raise ImageFileError(f"'{name}' is a {kind}: {'damaged, or ' * kind.by_pillow}not a kind that is read")
        return tiff.read_samples(file, kind, name), kind.tags.get(tiff.ORIENTATION)
    except OSError as error:
        raise OSError(next(iter(heard), reason(error))) from error


def _upright(image: Image.Image, orientation: object) -> Image.Image:
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def convert(image: Image.Image, name: str, to_srgb: bool = False) -> Decoded:
    """Return a picture of Pillow's as `decode` does one of a file; `ImageFileError` for values without a meaning."""
    with pillow_errors(name):
        profile = Profile(image.info.get("icc_profile") if to_srgb else None)
        upright = _upright(to_rgb(load(image), name, profile), exif(image).get(tiff.ORIENTATION))
        return Decoded(upright, None, profile.trouble)


def find_note(file: BinaryIO, name: str) -> str | None:
    """Return the note of the picture in an open file; None if there is none."""
    with pillow_errors(name):
        if kinds.is_heic(file, name):
            return None
        kind = tiff.Kind.read(file)
        if kind is not None:
            return _note_of(kind.tags)
        image = png.in_spite_of_metadata(open_image, file)  # the pixels, which may be many, are not decoded
        if image.format == "PNG":
            note = image.info.get(PNG_KEYWORD)
            return str(note) if note else None
        fields = exif(image)
        return _note_of({**fields, **exif_fields(fields)})


def _note_of(fields: Mapping[int, Any]) -> str | None:
    """Return what `write_image` stored in fields of EXIF or TIFF; else what describes the picture."""
    made = fields.get(MAKER_NOTE)
    if isinstance(made, bytes) and made.startswith(NOTE_START):
        return made.removeprefix(NOTE_START).decode("latin-1") or None
    note = fields.get(_OLD_NOTE)
    return str(note) if note else None
