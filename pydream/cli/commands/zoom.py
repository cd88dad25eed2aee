"""`pydream zoom`: dream, move in, dream again: frames in a folder, and films of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import click
import msgspec

from ...dream.keyframes import EASES, Curve, Ease
from ...dream.light import HOLDS, Hold
from ...dream.zoom import zoom_default
from ...easy.loop import STATE, ZoomRun
from ...record import loop as checkpoint
from ...record.frames import earlier_recipe
from ...record.loop import LoopFacts, is_checkpoint
from ...record.presets import ZOOM_FPS
from ...record.recipe import DEFAULTS, Loop
from ..errors import interruption
from ..folders import (
    check_films,
    check_unfinished,
    film_options,
    film_targets,
    films_and_frames,
    write_sidecar,
)
from ..help import Command
from ..input import InputPicture, Resizing, Source, SourceType, Target, claim_targets
from ..job import Job, prepare
from ..keyframes import keyframed, plots, weights_in
from ..options import (
    blend_option,
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
from ..ranges import FiniteRange
from ..signals import between_steps, interruptible, uninterrupted
from ..streams import echo

_PLANNED = {"octaves": "octave_n", "blend": "blend"}  # in a plan only with keyframes


@keyframed("scale", "rotate", "shift", "step_size", "octave_n", "blend")
@click.command("zoom", cls=Command)
@click.argument("input", type=SourceType())
@output_option("A folder for the frames, a .mp4 or .gif film, or several of these", beside="zoom.mp4", multiple=True)
@frames_option(1, zoom_default("frames"))
@option(
    "--scale",
    "Zoom per frame, as a part of width and height; below 0, outwards.",
    FiniteRange(-1, 1, min_open=True, max_open=True),
    default=zoom_default("scale"),
)
@option(
    "--rotate",
    "Rotation per frame, in degrees counter-clockwise.",
    FiniteRange(-360, 360),
    default=zoom_default("rotate"),
)
@option(
    "--shift",
    "Shift per frame, in pixels to the right and down.",
    (FiniteRange(), FiniteRange()),
    default=zoom_default("shift"),
    metavar="DX DY",
)
@option(
    "--ease",
    "Change between keyframes: even, or slow at both.",
    click.Choice(EASES),
    default=zoom_default("ease"),
)
@option(
    "--hold",
    "Light of the first frame that all others get back: mean of each channel, standard deviation, or both.",
    click.Choice(HOLDS),
)
@blend_option
@option("--plan", "The curves of the keyframes as text; nothing is made.", is_flag=True)
@option(
    "--grid",
    "Rounding of the picture after every step, to multiples of a power of two; with 0.015625 an --exact loop is"
    " the same on every machine.  [default: none]",
    FiniteRange(min=0, max=1, min_open=True),
)
@dreaming_options
@size_options
@film_options(fps=ZOOM_FPS)
@resume_option
@force_option
@last_options
def command(
    input: list[Source],
    output: tuple[str, ...],
    frames: int,
    scale: float | Curve,
    rotate: float | Curve,
    shift: tuple[float | Curve, float | Curve],
    ease: Ease,
    hold: Hold | None,
    plan: bool,
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

    Where FRAME:X stands, and for a WEIGHT, 0:0.05,60:0.2 is 0.05 at frame 0, 0.2 at frame 60, and between them in
    between. Octaves are rounded to whole numbers. --blend takes what each frame is dreamt on as the input picture.

    \b
    pydream zoom sky.jpg -o frames
    pydream zoom sky.jpg -o more -o zoom.mp4 --frames 200 --rotate 0.5
    pydream zoom noise:320x240 -o noise.gif --frames 40 --fps 12
    pydream zoom sky.jpg -o dive.mp4 --scale 0:0,50:0.1 --ease smooth
    pydream zoom sky.jpg -o turn.mp4 --layer fire5/concat=0:1,60:0 --layer fire8/concat=0:0,60:1 --hold both
    """  # noqa: D301 (click's mark for a block to leave as it is)
    (source,) = input
    move = Loop(frame=0, scale=scale, rotate=rotate, shift=shift, ease=ease, hold=hold)
    values = {"scale": scale, "rotate": rotate, "shift to the right": shift[0], "shift down": shift[1]}
    values["step size"] = options["step_size"]
    values |= {name: options[of] for name, of in _PLANNED.items() if isinstance(options[of], Curve)}
    values |= weights_in([*options["layer"], *options["classes"]])
    for name in ("step_size", "octave_n", "blend"):
        if isinstance(options[name], Curve):
            try:
                move = msgspec.structs.replace(move, **{name: options[name]})
            except ValueError as error:
                raise click.BadParameter(str(error), param_hint="'--step-size'") from error
            options[name] = DEFAULTS[name]
    if plan:
        echo(f"{frames} frames, {frames / fps:g} seconds at {fps:g} frames a second")
        echo(*plots(values, frames, ease))
        return
    films, folder = films_and_frames(output or (str(unnamed(source.path, source.stem, ".mp4")),), STATE, is_checkpoint)
    claim_targets(film_targets(films), options["sidecar"])
    existing = folder.check(resume, most=frames)
    start = InputPicture.read(source, Resizing.taken(options))
    check_films(films, start.size, fps)

    with uninterrupted(done_then=True):
        with interruptible():
            left = checkpoint.load(folder.state_file) if resume else None
            if resume and folder.temporary and left is None:
                check_unfinished(films)
            earlier = left.loop.recipe if left is not None else earlier_recipe(existing) if resume else None
        job = prepare(resumed=earlier, loop=move, **start.params(zoom_options(options, earlier)))
        job = job.chosen_on(start.picture, source.name)
        folder = replace(folder, sidecar=job.sidecar)
        run = ZoomRun.planned(
            job,
            folder,
            left,
            word=source.argument,
            picture=start.picture,
            size=start.size,
            input=start.facts,
            frames=frames,
            move=move,
        )
        made = folder.made(frames, partial(_is_made, job, run.facts), job.quiet) if resume else set()
        lost = run.lost(made)  # which is not empty where something was removed or damaged
        there = min(run.done, frames) - len(lost)
        if there:
            job.say(f"{there} of {frames} frames are in '{folder.folder}' already")
        if lost:
            what = f"{len(lost)} frames before its checkpoint, first {min(lost)}"
            job.say(f"missing or damaged: {what}; made again from the start of the loop")
        if run.plan is not None:
            job.say(run.plan)
        try:
            with job.loop_bar(start.size, run.recipe, run.dreams(lost)) as bar:
                written = run.written(lost, bar)
                if forced():  # not before all that could be wrong has been looked at
                    folder.clear()
                for _ in written:
                    there += 1
            if not folder.temporary:
                job.say(f"wrote {frames} frames into '{folder.folder}'")
            for film in films:
                write_sidecar(film, run.write_film(film, fps, quality, on_frame=between_steps), job.sidecar)
                job.say(f"wrote '{film}'")
        except KeyboardInterrupt:
            outcome = f"{there} of {frames} frames are in '{folder.folder}'; --resume continues"
            raise interruption(outcome) from None
        folder.finish()


def _is_made(job: Job, loop: LoopFacts, number: int, target: Target) -> bool:
    """Return whether a frame is there, and whole; see `made_note`."""
    note = job.made(target, loop.at(number).recipe, loop.input)
    job.keep_sidecar(target, note)
    return note is not None
