"""`pydream bench`: what this machine makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import msgspec
from tqdm import tqdm

from ...bench.network import Subject
from ...bench.plot import FORMATS, matplotlib, write_plot
from ...bench.report import FULL, QUICK, BenchReport, as_json, as_text, measure
from ...dream.octaves import Size
from ...files import check_place, reason
from ..errors import debug_option
from ..help import Command
from ..network import hush, weights_option
from ..options import image_size_option, json_option, layer_option, model_option, quiet_option
from ..progress import Bar
from ..signals import between_steps, uninterrupted


def plot_path(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Check where a plot goes, before anything is measured."""
    if value is None:
        return None
    if value.suffix.lower() not in FORMATS:
        raise click.BadParameter(f"'{value}' does not end in {', '.join(FORMATS)}", ctx, param)
    try:
        check_place(value)
    except OSError as error:
        raise click.BadParameter(f"cannot write '{value}': {reason(error)}", ctx, param) from error
    return value


@click.command("bench", cls=Command)
@model_option()
@weights_option
@layer_option()
@image_size_option("1024x575, 373x210 and 2048x1150", multiple=True)
@click.option("--quick", is_flag=True, help="A rough measurement: one small size, few repeats, a short dream.")
@json_option
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    callback=plot_path,
    metavar="FILE",
    help="Plot of the results: a .png, .svg or .pdf file.",
)
@quiet_option
@debug_option
@click.pass_context
def command(
    ctx: click.Context,
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

    The C++ is timed against the notebook's NumPy, the network against the floor of its arithmetic, and a dream is
    split into where its time and memory go. Candidates take turns, after a check that their results are the same. Only
    ratios within one run count; times on a busy machine say little. Of several --image-size the dream has the first.

    \b
    pydream bench --plot bench.png
    """  # noqa: D301 (click's mark for a block to leave as it is)
    if plot is not None:
        matplotlib()  # says now if it is missing
    plan = QUICK if quick else FULL
    if image_size:
        plan = replace(plan, sizes=list(dict.fromkeys(image_size)))
    hush()
    with uninterrupted():
        subject = Subject.find(model, weights, layer)
        with Line(quiet) as line:
            report = measure(subject, plan, line.tell)
    tell(report, json)
    if plot is not None:
        write_plot(report, plot)
        if not quiet:
            click.echo(f"wrote {plot}", err=True)


def tell(report: BenchReport, json: bool) -> None:
    """Print a report."""
    if json:
        click.echo(msgspec.json.format(msgspec.json.encode(as_json(report)), indent=2))
    else:
        click.echo(as_text(report))


class Line(Bar):
    """What is being measured, in a line on stderr, where that is a terminal."""

    def __init__(self, quiet: bool) -> None:
        self._bar = tqdm(
            bar_format="{n_fmt}/{total_fmt} |{bar:20}| {elapsed}  {desc}",
            dynamic_ncols=True,
            disable=True if quiet else None,  # None: where stderr is no terminal
            leave=False,
        )

    def tell(self, done: int, of: int, what: str) -> None:
        """Show how much is done of how much, and what comes next; let Ctrl-C in."""
        self._bar.total = of
        self._bar.n = done
        self._bar.set_description_str(what)
        between_steps()
