"""What moves: films, which are no pictures, and animations, of which only the first frame is read."""

from __future__ import annotations

from typing import BinaryIO

from . import png
from .pillow import open_image

_FILMS = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"FLV",
    b"OggS",
    b"0&\xb2u\x8ef\xcf\x11",  # ASF
    b"\0\0\1\xba",  # MPEG
    b"YUV4MPEG2",
    b"DKIF",
)
_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip")  # that an old QuickTime film begins with
_BRANDS = (b"iso", b"mp4", b"qt", b"M4V", b"3g", b"avc1", b"dash", b"f4v", b"MSNV", b"XAVC")
_PACKET = 188  # bytes, of an MPEG transport stream
_ANIMATIONS = (b"GIF8", b"\x89PNG", b"RIFF")  # which may be ones; the pages of a TIFF are none


def is_film(file: BinaryIO) -> bool:
    """Return whether an open file begins as films do; its position becomes 0."""
    file.seek(0)
    head = file.read(_PACKET + 1)
    file.seek(0)
    if head[4:8] == b"ftyp":
        return head[8:12].startswith(_BRANDS)
    stream = len(head) > _PACKET and head[0] == head[_PACKET] == 0x47
    avi = head.startswith(b"RIFF") and head[8:12] == b"AVI "
    return head.startswith(_FILMS) or head[4:8] in _BOXES or avi or stream


def frame_count(file: BinaryIO) -> int:
    """Return how many frames an open picture has; 1 too if it is damaged."""
    file.seek(0)
    if not file.read(4).startswith(_ANIMATIONS):
        return 1
    file.seek(0)
    try:
        return int(getattr(png.in_spite_of_metadata(open_image, file), "n_frames", 1))
    except MemoryError:
        raise
    except Exception:  # on damaged files Pillow raises anything
        return 1
