"""A zoom loop can be stopped at any moment: its checkpoint has the last frame, in floats, and the random state."""

from __future__ import annotations

import os
import zipfile
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from PIL import Image

from ..dream.light import Light
from ..errors import CheckpointError
from ..files import is_blank, open_file, reason, start_of, written_file
from ..net import Array
from .differences import Difference
from .provenance import Ingredients
from .recipe import Loop, Recipe
from .text import from_json, to_json

_MOST_TEXT = 2**20  # bytes of what is not the frame
_STATE = 624  # numbers of a random state


class LoopFacts(Ingredients, frozen=True, kw_only=True):
    """What a loop is made of: to resume it takes the same.

    Attributes
    ----------
    recipe : Recipe
        Of the last frame that was made.
    network, input, guide, mask, also
        As for `Ingredients`.
    """

    recipe: Recipe

    @property
    def place(self) -> Loop:
        """The recipe's: which frame that is, and how the loop moves."""
        if self.recipe.loop is None:
            raise ValueError("its recipe is not a loop's")
        return self.recipe.loop

    def at(self, frame: int) -> LoopFacts:
        """Return the same for another frame."""
        return msgspec.structs.replace(self, recipe=self.recipe.at(frame))

    def unlike(self, other: LoopFacts) -> list[Difference]:
        """List what makes another loop: not the device, as one that is lost can be replaced."""
        found = [*self.recipe.differences(other.recipe), *self.differences(other)]
        return [each for each in found if each.what != "device"]


class Checkpoint(NamedTuple):
    """Where a loop was stopped.

    Attributes
    ----------
    loop : LoopFacts
    frame : (H, W, 3) array
        The last frame, as it was dreamt.
    rng : numpy.random.RandomState
        As that frame left it.
    light : Light or None
        That of the first frame, where the loop holds something of it.
    """

    loop: LoopFacts
    frame: Array
    rng: np.random.RandomState
    light: Light | None = None


def save(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all."""
    _, key, position, has_gauss, gauss = checkpoint.rng.get_state(legacy=True)
    light: dict[str, Any] = {} if checkpoint.light is None else {"light": np.array(checkpoint.light)}
    with written_file(path) as file:
        np.savez(
            file,
            loop=np.frombuffer(to_json(checkpoint.loop).encode("ascii"), np.uint8),
            frame=checkpoint.frame,
            key=key,
            position=np.array([position, has_gauss]),
            gauss=np.array(gauss),
            **light,
        )


def is_checkpoint(path: Path) -> bool:
    """Return whether a file begins as `save` writes it, or nothing is in it: damaged or not, no other file is lost."""
    head = start_of(path, 38)  # of the first member of the archive, up to its name's end
    return (head[:4], head[30:]) == (b"PK\3\4", b"loop.npy") or is_blank(path)


def load(path: str | os.PathLike[str]) -> Checkpoint | None:
    """Read a checkpoint; None where there is none, `CheckpointError` where it is damaged."""
    try:
        with open_file(path) as opened, zipfile.ZipFile(opened) as file:
            loop = from_json(_array(file, "loop", _MOST_TEXT).tobytes(), LoopFacts)
            loop.place  # noqa: B018 (raises)
            shape = (*(loop.recipe.size or (loop.input.height, loop.input.width)), 3)
            if prod(shape[:2]) > (Image.MAX_IMAGE_PIXELS or 2**31):
                raise ValueError(f"its picture has {shape[1]}x{shape[0]} pixels, which are too many")
            frame = _array(file, "frame", prod(shape) * np.dtype(np.float64).itemsize)
            if frame.shape != shape or str(frame.dtype) != loop.network.dtype:
                raise ValueError(f"its frame is {frame.shape}, {frame.dtype}")
            position, has_gauss = _array(file, "position", _MOST_TEXT).tolist()
            if not 0 <= position <= _STATE:  # NumPy would read outside of them
                raise ValueError(f"its random state is at number {position} of {_STATE}")
            rng = np.random.RandomState()
            gauss = float(_array(file, "gauss", _MOST_TEXT))
            rng.set_state(("MT19937", _array(file, "key", _MOST_TEXT), position, has_gauss, gauss))
            light = None
            if loop.place.hold is not None:
                mean, deviation = _array(file, "light", _MOST_TEXT).tolist()
                light = msgspec.convert((mean, deviation), Light)
    except FileNotFoundError:
        return None
    except MemoryError:
        raise
    except Exception as error:  # on damaged files zipfile and NumPy raise struct.error, SyntaxError, anything
        raise CheckpointError(f"'{path}' is damaged, so the loop cannot be resumed: {reason(error)}") from error
    return Checkpoint(loop, frame, rng, light)


def _array(file: zipfile.ZipFile, name: str, most: int) -> Array:
    """Read an array of a .npz file; its size is checked before that much memory is taken."""
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
