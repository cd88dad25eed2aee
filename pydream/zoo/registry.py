"""The registry is the folder `models/`: a network a folder, its facts in the front matter of its README.

The user's own networks are in a folder of the same layout, `own_folder()`; `pydream.zoo.own` puts them there.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from ..errors import NetFileError
from ..files import open_file, read_file
from ..formats import Format, InputSpec, PixelScale, caffe, format_by_name
from ..net import ChannelOrder, unknown_name

DEFAULT_NETWORK = "squeezenet_v1.1"

DEFINITION = "deploy.prototxt"  # in a network's folder, unless the weights' file holds the network too

URL_VARIABLE = "PYDREAM_MODEL_URL_"

# Not a path and not a hidden file: names become folders and files.
_MAX_README = 2**20  # bytes
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")

FileName = Annotated[str, msgspec.Meta(pattern=rf"^{NAME.pattern}\Z")]

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]

Sha1 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]

Bytes = Annotated[int, msgspec.Meta(ge=1)]


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A file that has a network's weights. What is not known of it is None.

    Attributes
    ----------
    name : str
        File name.
    size : int or None
        In bytes.
    sha256, sha1 : str or None
    urls : tuple of str
        Addresses of it, in the order to try.
    """

    name: FileName
    size: Bytes | None = None
    sha256: Sha256 | None = None
    sha1: Sha1 | None = None
    urls: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether its hash is known: any such file is the right one."""
        return self.size is not None and (self.sha256 or self.sha1) is not None

    def fault(self, path: Path) -> str | None:
        """Compare a file's size and hash with the known ones; return the difference in words, None if there is none."""
        found = path.stat().st_size
        if self.size is not None and found != self.size:
            return f"{found} bytes, not {self.size}"
        name, wanted = ("sha256", self.sha256) if self.sha256 else ("sha1", self.sha1)
        if wanted is None:
            return None
        with open_file(path) as file:
            digest = hashlib.file_digest(file, name).hexdigest()
        return None if digest == wanted else f"{name} {digest}, not {wanted}"

    def __str__(self) -> str:
        facts = [f"{self.size} bytes"] if self.size else []
        facts += [f"sha256 {self.sha256}"] if self.sha256 else [f"sha1 {self.sha1}"] if self.sha1 else []
        return f"{self.name} ({', '.join(facts) or 'size and hash are unknown'})"


class Archive(Copy, frozen=True, kw_only=True):
    """A zip file, or a compressed tar file, that holds the weights, where the addresses have one.

    Attributes
    ----------
    member : str
        Exact name of the weights in it.
    """

    member: str


