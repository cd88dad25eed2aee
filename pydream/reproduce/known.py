"""Known results: a result that is made again in the exact mode is compared with them, pixel for pixel."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from ..dream.keyframes import Curve
from ..dream.octaves import octave_sizes
from ..picture import Picture
from ..record.provenance import pixels_sha256
from ..record.recipe import Recipe
from ..runtime.net import Net

FILE = Path(__file__).with_name("known.json")

# Facts that decide the pixels, and the words for one that differs from the known result's.
OTHER = {
    "network": "another network",
    "weights": "other weights",
    "layer": "another layer",
    "sky": "another picture",
    "guide": "another guide",
    "sizes": "other octaves",
    "iterations": "another number of iterations",
    "step_size": "another step size",
    "jitter": "another jitter",
    "seed": "another seed",
    "zoom": "another zoom between frames",
    "era": "another era",
    "grid": "another grid",
}


Facts = dict[str, str | int | float | None]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A result that was made earlier.

    Attributes
    ----------
    result : str
        Its key in `results.RESULTS`.
    by : str
        The program that made it.
    facts : dict of str to str, number or None
        All that decides the pixels, as `facts_of` returns it.
    pictures : list of str
        SHA-256 of the 8-bit pixels of every octave, the last of which is the result, or of every known frame.
    borders : dict of int to int
        Index into the result's pixels → level, where a value is so near to another level that rounding may move it
        there (see `results.borders`).
    """

    result: str
    by: str
    facts: Facts
    pictures: list[str]
    borders: dict[int, int] = {}  # msgspec copies it

    @property
    def whose(self) -> str:
        """Whose result it is: Caffe's, or pydream's own, which another machine made."""
        owner = "Caffe's result" if self.by.startswith("Caffe") else "pydream's own result of another machine"
        return f"{owner} ({self.by})"


@dataclass(frozen=True)
class Verdict:
    """The outcome of comparing a result with the known ones.

    Attributes
    ----------
    kind : {"identical", "differs", "not compared"}
    text : str
        For people.
    known : list of str
        The expected hashes; empty where no result is known.
    first : int, optional
        Index of the first expected hash that differs.
    whose : str
        Whose result it was compared with, as `Known.whose`; empty where it was not.
    """

    kind: str
    text: str
    known: Sequence[str] = ()
    first: int | None = None
    whose: str = ""


@cache
def known_results() -> list[Known]:
    """Read the known results."""
    return msgspec.json.decode(FILE.read_bytes(), type=list[Known])


def weights_sha256(net: Net) -> str:
    """Hash a network's weights, layer by layer: the same hash for every file that stores the same numbers."""
    digest = hashlib.sha256()
    for layer, params in sorted(net.params.items()):
        for param in params:
            digest.update(f"{layer} {param.shape}\n".encode())
            digest.update(np.ascontiguousarray(param.data, "<f8").data)
    return digest.hexdigest()


def facts_of(network: str, weights: str, recipe: Recipe, size: tuple[int, int], sky: str, guide: str | None) -> Facts:
    """Return all that decides a result's pixels in the exact mode.

    Parameters
    ----------
    network, weights : str
        Name in the registry or of its file; and `weights_sha256`.
    recipe : Recipe
    size : (height, width)
        Of the picture.
    sky, guide : str
        SHA-256 of the pixels.
    """
    sizes = octave_sizes(*size, recipe.octave_n, recipe.octave_scale, recipe.era)[::-1]
    facts: Facts = {
        "network": network,
        "weights": weights,
        "layer": recipe.end,
        "sky": sky,
        "guide": guide,
        "sizes": " ".join(f"{width}x{height}" for height, width in sizes),  # all that an era changes in a dream
        "iterations": recipe.iter_n,
        "step_size": recipe.step_size,
        "jitter": recipe.jitter,
        "seed": recipe.seed,
    }
    if recipe.loop is not None:
        zoom = recipe.loop.scale
        facts |= {"zoom": str(zoom) if isinstance(zoom, Curve) else zoom, "era": recipe.era, "grid": recipe.grid}
    return facts


