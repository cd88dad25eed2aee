"""`pydream video`: every frame of a film is dreamt on, each from the last dream, and the sound stays."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import click

from ...cluster.tasks import checked, dream
from ...cluster.workers import Cluster
from ...dream.film import BLEND, CUT, MOST_CUT
from ...dream.flow import check_flow
from ...easy.film import STATE, Clip, FilmRun, is_silent
from ...errors import CheckpointError, ProvenanceError
from ...files import make_folder
from ...media import video
from ...media.video import Section
from ...picture import Picture
from ...record import film as film_file
from ...record.made import frame_made
from ...record.names import file_word
from ...record.presets import params_for
from ...record.provenance import PictureFacts
from ..errors import interruption
from ..folders import (
    OutputFolder,
    check_films,
    check_unfinished,
    film_targets,
    films_and_frames,
    fps_option,
    quality_option,
    quality_words,
    write_sidecar,
)
from ..help import Command
from ..input import Resizing, Source, Target, claim_targets, reads_profiles
from ..job import Job, prepare
from ..listing import expanded
from ..options import (
    dreaming_options,
    force_option,
    last_options,
    option,
    output_option,
    resume_option,
    size_options,
)
from ..places import ReadPlace, unnamed
from ..progress import Bar
from ..ranges import FiniteRange
from ..signals import between_steps, interruptible, interruptible_each, uninterrupted
from ..workers import WorkerOptions, start_workers, worker_options

_FPS = 25  # of a folder of frames


def _frame_range(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Check numbers of frames from 0, the second not included; they stay text, as a record has them."""
    if value is not None:
        found = re.fullmatch(r"(\d{0,9}):(\d{0,9})", value)
        if found is None or (found[2] and int(found[2]) <= int(found[1] or 0)):
            expected = "expected A:B, e.g. 24:48, 24: or :48"
            raise click.BadParameter(f"{value!r} is not a range of frames ({expected})", ctx, param)
    return value


