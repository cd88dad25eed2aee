"""The commands that are made to fail, on small pictures and networks; and what they read."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from pydream.cli import main
from pydream.media.video import write_video
from support.server import serving
from support.studio_work import add_picture, in_studio, keep_result, make_result, order_jobs, remove_job

DREAM = "-n 1 --octaves 2 --jitter 4 --seed 1 --dtype float64"
OWN = "--model own.prototxt --weights own.caffemodel --layer light"
FIRST = "--layer conv1"  # of SqueezeNet, which comes with the package
MINE = "models add mine own.prototxt own.caffemodel"
PAGE = "--width 60 --dpi 60"
_OWN = Path(__file__).parents[1] / "data" / "made_before" / "own"
_MINE = Path("home/pydream/models/mine/mine.caffemodel")  # of an own network `mine`, in a command's folder

UNTOLD = {"report.html", "report.json"}  # they say how long it took


class Command(NamedTuple):
    """A command line.

    Attributes
    ----------
    line : str
    again : str
        Options with which it goes on after a failure.
    before : tuple of str or callable
        Command lines, or work, that are run before it, undisturbed.
    work : callable, optional
        What is done in place of a command line.
    cleared : str
        The folder whose frames --force removes before the first new one is written.
    parts : str, optional
        Each picture fails by itself, with a line for it and one for all; files of this pattern are of the others.
    grows : str
        Files of this pattern grow, and the command again goes on with them.
    every : int
        Only every so many calls fail, of a command that writes hundreds of files in one way.
    """

    line: str
    again: str = "--force"
    before: tuple[str | Callable[[], int], ...] = ()
    work: Callable[[], int] | None = None
    cleared: str = ""
    parts: str | None = None
    grows: str = ""
    every: int = 1

    @classmethod
    def of(cls, what: str | Callable[[], int]) -> Command:
        """Return a command of a line, or of what is done in its place."""
        return cls(what, "") if isinstance(what, str) else cls("", "", work=what)

    def run(self) -> int:
        """Run it in this process; return the exit code."""
        return self.work() if self.work else _code(self.line)

    def run_again(self) -> int:
        """Run it after a failure."""
        return self.work() if self.work else _code(f"{self.line} {self.again}")


def _fetch() -> int:
    """Fetch the weights of `mine` from a server in this process."""
    with serving(_OWN.with_suffix(".caffemodel").read_bytes()) as server:
        return _code(f"models fetch mine --quiet --url {server.url('good/own.caffemodel')}")


def _lose_weights() -> int:
    _MINE.unlink()
    return 0


def _lose_half() -> int:
    """Leave of the weights of `mine` what an interrupted fetch does."""
    content = _MINE.read_bytes()
    _MINE.with_name(f"{_MINE.name}.part").write_bytes(content[: len(content) // 2])
    return _lose_weights()


def _code(line: str) -> int:
    try:
        main(shlex.split(line), prog_name="pydream")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        raise
    return 0


def _over(line: str, cleared: str = "", parts: str | None = None) -> Command:
    """Return a command that replaces what it made before, with another seed."""
    before = (line.replace("--seed 1", "--seed 2"),)
    return Command(f"{line} --force", "", before, cleared=cleared, parts=parts)


COMMANDS = {
    "dream": Command(f"dream in.png -o out.png --sidecar {DREAM} {OWN}"),
    "dream over": _over(f"dream in.png -o out.png --sidecar {DREAM} {OWN}"),
    "dream, built in": Command(f"dream in.png -o out.png {DREAM} {FIRST}"),
    "jpg": Command(f"dream in.jpg -o out.jpg {DREAM} {OWN}"),
    "tif": Command(f"dream in.tif -o out.tif --depth 16 {DREAM} {OWN}"),
    "webp": Command(f"dream in.webp -o out.webp {DREAM} {OWN}"),
    "gif": Command(f"dream in.gif -o out.png {DREAM} {OWN}"),
    "standard output": Command(f"dream in.png -o - {DREAM} {OWN}", ""),
    "guide and mask": Command(f"dream in.png -o out.png --guide in.jpg --mask in.gif {DREAM} {FIRST}"),
    "tiles": Command(f"dream in.png -o out.png --tile 32 {DREAM} {FIRST}"),
    "batch": Command(f"dream many -o out --sidecar {DREAM} {OWN}", "", parts=""),
    "batch over": _over(f"dream many -o out {DREAM} {OWN}", parts=""),
    "series": Command(f"dream in.png -o out --series 2 {DREAM} {OWN}", "", parts=""),
    "zoom": Command(f"zoom in.png -o out -o film.gif --frames 3 {DREAM} {OWN}", "--resume"),
    "zoom, resumed": Command(
        f"zoom in.png -o out --frames 3 --resume {DREAM} {OWN}", "", (f"zoom in.png -o out --frames 2 {DREAM} {OWN}",)
    ),
    "zoom, film": Command(f"zoom in.png -o film.mp4 --frames 2 --sidecar {DREAM} {OWN}", "--resume"),
    "zoom over": _over(f"zoom in.png -o out -o film.mp4 --frames 2 {DREAM} {OWN}", "out"),
    "video": Command(f"video clip.mp4 -o out.mp4 {DREAM} {OWN}", "--resume"),
    "video over": _over(f"video clip.mp4 -o out.mp4 {DREAM} {OWN}"),
    "replay": Command("replay made.png -o again.png", before=(f"dream in.png -o made.png {DREAM} {FIRST}",)),
    "replay, compared": Command("replay made.png", "", (f"dream in.png -o made.png --mask in.gif {DREAM} {FIRST}",)),
    "looks": Command(
        "looks in.png -o out.html --preset swirls --long-side 32 --seed 1 --dtype float64 --strength 0.25"
    ),
    "classify": Command("classify in.png --dtype float64", ""),
    "classify, dream": Command("classify in.png -o out.png --dream -n 1 --octaves 1 --seed 1 --dtype float64"),
    "visualize": Command("visualize noise:32x32 -o out.png -l conv1:3 -n 1 --seed 1 --dtype float64"),
    "channels": Command(
        f"channels noise:32x32 -o sheet.png --pictures out -l conv1:0-1 -n 1 --seed 1 --dtype float64 {PAGE}",
        "--resume",
    ),
    "atlas": Command(
        "atlas many -o atlas.html --pictures out -l conv1 --side 2 --places 8 -n 1 --seed 1 --dtype float64",
        "--force",  # of fewer pictures it is another atlas, which --resume refuses in a line
        parts="*",
    ),
    "grid": Command(f"grid in.png -o grid.png -l fire2/squeeze1x1 -n 1 --seed 1 --dtype float64 --size 24x24 {PAGE}"),
    "sweep": Command(
        f"sweep in.png -o sheet.png --pictures out --layer fire[23]/squeeze1x1 {PAGE} {DREAM}",
        "--resume",
        parts="sheet.png",
    ),
    "sweep over": _over(
        f"sweep in.png -o sheet.html --pictures out --layer fire[23]/squeeze1x1 {DREAM}", "out", "sheet.html"
    ),
    "octaves": Command(f"octaves in.png -o out.png {PAGE} {DREAM} {OWN}"),
    "history": Command(f"history in.png -o out.webp --gif {PAGE} {DREAM} {OWN}"),
    "reproduce": Command(
        "reproduce in.png --guide in.jpg -m squeezenet_v1.1 --exact --frames 2 -n 1 --octaves 1 -o out"
    ),
    "models": Command("models list", "", (MINE,)),
    "models add": Command("models add mine own.prototxt own.caffemodel --layer light"),
    "models add over": Command(
        "models add mine own.prototxt own.caffemodel --layer light --force",
        "",
        ("models add mine own.prototxt own.caffemodel --description older",),
    ),
    "models fetch": Command.of(_fetch)._replace(before=(MINE, _lose_weights), grows="*.part"),
    "models fetch, resumed": Command.of(_fetch)._replace(before=(MINE, _lose_half), grows="*.part"),
    "models remove": Command("models remove mine --yes", "", (MINE,)),
    "models verify": Command("models verify", "", (MINE,)),
    "layers": Command("layers --model own.prototxt --check-weights own.caffemodel", ""),
    "layers, built in": Command("layers", ""),
    "presets": Command("presets", ""),
    "export": Command("export -o out.onnx -l conv1"),
    "vectors": Command("vectors -o out", every=101),
    "studio, picture": Command.of(in_studio(add_picture)),
    "studio, same picture": Command.of(in_studio(add_picture))._replace(before=(in_studio(add_picture),)),
    "studio, jobs": Command.of(in_studio(order_jobs)),
    "studio, result": Command.of(in_studio(keep_result))._replace(before=(in_studio(order_jobs, make_result),)),
    "studio, removal": Command.of(in_studio(remove_job))._replace(
        before=(in_studio(order_jobs, make_result, keep_result),)
    ),
}


def make_inputs(folder: Path) -> None:
    """Write what the commands read."""
    rng = np.random.RandomState(0)
    (folder / "many").mkdir(parents=True)
    for name in ("in.png", "in.jpg", "in.tif", "in.webp", "in.gif", "many/a.png", "many/b.jpg", "many/c.tif"):
        Image.fromarray(rng.randint(0, 256, (30, 40, 3), dtype=np.uint8)).save(folder / name)
    write_video(folder / "clip.mp4", (rng.randint(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(2)), 8)
    for suffix in ("prototxt", "caffemodel"):
        shutil.copyfile(_OWN.with_suffix(f".{suffix}"), folder / f"own.{suffix}")
