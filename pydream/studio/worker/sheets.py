"""Dreams beside each other, of an order of the kind "sweep"; each is kept, so that it goes on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import asdict, replace

from ...dream.octaves import Size
from ...dream.watch import View
from ...dream.work import Work
from ...errors import PydreamError
from ...files import make_folder, read_file, write_text
from ...media import DPI, LONGEST_NOTE, Sheet, fitting_columns, read_image, write_image
from ...picture import Picture
from ...record.figures import in_words
from ...record.provenance import Figure, LooksFigure, NetFacts, pixels_sha256
from ...record.recipe import Recipe
from ...runtime.geometry import survey_at
from ...zoo.load import read_graph
from ..axes import with_value
from ..messages import Finished, Run
from ..orders import Axis, Order
from .dreams import save
from .orders import Ordered, Start, Wanted
from .previews import Previews
from .task import Task, in_a_line

_COMMAND = "pydream studio"  # that makes a sheet of two parameters; `pydream sweep` makes one of layers


class Cell(NamedTuple):
    """A dream on a sheet: the text below it, and its order."""

    label: str
    order: Order


@dataclass
class _Made:
    """What has been made so far."""

    sheet: Sheet
    first: Ordered | None = None
    recipes: dict[int, Recipe] = field(default_factory=dict)  # by their places
    networks: dict[str, NetFacts] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


class _OnSheet(Previews):
    """Shows the dream that grows in its place on the sheet."""

    def __init__(
        self, task: Task[Run], dreams: Sequence[Work], what: Callable[[int], str], place: Callable[[Any], Picture]
    ) -> None:
        super().__init__(task, dreams, what)
        self._place = place

    def show(self, image: View) -> None:
        """Show the sheet with this picture on it."""
        super().show(lambda: self._place(image()))


def run(task: Task[Run]) -> Finished:
    """Make the dreams of a sheet, and lay them out; when it is stopped, those that there are."""
    begun = monotonic()
    message, order = task.message, replace(task.message.order, kind="dream", rows=None, columns=None)
    axes = [axis for axis in (task.message.order.rows, task.message.order.columns) if axis is not None]
    start = Wanted.of(order).start(message.picture, message.names.get("picture", ""))
    cells, columns, headings = _laid_out(order, axes, start.size)
    made = _Made(Sheet(columns, headings=headings))
    made.sheet.check(len(cells), start.size)
    works = [_work(cell.order, start) for cell in cells]
    task.began(sum(each.steps for each in works))
    make_folder(Path(message.folder) / "cells")
    number = 0

    def placed(picture: Any) -> Picture:
        made.sheet.add(picture, cells[number].label, place=number)
        return made.sheet.draw()

    watch = _OnSheet(task, works, lambda each: cells[each].label, placed)
    try:
        for number, cell in enumerate(cells):
            if not _kept(message, number).with_suffix(".png").exists():  # one that is there is shown
                watch.passed(number)
            _dream(message, number, cell, made, watch)
        watch.passed(len(cells))
    except KeyboardInterrupt:
        if not made.recipes or not task.keeps:
            raise
        if number not in made.recipes:
            made.sheet.add(None, cells[number].label, reason="stopped", place=number)
    if made.first is None:
        raise PydreamError(made.errors[0])
    left = len(cells) - len(made.recipes) - len(made.errors)
    file = Path(f"{message.output}.png")
    facts = _write(file, made, made.first, [cell.label for cell in cells], axes, left)
    facts |= {"seconds": round(monotonic() - begun, 3)}
    return Finished(task=task.id, files={"png": str(file)}, facts=facts, stopped=left > 0)


def _laid_out(order: Order, axes: Sequence[Axis], size: Size) -> tuple[list[Cell], int, list[str]]:
    """Return the dreams row by row, how many columns they have, and what stands above these."""
    if len(axes) == 2:
        rows, columns = axes
        cells = [
            Cell(_named(rows, row), with_value(with_value(order, rows.parameter, row), columns.parameter, column))
            for row in rows.values
            for column in columns.values
        ]
        return cells, len(columns.values), [_named(columns, value) for value in columns.values]
    if axes:
        (axis,) = axes
        cells = [Cell(_named(axis, value), with_value(order, axis.parameter, value)) for value in axis.values]
    else:
        fields = {name: value for name, value in order.recipe.items() if name not in ("end", "objective")}
        order = replace(order, classes=(), recipe=fields)
        graph = read_graph(Wanted.of(order).model)
        layers = [each.name for each in survey_at(graph, size) if each.dreamable and not each.fixed]
        cells = [Cell(name, with_value(order, "layer", name)) for name in layers]
    return cells, fitting_columns(len(cells), size), []


def _named(axis: Axis, value: float | str) -> str:
    shown = value if isinstance(value, str) else f"{value:g}"
    return f"{axis.parameter.replace('_', ' ')} {shown}"


def _work(order: Order, start: Start) -> Work:
    """Return what a dream's steps cost, before its network is loaded."""
    wanted = Wanted.of(order)
    params = wanted.look.params_for(start.size if start.picture is None else start.picture.shape[:2], wanted.resizing)
    fields = {name: value for name, value in params.items() if name in Recipe.__struct_fields__ and name != "end"}
    recipe = Recipe(**{**fields, "end": "", "seed": 0})
    return Work.of(recipe.sizes(*start.size), recipe.iter_n)


