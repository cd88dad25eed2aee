"""A zoom loop: an order of the kind "zoom". Its frames are kept in the job's folder until the film of them is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import monotonic

import msgspec

from ...dream.work import Work
from ...dream.zoom import zoom_default
from ...easy.loop import STATE, ZoomRun
from ...files import file_sha256
from ...media import resized, video
from ...record import loop as checkpoint
from ...record.command import option_words
from ...record.frames import FrameFolder, earlier_recipe
from ...record.loop import is_checkpoint
from ...record.presets import ZOOM_FPS, zoom_params
from ...record.recipe import Recipe
from ...zoo.registry import DEFAULT_NETWORK
from ..messages import Finished, Run
from ..orders import Order
from .orders import Ordered, Wanted, loop_of
from .previews import Previews
from .task import Task


def run(task: Task[Run]) -> Finished:
    """Make the frames that are not there yet, and a film of them; when it is stopped, of those that there are."""
    begun, message, order = monotonic(), task.message, task.message.order
    folder = FrameFolder(Path(message.folder, "frames"), True, "frames", state=STATE, is_state=is_checkpoint)
    left = checkpoint.load(folder.state_file)
    earlier = earlier_recipe(folder.existing()) if left is None else left.loop.recipe
    message = msgspec.structs.replace(message, resumed=message.resumed or earlier)
    ordered = Ordered.of(message, _wanted(order, earlier), steps=None, loop=loop_of(order))
    start, prepared, fps = ordered.start, ordered.prepared, order.fps or ZOOM_FPS
    frames = order.frames or zoom_default("frames")
    film = ordered.output.with_name(f"{ordered.output.name}.mp4")
    video.check_video(film, start.size, fps)
    loop = ZoomRun.planned(
        prepared,
        folder,
        left,
        word=start.word,
        picture=None if start.picture is None else resized(start.picture, start.size),
        size=start.size,
        input=start.facts,
        frames=frames,
        move=loop_of(order),
    )
    made = {number for number in folder.there(frames) if _is_made(loop, number)}
    lost = loop.lost(made)
    dreams = loop.dreams(lost)
    before = max(frames - len(dreams), 0)
    work = loop.recipe.by_octaves([*range(before), *dreams], lambda each: Work.of(each.sizes(*start.size), each.iter_n))
    steps = sum(each.steps for each in work)
    task.began(steps, loop.facts.at(frames - 1).recipe, _command(loop, film, fps))
    watch = Previews(task, work, lambda number: f"frame {number + 1} of {len(work)}")
    try:
        watch.passed(before)
        for number in loop.written(lost, watch):
            made.add(number)
            watch.passed(number + 1 + (before if number in lost else len(work) - frames))
    except KeyboardInterrupt:
        if not task.keeps or 0 not in made:
            raise
    loop = replace(loop, frames=next(number for number in range(frames + 1) if number == frames or number not in made))
    task.progress(steps, steps, what="the film")
    loop.write_film(film, fps, on_frame=task.check_kept)
    (height, width), sha256 = start.size, file_sha256(film)
    facts = {"width": width, "height": height, "sha256": sha256, "command": _command(loop, film, fps)}
    facts["seconds"] = round(monotonic() - begun, 3)
    return Finished(task=task.id, files={"mp4": str(film)}, facts=facts, stopped=loop.frames < frames)


def _wanted(order: Order, earlier: Recipe | None) -> Wanted:
    """Return what is wanted, with as many iterations a frame as last, where the order says nothing of them."""
    wanted = Wanted.of(order)
    said = {
        "layer": order.layer or order.recipe.get("end") or order.recipe.get("objective"),
        "classes": order.classes,
        "kind": order.objective,
        "guide": order.guide,
        "iter_n": order.recipe.get("iter_n"),
    }
    given = {name for name, value in said.items() if value}
    more = zoom_params(
        built_in=wanted.model == DEFAULT_NETWORK,
        given=given,
        of_look={name for name in said if wanted.look.params.get(name)} - given,
        preset=wanted.look.preset,
        earlier=earlier,
    )
    return replace(wanted, look=wanted.look._replace(params={**wanted.look.params, **more}))


def _is_made(loop: ZoomRun, number: int) -> bool:
    """Return whether a frame is there, and whole; see `made_note`."""
    facts = loop.facts.at(number)
    return loop.prepared.made_note(loop.folder.path(number), facts.recipe, facts.input) is not None


def _command(loop: ZoomRun, film: Path, fps: float) -> str:
    """Return the command that makes the film."""
    words = [loop.word, "-o", film.name, *option_words({"--fps": None if fps == ZOOM_FPS else fps})]
    return loop.prepared.command_line("zoom", words, loop.facts.at(loop.frames - 1).recipe)
