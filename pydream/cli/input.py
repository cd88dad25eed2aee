"""Sources and targets: files, folders, standard input and output, noise."""

from __future__ import annotations

import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
from PIL import Image

from ..dream.era import MODERN
from ..easy.inputs import WIDTH_HEIGHT as WIDTH_HEIGHT
from ..easy.inputs import Resizing as Resizing
from ..easy.inputs import octave_sizes_of, size_of
from ..errors import ImageFileError, ParameterError
from ..files import write_text
from ..host.names import folded
from ..media import (
    FORMATS,
    READABLE,
    WRITABLE,
    Dpi,
    ImageFormat,
    check_depth,
    check_writable,
    decode_image,
    encode_image,
    find_dpi,
    read_dpi,
    read_image,
    resized,
    write_samples,
)
from ..picture import Depth, Picture, Samples
from ..record.names import NOISE as NOISE
from ..record.names import NOISE_SIZE, noise_word, source_word
from ..record.presets import params_for
from ..record.provenance import Account, PictureFacts, SightFigure, noise_facts, picture_facts, sidecar_of
from . import completion
from .errors import bad_value
from .places import OUTPUT, check, claim, claim_made, note_read, unnamed
from .streams import write_bytes

STANDARD = "-"

Size = tuple[int, int]  # (height, width)
MOST_STANDARD_INPUT = 2**30  # bytes: more than 89 million pixels have in any format
_CHUNK = 2**20


@dataclass(frozen=True)
class Source:
    """What a dream starts from: a picture file, standard input, or noise."""

    given: str  # as on the command line, or as its folder lists it: a path, "-", "noise" or "noise:640x480"
    noise: Size | None = None  # the size of noise
    folder: bool = False  # whose pictures it stands for, until they are listed
    listed: bool = False  # by the folder that was given
    inside: str = ""  # the folder within that folder

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
        """The argument of a command line that makes the same again: noise with its size, a file without its folder."""
        if self.noise is not None:
            return noise_word(self.noise)
        return STANDARD if self.given == STANDARD else source_word(self.given)

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""
        return None if self.noise or self.given == STANDARD else Path(self.given)


