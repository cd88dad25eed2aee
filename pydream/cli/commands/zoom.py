"""`pydream zoom`: dream, move in, dream again: frames in a folder, and films of them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import click
import msgspec
import numpy as np
from msgspec.structs import asdict

from ...dream.images import noise
from ...dream.zoom import ZOOM_COPIES, zoom_frame, zoom_loop
from ...errors import CheckpointError
from ...files import make_folder
from ...media import read_note, video
from ...net import Array
from ...picture import to_pixels
from ...record import loop as checkpoint
from ...record.loop import Checkpoint, LoopFacts, is_checkpoint
from ...record.recipe import Loop, Recipe
from ..errors import interruption
from ..folders import (
    OutputFolder,
    check_films,
    check_unfinished,
    earlier_recipe,
    film_options,
    film_targets,
    films_and_frames,
    write_sidecar,
)
from ..help import Command
from ..input import InputPicture, Resizing, Source, SourceType, Target, claim_targets
from ..job import Job, prepare
from ..options import (
    FiniteRange,
    dreaming_options,
    force_option,
    frames_option,
    last_options,
    option,
    output_option,
    resume_option,
    size_options,
)
from ..places import forced, unnamed
from ..preset import zoom_options
from ..signals import interruptible, uninterrupted

_CHECKPOINT = "resume.npz"


def _default(name: str) -> Any:
    return inspect.signature(zoom_loop).parameters[name].default


@click.command("zoom", cls=Command)
@click.argument("input", type=SourceType())
@output_option("A folder for the frames, a .mp4 or .gif film, or several of these", beside="zoom.mp4", multiple=True)
@frames_option(1, _default("frames"))
@option(
    "--scale",
    "Zoom per frame, as a part of width and height; below 0, outwards.",
    FiniteRange(-1, 1, min_open=True, max_open=True),
    default=_default("scale"),
)
@option(
    "--rotate", "Rotation per frame, in degrees counter-clockwise.", FiniteRange(-360, 360), default=_default("rotate")
)
@option(
    "--shift",
    "Shift per frame, in pixels to the right and down.",
    (FiniteRange(), FiniteRange()),
    default=_default("shift"),
    metavar="DX DY",
)
@option(
    "--grid",
    "Rounding of the picture after every step, to multiples of a power of two; with 0.015625 an --exact loop is"
    " the same on every machine.  [default: none]",
    FiniteRange(min=0, max=1, min_open=True),
)
@dreaming_options
@size_options
@film_options(fps=25)
@resume_option
@force_option
@last_options
def command(
    input: list[Source],
    output: tuple[str, ...],
    frames: int,
    scale: float,
    rotate: float,
    shift: tuple[float, float],
    fps: float,
    quality: int,
    resume: bool,
    **options: Any,
) -> None:
    """Dream on INPUT, move into the dream, dream on that, and so on: the notebook's zoom.

    INPUT is a picture, - for one from standard input, or noise, also as noise:640x480. Frames are 00000000.png and so
    on. Stopped at any moment, by Ctrl-C or a power cut, the same command with --resume continues, and ends with the
    same frames to the byte; with a larger number of --frames it makes more. Without --layer and --iterations the
    built-in network dreams 3 iterations of fire7/concat a frame, which last; others 10, as the notebook.

    \b
    pydream zoom sky.jpg -o frames
    pydream zoom sky.jpg -o more -o zoom.mp4 --frames 200 --rotate 0.5
    pydream zoom noise:320x240 -o noise.gif --frames 40 --fps 12
    """  # noqa: D301 (click's mark for a block to leave as it is)
    (source,) = input
    films, folder = films_and_frames(
        output or (str(unnamed(source.path, source.stem, ".mp4")),), _CHECKPOINT, is_checkpoint
    )
    claim_targets(film_targets(films), options["sidecar"])
    existing = folder.check(resume, most=frames)
    start = InputPicture.read(source, Resizing.taken(options))
    check_films(films, start.size, fps)

    move = Loop(frame=0, scale=scale, rotate=rotate, shift=shift)
    with uninterrupted(done_then=True):
        with interruptible():
            left = checkpoint.load(folder.state_file) if resume else None
            if resume and folder.temporary and left is None:
                check_unfinished(films)
            earlier = left.loop.recipe if left is not None else earlier_recipe(existing) if resume else None
        job = prepare(resumed=earlier, **start.params(zoom_options(options, earlier)))
        tile, plan = job.in_tiles(start.size, copies=ZOOM_COPIES)
        recipe = msgspec.structs.replace(job.recipe, loop=move, tile=tile)
        loop = LoopFacts(recipe=job.as_recorded(recipe), **asdict(job.ingredients(start.facts)))
        if left is not None:
            # tiles count only where they decide pixels now
            before = msgspec.structs.replace(left.loop, recipe=job.as_recorded(left.loop.recipe))
            if others := before.unlike(loop):
                raise CheckpointError(f"'{folder.folder}' holds another loop: {', '.join(map(str, others))}")
        if left is None:
            rng, done = np.random.RandomState(recipe.seed), 0
            first = _first(start, rng)
        else:
            rng, done = left.rng, left.loop.place.frame + 1
            first = zoom_frame(left.frame, era=recipe.era, backend=recipe.backend, **move.move)
        made = folder.made(frames, partial(_is_made, job, loop), job.quiet) if resume else set()
        lost = set(range(min(done, frames))) - made  # which is not empty where something was removed or damaged
        there = min(done, frames) - len(lost)
        if there:
            job.say(f"{there} of {frames} frames are in '{folder.folder}' already")
        if lost:
            what = f"{len(lost)} frames before its checkpoint, first {min(lost)}"
            job.say(f"missing or damaged: {what}; made again from the start of the loop")
        if plan is not None:
            job.say(plan)
        again = max(lost, default=-1) + 1  # frames from the start to the last that is lost
        try:
            with job.bar(start.size, again + max(frames - done, 0)) as bar:
                params = recipe.dream_params(job.objective, job.retouches) | move.move
                dreams = zoom_loop(job.net, first, frames - done, rng=rng, watch=bar, **params) if done < frames else ()
                if forced():  # not before all that could be wrong has been looked at
                    folder.clear()
                make_folder(folder.folder)
                for index, frame in _again(job, start, recipe, again, watch=bar, **params):
                    if index in lost:
                        _write(job, folder, source, loop.at(index), frame)
                        there += 1
                for index, frame in enumerate(dreams, start=done):
                    _write(job, folder, source, loop.at(index), frame)
                    # killed before this, the loop makes the frame again, the same
                    checkpoint.save(folder.state_file, Checkpoint(loop.at(index), frame, rng))
                    there += 1
            if not folder.temporary:
                job.say(f"wrote {frames} frames into '{folder.folder}'")
            last = read_note(folder.target(frames - 1).given)  # a film has the record of its last frame
            for film in films:
                video.write_video(film, folder.pictures(frames), fps, quality, last)
                write_sidecar(film, last, job.sidecar)
                job.say(f"wrote '{film}'")
        except KeyboardInterrupt:
            outcome = f"{there} of {frames} frames are in '{folder.folder}'; --resume continues"
            raise interruption(outcome) from None
        folder.finish()


def _first(start: InputPicture, rng: np.random.RandomState) -> Array:
    """Return what the loop starts from."""
    return np.asarray(start.picture) if start.noise is None else noise(*start.noise, rng)


def _again(job: Job, start: InputPicture, recipe: Recipe, frames: int, **params: Any) -> Iterator[tuple[int, Array]]:
    """Yield so many frames from the start, with their numbers."""
    if frames:
        rng = np.random.RandomState(recipe.seed)
        yield from enumerate(zoom_loop(job.net, _first(start, rng), frames, rng=rng, **params))


def _is_made(job: Job, loop: LoopFacts, number: int, target: Target) -> bool:
    """Return whether a frame is there, and whole; see `made_note`."""
    note = job.made(target, loop.at(number).recipe, loop.input)
    job.keep_sidecar(target, note)
    return note is not None


def _write(job: Job, folder: OutputFolder, source: Source, loop: LoopFacts, frame: Array) -> None:
    """Write a frame."""
    pixels = to_pixels(loop.recipe.shown(frame))
    line = job.command_line("zoom", [source.argument, "-o", "frames"], loop.recipe)
    record = job.record(line, loop.recipe, loop.input, pixels)
    folder.target(loop.place.frame).write(pixels, record, job.sidecar)
