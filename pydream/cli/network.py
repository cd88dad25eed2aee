"""A command's network: the options that choose it, and loading it without TensorFlow's chatter."""

from __future__ import annotations

import gc
import os
import re
from pathlib import Path
from typing import Any

import click

from ..runtime.net import Net
from ..zoo.load import load_net
from .errors import debugging
from .signals import between_steps, uninterrupted


def device_name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Check the form of a device's name; whether the device exists, only TensorFlow knows."""
    device = value.lower()
    if not re.fullmatch(r"auto|cpu|gpu(:[0-9]+)?", device):
        raise click.BadParameter(f"{value!r} is not a device (expected auto, cpu, gpu or gpu:N)", ctx, param)
    return device


weights_option = click.option(
    "-w",
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Weights file, or a registered network's frozen graph, if not where `pydream models` says.",
)


def load(model: str, weights: Path | None = None, **options: Any) -> Net:
    """Load a network as `pydream.load_net` does; the first call imports TensorFlow."""
    hush()
    with uninterrupted():
        net = load_net(model, weights, **options)
    gc.freeze()  # what TensorFlow's import made stays; to look through it all for garbage costs 0.2 s of a dream
    between_steps()
    return net


def hush() -> None:
    """Keep TensorFlow, which is not imported yet, from saying more than errors, unless --debug asks for it."""
    loud = debugging(click.get_current_context())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if loud else "3")
