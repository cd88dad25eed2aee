"""What a picture, a figure or a film says of how it was made: a recipe, and the ingredients that went in beside it.

It is JSON, kept inside the file (`write_image`'s note) or beside it. What is read of it may be anyone's: it is data,
checked against the types below, and never a path to open or a command to run.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Container, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from .. import __version__
from ..errors import PluginError, ProvenanceError
from ..files import file_sha256, read_file
from ..formats import InputSpec, PixelScale
from ..media import LONGEST_NOTE, read_note
from ..media.page import is_page, page_note
from ..media.video import is_film, read_comment
from ..net import ChannelOrder
from ..picture import Samples
from ..runtime.engines import RUNTIMES, named_runtime, runtime_libraries
from ..zoo.load import NetFiles
from .differences import Difference, changes
from .names import NOISE, without_folders
from .recipe import RNG, Recipe
from .text import from_json, to_json

LIBRARIES = ("numpy", "scipy", "pillow", "tensorflow")

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
MeanNumbers = Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=3)]
Side = Annotated[int, msgspec.Meta(ge=1, le=10**7)]  # pixels

_UNSPECIFIED = InputSpec()


class PictureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that went in, or came out.

    Attributes
    ----------
    name : str
        Of its file, without folders; ``noise``; ``-`` for standard input or output.
    width, height : int
    sha256 : str or None
        Of its pixels, (H, W, 3) uint8 RGB in C order, or of its uint16 or float32 numbers, little-endian, where it was
        made with more than 8 bits; None for noise, which its seed decides.
    """

    name: str
    width: Side
    height: Side
    sha256: Sha256 | None = None

    def __str__(self) -> str:
        size = f"{self.width}x{self.height}"
        return f"{self.name} ({size})" if self.sha256 is None else f"{self.name} ({size}, {_short(self.sha256)})"


def noise_facts(size: tuple[int, int]) -> PictureFacts:
    """Return what a record says of noise of a (height, width)."""
    return PictureFacts(name=NOISE, width=size[1], height=size[0])


class NetFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The network: its name, the hashes of its two files, how it was run, and the input settings of `load_net`.

    Attributes
    ----------
    name, weights : str
    weights_sha256, definition_sha256 : str
    dtype, runtime, device : str
    mean, scale, channel_order, input
        As for `pydream.load_net`; None: unspecified.
    """

    name: str
    weights: str
    weights_sha256: Sha256
    definition_sha256: Sha256
    dtype: Annotated[str, msgspec.Meta(pattern="^float(32|64)$")]
    runtime: str
    device: str
    mean: MeanNumbers | None = None
    scale: PixelScale | None = None
    channel_order: ChannelOrder | None = None
    input: str | None = None

    def __post_init__(self) -> None:
        self.input_spec  # noqa: B018 (checks its numbers)

    @property
    def input_spec(self) -> InputSpec:
        """What pictures it was said to want."""
        return InputSpec(self.mean, self.scale, self.channel_order, self.input)

    @property
    def known_runtime(self) -> str:
        """The runtime's name; `ProvenanceError` where there is no runtime of that name here."""
        try:
            named_runtime(self.runtime)
        except PluginError:
            raise
        except ValueError as error:
            raise ProvenanceError(f"it was made on a runtime that is not installed here: {error}") from error
        return self.runtime

    @property
    def library_versions(self) -> dict[str, str]:
        """As `versions`, with those of the libraries that a runtime of a package takes."""
        return versions(*runtime_libraries(self.runtime))

    def differences(self, other: NetFacts) -> Iterator[Difference]:
        """Name what differs in another network; not the names of files that have the same content."""
        if self.weights_sha256 != other.weights_sha256:
            yield Difference("weights", *(f"{net.weights} ({_short(net.weights_sha256)})" for net in (self, other)))
        if self.definition_sha256 != other.definition_sha256:
            yield Difference("definition", *(_short(net.definition_sha256) for net in (self, other)))
        # In float64 all built-in runtimes make the same bytes, and which one is taken has changed: it is no difference.
        # Between two dtypes the difference is the dtype, which the runtime follows.
        added = not {self.runtime, other.runtime} <= RUNTIMES.keys()
        counts = self.dtype == other.dtype and (added or self.dtype == "float32")
        names = ["dtype", *(["runtime"] if counts else []), "device", "mean", "scale", "channel_order", "input"]
        yield from changes(self, other, names)


