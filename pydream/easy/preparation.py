"""What is prepared is a network, a recipe, and what goes in beside the picture, ready for pictures."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from .. import logs
from ..cluster.tasks import guided
from ..dream.objectives import MOST_CHANNELS, Kind, Objective, Strongest, as_vector, channels_text
from ..dream.octaves import Size
from ..dream.params import find_ends
from ..dream.retouch import Mask, Retouch
from ..dream.together import Together
from ..dream.watch import Watch
from ..errors import ParameterError
from ..formats import InputSpec, PixelScale, read_vector
from ..media import LONGEST_NOTE, read_image
from ..net import ChannelOrder, Net
from ..picture import Picture, Samples, to_samples
from ..record.command import command_of
from ..record.differences import Difference
from ..record.made import made_note
from ..record.provenance import DreamAccount, Ingredients, NetFacts, PictureFacts, net_facts, parse, picture_facts
from ..record.recipe import LEAST_TERM, Recipe, choose_tile, follow
from ..record.scoring import Direction, aim_of, least_in_record
from ..runtime.engines import AUTO
from ..runtime.net import Net as LocalNet
from ..tiles.plan import plan_tiles
from ..zoo.load import default_layer, find_files, load_net, read_outline
from .others import ALONE, Other, Others

_LONGEST_INPUT = 4096  # characters in a record: a file's name, escaped, in its facts and in the command


@dataclass(frozen=True)
class SidePicture:
    """A guide or a mask: the name that it is given by, and its pixels."""

    given: str
    pixels: Picture

    @classmethod
    def read(cls, path: Path, to_srgb: bool) -> Self:
        """Read it; a mask's numbers are no colours, and as they are stored."""
        return cls(str(path), read_image(path, to_srgb=to_srgb))

    @cached_property
    def facts(self) -> PictureFacts:
        """For the record."""
        return picture_facts(self.given, self.pixels)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A network, a recipe, and what goes in beside the picture.

    Attributes
    ----------
    net : Net
    network : NetFacts
    model, weights : str, path
        Where the network was found.
    recipe : Recipe
        For a picture; noise is the caller's to add, and of a loop its tiles.
    guide, mask : SidePicture, optional
    others : Others
        The other networks that the recipe names.
    tile, memory : int, optional
        The side of a tile, and the bytes that the process may take, if they are given.
    why : str, optional
        Why the recipe's layer was taken, where none was named.
    """

    net: Net
    network: NetFacts
    model: str
    weights: Path | None = None
    recipe: Recipe
    guide: SidePicture | None = None
    mask: SidePicture | None = None
    others: Others = ALONE
    tile: int | None = None
    memory: int | None = None
    why: str | None = None

    @cached_property
    def dreaming(self) -> Net:
        """The net that dreams: the network, together with others where there are some."""
        return Together(self.net, *self.others.also) if self.others.also else self.net

    @cached_property
    def objective(self) -> Objective | None:
        """The guide's, for the recipe's layers."""
        if self.guide is None:
            return None
        return guided(self.net, self.guide.pixels, self.recipe, self.guide.facts.name)

    @cached_property
    def retouches(self) -> list[Retouch]:
        """What is done to each step, with the mask."""
        return self.recipe.retouches(None if self.mask is None else Mask.of(self.mask.pixels))

    # ---- the strongest channels ----

    @property
    def open_score(self) -> bool:
        """Whether channels are to be chosen by their strength on a picture."""
        return any(isinstance(term, Strongest) for term in self.recipe.objective)

    def chosen(self, recipe: Recipe, picture: Picture | None) -> Recipe:
        """Return a recipe with the channels that are strongest on what its dream starts from, where it has such terms.

        They are found at the size of the result, before the first step.
        """
        if not self.open_score:
            return recipe
        start, _ = recipe.start(picture)
        side, _ = self.in_tiles(start.shape[:2], recipe=recipe)
        terms = (term.on(self.net, start, side) if isinstance(term, Strongest) else term for term in recipe.objective)
        return msgspec.structs.replace(recipe, objective=tuple(terms))

    def on(self, picture: Picture | None) -> Self:
        """Return the same with the strongest channels chosen for a picture, in the recipe's size."""
        return replace(self, recipe=self.chosen(self.recipe, picture)) if self.open_score else self

    def choices(self, recipe: Recipe, of: str) -> Iterator[str]:
        """Describe which channels `chosen` chose, on `of` what, the strongest first."""
        for term, found in zip(self.recipe.objective, recipe.objective, strict=False):
            if isinstance(term, Strongest):
                yield f"{term.layer}:strongest{len(term.channels)} on {of}: {channels_text(found.channels)}"

    # ---- dream ----

    def in_tiles(self, size: Size, copies: float = 0, recipe: Recipe | None = None) -> tuple[int, str | None]:
        """Decide on the side of the tiles for a picture, 0 for none, and describe the plan, if there are several.

        `copies` is how many arrays of the picture's size the command keeps, beside a dream's own; `recipe` is the job's
        by default.
        """
        recipe, (height, width) = recipe or self.recipe, size
        side = choose_tile(recipe, self.dreaming, height, width, self.tile, self.memory, self.retouches, copies)
        if side == 0:  # a seamless picture is one tile then
            return 0, None
        ends = find_ends(self.dreaming, recipe.end if recipe.score is None else None, recipe.score)
        self.dreaming.resize(height, width)
        plan = plan_tiles(self.dreaming, ends, height, width, side, recipe.seamless)
        if len(plan) <= 1:
            return side, None
        high, wide = plan.crop
        return side, (
            f"{width}x{height} in {len(plan)} tiles of up to {side} pixels, crops of up to {wide}x{high},"
            f" {plan.cost:.2g} times the work"
        )

    def dream(self, recipe: Recipe, picture: Picture | None, watch: Watch) -> Samples:
        """Dream by a recipe in this process; the result has the recipe's depth."""
        dream = follow(recipe, self.dreaming, picture, self.objective, retouches=self.retouches, watch=watch)
        return to_samples(dream, recipe.depth)

    # ---- record ----

    def ingredients(self, input: PictureFacts) -> Ingredients:
        """Return what goes into a dream on a picture."""
        guide, mask = (None if each is None else each.facts for each in (self.guide, self.mask))
        return Ingredients(network=self.network, input=input, guide=guide, mask=mask, also=self.others.facts)

    def as_recorded(self, recipe: Recipe) -> Recipe:
        """Return what a picture says of a recipe: in float64 nothing of tiles, which decide no pixel there."""
        return msgspec.structs.replace(recipe, tile=None) if self.network.dtype == "float64" else recipe

    def command_line(self, command: str, arguments: Sequence[str], recipe: Recipe, **more: Any) -> str:
        """Write the command line that makes the same again; see `command_of`."""
        recipe = self.as_recorded(recipe)
        files: dict[str, Any] = {"model": self.model, "weights": self.weights}
        files |= {"guide": self.guide and self.guide.given, "mask": self.mask and self.mask.given}
        return command_of(command, arguments, recipe, self.network, **{**files, **more})

    def record(self, command: str, recipe: Recipe, input: PictureFacts, pixels: Samples) -> DreamAccount:
        """Return what a picture says of itself; `command` is the whole line."""
        return DreamAccount(
            command=command,
            recipe=self.as_recorded(recipe),
            result=picture_facts("result", pixels),
            versions=self.network.library_versions,
            **msgspec.structs.asdict(self.ingredients(input)),
        )

    def made_note(
        self, path: str | os.PathLike[str], recipe: Recipe, input: PictureFacts, open: Container[str] = ()
    ) -> str | None:
        """Return what a file says of itself, if it is the dream of a recipe but for `open` fields: see `made_note`."""
        now, ingredients = self.as_recorded(recipe), self.ingredients(input)

        def unlike(made: DreamAccount) -> list[Difference]:
            before = msgspec.structs.replace(made, recipe=self.as_recorded(made.recipe))
            return before.unlike(now, ingredients, open)

        return made_note(path, parse, unlike)

    def check(self, texts: Sequence[str] = ()) -> None:
        """Raise an error for a guide that does not fit, and a record, with these texts, that no file could hold."""
        self.objective  # noqa: B018 (raises it)
        pixels = np.zeros((1, 1, 3), np.uint8)
        line = self.command_line("dream", texts, self.recipe)
        length = len(self.record(line, self.recipe, picture_facts("", pixels), pixels).to_json()) + _LONGEST_INPUT
        if length > LONGEST_NOTE:
            what = "fewer layers and channels" + (", or shorter texts" if texts else "")
            raise ValueError(
                f"the file's record would have about {length} characters, of at most {LONGEST_NOTE}: it takes {what}"
            )