def comparable(
    result: str, facts: Facts, *, exact: bool, known: Sequence[Known] | None = None
) -> tuple[Known | None, str]:
    """Return the known result that a result can be compared with, or is only similar to, and why it cannot be compared.

    Parameters
    ----------
    result : str
        Its key.
    facts : dict
        As `facts_of` returns them.
    exact : bool
        Whether it is made in the exact mode: other results are only similar, and never compared.
    known : list of Known, optional
        None: those of this version of pydream.

    Returns
    -------
    known : Known or None
    why : str
        Empty where it can be compared.
    """
    others = [other for other in (known_results() if known is None else known) if other.result == result]
    # float32 has no grid, and is not compared anyway.
    apart = [[name for name in OTHER if facts.get(name) != other.facts.get(name)] for other in others]
    apart = [[name for name in names if exact or name != "grid"] for names in apart]
    nearest = min(range(len(others)), key=lambda index: len(apart[index]), default=None)
    if nearest is None or "network" in apart[nearest]:
        return None, f"no known result of {facts['network']}"
    if apart[nearest]:
        return None, f"the nearest known result has {', '.join(OTHER[name] for name in apart[nearest])}"
    other = others[nearest]
    return other, "" if exact else f"float32 is only similar to {other.whose}; --exact equals it"


def judge(
    result: str,
    facts: Facts,
    hashes: Sequence[str],
    picture: Picture,
    *,
    exact: bool,
    interrupted: bool = False,
    known: Sequence[Known] | None = None,
) -> Verdict:
    """Compare a result with the known ones.

    Parameters
    ----------
    result : str
        Its key.
    facts : dict
        As `facts_of` returns them.
    hashes : list of str
        Hashes of its octaves or frames.
    picture : (H, W, 3) uint8 array
        The last octave.
    exact : bool
        Whether it was made in the exact mode: other results are only similar, and never compared.
    interrupted : bool
    known : list of Known, optional
        None: those of this version of pydream.
    """
    other, why = comparable(result, facts, exact=exact, known=known)
    if other is None or why:
        return Verdict("not compared", f"not compared: {why}", other.pictures if other else ())
    if interrupted:
        return Verdict("not compared", "not compared: interrupted", other.pictures)
    for number, (found, wanted) in enumerate(zip(hashes, other.pictures, strict=False)):
        if found != wanted:
            off = _values_off(picture, other) if number + 1 == len(other.pictures) else None
            if off:
                text = f"identical to {other.whose}, except {off} of {picture.size} values on the border"
                text = f"{text} between two levels, which are one level off"
                return Verdict("identical", text, other.pictures, whose=other.whose)
            first = f"frame {number}" if "grid" in facts else f"octave {number + 1} of {len(other.pictures)}"
            text = f"differs from {other.whose}, first in {first}"
            return Verdict("differs", text, other.pictures, number, other.whose)
    last = len(other.pictures) - 1
    beyond = f", up to frame {last}, the last known one" if len(hashes) > last + 1 else ""
    text = f"identical to {other.whose}, in every pixel{beyond}"
    return Verdict("identical", text, other.pictures, whose=other.whose)


def _values_off(picture: Picture, known: Known) -> int | None:
    """Count the values on a border that are one level off; None where anything else differs."""
    index = np.array(list(known.borders), int)
    levels = np.array(list(known.borders.values()), int)
    settled = picture.copy()
    values = settled.reshape(-1)
    if len(index) == 0 or index.max() >= len(values) or np.abs(values[index] - levels).max() > 1:
        return None
    off = np.count_nonzero(values[index] != levels)
    values[index] = levels
    return int(off) if pixels_sha256(settled) == known.pictures[-1] else None