class Ingredients(msgspec.Struct, frozen=True, kw_only=True):
    """What went into a dream beside its recipe: the network and the pictures.

    Attributes
    ----------
    network : NetFacts
    input : PictureFacts
    guide, mask : PictureFacts, optional
    also : tuple of NetFacts
        The other networks that the recipe names, in its order.
    """

    network: NetFacts
    input: PictureFacts
    guide: PictureFacts | None = None
    mask: PictureFacts | None = None
    also: tuple[NetFacts, ...] = ()

    def differences(self, other: Ingredients) -> Iterator[Difference]:
        """Name what differs: pictures by their pixels, files by their content."""
        yield from self.network.differences(other.network)
        for before, after in zip(self.also, other.also, strict=False):  # how many there are, the recipes say
            yield from before.differences(after)
        for name in ("input", "guide", "mask"):
            before, after = getattr(self, name), getattr(other, name)
            if (before and before.sha256) != (after and after.sha256):
                yield Difference(name, before, after)


class Account(Ingredients, frozen=True, kw_only=True):
    """What a file says of how it was made.

    Attributes
    ----------
    recipe : Recipe
        ``dream`` in the file.
    command : str
        The command line that makes the file again, for people; it is not what is replayed.
    pydream : str
        Version.
    rng : str
    versions : dict of str to str
        Of Python, the machine's kind and the libraries.
    network, input, guide, mask, also
        As for `Ingredients`.
    """

    recipe: Recipe = msgspec.field(name="dream")
    command: str
    pydream: str = __version__
    rng: str = RNG
    versions: dict[str, str] = msgspec.field(default_factory=lambda: versions())

    def to_json(self) -> str:
        """Return it as JSON, indented, in ASCII."""
        return to_json(self, indent=1)


class DreamAccount(Account, frozen=True, kw_only=True):
    """How a picture was made.

    Attributes
    ----------
    result : PictureFacts
    """

    result: PictureFacts

    def unlike(self, recipe: Recipe, ingredients: Ingredients, open: Container[str] = ()) -> list[Difference]:
        """List what makes another dream: not the device, as one that is lost can be replaced, nor what is left open."""
        found = [*self.recipe.differences(recipe), *self.differences(ingredients)]
        if self.recipe.loop is not None and recipe.loop is not None:
            found += changes(self.recipe.loop, recipe.loop, ["frame"])
        return [each for each in found if each.what != "device" and each.what not in open]


class Figure(Account, frozen=True, kw_only=True):
    """How a figure was made, which shows dreams beside each other: its command makes it again.

    Attributes
    ----------
    figure : str
        The kind: the command's name.
    recipe : Recipe
        Of its dreams; of several the first one's, from which they differ in the layer.
    layers : list of list of str
        For each network, what was dreamt with.
    networks : list of NetFacts
        All of them; `network` is the first.
    """

    figure: str
    layers: list[list[str]]
    networks: list[NetFacts]


class LooksFigure(Figure, frozen=True, kw_only=True):
    """How a figure was made whose dreams differ in more than the layer.

    Attributes
    ----------
    looks : dict of str to Recipe
        Each look's.
    """

    looks: dict[str, Recipe]


class SightFigure(msgspec.Struct, frozen=True, kw_only=True):
    """How a figure was made that shows pictures and no dream: its command makes it again.

    Attributes
    ----------
    figure : str
        The kind: the command's name.
    pictures : list of PictureFacts
    network : NetFacts
        What looked at them.
    command, pydream, versions
        As for `Account`.
    """

    figure: str
    pictures: list[PictureFacts]
    network: NetFacts
    command: str
    pydream: str = __version__
    versions: dict[str, str] = msgspec.field(default_factory=lambda: versions())

    def to_json(self) -> str:
        """Return it as JSON, indented, in ASCII."""
        return to_json(self, indent=1)


