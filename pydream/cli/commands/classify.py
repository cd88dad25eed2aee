"""`pydream classify`: what a network takes pictures for, or one picture before and after a dream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from json import dumps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ...easy.prediction import Prediction, Seen, check_classes
from ...formats import InputSpec
from ...media import fitting_width
from ...net import Net
from ...picture import to_pixels
from ...record.command import network_words, option_words, runtime_words, shell_line
from ...record.provenance import NetFacts, SightFigure
from ...table import aligned, percentage
from ...zoo.load import read_outline
from ..errors import Failed, bad_value, print_error
from ..figures import Style, figure_of, figure_options
from ..help import Command, long_name
from ..input import (
    STANDARD,
    InputPicture,
    Resizing,
    Source,
    SourceType,
    Target,
    check_sidecar,
    claim_targets,
    one_target,
)
from ..job import load, prepare
from ..listing import expanded
from ..options import (
    PICTURE_FILES,
    blend_option,
    dreaming_options,
    force_option,
    json_option,
    last_options,
    option,
    output_option,
    recursive_option,
    size_options,
)
from ..preset import of_preset
from ..signals import interruptible, uninterrupted
from ..streams import echo

HEADINGS = ("Before", "After")
_TOP = 5
_LEGEND = "Bars: the most probable classes, with their probabilities."
# Options that need no dream,
_ALWAYS = (
    "top json recursive quiet no-sync debug model weights mean pixel-scale channel-order input-node exact dtype runtime"
    " device output force"
)
# and those of a figure.
_OF_FIGURES = "title caption width dpi theme sidecar"


@click.command("classify", cls=Command)
@click.argument("input", type=SourceType(folders=True), nargs=-1, required=True)
@output_option(f"{PICTURE_FILES}: the pictures before and after, with bars")
@option("--top", "Number of classes, the most probable ones.", click.IntRange(1, 100_000), default=_TOP)
@option("--dream", "A dream on the picture, and the classes before and after it.", is_flag=True)
@recursive_option
@dreaming_options
@size_options
@blend_option
@figure_options
@force_option
@json_option
@last_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: tuple[list[Source], ...],
    output: str | None,
    top: int,
    dream: bool,
    recursive: bool,
    json: bool,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Show what a network takes pictures for: the most probable of its classes.

    INPUT is a picture, a folder of them, or -; two pictures are shown side by side, as before and after. A picture is
    resized to 256x256 pixels, and the network sees the middle, as with Caffe's classify.py --center_only.

    --dream takes the options of `pydream dream`: it dreams on one picture, or noise, and shows the classes before and
    after; -o writes both pictures with bars beneath, as it does of two given pictures.

    \b
    pydream classify sky.jpg flowers.jpg
    pydream classify sky.jpg --dream --class flamingo
    pydream classify sky.jpg --dream --preset dogs -o classes.png
    pydream classify sky.jpg dream.png -o classes.png
    """  # noqa: D301 (click's mark for a block to leave as it is)
    sources = expanded([source for sources in input for source in sources], recursive, None)
    if sum(source.given == STANDARD for source in sources) > 1:
        raise bad_value("INPUT", "standard input is one picture")
    if dream:
        if len(sources) > 1:
            raise bad_value("--dream", f"it is for one picture, and there are {len(sources)}")
        _dream(sources[0], output, top, json, options, sidecar=sidecar, quiet=quiet)
        return
    _check_no_dream(ctx, sources, output)
    style = Style.taken(options)
    target = _target(output, sidecar)
    _check_outline(options)
    loaded, failed = cache(partial(_loaded, options)), list[str]()
    each = _each(ctx, sources, loaded, failed)
    if target is not None:
        both = list(each)
        if not failed:
            words = network_words(loaded()[1], options["model"], options["weights"])
            with uninterrupted(done_then=True):
                _write_beside(both, target, style, words, loaded()[1], top, sidecar)
        each = iter(both)
    found: Iterable[Seen] = (seen for seen, _ in each)
    if json or len(sources) == 2:
        found = list(found)
    if json:
        _print_json([seen.as_json(top) for seen in found])
    elif isinstance(found, list) and len(found) == 2:
        _print_beside(found[0], found[1], top)
    else:
        for seen in found:
            echo(seen.picture, *map(_in_words, seen.best(top)))
    if failed:
        raise Failed(f"{len(failed)} of {len(sources)} pictures failed")
    if target is not None and not quiet:
        echo(f"wrote {target}", err=True)


def _check_no_dream(ctx: click.Context, sources: list[Source], output: str | None) -> None:
    """Raise `click.BadParameter` for what only a dream takes, or a figure."""
    if output is not None and len(sources) != 2:
        raise bad_value("--output", "it takes --dream, or two pictures")
    for param in ctx.command.params:
        given = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if not given or not isinstance(param, click.Option) or (name := long_name(param)) in _ALWAYS.split():
            continue
        if name not in _OF_FIGURES.split():
            raise bad_value(f"--{name}", "it takes --dream")
        if output is None:
            raise bad_value(f"--{name}", "it takes --output")
    if any(source.noise for source in sources):
        raise bad_value("INPUT", "noise takes --dream, whose seed draws it")


def _check_outline(options: dict[str, Any]) -> None:
    """Raise `UnknownNameError` for a network without classes, before TensorFlow is imported, if its format allows."""
    with interruptible(), of_preset(options["model"], options["weights"]):
        outline = read_outline(options["model"], options["weights"], options["input_node"])
    if outline is not None:
        check_classes(outline)