@dataclass(frozen=True)
class InputPicture:
    """A source that was read, and resized."""

    source: Source
    picture: Picture | None  # (h, w, 3); None: noise, or not kept
    size: Size
    facts: PictureFacts  # for the record of its dreams: of the file
    dpi: Dpi | None = None
    counted: Size | None = None  # what a number of octaves is for, if that is not `size`

    @classmethod
    def read(cls, source: Source, resizing: Resizing | None = None) -> InputPicture:
        """Read the picture, unless it is noise, which the recipe's seed draws."""
        if source.noise is not None:
            if resizing is not None and resizing.wanted:
                raise bad_value("INPUT", f"noise has its size in its name, as {NOISE}:1500x1000")
            return cls(source, None, source.noise, noise_facts(source.noise))
        if source.given == STANDARD:
            file = _standard_input()
            picture, dpi = decode_image(file, "standard input", to_srgb=reads_profiles()), find_dpi(file)
        else:
            picture, dpi = read_image(source.given, to_srgb=reads_profiles()), read_dpi(source.given)
        facts, given = picture_facts(source.name, picture), picture.shape[:2]
        if resizing is None:
            return cls(source, picture, given, facts, dpi)
        try:
            size = resizing.of(*given)
        except ParameterError as error:  # of this picture, and not of another
            raise bad_value("--long-side", error.problem) from None
        return cls(source, resized(picture, size), size, facts, dpi, resizing.counted(given))

    @property
    def noise(self) -> Size | None:
        """The size of noise, for a recipe."""
        return self.source.noise

    @property
    def resized(self) -> Size | None:
        """The size that the picture was resized to, for a recipe."""
        return None if self.size == (self.facts.height, self.facts.width) else self.size

    def params(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return parameters of a recipe for this picture: see `params_for`."""
        return {**params_for(options, self.size, self.counted), "size": self.resized, "noise": self.noise}


def reads_profiles() -> bool:
    """Return whether colours become sRGB by a picture's profile while it is read: not as in 2015."""
    context = click.get_current_context(silent=True)
    return context is None or context.params.get("era", MODERN) == MODERN


def _standard_input() -> io.BytesIO:
    """Read standard input, as far as it can be a picture; it may never end."""
    kept = io.BytesIO()
    while chunk := sys.stdin.buffer.read(_CHUNK):
        kept.write(chunk)
        if 16 <= kept.tell() == len(chunk) and not _begins_a_picture(chunk):
            break  # the decoder says so
        if kept.tell() > MOST_STANDARD_INPUT:
            raise ImageFileError(f"standard input has more than {MOST_STANDARD_INPUT} bytes: name the picture's file")
    kept.seek(0)
    return kept


def _begins_a_picture(content: bytes) -> bool:
    Image.init()
    formats = (Image.OPEN[name] for name in READABLE if name in Image.OPEN)
    is_heif = content[4:8] == b"ftyp"
    return is_heif or any(accept is None or accept(content[:16]) for _, accept in formats)


class SourceType(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    """A picture, a folder of pictures, ``-``, ``noise`` or ``noise:640x480``."""

    name = "picture"

    def __init__(self, folders: bool = False, noise: Size = NOISE_SIZE) -> None:
        self._folders = folders
        self._noise = noise

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Source]:
        """Read one source, or a folder that stands for its pictures."""
        path = Path(value)
        if value == STANDARD:
            note_read(0)
            return [Source(value)]
        word, colon, size = value.partition(":")
        if word == NOISE:
            return [Source(value, read_size(size) if colon else self._noise)]
        if not value or not path.exists():  # '' would be this folder
            self.fail(f"{value!r} does not exist (expected a picture, '{STANDARD}' or '{NOISE}')", param, ctx)
        if not path.is_dir():
            note_read(path)
            return [Source(value)]
        if not self._folders:
            self.fail(f"{value!r} is a folder", param, ctx)
        return [Source(value, folder=True)]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Return files, folders among them."""
        return completion.files(ctx, param, incomplete)


def read_size(text: str) -> Size:
    """Return the height and width of ``640x480``; the type of an option whose value is a size."""
    try:
        return size_of(text)
    except ParameterError as error:
        raise click.BadParameter(error.problem) from None


def read_octave_sizes(text: str) -> tuple[Size, ...]:
    """Return the sizes of ``320x240,640x480``; the type of an option whose value is several."""
    try:
        return octave_sizes_of(text)
    except ParameterError as error:
        raise click.BadParameter(error.problem) from None


def read_depth(text: str) -> Depth | None:
    """Return a depth as a recipe has it; the type of an option whose value is one."""
    depths: dict[str, Depth | None] = {"8": None, "16": 16, "float": "float"}
    if text not in depths:
        raise click.BadParameter(f"{text!r} is not a depth (expected {', '.join(depths)})")
    return depths[text]


@dataclass(frozen=True)
class Target:
    """The output of a picture: a file, or standard output in some format."""

    given: str  # a path, or "-"
    form: ImageFormat
    depth: Depth | None = None  # None: 8 bits

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""
        return None if self.given == STANDARD else Path(self.given)

    @property
    def sidecar(self) -> Path | None:
        """The file beside it with the same record."""
        return None if self.path is None else sidecar_of(self.path)

    @property
    def recorded(self) -> str:
        """The name in the recorded command: the same for a dream wherever it is written."""
        return STANDARD if self.path is None else f"dream{self.path.suffix}"

    def exists(self) -> bool:
        """Return whether something is there."""
        return self.path is not None and self.path.exists()

    def check_depth(self) -> None:
        """Raise `click.BadParameter` for numbers that the format cannot hold."""
        try:
            check_depth(self.form, self.depth)
        except ValueError as error:
            raise bad_value("--output", str(error)) from error

    def check(self, size: tuple[int, ...] | None = None, sidecar: bool = False) -> None:
        """Raise `click.BadParameter` for what cannot be written, before the picture is made."""
        self.check_depth()
        if self.path is None:
            if sys.stdout is None:
                raise bad_value("--output", "standard output is closed")
            if sys.stdout.isatty():
                raise bad_value("--output", "a terminal shows no pictures: redirect it")
            return
        try:
            check_writable(self.path, size, self.depth)
        except ImageFileError as error:
            raise bad_value("--output", str(error)) from error
        if sidecar:
            check(sidecar_of(self.path), "'--sidecar'")

    def write(
        self, pixels: Samples, provenance: Account | SightFigure, sidecar: bool, dpi: float | Dpi | None = None
    ) -> None:
        """Write a picture with its record, and the resolution that it is printed at."""
        note = provenance.to_json()
        if self.path is None:
            write_bytes(encode_image(pixels, self.form, note, dpi))
            return
        write_samples(self.path, pixels, note, dpi)
        self.write_sidecar(provenance, sidecar)

    def write_sidecar(self, provenance: Account | SightFigure, wanted: bool) -> None:
        """Write the file beside it, if it is wanted."""
        if wanted and self.sidecar is not None:
            write_text(self.sidecar, f"{provenance.to_json()}\n")

    def __str__(self) -> str:
        return "the picture to standard output" if self.path is None else f"'{self.given}'"


def one_target(output: str, format: str | None) -> Target:
    """Return the target of a single picture; the suffix of its path decides the format."""
    if output == STANDARD:
        return Target(STANDARD, FORMATS[format or "png"])
    if format is not None:
        raise bad_value("--format", f"it is for a folder or '{STANDARD}'; the suffix of '{output}' decides the format")
    form = WRITABLE.get(Path(output).suffix.lower())
    if form is None:
        Target(output, FORMATS["png"]).check()  # says which suffixes there are
        raise AssertionError(output)
    return Target(output, form)


def unnamed_target(source: Source, suffix: str = ".png") -> Target:
    """Return the target of a picture where --output names none: see `unnamed`."""
    return one_target(str(unnamed(source.path, source.stem, suffix)), None)


def unnamed_targets(sources: Sequence[Source], format: str | None) -> list[Target]:
    """Return these of several pictures: finished ones are not made again, so that numbers only keep them apart."""
    suffix = f".{format or 'png'}"
    if len(sources) == 1:
        return [unnamed_target(sources[0], suffix)]
    names: list[Path] = []
    for source in sources:
        names.append(unnamed(source.path, source.stem, suffix, names))
    return [Target(str(name), FORMATS[suffix[1:]]) for name in names]


def unnamed_folder(folder: Path) -> Path:
    """Return the folder for the dreams of a folder's pictures where --output names none: beside it, always the same."""
    folder = folder if folder.name not in ("", "..") else folder.resolve()
    return unnamed(folder, folder.name, "", [])


def check_sidecar(sidecar: bool, targets: Sequence[Target | None]) -> None:
    """Refuse a sidecar of a picture that is not a file."""
    if sidecar and any(target is None or target.path is None for target in targets):
        raise bad_value("--sidecar", "there is no file to put it beside")


def series_targets(folder: Path, count: int, format: str | None) -> list[Target]:
    """Return numbered targets in a folder: ``1.png`` to ``6.png``, ``01.png`` to ``12.png``."""
    format = format or "png"
    width = len(str(count))
    return [Target(str(folder / f"{number:0{width}d}.{format}"), FORMATS[format]) for number in range(1, count + 1)]


def folder_targets(folder: Path, sources: Sequence[Source], format: str | None) -> list[Target]:
    """Return a target in a folder for each source, with the source's name.

    Those of the same name without suffix keep theirs: ``a.jpg.png`` and ``a.png.png``. What is still the same, as of
    two folders, is numbered: ``a.jpg-2.png``.
    """
    format = format or "png"
    if folder.exists() and not folder.is_dir():
        raise bad_value("--output", f"several pictures go into a folder, and '{folder}' is a file")
    counts = Counter(_folded(source, source.stem) for source in sources)
    taken: set[str] = set()
    targets = []
    for source in sources:
        alone = counts[_folded(source, source.stem)] == 1
        name = first = source.stem if alone or source.path is None else source.name
        number = 1
        while _folded(source, name) in taken:
            number += 1
            name = f"{first}-{number}"
        taken.add(_folded(source, name))
        targets.append(Target(str(folder / source.inside / f"{name}.{format}"), FORMATS[format]))
    return targets


def _folded(source: Source, name: str) -> str:
    """Return the name of a dream as file systems that do not tell capitals see it."""
    return folded(os.path.join(source.inside, name))


def claim_targets(
    targets: Iterable[Target], sidecar: bool, hint: str = OUTPUT, made: bool = False, new: bool = True
) -> None:
    """Claim the files of pictures, and those beside them, as `claim` does, or `claim_made` in a folder."""
    files = [target for target in targets if target.path is not None]
    claiming = claim_made if made else partial(claim, new=new)
    claiming((target.path for target in files if target.path is not None), hint)
    if sidecar:
        claiming((target.sidecar for target in files if target.sidecar is not None), "'--sidecar'")
