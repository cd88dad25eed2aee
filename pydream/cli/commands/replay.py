"""`pydream replay`: a picture's record → the dream again → the same or not, and why."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from ...dream.era import MODERN
from ...dream.zoom import ZOOM_COPIES
from ...easy.others import Others, registered
from ...easy.preparation import SidePicture
from ...errors import ImageFileError, ProvenanceError, shortened
from ...formats import InputSpec
from ...media import WRITABLE, read_image, read_samples
from ...media.video import is_film
from ...picture import Picture
from ...record.provenance import DreamAccount, PictureFacts, picture_facts, read_provenance
from ...record.replay import LOSSLESS, compare, long_work, read_as_then, start_size
from ...record.text import as_path
from ...zoo.registry import networks
from ..help import Command
from ..input import NOISE, STANDARD, Size, check_sidecar, claim_targets, one_target
from ..job import Job, load
from ..options import (
    PICTURE_FILES,
    device_option,
    force_option,
    last_options,
    memory_option,
    option,
    output_option,
    weights_option,
    yes_option,
)
from ..places import Model, ReadFile, note_network
from ..signals import uninterrupted
from ..streams import echo


@click.command("replay", cls=Command)
@click.argument("picture", type=ReadFile())
@option("-i --input", "Input picture, if it moved.", ReadFile(), metavar="FILE")
@option("-g --guide", "Guide picture, if it moved.", ReadFile(), metavar="FILE")
@option("--mask", "Mask picture, if it moved.", ReadFile(), metavar="FILE")
@option("-m --model", "Network, if `pydream models` does not list it.", Model(), metavar="MODEL")
@weights_option
@option(
    "--also", "Another network's file, if `pydream models` does not list it.", Model(), multiple=True, metavar="MODEL"
)
@device_option
@memory_option
@yes_option
@output_option(f"{PICTURE_FILES}, or -")
@force_option
@last_options
def command(
    picture: Path,
    input: Path | None,
    guide: Path | None,
    mask: Path | None,
    model: str | None,
    weights: Path | None,
    also: tuple[str, ...],
    device: str,
    memory: int | None,
    yes: bool,
    output: str | None,
    sidecar: bool,
    quiet: bool,
) -> None:
    """Make PICTURE again from its own record, and compare.

    PICTURE is a file that pydream wrote, or the JSON that --sidecar put beside one. Input, guide and mask are looked
    for beside it and here, by name and content. An --exact dream is the same on any machine, one in float32 on the
    machine that made it. The exit code is 0 if the result is identical and 1 if not.

    \b
    pydream replay dream.png
    pydream replay dream.png --input photos/sky.jpg
    """  # noqa: D301 (click's mark for a block to leave as it is)
    made = read_provenance(picture)
    if memory is not None and made.network.dtype != "float64":
        raise click.BadParameter(
            f"blocks decide pixels in {made.network.dtype}, so it is made in those that it was made in",
            param_hint="'--memory'",
        )
    target = None if output is None else replace(one_target(output, None), depth=made.recipe.depth)
    check_sidecar(sidecar, [target])
    named = _registered(made, model)
    note_network(named)
    words = registered(made.recipe.also, also)
    in_srgb = made.recipe.era == MODERN
    start = None if made.input.name == NOISE else _find(made.input, input, picture, "--input", in_srgb)
    size = start_size(made, start)
    if not yes:
        _check_work(made, size)
    guide_picture, mask_picture = (
        None if facts is None else SidePicture(facts.name, _find(facts, given, picture, option, way))
        for facts, given, option, way in (
            (made.guide, guide, "--guide", in_srgb),
            (made.mask, mask, "--mask", False),
        )
    )
    if target is not None:
        target.check((made.result.height, made.result.width))
        claim_targets([target], sidecar)

    with uninterrupted(done_then=True):
        facts = made.network
        net, network = load(named, weights, facts.dtype, facts.known_runtime, device, facts.input_spec)
        others = Others.load(words, lambda name: load(name, None, facts.dtype, facts.runtime, device, InputSpec()))
        recipe = made.recipe if start is None else msgspec.structs.replace(made.recipe, noise=None)
        job = Job(
            net=net,
            network=network,
            model=named,
            weights=weights,
            recipe=recipe,
            guide=guide_picture,
            mask=mask_picture,
            others=others,
            tile=recipe.tile,
            memory=memory,
            sidecar=sidecar,
            quiet=quiet,
            heading=f"again: {made.command}",
        )
        job.objective  # noqa: B018 (raises where the guide does not fit)
        tiled = job.tiled(recipe, size, copies=0 if recipe.loop is None else ZOOM_COPIES)
        with job.loop_bar(size, recipe, range(1 if recipe.loop is None else recipe.loop.frame + 1)) as bar:
            pixels = job.dream(tiled, start, bar)
    start_facts = made.input if start is None else picture_facts(made.input.name, start)
    if input is not None and start_facts.sha256 != made.input.sha256:
        start_facts = msgspec.structs.replace(start_facts, name=input.name)
    now = job.record(made.command, tiled, start_facts, pixels)
    if target is not None:
        target.write(pixels, now, sidecar)

    read = read_image if made.recipe.depth is None else read_samples
    file = None if picture.suffix == ".json" or is_film(picture) else read(picture)
    lossless = WRITABLE.get(picture.suffix.lower()) in LOSSLESS
    outcome = compare(made, now, pixels, file, lossless)
    echo(f"{'identical' if outcome.again else 'different'}: {outcome.compared}")
    for line in outcome.reasons:
        echo(f"  {shortened(line)}")
    if not outcome.identical:
        raise click.exceptions.Exit(1)


def _find(facts: PictureFacts, given: Path | None, beside: Path, option: str, to_srgb: bool) -> Picture:
    """Read the picture that is given, or one of the old name that has the old pixels."""
    if given is not None:
        found = read_as_then(given, facts, to_srgb)
        return read_image(given, to_srgb=to_srgb) if found is None else found
    if facts.name == STANDARD:
        raise ProvenanceError(f"the picture came through standard input: name a file with {option}")
    # A name in a record is not a path: its last part counts, and only with its hash.
    name = Path(facts.name).name
    for path in (beside.with_name(str(as_path(name))), as_path(name)):
        with suppress(ImageFileError):
            if (picture := read_as_then(path, facts, to_srgb)) is not None:
                return picture
    raise ProvenanceError(
        f"no '{name}' with the same pixels ({facts.width}x{facts.height}) beside the picture or here:"
        f" name it with {option}"
    )


def _registered(made: DreamAccount, model: str | None) -> str:
    """Return the network that is given, or the one of the registry that the picture names."""
    if model is not None:
        return model
    names = [entry.name for entry in networks()]
    if made.network.name not in names:
        raise ProvenanceError(
            f"it was made with {made.network.name!r}, which is none of {', '.join(names)}:"
            " name its files with --model and --weights"
        )
    return made.network.name


def _check_work(made: DreamAccount, size: Size) -> None:
    if (line := long_work(made, size)) is not None:
        raise click.UsageError(f"{line}: --yes replays it")
