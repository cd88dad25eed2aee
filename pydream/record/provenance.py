"""What a picture says of how it was made: the recipe, and the hashes and versions of all that went into it.

It is JSON, kept inside the picture file (`write_image`'s note) or beside it. What is read of it may be
anyone's: it is data, checked against the types below, and never a path to open or a command to run.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from .. import __version__
from ..errors import ProvenanceError
from ..files import file_sha256
from ..media import LONGEST_NOTE, read_note
from ..media.video import is_film, read_comment
from ..net import ChannelOrder
from ..picture import Picture
from ..zoo.load import NetFiles
from .recipe import RNG, Recipe

LIBRARIES = ("numpy", "scipy", "pillow", "tensorflow")

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Side = Annotated[int, msgspec.Meta(ge=1)]


class PictureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that went in, or came out.

    Attributes
    ----------
    name : str
        Of its file, without folders; ``noise``; ``-`` for standard input or output.
    width, height : int
    sha256 : str or None
        Of its pixels, (H, W, 3) uint8 RGB in C order; None for noise, which its seed decides.
    """

    name: str
    width: Side
    height: Side
    sha256: Sha256 | None = None


class NetFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The network: its name, the hashes of its two files, how it was run, and what `load_net` was told of its input.

    Attributes
    ----------
    name, weights : str
    weights_sha256, definition_sha256 : str
    dtype, runtime, device : str
    mean, scale, channel_order, input
        As for `pydream.load_net`; None: not told.
    """

    name: str
    weights: str
    weights_sha256: Sha256
    definition_sha256: Sha256
    dtype: str
    runtime: str
    device: str
    mean: tuple[float, float, float] | None = None
    scale: float | None = None
    channel_order: ChannelOrder | None = None
    input: str | None = None

    @property
    def told(self) -> dict[str, Any]:
        """Give the keywords for `pydream.load_net`."""
        return {name: getattr(self, name) for name in ("mean", "scale", "channel_order", "input")}


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of how it was made."""

    def to_json(self) -> str:
        """Give it as JSON, indented, in ASCII."""
        return json.dumps(msgspec.to_builtins(self), indent=1)  # msgspec's own JSON is UTF-8


class Provenance(Account, frozen=True, kw_only=True):
    """How a picture was made.

    Attributes
    ----------
    pydream : str
        Version.
    command : str
        That makes the picture again, for people; it is not what is replayed.
    dream : Recipe
    rng : str
    network : NetFacts
    input, guide, mask, result : PictureFacts
    versions : dict of str to str
        Of Python, the machine's kind and the libraries.
    """

    pydream: str
    command: str
    dream: Recipe
    rng: str
    network: NetFacts
    input: PictureFacts
    guide: PictureFacts | None = None
    mask: PictureFacts | None = None
    result: PictureFacts
    versions: dict[str, str]


class Figure(Account, frozen=True, kw_only=True):
    """How a figure was made, which shows dreams beside each other: its command makes it again.

    Attributes
    ----------
    figure : str
        The kind: the command's name.
    dream : Recipe
        Of its dreams; of several the first one's, from which they differ in the layer.
    layers : list of list of str
        For each network, what was dreamt with.
    networks : list of NetFacts
    pydream, command, rng, input, guide, mask, versions
        As for `Provenance`.
    """

    pydream: str = __version__
    figure: str
    command: str
    dream: Recipe
    rng: str = RNG
    layers: list[list[str]]
    networks: list[NetFacts]
    input: PictureFacts
    guide: PictureFacts | None = None
    mask: PictureFacts | None = None
    versions: dict[str, str]


