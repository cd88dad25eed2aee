"""Check a port's dreams against those of the NumPy code: first one step, then jitter, octaves, and a whole dream."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dream.notebook import deepdream
from ..net import Net
from ..zoo.load import load_net
from ..zoo.registry import DEFAULT_NETWORK
from . import samples
from .net import check_mean
from .report import Array, Mistakes, Report

# Largest difference in what the dream changed in the picture: relative, L2. In float64 two correct programs differ by
# about 1e-13. In float32 each step makes the difference larger, so that whole dreams are only similar.
STEP = {"float64": 1e-9, "float32": 1e-2}
DREAM = {"float64": 1e-9, "float32": 3e-1}


class _Draws(np.random.RandomState):
    """Draws shifts as the notebook does, and then changes them."""

    def __init__(self, spoil: Callable[[Array], Array], fewer: int = 0) -> None:
        super().__init__(0)
        self._spoil, self._fewer = spoil, fewer

    def randint(self, low: Any, high: Any = None, size: Any = None, dtype: Any = int) -> Any:
        return self._spoil(super().randint(low, high - self._fewer, size, dtype))


# Mistakes in the shifts.
_DRAWS: dict[str, Callable[[], np.random.RandomState]] = {
    "ox and oy were swapped: the first draw is the shift to the right": lambda: _Draws(lambda shift: shift[::-1]),
    "it rolled the other way": lambda: _Draws(lambda shift: -shift),
    "there were no jitter": lambda: _Draws(lambda shift: shift * 0),
    "randint were without its upper end: it is randint(-jitter, jitter + 1, 2)": lambda: _Draws(lambda s: s, fewer=1),
}


def check_dream(
    net: Net,
    network: str | os.PathLike[str] = DEFAULT_NETWORK,
    weights: str | os.PathLike[str] | None = None,
    *,
    dream: Callable[..., Array] = deepdream,
) -> Report:
    """Check the dreams that a port makes.

    Parameters
    ----------
    net : Net
        In float64 its pictures must equal the reference's, byte for byte; in float32 they must be similar.
    network, weights
        The network that `net` is a port of, as for `pydream.load_net`.
    dream : callable
        Called like `pydream.deepdream`, which is the default; pass a port of the loop to check it.

    Returns
    -------
    Report

    Raises
    ------
    ConformanceError
        Where a step failed. Each step adds one thing to the one before, so the first failure shows what to fix.
    """
    report = Report(f"check_dream of {network}")
    reference = load_net(network, weights, dtype="float64", runtime="numpy")
    with report.trying("mean"):
        check_mean(report, net, reference)
    dtype = str(np.dtype(net.dtype))
    # White, flat parts test the tie-tolerant pooling of float64; in float32 rounding decides there.
    small, odd = (samples.picture(h, w, saturated=dtype == "float64") for h, w in ((64, 83), (111, 126)))
    plain = {"octave_n": 1, "iter_n": 1, "jitter": 0, "end": reference.default_end}
    jittery = {**plain, "jitter": 32}
    # 126x111, 90x79, 64x56: SciPy's last rows and columns are 0, both down and up.
    octaves = {**jittery, "octave_n": 3, "octave_scale": 1.4}
    tries: list[tuple[str, Array, dict[str, Any], str]] = [
        ("a step without jitter and clipping", small, {**plain, "clip": False}, "mean|g|, or the gradient: check_net"),
        ("a step without jitter", small, plain, "the clip to -mean and 255 - mean"),
        ("a step of another size", small, {**plain, "step_size": 0.7}, "step_size / mean|g| * g"),
        ("a step with jitter", small, jittery, "roll, step, roll back: check_imageops"),
        ("two steps", small, {**jittery, "iter_n": 2}, "one draw of two numbers a step"),
        ("three octaves", odd, octaves, "sizes, chained shrinking, detail, the zoom: check_imageops"),
        ("a whole dream", odd, {**octaves, "iter_n": 3}, "all of the above passed: rounding, or state between steps"),
    ]
    for step, picture, parameters, hint in tries:
        expected = _dream(reference, picture, np.random.RandomState(0), parameters)
        mistakes = _mistakes(reference, picture, expected, parameters)
        limit = (DREAM if step == "a whole dream" else STEP)[dtype]
        passed = False
        with report.trying(step):
            found = dream(net, picture, rng=np.random.RandomState(0), **parameters)
            passed = report.compare(step, found - picture, expected - picture, limit, mistakes, f"look at {hint}")
            if passed and dtype == "float64":
                report.compare(f"{step}, as 8-bit picture", _saved(found), _saved(expected), 0.0)
        if not passed:
            break
    return report.finish()


def _dream(net: Net, picture: Array, rng: np.random.RandomState, parameters: dict[str, Any]) -> Array:
    return deepdream(net, picture, rng=rng, backend="numpy", **parameters)


def _mistakes(net: Net, picture: Array, expected: Array, parameters: dict[str, Any]) -> Mistakes:
    """Return what a dream with each of the known mistakes would change in the picture."""

    def changed(draw: Callable[[], np.random.RandomState], **other: Any) -> Callable[[], Array]:
        return lambda: _dream(net, picture, draw(), {**parameters, **other}) - picture

    mistakes: dict[str, Callable[[], Array]] = {
        "the result were BGR": lambda: expected[..., ::-1] - picture,
        "it went down the gradient": lambda: picture - expected,
        "it did not clip": changed(lambda: np.random.RandomState(0), clip=False),
    }
    if parameters["jitter"]:
        mistakes |= {text: changed(draw) for text, draw in _DRAWS.items()}
    return mistakes


def _saved(picture: Array) -> Array:
    saved: Array = np.clip(picture, 0, 255).astype(np.uint8)
    return saved