def _target(output: str | None, sidecar: bool) -> Target | None:
    """Claim the figure's file, if there is to be one."""
    if output == STANDARD:
        raise bad_value("--output", "the classes go to standard output; name a file")
    target = None if output is None else one_target(output, None)
    check_sidecar(sidecar, [target])
    if target is not None:
        target.check()
        claim_targets([target], sidecar)
    return target


def _loaded(options: dict[str, Any]) -> tuple[Net, NetFacts]:
    spec = InputSpec(*(options[name] for name in ("mean", "pixel_scale", "channel_order", "input_node")))
    network = {name: options[name] for name in ("model", "weights", "dtype", "runtime", "device")}
    return load(**network, input_spec=spec)


def _each(
    ctx: click.Context, sources: list[Source], loaded: Callable[[], tuple[Net, NetFacts]], failed: list[str]
) -> Iterator[tuple[Seen, InputPicture]]:
    """Yield what the network sees in each picture; of several, one that cannot be read is named, and `failed`."""
    for source in sources:
        try:
            with interruptible():
                start = InputPicture.read(source)
        except Exception as error:
            if len(sources) == 1:
                raise
            print_error(ctx, error, source.given)
            failed.append(source.given)
            continue
        assert start.picture is not None
        yield Seen.by(loaded()[0], source.given, start.picture), start


def _write_beside(
    both: list[tuple[Seen, InputPicture]],
    target: Target,
    style: Style,
    words: list[str],
    network: NetFacts,
    top: int,
    sidecar: bool,
) -> None:
    """Write the figure of two pictures, as before and after; `words` are the options of the network."""
    starts = [start for _, start in both]
    tallest = max((start.size for start in starts), key=lambda size: size[0] / size[1])
    sheet = style.sheet(2, fitting_width(2, 1, tallest), HEADINGS)
    sheet.check(2, tallest)
    for seen, start in both:
        sheet.add(start.picture, start.source.name, shares=seen.shares(top))
    output = f"classify{Path(target.recorded).suffix}"
    line = ["pydream", "classify", *(start.source.argument for start in starts), "-o", output]
    line += [*_words(top), *style.words, *words, *runtime_words(network)]
    facts = [start.facts for start in starts]
    figure = SightFigure(
        figure="classify",
        command=shell_line(line),
        pictures=facts,
        network=network,
        versions=network.library_versions,
    )
    title = f"What {network.name} takes {' and '.join(each.name for each in facts)} for"
    about = "; ".join(f"{each.name}, {each.width}×{each.height} pixels" for each in facts)
    style.write(sheet, target, figure, title, _LEGEND, sidecar, f"{about}. {network.name} in {network.dtype}.")


def _words(top: int) -> list[str]:
    return option_words({"--top": None if top == _TOP else top})


def _dream(
    source: Source, output: str | None, top: int, json: bool, options: dict[str, Any], *, sidecar: bool, quiet: bool
) -> None:
    """Dream on a picture, and print its classes before and after; write the figure, if there is to be one."""
    style = Style.taken(options)
    target = _target(output, sidecar)
    if target is None and style.words:
        raise bad_value(style.words[0], "it takes --output")
    start = InputPicture.read(source, Resizing.taken(options))
    sheet = style.sheet(2, fitting_width(2, 1, start.size), HEADINGS)
    sheet.check(2, start.size)
    _check_outline(options)
    with uninterrupted(done_then=True):
        job = prepare(sidecar=sidecar, quiet=quiet, **start.params(options))
        job = job.chosen_on(start.picture, source.name)
        recipe = job.tiled(job.recipe, start.size)
        picture = to_pixels(recipe.start(start.picture)[0])
        before = Seen.by(job.net, source.given, picture)
        sheet.add(picture, source.name, shares=before.shares(top))
        del picture  # it may fill the memory
        with job.bar(start.size) as bar:
            dream = job.dream(recipe, start.picture, bar)
        after = Seen.by(job.net, "its dream", dream)
        sheet.add(dream, recipe.dreams_with, shares=after.shares(top))
        words = ["--dream", *_words(top)]
        if target is not None:
            figure = figure_of(job, "classify", start, target, recipe, [*words, *style.words])
            title = f"What {before.network} takes {source.name} for, before and after a dream"
            style.write(sheet, target, figure, title, _LEGEND, sidecar)
    if json:
        line = job.command_line("classify", [start.source.argument, *words], recipe)
        _print_json([{**before.as_json(top), "dream": {"command": line, "classes": after.classes(top, before)}}])
    else:
        _print_beside(before, after, top)
    if target is not None:
        job.say(f"wrote {target}")


def _in_words(prediction: Prediction) -> str:
    return f"{percentage(prediction.probability):>8}  {prediction.shown}"


def _print_beside(before: Seen, after: Seen, top: int) -> None:
    """Print the classes of two pictures side by side, and what the second one's had in the first."""
    rows = [
        (_in_words(old), _in_words(new), percentage(before.chances[new.number]))
        for old, new in zip(before.best(top), after.best(top), strict=True)
    ]
    echo(*aligned([(before.picture, after.picture, "before"), *rows], right=[2]))


def _print_json(found: list[dict[str, Any]]) -> None:
    echo(*dumps(found, indent=1).split("\n"))
