"""Files from outside → pictures and films by their ids; results → other kinds of files."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from PIL import Image

from ...errors import ImageFileError, PydreamError
from ...files import file_sha256, open_regular, write_errors, write_text, write_whole, written_whole
from ...media import FORMATS, decode_image, encode_image, find_dpi, read_image, read_note, video, write_image
from ...media.decoding import find_note, frame_count, is_film
from ...media.page import small
from ...media.video.libav import READABLE as _FILMS
from ...picture import Picture
from ...record.provenance import pixels_sha256
from ..messages import DecodePicture, EncodePicture, Finished, PictureEntry
from .accounts import order_of
from .previews import SHOWN
from .task import Task
