"""What the server and a worker process say to one another: a message, and bytes beside it, over a socket.

A frame is the length of the message and that of the bytes, 4 bytes each, most significant first, then both. The paths
in it are the server's.
"""

from __future__ import annotations

import struct
from typing import Annotated, Any, Literal

import msgspec

from ..record.recipe import Recipe
from .orders import Network, Order, PictureId

HEADER = struct.Struct(">II")
MOST_MESSAGE, MOST_BYTES = 2**24, 2**26

TaskId = Annotated[str, msgspec.Meta(max_length=64)]  # a job's id, for its task


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """About a task."""

    task: TaskId


# ---- to a worker ----


class Warm(Message, frozen=True, kw_only=True):
    """Load a network, so that the next dream begins at once."""

    network: Network


class Run(Message, frozen=True, kw_only=True):
    """Carry out an order.

    Attributes
    ----------
    order : Order
        With a seed in its recipe.
    picture, guide, mask : str or None
        Files; the names that records have are `names`.
    names : dict of str to str
        Of the picture, the guide and the mask, by these words.
    folder : str
        Where the job may keep what it takes to resume; it is there, and goes with the job.
    output : str
        The path of the result without its suffix, which the kind decides on.
    resumed : Recipe or None
        That of the `Began` of an earlier, killed run: seed and tiles are as they were.
    memory : int or None
        Bytes that the process may take.
    """

    order: Order
    picture: str | None
    guide: str | None
    mask: str | None
    names: dict[str, str]
    folder: str
    output: str
    resumed: Recipe | None = None
    memory: int | None = None


class Thumbnail(msgspec.Struct, frozen=True, kw_only=True):
    """A small dream: what it is called in `Made`, its order, and the .jpg file that it goes to."""

    key: str
    order: Order
    output: str


class DrawThumbnails(Message, frozen=True, kw_only=True):
    """Make small dreams on a picture, one after the other; None: on noise."""

    picture: str | None
    items: list[Thumbnail]


class ReplayPicture(Message, frozen=True, kw_only=True):
    """Make a picture again from its record, and compare.

    Attributes
    ----------
    picture : str
        The file, as it was sent.
    account : str or None
        Its record, where the file has none.
    known : str
        The folder in which pictures are, by the sha256 of their pixels: ``SHA.png``.
    memory : int or None
    """

    picture: str
    account: str | None
    known: str
    memory: int | None = None


class Classify(Message, frozen=True, kw_only=True):
    """Say what the network of an order takes pictures for.

    Attributes
    ----------
    order : Order
    picture, result : str or None
        Files: what is dreamt on, and what came of it.
    recipe : Recipe or None
        Of a dream on noise: what draws that.
    """

    order: Order
    picture: str | None = None
    result: str | None = None
    recipe: Recipe | None = None


class DecodePicture(Message, frozen=True, kw_only=True):
    """Read a file that came from outside: a picture, or a film.

    Attributes
    ----------
    file, name : str
        Where it is, and what it was called.
    folder : str
        Where it is put by its id: a picture as ``ID.png``, a film as ``ID`` with its suffix; beside it ``ID.jpg``, at
        most 1280 pixels long, to be shown, and ``ID.json``, a `PictureEntry`.
    """

    file: str
    name: str
    folder: str


class EncodePicture(Message, frozen=True, kw_only=True):
    """Write a result as another kind of file, with its record.

    Attributes
    ----------
    file, output : str
        The suffix of `output` is the kind.
    long_side : int or None
        To make it smaller.
    """

    file: str
    output: str
    long_side: int | None = None


class Stop(Message, frozen=True, kw_only=True):
    """End a task within one step; what there is of it is kept, unless `discard` says otherwise."""

    discard: bool = False


# ---- from a worker ----


class Began(Message, frozen=True, kw_only=True):
    """A task has begun.

    Attributes
    ----------
    recipe : Recipe or None
        All that decides the pixels; a task that is killed is run again with it.
    command : str or None
        The command line, and the same in Python, where there is one.
    python : str or None
    steps : int
        How many there will be.
    """

    recipe: Recipe | None = None
    command: str | None = None
    python: str | None = None
    steps: int


class Progress(Message, frozen=True, kw_only=True):
    """So much is done; `what` says what is being made, of several things."""

    step: int
    steps: int
    seconds_left: float | None = None
    what: str | None = None


class Preview(Message, frozen=True, kw_only=True):
    """The picture so far; the bytes beside it are a JPEG file.

    Attributes
    ----------
    width, height : int
        Those of the JPEG file: of an octave.
    """

    width: int
    height: int


class Made(Message, frozen=True, kw_only=True):
    """One of several things is there: a thumbnail, a frame."""

    key: str


class Finished(Message, frozen=True, kw_only=True):
    """A task is done, or stopped with what there was.

    Attributes
    ----------
    files : dict of str to str
        What was written, by its kind: ``{"png": path, "mp4": path}``.
    facts : dict
        For a dream ``width``, ``height``, ``sha256``, ``command``, ``python`` and ``seconds``; for a picture the fields
        of its `PictureEntry`; for small dreams ``errors``, a line for each that cannot be made; for a replay
        ``identical`` and ``why``; for `Classify` the ``network`` and, ``before`` and ``after``, its classes or None.
    stopped : bool
        By `Stop`; without files: nothing had been made.
    """

    files: dict[str, str] = {}
    facts: dict[str, Any] = {}
    stopped: bool = False


class Failed(Message, frozen=True, kw_only=True):
    """A task ended with an error.

    Attributes
    ----------
    error : str
        One line.
    fault : {"input", "worker"}
        Whose it is: of what was asked for, or the program's.
    """

    error: str
    fault: Literal["input", "worker"] = "input"


class PictureEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a picture that was sent.

    Attributes
    ----------
    id : str
        The sha256 of the pixels; of a film that of the file.
    name : str
        What it was called, without folders.
    width, height : int
    frames : int or None
        Of a film.
    seconds : float or None
        Of a film.
    suffix : str
        ``.png``, or a film's own.
    account : str or None
        Its record, as it is in the file, if pydream made it.
    order : Order or None
        That record as an order: POSTed again it makes the same.
    notes : tuple of str
        What is wrong with the file, a line each: it was read in spite of that.
    """

    id: PictureId
    name: str
    width: int
    height: int
    frames: int | None = None
    seconds: float | None = None
    suffix: Annotated[str, msgspec.Meta(pattern=r"^\.[a-z0-9]+\Z")] = ".png"
    account: str | None = None
    order: Order | None = None
    notes: tuple[str, ...] = ()


ToWorker = Warm | Run | DrawThumbnails | ReplayPicture | Classify | DecodePicture | EncodePicture | Stop
FromWorker = Began | Progress | Preview | Made | Finished | Failed


def packed(message: Message, data: bytes = b"") -> bytes:
    """Return the frame of a message."""
    text = msgspec.json.encode(message)
    return HEADER.pack(len(text), len(data)) + text + data


def sizes(header: bytes) -> tuple[int, int]:
    """Return the lengths that a frame's first 8 bytes say; ValueError for more than there can be."""
    message, data = HEADER.unpack(header)
    if message > MOST_MESSAGE or data > MOST_BYTES:
        raise ValueError(f"a message of {message} and {data} bytes")
    return message, data
