"""From options to dreams: a network, a recipe and a guide, ready for pictures."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import msgspec
from click.core import ParameterSource

from ..cluster.tasks import DreamTask, NetOrder, guided
from ..dream.objectives import Kind, Objective
from ..dream.params import find_end, find_ends
from ..dream.retouch import Mask
from ..media import read_image
from ..net import ChannelOrder
from ..picture import Picture
from ..record.provenance import NetFacts, PictureFacts, net_facts, picture_facts
from ..record.recipe import Recipe, choose_tile
from ..runtime.net import Net
from ..tiles.plan import plan_tiles
from ..zoo.load import find_files
from .errors import printable
from .network import load
from .scoring import only_layer, score_of

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
    "tile",
    "memory",
    "pictures",
    "gif",
    "workers",
    "scheduler",
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
    mask : Mask, optional
    mask_facts : PictureFacts, optional
    tile, memory : int, optional
        What the options say of the side of a tile, and of the bytes that the process may take.
    given : tuple of str and path
        The options that name the network: what it is, and where its weights are, if not where they are looked for.
    pixels : tuple of pictures
        The guide's and the mask's, where there is one.
    """

    net: Net
    facts: NetFacts
    recipe: Recipe
    objective: Objective | None
    guide: PictureFacts | None
    mask: Mask | None = None
    mask_facts: PictureFacts | None = None
    tile: int | None = None
    memory: int | None = None
    given: tuple[str, Path | None] = ("", None)
    pixels: tuple[Picture | None, Picture | None] = (None, None)

    @property
    def title(self) -> str:
        """Say what is run, where, and with which seed."""
        facts, recipe = self.facts, self.recipe
        name, what = printable(facts.name), printable(recipe.dreams_with)
        return f"{name} {what} on {facts.device}, {facts.dtype}, seed {recipe.seed}"

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Give the sizes of the octaves, the largest first."""
        return self.recipe.sizes(height, width)

    def in_tiles(self, height: int, width: int, held: float = 0) -> tuple[int, str | None]:
        """Decide on the side of the tiles for a picture, 0 for none, and say what that comes to, if there are any.

        `held` is how many arrays of the picture's size the command holds, beside a dream's own.
        """
        recipe = self.recipe
        side = choose_tile(recipe, self.net, height, width, self.tile, self.memory, recipe.retouches(self.mask), held)
        if side == 0:
            return 0, None
        ends = find_ends(self.net, recipe.end if recipe.score is None else None, recipe.score)
        self.net.blobs["data"].reshape(1, 3, height, width)
        plan = plan_tiles(self.net, ends, height, width, side)
        if len(plan) <= 1:
            return side, None
        high, wide = plan.crop
        return side, (
            f"{width}x{height} in {len(plan)} tiles of up to {side} pixels, crops of up to {wide}x{high},"
            f" {plan.cost:.2g} times the work"
        )

    def tiled(
        self, recipe: Recipe, height: int, width: int, quiet: bool, held: float = 0, of: str | None = None
    ) -> Recipe:
        """Give a recipe with the side of its tiles decided on, as `in_tiles` does, and print the plan, `of` what."""
        side, plan = replace(self, recipe=recipe).in_tiles(height, width, held)
        if plan is not None and not quiet:
            click.echo(plan if of is None else f"{printable(of)}: {plan}", err=True)
        return msgspec.structs.replace(recipe, tile=side)

    @cached_property
    def order(self) -> NetOrder:
        """The network as another process can load it."""
        return NetOrder.of(*self.given, self.facts)

    def task(self, recipe: Recipe, picture: Picture | None) -> DreamTask:
        """Put a dream so that another process can make it."""
        guide, mask = self.pixels
        return DreamTask(
            network=self.order,
            recipe=recipe,
            picture=picture,
            guide=None if guide is None or self.guide is None else (self.guide.name, guide),
            mask=mask,
            memory=self.memory,
        )

    def recorded(self, recipe: Recipe) -> Recipe:
        """Give what a picture says of a recipe: in float64 nothing of tiles, which decide no pixel there."""
        return msgspec.structs.replace(recipe, tile=None) if self.facts.dtype == "float64" else recipe


def prepare(
    *,
    model: str,
    weights: Path | None,
    layer: str | Sequence[str] | None,
    kind: Kind = "l2",
    classes: Sequence[str] = (),
    guide: Path | None,
    mask: Path | None = None,
    seed: int | None,
    dtype: str,
    runtime: str,
    device: str,
    mean: tuple[float, float, float] | None = None,
    pixel_scale: float | None = None,
    channel_order: ChannelOrder | None = None,
    input_node: str | None = None,
    tile: int | None = None,
    memory: int | None = None,
    **recipe: Any,
) -> Dreamer:
    """Load the network, the guide and the mask that the options name; what else they say is the recipe."""
    layers = [layer] if isinstance(layer, str) else list(layer or ())
    if guide is not None and (len(layers) > 1 or kind != "l2" or classes):
        raise click.BadParameter("a guide goes with one layer, without --objective and --class", param_hint="'--guide'")
    if mask is not None and not recipe.get("clip", True):
        raise click.BadParameter("it keeps pixels as they are, and --no-clip rescales them all", param_hint="'--mask'")
    picture = None if guide is None else read_image(guide)  # before TensorFlow is imported
    mask_picture = None if mask is None else read_image(mask)
    input_spec = {"mean": mean, "scale": pixel_scale, "channel_order": channel_order, "input": input_node}
    net = load(model, weights, dtype=dtype, device=device, runtime=runtime, **input_spec)
    if kind != "l2" and not layers and not classes:
        layers = [find_end(net, None)]
    score = score_of(net, layers, kind, classes)
    if guide is not None and score is not None:
        raise click.BadParameter("a guide takes up whole layers, without channels and weights", param_hint="'--guide'")
    end = find_end(net, only_layer(net, layers)) if score is None else score.ends[0]
    facts = net_facts(net.name, find_files(model, weights), net.dtype, runtime, net.device, **input_spec)
    seed = secrets.randbelow(2**32) if seed is None else seed
    objective = None if picture is None else guided(net, picture, end, str(guide))
    return Dreamer(
        net,
        facts,
        Recipe(end=end, objective=score.terms if score else (), seed=seed, **recipe),
        objective,
        None if picture is None else picture_facts(str(guide), picture),
        None if mask_picture is None else Mask.of(mask_picture),
        None if mask_picture is None else picture_facts(str(mask), mask_picture),
        tile,
        memory,
        (model, weights),
        (picture, mask_picture),
    )


def retold(
    ctx: click.Context, arguments: list[str], recipe: Recipe, command: str | None = None, without: Collection[str] = ()
) -> str:
    """Give the command line that makes one picture again: `arguments`, what was chosen, and the recipe's seed.

    Of a picture that another `command` makes alone, `without` names the options that are not that one's.
    """
    words = [*arguments]
    for param in ctx.command.params:
        name = param.name or ""
        chosen = ctx.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP)
        if not isinstance(param, click.Option) or not chosen or name in _NOT_RETOLD or name in without:
            continue
        if name not in ctx.params:
            continue  # it stands for others, as --preset and --exact do
        long = [option for option in param.opts if option.startswith("--")]
        value = ctx.params[name]
        if isinstance(value, bool):
            words.append(long[0] if value else param.secondary_opts[0])
        elif (name, value) == ("dtype", "float64"):
            words.append("--exact")
        else:
            for each in value if param.multiple else [value]:
                words += [long[0], *map(str, each if param.nargs > 1 else [each])]
    if recipe.tile:
        words += ["--tile", str(recipe.tile)]
    return shlex.join(["pydream", command or str(ctx.info_name), *words, "--seed", str(recipe.seed)])
