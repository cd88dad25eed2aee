"""`pydream octaves`: what each octave of a dream starts from, what it adds, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import click
import numpy as np

from ...dream.images import as_shown
from ...dream.notebook import DreamInterrupted
from ...media import Sheet, fitting_width
from ...net import Array
from ...record.command import option_words
from ...record.recipe import Recipe
from ..errors import interruption
from ..figures import Style, figure_of, figure_options
from ..help import Command
from ..input import InputPicture, Resizing, Source, SourceType, claim_targets, one_target, unnamed_target
from ..job import prepare
from ..options import (
    PICTURE_FILES,
    dreaming_options,
    force_option,
    last_options,
    option,
    output_option,
    size_options,
)
from ..ranges import FiniteRange
from ..signals import uninterrupted

HEADINGS = ("Base", "Detail", "Sum")
_COPIES = 5.5  # arrays of the picture's size: base and sum of every octave, and what is worked out of the largest
_GREY = 128
_GAINS = (16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.25)
_CUT = 0.03  # of the values of the details may be too large to be shown


class Octave(NamedTuple):
    """An octave of a dream."""

    base: Array
    image: Array

    @property
    def detail(self) -> Array:
        """What was dreamt into the base, by this octave and those below it."""
        return self.image - self.base


@click.command("octaves", cls=Command)
@click.argument("input", type=SourceType())
@output_option(f"{PICTURE_FILES}, or -", beside="octaves.png")
@option(
    "--gain",
    "Gain of the details, shown around mid-grey.  [default: what fits]",
    FiniteRange(min=0, max=1000, min_open=True),
)
@dreaming_options
@size_options
@figure_options
@force_option
@last_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: list[Source],
    output: str | None,
    gain: float | None,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Dream on INPUT, and show the octaves: for each its base, the detail dreamt into it, and their sum.

    INPUT is a picture, - for one from standard input, or noise, also as noise:640x480. Every picture is shown at the
    same width, with its size in the label. Ctrl-C ends the dream and writes a figure of the octaves that are done.

    \b
    pydream octaves sky.jpg -o octaves.png
    pydream octaves sky.jpg -o octaves.png --preset report --layer fire5/concat --theme dark
    """  # noqa: D301 (click's mark for a block to leave as it is)
    style = Style.taken(options)
    (source,) = input
    target = unnamed_target(source) if output is None else one_target(output, None)
    target.check()
    claim_targets([target], sidecar)
    start = InputPicture.read(source, Resizing.taken(options))
    options = start.params(options)
    count = options["octave_n"]
    sheet = style.sheet(3, fitting_width(3, count, start.size), HEADINGS)
    sheet.check(3 * count, start.size)

    with uninterrupted(done_then=True):
        job = prepare(sidecar=sidecar, quiet=quiet, **options)
        job = job.chosen_on(start.picture, source.name)
        recipe = job.tiled(job.recipe, start.size, copies=_COPIES)
        octaves: list[Octave] = []
        stopped = False
        with job.bar(start.size) as bar:
            bar.octave = lambda octave, base, image: octaves.append(Octave(base(), image()))  # type: ignore[method-assign]
            try:
                job.dream(recipe, start.picture, bar)
            except DreamInterrupted:
                if not octaves:
                    raise
                stopped = True
        words = option_words({"--gain": gain}) + style.words
        gain = fitting_gain(octaves) if gain is None else gain
        for number, octave in enumerate(octaves, start=1):
            _add(sheet, number, octave, gain, recipe)
        figure = figure_of(job, "octaves", start, target, recipe, words)
        more = f"Detail: what was dreamt in this octave and those above it, × {gain:g}, around mid-grey."
        style.write(sheet, target, figure, f"Octaves of {source.name}, {recipe.dreams_with}", more, sidecar)
        if stopped:
            raise interruption(f"wrote {target} with {len(octaves)} of {count} octaves")
    job.say(f"wrote {target}")


def fitting_gain(octaves: Sequence[Octave]) -> float:
    """Return the largest gain with which hardly a detail is too strong to be shown."""
    strongest = max(float(np.quantile(np.abs(octave.detail), 1 - _CUT)) for octave in octaves)
    return next((gain for gain in _GAINS if gain * strongest < _GREY), _GAINS[-1])


def _add(sheet: Sheet, number: int, octave: Octave, gain: float, recipe: Recipe) -> None:
    """Put an octave's three pictures on the sheet, in a row."""
    height, width, _ = octave.base.shape
    detail = octave.detail
    sheet.add(octave.base, f"octave {number}", f"{width}×{height} pixels")
    sheet.add(_GREY + gain * detail, f"× {gain:g}", f"{np.abs(detail).mean():.1f} levels on average")
    sheet.add(as_shown(octave.image, recipe.clip, recipe.stretch), "")