def _short(sha256: str) -> str:
    return f"sha256 {sha256[:12]}…"


def parse(text: str) -> DreamAccount:
    """Read what `DreamAccount.to_json` wrote; `ProvenanceError` says in one line what is wrong with it."""
    if len(text) > LONGEST_NOTE:
        raise ProvenanceError(f"it is longer than {LONGEST_NOTE} characters")
    try:
        found = from_json(text, dict[str, Any])
        for kind, what in (("film", "a film of dreams"), ("figure", "a figure")):
            if kind in found:
                raise ProvenanceError(f"it is {what}, not a dream; `{found.get('command')}` makes it again")
        dream = msgspec.convert(found, DreamAccount)
        return msgspec.structs.replace(dream, command=without_folders(dream.command))
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise ProvenanceError(f"it is not as pydream writes it: {error}") from error


def read_provenance(path: str | os.PathLike[str]) -> DreamAccount:
    """Read how a picture was made, from the picture or, where that says nothing, from its sidecar.

    Parameters
    ----------
    path : path-like
        A picture file, or the JSON of a sidecar itself; or a film, which may say how its last frame was made.

    Raises
    ------
    ProvenanceError
        If there is none, or it is damaged.
    ImageFileError, VideoFileError
        If there is no such picture or film.
    """
    path = Path(path)
    sidecar = path if path.suffix == ".json" else sidecar_of(path)
    try:
        text = None if path == sidecar else _note(path)
        if text is None or not text.startswith("{"):  # a camera describes its pictures in the same field
            text = read_file(sidecar, LONGEST_NOTE + 1, "a record").decode().removesuffix("\n")
    except FileNotFoundError:
        raise ProvenanceError(
            f"'{path}' does not say how it was made: it is not pydream's, or lost that on the way;"
            f" there is no '{sidecar}' either"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProvenanceError(f"cannot read '{sidecar}': {getattr(error, 'strerror', None) or error}") from error
    try:
        return parse(text)
    except ProvenanceError as error:
        raise ProvenanceError(f"what '{path}' says of itself cannot be used: {error}") from error


def _note(path: Path) -> str | None:
    return read_comment(path) if is_film(path) else page_note(path) if is_page(path) else read_note(path)


def sidecar_of(picture: Path) -> Path:
    """Return the name of the JSON file beside a picture: ``dream.png.json``."""
    return picture.with_name(f"{picture.name}.json")


def picture_facts(name: str, pixels: Samples) -> PictureFacts:
    """Return the facts of a picture, of any depth."""
    height, width = pixels.shape[:2]
    return PictureFacts(name=Path(name).name or name, width=width, height=height, sha256=pixels_sha256(pixels))


def net_facts(
    name: str,
    files: NetFiles,
    dtype: np.dtype[np.generic],
    runtime: str,
    device: str,
    input_spec: InputSpec = _UNSPECIFIED,
) -> NetFacts:
    """Return the facts of a network that was loaded from `files`, with these input settings."""
    weights = files.weights or files.definition  # a caffemodel may hold both
    return NetFacts(
        name=name,
        weights=weights.name,
        weights_sha256=file_sha256(weights),
        definition_sha256=file_sha256(files.definition),
        dtype=str(dtype),
        runtime=runtime,
        device=device,
        **input_spec.keywords,
    )


def pixels_sha256(pixels: Samples) -> str:
    """Hash the pixels of an (H, W, 3) picture, in C order; what has several bytes is little-endian."""
    return hashlib.sha256(np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).data).hexdigest()


def versions(*more: str) -> dict[str, str]:
    """Return the versions of Python, of the machine's kind and of the libraries that take part in the pixels."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    return found | {name: _version(name) for name in (*LIBRARIES, *more)}


@cache
def _version(library: str) -> str:
    """Look a version up once: that lists every folder of `sys.path`, and a batch may write into one of them."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:  # tensorflow-cpu, say
        return "unknown"
