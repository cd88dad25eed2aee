"""`pydream video`: every frame of a film is dreamt on, each from the last dream, and the sound stays."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
from PIL import Image

from ...cluster.tasks import checked, dream
from ...cluster.workers import Cluster
from ...dream.film import BLEND, CUT, FILM_COPIES, MOST_CUT, FramePair, dream_frames
from ...dream.flow import check_flow
from ...errors import CheckpointError
from ...files import file_sha256, write_text
from ...media import FORMATS, video, write_image
from ...media.video import Footage, Section
from ...picture import Picture
from ...record import film as film_file
from ...record.film import Film
from ...record.provenance import PictureFacts, sidecar_of, versions
from ...record.recipe import Recipe
from ..errors import debug_option, interruption
from ..films import Places, beside, check_films, quality_option
from ..help import Command
from ..input import Size, SizeType, Target, check_not_read
from ..job import Dreamer, prepare, retold
from ..options import (
    FiniteRange,
    dream_options,
    force_option,
    objective_options,
    output_option,
    quiet_option,
    resume_option,
    retouch_options,
    run_options,
    sidecar_option,
    tile_options,
)
from ..progress import DoneProgress, FrameProgress, Progress
from ..signals import between_steps, uninterrupted
from ..workers import Crew, at_work, staffed, worker_options

_STATE = "film.json"


class FrameRange(click.ParamType):  # type: ignore[type-arg]
    """Numbers of frames from 0, the second not included: ``24:48``, ``24:``, ``:48``."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a value; it stays text, as a record has it."""
        found = re.fullmatch(r"(\d{0,9}):(\d{0,9})", str(value))
        if found is None or (found[2] and int(found[2]) <= int(found[1] or 0)):
            self.fail(f"{value!r} is not a range of frames (expected A:B, e.g. 24:48, 24: or :48)", param, ctx)
        return str(value)


class Time(click.ParamType):  # type: ignore[type-arg]
    """Seconds, with minutes and hours before them or not: ``12.5``, ``0:12.5``, ``1:02:03``."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a value; it stays text, as a record has it."""
        if re.fullmatch(r"(\d{1,6}:){0,2}\d{1,9}(\.\d{1,9})?", str(value)) is None:
            self.fail(f"{value!r} is not a time (expected e.g. 12.5, 0:12.5 or 1:02:03)", param, ctx)
        return str(value)


