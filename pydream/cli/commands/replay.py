"""`pydream replay`: a picture's record → the dream again → the same or not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import msgspec
import numpy as np
from PIL import Image

from ...dream.era import MODERN
from ...dream.zoom import ZOOM_COPIES
from ...easy.preparation import SidePicture
from ...errors import ImageFileError, ProvenanceError, shortened
from ...media import FORMATS, WRITABLE, read_image
from ...media.video import is_film
from ...picture import Picture
from ...record.provenance import DreamAccount, PictureFacts, picture_facts, pixels_sha256, read_provenance
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

_LOSSLESS = (FORMATS["png"], FORMATS["tiff"])
_PIXELS_A_SECOND = 10**6  # that steps go over, roughly: GoogLeNet's middle layers on a few cores


@click.command("replay", cls=Command)
@click.argument("picture", type=ReadFile())
@option("-i --input", "Input picture, if it moved.", ReadFile(), metavar="FILE")
@option("-g --guide", "Guide picture, if it moved.", ReadFile(), metavar="FILE")
@option("--mask", "Mask picture, if it moved.", ReadFile(), metavar="FILE")
@option("-m --model", "Network, if `pydream models` does not list it.", Model(), metavar="MODEL")
@weights_option
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
    target = None if output is None else one_target(output, None)
    check_sidecar(sidecar, [target])
    named = _registered(made, model)
    note_network(named)
    in_srgb = made.recipe.era == MODERN
    start = None if made.input.name == NOISE else _find(made.input, input, picture, "--input", in_srgb)
    size = _noise_size(made) if start is None else _dream_size(made, start)
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
        net, network = load(named, weights, facts.dtype, facts.runtime, device, facts.input_spec)
        recipe = made.recipe if start is None else msgspec.structs.replace(made.recipe, noise=None)
        job = Job(
            net=net,
            network=network,
            model=named,
            weights=weights,
            recipe=recipe,
            guide=guide_picture,
            mask=mask_picture,
            tile=recipe.tile,
            memory=memory,
            sidecar=sidecar,
            quiet=quiet,
            heading=f"again: {made.command}",
        )
        job.objective  # noqa: B018 (raises where the guide does not fit)
        tiled = job.tiled(recipe, size, copies=0 if recipe.loop is None else ZOOM_COPIES)
        with job.bar(size, 1 if recipe.loop is None else recipe.loop.frame + 1) as bar:
            pixels = job.dream(tiled, start, bar)
    start_facts = made.input if start is None else picture_facts(made.input.name, start)
    if input is not None and start_facts.sha256 != made.input.sha256:
        start_facts = msgspec.structs.replace(start_facts, name=input.name)
    now = job.record(made.command, tiled, start_facts, pixels)
    if target is not None:
        target.write(pixels, now, sidecar)

    file = None if picture.suffix == ".json" or is_film(picture) else read_image(picture)
    identical = made.result.sha256 == now.result.sha256
    lossless = WRITABLE.get(picture.suffix.lower()) in _LOSSLESS
    outcome = "identical" if identical else "different"
    echo(f"{outcome}: {_compared(made, pixels, file, lossless, identical)}")
    for line in _reasons(made, now) if not identical else ():
        echo(f"  {shortened(line)}")
    if file is not None and lossless and pixels_sha256(file) != made.result.sha256:
        echo("  the file itself is not as it was made: its pixels were changed since")
        identical = False
    if not identical:
        raise click.exceptions.Exit(1)


def _find(facts: PictureFacts, given: Path | None, beside: Path, option: str, to_srgb: bool) -> Picture:
    """Read the picture that is given, or one of the old name that has the old pixels."""
    if given is not None:
        found = _read_as_then(given, facts, to_srgb)
        return read_image(given, to_srgb=to_srgb) if found is None else found
    if facts.name == STANDARD:
        raise ProvenanceError(f"the picture came through standard input: name a file with {option}")
    # A name in a record is not a path: its last part counts, and only with its hash.
    name = Path(facts.name).name
    for path in (beside.with_name(str(as_path(name))), as_path(name)):
        with suppress(ImageFileError):
            if (picture := _read_as_then(path, facts, to_srgb)) is not None:
                return picture
    raise ProvenanceError(
        f"no '{name}' with the same pixels ({facts.width}x{facts.height}) beside the picture or here:"
        f" name it with {option}"
    )


def _read_as_then(path: Path, facts: PictureFacts, to_srgb: bool) -> Picture | None:
    """Read a picture that has the old pixels, in sRGB or, as earlier versions did, whatever its profile."""
    for way in (to_srgb, not to_srgb):
        picture = read_image(path, to_srgb=way)
        if pixels_sha256(picture) == facts.sha256:
            return picture
    return None


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
    """Refuse what would take days: anyone can write a large number into a picture."""
    pixels = made.recipe.work(*size)
    days = pixels / _PIXELS_A_SECOND / 86_400
    if days > 1:
        took = f"{days / 365:,.0f} years" if days > 365 else f"{days:.0f} days"
        raise click.UsageError(f"its steps go over {pixels:.1e} pixels, which takes some {took}: --yes replays it")


def _noise_size(made: DreamAccount) -> tuple[int, int]:
    size = made.recipe.noise
    if size is None:
        raise ProvenanceError("it says that it was made of noise, but not of what size")
    return _checked_size(size, "noise")


def _dream_size(made: DreamAccount, start: Picture) -> Size:
    """Return the height and width that a picture is dreamt on at."""
    return start.shape[:2] if made.recipe.size is None else _checked_size(made.recipe.size, "a resized picture")


def _checked_size(size: Size, what: str) -> Size:
    if size[0] * size[1] > (Image.MAX_IMAGE_PIXELS or 0):
        raise ProvenanceError(f"it says that it was made of {size[1]}x{size[0]} pixels of {what}: too many")
    return size


def _compared(made: DreamAccount, pixels: Picture, file: Picture | None, lossless: bool, identical: bool) -> str:
    """Describe how the new picture differs from the old one."""
    height, width = pixels.shape[:2]
    if identical:
        what = "every byte" if lossless else "every byte that was then encoded"
        return f"{what} of {width}x{height} pixels, {made.network.dtype}"
    if file is None:
        return f"sha256 of the pixels {pixels_sha256(pixels)}, was {made.result.sha256}"
    if file.shape != pixels.shape:
        return f"{width}x{height} pixels, was {file.shape[1]}x{file.shape[0]}"
    apart = np.abs(pixels.astype(np.int16) - file)
    encoded = "" if lossless else ", encoding included"
    return (
        f"{np.count_nonzero(apart)} of {apart.size} values differ, by {apart.max()} at most"
        f" and {apart.mean():.3g} on average{encoded}"
    )


def _reasons(made: DreamAccount, now: DreamAccount) -> Iterator[str]:
    """Name what is not as it was."""
    yield from map(str, made.differences(now))
    if made.pydream != now.pydream:
        yield f"pydream was {made.pydream}, now {now.pydream}"
    for name, before in made.versions.items():
        if before != (after := now.versions.get(name, "none")):
            yield f"{name} was {before}, now {after}"
    if made.network.dtype != "float64":
        yield "float32: such dreams depend on the processor and the number of threads; float64 ones do not"
