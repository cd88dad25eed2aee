"""Kill the studio's server, its workers and the browser at random moments, and look whether anything is lost.

    python tests/tools/studio_kills.py --rounds 30

A round submits a dream, a zoom loop or a film to a studio that a browser shows, kills one of the three up to four times
(SIGKILL), each at a random step, starts it again as a user would, waits for the end, and compares every picture and
result with those of a run that nothing stopped. The page's state must be as it was, and nothing half done may be left.
Exit code 1 if a round ends otherwise. Without Chromium (on PATH, or by CHROMIUM) no browser is killed, which is said.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from PIL import Image

from pydream.media.video import write_video

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.browsers import CHROMIUM
from support.studios import ENDED, Running, running

SIZE = (64, 96)
ITERATIONS = {"iter_n": 30, "octave_n": 2, "seed": 1}
SHORT = {"iter_n": 2, "octave_n": 2, "jitter": 4, "seed": 1}
ORDERS = {
    "dream": {"kind": "dream", "recipe": ITERATIONS},
    "zoom": {"kind": "zoom", "frames": 12, "recipe": SHORT},
    "film": {"kind": "film", "carry": 0.5, "flow": True, "recipe": SHORT},
}
KINDS = ("server", "worker", "browser")
KEPT = ("dreams", "pictures")  # folders whose files must be the same
SECONDS = 180  # for a round to end


class Studio:
    """A studio with a job in it, and a browser that shows it; either can be killed and started again."""

    def __init__(self, folder: Path, order: dict[str, object], browser: str | None) -> None:
        self.folder, self._browser = folder, browser
        self._open = ExitStack()
        self._page: subprocess.Popen[bytes] | None = None
        self._start()
        self.job = self.now.submit(**order)
        self.state = {"version": 1, "order": order, "view": {"job": self.job}}
        self.now.api.put("/api/page", json=self.state).raise_for_status()
        self._show()

    def _start(self) -> None:
        self.now: Running = self._open.enter_context(running(self.folder, stderr=subprocess.DEVNULL))

    def kill(self, what: str) -> None:
        """Kill one of the three; the server and the browser are started again."""
        if what == "server":
            self.now.kill()
            self._open.close()
            self._start()
            self._show()  # the address has another token
        elif what == "browser":
            self._show()
        for pid in self.now.workers if what == "worker" else ():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _show(self) -> None:
        """Open the page, in a browser that is killed first if it runs."""
        self._kill_browser()
        if self._browser is not None:
            profile = f"--user-data-dir={self.folder.with_suffix('.browser')}"
            words = [self._browser, "--headless=new", "--no-sandbox", "--disable-gpu", profile, self.now.address]
            self._page = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
            )

    def _kill_browser(self) -> None:
        if self._page is not None:
            os.killpg(self._page.pid, signal.SIGKILL)
            self._page.wait()

    def wait_for(self, share: float) -> bool:
        """Wait until a share of the job's steps is done; return whether it is under way still."""

        def reached() -> bool:
            job = self.now.get(f"jobs/{self.job}")
            return job["state"] in ENDED or (job["steps"] > 0 and job["step"] >= share * job["steps"]) or share == 0

        self.now.wait(reached, SECONDS)
        return self.now.get(f"jobs/{self.job}")["state"] not in ENDED

    def end(self) -> tuple[dict[str, bytes], str]:
        """Wait for the job's end and close the studio; return the files, and what is wrong apart from these."""
        job = self.now.ended(self.job, SECONDS)
        jobs, page = self.now.get("jobs")["jobs"], self.now.get("page")
        self.close()
        if job["state"] != "done":
            return {}, f"the job is {job['state']}: {job['error']}"
        if [each["id"] for each in jobs] != [self.job]:
            return {}, f"there are {len(jobs)} jobs"
        if page["order"] != self.state["order"] or page["view"]["job"] != self.job:
            return {}, f"the page's state is {page}"
        return files(self.folder)

    def close(self) -> None:
        """End the browser and the studio."""
        self._kill_browser()
        self._page = None
        self._open.close()


