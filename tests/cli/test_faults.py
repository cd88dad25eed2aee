"""No room, no memory, folders that take nothing: a command says so in one line, and leaves nothing half done."""

import hashlib
import itertools
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from support.clips import moving_square, write_clip
from support.disks import files_of_at_most
from support.interrupting import interrupt_at
from support.server import serving
from tools.soak import MAY_GROW, soak

import pydream
from pydream.files import is_temporary, temporary_beside
from pydream.zoo.registry import find_network, find_weights

PACKAGE = Path(pydream.__file__).parent
WEIGHTS = find_weights(find_network("squeezenet_v1.1")).read_bytes()
SHORT = ["-n", "1", "--octaves", "2", "--jitter", "4", "--seed", "1"]


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


@pytest.fixture
def disk(folder):
    """A disk of eight megabytes."""
    place = folder / "disk"
    place.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "pydream-test", place], capture_output=True)
    if mount.returncode != 0:
        pytest.skip(f"NOT PROVEN HERE: no disk can be mounted: {mount.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def empty(folder):
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def fill(disk, room):
    """Take all that there is of a disk but some bytes."""
    left = shutil.disk_usage(disk).free
    (disk / "ballast").write_bytes(bytes(left - room))


WRITE = {
    "dream": ["dream", "in.png", "-o", "disk/out.png", *SHORT, "--sidecar", "--force"],
    "many": ["dream", "many", "-o", "disk/out", *SHORT],
    "zoom": ["zoom", "in.png", "-o", "disk/out", "--frames", "2", *SHORT, "--resume"],
    "film": ["zoom", "in.png", "-o", "disk/film.mp4", "--frames", "2", *SHORT, "--resume"],
    "sweep": ["sweep", "in.png", "-o", "disk/out.png", "--pictures", "disk/all", "--layer", "fire[23]/concat", *SHORT,
              "--resume"],
    "channels": ["channels", "noise:48x48", "-o", "disk/out.png", "-l", "fire2/squeeze1x1:0-2", "-n", "1", "--seed",
                 "1", "--resume"],
    "history": ["history", "in.png", "-o", "disk/out.png", "--gif", *SHORT, "--force"],
    "fetch": ["models", "fetch", "some_net"],
}  # fmt: skip


@pytest.fixture
def inputs(picture, folder, draw, root, monkeypatch):
    """What commands read: pictures, and a network that can be fetched."""
    (folder / "many").mkdir()
    for name in "abc":
        draw(folder / "many" / f"{name}.png", 48, 64)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "disk"))
    with serving(WEIGHTS) as server:
        yield server


def add_network(folder, root, url, weights):
    """Put a network that has one address into the registry."""
    place = folder / "pydream" / "models" / "some_net"
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / "models" / "squeezenet_v1.1" / "deploy.prototxt", place)
    facts = {"name": "some_net", "title": "Some Net", "weights": "some.caffemodel", "size": len(weights)}
    facts |= {"sha256": hashlib.sha256(weights).hexdigest(), "urls": [url], "license": "none", "mean": [104, 117, 123]}
    facts |= {"default_layer": "fire8/concat"}
    (place / "README.md").write_text(f"---\n{yaml.safe_dump(facts)}---\n")
    return place


@pytest.mark.parametrize("share", [0, 0.5])
@pytest.mark.parametrize("command", WRITE)
def test_a_disk_that_is_full(run, disk, inputs, folder, root, command, share):
    """What is there is whole; and when there is room again, the same command ends with the same bytes."""

    def begin():
        empty(disk)
        if command == "fetch":
            add_network(disk, root, inputs.url("good"), WEIGHTS)

    begin()
    assert run(*WRITE[command]).code == 0
    whole = contents(disk)
    begin()
    fill(disk, room=int(share * sum(map(len, whole.values()))))
    seen = run(*WRITE[command])
    assert seen.code == 1, seen
    errors = [line for line in seen.err.splitlines() if line.startswith("pydream: error: ")]
    words = "MB are needed" if command == "fetch" else "No space left on device"  # it looks first
    assert any(words in line for line in errors), seen
    assert "Traceback" not in seen.err
    (disk / "ballast").unlink()
    left = contents(disk)
    assert not any(is_temporary(path) for path in left)
    for path, content in left.items():
        assert content == whole.get(path, content), path
    assert run(*WRITE[command]).code == 0
    assert contents(disk) == whole


def test_a_full_disk_leaves_the_older_file(run, picture, disk):
    assert run("dream", "in.png", "-o", "disk/out.png", *SHORT).code == 0
    before = contents(disk)
    fill(disk, 4096)
    seen = run("dream", "in.png", "-o", "disk/out.png", *SHORT, "--step-size", "2", "--force")
    assert seen.code == 1
    assert seen.err.splitlines()[-1] == "pydream: error: cannot write 'disk/out.png': No space left on device"
    (disk / "ballast").unlink()
    assert contents(disk) == before


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
    arguments = ["video", "in.mp4", "-o", "out.mp4", *SHORT]
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


