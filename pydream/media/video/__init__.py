"""A film is (H, W, 3) frames, one after the other, and sound: read from any file, written as H.264 or GIF.

======== ======================================================================
footage  a film's frames, and when each is shown: `Footage`
reading  films that libav decodes: `read_video`
stills   folders of pictures: `read_frames`; animated WebP
colours  a decoded frame becomes RGB, upright
hdr      PQ and HLG become BT.709
sound    copied from one film to another
writing  `write_video`; its formats are in mp4 and gif
libav    untrusted files opened with PyAV, its errors in one line
settings `Times` of frames, and settings of a film that is written
======== ======================================================================
"""

from .footage import Footage, Section
from .reading import read_comment, read_video
from .settings import Times
from .sound import Sound
from .stills import natural_order, read_frames
from .writing import FASTEST, QUALITY, SLOWEST, WRITABLE, check_video, is_film, write_video

__all__ = [
    "FASTEST",
    "QUALITY",
    "SLOWEST",
    "WRITABLE",
    "Footage",
    "Section",
    "Sound",
    "Times",
    "check_video",
    "is_film",
    "natural_order",
    "read_comment",
    "read_frames",
    "read_video",
    "write_video",
]