def _kept(message: Run, number: int) -> Path:
    """Return where a dream of the sheet is kept, without the suffix."""
    return Path(message.folder) / "cells" / f"{number:03}"


def _dream(message: Run, number: int, cell: Cell, made: _Made, watch: Previews) -> None:
    """Make a dream, or take the one that an earlier run has made; the sheet says why there is none."""
    kept = _kept(message, number)
    file, recipe_file = kept.with_suffix(".png"), kept.with_suffix(".json")
    try:
        resumed = (
            msgspec.json.decode(read_file(recipe_file, LONGEST_NOTE), type=Recipe) if recipe_file.exists() else None
        )
        ordered = Ordered.of(replace(message, order=cell.order, output=str(kept), resumed=resumed))
        recipe = ordered.tiled()
        if file.exists():
            pixels = read_image(file)
        else:
            write_text(recipe_file, msgspec.json.encode(recipe).decode())
            pixels = ordered.prepared.dream(recipe, ordered.start.picture, watch)
            save(ordered, file, recipe, pixels)
    except (PydreamError, ValueError) as error:
        line = in_a_line(error)
        made.errors.append(line)
        made.sheet.add(None, cell.label, reason=line, place=number)
    else:
        made.first = made.first or ordered
        made.recipes[number] = ordered.prepared.as_recorded(recipe)
        made.networks[ordered.prepared.network.name] = ordered.prepared.network
        made.sheet.add(pixels, cell.label, place=number)


def _write(
    file: Path, made: _Made, first: Ordered, labels: Sequence[str], axes: Sequence[Axis], left: int
) -> dict[str, Any]:
    """Write the sheet with its record; return its facts."""
    recipes, prepared, name = made.recipes, first.prepared, first.start.facts.name
    recipe = next(iter(recipes.values()))
    if len({each.tile for each in recipes.values()}) > 1:
        recipe = replace(recipe, tile=None)
    more = f"Stopped: {left} of {len(labels)} dreams are not here." if left else ""
    shared = {
        "figure": "sweep",
        "recipe": recipe,
        "layers": [[each.dreams_with for each in recipes.values()]],
        "networks": list(made.networks.values()),
        "versions": prepared.network.library_versions,
        **asdict(prepared.ingredients(first.start.facts)),
    }
    command = None
    if axes:
        title = f"{name}: {' and '.join(axis.parameter.replace('_', ' ') for axis in axes)}"
        looks = {f"{place} {labels[place]}": each for place, each in recipes.items()}
        note = LooksFigure(command=_COMMAND, looks=looks, **shared).to_json()
        if len(note) > LONGEST_NOTE:
            note = Figure(command=_COMMAND, **shared).to_json()
        caption = more
    else:
        title = f"{name} through {prepared.network.name}"
        command = prepared.command_line("sweep", [first.start.word, "-o", file.name], recipe, layers=())
        figure = Figure(command=command, **shared)
        note, caption = figure.to_json(), f"{in_words(figure)}\n{more}".strip()
    pixels = made.sheet.draw(title, caption)
    write_image(file, pixels, note, DPI)
    height, width = pixels.shape[:2]
    return {"width": width, "height": height, "sha256": pixels_sha256(pixels), "command": command}
