"""What can be left at any moment: a zoom loop, with its last frame in floats and the random state; a film's frames."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ..errors import CheckpointError
from ..files import write_text, written_whole
from ..net import Array
from .provenance import Film, NetFacts, PictureFacts, decisive
from .recipe import Loop, Recipe

_MOST_TEXT = 2**20  # bytes of what is not the frame


class LoopFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a loop is made of: whoever goes on with it has to bring the same.

    Attributes
    ----------
    recipe : Recipe
        Of the last frame that was made.
    network : NetFacts
    input, guide, mask : PictureFacts
    """

    recipe: Recipe
    network: NetFacts
    input: PictureFacts
    guide: PictureFacts | None = None
    mask: PictureFacts | None = None

    @property
    def pictures(self) -> dict[str, PictureFacts | None]:
        """What went in, beside the network."""
        return {"input": self.input, "guide": self.guide, "mask": self.mask}

    @property
    def decisive(self) -> dict[str, Any]:
        """All else that decides the frames."""
        facts = decisive(self.recipe, self.network) | self.place.move
        del facts["loop"]
        return facts

    @property
    def place(self) -> Loop:
        """The recipe's: which frame that is, and how the loop moves."""
        if self.recipe.loop is None:
            raise ValueError("its recipe is no loop's")
        return self.recipe.loop

    def at(self, frame: int) -> LoopFacts:
        """Give the same for another frame."""
        loop = msgspec.structs.replace(self.place, frame=frame)
        return msgspec.structs.replace(self, recipe=msgspec.structs.replace(self.recipe, loop=loop))


class Checkpoint(NamedTuple):
    """Where a loop was left.

    Attributes
    ----------
    loop : LoopFacts
    frame : (H, W, 3) array
        The last frame, as it was dreamt.
    rng : numpy.random.RandomState
        As that frame left it.
    """

    loop: LoopFacts
    frame: Array
    rng: np.random.RandomState


def save(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all."""
    _, key, position, has_gauss, gauss = checkpoint.rng.get_state(legacy=True)
    with written_whole(path) as temporary, temporary.open("xb") as file:
        np.savez(
            file,
            loop=np.frombuffer(msgspec.json.encode(checkpoint.loop), np.uint8),
            frame=checkpoint.frame,
            key=key,
            position=np.array([position, has_gauss]),
            gauss=np.array(gauss),
        )


def load(path: str | os.PathLike[str]) -> Checkpoint | None:
    """Read a checkpoint; None where there is none, `CheckpointError` where it is damaged."""
    try:
        with zipfile.ZipFile(path) as file:
            loop = msgspec.json.decode(_array(file, "loop", _MOST_TEXT).tobytes(), type=LoopFacts)
            loop.place  # noqa: B018 (raises)
            shape = (loop.input.height, loop.input.width, 3)
            frame = _array(file, "frame", prod(shape) * np.dtype(np.float64).itemsize)
            if frame.shape != shape or str(frame.dtype) != loop.network.dtype:
                raise ValueError(f"its frame is {frame.shape}, {frame.dtype}")
            position, has_gauss = _array(file, "position", _MOST_TEXT).tolist()
            rng = np.random.RandomState()
            gauss = float(_array(file, "gauss", _MOST_TEXT))
            rng.set_state(("MT19937", _array(file, "key", _MOST_TEXT), position, has_gauss, gauss))
    except FileNotFoundError:
        return None
    except MemoryError:
        raise
    except Exception as error:  # on damaged files zipfile and NumPy raise struct.error, SyntaxError, anything
        raise CheckpointError(
            f"'{path}' is damaged, so the loop cannot go on from there: {' '.join(str(error).split())}"
        ) from error
    return Checkpoint(loop, frame, rng)


def _array(file: zipfile.ZipFile, name: str, most: int) -> Array:
    """Read an array of a .npz file; its header tells its size before that much memory is taken."""
    with file.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):  # what `save` writes
            raise ValueError(f"{name} is of NumPy's format {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        if prod(shape) * dtype.itemsize > most:
            raise ValueError(f"{name} is {shape}, {dtype}")
        member.seek(0)
        array: Array = np.lib.format.read_array(member, allow_pickle=False)
        return array


def differences(then: LoopFacts | Film, now: LoopFacts | Film) -> Iterator[str]:
    """Name what would be another loop or film: each with what it was and what it is now."""
    before, after = then.decisive, now.decisive
    for name, value in before.items():
        if value != after[name]:
            yield f"{name} was {value}, now {after[name]}"
    for name, old in then.pictures.items():
        new = now.pictures[name]
        if (old and old.sha256) != (new and new.sha256):
            yield f"{name} was {old.name if old else 'none'}, now {new.name if new else 'none'}, of other pixels"


def save_film(path: str | os.PathLike[str], film: Film) -> None:
    """Write what a film is to be, whole or not at all: its frames beside it are all else that it takes to go on."""
    write_text(path, f"{film.to_json()}\n")


def load_film(path: str | os.PathLike[str]) -> Film | None:
    """Read what a film was to be; None where there is none, `CheckpointError` where it is damaged."""
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(_MOST_TEXT), type=Film)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        raise CheckpointError(
            f"'{path}' is damaged, so the film cannot go on from there: {' '.join(str(error).split())}"
        ) from error