def _time(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Check seconds, with minutes and hours before them or not; they stay text, as a record has them."""
    if value is not None and re.fullmatch(r"(\d{1,6}:){0,2}\d{1,9}(\.\d{1,9})?", value) is None:
        raise click.BadParameter(f"{value!r} is not a time (expected e.g. 12.5, 0:12.5 or 1:02:03)", ctx, param)
    return value


class _Frames(NamedTuple):
    """A folder of frames, as input."""

    path: Path
    files: list[Path]


class _FilmOrFrames(ReadPlace):
    """The path of a film, or of a folder of frames."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check that there is one, and note what is read."""
        path: Path = super().convert(value, param, ctx)
        if not path.is_dir():
            return path
        pictures = expanded([Source(value, folder=True)], recursive=None, output=None)
        return _Frames(path if path.name not in ("", "..") else path.resolve(), [Path(each.given) for each in pictures])


@click.command("video", cls=Command)
@click.argument("input", type=_FilmOrFrames())
@output_option("A .mp4 or .gif film, a folder for the frames, or several of these", beside="video.mp4", multiple=True)
@option(
    "--carry blend",
    "Share of the last dream in the start of the next one; 0: each frame for itself.",
    FiniteRange(min=0, max=1),
    default=BLEND,
)
@option(
    "--flow/--no-flow", "Optical flow, which moves the last dream along with the picture (needs OpenCV).", default=False
)
@option(
    "--cut",
    "Start of a new scene where two frames differ by more than this many levels; 0: never.",
    FiniteRange(min=0, max=MOST_CUT),
    default=CUT,
)
@option("--from start", "Start time in the film: 12.5, 0:12.5, 1:02:03.", callback=_time, metavar="TIME")
@option("--to stop", "End time in the film.", callback=_time, metavar="TIME")
@option(
    "--range part", "Range of frames, from number A to B - 1; the first is 0.", callback=_frame_range, metavar="A:B"
)
@dreaming_options
@worker_options
@size_options
@fps_option(None, f"the film's own, {_FPS} for a folder of frames")
@quality_option
@resume_option
@force_option
@last_options
def command(
    input: Path | _Frames,
    output: tuple[str, ...],
    blend: float,
    flow: bool,
    cut: float,
    start: str | None,
    stop: str | None,
    part: str | None,
    fps: float | None,
    quality: int,
    resume: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Dream on every frame of INPUT, and make a film of the dreams.

    INPUT is a film, an animated picture, or a folder of frames, in the order of the numbers in their names. Each frame
    starts from itself, blended with the last dream; with --flow, that is moved along with the picture first, so that
    it does not flicker. The film keeps its frame rate, or every frame's time, and its sound; in a folder, frames are
    00000000.png and so on. Stopped at any moment, by Ctrl-C or a power cut, the same command with --resume continues,
    and ends with the same film to the byte.

    \b
    pydream video in.mp4 -o out.mp4
    pydream video in.mp4 -o out.mp4 --flow --carry 0.7 --from 0:12.5 --to 0:20
    pydream video in.mp4 -o out.gif --size 320x180 --range 0:50 --carry 0
    pydream video in.mp4 -o out.mp4 --carry 0 --workers 2
    pydream video frames -o out.mp4 --fps 24
    pydream video in.mp4 -o frames
    """  # noqa: D301 (click's mark for a block to leave as it is)
    path = input if isinstance(input, Path) else input.path
    if fps is not None and path is input:
        what = f"'{path}' has its own frames per second; it is for a folder of frames"
        raise click.BadParameter(what, param_hint="'--fps'")
    films, folder = _outputs(output or (str(unnamed(path, path.stem if path is input else path.name, ".mp4")),), path)
    resizing = Resizing.taken(options)
    check_films(films, resizing.size or (1, 1), fps or _FPS)  # an error in its name does not wait for INPUT
    claim_targets(film_targets(films), options["sidecar"])
    existing = folder.check(resume)
    workers = WorkerOptions.taken(options)
    if workers is not None and blend:
        what = "a frame that starts from the last dream waits for it: --carry 0"
        raise click.BadParameter(what, param_hint=workers.option)
    if flow:
        check_flow()

    with uninterrupted(done_then=True):
        # before TensorFlow is imported
        with interruptible(), Bar(quiet, desc=f"looking at {path.name}", unit="frame") as seen:
            if isinstance(input, Path):
                footage = video.read_video(input, section(start, stop, part), seen.advance, reads_profiles())
            else:
                rate = Fraction(fps or _FPS).limit_denominator(1001)  # as it is written
                footage = video.read_frames(*input, rate, section(start, stop, part), seen.advance, reads_profiles())
            sha256 = footage.sha256()
        clip = _Clip(footage, resizing.of(*footage.size))
        options = params_for(options, clip.size, resizing.counted(footage.size))
        check_films(films, clip.size, clip.rate)
        with interruptible():
            left = film_file.load(folder.state_file) if resume else None
            if resume and left is None:
                check_unfinished(films)
        if resume and left is None and existing:
            raise CheckpointError(f"'{folder.state_file}' is gone, so the film cannot be resumed: --force begins again")
        job = prepare(quiet=quiet, resumed=None if left is None else left.recipe, **options)
        if workers is not None:
            job = replace(job, memory=workers.memory(job.memory))
        if job.open_score:
            job = job.chosen_on(next(clip.frames()), "the first frame")
        folder = replace(folder, sidecar=job.sidecar and not folder.temporary)
        height, width = footage.size
        run = FilmRun.planned(
            job,
            clip,
            folder,
            left,
            word=file_word(path),
            input=PictureFacts(name=path.resolve().name, width=width, height=height, sha256=sha256),
            outputs=[f"dream{each.suffix}" for each in films] + ["frames"] * (not folder.temporary),
            resized=resizing.wanted,
            blend=blend,
            flow=flow,
            cut=cut,
            section={"--from": start, "--to": stop, "--range": part},
            fps=fps,
            more=next(filter(None, (quality_words(each, quality) for each in films)), []),
        )
        done = 0 if left is None else _done(run, folder, left.frames_say, quiet)
        for line in _losses(clip, films, folder):
            job.say(line)
        if done:
            job.say(f"{done} of {len(clip)} frames are in '{folder.folder}' already")
        if run.plan:
            job.say(run.plan)
        try:
            if left is None:  # not before all that could be wrong has been looked at
                folder.clear()
                make_folder(folder.folder)
                film_file.save(folder.state_file, run.film)
            with start_workers(workers) as cluster, closing(_dreams(cluster, job, run, done)) as dreams:
                for number, made in enumerate(dreams, start=done):
                    run.write(number, made)
                    done += 1
            if not folder.temporary:
                job.say(f"wrote {len(clip)} frames into '{folder.folder}'")
            for target in films:
                with Bar(quiet, desc=f"writing {target.name}", total=len(clip), unit="frame") as written:
                    run.write_film(target, quality, on_frame=written.advance)
                write_sidecar(target, run.film.to_json(), job.sidecar)
                job.say(f"wrote '{target}'")
        except KeyboardInterrupt:
            outcome = f"{done} of {len(clip)} frames are in '{folder.folder}'; --resume continues"
            raise interruption(outcome) from None
        folder.finish()


def _outputs(output: Sequence[str], input: Path) -> tuple[list[Path], OutputFolder]:
    """Return the films, and the folder of the frames."""
    films, folder = films_and_frames(output, STATE, film_file.is_plan)
    if folder.folder.is_dir() and folder.folder.samefile(input):
        what = f"'{input}' holds the frames that are read: name another folder"
        raise click.BadParameter(what, param_hint="'--output'")

    @cache
    def silent() -> bool:
        """Return whether they do not say what they are, as those of a film that was begun long ago."""
        with suppress(CheckpointError):
            plan = film_file.load(folder.state_file)
            return plan is not None and not plan.frames_say
        return False

    def claims(note: str | None, number: int) -> bool:
        with suppress(ProvenanceError):
            return silent() if note is None else film_file.read_frame(note).number == number
        return False

    return films, replace(folder, claims=claims)


def _done(run: FilmRun, folder: OutputFolder, say: bool, quiet: bool) -> int:
    """Count the frames that are there, one after the other from the first; see `frame_made`."""

    def is_made(number: int, target: Target) -> bool:
        with interruptible():
            return frame_made(target.given, run.film, number, say)

    return run.done(folder.made(run.film.frames, is_made, quiet))


class _Clip(Clip):
    """A clip that Ctrl-C ends as it is read."""

    def frames(self, skip: int = 0) -> Iterator[Picture]:
        """Yield the frames but the first so many."""
        return interruptible_each(super().frames(skip))


def _losses(clip: Clip, films: Sequence[Path], folder: OutputFolder) -> Iterator[str]:
    """Describe what of a film is lost in its dream."""
    footage = clip.footage
    if footage.damaged:
        yield f"'{footage.path}' is damaged, {footage.damaged} times: what can be read is dreamt on"
    if footage.left_out:
        yield f"left out: {', '.join(footage.left_out)}"
    lost = [] if footage.sound is None else ["the sound"]
    if clip.pixel_aspect != 1:
        lost.append(f"the pixels' shape, {clip.pixel_aspect}")
    for suffix in (film.suffix.lower() for film in films if is_silent(film)):
        yield from (f"left out: {each}, which a {suffix} film cannot have" for each in lost)
    if not folder.temporary:
        times = "the frames' times" if footage.rate is None else f"the rate, {float(footage.rate):.6g} a second"
        yield f"left out: {' and '.join([*lost, times])}, which a folder of frames cannot have"


def _dreams(cluster: Cluster | None, job: Job, run: FilmRun, done: int) -> Generator[Picture, None, None]:
    """Yield the dreams that are left, in order: by this process, each from the last one, or by the workers."""
    clip, count = run.clip, len(run.clip) - done
    if cluster is not None:  # each by itself, as `dream_frames` does without blending
        tasks = (job.task(run.recipe, frame) for frame in clip.frames(done))
        with job.done_bar(cluster, count, "frame") as counter:
            for number, outcome in enumerate(cluster.in_order(dream, tasks, between_steps), start=1):
                yield checked(outcome.get(), run.recipe.sizes(*clip.size)[0]).pixels
                counter.passed(number)
        return
    with job.bar(clip.size, count) as bar:
        yield from run.dreams(done, bar)


def section(start: str | None, stop: str | None, part: str | None) -> Section:
    """Return the part that was checked."""
    first, _, last = (part or ":").partition(":")
    end = None if stop is None else seconds(stop)
    return Section(int(first or 0), int(last) if last else None, seconds(start or "0"), end)


def seconds(time: str) -> Fraction:
    """Return a time that was checked."""
    total = Fraction(0)
    for part in time.split(":"):
        total = 60 * total + Fraction(part)
    return total
