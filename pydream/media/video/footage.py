"""Footage is what a film is read as, whatever its frames are stored in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ...errors import VideoFileError
from ...files import file_sha256
from ...picture import Picture
from .settings import Times
from .sound import Sound


class Section(NamedTuple):
    """A section of a film: frames by number from 0, and by seconds after the first one; None: to the film's end."""

    first: int = 0
    last: int | None = None  # not included
    start: Fraction = Fraction(0)
    stop: Fraction | None = None  # not included

    def has(self, frame: int, time: Fraction) -> bool:
        """Return whether a frame is in the section."""
        return frame >= self.first and time >= self.start and not self.is_over(frame, time)

    def is_over(self, frame: int, time: Fraction) -> bool:
        """Return whether a frame comes after the section."""
        return (self.last is not None and frame >= self.last) or (self.stop is not None and time >= self.stop)


WHOLE = Section()


@dataclass(frozen=True)
class Footage:
    """A film, or a section of one, that can be read: `read_video` and `read_frames` return one.

    Attributes
    ----------
    path : Path
    size : (height, width)
        Of its frames, upright.
    first : int
        The number of its first frame in the film.
    times : Times
    rate : Fraction or None
        Frames per second, if constant.
    pixel_aspect : Fraction
        A pixel's width to its height, upright.
    sound : Sound or None
    left_out : tuple of str
        Streams of other kinds in the file.
    damaged : int
        Number of places where frames cannot be decoded, or the file ends too early.
    """

    path: Path
    size: tuple[int, int]
    first: int
    times: Times
    rate: Fraction | None
    pixel_aspect: Fraction
    sound: Sound | None
    left_out: tuple[str, ...]
    damaged: int

    def __len__(self) -> int:
        return len(self.times.ticks) - 1

    def frames(self, skip: int = 0) -> Iterator[Picture]:
        """Yield the frames after the first `skip`: (H, W, 3), RGB, upright.

        Each is decoded on demand, with the matrix (BT.601, BT.709 or BT.2020) and the range (limited or full) that the
        film declares. If it declares none, the matrix is BT.709's from 1280 pixels of width or 577 of height on and
        BT.601's below, as in players, and the range is limited. HDR (PQ, HLG) becomes BT.709, as `hdr` says.
        Transparency is composited on white.

        Raises
        ------
        VideoFileError
            If the file has changed since `read_video`.
        """
        for pixels in islice(self.decoded(self.first + skip), len(self) - skip):
            if pixels.shape[:2] != self.size:
                raise VideoFileError(f"'{self.path}' has changed: its frames have another size")
            yield pixels
            skip += 1
        if skip < len(self):
            raise VideoFileError(f"'{self.path}' has changed: frame {self.first + skip} is missing")

    def decoded(self, first: int) -> Iterator[Picture]:
        """Yield the frames of the whole file from this one on, whatever their size."""
        raise NotImplementedError

    def sha256(self) -> str:
        """Return the SHA-256 of the whole file, in hexadecimal."""
        return file_sha256(self.path)


def check_found(path: Path, numbers: Sequence[int], count: int, time: Fraction) -> None:
    """Raise `VideoFileError` where none of a film's frames is in the section; the last one is at that second."""
    if count == 0:
        raise VideoFileError(f"'{path}' has no readable frame")
    if not numbers:
        raise VideoFileError(f"'{path}' has no frame there, only {count} in the {float(time):.6g} s before")
