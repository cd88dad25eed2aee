"""No room, no memory, folders that take nothing: a command says so in one line, and leaves nothing half done."""

import os
import re
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from clips import moving_square, write_clip
from soak import MAY_GROW, soak

import pydream

PACKAGE = Path(pydream.__file__).parent
SHORT = ["-n", "1", "--octaves", "2", "--jitter", "4", "--seed", "1"]


@contextmanager
def files_of_at_most(size):
    """A disk is full in the middle of a file: Python has SIGXFSZ ignored, and gets EFBIG as it would get ENOSPC."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def process(*arguments, limit=None, package=PACKAGE.parent, **variables):
    """Run a command in a process of its own, with so much memory."""
    return subprocess.run(
        [sys.executable, "-m", "pydream", *arguments],
        env={**os.environ, "PYTHONPATH": str(package), **variables},
        preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk(run, picture, folder):
    with files_of_at_most(9_000):
        seen = run("dream", "in.png", "-o", "out.png", *SHORT)
    assert (seen.code, seen.out) == (1, "")
    assert seen.err.splitlines()[-1] == "pydream: error: cannot write 'out.png': File too large"
    assert os.listdir(folder) == ["in.png"]


def test_a_full_disk_costs_a_loop_nothing_that_was_done(run, picture, folder):
    arguments = ["zoom", "in.png", "-o", "out", "--frames", "3", *SHORT]
    assert run(*arguments).code == 0
    whole = {path.name: path.read_bytes() for path in Path("out").glob("*.png")}
    frame = max(map(len, whole.values()))
    shutil.rmtree("out")
    with files_of_at_most(frame + 1000):  # the frame fits, the checkpoint, of floats, does not
        seen = run(*arguments)
    assert seen.code == 1
    assert seen.err.splitlines()[-1].startswith("pydream: error: ")
    assert os.listdir("out") == ["00000000.png"]
    assert run(*arguments, "--resume").code == 0
    assert {path.name: path.read_bytes() for path in Path("out").glob("*.png")} == whole


@pytest.mark.parametrize(("room", "what"), [(3_000, "out.mp4.frames/"), (12_000, "out.mp4")])
def test_a_full_disk_costs_a_film_nothing_that_was_done(run, folder, room, what):
    """In the middle of a frame, or of the film that is made of them."""
    write_clip(folder / "in.mp4", moving_square(24), tone="aac")
    arguments = ["video", "in.mp4", "out.mp4", *SHORT]
    assert run(*arguments).code == 0
    whole = Path("out.mp4").read_bytes()
    assert len(whole) > 12_000
    Path("out.mp4").unlink()
    with files_of_at_most(room):
        seen = run(*arguments)
    assert seen.code == 1
    assert re.fullmatch(rf"pydream: error: cannot write '{what}[^/]*': File too large", seen.err.splitlines()[-1])
    assert sorted(os.listdir(folder)) == ["in.mp4", "out.mp4.frames"]
    assert not any(name.startswith(".") for name in os.listdir("out.mp4.frames"))
    assert run(*arguments, "--resume").code == 0
    assert Path("out.mp4").read_bytes() == whole


def test_a_cache_that_takes_nothing(run, refused, picture, folder, monkeypatch):
    """Nothing can be fetched into it; a network that is there dreams all the same."""
    (folder / "cache").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    assert "cache" in refused(1, "models", "fetch", "bvlc_googlenet", "--url", "http://127.0.0.1:9/x")
    assert run("dream", "in.png", "-o", "out.png", *SHORT).code == 0


def test_no_memory(picture, folder):
    """Not even for TensorFlow."""
    seen = process("dream", "in.png", "-o", "out.png", *SHORT, limit=600 * 2**20)
    assert seen.returncode == 1, seen
    assert seen.stderr == "pydream: error: not enough memory; a smaller picture needs less\n"
    assert os.listdir(folder) == ["in.png"]


def test_a_package_that_cannot_be_written_to(picture, folder, tmp_path_factory):
    """As an administrator installs it. Root may write anywhere, so that nothing was written is looked at too."""
    place = tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, place / "pydream", ignore=shutil.ignore_patterns("__pycache__", "models", "examples"))
    models = next(path for path in (PACKAGE / "models", PACKAGE.parent / "models") if path.is_dir())
    shutil.copytree(models, place / "pydream" / "models")
    every = [place, *place.rglob("*")]
    for path in every:
        path.chmod(0o555 if path.is_dir() else 0o444)
    seen = process("dream", "in.png", "-o", "out.png", *SHORT, package=place, PYTHONDONTWRITEBYTECODE="1")
    for path in every:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert seen.returncode == 0, seen
    assert Path("out.png").exists()
    assert sorted([place, *place.rglob("*")]) == sorted(every)


def test_memory_stays_flat():
    """Forty dreams here; a thousand: `python tests/soak.py`."""
    assert soak(40) < MAY_GROW
