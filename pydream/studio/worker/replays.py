"""A picture made again from its record: with pictures that are here, and in the blocks that it was made in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...dream.watch import View, Watch
from ...dream.work import Work
from ...dream.zoom import ZOOM_COPIES
from ...easy.others import Others, registered
from ...easy.preparation import Prepared, SidePicture, keep_beside, keep_loaded
from ...errors import ProvenanceError, PydreamError
from ...files import start_of
from ...formats import InputSpec
from ...media import read_image, read_samples
from ...media.video import is_film
from ...picture import Picture
from ...record.names import NOISE
from ...record.provenance import DreamAccount, PictureFacts, parse, picture_facts, read_provenance
from ...record.replay import compare, long_work, start_size
from ...zoo.registry import find_network
from ..folder import read_entry
from ..messages import Finished, ReplayPicture
from .previews import Previews
from .task import Task

_LOSSLESS_STARTS = (b"\x89PNG", b"II*\0", b"MM\0*")
_LOSSLESS_NAMES = (".png", ".tif", ".tiff")


def replay(task: Task[ReplayPicture]) -> Finished:
    """Dream as a picture's record says, and say whether the same comes."""
    given = task.message
    path, known = Path(given.picture), Path(given.known)
    made = parse(given.account) if given.account is not None else _read(path)
    entry = find_network(made.network.name)
    start = None if made.input.name == NOISE else _find("picture", made.input, known)
    guide, mask = (
        None if facts is None else SidePicture(facts.name, _find(role, facts, known))
        for role, facts in (("guide", made.guide), ("mask", made.mask))
    )
    size = start_size(made, start)
    if (line := long_work(made, size)) is not None:
        raise ProvenanceError(f"{line}: `pydream replay --yes` does it")
    facts = made.network
    exact = facts.dtype == "float64"  # elsewhere blocks decide pixels: it is made in those that it was made in
    run = facts.dtype, facts.known_runtime, "auto"
    net, network = keep_loaded(entry.name, None, *run, facts.input_spec)
    words = registered(made.recipe.also)
    others = Others.load(words, lambda name: keep_beside(name, None, *run, InputSpec()))
    prepared = Prepared(
        net=net,
        network=network,
        model=entry.name,
        recipe=made.recipe if start is None else msgspec.structs.replace(made.recipe, noise=None),
        guide=guide,
        mask=mask,
        others=others,
        tile=made.recipe.tile,
        memory=given.memory if exact else None,
    )
    side, _ = prepared.in_tiles(size, copies=0 if made.recipe.loop is None else ZOOM_COPIES)
    recipe = msgspec.structs.replace(prepared.recipe, tile=side)
    frames = range(1 if recipe.loop is None else recipe.loop.frame + 1)
    work = recipe.by_octaves(frames, lambda each: Work.of(each.sizes(*size), each.iter_n))
    task.began(sum(each.steps for each in work), recipe, made.command)
    previews = Previews(task, work)
    pixels = prepared.dream(recipe, start, previews if len(work) == 1 else _Frames(previews, work))
    now = prepared.record(made.command, recipe, made.input if start is None else _named(made.input, start), pixels)
    file = None if is_film(path) else read_samples(path)
    lossless = _is_lossless(path) and (file is None or file.dtype == pixels.dtype)  # what was sent is kept with 8 bits
    outcome = compare(made, now, pixels, file, lossless)
    why = "; ".join((outcome.compared, *outcome.reasons))
    return Finished(task=task.id, facts={"identical": outcome.identical, "why": why})


def _read(path: Path) -> DreamAccount:
    """Read the record of a file, which was sent under no name."""
    try:
        return read_provenance(path)
    except PydreamError as error:
        raise ProvenanceError(str(error).replace(str(path), "the picture")) from error


class _Frames(Watch):
    """The watch of a zoom loop's frames, one after the other."""

    def __init__(self, previews: Previews, work: Sequence[Work]) -> None:
        self._previews, self._work = previews, work
        self._number = self._done = 0  # the frame, and its steps so far
        self.tile = previews.tile  # type: ignore[method-assign]

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count, and go to the next frame where one is over."""
        self._previews.step(octave, iteration, image)
        self._done += 1
        if self._done == self._work[self._number].steps:
            self._number, self._done = self._number + 1, 0
            self._previews.passed(self._number)


def _named(facts: PictureFacts, pixels: Picture) -> PictureFacts:
    return picture_facts(facts.name, pixels)


def _find(role: str, facts: PictureFacts, known: Path) -> Picture:
    """Return the picture of these pixels; `ProvenanceError` where it is not here."""
    path = known / f"{facts.sha256}.png"
    if facts.sha256 is None or not path.is_file():
        line = f"the {role} that it was made with is not here: send {facts} first"
        raise ProvenanceError(line)
    return read_image(path)


def _is_lossless(path: Path) -> bool:
    """Return whether a file has the pixels that were made; one that was kept is a .png, whatever it was sent as."""
    entry = read_entry(path.with_suffix(".json"))
    if entry is None:
        return start_of(path, 4) in _LOSSLESS_STARTS
    return Path(entry.name).suffix.lower() in _LOSSLESS_NAMES
