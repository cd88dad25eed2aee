"""Kinds of pictures that Pillow does not read, by first bytes and by suffix, and what reads or converts them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image

from ...errors import ImageFileError, pip_install
from .pillow import READABLE


class UnreadKind(NamedTuple):
    """A kind of file that is no readable picture, and what to do with one."""

    name: str
    instead: str

    def __str__(self) -> str:
        return f"{self.name}; {self.instead}"


HEIC = UnreadKind("HEIC", f"{pip_install('heif')} reads it")
RAW = UnreadKind("camera RAW", "`darktable-cli` makes a PNG of it")
_JPEG_XL = UnreadKind("JPEG XL", "`djxl` makes a PNG of it")
_JPEG_2000 = UnreadKind("JPEG 2000", "`opj_decompress` makes a PNG of it")
FILM = UnreadKind("film", "`pydream video` dreams on it")

_SUFFIXES = {
    HEIC: "heic heics heif heifs hif",
    _JPEG_XL: "jxl",
    _JPEG_2000: "jp2 j2k j2c jpc jpf jpx jpm jph jhc",
    RAW: "3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f",
    FILM: "3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg mts ogv ts webm wmv",
}
_OF_SUFFIX = {f".{suffix}": kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_STARTS = {
    b"\0\0\0\x0cJXL \r\n\x87\n": _JPEG_XL,
    b"\xff\x0a": _JPEG_XL,
    b"\0\0\0\x0cjP  \r\n\x87\n": _JPEG_2000,
    b"\xff\x4f\xff\x51": _JPEG_2000,
    b"FUJIFILMCCD-RAW": RAW,
    b"FOVb": RAW,
    b"IIRO": RAW,
    b"IIRS": RAW,
    b"IIU\0": RAW,
    b"MMOR": RAW,
    b"\0MRM": RAW,
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}  # Pillow's
_LONGEST_BRANDS = 512  # bytes of the box that lists them
_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706


def reads_heic() -> bool:
    """Return whether the package is there that reads HEIC."""
    return find_spec("pillow_heif") is not None


def is_readable(path: Path) -> bool:
    """Return whether a file has the suffix of a picture that is read here."""
    suffix = path.suffix.lower()
    return Image.registered_extensions().get(suffix) in READABLE or (_OF_SUFFIX.get(suffix) is HEIC and reads_heic())


def unread_kind(path: Path) -> UnreadKind | None:
    """Return the kind that the suffix of a file names, if it is known and not read here."""
    return None if is_readable(path) else _OF_SUFFIX.get(path.suffix.lower())


def is_heic(file: BinaryIO, name: str) -> bool:
    """Return whether an open file is a HEIC picture; its position becomes 0.

    Raises
    ------
    ImageFileError
        If it is a picture of another kind that is not read, or HEIC without what reads it; `name` is for messages.
    """
    file.seek(0)
    head = file.read(_LONGEST_BRANDS)
    file.seek(0)
    kind = next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)
    if head[4:8] == b"ftyp":
        box = head[8 : int.from_bytes(head[:4], "big")]
        brands = {box[:4], *(box[place : place + 4] for place in range(8, len(box), 4))}
        kind = RAW if b"crx " in brands else HEIC if brands & _HEIC_BRANDS and not brands & _AVIF_BRANDS else None
    if kind is HEIC and reads_heic():
        return True
    if kind is HEIC:
        raise ImageFileError(f"'{name}' is a HEIC picture: {HEIC.instead}")
    if kind is not None:
        raise _not_read(kind, name)
    return False


def check_tiff(file: BinaryIO, tags: dict[int, object], name: str) -> None:
    """Raise `ImageFileError` for a TIFF that is a camera's, whose first picture is a thumbnail."""
    file.seek(8)
    canon = file.read(2) == b"CR"
    file.seek(0)
    reduced = tags.get(_NEW_SUBFILE_TYPE) == 1 and _SUB_IFDS in tags
    if canon or reduced or _DNG_VERSION in tags or _OF_SUFFIX.get(Path(name).suffix.lower()) is RAW:
        raise _not_read(RAW, name)


def _not_read(kind: UnreadKind, name: str) -> ImageFileError:
    return ImageFileError(f"'{name}' is a {kind.name} picture, which is not read: {kind.instead}")
