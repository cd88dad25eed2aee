"""Sources and targets: files, folders, standard input and output, noise."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import click
from PIL import Image

from ..errors import ImageFileError
from ..files import write_text
from ..media import (
    FORMATS,
    READABLE,
    WRITABLE,
    ImageFormat,
    check_writable,
    decode_image,
    encode_image,
    read_image,
    write_image,
)
from ..picture import Picture
from ..record.provenance import Account, PictureFacts, picture_facts, sidecar_of

STANDARD = "-"
NOISE = "noise"

Size = tuple[int, int]  # (height, width)
NOISE_SIZE = (512, 512)


@dataclass(frozen=True)
class Source:
    """What a dream starts from: a picture file, standard input, or noise.

    Attributes
    ----------
    given : str
        As it stands on the command line, or as its folder lists it: a path, ``-``, ``noise`` or ``noise:640x480``.
    noise : (height, width), optional
        The size of noise.
    """

    given: str
    noise: Size | None = None

    @property
    def name(self) -> str:
        """The file's name, ``-`` or ``noise``."""
        return NOISE if self.noise else Path(self.given).name

    @property
    def stem(self) -> str:
        """The name of its dream in a folder, without suffix."""
        return "stdin" if self.given == STANDARD else Path(self.name).stem

    @property
    def argument(self) -> str:
        """The argument of a command line that makes the same again: noise with its size."""
        if self.noise is None:
            return self.given
        height, width = self.noise
        return f"{NOISE}:{width}x{height}"

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""
        return None if self.noise or self.given == STANDARD else Path(self.given)

    def read(self) -> Picture | None:
        """Read the picture; None for noise, which the recipe's seed draws."""
        if self.noise:
            return None
        if self.given == STANDARD:
            return decode_image(io.BytesIO(sys.stdin.buffer.read()), "standard input")
        return read_image(self.given)

    def size(self, picture: Picture | None) -> Size:
        """Return the height and width of the picture that was read, or of noise."""
        return (self.noise or NOISE_SIZE) if picture is None else (picture.shape[0], picture.shape[1])

    def facts(self, picture: Picture | None) -> PictureFacts:
        """Return a dream's record of its start: the picture that was read, or the size of the noise."""
        if picture is None:
            height, width = self.size(None)
            return PictureFacts(name=NOISE, width=width, height=height)
        return picture_facts(self.name, picture)


class SourceType(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    """A picture, a folder of pictures, ``-``, ``noise`` or ``noise:640x480``."""

    name = "picture"

    def __init__(self, folders: bool = False, noise: Size = NOISE_SIZE) -> None:
        self._folders = folders
        self._noise = noise

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Source]:
        """Read one source, or those of a folder."""
        path = Path(value)
        if value == STANDARD:
            return [Source(value)]
        word, colon, size = value.partition(":")
        if word == NOISE:
            return [Source(value, SizeType().convert(size, param, ctx) if colon else self._noise)]
        if not path.exists():
            self.fail(f"{value!r} does not exist (expected a picture, '{STANDARD}' or '{NOISE}')", param, ctx)
        if not path.is_dir():
            return [Source(value)]
        if not self._folders:
            self.fail(f"{value!r} is a folder", param, ctx)
        pictures = [Source(str(file)) for file in sorted(path.iterdir()) if _looks_like_a_picture(file)]
        if not pictures:
            self.fail(f"there is no picture in the folder {value!r}", param, ctx)
        return pictures


def _looks_like_a_picture(path: Path) -> bool:
    Image.init()
    return (
        path.is_file()
        and not path.name.startswith(".")
        and Image.registered_extensions().get(path.suffix.lower()) in READABLE
    )


