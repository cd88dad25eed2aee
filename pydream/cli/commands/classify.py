"""`pydream classify`: what a network takes pictures for, or one picture before and after a dream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json import dumps
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from ...easy.prediction import Prediction, check_classes, most_probable, probabilities
from ...formats import InputSpec
from ...media import Share, fitting_width
from ...net import Array, Net
from ...picture import Picture, to_pixels
from ...record.command import option_words
from ...table import aligned
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
# Options that need no dream.
_ALWAYS = (
    "top json recursive quiet no-sync debug model weights mean pixel-scale channel-order input-node exact dtype runtime"
    " device"
)


class Seen(NamedTuple):
    """What a network takes a picture for: the probability of each of its classes."""

    network: str
    picture: str
    chances: Array

    @classmethod
    def by(cls, net: Net, name: str, picture: Picture) -> Seen:
        """Show a network a picture of that name."""
        return cls(net.name, name, probabilities(net, picture))

    def best(self, top: int) -> list[Prediction]:
        """Return the most probable classes."""
        return most_probable(self.chances, top)

    def as_json(self, top: int) -> dict[str, Any]:
        """Return it with the most probable classes, for JSON."""
        return {
            "network": self.network,
            "picture": self.picture,
            "classes": [each._asdict() for each in self.best(top)],
        }


@click.command("classify", cls=Command)
@click.argument("input", type=SourceType(folders=True), nargs=-1, required=True)
@output_option(f"{PICTURE_FILES}: the pictures before and after --dream, with bars")
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
    after; -o writes both pictures with bars beneath.

    \b
    pydream classify sky.jpg flowers.jpg
    pydream classify sky.jpg --dream --class flamingo
    pydream classify sky.jpg --dream --preset dogs -o classes.png
    """  # noqa: D301 (click's mark for a block to leave as it is)
    sources = expanded([source for sources in input for source in sources], recursive, None)
    if sum(source.given == STANDARD for source in sources) > 1:
        raise bad_value("INPUT", "standard input is one picture")
    if dream:
        if len(sources) > 1:
            raise bad_value("--dream", f"it is for one picture, and there are {len(sources)}")
        _dream(sources[0], output, top, json, options, sidecar=sidecar, quiet=quiet)
        return
    _check_no_dream(ctx, sources)
    _check_outline(options)
    failed: list[str] = []
    found: Iterable[Seen] = _each(ctx, sources, options, failed)
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


def _check_no_dream(ctx: click.Context, sources: Iterable[Source]) -> None:
    """Raise `click.BadParameter` for what only a dream takes."""
    for param in ctx.command.params:
        given = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if given and isinstance(param, click.Option) and long_name(param) not in _ALWAYS.split():
            raise bad_value(f"--{long_name(param)}", "it takes --dream")
    if any(source.noise for source in sources):
        raise bad_value("INPUT", "noise takes --dream, whose seed draws it")


def _check_outline(options: dict[str, Any]) -> None:
    """Raise `UnknownNameError` for a network without classes, before TensorFlow is imported, if its format allows."""
    with interruptible(), of_preset(options["model"], options["weights"]):
        outline = read_outline(options["model"], options["weights"], options["input_node"])
    if outline is not None:
        check_classes(outline)


def _each(ctx: click.Context, sources: list[Source], options: dict[str, Any], failed: list[str]) -> Iterator[Seen]:
    """Yield what the network sees in each picture; of several, one that cannot be read is named, and `failed`."""
    net: Net | None = None
    for source in sources:
        try:
            with interruptible():
                picture = InputPicture.read(source).picture
        except Exception as error:
            if len(sources) == 1:
                raise
            print_error(ctx, error, source.given)
            failed.append(source.given)
            continue
        assert picture is not None
        if net is None:
            spec = InputSpec(*(options[name] for name in ("mean", "pixel_scale", "channel_order", "input_node")))
            network = {name: options[name] for name in ("model", "weights", "dtype", "runtime", "device")}
            net, _ = load(**network, input_spec=spec)
        yield Seen.by(net, source.given, picture)


def _dream(
    source: Source, output: str | None, top: int, json: bool, options: dict[str, Any], *, sidecar: bool, quiet: bool
) -> None:
    """Dream on a picture, and print its classes before and after; write the figure, if there is to be one."""
    style = Style.taken(options)
    if output == STANDARD:
        raise bad_value("--output", "the classes go to standard output; name a file")
    target = None if output is None else one_target(output, None)
    check_sidecar(sidecar, [target])
    if target is not None:
        target.check()
        claim_targets([target], sidecar)
    elif style.words:
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
        sheet.add(picture, source.name, shares=_bars(before, top))
        del picture  # it may fill the memory
        with job.bar(start.size) as bar:
            dream = job.dream(recipe, start.picture, bar)
        after = Seen.by(job.net, "its dream", dream)
        sheet.add(dream, recipe.dreams_with, shares=_bars(after, top))
        words = option_words({"--dream": True, "--top": None if top == _TOP else top})
        if target is not None:
            figure = figure_of(job, "classify", start, target, recipe, [*words, *style.words])
            title = f"What {before.network} takes {source.name} for, before and after a dream"
            style.write(
                sheet, target, figure, title, "Bars: the most probable classes, with their probabilities.", sidecar
            )
    if json:
        classes = [{**each._asdict(), "before": float(before.chances[each.number])} for each in after.best(top)]
        line = job.command_line("classify", [start.source.argument, *words], recipe)
        _print_json([{**before.as_json(top), "dream": {"command": line, "classes": classes}}])
    else:
        _print_beside(before, after, top)
    if target is not None:
        job.say(f"wrote {target}")


def _bars(seen: Seen, top: int) -> list[Share]:
    return [Share(each.shown, each.probability) for each in seen.best(top)]


def _in_words(prediction: Prediction) -> str:
    return f"{_percentage(prediction.probability):>8}  {prediction.shown}"


def _percentage(probability: float) -> str:
    return "<0.01%" if 0 < probability < 0.0001 else f"{probability:.2%}"


def _print_beside(before: Seen, after: Seen, top: int) -> None:
    """Print the classes of two pictures side by side, and what the second one's had in the first."""
    rows = [
        (_in_words(old), _in_words(new), _percentage(before.chances[new.number]))
        for old, new in zip(before.best(top), after.best(top), strict=True)
    ]
    echo(*aligned([(before.picture, after.picture, "before"), *rows], right=[2]))


def _print_json(found: list[dict[str, Any]]) -> None:
    echo(*dumps(found, indent=1).split("\n"))