class Layers(msgspec.Struct, frozen=True, kw_only=True):
    """The weights as raw files, float32 in little-endian order, one file for each array of each layer.

    Attributes
    ----------
    urls : tuple of str
        Addresses with ``{layer}`` and ``{blob}`` in them.
    blobs : tuple of str
        What stands for ``{blob}``: the name of the kernel, and that of the bias.
    axes : str
        Order of a kernel's axes in the file: O (output channels), I (input channels), H and W.
    """

    urls: tuple[str, ...]
    blobs: tuple[str, str] = ("filter", "bias")
    axes: Literal["OHWI", "OIHW", "HWIO"] = "OIHW"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A network of the registry: the front matter of its README, and where that is.

    Attributes
    ----------
    name, title : str
        For programs, and for people.
    folder : Path
        With ``README.md`` and, for one of Caffe's networks, ``deploy.prototxt``.
    weights : str
        File name of the caffemodel, or of the file that holds the network too.
    size : int or None
        In bytes.
    sha256, sha1 : str or None
        Of the file. None: unknown.
    urls : tuple of str
        Addresses of it, or of the archive, in the order to try.
    archive : Archive or None
    numbers : str or None
        The hash of the weights' numbers, whatever file they are in: see `pydream.zoo.numbers`.
    copies : tuple of Copy
        Other files with the same numbers.
    layers : Layers or None
        The same numbers as a file for each layer.
    license : str
    mean, scale, channel_order, input
        What pictures it wants: see `spec`.
    default_layer : str or None
    bundled : bool
        Whether the weights come with pydream.
    own : bool
        Whether the user added it.
    """

    name: FileName
    title: str
    weights: FileName
    size: Bytes | None = None
    sha256: Sha256 | None = None
    sha1: Sha1 | None = None
    urls: tuple[str, ...] = ()
    archive: Archive | None = None
    numbers: Sha256 | None = None
    copies: tuple[Copy, ...] = ()
    layers: Layers | None = None
    license: str
    mean: tuple[float, ...]
    scale: PixelScale = 1.0
    channel_order: ChannelOrder = "BGR"
    input: str | None = None
    default_layer: str | None = None
    bundled: bool = False
    own: bool = False
    folder: Path = Path()

    @property
    def format(self) -> Format:
        """The format of the weights' file."""
        return format_by_name(Path(self.weights))

    @property
    def frozen(self) -> bool:
        """Whether its file holds the network: a frozen TensorFlow graph or an ONNX file, not a network of Caffe's."""
        return self.format is not caffe

    @property
    def definition(self) -> Path | None:
        """The prototxt; None: the weights' file holds the network."""
        return None if self.frozen else self.folder / DEFINITION

    @property
    def file(self) -> Copy:
        """What is known of the weights' file."""
        return Copy(name=self.weights, size=self.size, sha256=self.sha256, sha1=self.sha1, urls=self.urls)

    @property
    def spec(self) -> InputSpec:
        """What pictures it wants."""
        return InputSpec(self.mean, self.scale, self.channel_order, self.input)

    @property
    def mirrors(self) -> tuple[str, ...]:
        """The user's addresses of it, or of any of its copies, in ``PYDREAM_MODEL_URL_<NAME>``."""
        return tuple(os.environ.get(url_variable(self.name), "").split())

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where to fetch it from, in the order to try: `mirrors`, `urls`, those of the copies and of the layers."""
        others = [url for copy in self.copies for url in copy.urls]
        return (*self.mirrors, *self.urls, *others, *(self.layers.urls if self.layers else ()))


def all_networks() -> tuple[list[Entry], dict[str, NetFileError]]:
    """Return `networks` and `damaged_networks`, from one look at the disk: no network is in neither."""
    found = {name: _own(name) for name in _own_names()}
    own = [each for each in found.values() if isinstance(each, Entry)]
    entries = sorted([*_built_in().values(), *own], key=lambda entry: (entry.own, not entry.bundled, entry.name))
    return entries, {name: each for name, each in found.items() if isinstance(each, NetFileError)}


def networks() -> list[Entry]:
    """Return the networks of the registry: the built-in one, those with weights to fetch, the user's own."""
    return all_networks()[0]


def damaged_networks() -> dict[str, NetFileError]:
    """Return the errors of the user's own networks that `networks` leaves out, by name."""
    return all_networks()[1]


def find_network(name: str) -> Entry:
    """Return the network of that name; `UnknownNameError` lists the others."""
    if name in _built_in():
        return _built_in()[name]
    if name not in _own_names():
        raise unknown_name("network", name, [entry.name for entry in networks()])
    found = _own(name)
    if isinstance(found, NetFileError):
        raise found
    return found


def is_name(name: str) -> bool:
    """Return whether the registry has a network of that name."""
    return name in _built_in() or name in _own_names()


def url_variable(name: str) -> str:
    """Return the environment variable with a network's mirrors: addresses, separated by spaces."""
    return URL_VARIABLE + re.sub("[^A-Z0-9]", "_", name.upper())


def own_folder() -> Path:
    """Return the folder of the user's own networks, which may not exist yet."""
    data_home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data_home) / "pydream" / "models"