class SizeType(click.ParamType):  # type: ignore[type-arg]
    """Width and height: ``640x480``."""

    name = "WIDTHxHEIGHT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        """Read a size, as (height, width)."""
        found = re.fullmatch(r"([1-9][0-9]{0,6})[x×]([1-9][0-9]{0,6})", value) if isinstance(value, str) else None
        if found is None:
            self.fail(f"{value!r} is not a size (expected WIDTHxHEIGHT, e.g. 640x480)", param, ctx)
        width, height = int(found[1]), int(found[2])
        most = Image.MAX_IMAGE_PIXELS or sys.maxsize
        if width * height > most:
            self.fail(f"{value!r} is more than {most} pixels; `pydream --max-pixels` sets that", param, ctx)
        return height, width


@dataclass(frozen=True)
class Target:
    """The output of a picture: a file, or standard output in some format.

    Attributes
    ----------
    given : str
        A path, or ``-``.
    form : ImageFormat
    """

    given: str
    form: ImageFormat

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""
        return None if self.given == STANDARD else Path(self.given)

    @property
    def sidecar(self) -> Path | None:
        """The file beside it with the same record."""
        return None if self.path is None else sidecar_of(self.path)

    @property
    def retold(self) -> str:
        """The name in the recorded command: the same for a dream wherever it is written."""
        return STANDARD if self.path is None else f"dream{self.path.suffix}"

    def exists(self) -> bool:
        """Tell whether something is there."""
        return self.path is not None and self.path.exists()

    def check(self, size: tuple[int, ...] | None = None) -> None:
        """Refuse, as a bad --output, what cannot be written, before the picture is made."""
        if self.path is None:
            if sys.stdout.isatty():
                raise click.BadParameter("a terminal shows no pictures: redirect it", param_hint="'--output'")
            return
        try:
            check_writable(self.path, size)
        except ImageFileError as error:
            raise click.BadParameter(str(error), param_hint="'--output'") from error

    def write(self, pixels: Picture, provenance: Account, sidecar: bool, dpi: float | None = None) -> None:
        """Write a picture with its record, and a figure with the size that it is printed at."""
        note = provenance.to_json()
        if self.path is None:
            encoded = io.BytesIO()  # not to standard output itself: some formats seek
            encode_image(encoded, pixels, self.form, note, dpi)
            out: IO[bytes] = sys.stdout.buffer
            out.write(encoded.getbuffer())
            out.flush()
            return
        write_image(self.path, pixels, note, dpi)
        if sidecar and self.sidecar is not None:
            write_text(self.sidecar, f"{note}\n")

    def __str__(self) -> str:
        return "the picture to standard output" if self.path is None else f"'{self.given}'"


def one_target(output: str, format: str | None) -> Target:
    """Return the target of a single picture; the suffix of its path decides the format."""
    if output == STANDARD:
        return Target(STANDARD, FORMATS[format or "png"])
    if format is not None:
        raise click.BadParameter(
            f"it is for a folder or '{STANDARD}'; the suffix of '{output}' decides the format", param_hint="'--format'"
        )
    form = WRITABLE.get(Path(output).suffix.lower())
    if form is None:
        Target(output, FORMATS["png"]).check()  # says which suffixes there are
        raise AssertionError(output)
    return Target(output, form)


def folder_targets(folder: Path, sources: Sequence[Source], format: str | None) -> list[Target]:
    """Return a target in a folder for each source, with the source's name."""
    format = format or "png"
    if folder.exists() and not folder.is_dir():
        raise click.BadParameter(
            f"several pictures go into a folder, and '{folder}' is a file", param_hint="'--output'"
        )
    names: dict[str, Source] = {}
    for source in sources:
        name = f"{source.stem}.{format}"
        if name in names:
            raise click.BadParameter(
                f"'{names[name].given}' and '{source.given}' would both become '{folder / name}'", param_hint="'INPUT'"
            )
        names[name] = source
    return [Target(str(folder / name), FORMATS[format]) for name in names]


def check_not_read(targets: Sequence[Target], read: Sequence[Path | None], hint: str = "'--output'") -> None:
    """Refuse to write over a file that is read, through whatever name."""
    kept = {_identity(path): path for path in read if path is not None and path.exists()}
    for target in targets:
        for path in (target.path, target.sidecar):
            if path is not None and path.exists() and _identity(path) in kept:
                raise click.BadParameter(
                    f"it would overwrite '{kept[_identity(path)]}', which is read", param_hint=hint
                )


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