@pytest.mark.parametrize(
    ("limit", "size", "more", "told"),
    [
        (0.6, (72, 96), [], r"address space is 1\.\d+ GB too low for TensorFlow: ulimit -v shows and sets it; .*"),
        (1.9, (72, 96), [], r"address space is 0\.\d+ GB too low for TensorFlow: .*"),
        (2.5, (1600, 2400), [], r"about 0\.\d+ GB too low for 2400x1600 pixels and 'fire8/concat' in tiles .*"),
        (3.5, (1600, 2400), ["--tile", "0"], r"about \d\.\d GB too low for 2400x1600 pixels .* without tiles: .*"),
    ],
)
def test_no_memory(folder, draw, limit, size, more, told):
    """Limits at which TensorFlow or oneDNN would end the process by themselves, with a core and without a word."""
    draw(folder / "in.png", *size)
    seen = process("dream", "in.png", "-o", "out.png", *SHORT, *more, limit=int(limit * 1e9), PYDREAM_NUM_THREADS="1")
    assert seen.returncode == 1, seen
    assert re.fullmatch(f"pydream: error: the limit on this process's .*{told}\n", seen.stderr), seen
    assert os.listdir(folder) == ["in.png"]


def test_little_memory_is_enough_without_tensorflow(picture, folder):
    seen = process("dream", "in.png", "-o", "out.png", *SHORT, "--runtime", "numpy", limit=900 * 10**6)
    assert seen.returncode == 0, seen


# ---- killed ----

# A command, and what is there when it is killed.
KILLED = {
    "many": (["dream", "many", "-o", "out", *SHORT], "out/a.png"),
    "film": (["zoom", "in.png", "-o", "film.gif", "--frames", "3", *SHORT, "--resume"], "film.gif.frames/00000001.png"),
    "sweep": (["sweep", "in.png", "-o", "out.png", "--pictures", "all", "--layer", "fire[234]/concat", *SHORT,
               "--resume"], "all/*fire2*.png"),
}  # fmt: skip


@pytest.mark.parametrize("command", KILLED)
def test_killed(run, inputs, folder, command):
    """SIGKILL: what is there is whole, the same command does the rest, and the end is the same to the byte."""
    arguments, first = KILLED[command]
    made = [folder / name for name in ("out", "all", "out.png", "film.gif", "film.gif.frames")]
    with started(*arguments) as killed:
        while not list(folder.glob(first)):
            assert killed.poll() is None
            time.sleep(0.002)
        killed.kill()
    temporary_beside(next(folder.glob(first))).write_bytes(b"what was being written")
    left = {path: content for path, content in contents(folder).items() if not is_temporary(path)}
    assert run(*arguments).code == 0
    after = contents(folder)
    assert not Path("film.gif.frames").exists()
    assert not any(map(is_temporary, after))
    for path in filter(Path.exists, made):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert run(*arguments).code == 0
    assert after == contents(folder)
    for path, content in left.items():
        if path.suffix == ".png":
            assert after.get(path, content) == content


@contextmanager
def started(*arguments):
    """A command in a process of its own, which goes on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pydream", *arguments],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_one_cache(inputs, folder, root):
    """A process that is killed as it fetches, two that fetch then, at once, and two that dream with what came."""
    place = add_network(folder / "disk", root, inputs.url("stalls"), WEIGHTS)
    with started("models", "fetch", "some_net") as killed:
        while not (place / "some.caffemodel.part").exists() or not inputs.half_sent.wait(0.01):
            assert killed.poll() is None
        killed.kill()
    add_network(folder / "disk", root, inputs.url("slow"), WEIGHTS)
    with started("models", "fetch", "some_net") as one, started("models", "fetch", "some_net") as other:
        told = [process.communicate(timeout=100) for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], told
    assert [out for out, _ in told] == [f"{place / 'some.caffemodel'}\n"] * 2
    assert [path for path, _ in inputs.asked].count("/slow") == 1  # whoever came second has waited
    assert (place / "some.caffemodel").read_bytes() == WEIGHTS
    assert sorted(os.listdir(place)) == ["README.md", "deploy.prototxt", "some.caffemodel"]
    dream = ["dream", "in.png", "--model", "some_net", *SHORT, "-o"]
    with started(*dream, "a.png") as one, started(*dream, "b.png") as other:
        told = [process.communicate(timeout=100) for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], told
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


# ---- the clock ----


def test_the_clock_jumps(run, inputs, folder, root, monkeypatch):
    """Years forth and back: nothing is decided by the time of day, or by when a file was written."""
    zoom = ["zoom", "in.png", "-o", "out", "--frames", "3", *SHORT]
    channels = WRITE["channels"][:-1]
    assert run(*zoom).code == 0
    (folder / "disk").mkdir()
    assert run(*channels).code == 0
    whole = contents(folder)
    shutil.rmtree("out")
    Path("disk/out.png").unlink()
    times = itertools.cycle([4e9, 1e6, 1.8e9, 2e9, 0.0])
    monkeypatch.setattr("time.time", lambda: next(times))
    for arguments, step in ((zoom, 4), (channels, 2)):
        with monkeypatch.context() as patch:
            interrupt_at(patch, step)
            assert run(*arguments).code == 130
        for path in folder.rglob("*"):
            os.utime(path, (next(times), next(times)))
        assert run(*arguments, "--resume").code == 0
    assert contents(folder) == whole
    place = add_network(folder / "disk", root, inputs.url("cut-once"), WEIGHTS)
    assert run("models", "fetch", "some_net").code == 0
    assert (place / "some.caffemodel").read_bytes() == WEIGHTS


# ---- others ----


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
