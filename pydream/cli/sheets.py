"""A sheet of dreams that differ, or a page: one after the other, network by network, and what has come of each."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import click

from ..cluster.workers import Cluster
from ..easy.prediction import Seen
from ..media import Gallery, Sheet
from ..picture import Picture, to_pixels
from ..record.frames import earlier_recipe
from ..record.made import is_record
from ..record.names import quoting_names
from ..record.recipe import Recipe
from ..runtime.geometry import survey_at
from ..runtime.net import Net
from .errors import Failed, interruption, one_line, print_error
from .figures import FigureDreams
from .folders import check_own
from .input import InputPicture, Size, Target, claim_targets
from .job import Job
from .places import claim_folder, forced
from .progress import Plan, Plans
from .signals import uninterrupted
from .streams import echo
from .workers import WorkerOptions, start_workers

_TOP = 3  # classes below a dream


@dataclass(frozen=True, eq=False)
class Cell:
    """A dream's place on the sheet, and where it goes besides.

    Attributes
    ----------
    model : str
        The network, as it is named on the command line.
    label, note : str
        The text below the picture.
    place : int
        Counted from 0, row by row.
    file : str
        What its dream's file is called after, in the command that makes it.
    target : Target, optional
        A file of its own.
    """

    model: str
    label: str
    note: str
    place: int
    file: str
    target: Target | None = None


@dataclass
class DreamSheet:
    """Dreams on a sheet, or on a page, as far as they can be made.

    Attributes
    ----------
    what : str
        Noun for one of them.
    recipe : callable
        A job and a cell → the dream's recipe, without its tiles.
    command : callable
        A job, a cell, the dream's recipe and the file to write → the command that makes it alone, for this folder.
    failed : int
        How many could not be made.
    jobs : list of Job
        One for each network.
    done : list of Cell
    recipes : dict of Cell to Recipe
        Of the dreams, as they were made.
    seen : list of Seen
        What each network with classes takes the picture for before it dreams; for a page.
    """

    ctx: click.Context
    start: InputPicture
    sheet: Sheet | Gallery
    what: str
    resume: bool
    workers: WorkerOptions | None
    recipe: Callable[[Job, Cell], Recipe]
    command: Callable[[Job, Cell, Recipe, str], str]
    failed: int = 0
    jobs: list[Job] = field(default_factory=list)
    done: list[Cell] = field(default_factory=list)
    recipes: dict[Cell, Recipe] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    @property
    def said(self) -> list[str]:
        """Lines about what the networks see, for a page's caption."""
        lines = [each.line(_TOP) for each in self.seen]
        return (
            [*lines, "Below each dream: what its network takes it for, and how probable that was before."]
            if lines
            else []
        )

    def make(
        self, cells: list[Cell], load: Callable[[Cell], Job], write: Callable[[], str], target: Target, quiet: bool
    ) -> None:
        """Dream for all cells, as `_run` does, and `write` what there is to the target, which returns what it is."""
        with uninterrupted(done_then=True):
            interrupted = self._run(cells, load)
            outcome = write()
            if interrupted:
                raise interruption(f"{outcome}{'; --resume continues' if cells[0].target else ''}")
            if not quiet:
                echo(f"wrote {target}", err=True)
            if self.failed:
                what = f"{self.failed} of {len(cells)} {self.what}s could not be dreamt with"
                raise Failed(f"{what}; the sheet tells why")

    def _run(self, cells: list[Cell], load: Callable[[Cell], Job]) -> bool:
        """Dream for all cells, which stand network by network; return whether Ctrl-C left some.

        `load` makes the job of a network, for the first cell of it.
        """
        try:
            with start_workers(self.workers) as cluster:
                for _, of_one in groupby(cells, key=lambda cell: cell.model):
                    mine = list(of_one)
                    self._network(load(mine[0]), mine, cluster)
        except KeyboardInterrupt:
            if not self.done:
                raise
            return True
        if not self.done:
            raise Failed(f"no {self.what} could be dreamt with: nothing was written")
        return False

    def _network(self, job: Job, cells: list[Cell], cluster: Cluster | None) -> None:
        """Dream for the cells of one network: one that fails costs itself only."""
        if self.workers is not None:
            job = replace(job, memory=self.workers.memory(job.memory))
        facts, size = job.network, self.start.size
        count = f"{len(cells)} {self.what}{'' if len(cells) == 1 else 's'}"
        heading = f"{facts.name}, {count} on {facts.device}, {facts.dtype}, seed {job.recipe.seed}"
        job = replace(job, heading=heading)
        self.jobs.append(job)
        planned = {cell: self.recipe(job, cell) for cell in cells}
        before = self._seen_before(job, planned[cells[0]])
        plans = _plans(job, list(planned.values()), size)
        bar = (
            Plans(job.title, plans, job.quiet, self.what)
            if cluster is None
            else job.done_bar(cluster, len(cells), self.what)
        )
        with bar as progress:

            def recipe(cell: Cell) -> Recipe:
                with progress.aside():
                    found = replace(job, recipe=planned[cell]).tiled(planned[cell], size, of=cell.label)
                self.recipes[cell] = job.as_recorded(found)
                return found

            def save(cell: Cell, recipe: Recipe, pixels: Picture) -> None:
                assert cell.target is not None
                job.save(cell.target, self.start, recipe, pixels)

            dreams = FigureDreams(
                job=job, start=self.start, recipe=recipe, target=lambda cell: cell.target, save=save,
                resume=self.resume,
            )  # fmt: skip
            for number, (cell, outcome) in enumerate(dreams.each(cells, progress, cluster), start=1):
                try:
                    pixels = outcome.get()
                except Exception as error:
                    with progress.aside():
                        print_error(self.ctx, error, cell.label)
                    self.sheet.add(None, cell.label, cell.note, quoting_names(one_line(error).message), cell.place)
                    self.failed += 1
                else:
                    self._show(job, cell, pixels, before)
                    self.done.append(cell)
                progress.passed(number)

    def _seen_before(self, job: Job, recipe: Recipe) -> Seen | None:
        """Show a network what its dreams start from, if a page is to say what it sees."""
        if isinstance(self.sheet, Sheet):
            return None
        picture = to_pixels(recipe.start(self.start.picture)[0])
        seen = Seen.if_any(job.net, self.start.source.name, picture)
        self.seen += [] if seen is None else [seen]
        return seen

    def _show(self, job: Job, cell: Cell, pixels: Picture, before: Seen | None) -> None:
        """Put a dream on the sheet; a page has the command that makes it, and what the network takes it for, too."""
        if isinstance(self.sheet, Sheet):
            self.sheet.add(pixels, cell.label, cell.note, place=cell.place)
        else:
            command = self.command(job, cell, self.recipes[cell], f"{self.start.source.stem}-{cell.file}.png")
            seen = None if before is None else Seen.if_any(job.net, cell.label, to_pixels(pixels))
            shares = [] if seen is None else seen.shares(_TOP, before)
            self.sheet.add(pixels, cell.label, cell.note, place=cell.place, command=command, shares=shares)


