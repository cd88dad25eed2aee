"""A zoom loop is made frame by frame into a folder: a stopped one goes on, and what was lost is made again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from msgspec.structs import asdict

from ..dream.images import noise
from ..dream.light import Light
from ..dream.octaves import Size
from ..dream.watch import Watch
from ..dream.zoom import ZOOM_COPIES, move_at, zoom_frame, zoom_loop
from ..errors import CheckpointError
from ..files import make_folder
from ..media import read_note, video
from ..net import Array
from ..picture import Picture, to_pixels
from ..record import loop as checkpoint
from ..record.frames import FrameFolder
from ..record.loop import Checkpoint, LoopFacts
from ..record.provenance import PictureFacts
from ..record.recipe import DEFAULTS, Loop, Recipe
from .preparation import Prepared

STATE = "resume.npz"


@dataclass(frozen=True, kw_only=True)
class ZoomRun:
    """A zoom loop, as far as it is made.

    Attributes
    ----------
    prepared : Prepared
    folder : FrameFolder
    word : str
        Of what it starts from, on a command line.
    picture : (h, w, 3) array or None
        At the size that is dreamt on; None: noise.
    frames : int
    recipe : Recipe
        With the loop and the tiles.
    facts : LoopFacts
    left : Checkpoint or None
        Where it was stopped.
    plan : str or None
        The tiles, if there are several.
    """

    prepared: Prepared
    folder: FrameFolder
    word: str
    picture: Picture | None
    frames: int
    recipe: Recipe
    facts: LoopFacts
    left: Checkpoint | None
    plan: str | None

    @classmethod
    def planned(
        cls,
        prepared: Prepared,
        folder: FrameFolder,
        left: Checkpoint | None,
        *,
        word: str,
        picture: Picture | None,
        size: Size,
        input: PictureFacts,
        frames: int,
        move: Loop,
    ) -> Self:
        """Plan a loop, or what is left of it; `CheckpointError` where the folder holds another one."""
        tile, plan = prepared.in_tiles(size, copies=ZOOM_COPIES)
        # keyframes take the place of the recipe's numbers, whatever these are
        numbers = {name: DEFAULTS[name] for name in move.curves}
        recipe = msgspec.structs.replace(prepared.recipe, loop=move, tile=tile, **numbers)
        facts = LoopFacts(recipe=prepared.as_recorded(recipe), **asdict(prepared.ingredients(input)))
        if left is not None:
            # tiles count only where they decide pixels now
            before = msgspec.structs.replace(left.loop, recipe=prepared.as_recorded(left.loop.recipe))
            if others := before.unlike(facts):
                raise CheckpointError(f"'{folder.folder}' holds another loop: {', '.join(map(str, others))}")
        return cls(
            prepared=prepared,
            folder=folder,
            word=word,
            picture=picture,
            frames=frames,
            recipe=recipe,
            facts=facts,
            left=left,
            plan=plan,
        )

    @property
    def done(self) -> int:
        """How many frames the checkpoint is behind."""
        return 0 if self.left is None else self.left.loop.place.frame + 1

    def lost(self, made: Collection[int]) -> set[int]:
        """Return the frames before the checkpoint that are not among those that are there: removed, or damaged."""
        return set(range(min(self.done, self.frames))) - set(made)

    def dreams(self, lost: Collection[int]) -> Sequence[int]:
        """Return the frames that are dreamt: from the start to the last that is lost, and from the checkpoint on."""
        left = range(self.done, self.frames)
        return [*range(max(lost) + 1), *left] if lost else left

    def written(self, lost: Collection[int], watch: Watch) -> Iterator[int]:
        """Make and write the frames that are lost or left, and yield the number of each.

        Raises at once, before anything is written, what `zoom_loop` does. Killed before a checkpoint is saved, the
        loop makes that frame again, the same.
        """
        recipe, loop = self.recipe, self.facts.place
        params = {**recipe.loop_params(self.prepared.objective, self.prepared.retouches), "watch": watch}
        light = None if self.left is None else self.left.light
        if self.left is None:
            rng = np.random.RandomState(recipe.seed)
            first = self._first(rng)
        else:
            rng = self.left.rng
            move = move_at(self.done, **loop.move)
            first = zoom_frame(self.left.frame, era=recipe.era, backend=recipe.backend, **move)
        left = self.frames - self.done
        dreams: Iterator[Array] = iter(())
        if left > 0:
            dreams = zoom_loop(self.prepared.dreaming, first, left, rng=rng, first=self.done, light=light, **params)

        def each(light: Light | None) -> Iterator[int]:
            make_folder(self.folder.folder)
            for number, frame in self._again(max(lost, default=-1) + 1, params):
                if number in lost:
                    self._write(number, frame)
                    yield number
            for number, frame in enumerate(dreams, start=self.done):
                self._write(number, frame)
                light = Light.of(frame) if loop.hold is not None and light is None else light
                checkpoint.save(self.folder.state_file, Checkpoint(self.facts.at(number), frame, rng, light))
                yield number

        return each(light)

    def write_film(
        self, film: Path, fps: float, quality: int = video.QUALITY, *, on_frame: Callable[[], object]
    ) -> str | None:
        """Write the frames as a film, with the record of its last one, which is returned."""
        note = read_note(self.folder.path(self.frames - 1))
        video.write_video(film, self.folder.pictures(self.frames, on_frame), fps, quality, note)
        return note

    def _first(self, rng: np.random.RandomState) -> Array:
        """Return what the loop starts from."""
        if self.picture is not None:
            return np.asarray(self.picture)
        assert self.recipe.noise is not None
        return noise(*self.recipe.noise, rng)

    def _again(self, frames: int, params: dict[str, Any]) -> Iterator[tuple[int, Array]]:
        """Yield so many frames from the start, with their numbers."""
        if frames:
            rng = np.random.RandomState(self.recipe.seed)
            yield from enumerate(zoom_loop(self.prepared.dreaming, self._first(rng), frames, rng=rng, **params))

    def _write(self, number: int, frame: Array) -> None:
        """Write a frame with its record."""
        pixels, recipe = to_pixels(self.recipe.shown(frame)), self.facts.at(number).recipe
        line = self.prepared.command_line("zoom", [self.word, "-o", "frames"], recipe)
        self.folder.write(number, pixels, self.prepared.record(line, recipe, self.facts.input, pixels))
