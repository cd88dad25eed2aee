"""Films that Pillow reads: a folder of numbered pictures, and an animated WebP, which libav cannot decode."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, islice
from pathlib import Path

import numpy as np

from ...errors import VideoFileError
from ...files import file_sha256, open_regular, start_of
from ...picture import Picture
from ..decoding.pillow import load, open_image, pillow_errors, to_rgb
from ..decoding.profiles import Profile
from ..image import read_image
from .footage import WHOLE, Footage, Section, check_found
from .settings import Times

_MILLISECOND = Fraction(1, 1000)
_UNSAID = 100  # milliseconds: the duration of a frame that has none, as in browsers


def natural_order(path: Path) -> tuple[list[str | int], str]:
    """Return the key that sorts files by the numbers in their names: ``frame2`` before ``frame10``."""
    words: list[str | int] = list(re.split(r"([0-9]+)", path.name))
    words[1::2] = map(int, words[1::2])
    return words, path.name


# ---- a folder ----


@dataclass(frozen=True)
class _Frames(Footage):
    """A film whose frames are files."""

    files: tuple[Path, ...]  # also those that are not in the section
    to_srgb: bool

    def decoded(self, first: int) -> Iterator[Picture]:
        for file in self.files[first:]:
            yield read_image(file, to_srgb=self.to_srgb)

    def sha256(self) -> str:
        return hashlib.sha256("".join(map(file_sha256, self.files)).encode()).hexdigest()


def read_frames(
    folder: Path,
    files: Sequence[Path],
    rate: Fraction,
    section: Section = WHOLE,
    on_frame: Callable[[], object] = lambda: None,
    to_srgb: bool = True,
) -> Footage:
    """Read pictures as a film, or a section of it: each is decoded once, one at a time, before any of them is used.

    Parameters
    ----------
    folder : Path
        That the pictures are in, for messages and records.
    files : sequence of Path
        The frames in any order; they are shown in the order of the numbers in their names.
    rate : Fraction
        Frames per second.
    section, on_frame, to_srgb
        As for `read_video`.

    Raises
    ------
    ImageFileError
        If one of the files is not a picture.
    VideoFileError
        If they have several sizes, or none is in the section.
    """
    files = sorted(files, key=natural_order)
    numbers = [number for number in range(len(files)) if section.has(number, number / rate)]
    check_found(folder, numbers, len(files), (len(files) - 1) / rate)
    size = read_image(files[numbers[0]], to_srgb=False).shape[:2]
    for number in numbers:
        height, width = read_image(files[number], to_srgb=False).shape[:2]
        if (height, width) != size:
            first = f"'{files[numbers[0]].name}' is {size[1]}×{size[0]}"
            raise VideoFileError(f"frames have one size: {first}, '{files[number]}' is {width}×{height}")
        on_frame()
    times = Times(range(numbers[0], numbers[-1] + 2), 1 / rate)
    return _Frames(folder, size, numbers[0], times, rate, Fraction(1), None, (), 0, tuple(files), to_srgb)


# ---- WebP ----


@dataclass(frozen=True)
class _Animation(Footage):
    """A film that Pillow decodes."""

    to_srgb: bool

    def decoded(self, first: int) -> Iterator[Picture]:
        for pixels, _ in islice(_shown(self.path, self.to_srgb), first, None):
            yield pixels


def is_webp(path: Path) -> bool:
    """Return whether a file begins as a WebP does."""
    start = start_of(path, 12)
    return start.startswith(b"RIFF") and start.endswith(b"WEBP")


def read_animation(path: Path, section: Section, on_frame: Callable[[], object], to_srgb: bool) -> Footage:
    """Read an animated picture, as `read_video` does a film."""
    durations = []
    for pixels, duration in _shown(path, to_srgb=False):
        size = pixels.shape[:2]
        durations.append(duration)
        on_frame()
    ticks = list(accumulate(durations, initial=0))
    times = [tick * _MILLISECOND for tick in ticks]
    numbers = [number for number in range(len(durations)) if section.has(number, times[number])]
    check_found(path, numbers, len(durations), times[-2] if durations else Fraction(0))
    chosen = ticks[numbers[0] : numbers[-1] + 2]
    steps = {durations[number] for number in numbers}
    rate = Fraction(1000, steps.pop()) if len(steps) == 1 else None
    return _Animation(path, size, numbers[0], Times(chosen, _MILLISECOND), rate, Fraction(1), None, (), 0, to_srgb)


def _shown(path: Path, to_srgb: bool) -> Iterator[tuple[Picture, int]]:
    """Yield each frame of an animation, and for how many milliseconds it is shown."""
    with open_regular(path, "film", VideoFileError) as file:
        with pillow_errors(str(path)):
            image = open_image(file)
            count = getattr(image, "n_frames", 1)
        for number in range(count):
            with pillow_errors(str(path)):
                image.seek(number)
                profile = Profile(image.info.get("icc_profile") if to_srgb else None)
                pixels = np.array(to_rgb(load(image), str(path), profile))
            yield pixels, round(image.info.get("duration", 0)) or _UNSAID
