"""`pydream history`: how a dream grows, iteration by iteration, as a figure and as a film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from ...dream.images import stretched
from ...dream.notebook import DreamInterrupted
from ...dream.watch import View, Watch
from ...files import temporary_folder, unsynced
from ...media import Sheet, fitting_columns, fitting_width, read_image, video, write_image
from ...picture import Picture, to_pixels
from ...record.command import option_words
from ..errors import interruption
from ..figures import Style, figure_of, figure_options
from ..folders import check_films, film_options, film_targets, films_apart, quality_words, write_sidecar
from ..help import Command
from ..input import InputPicture, Resizing, Size, Source, SourceType, claim_targets, one_target
from ..job import prepare
from ..options import PICTURE_FILES, dreaming_options, force_option, last_options, option, output_option, size_options
from ..places import unnamed
from ..progress import Progress
from ..signals import uninterrupted

_FPS = 8  # of a film
_LAST_FRAME_SECONDS = 1.5


def _iterations(text: str) -> str:
    """Check a list of whole numbers with commas between them; it stays text, as a record has it."""
    words = text.split(",")
    if not all(word.strip().isdecimal() and len(word) < 10 and int(word) > 0 for word in words):
        raise click.BadParameter(f"{text!r} is not a list of iterations (expected numbers, e.g. 1,2,5,10)")
    return text


@click.command("history", cls=Command)
@click.argument("input", type=SourceType())
@output_option(
    f"{PICTURE_FILES}, a .gif or .mp4 film of every iteration, or several of these",
    beside="history.png",
    multiple=True,
)
@option("--gif", "A film beside the figure, with the same name and .gif.", is_flag=True)
@option(
    "--at",
    "Iterations of each octave in the figure.  [default: 1,2,5,10,20,50 and so on, and the last]",
    _iterations,
    metavar="N[,N…]",
)
@dreaming_options
@size_options
@figure_options
@film_options(fps=_FPS)
@force_option
@last_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: list[Source],
    output: tuple[str, ...],
    gif: bool,
    at: str | None,
    fps: float,
    quality: int,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Dream on INPUT, and show the picture after 1, 2, 5, 10 … iterations.

    INPUT is a picture, - for one from standard input, or noise, also as noise:640x480. Each octave is a row of the
    figure; with --octaves 1 the dream stays on one scale. In a film small octaves are enlarged to the picture's size.
    Ctrl-C ends the dream and writes what there is.

    \b
    pydream history sky.jpg -o history.png
    pydream history sky.jpg -o history.png --octaves 1 --iterations 100 --gif
    pydream history sky.jpg -o growing.mp4 --preset report
    """  # noqa: D301 (click's mark for a block to leave as it is)
    style = Style.taken(options)
    (source,) = input
    films, others = films_apart(output or (str(unnamed(source.path, source.stem)),))
    targets = [one_target(name, None) for name in others]
    if gif:
        if not targets or targets[0].path is None:
            raise click.BadParameter("there is no figure's file to put it beside", param_hint="'--gif'")
        films.append(targets[0].path.with_suffix(".gif"))
    written = [*targets, *film_targets(films)]
    claim_targets(written, sidecar)
    start = InputPicture.read(source, Resizing.taken(options))
    options = start.params(options)
    shown = iterations(at, options["iter_n"])
    sheet = _sheet(style, shown, options["octave_n"], start.size)
    for target in targets:
        target.check()
    check_films(films, start.size, fps)

    with uninterrupted(done_then=True), temporary_folder() as folder:
        job = prepare(sidecar=sidecar, quiet=quiet, **options)
        job = job.chosen_on(start.picture, source.name)
        recipe = job.tiled(job.recipe, start.size)
        outcome = None
        with job.bar(start.size) as bar:
            history = History(bar, sheet, shown, recipe.octave_n, start.size, recipe.stretch, folder if films else None)
            try:
                job.dream(recipe, start.picture, history)
            except DreamInterrupted as interrupted:
                if not len(sheet):
                    raise
                outcome = f"after {interrupted.steps} of {recipe.octave_n * recipe.iter_n} steps"
        title = f"{source.name} dreaming {recipe.dreams_with}"
        words = option_words({"--at": at})
        for target in targets:
            figure = figure_of(job, "history", start, target, recipe, words + style.words)
            style.write(sheet, target, figure, title, f"Interrupted {outcome}." if outcome else "", sidecar)
        for film, target in zip(films, film_targets(films), strict=True):
            film_words = option_words({"--fps": None if fps == _FPS else fps}) + quality_words(film, quality)
            note = figure_of(job, "history", start, target, recipe, words + film_words).to_json()
            video.write_video(film, history.frames(fps), fps, quality, note)
            write_sidecar(film, note, sidecar)
        if outcome is not None:
            raise interruption(f"wrote {' and '.join(map(str, written))} {outcome}")
        for target in written:
            job.say(f"wrote {target}")


