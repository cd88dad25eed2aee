"""Files ↔ pictures.

======== ========================================================================
image    picture files, and the note that they keep: `read_image`, `write_image`
whole    whether a picture file is whole: `look_at`
video    films: `video.read_video`, `video.write_video`
sheet    contact sheets: `Sheet`
page     HTML pages with their pictures inside
gallery  such pages of labelled pictures and commands: `Gallery`
map      a square of small pictures, or a page to zoom in on it: `PictureMap`
mosaic   a picture with small ones laid over it, or with colours
======== ========================================================================
"""

from . import video
from .gallery import Gallery
from .image import (
    FORMATS,
    LONGEST_NOTE,
    READABLE,
    WRITABLE,
    ImageFormat,
    check_depth,
    check_writable,
    decode_image,
    encode_image,
    is_readable,
    picture_of,
    read_dpi,
    read_image,
    read_note,
    read_samples,
    resized,
    unread_kind,
    write_image,
    write_samples,
)
from .map import PictureMap
from .mosaic import Piece, mosaic, wash
from .resolution import Dpi, find_dpi
from .sheet import DPI, PAGE, THEMES, Share, Sheet, fitting_columns, fitting_width
from .whole import FileFacts, look_at

__all__ = [
    "DPI",
    "FORMATS",
    "LONGEST_NOTE",
    "PAGE",
    "READABLE",
    "THEMES",
    "WRITABLE",
    "Dpi",
    "FileFacts",
    "Gallery",
    "ImageFormat",
    "PictureMap",
    "Piece",
    "Share",
    "Sheet",
    "check_depth",
    "check_writable",
    "decode_image",
    "encode_image",
    "find_dpi",
    "fitting_columns",
    "fitting_width",
    "is_readable",
    "look_at",
    "mosaic",
    "picture_of",
    "read_dpi",
    "read_image",
    "read_note",
    "read_samples",
    "resized",
    "unread_kind",
    "video",
    "wash",
    "write_image",
    "write_samples",
]
