"""`pydream zoom`: dream, move in, dream again: frames in a folder, and films of them."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np

from ...dream.images import noise
from ...dream.zoom import ZOOM_COPIES, zoom_frame, zoom_loop
from ...errors import CheckpointError
from ...files import write_text
from ...media import FORMATS, read_note, video
from ...net import Array
from ...picture import Picture, to_pixels
from ...record import loop as checkpoint
from ...record.loop import Checkpoint, LoopFacts
from ...record.provenance import Dream, picture_facts, sidecar_of
from ...record.recipe import Loop, Recipe
from ..errors import debug_option, interruption
from ..films import Places, beside, check_films, film_options, films_apart
from ..help import Command
from ..input import Source, SourceType, Target, check_not_read
from ..job import Dreamer, prepare, retold
from ..options import (
    FiniteRange,
    dream_options,
    force_option,
    frames_option,
    objective_options,
    output_option,
    quiet_option,
    resume_option,
    retouch_options,
    run_options,
    sidecar_option,
    tile_options,
)
from ..progress import Progress
from ..signals import uninterrupted

_PNG = FORMATS["png"]
_CHECKPOINT = "resume.npz"


def _default(name: str) -> Any:
    return inspect.signature(zoom_loop).parameters[name].default


@click.command("zoom", cls=Command)
@click.argument("input", type=SourceType())
@output_option("A folder for the frames, a .mp4 or .gif film, or several of these", required=True, multiple=True)
@frames_option(click.IntRange(min=1), _default("frames"))
@click.option(
    "--scale",
    type=FiniteRange(-1, 1, min_open=True, max_open=True),
    default=_default("scale"),
    show_default=True,
    metavar="X",
    help="Zoom per frame, as a part of width and height; below 0, outwards.",
)
@click.option(
    "--rotate",
    type=FiniteRange(-360, 360),
    default=_default("rotate"),
    show_default=True,
    metavar="X",
    help="Rotation per frame, in degrees counter-clockwise.",
)
@click.option(
    "--shift",
    type=(FiniteRange(), FiniteRange()),
    default=_default("shift"),
    show_default=True,
    metavar="DX DY",
    help="Shift per frame, in pixels to the right and down.",
)
@click.option(
    "--grid",
    type=FiniteRange(min=0, max=1, min_open=True),
    metavar="X",
    help="Rounding of the picture after every step, to multiples of a power of two; with 0.015625 an --exact loop is"
    " the same on every machine.  [default: none]",
)
@objective_options
@dream_options
@retouch_options
@run_options
@tile_options
@film_options(fps=25)
@resume_option
@force_option
@sidecar_option
@quiet_option
@debug_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: list[Source],
    output: tuple[str, ...],
    frames: int,
    scale: float,
    rotate: float,
    shift: tuple[float, float],
    fps: float,
    quality: int,
    resume: bool,
    force: bool,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Dream on INPUT, move into the dream, dream on that, and so on: the notebook's zoom.

    INPUT is a picture, - for one from standard input, or noise, also as noise:640x480. Frames are 00000000.png and so
    on. Stopped at any moment, by Ctrl-C or a power cut, the same command with --resume continues, and ends with the
    same frames to the byte; with a larger number of --frames it makes more.

    \b
    pydream zoom sky.jpg -o frames
    pydream zoom sky.jpg -o frames -o zoom.mp4 --frames 200 --rotate 0.5
    pydream zoom noise:320x240 -o noise.gif --frames 40 --fps 12
    """  # noqa: D301 (click's mark for a block to leave as it is)
    (source,) = input
    places = _places(output)
    places.check(resume, force)
    picture = source.read()
    height, width = source.size(picture)
    check_films(places.films, (height, width), fps)
    written = [places.frame(index) for index in range(frames)] + [Target(str(film), _PNG) for film in places.films]
    check_not_read(written, [source.path, options["guide"], options["mask"]])

    move = Loop(frame=0, scale=scale, rotate=rotate, shift=shift)
    with uninterrupted(done_then=True):
        left = checkpoint.load(places.checkpoint) if resume else None
        if resume and places.temporary and left is None and all(film.exists() for film in places.films):
            raise CheckpointError(f"'{places.films[0]}' is complete, and its frames are gone: --force begins again")
        if left is not None and options["seed"] is None:
            options["seed"] = left.loop.recipe.seed
        if left is not None and options["tile"] is None:
            options["tile"] = left.loop.recipe.tile
        dreamer = prepare(**options)
        tile, plan = dreamer.in_tiles(height, width, held=ZOOM_COPIES)
        recipe = msgspec.structs.replace(dreamer.recipe, loop=move, noise=source.noise, tile=tile)
        loop = LoopFacts(
            recipe=dreamer.recorded(recipe),
            network=dreamer.facts,
            input=source.facts(picture),
            guide=dreamer.guide,
            mask=dreamer.mask_facts,
        )
        if left is not None and (others := _differences(left.loop, loop, dreamer)):
            raise CheckpointError(f"'{places.folder}' holds another loop: {', '.join(others)}")
        start, rng, done = _go_on(left) if left is not None else _begin(loop.recipe, picture)
        if done and not quiet:
            click.echo(f"{min(done, frames)} of {frames} frames are in '{places.folder}' already", err=True)
        if plan is not None and not quiet:
            click.echo(plan, err=True)
        try:
            with Progress(dreamer.title, dreamer.sizes(height, width), options["iter_n"], quiet, frames - done) as bar:
                params = {
                    **recipe.dream_params(dreamer.objective, recipe.retouches(dreamer.mask)),
                    **move.move,
                    "watch": bar,
                }
                dreams = zoom_loop(dreamer.net, start, frames - done, rng=rng, **params) if done < frames else ()
                if force:  # not before all that could be wrong has been looked at
                    places.clear()
                places.folder.mkdir(parents=True, exist_ok=True)
                for index, frame in enumerate(dreams, start=done):
                    _write(ctx, places, source, Checkpoint(loop.at(index), frame, rng), sidecar)
                    done = index + 1
            if not quiet and not places.temporary:
                click.echo(f"wrote {frames} frames into '{places.folder}'", err=True)
            last = read_note(places.frame(frames - 1).given)  # a film says of itself what its last frame says
            for film in places.films:
                video.write_video(film, places.pictures(frames), fps, quality, last)
                if sidecar and last is not None:
                    write_text(sidecar_of(film), f"{last}\n")
                if not quiet:
                    click.echo(f"wrote '{film}'", err=True)
        except KeyboardInterrupt:
            outcome = f"{done} of {frames} frames are in '{places.folder}'; --resume continues"
            raise interruption(outcome) from None
        places.finish()