def load(
    model: str, weights: Path | None, dtype: str, runtime: str, device: str, input_spec: InputSpec
) -> tuple[LocalNet, NetFacts]:
    """Load a network as `pydream.load_net` does, and return its facts too."""
    net = load_net(model, weights, dtype=dtype, device=device, runtime=runtime, **input_spec.keywords)
    return net, net_facts(net.name, find_files(model, weights), net.dtype, net.runtime.name, net.device, input_spec)


def keep_loaded(
    model: str, weights: Path | None, dtype: str, runtime: str, device: str, input_spec: InputSpec
) -> tuple[LocalNet, NetFacts]:
    """Load a network, unless it is the last one that was loaded here and its files are as they were."""
    return _kept(model, weights, dtype, runtime, device, input_spec, _stamps(model, weights))


def keep_beside(
    model: str, weights: Path | None, dtype: str, runtime: str, device: str, input_spec: InputSpec
) -> tuple[LocalNet, NetFacts]:
    """Load a network that dreams beside another, unless it is the last one that did."""
    return _kept_beside(model, weights, dtype, runtime, device, input_spec, _stamps(model, weights))


@lru_cache(maxsize=1)
def _kept(*options: Any) -> tuple[LocalNet, NetFacts]:
    logs.debug("%s is loaded, and kept until another is", options[0])
    return load(*options[:-1])


