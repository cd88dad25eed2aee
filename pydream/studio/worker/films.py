"""A film that is dreamt on: an order of the kind "film". Its frames are kept in the job's folder until it is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import monotonic

from ...dream.flow import check_flow
from ...dream.work import Work
from ...easy.film import STATE, Clip, FilmRun
from ...easy.inputs import Resizing
from ...easy.preparation import Prepared
from ...errors import ParameterError
from ...files import file_sha256, make_folder
from ...media import video
from ...media.video import Section
from ...record import film as film_file
from ...record.frames import FrameFolder
from ...record.made import frame_made
from ...record.names import file_word
from ...record.provenance import PictureFacts
from ..messages import Finished, Run
from ..orders import Order
from .orders import Ordered, Start, Wanted
from .previews import Previews
from .task import Task


def run(task: Task[Run]) -> Finished:
    """Dream on the frames that are not there yet, and write the film; when it is stopped, of those that there are."""
    begun, message, order = monotonic(), task.message, task.message.order
    if message.picture is None:
        raise ParameterError("picture", "a film of noise is none (expected one that was sent)")
    if order.flow:
        check_flow()
    file, wanted = Path(message.picture), Wanted.of(order)
    last = None if order.frames is None else order.first + order.frames
    task.progress(0, 1, what="looking at the film")
    footage = video.read_video(file, Section(order.first, last), task.check, wanted.look.to_srgb)
    clip = Clip(footage, wanted.resizing.of(*footage.size))
    start = _start(clip, message.names["picture"])
    film = Path(f"{message.output}.mp4")
    video.check_video(film, clip.size, clip.rate)
    prepared = Ordered.of(message, wanted, start, size=None, steps=None).prepared  # a film's record has its size
    folder = FrameFolder(Path(message.folder, "frames"), True, "frames", state=STATE, is_state=film_file.is_plan)
    left = film_file.load(folder.state_file)
    film_run = _planned(prepared, clip, folder, left, start, order, wanted.resizing, last)
    if left is None:
        make_folder(folder.folder)
        film_file.save(folder.state_file, film_run.film)
    frames = len(clip)
    done = film_run.done({number for number in folder.there(frames) if _is_made(film_run, number)})
    work = [Work.of(film_run.recipe.sizes(*clip.size), film_run.recipe.iter_n)] * frames
    steps = frames * work[0].steps
    task.began(steps, film_run.recipe, film_run.film.command)
    watch = Previews(task, work, lambda number: f"frame {number + 1} of {frames}")
    try:
        watch.passed(done)
        for number, dream in enumerate(film_run.dreams(done, watch), start=done):
            film_run.write(number, dream)
            done += 1
            watch.passed(done)
    except KeyboardInterrupt:
        if not task.keeps or done == 0:
            raise
    task.progress(steps, steps, what="the film")
    if done < frames:  # the film is that of the command which dreams on these frames, with their sound
        last = footage.first + done
        clip = replace(clip, footage=video.read_video(file, Section(order.first, last), to_srgb=wanted.look.to_srgb))
        kept = replace(prepared, tile=film_run.recipe.tile)
        film_run = _planned(kept, clip, folder, None, start, order, wanted.resizing, last)
    film_run.write_film(film, on_frame=task.check_kept)
    (height, width), sha256 = clip.size, file_sha256(film)
    facts = {"width": width, "height": height, "sha256": sha256, "command": film_run.film.command}
    facts["seconds"] = round(monotonic() - begun, 3)
    return Finished(task=task.id, files={"mp4": str(film)}, facts=facts, stopped=done < frames)


def _start(clip: Clip, name: str) -> Start:
    """Return what the first dream starts from, with the facts of the film."""
    footage = clip.footage
    height, width = footage.size
    facts = PictureFacts(name=name, width=width, height=height, sha256=footage.sha256())
    return Start(next(footage.frames()), clip.size, file_word(name), facts)


def _planned(
    prepared: Prepared,
    clip: Clip,
    folder: FrameFolder,
    left: film_file.Film | None,
    start: Start,
    order: Order,
    resizing: Resizing,
    last: int | None,
) -> FilmRun:
    """Plan the film up to frame `last`, which is not in it, as the command does."""
    whole = order.first == 0 and last is None
    return FilmRun.planned(
        prepared,
        clip,
        folder,
        left,
        word=start.word,
        input=start.facts,
        outputs=["dream.mp4"],
        resized=resizing.wanted,
        blend=order.carry,
        flow=order.flow,
        cut=order.cut,
        section={"--range": None if whole else f"{order.first or ''}:{last or ''}"},
    )


def _is_made(film_run: FilmRun, number: int) -> bool:
    """Return whether a frame is there, and whole; see `made_note`."""
    return frame_made(film_run.folder.path(number), film_run.film, number)
