"""`pydream bench`: measurements of this machine."""

from __future__ import annotations

from dataclasses import replace
from json import dumps
from pathlib import Path

import click

from ...bench.network import Subject
from ...bench.plot import FORMATS, matplotlib, write_plot
from ...bench.report import FULL, QUICK, as_json, as_text, measure
from ...dream.octaves import Size
from ..help import Command
from ..job import quiet_tensorflow
from ..options import (
    force_option,
    image_size_option,
    json_option,
    layer_option,
    model_option,
    option,
    quiet_option,
    weights_option,
)
from ..places import claim
from ..progress import Bar
from ..signals import interruptible, uninterrupted
from ..streams import echo


def _plot_path(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in FORMATS:
        raise click.BadParameter(f"'{path}' does not end in {', '.join(FORMATS)}")
    return path


@click.command("bench", cls=Command)
@model_option()
@weights_option
@layer_option()
@image_size_option("1024x575, 373x210, 2048x1150; image operations also 64x48, 768x512", multiple=True)
@option("--quick", "A rough measurement: one small size, few repeats, a short dream.", is_flag=True)
@json_option
@option("--plot", "Plot of the results: a .png, .svg or .pdf file.", _plot_path, metavar="FILE")
@force_option
@quiet_option
def command(
    model: str,
    weights: Path | None,
    layer: str | None,
    image_size: tuple[Size, ...],
    quick: bool,
    json: bool,
    plot: Path | None,
    quiet: bool,
) -> None:
    """Measure this machine: image operations, network and a whole dream, in under two minutes.

    The C++ is timed against the notebook's NumPy, alone and inside a running dream, the network against the floor of
    its arithmetic, and a dream is split into where its time and memory go. Candidates take turns, after a check that
    their results are the same. Only ratios within one run count; times on a busy machine say little. Of several
    --image-size the dream has the first.

    \b
    pydream bench --plot bench.png
    """  # noqa: D301 (click's mark for a block to leave as it is)
    if plot is not None:
        claim([plot], "'--plot'")
        matplotlib()  # raises now if it is missing
    plan = QUICK if quick else FULL
    if image_size:
        plan = replace(plan, sizes=list(dict.fromkeys(image_size)), more_sizes=())
    quiet_tensorflow()
    with uninterrupted():
        with interruptible():
            subject = Subject.find(model, weights, layer)
        with Bar(quiet, bar_format="{n_fmt}/{total_fmt} |{bar:20}| {elapsed}  {desc}") as bar:
            report = measure(subject, plan, bar.show)
    if plot is not None:
        write_plot(report, plot)
    echo(*(dumps(as_json(report), indent=2) if json else as_text(report)).split("\n"))
    if plot is not None and not quiet:
        echo(f"wrote {plot}", err=True)