@lru_cache(maxsize=1)
def _kept_beside(*options: Any) -> tuple[LocalNet, NetFacts]:
    logs.debug("%s is loaded, and kept beside", options[0])
    return load(*options[:-1])


def _stamps(model: str, weights: Path | None) -> tuple[tuple[str, int, int], ...]:
    files = find_files(model, weights)
    return tuple(_stamp(path) for path in (files.definition, files.weights) if path is not None)


def _stamp(path: Path) -> tuple[str, int, int]:
    """Return what changes when a file is written."""
    found = path.stat()
    return str(path), found.st_mtime_ns, found.st_size


def check_together(
    layers: Sequence[str],
    kind: Kind,
    classes: Sequence[str],
    *,
    guided: bool,
    masked: bool,
    recipe: Mapping[str, Any],
    directed: bool = False,
) -> None:
    """Raise `ParameterError` for arguments of `prepare` that do not go together, whatever the network."""
    if directed and (guided or recipe.get("caricature") is not None):
        raise ParameterError("direction", "it goes without --guide and --caricature")
    if guided and (kind != "l2" or classes):
        raise ParameterError("guide", "a guide goes with layers, without --objective and --class")
    if recipe.get("caricature") is not None and (guided or len(layers) > 1 or kind != "l2" or classes):
        raise ParameterError("caricature", "it goes with one layer, without --guide, --objective and --class")
    if recipe.get("invert") and not guided:
        raise ParameterError("invert", "it is of a --guide")
    if masked and not recipe.get("clip", True):
        raise ParameterError("mask", "it keeps pixels as they are, and --no-clip rescales them all")
    if masked and recipe.get("stretch"):
        raise ParameterError("mask", "it keeps pixels as they are, and --stretch rescales them all")
    if masked and (loop := recipe.get("loop")) is not None and loop.hold is not None:
        raise ParameterError("mask", "it keeps pixels as they are, and --hold changes them all")
    least = sum(map(least_in_record, layers)) + LEAST_TERM * len(classes)
    if least > LONGEST_NOTE:
        what = f"{len(layers) + len(classes)} terms do not fit into the file's record of {LONGEST_NOTE} characters"
        raise ParameterError("layer" if layers else "class", what)