def _plans(job: Job, recipes: list[Recipe], size: Size) -> list[Plan]:
    """Plan the dreams of a network for the bar: with the layers' costs, where all are known."""
    facts = survey_at(job.net.graph, size) if isinstance(job.net, Net) else []
    macs_to = {each.name: each.macs_to or 0 for each in facts}
    ends = [recipe.score.ends if recipe.score else [recipe.end] for recipe in recipes]
    costs = [max(macs_to.get(end, 0) for end in each) for each in ends]
    return [Plan.of(recipe, size, cost if all(costs) else None) for recipe, cost in zip(recipes, costs, strict=True)]


def claim_pictures(cells: Iterable[Cell], folder: Path | None, sidecar: bool, resume: bool) -> list[Path]:
    """Claim the files of dreams in the folder of --pictures, which is claimed; return those that an earlier run left.

    Raises
    ------
    click.BadParameter
        If there are some, without --resume and --force; or others' files, with --force.
    """
    targets = [cell.target for cell in cells if cell.target is not None]
    claim_targets(targets, sidecar, "'--pictures'", made=True)
    existing = [each.path for each in targets if each.path is not None and each.exists()]
    check_own([*existing, *(each.sidecar for each in targets if sidecar)], is_record, "'--pictures'")
    if existing and not (resume or forced()):
        raise click.BadParameter(
            f"'{folder}' holds such pictures already: --resume continues with them, --force replaces them",
            param_hint="'--pictures'",
        )
    return existing


def claim_sheet(target: Target, pictures: Path | None, sidecar: bool, resume: bool) -> None:
    """Claim a sheet's file, and the folder of --pictures; refuse --resume without pictures that could be resumed."""
    if resume and (forced() or pictures is None):
        raise click.BadParameter("it continues with what is in --pictures; --force would not", param_hint="'--resume'")
    target.check()
    claim_targets([target], sidecar)
    if pictures is not None:
        claim_folder(pictures, "'--pictures'")


def seed_of(given: int | None, existing: Iterable[Path], resume: bool) -> int:
    """Return the seed of all dreams: the given one, that of a run that is resumed, or a new one."""
    if given is not None:
        return given
    earlier = earlier_recipe(existing) if resume else None
    return secrets.randbelow(2**32) if earlier is None else earlier.seed
