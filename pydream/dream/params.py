"""Parameters of a dream are checked before anything is computed: their bounds, and the layers that they name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import imageops
from ..errors import UnknownNameError
from ..net import NOTEBOOK_END, Net
from ..tiles.plan import LARGEST_TILE
from .bounds import is_real, require, whole_number
from .era import check_era
from .objectives import Objective, Score
from .octaves import MOST_OCTAVES, check_by_hand
from .retouch import Retouch

# Bounds that no dream needs to exceed; beyond them sums overflow.
LARGEST_STEP = 255.0
LARGEST_JITTER = 100_000
MOST_ITERATIONS = 10**7  # in each octave

FINEST_GRID = 2.0**-16  # its multiples up to 255 are exact in float32

End = str | Sequence[str]


def find_end(net: Net, end: str | None) -> str:
    """Return the layer to dream with: `end`, or the network's default; `UnknownNameError` if it is not a blob."""
    if end is None:
        end = net.default_end or (NOTEBOOK_END if NOTEBOOK_END in net.blobs else None)
    if end is None:
        raise UnknownNameError(
            f"{net.name} has no default layer; name one: {', '.join(map(repr, list(net.blobs)[1:9]))}, …"
        )
    if net.blobs[end] is net.image:  # an unknown name raises, and lists close ones
        raise UnknownNameError(f"{end!r} is the image itself; name a layer behind it")
    return end


def find_ends(net: Net, end: End | None, objective: Objective | None = None) -> tuple[str, ...]:
    """Return the layers to dream with: those of `end`, of an objective that is a `Score`, or the network's default.

    Raises
    ------
    UnknownNameError
        A name is not a blob's.
    ValueError
        `end` is empty, has a layer twice, or differs from the layers of the `Score`.
    """
    given = None if end is None else (end,) if isinstance(end, str) else tuple(end)
    if isinstance(objective, Score):
        if given is not None and given != objective.ends:
            raise ValueError(f"end: {end!r}, but the objective is {objective}; it has its layers, leave `end` out")
        given = objective.ends
    if given is not None and len(set(given)) < max(len(given), 1):
        raise ValueError(f"end: {end!r}, expected one layer or several different ones")
    return tuple(find_end(net, end) for end in given or (None,))


# Parameter of `deepdream` or `make_step` → a function that raises `ValueError` for a value out of its range.
_CHECKS: dict[str, Callable[[Any], object]] = {
    "iter_n": lambda value: whole_number("iter_n", value, 1, MOST_ITERATIONS),
    "octave_n": lambda value: whole_number("octave_n", value, 1, MOST_OCTAVES),
    "octave_scale": lambda value: require(
        is_real(value) and 1 <= value < math.inf, "octave_scale", value, "a number of at least 1"
    ),
    "step_size": lambda value: require(
        is_real(value) and 0 < abs(value) <= LARGEST_STEP,
        "step_size",
        value,
        f"a number above 0, at most {LARGEST_STEP}, or below 0 to climb down",
    ),
    "jitter": lambda value: whole_number("jitter", value, 0, LARGEST_JITTER),
    "rng": lambda value: require(
        hasattr(value, "randint") or value is None,
        "rng",
        value,
        "a numpy.random.RandomState: other generators draw other shifts",
    ),
    "backend": imageops.backend,
    "tile": lambda value: value is None or whole_number("tile", value, 0, LARGEST_TILE),
    "era": check_era,
    "octave_sizes": check_by_hand,
    "grid": lambda value: require(
        value is None or (is_real(value) and FINEST_GRID <= value <= 1 and math.frexp(value)[0] == 0.5),
        "grid",
        value,
        f"a power of two from {FINEST_GRID} to 1",
    ),
    # Any value is valid, or the network checks it.
    **dict.fromkeys(("end", "clip", "watch", "objective", "seamless"), lambda value: None),
    "retouches": lambda value: require(
        all(isinstance(each, Retouch) for each in value),
        "retouches",
        value,
        "a sequence of retouches: see `pydream.retouch`",
    ),
}


def check_params(**params: Any) -> None:
    """Check parameters of `deepdream` and `make_step` without dreaming.

    Raises
    ------
    ValueError
        A value is out of its range.
    TypeError
        Neither has a parameter of that name.
    """
    for name, value in params.items():
        if name not in _CHECKS:
            raise TypeError(f"a dream has no parameter {name!r}; there are: {', '.join(map(repr, _CHECKS))}")
        _CHECKS[name](value)
