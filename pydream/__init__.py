"""pydream: the 2015 DeepDream, alive again and exact.

>>> import numpy, pydream
>>> net = pydream.load_net("squeezenet_v1.1")
>>> picture = pydream.deepdream(net, numpy.full((64, 64, 3), 128), octave_n=1, iter_n=1)
>>> picture.shape
(64, 64, 3)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .dream import DreamInterrupted, deepdream, make_step
    from .errors import PydreamError
    from .frames import dream_frames
    from .loop import zoom, zoom_frame
    from .objectives import objective_guide, objective_L2
    from .preprocessing import deprocess, preprocess
    from .zoo import load_net

__version__ = "0.1.0"

_HOMES = {
    "DreamInterrupted": "dream",
    "PydreamError": "errors",
    "deepdream": "dream",
    "deprocess": "preprocessing",
    "dream_frames": "frames",
    "load_net": "zoo",
    "make_step": "dream",
    "objective_L2": "objectives",
    "objective_guide": "objectives",
    "preprocess": "preprocessing",
    "zoom": "loop",
    "zoom_frame": "loop",
}

__all__ = [
    "DreamInterrupted",
    "PydreamError",
    "deepdream",
    "deprocess",
    "dream_frames",
    "load_net",
    "make_step",
    "objective_L2",
    "objective_guide",
    "preprocess",
    "zoom",
    "zoom_frame",
]


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used, so that `pydream --help` need not wait for NumPy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
