"""Parameters of a dream are checked before anything is computed: their bounds, and which layers they name."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

from .. import imageops
from ..errors import UnknownNameError
from ..net import Net
from ..tiles.plan import LARGEST_TILE
from .era import check_era
from .objectives import Objective, Score
from .octaves import MOST_OCTAVES
from .retouch import Retouch

NOTEBOOK_END = "inception_4c/output"

# Bounds that no dream needs to exceed; beyond them sums overflow.
LARGEST_STEP = 255.0

LARGEST_JITTER = 100_000

FINEST_GRID = 2.0**-16  # whose multiples up to 255 are exact in float32

End = str | Sequence[str]


def find_end(net: Net, end: str | None) -> str:
    """Give the layer to dream with: `end`, or the network's default; `UnknownNameError` where it is no blob."""
    if end is None:
        end = net.default_end or (NOTEBOOK_END if NOTEBOOK_END in net.blobs else None)
    if end is None:
        raise UnknownNameError(
            f"{net.name} has no default layer; name one: {', '.join(map(repr, list(net.blobs)[1:9]))}, …"
        )
    net.blobs[end]  # an unknown name raises, and lists close ones
    if end == "data":
        raise UnknownNameError("'data' is the image itself; name a layer behind it")
    return end


def find_ends(net: Net, end: End | None, objective: Objective | None = None) -> tuple[str, ...]:
    """Give the layers to dream with: those of `end`, of an objective that is a `Score`, or the network's default.

    Raises
    ------
    UnknownNameError
        For a name that is no blob.
    ValueError
        For a `Score` of other layers than `end`.
    """
    given = None if end is None else (end,) if isinstance(end, str) else tuple(end)
    if isinstance(objective, Score):
        if given is not None and given != objective.ends:
            raise ValueError(f"end: {end!r}, but the objective is {objective}; it knows its layers, leave `end` out")
        given = objective.ends
    if given is not None and len(set(given)) < max(len(given), 1):
        raise ValueError(f"end: {end!r}, want one layer or several different ones")
    return tuple(find_end(net, end) for end in given or (None,))


# Parameter of `deepdream` or `make_step` → what raises for a value that it cannot have.
_CHECKS: dict[str, Callable[[Any], object]] = {
    "iter_n": lambda value: whole("iter_n", value, 1),
    "octave_n": lambda value: whole("octave_n", value, 1, MOST_OCTAVES),
    "octave_scale": lambda value: want(
        is_real(value) and 1 <= value < math.inf, "octave_scale", value, "a number of at least 1"
    ),
    "step_size": lambda value: want(
        is_real(value) and 0 < value <= LARGEST_STEP, "step_size", value, f"a number above 0, at most {LARGEST_STEP}"
    ),
    "jitter": lambda value: whole("jitter", value, 0, LARGEST_JITTER),
    "rng": lambda value: want(
        hasattr(value, "randint") or value is None,
        "rng",
        value,
        "a numpy.random.RandomState: other generators draw other shifts",
    ),
    "backend": imageops.backend,
    "tile": lambda value: value is None or whole("tile", value, 0, LARGEST_TILE),
    "era": check_era,
    "grid": lambda value: want(
        value is None or (is_real(value) and FINEST_GRID <= value <= 1 and math.frexp(value)[0] == 0.5),
        "grid",
        value,
        f"a power of two from {FINEST_GRID} to 1",
    ),
    # Any value will do, or the network decides.
    **dict.fromkeys(("end", "clip", "watch", "objective"), lambda value: None),
    "retouches": lambda value: want(
        all(isinstance(each, Retouch) for each in value),
        "retouches",
        value,
        "what `pydream.retouch` has, in a sequence",
    ),
}


def check_params(**params: Any) -> None:
    """Look at parameters of `deepdream` and `make_step` without dreaming.

    Raises
    ------
    ValueError
        For a value out of its range.
    TypeError
        For a name that is none of theirs.
    """
    for name, value in params.items():
        if name not in _CHECKS:
            raise TypeError(f"a dream has no parameter {name!r}; there are: {', '.join(map(repr, _CHECKS))}")
        _CHECKS[name](value)


def is_real(value: object) -> bool:
    """Tell whether something is a number, of any type of real numbers."""
    return isinstance(value, numbers.Real)


def want(fits: bool, name: str, value: object, what: str) -> None:
    """Raise `ValueError` where a parameter does not fit `what` is wanted."""
    if not fits:  # as NaN, which no comparison fits
        raise ValueError(f"{name}: {value}, want {what}")


def whole(name: str, value: int, least: int, most: float = math.inf) -> int:
    """Give a whole number within its bounds as a Python integer, or raise `ValueError`."""
    want(isinstance(value, numbers.Integral), name, value, "a whole number")
    want(least <= value <= most, name, value, f"at least {least}" + (f", at most {most}" if most < math.inf else ""))
    return int(value)
