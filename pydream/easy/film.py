"""A film is dreamt on frame by frame into a folder, and written with its times and its sound."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec.structs import asdict

from ..dream.film import BLEND, CUT, FILM_COPIES, FramePair, dream_frames
from ..dream.octaves import Size
from ..dream.watch import Watch
from ..errors import CheckpointError
from ..media import resized, video
from ..media.video import Footage
from ..picture import Picture
from ..record.command import option_words
from ..record.film import Film
from ..record.frames import FrameFolder
from ..record.provenance import PictureFacts, versions
from ..record.recipe import Recipe
from .preparation import Prepared

STATE = "film.json"


@dataclass(frozen=True)
class Clip:
    """Footage, and the size that it is dreamt at."""

    footage: Footage
    size: Size

    def __len__(self) -> int:
        return len(self.footage)

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        return self.footage.times.rate if self.footage.rate is None else self.footage.rate

    @property
    def pixel_aspect(self) -> Fraction:
        """That which the film is shown in its own shape with; a size that is its shape to the pixel changes nothing."""
        (height, width), (high, wide) = self.footage.size, self.size
        if abs(wide * height - width * high) < max(width, height):
            return self.footage.pixel_aspect
        return self.footage.pixel_aspect * Fraction(width * high, height * wide)

    def frames(self, skip: int = 0) -> Iterator[Picture]:
        """Yield the frames but the first so many."""
        for frame in self.footage.frames(skip):
            yield resized(frame, self.size)


@dataclass(frozen=True, kw_only=True)
class FilmRun:
    """A film that is dreamt on, as far as it is made.

    Attributes
    ----------
    prepared : Prepared
    clip : Clip
    folder : FrameFolder
        For the frames.
    recipe : Recipe
        Of every frame, with the tiles.
    film : Film
        The record.
    plan : str or None
        The tiles, if there are several.
    """

    prepared: Prepared
    clip: Clip
    folder: FrameFolder
    recipe: Recipe
    film: Film
    plan: str | None

    @classmethod
    def planned(
        cls,
        prepared: Prepared,
        clip: Clip,
        folder: FrameFolder,
        left: Film | None,
        *,
        word: str,
        input: PictureFacts,
        outputs: Sequence[str],
        resized: bool,
        blend: float,
        flow: bool,
        cut: float,
        section: Mapping[str, Any],
        fps: float | None = None,
        more: Sequence[str] = (),
    ) -> Self:
        """Plan a film, or what is left of it; `CheckpointError` where the folder holds another one.

        Parameters
        ----------
        prepared, clip, folder
        left : Film or None
            What the folder holds.
        word, outputs : str, list of str
            Of the input and the outputs, on a command line.
        input : PictureFacts
            The hash is the file's.
        resized : bool
            Whether a size is asked for.
        blend, flow, cut
            As for `pydream.dream_frames`.
        section : dict of str
            The part of the input as options.
        fps : float, optional
            Of a folder of frames.
        more : sequence of str
            More words of the command line.
        """
        tile, plan = prepared.in_tiles(clip.size, copies=FILM_COPIES)
        recipe = msgspec.structs.replace(prepared.recipe, tile=tile)
        words = {
            "--size": f"{clip.size[1]}x{clip.size[0]}" if resized else None,
            "--carry": None if blend == BLEND else blend,
            "--cut": None if cut == CUT else cut,
            **section,
            "--flow": flow,
            "--fps": fps,
        }
        arguments = [word, *(each for output in outputs for each in ("-o", output)), *option_words(words), *more]
        film = Film(
            film="video",
            command=prepared.command_line("video", arguments, recipe),
            recipe=prepared.as_recorded(recipe),
            **asdict(prepared.ingredients(input)),
            first=clip.footage.first,
            frames=len(clip),
            size=clip.size,
            blend=blend,
            flow=flow,
            cut=cut,
            versions=prepared.network.library_versions | versions("av", *(["opencv-python-headless"] if flow else [])),
        )
        if left is not None:
            before = msgspec.structs.replace(left, recipe=prepared.as_recorded(left.recipe))
            if others := before.unlike(film):
                raise CheckpointError(f"'{folder.folder}' holds another film: {', '.join(map(str, others))}")
        return cls(prepared=prepared, clip=clip, folder=folder, recipe=recipe, film=film, plan=plan)

    def done(self, made: Collection[int]) -> int:
        """Count the frames that are made, one after the other from the first."""
        return next(number for number in range(self.film.frames + 1) if number not in made)

    def dreams(self, done: int, watch: Watch) -> Iterator[Picture]:
        """Yield the dreams that are left, in order, each from the last one."""
        clip, recipe = self.clip, self.recipe
        last = FramePair(next(clip.frames(done - 1)), self.folder.picture(done - 1)) if done else None
        return dream_frames(
            self.prepared.dreaming,
            clip.frames(done),
            blend=self.film.blend,
            flow=self.film.flow,
            cut=self.film.cut,
            seed=recipe.seed,
            last=last,
            stretch=recipe.stretch,
            watch=watch,
            **recipe.dream_params(self.prepared.objective, self.prepared.retouches),
        )

    def write(self, number: int, dream: Picture) -> None:
        """Write a frame with its record."""
        self.folder.write(number, dream, self.film.frame(number, dream))

    def write_film(self, film: Path, quality: int = video.QUALITY, *, on_frame: Callable[[], object]) -> None:
        """Write the frames as a film."""
        footage = self.clip.footage
        video.write_video(
            film,
            self.folder.pictures(len(self.clip), on_frame),
            self.clip.rate,
            quality,
            self.film.to_json(),
            times=None if footage.rate else footage.times,
            pixel_aspect=self.clip.pixel_aspect,
            sound=None if is_silent(film) else footage.sound,
        )


def is_silent(film: Path) -> bool:
    """Return whether a film of this name has no sound."""
    return video.WRITABLE[film.suffix.lower()].silent
