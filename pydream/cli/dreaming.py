"""From options to dreams: a network, a recipe and a guide, ready for pictures."""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..caffe import Net
from ..dream import find_end
from ..errors import ShapeError
from ..image import Picture, read_image
from ..net import ChannelOrder
from ..objectives import Objective, objective_guide
from ..octaves import octave_sizes
from ..provenance import NetFacts, PictureFacts, net_facts, picture_facts
from ..recipe import Recipe
from ..zoo import find_files
from .errors import printable
from .network import load

# Options that move no pixel, or that `retold` tells otherwise.
_NOT_RETOLD = {
    "output",
    "seed",
    "quiet",
    "force",
    "resume",
    "debug",
    "format",
    "sidecar",
    "size",
    "frames",
    "fps",
    "quality",
}


@dataclass(frozen=True)
class Dreamer:
    """What the options of a command come to.

    Attributes
    ----------
    net : Net
    facts : NetFacts
    recipe : Recipe
        For a picture; noise and a loop are the command's to add.
    objective : callable, optional
        The guide's.
    guide : PictureFacts, optional
    """

    net: Net
    facts: NetFacts
    recipe: Recipe
    objective: Objective | None
    guide: PictureFacts | None

    @property
    def title(self) -> str:
        """Say what is run, where, and with which seed."""
        facts, recipe = self.facts, self.recipe
        return f"{printable(facts.name)} {printable(recipe.end)} on {facts.device}, {facts.dtype}, seed {recipe.seed}"

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Give the sizes of the octaves, the largest first."""
        recipe = self.recipe
        return octave_sizes(height, width, recipe.octave_n, recipe.octave_scale, recipe.era)


def prepare(
    *,
    model: str,
    weights: Path | None,
    layer: str | None,
    guide: Path | None,
    seed: int | None,
    dtype: str,
    runtime: str,
    device: str,
    mean: tuple[float, float, float] | None = None,
    pixel_scale: float | None = None,
    channel_order: ChannelOrder | None = None,
    input_node: str | None = None,
    **recipe: Any,
) -> Dreamer:
    """Load the network and the guide that the options name; what else they say is the recipe."""
    picture = None if guide is None else read_image(guide)  # before TensorFlow is imported
    told = {"mean": mean, "scale": pixel_scale, "channel_order": channel_order, "input": input_node}
    net = load(model, weights, dtype=dtype, device=device, runtime=runtime, **told)
    end = find_end(net, layer)
    facts = net_facts(net.name, find_files(model, weights), net.dtype, runtime, net.device, **told)
    seed = secrets.randbelow(2**32) if seed is None else seed
    objective = None if picture is None else guided(net, picture, end, str(guide))
    guide_facts = None if picture is None else picture_facts(str(guide), picture)
    return Dreamer(net, facts, Recipe(end=end, seed=seed, **recipe), objective, guide_facts)


def guided(net: Net, guide: Picture, end: str, name: str) -> Objective:
    """Make the objective of a guide; an error names it."""
    try:
        return objective_guide(net, guide, end)
    except ShapeError as error:
        raise ShapeError(f"the guide '{name}' does not fit: {error}") from error


def retold(ctx: click.Context, arguments: list[str], recipe: Recipe) -> str:
    """Give the command line that makes one picture again: `arguments`, what was chosen, and the recipe's seed."""
    words = [*arguments]
    if recipe.noise is not None:
        height, width = recipe.noise
        words += ["--size", f"{width}x{height}"]
    for param in ctx.command.params:
        name = param.name or ""
        chosen = ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE
        if not isinstance(param, click.Option) or not chosen or name in _NOT_RETOLD:
            continue
        long = [option for option in param.opts if option.startswith("--")]
        value = ctx.params[name]
        if isinstance(value, bool):
            words.append(long[0] if value else param.secondary_opts[0])
        else:
            for each in value if param.multiple else [value]:
                words += [long[0], *map(str, each if param.nargs > 1 else [each])]
    return shlex.join(["pydream", str(ctx.info_name), *words, "--seed", str(recipe.seed)])