class Film(Account, frozen=True, kw_only=True):
    """How a film was made, each of whose frames is a dream of a frame: its command makes it again.

    Attributes
    ----------
    film : str
        The kind: the command's name.
    dream : Recipe
        Of every frame, which begins with its seed.
    input : PictureFacts
        The film that was dreamt on; the hash is its file's.
    first, frames : int
        The number of its first frame that was dreamt on, from 0, and how many.
    size : (int, int)
        Height and width that the frames were dreamt at.
    blend, flow, cut
        As for `pydream.dream_frames`.
    pydream, command, rng, network, guide, mask, versions
        As for `Provenance`.
    """

    pydream: str = __version__
    film: str
    command: str
    dream: Recipe
    rng: str = RNG
    network: NetFacts
    input: PictureFacts
    first: int
    frames: int
    size: tuple[Side, Side]
    blend: float
    flow: bool
    cut: float
    guide: PictureFacts | None = None
    mask: PictureFacts | None = None
    versions: dict[str, str]

    @property
    def pictures(self) -> dict[str, PictureFacts | None]:
        """What went in, beside the network."""
        return {"input": self.input, "guide": self.guide, "mask": self.mask}

    @property
    def decisive(self) -> dict[str, Any]:
        """All else that decides the frames, but for how many there are."""
        names = ("first", "size", "blend", "flow", "cut")
        return decisive(self.dream, self.network) | {name: getattr(self, name) for name in names}


class _Kind(msgspec.Struct):
    """What `Figure` or `Film` has and `Provenance` has not."""

    figure: str | None = None
    film: str | None = None
    command: str = ""


def record(
    command: str,
    recipe: Recipe,
    network: NetFacts,
    input: PictureFacts,
    guide: PictureFacts | None,
    result: PictureFacts,
    mask: PictureFacts | None = None,
) -> Provenance:
    """Put together what a picture is to say of itself, on this machine, with the libraries that are installed."""
    return Provenance(
        pydream=__version__,
        command=command,
        dream=recipe,
        rng=RNG,
        network=network,
        input=input,
        guide=guide,
        mask=mask,
        result=result,
        versions=versions(),
    )


def parse(text: str) -> Provenance:
    """Read what `Provenance.to_json` gave; `ProvenanceError` says in one line what is wrong with it."""
    if len(text) > LONGEST_NOTE:
        raise ProvenanceError(f"it is longer than {LONGEST_NOTE} characters")
    try:
        kind = msgspec.json.decode(text, type=_Kind)
        if kind.figure is None and kind.film is None:
            return msgspec.json.decode(text, type=Provenance)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise ProvenanceError(f"it is not as pydream writes it: {error}") from error
    what = "a figure" if kind.film is None else "a film of dreams"
    raise ProvenanceError(f"it is {what}, not a dream; `{kind.command}` makes it again")


def read_provenance(path: str | os.PathLike[str]) -> Provenance:
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
        text = None if path == sidecar else read_comment(path) if is_film(path) else read_note(path)
        if text is None or not text.startswith("{"):  # a camera describes its pictures in the same field
            with sidecar.open(encoding="utf-8") as file:
                text = file.read(LONGEST_NOTE + 1)
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


def sidecar_of(picture: Path) -> Path:
    """Give the name of the JSON file beside a picture: ``dream.png.json``."""
    return picture.with_name(f"{picture.name}.json")


def picture_facts(name: str, pixels: Picture) -> PictureFacts:
    """Give the facts of an 8-bit picture."""
    height, width = pixels.shape[:2]
    return PictureFacts(name=Path(name).name or name, width=width, height=height, sha256=pixels_sha256(pixels))


def net_facts(
    name: str, files: NetFiles, dtype: np.dtype[np.generic], runtime: str, device: str, **told: Any
) -> NetFacts:
    """Give the facts of a network that was loaded from `files`, with `NetFacts.told`."""
    weights = files.weights or files.definition  # a caffemodel may hold both
    return NetFacts(
        name=name,
        weights=weights.name,
        weights_sha256=file_sha256(weights),
        definition_sha256=file_sha256(files.definition),
        dtype=str(dtype),
        runtime=runtime,
        device=device,
        **told,
    )


def pixels_sha256(pixels: Picture) -> str:
    """Hash the pixels of an (H, W, 3) uint8 picture, in C order."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()


def decisive(recipe: Recipe, network: NetFacts) -> dict[str, Any]:
    """Give what decides a dream, but the pictures. Not the device: who has lost one may go on with another."""
    network_facts = {"weights": network.weights_sha256, "dtype": network.dtype, "runtime": network.runtime}
    return msgspec.structs.asdict(recipe) | network_facts


def versions(*more: str) -> dict[str, str]:
    """Give the versions of Python, of the machine's kind and of the libraries that have a hand in the pixels."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for name in (*LIBRARIES, *more):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # tensorflow-cpu, say
            found[name] = "unknown"
    return found
