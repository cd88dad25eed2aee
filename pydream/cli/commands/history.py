"""`pydream history`: how a dream grows, iteration by iteration, as a figure and as a film."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import msgspec
import numpy as np
from PIL import Image

from ...dream.notebook import DreamInterrupted
from ...dream.watch import View
from ...files import write_text
from ...media import FORMATS, Sheet, fitting_columns, fitting_width, read_image, video, write_image
from ...net import Array
from ...picture import Picture, to_pixels
from ...record.provenance import sidecar_of
from ...record.recipe import follow
from ..errors import debug_option, interruption
from ..figures import Start, Style, account_of_one, figure_options
from ..films import check_films, film_options, films_apart
from ..help import Command
from ..input import Size, Source, SourceType, Target, check_not_read, one_target
from ..job import prepare
from ..options import (
    PICTURE_FILES,
    dream_options,
    objective_options,
    output_option,
    quiet_option,
    retouch_options,
    run_options,
    sidecar_option,
    tile_options,
)
from ..progress import Progress
from ..signals import uninterrupted

_HELD = 1.5  # seconds that a film stays on its last frame


class Iterations(click.ParamType):  # type: ignore[type-arg]
    """Whole numbers with commas between them."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a list; it stays text, as a record has it."""
        words = str(value).split(",")
        if not all(word.strip().isdecimal() and len(word) < 10 and int(word) > 0 for word in words):
            self.fail(f"{value!r} is not a list of iterations (expected numbers, e.g. 1,2,5,10)", param, ctx)
        return str(value)


@click.command("history", cls=Command)
@click.argument("input", type=SourceType())
@output_option(
    f"{PICTURE_FILES}, a .gif or .mp4 film of every iteration, or several of these", required=True, multiple=True
)
@click.option("--gif", is_flag=True, help="A film beside the figure, with the same name and .gif.")
@click.option(
    "--at",
    type=Iterations(),
    metavar="N[,N…]",
    help="Iterations of each octave in the figure.  [default: 1,2,5,10,20,50 and so on, and the last]",
)
@objective_options
@dream_options
@retouch_options
@run_options
@tile_options
@figure_options
@film_options(fps=8)
@sidecar_option
@quiet_option
@debug_option
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
    films, others = films_apart(output)
    targets = [one_target(name, None) for name in others]
    if gif:
        if not targets or targets[0].path is None:
            raise click.BadParameter("there is no figure's file to put it beside", param_hint="'--gif'")
        films.append(targets[0].path.with_suffix(".gif"))
    start = Start.read(input)
    shown = iterations(at, options["iter_n"])
    sheet = _sheet(style, shown, options["octave_n"], start.size)
    for target in targets:
        target.check()
    check_films(films, start.size, fps)
    written = [*targets, *(Target(str(film), FORMATS["png"]) for film in films)]
    check_not_read(written, [start.source.path, options["guide"], options["mask"]])

    with uninterrupted(done_then=True), TemporaryDirectory(prefix="pydream-") as folder:
        dreamer = prepare(**options)
        recipe = msgspec.structs.replace(dreamer.recipe, noise=start.noise)
        recipe = dreamer.tiled(recipe, *start.size, quiet)
        history = History(sheet, shown, recipe.octave_n, start.size, Path(folder) if films else None)
        outcome = None
        try:
            with _Keeping(history, dreamer.title, dreamer.sizes(*start.size), recipe.iter_n, quiet) as progress:
                follow(
                    recipe,
                    dreamer.net,
                    start.picture,
                    dreamer.objective,
                    retouches=recipe.retouches(dreamer.mask),
                    watch=progress,
                )
        except DreamInterrupted as interrupted:
            if not len(sheet):
                raise
            outcome = f"after {interrupted.steps} of {recipe.octave_n * recipe.iter_n} steps"
        title = f"{start.source.name} dreaming {recipe.dreams_with}"
        for target in targets:
            figure = account_of_one(ctx, start, target, dreamer, recipe)
            style.write(sheet, target, figure, title, f"Interrupted {outcome}." if outcome else "", sidecar)
        note = account_of_one(ctx, start, written[-1], dreamer, recipe).to_json()
        for film in films:
            video.write_video(film, history.frames(fps), fps, quality, note)
            if sidecar:
                write_text(sidecar_of(film), f"{note}\n")
        if outcome is not None:
            raise interruption(f"wrote {' and '.join(map(str, written))} {outcome}")
        if not quiet:
            for target in written:
                click.echo(f"wrote {target}", err=True)


def iterations(at: str | None, iter_n: int) -> list[int]:
    """Give the iterations to show, counted from 1: those that are named, or 1, 2, 5, 10 and so on, and the last."""
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


class History:
    """The pictures of a dream as it goes on.

    Parameters
    ----------
    sheet : Sheet
        Takes those that are shown.
    shown : list of int
        Iterations, counted from 1.
    octave_n : int
    size : (height, width)
        Of frames.
    folder : Path or None
        Takes every picture, for a film: memory would not hold them all.
    """

    def __init__(self, sheet: Sheet, shown: list[int], octave_n: int, size: Size, folder: Path | None) -> None:
        self._octave_n = octave_n
        self._sheet = sheet
        self._shown = shown
        self._size = size
        self._folder = folder
        self._frames: list[Path] = []

    def step(self, octave: int, iteration: int, image: Array) -> None:
        """Keep a picture."""
        pixels = to_pixels(image)
        height, width = pixels.shape[:2]
        if iteration + 1 in self._shown:
            column = self._shown.index(iteration + 1)
            if self._octave_n == 1:
                label, note = _after(iteration + 1), ""
            else:  # the columns' headings tell the iteration
                label, note = (f"octave {octave + 1}", f"{width}×{height} pixels") if column == 0 else ("", "")
            self._sheet.add(pixels, label, note, place=octave * len(self._shown) + column)
        if self._folder is not None:
            path = self._folder / f"{len(self._frames):06d}.png"
            write_image(path, pixels)
            self._frames.append(path)

    def frames(self, fps: float) -> Iterator[Picture]:
        """Give the pictures of a film, all of one size, the last for longer."""
        held = repeat(self._frames[-1], round(_HELD * fps))
        for path in chain(self._frames, held):
            frame = Image.fromarray(read_image(path))
            height, width = self._size
            yield np.asarray(frame.resize((width, height), Image.Resampling.BICUBIC))


class _Keeping(Progress):
    """A bar that keeps the picture of each step in a history."""

    def __init__(self, history: History, *args: Any) -> None:
        super().__init__(*args)
        self._history = history

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count it and keep it."""
        super().step(octave, iteration, image)
        self._history.step(octave, iteration, image())
