"""A film is (H, W, 3) frames, one after the other, and sound: read from any file, written as H.264 or GIF."""

from .reading import Footage, Span, read_comment, survey
from .settings import Times
from .sound import Sound
from .writing import QUALITY, SLOWEST, WRITABLE, check_video, is_film, write_video

__all__ = [
    "QUALITY",
    "SLOWEST",
    "WRITABLE",
    "Footage",
    "Sound",
    "Span",
    "Times",
    "check_video",
    "is_film",
    "read_comment",
    "survey",
    "write_video",
]