def files(folder: Path) -> tuple[dict[str, bytes], str]:
    """Return the files that must be the same, and what is left that should not be."""
    found = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    kept = {name: path.read_bytes() for name, path in found.items() if Path(name).parts[0] in KEPT}
    inside = [name for name in found if len(Path(name).parts) > 2 or Path(name).name.startswith(".")]
    left = [name for name in inside if Path(name).parts[0] != "thumbnails" and Path(name).name != "small.jpg"]
    return kept, f"left over: {', '.join(left)}" if left else ""


class Quiet(NamedTuple):
    """A run that nothing stopped."""

    order: dict[str, object]
    files: dict[str, bytes]


def make_inputs(folder: Path) -> dict[str, str]:
    """Have a studio take in a picture and a film; return their ids."""
    rng = np.random.RandomState(0)
    coarse = Image.fromarray(rng.randint(0, 256, (8, 12, 3), dtype=np.uint8))
    picture, film = folder.with_name("in.png"), folder.with_name("clip.mp4")
    coarse.resize(SIZE[::-1], Image.Resampling.BICUBIC).save(picture)
    write_video(film, (rng.randint(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(6)), 8)
    with running(folder, stderr=subprocess.DEVNULL) as studio:
        return {"picture": studio.add_picture(picture), "film": studio.add_picture(film)}


def quiet_run(name: str, ids: dict[str, str], inputs: Path, folder: Path) -> Quiet:
    """Carry out an order in peace."""
    order = {**ORDERS[name], "picture": ids["film" if name == "film" else "picture"]}
    shutil.copytree(inputs, folder)
    made, wrong = Studio(folder, order, None).end()
    if wrong:
        raise click.ClickException(f"{name}, undisturbed: {wrong}")
    return Quiet(order, made)


def one_round(
    quiet: Quiet, inputs: Path, folder: Path, kills: list[tuple[float, str]], browser: str | None
) -> tuple[int, str]:
    """Kill at shares of the job's steps; return how many kills were in time, and what is wrong, mostly nothing."""
    shutil.copytree(inputs, folder)
    studio = Studio(folder, quiet.order, browser)
    in_time = 0
    try:
        for share, what in kills:
            if not studio.wait_for(share):
                break
            studio.kill(what)
            in_time += 1
        made, wrong = studio.end()
    except AssertionError as error:
        made, wrong = {}, str(error)
    finally:
        studio.close()
    if not wrong and made != quiet.files:
        names = made.keys() | quiet.files.keys()
        wrong = "other files: " + ", ".join(sorted(name for name in names if made.get(name) != quiet.files.get(name)))
    return in_time, wrong


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=30, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--only", type=click.Choice(list(ORDERS)), multiple=True)
def main(rounds: int, seed: int, only: tuple[str, ...]) -> None:
    """Kill what a studio consists of, start it again, and compare what it made."""
    names = list(only or ORDERS)
    rng = random.Random(seed)
    killed: Counter[str] = Counter()
    bad = 0
    if CHROMIUM is None:
        click.echo("there is no Chromium: no browser is killed", err=True)
    kinds = KINDS if CHROMIUM else KINDS[:2]
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pydream-kills-") as temporary:
        here = Path(temporary)
        inputs = here / "inputs"
        ids = make_inputs(inputs)
        quiet = {name: quiet_run(name, ids, inputs, here / f"quiet-{name}") for name in names}
        for number in range(rounds):
            name = names[number % len(names)]
            kills = [(rng.random(), rng.choice(kinds)) for _ in range(rng.randint(1, 4))]
            in_time, wrong = one_round(quiet[name], inputs, here / str(number), kills, CHROMIUM)
            killed.update(what for _, what in kills[:in_time])
            if wrong:
                bad += 1
                click.echo(f"round {number}, {name}, {kills[:in_time]}: {wrong}")
            shutil.rmtree(here / str(number))
    counts = ", ".join(f"{count} of the {what}" for what, count in killed.most_common())
    minutes = (time.monotonic() - start) / 60
    click.echo(f"{rounds} rounds of {', '.join(names)} in {minutes:.0f} min, kills: {counts}: {bad} ended otherwise")
    if bad:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