def prepare(
    *,
    model: str,
    weights: Path | None = None,
    layer: str | Sequence[str] | None = None,
    kind: Kind = "l2",
    classes: Sequence[str] = (),
    direction: ArrayLike | Path | None = None,
    direction_power: float = 0.0,
    channels: Sequence[int] = (),
    guide: Path | SidePicture | None = None,
    mask: Path | SidePicture | None = None,
    seed: int | None = None,
    dtype: str = "float32",
    runtime: str = AUTO,
    device: str = "auto",
    mean: Sequence[float] | None = None,
    pixel_scale: PixelScale | None = None,
    channel_order: ChannelOrder | None = None,
    input_node: str | None = None,
    tile: int | None = None,
    memory: int | None = None,
    to_srgb: bool = True,
    load: Callable[..., tuple[LocalNet, NetFacts]] = keep_loaded,
    **recipe: Any,
) -> Prepared:
    """Load a network, a guide and a mask, and find what is to grow; other arguments are fields of the recipe.

    Names of layers, channels and classes are looked up before TensorFlow is imported, where the network's file can be
    read without it.

    Parameters
    ----------
    model, weights, layer, kind, classes, seed, dtype, runtime, device, mean, pixel_scale, channel_order, input_node
        As the options of the commands.
    direction : array_like or path, optional
        A number for each channel of the last layer, or a file of them: see `pydream.dream.objectives.direction`.
    direction_power : float
    channels : sequence of int
        Those that a rendering will show.
    guide, mask : path or SidePicture, optional
    tile, memory : int, optional
    to_srgb : bool
        Whether a guide's colours become sRGB by its profile.
    load : callable
        `load`, `keep_loaded`, or another with their arguments.
    **recipe

    Raises
    ------
    ParameterError
        A value is wrong, or does not go with another.
    UnknownNameError
        There is no such network, layer, channel or class.
    """
    if unknown := recipe.keys() - set(Recipe.__struct_fields__):
        raise TypeError(f"neither an option nor a field of a recipe: {', '.join(sorted(unknown))}")
    layers = [layer] if isinstance(layer, str) else list(layer or ())
    directed = direction is not None
    beside = {"guided": guide is not None, "masked": mask is not None, "directed": directed}
    check_together(layers, kind, classes, **beside, recipe=recipe)
    if direction_power and not directed:
        raise ParameterError("direction_power", "it is of a --direction")
    aim_at = partial(
        aim_of,
        layers=layers,
        kind=kind,
        classes=classes,
        guided=guide is not None,
        channels=channels if "rendering" in recipe else None,
        direction=None if direction is None else _direction(direction, direction_power),
    )
    for other in recipe.get("also", ()):
        Other.of(other).check()
    outline = read_outline(model, weights, input_node)
    aim = None if outline is None else aim_at(outline)
    guide = SidePicture.read(guide, to_srgb) if isinstance(guide, Path) else guide
    mask = SidePicture.read(mask, to_srgb=False) if isinstance(mask, Path) else mask
    input_spec = InputSpec(mean, pixel_scale, channel_order, input_node)
    net, network = load(model, weights, dtype, runtime, device, input_spec)
    aim = aim or aim_at(net)
    if aim.score is not None and recipe.get("caricature") is not None:
        raise ParameterError("caricature", "it takes up a whole layer, without channels, places and weights")
    seed = secrets.randbelow(2**32) if seed is None else seed

    def load_other(name: str) -> tuple[Net, NetFacts]:
        if (name, None, InputSpec()) == (model, weights, input_spec):
            return net, network
        return (keep_beside if load is keep_loaded else load)(name, None, dtype, runtime, device, InputSpec())

    others = Others.load(recipe.pop("also", ()), load_other)
    return Prepared(
        net=net,
        network=network,
        model=model,
        weights=weights,
        recipe=Recipe(end=aim.end, objective=aim.terms, seed=seed, also=others.words, **recipe),
        guide=guide,
        mask=mask,
        others=others,
        tile=tile,
        memory=memory,
        why=aim.why if guide is not None or default_layer(model) is None else None,
    )


def _direction(given: ArrayLike | Path, power: float) -> Direction:
    numbers = read_vector(given, MOST_CHANNELS) if isinstance(given, Path) else given
    try:
        return Direction(as_vector(numbers), float(power))
    except ValueError as error:
        raise ParameterError("direction", str(error)) from error