def weight_folders() -> list[Path]:
    """Return the folders where weights are looked for after the network's own.

    Those of ``PYDREAM_MODELS`` (separated as in ``PATH``), then the user's cache.
    """
    from_env = [Path(folder) for folder in os.environ.get("PYDREAM_MODELS", "").split(os.pathsep) if folder]
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return [*from_env, Path(cache_home) / "pydream" / "models"]


def find_weights(entry: Entry) -> Path | None:
    """Return the weights' file: in the network's folder, a weight folder, or its subfolder of the network's name."""
    candidates = [entry.folder / entry.weights]
    for folder in weight_folders():
        candidates += [folder / entry.weights, folder / entry.name / entry.weights]
    return next((path for path in candidates if path.is_file()), None)


def find_copies(entry: Entry) -> list[tuple[Copy, Path]]:
    """Return the files that have the name of a network's copy, or of its archive, where weights are looked for."""
    folders = dict.fromkeys([entry.folder, fetched_place(entry).parent, *weight_folders()])
    copies = [
        each for each in (*([entry.archive] if entry.archive else []), *entry.copies) if each.name != entry.weights
    ]
    found = [(copy, folder / copy.name) for copy in copies for folder in folders]
    return [(copy, path) for copy, path in found if path.is_file()]


def fetched_place(entry: Entry) -> Path:
    """Return the file that `pydream models fetch` writes: in the user's cache, or beside the user's own network."""
    return (entry.folder if entry.own else weight_folders()[-1]) / entry.weights


class _Entries(Mapping[str, Entry]):
    """Networks by the name of their folder; a README is read when it is asked for: all of them take 15 ms."""

    def __init__(self, readmes: Iterable[Path]) -> None:
        self._readmes = {readme.parent.name: readme for readme in readmes}
        self._read = cache(read_entry)

    def __getitem__(self, name: str) -> Entry:
        return self._read(self._readmes[name])

    def __contains__(self, name: object) -> bool:
        return name in self._readmes

    def __iter__(self) -> Iterator[str]:
        return iter(self._readmes)

    def __len__(self) -> int:
        return len(self._readmes)


@cache
def _built_in() -> Mapping[str, Entry]:
    package = Path(__file__).resolve().parents[1]
    # In an installed package the folder is inside it, in a checkout beside it.
    roots = [folder for folder in (package / "models", package.parent / "models") if folder.is_dir()]
    if not roots:
        raise NetFileError(f"the networks' folder {package / 'models'} is missing; install pydream again")
    return _Entries(sorted(roots[0].glob("*/README.md")))


def _own_names() -> list[str]:
    """Return the names of the user's own networks; a folder with the name of a built-in one is ignored."""
    names = [readme.parent.name for readme in sorted(own_folder().glob("*/README.md"))]
    return [name for name in names if NAME.fullmatch(name) and name not in _built_in()]


def _own(name: str) -> Entry | NetFileError:
    readme = own_folder() / name / "README.md"
    try:
        entry = read_entry(readme)
        if entry.name != name:
            raise NetFileError(f"{readme}: its name is {entry.name!r}, its folder's {name!r}")
    except NetFileError as error:
        return error
    return msgspec.structs.replace(entry, own=True, bundled=False)


def read_entry(readme: Path) -> Entry:
    """Read the front matter of a network's README; `NetFileError` where it is not valid."""
    try:
        front = re.match(r"---\n(.*?\n)---\n", read_file(readme, _MAX_README).decode("utf-8-sig"), re.DOTALL)
        facts = yaml.safe_load(front[1]) if front else None
        entry = msgspec.convert(facts, Entry)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError, RecursionError) as error:
        what = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise NetFileError(f"{readme}: not the front matter of a network: {what}") from error
    try:
        entry.spec  # noqa: B018 (checks its numbers)
    except ValueError as error:
        raise NetFileError(f"{readme}: {error}") from error
    return msgspec.structs.replace(entry, folder=readme.parent)
