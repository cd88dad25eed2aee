"""Bars go by a clock that nobody sets."""

import ast
import io
import re
import sys

import numpy as np
import pytest

from pydream.cli.advice import duration
from pydream.cli.progress import Bar, FetchProgress, Plan, Plans, Progress
from pydream.media.image import write_image


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_the_time_of_day_is_set_while_a_bar_runs(monkeypatch, jump):
    now = [1e9]
    steady = [50.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    monkeypatch.setattr("pydream.cli.progress.monotonic", lambda: steady[0])
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(None, [(10, 10)], 100) as progress:
        for step in range(60):
            now[0] += jump if step == 20 else 1
            steady[0] += 1
            progress.step(0, step, None)
    shown = re.findall(r"\[(\d\d:\d\d)<", terminal.getvalue())
    assert shown[-1] == "01:00"
    assert len(shown) >= 60  # it has moved all the time


def test_how_long_the_next_step_takes(monkeypatch):
    """By the last one and the sizes of both; of a dream in tiles, how long the next tile takes. Then there is none."""
    now, expected = [50.0], []
    monkeypatch.setattr("pydream.cli.progress.monotonic", lambda: now[0])
    monkeypatch.setattr("pydream.cli.signals.Signals.expect", lambda _, seconds: expected.append(seconds))
    with Progress(None, [(20, 10), (10, 10)], 2, quiet=True, frames=2) as progress:
        for octave, iteration in ((0, 0), (0, 1), (1, 0)):
            now[0] += 3
            progress.step(octave, iteration, None)
        assert expected == [3, 6, 3]
        for tile in range(1, 5):
            now[0] += 2
            progress.tile(tile, 4)
        progress.step(1, 1, None)
    assert expected == [3, 6, 3, 2, 2, 2, 2, 1, None]


def test_tiles_are_parts_of_a_step(monkeypatch):
    """The bar is where it would be without them when the step is done, whatever the octave and the layer."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(None, [(20, 10), (10, 10)], 2, frames=2, what="layer", costs=[1, 3]) as progress:
        done = 0
        for cost in (1, 3):
            for octave, size in enumerate((100, 200)):
                for step in range(2):
                    for tile in range(1, 5):
                        progress.tile(tile, 4)
                        assert progress._bar.n == done + cost * size * tile / 4
                    assert progress._bar.postfix == "tile 4/4"
                    progress.step(octave, step, None)
                    done += cost * size
                    assert progress._bar.n == done
                    assert not progress._bar.postfix
        assert done == progress._bar.total
        progress.passed(1)
        progress.tile(1, 4)
        progress.passed(1)  # where a step that was begun came to nothing
        assert progress._bar.n == 600
        progress.tile(1, 4)
        assert progress._bar.n == 600 + 3 * 100 / 4


def test_dreams_that_differ_in_their_steps(monkeypatch):
    """Each has its own octaves, iterations and cost."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    plans = [Plan([(10, 10)], 3, 2.0), Plan([(20, 10), (10, 10)], 2, 1.5), Plan([(10, 10)], 1, 4.0)]
    with Plans(None, plans, what="look") as progress:
        assert progress._bar.total == 600 + 900 + 400
        seen, done = [], 0
        for plan in plans:
            for octave, (height, width) in enumerate(reversed(plan.sizes)):
                for step in range(plan.iter_n):
                    progress.tile(1, 2)
                    progress.step(octave, step, None)
                    done += height * width * plan.cost
                    assert progress._bar.n == done
                    seen.append(progress._bar.desc)
        assert done == progress._bar.total
        assert seen == [
            *["look 1/3, octave 1/1"] * 3,
            *["look 2/3, octave 1/2"] * 2, *["look 2/3, octave 2/2"] * 2,
            "look 3/3, octave 1/1",
        ]  # fmt: skip
        progress.passed(1)  # the first came to nothing
        progress.step(0, 0, None)
        assert progress._bar.n == 600 + 150


def test_nothing_else_goes_by_the_time_of_day(root):
    """But the dates that reports are headed with."""
    found = set()
    for path in sorted((root / "pydream").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("time.time", "datetime.now", "datetime.today"):
                found.add(path.relative_to(root / "pydream").as_posix())
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                clocks = {"perf_counter", "process_time", "thread_time", "monotonic", "sleep"}
                assert {alias.name for alias in node.names} <= clocks, path
    assert found == {"bench/machine.py", "cli/commands/reproduce.py"}


def test_what_a_bar_says_is_printable(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    evil = "\x1b]0;title\x07\u202e\nwrote 'y'"
    with Bar(title=evil, total=2) as bar, FetchProgress(evil) as fetching:
        bar.advance()
        bar.show(1, 2, evil)
        fetching.message(evil)
    lines = terminal.getvalue().replace("\x1b[A", "").replace("\r", "\n")  # tqdm's own: up, and to the left
    assert lines.replace("\n", "").isprintable()
    assert not any(line.startswith("wrote") for line in lines.splitlines())
    assert lines.count("\\x1b]0;title") >= 3


def test_how_long_all_of_it_takes(monkeypatch):
    """Once, by an octave that is large enough: all of its steps, as each octave's first one prepares the others."""
    now, found = [50.0], []
    monkeypatch.setattr("pydream.cli.progress.monotonic", lambda: now[0])
    with Progress(None, [(1000, 1600), (500, 800), (100, 100)], 2, quiet=True, frames=2) as progress:
        progress.estimated = found.append
        for octave, iteration, seconds in ((0, 0, 9), (0, 1, 1), (1, 0, 3)):
            now[0] += seconds
            progress.step(octave, iteration, None)
        assert found == []
        now[0] += 1  # 4 seconds for two steps of 400,000 pixels
        progress.step(1, 1, None)
        ahead = 2 * 1_600_000 + 2 * (1_600_000 + 400_000 + 10_000)  # of this dream, and the next one
        assert found == pytest.approx([9 + 1 + 4 + 4 * ahead / 800_000])
        progress.step(2, 0, None)
    assert len(found) == 1


def test_how_long_all_of_it_takes_is_said_soon(monkeypatch):
    """Not at the end of an octave that takes long; and of a small picture by its own size."""
    now, found = [50.0], []
    monkeypatch.setattr("pydream.cli.progress.monotonic", lambda: now[0])
    with Progress(None, [(300, 400)], 100, quiet=True) as progress:
        progress.estimated = found.append
        for step in range(4):
            now[0] += 2
            progress.step(0, step, None)
            assert found == ([] if step < 2 else pytest.approx([200]))


def test_nothing_is_foretold_when_it_is_over(monkeypatch):
    found = []
    with Progress(None, [(1000, 800), (10, 10)], 1, quiet=True) as progress:
        progress.estimated = found.append
        progress.step(0, 0, None)
        progress.step(1, 0, None)
    assert found == []


@pytest.mark.parametrize(
    ("seconds", "size", "expected"),
    [
        (60, (3000, 4000), None),
        (61, (1000, 1500), "this takes about 61 s"),
        (250, (3000, 4000), "this takes about 4 min; --long-side 1500 takes about 35 s"),
        (3600, (6000, 4000), "this takes about 60 min; --long-side 1500 takes about 4 min"),
    ],
)
def test_what_is_long_is_said_and_what_is_faster(seconds, size, expected):
    assert duration(seconds, size) == expected


def test_a_dream_says_how_long_it_takes_once(run, folder, own_network, monkeypatch):
    """On stderr, after its title, and not with --quiet."""
    write_image(folder / "in.png", np.full((900, 1600, 3), 200, np.uint8))
    now = [50.0]
    monkeypatch.setattr("pydream.cli.progress.monotonic", lambda: now[0])

    def dream(self, recipe, picture, watch):
        for octave in range(recipe.octave_n):
            for iteration in range(recipe.iter_n):
                now[0] += 10
                watch.step(octave, iteration, None)
        return picture

    monkeypatch.setattr("pydream.cli.job.Job.dream", dream)
    given = [*own_network, "-l", "light", "--runtime", "numpy", "--octaves", "1", "-n", "9"]
    seen = run("dream", "in.png", "-o", "a.png", *given)
    assert seen.err.splitlines()[1:] == ["this takes about 90 s; --long-side 1500 takes about 79 s", "wrote 'a.png'"]
    assert run("dream", "in.png", "-o", "b.png", *given, "--quiet").err == ""
    assert "takes" not in run("dream", "in.png", "-o", "c.png", *given[:-1], "3").err