def iterations(at: str | None, iter_n: int) -> list[int]:
    """Return the iterations to show, counted from 1: those that are named, or 1, 2, 5, 10 and so on, and the last."""
    if at is None:
        steps = [digit * 10**power for power in range(len(str(iter_n))) for digit in (1, 2, 5)]
        return [*(step for step in steps if step < iter_n), iter_n]
    named = sorted({int(word) for word in at.split(",")})
    if named[-1] > iter_n:
        raise click.BadParameter(f"there are {iter_n} iterations, none of number {named[-1]}", param_hint="'--at'")
    return named


def _sheet(style: Style, shown: list[int], octave_n: int, size: Size) -> Sheet:
    """Make the empty sheet: a row an octave, or of a single one as many as make a page."""
    if octave_n == 1:
        sheet = style.sheet(fitting_columns(len(shown), size))
    else:
        sheet = style.sheet(len(shown), fitting_width(len(shown), octave_n, size), list(map(_after, shown)))
    sheet.check(len(shown) * octave_n, size)
    return sheet


def _after(iteration: int) -> str:
    return f"{iteration} iteration{'s' if iteration > 1 else ''}"


@dataclass
class History(Watch):
    """Keeps the pictures of a dream as it goes on."""

    bar: Progress
    sheet: Sheet  # takes those that are shown
    shown: list[int]  # iterations, counted from 1
    octave_n: int
    size: Size  # of frames
    stretch: float  # of the recipe
    folder: Path | None  # takes every picture, for a film: memory would not hold them all
    files: list[Path] = field(default_factory=list)  # in it

    def __post_init__(self) -> None:
        self.tile = self.bar.tile  # type: ignore[method-assign]

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count a step and keep its picture."""
        self.bar.step(octave, iteration, image)
        pixels = to_pixels(stretched(image(), self.stretch))
        height, width = pixels.shape[:2]
        if iteration + 1 in self.shown:
            column = self.shown.index(iteration + 1)
            if self.octave_n == 1:
                label, note = _after(iteration + 1), ""
            else:  # the columns' headings have the iteration
                label, note = (f"octave {octave + 1}", f"{width}×{height} pixels") if column == 0 else ("", "")
            self.sheet.add(pixels, label, note, place=octave * len(self.shown) + column)
        if self.folder is not None:
            path = self.folder / f"{len(self.files):06d}.png"
            with unsynced():
                write_image(path, pixels)
            self.files.append(path)

    def frames(self, fps: float) -> Iterator[Picture]:
        """Yield the pictures of a film, all of one size, the last for longer."""
        last = repeat(self.files[-1], round(_LAST_FRAME_SECONDS * fps))
        for path in chain(self.files, last):
            frame = Image.fromarray(read_image(path))
            height, width = self.size
            yield np.asarray(frame.resize((width, height), Image.Resampling.BICUBIC))