@click.command("video", cls=Command)
@click.argument("input", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@output_option("A .mp4 or .gif film", required=True, type=click.Path(path_type=Path))
@click.option(
    "--blend",
    type=FiniteRange(min=0, max=1),
    default=BLEND,
    show_default=True,
    metavar="X",
    help="Share of the last dream in the start of the next one; 0: each frame for itself.",
)
@click.option(
    "--flow/--no-flow",
    default=False,
    show_default=True,
    help="Optical flow, which moves the last dream along with the picture (needs OpenCV).",
)
@click.option(
    "--cut",
    type=FiniteRange(min=0, max=MOST_CUT),
    default=CUT,
    show_default=True,
    metavar="X",
    help="Start of a new scene where two frames differ by more than this many levels; 0: never.",
)
@click.option("--from", "start", type=Time(), metavar=Time.name, help="Start time in the film: 12.5, 0:12.5, 1:02:03.")
@click.option("--to", "stop", type=Time(), metavar=Time.name, help="End time in the film.")
@click.option(
    "--range",
    "part",
    type=FrameRange(),
    metavar=FrameRange.name,
    help="Range of frames, from number A to B - 1; the first is 0.",
)
@objective_options
@dream_options
@retouch_options
@run_options
@tile_options
@worker_options
@click.option(
    "--size",
    type=SizeType(),
    metavar=SizeType.name,
    help="Size that the frames are resized to before they are dreamt on.  [default: the film's own]",
)
@quality_option
@resume_option
@force_option
@sidecar_option
@quiet_option
@debug_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: Path,
    output: Path,
    blend: float,
    flow: bool,
    cut: float,
    start: str | None,
    stop: str | None,
    part: str | None,
    size: Size | None,
    quality: int,
    resume: bool,
    force: bool,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Dream on every frame of the film INPUT, and make a film of the dreams.

    Each frame starts from itself, blended with the last dream; with --flow, that is moved along with the picture
    first, so that it does not flicker. The film keeps its frame rate, or every frame's time, and its sound. Stopped
    at any moment, by Ctrl-C or a power cut, the same command with --resume continues, and ends with the same film to
    the byte.

    \b
    pydream video in.mp4 -o out.mp4
    pydream video in.mp4 -o out.mp4 --flow --blend 0.7 --from 0:12.5 --to 0:20
    pydream video in.mp4 -o out.gif --size 320x180 --range 0:50 --blend 0
    pydream video in.mp4 -o out.mp4 --blend 0 --workers 2
    """  # noqa: D301 (click's mark for a block to leave as it is)
    places = beside(output, _STATE)
    places.check(resume, force)
    check_films([output], size or (1, 1), fps=25)  # an error in its name does not wait for INPUT
    written = [Target(str(path), FORMATS["png"]) for path in (output, *places.held())]
    check_not_read(written, [input, options["guide"], options["mask"]])
    crew = Crew.taken(options)
    if crew is not None and blend:
        raise click.BadParameter(
            "a frame that starts from the last dream waits for it: --blend 0", param_hint=crew.option
        )
    if flow:
        check_flow()

    with uninterrupted(done_then=True):
        shot = _looked_at(input, span(start, stop, part), size, quiet)
        check_films([output], shot.size, shot.rate)
        left = film_file.load(places.checkpoint) if resume else None
        if resume and left is None and output.exists():
            raise CheckpointError(f"'{output}' is complete, and its frames are gone: --force begins again")
        if left is not None:
            options["seed"] = left.recipe.seed if options["seed"] is None else options["seed"]
            options["tile"] = left.recipe.tile if options["tile"] is None else options["tile"]
        dreamer = prepare(**options)
        if crew is not None:
            dreamer = replace(dreamer, memory=crew.memory(dreamer.memory))
        tile, plan = dreamer.in_tiles(*shot.size, held=FILM_COPIES)
        recipe = msgspec.structs.replace(dreamer.recipe, tile=tile)
        film = _account(ctx, dreamer, dreamer.recorded(recipe), shot)
        if left is not None:
            then = msgspec.structs.replace(left, recipe=dreamer.recorded(left.recipe))
            if others := list(map(str, then.unlike(film))):
                raise CheckpointError(f"'{places.folder}' holds another film: {', '.join(others)}")
        done = places.made(len(shot)) if left is not None else 0
        if not quiet:
            for line in (*_left_out(shot, output), *_already(done, shot, places), *([plan] if plan else [])):
                click.echo(line, err=True)
        try:
            if left is None:  # not before all that could be wrong has been looked at
                places.clear()
                places.folder.mkdir(parents=True, exist_ok=True)
                film_file.save(places.checkpoint, film)
            with (
                at_work(crew) as cluster,
                closing(_dreams(cluster, dreamer, recipe, film, shot, places, done, quiet)) as dreams,
            ):
                for index, made in enumerate(dreams, start=done):
                    write_image(places.frame(index).given, made)
            with FrameProgress(f"writing {output.name}", quiet, len(shot)) as written_frames:
                video.write_video(
                    output,
                    places.pictures(len(shot), written_frames.on_frame),
                    shot.rate,
                    quality,
                    film.to_json(),
                    times=None if shot.footage.rate else shot.footage.times,
                    pixel_aspect=shot.pixel_aspect,
                    sound=None if _is_silent(output) else shot.footage.sound,
                )
            if sidecar:
                write_text(sidecar_of(output), f"{film.to_json()}\n")
        except KeyboardInterrupt:
            outcome = f"{places.made(len(shot))} of {len(shot)} frames are in '{places.folder}'; --resume continues"
            raise interruption(outcome) from None
        places.finish()
        if not quiet:
            click.echo(f"wrote '{output}'", err=True)


@dataclass(frozen=True)
class Shot:
    """Footage, and the size that it is dreamt at."""

    footage: Footage
    size: Size

    def __len__(self) -> int:
        return len(self.footage)

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        return self.footage.times.rate if self.footage.rate is None else self.footage.rate

    @property
    def facts(self) -> PictureFacts:
        """What a film says of the one that it is a dream of."""
        height, width = self.footage.size
        path = self.footage.path
        return PictureFacts(name=path.name, width=width, height=height, sha256=file_sha256(path))

    @property
    def pixel_aspect(self) -> Fraction:
        """That which the film is shown in its own shape with; a size that is its shape to the pixel changes nothing."""
        (height, width), (high, wide) = self.footage.size, self.size
        if abs(wide * height - width * high) < max(width, height):
            return self.footage.pixel_aspect
        return self.footage.pixel_aspect * Fraction(width * high, height * wide)

    def frames(self, skip: int = 0) -> Iterator[Picture]:
        """Give the frames but the first so many."""
        for frame in self.footage.frames(skip):
            if self.size == self.footage.size:
                yield frame
            else:
                yield np.array(Image.fromarray(frame).resize(self.size[::-1], Image.Resampling.LANCZOS))

    def frame(self, index: int) -> Picture:
        """Give one of them."""
        return next(self.frames(index))


def _dreams(
    cluster: Cluster | None,
    dreamer: Dreamer,
    recipe: Recipe,
    film: Film,
    shot: Shot,
    places: Places,
    done: int,
    quiet: bool,
) -> Generator[Picture, None, None]:
    """Give the dreams that are left, in order: of this process, one from the other, or of the workers."""
    frames, count, sizes = shot.frames(done), len(shot) - done, dreamer.sizes(*shot.size)
    if cluster is not None:
        with DoneProgress(staffed(dreamer.title, cluster), count, "frame", quiet) as counter:
            for number, made in enumerate(spread(cluster, dreamer, recipe, frames, sizes[0]), start=1):
                yield made
                counter.passed(number)
        return
    with Progress(dreamer.title, sizes, recipe.iter_n, quiet, count) as bar:
        yield from dream_frames(
            dreamer.net,
            frames,
            blend=film.blend,
            flow=film.flow,
            cut=film.cut,
            seed=recipe.seed,
            last=FramePair(shot.frame(done - 1), places.picture(done - 1)) if done else None,
            watch=bar,
            **recipe.dream_params(dreamer.objective, recipe.retouches(dreamer.mask)),
        )


def spread(
    cluster: Cluster, dreamer: Dreamer, recipe: Recipe, frames: Iterator[Picture], size: Size
) -> Iterator[Picture]:
    """Have each frame dreamt on by itself, as `dream_frames` does without blending, and give the dreams in order."""
    tasks = (dreamer.task(recipe, frame) for frame in frames)
    for outcome in cluster.in_order(dream, tasks, between_steps):
        yield checked(outcome.get(), size).pixels


def span(start: str | None, stop: str | None, part: str | None) -> Section:
    """Give the part that `Time` and `FrameRange` have checked."""
    first, _, last = (part or ":").partition(":")
    return Section(
        int(first or 0),
        int(last) if last else None,
        seconds(start or "0"),
        None if stop is None else seconds(stop),
    )


def seconds(time: str) -> Fraction:
    """Give a time that `Time` has checked."""
    total = Fraction(0)
    for part in time.split(":"):
        total = 60 * total + Fraction(part)
    return total


def _looked_at(film: Path, part: Section, size: Size | None, quiet: bool) -> Shot:
    """Go through the film, so that what is wrong with it is told before TensorFlow is imported."""
    with FrameProgress(f"looking at {film.name}", quiet) as seen:
        footage = video.read_video(film, part, seen.on_frame)
    return Shot(footage, size or footage.size)


def _already(done: int, shot: Shot, places: Places) -> Iterator[str]:
    """Say how many frames an earlier run has made."""
    if done:
        yield f"{done} of {len(shot)} frames are in '{places.folder}' already"


def _left_out(shot: Shot, output: Path) -> Iterator[str]:
    """Say what of a film does not come through."""
    footage = shot.footage
    if footage.damaged:
        yield f"'{footage.path}' is damaged, {footage.damaged} times: what can be read is dreamt on"
    if footage.left_out:
        yield f"left out: {', '.join(footage.left_out)}"
    if footage.sound is not None and _is_silent(output):
        yield f"left out: the sound, which a {output.suffix.lower()} film cannot have"


def _account(ctx: click.Context, dreamer: Dreamer, recipe: Recipe, shot: Shot) -> Film:
    """Put together what the film says of itself, and what has to be the same to go on with it."""
    params = ctx.params
    return Film(
        film=str(ctx.info_name),
        command=_command(ctx, recipe),
        recipe=recipe,
        network=dreamer.facts,
        input=shot.facts,
        first=shot.footage.first,
        frames=len(shot),
        size=shot.size,
        blend=params["blend"],
        flow=params["flow"],
        cut=params["cut"],
        guide=dreamer.guide,
        mask=dreamer.mask_facts,
        versions=versions("av", *(["opencv-python-headless"] if params["flow"] else [])),
    )


def _is_silent(output: Path) -> bool:
    return video.WRITABLE[output.suffix.lower()].silent


def _command(ctx: click.Context, recipe: Recipe) -> str:
    """Give the command line that makes the film again, under whatever name."""
    params = ctx.params
    words = [str(params["input"]), "-o", f"dream{params['output'].suffix}"]
    if params["size"] is not None:
        height, width = params["size"]
        words += ["--size", f"{width}x{height}"]
    return retold(ctx, words, recipe)