def _write(ctx: click.Context, places: Places, source: Source, made: Checkpoint, sidecar: bool) -> None:
    """Write a frame, and then what the next one needs: killed in between, the loop makes the frame again, the same."""
    loop, index = made.loop, made.loop.place.frame
    pixels = to_pixels(loop.recipe.shown(made.frame))
    arguments = [source.argument, "-o", "frames", "--frames", str(index + 1)]
    command = retold(ctx, arguments, loop.recipe)
    result = picture_facts("result", pixels)
    provenance = Dream(
        command=command,
        recipe=loop.recipe,
        network=loop.network,
        input=loop.input,
        guide=loop.guide,
        mask=loop.mask,
        result=result,
    )
    places.frame(index).write(pixels, provenance, sidecar)
    checkpoint.save(places.checkpoint, made)


def _differences(left: LoopFacts, loop: LoopFacts, dreamer: Dreamer) -> list[str]:
    """Say what is not as it was; not of tiles, where they decide no pixel now."""
    return list(map(str, msgspec.structs.replace(left, recipe=dreamer.recorded(left.recipe)).unlike(loop)))


def _places(output: tuple[str, ...]) -> Places:
    """Tell folders from films by the suffix."""
    films, others = films_apart(output)
    folders = list(map(Path, others))
    if len(folders) > 1:
        raise click.BadParameter(f"frames go into one folder, not '{folders[0]}' and '{folders[1]}'", param_hint="'-o'")
    if not folders:
        return replace(beside(films[0], _CHECKPOINT), films=films)
    folder = folders[0]
    if folder.exists() and not folder.is_dir():
        raise click.BadParameter(f"frames go into a folder, and '{folder}' is a file", param_hint="'--output'")
    if folder.suffix and not folder.exists():
        known = ", ".join(video.WRITABLE)
        raise click.BadParameter(f"'{folder}' is no folder, and films are {known}", param_hint="'--output'")
    return Places(folder, temporary=False, films=films, state=_CHECKPOINT)


def _begin(recipe: Recipe, picture: Picture | None) -> tuple[Array, np.random.RandomState, int]:
    """Give the loop's first start, the generator for it, and the number of frames that are there: none."""
    rng = np.random.RandomState(recipe.seed)
    return noise(*recipe.noise, rng) if recipe.noise is not None else np.asarray(picture), rng, 0


def _go_on(left: Checkpoint) -> tuple[Array, np.random.RandomState, int]:
    """Give the same for a loop that was left: the start of its next frame."""
    recipe = left.loop.recipe
    start = zoom_frame(left.frame, era=recipe.era, backend=recipe.backend, **left.loop.place.move)
    return start, left.rng, left.loop.place.frame + 1
