"""pydream: the 2015 DeepDream, alive again and exact.

>>> import numpy, pydream
>>> net = pydream.load_net("squeezenet_v1.1")
>>> picture = pydream.deepdream(net, numpy.full((64, 64, 3), 128), octave_n=1, iter_n=1)
>>> picture.shape
(64, 64, 3)

What this module and the rooms' own ``__init__`` export is public; modules inside a room are not. A room imports only
rooms before it:

========== ============================================================================
errors     every exception
logs       the logger `pydream`
host       what systems differ in, and nothing else: locks, names, limits, signals, processes
forks      what a forked process has lost
locks      one run writes a place: locks that end with their process
reads      what a run reads, and must not write over
reading    a file whose failed read is not taken for its end
files      a file is written whole or not at all
system     the memory and the threads that there are
picture    what a picture is: (H, W, 3), RGB, 8 bits
table      rows of text under a head: aligned, as HTML, folded
net        the seam: `Net` and `Blob`, all that a dream asks of a network
media      files ↔ pictures: image files, films, contact sheets
imageops   roll, zoom, ascend, clip, affine: in C++ and in NumPy, the same bits
tiles      a gradient in parts, for pictures of any size
dream      the dream: picture → picture, on any net
runtime    layers, linked, and the runtimes that run them
formats    network files → a graph and its weights
caffe      pycaffe's names: ``import pydream.caffe as caffe``
zoo        names → networks
record     what decides a dream, written down and kept in its picture
cluster    a dream by many processes
easy       a dream in one call: `dream_picture`; what it shares with the commands; `classify`, `export_onnx`
bench      for measuring
reproduce  for the results of 2015
testing    for ports to other runtimes
studio     a page in the browser that dreams, on this machine
cli        the command line
========== ============================================================================
"""

from importlib import import_module
from typing import Any

from . import forks as forks  # from now on, it is known what a fork loses

__version__ = "0.1.0"

_HOMES = {  # public name → the module that has it, or that it is
    "Also": "dream.together",
    "Dream": "easy.result",
    "DreamInterrupted": "dream.notebook",
    "Preview": "easy.live",
    "PydreamError": "errors",
    "Together": "dream.together",
    "Watch": "dream.watch",
    "activation_atlas": "easy.atlas",
    "activation_factors": "easy.factors",
    "activation_grid": "easy.grid",
    "classify": "easy.prediction",
    "deepdream": "dream.notebook",
    "deprocess": "dream.images",
    "dream_frames": "dream.film",
    "dream_picture": "easy.call",
    "export_onnx": "easy.export",
    "load_net": "zoo.load",
    "make_step": "dream.notebook",
    "objective_L2": "dream.objectives",
    "objective_guide": "dream.objectives",
    "objectives": "dream.objectives",
    "preprocess": "dream.images",
    "renderers": "dream.renderers",
    "retouch": "dream.retouch",
    "tutorial": "dream.tutorial",
    "video": "media.video",
    "zoom_frame": "dream.zoom",
    "zoom_loop": "dream.zoom",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used, so that `pydream --help` need not wait for NumPy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_HOMES[name]}", __name__)
    return getattr(module, name, module)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
