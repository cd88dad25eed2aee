"""`--workers` and `--scheduler`: the same files, to the byte, whoever made them and whoever died."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from functools import partial
from pathlib import Path

import click
import pytest
from PIL import Image
from support.clips import moving_square, write_clip
from support.clusters import Processes, until

import pydream.cli.commands.dream as module
from pydream.cli.input import Target
from pydream.cli.progress import Progress
from pydream.cli.workers import _say
from pydream.cluster import workers as cluster

pytest.importorskip("distributed", reason="NOT PROVEN HERE: Dask is not installed (pip install '.[dask]')")

NETWORK = ["--runtime", "numpy", "--dtype", "float64", "--layer", "fire2/concat"]
SHORT = ["--octaves", "2", "--iterations", "2", "--jitter", "5", "--seed", "3", "--sidecar"]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two workers that this module's commands share."""
    with Processes(tmp_path_factory.mktemp("dask"), nanny=True) as processes:
        yield processes


@pytest.fixture
def pictures(folder, draw):
    (folder / "in").mkdir()
    for number in range(6):
        draw(folder / "in" / f"{number}.png", 40 + number, 48)
    return folder / "in"


def files(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_the_same_files_as_of_one_process(run, pictures, two):
    assert run("dream", pictures, "-o", "one", *NETWORK, *SHORT).code == 0
    seen = run("dream", pictures, "-o", "many", *NETWORK, *SHORT, "--scheduler", two.address)
    assert seen.code == 0, seen
    assert files("many") == files("one")
    assert len(files("one")) == 12
    written = [line.partition(" (") for line in seen.err.splitlines() if line.startswith("wrote")]
    assert sorted(line for line, _, _ in written) == [f"wrote 'many/{number}.png'" for number in range(6)]
    assert [count for _, _, count in written] == [f"{number} of 6)" for number in range(1, 7)]
    assert re.search(r"^squeezenet_v1.1 fire2/concat on CPU:0, float64, seed 3, \d workers?$", seen.err, re.MULTILINE)


@pytest.mark.parametrize("device", ["TensorFlow", "a guide and a mask", "noise"])
def test_own_workers(run, pictures, device):
    arguments = {
        "TensorFlow": ["in/0.png", "in/1.png", "--dtype", "float64", "--layer", "fire2/concat"],
        "a guide and a mask": ["in/0.png", "in/0.png", *NETWORK, "--guide", "in/3.png", "--mask", "in/0.png"],
        "noise": ["in/1.png", "noise:50x40", *NETWORK, "--layer", "conv1=-0.5"],
    }[device]
    if device == "a guide and a mask":
        shutil.copy("in/0.png", "in/same.png")
        arguments[1] = "in/same.png"
    assert run("dream", *arguments, "-o", "one", *SHORT).code == 0
    seen = run("dream", *arguments, "-o", "many", *SHORT, "--workers", "2")
    assert seen.code == 0, seen
    assert files("many") == files("one")


def test_float32_says_the_same_of_itself(run, pictures, two):
    """Of tiles too, which count there."""
    arguments = [pictures, *NETWORK, "--dtype", "float32", *SHORT, "--tile", "24"]
    assert run("dream", *arguments, "-o", "one").code == 0
    assert run("dream", *arguments, "-o", "many", "--scheduler", two.address).code == 0
    assert files("many") == files("one")
    assert '"tile": 24' in Path("many/1.png.json").read_text()


def test_what_is_there_is_not_made_again(run, pictures, two):
    Path("out").mkdir()
    assert run("dream", pictures / "2.png", "-o", "out/2.png", *NETWORK, *SHORT).code == 0
    before = Path("out/2.png").stat()
    seen = run("dream", pictures, "-o", "out", *NETWORK, *SHORT, "--scheduler", two.address)
    assert seen.code == 0, seen
    assert "1 of 6 are in 'out' already" in seen.err
    assert Path("out/2.png").stat().st_ino == before.st_ino
    assert seen.err.count("wrote") == 5
    assert "6 of 6" in run("dream", pictures, "-o", "out", *NETWORK, *SHORT, "--scheduler", "tcp://127.0.0.1:1").err


def test_a_bad_picture_costs_itself_only(run, pictures, two):
    (pictures / "2.png").write_bytes(b"junk")
    Image.new("RGB", (1, 1)).save(pictures / "3.png")
    seen = run("dream", "in", "-o", "out", *NETWORK, *SHORT, "--scheduler", two.address)
    assert seen.code == 1
    assert sorted(name for name in files("out") if name.endswith("png")) == ["0.png", "1.png", "4.png", "5.png"]
    errors = sorted(line for line in seen.err.splitlines() if "error" in line)
    assert len(errors) == 3
    assert errors[0].startswith("pydream: error: 'in/2.png' is not a picture")
    assert errors[1].startswith("pydream: error: 'in/3.png': octave 1 of 2 (1x1) does not fit 'fire2/concat'")
    assert errors[2] == "pydream: error: 2 of 6 pictures failed"


def at_the_first(monkeypatch, do):
    """Do something when the first picture has been written."""
    wrote = module.DreamBatch._wrote

    def wrote_and_did(self, target):
        wrote(self, target)
        if self._written == 1:
            do()

    monkeypatch.setattr(module.DreamBatch, "_wrote", wrote_and_did)


def test_a_killed_worker_costs_nothing_but_time(run, pictures, two, monkeypatch):
    """SIGKILL in the middle of the second picture or so."""
    assert run("dream", pictures, "-o", "one", *NETWORK, *SHORT).code == 0
    killed = []

    def kill():
        """The process that computes for a nanny."""
        threads = Path(f"/proc/{two.workers[0].pid}/task").glob("*/children")
        children = [int(pid) for thread in threads for pid in thread.read_text().split()]
        (worker,) = (pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text())
        os.kill(worker, signal.SIGKILL)
        killed.append(worker)

    at_the_first(monkeypatch, kill)
    seen = run("dream", pictures, "-o", "many", *NETWORK, *SHORT, "--scheduler", two.address)
    assert seen.code == 0, seen
    assert len(killed) == 1
    assert files("many") == files("one")
    assert "error" not in seen.err


def test_ctrl_c_keeps_what_is_done(run, pictures, two, monkeypatch):
    at_the_first(monkeypatch, lambda: signal.raise_signal(signal.SIGINT))
    seen = run("dream", pictures, "-o", "out", *NETWORK, *SHORT, "--scheduler", two.address)
    assert seen.code == 130
    written = len(list(Path("out").glob("*.png")))
    assert 1 <= written < 6
    assert seen.err.splitlines()[-1] == (
        f"pydream: interrupted; {written} of 6 pictures were written; the same command makes the others"
    )
    assert not list(Path("out").glob(".pydream*"))


def test_a_scheduler_that_stops(run, pictures, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1.5)
    monkeypatch.setattr(cluster, "_ASK_EVERY", 0.2)
    with Processes(tmp_path_factory.mktemp("dask"), workers=1) as processes:
        at_the_first(monkeypatch, lambda: processes.scheduler.send_signal(signal.SIGSTOP))
        seen = run("dream", pictures, "-o", "out", *NETWORK, *SHORT, "--scheduler", processes.address)
    assert seen.code == 1
    assert "0.png" in files("out")
    assert seen.err.splitlines()[-1].startswith(
        f"pydream: error: the scheduler at {processes.address} has not answered for 1.5 seconds"
    )


@pytest.fixture
def large(folder, draw):
    return draw(folder / "large.png", 120, 160)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_tiles_of_one_picture(run, large, two, dtype):
    arguments = ["large.png", "--runtime", "numpy", "--dtype", dtype, *SHORT, "--tile", "48", "--force"]
    for name, layers in {"score": ["fire2/concat:0-9", "conv1=-0.2"], "guide": ["fire2/concat"]}.items():
        given = [option for layer in layers for option in ("--layer", layer)]
        given += ["--guide", "large.png"] if name == "guide" else []
        assert run("dream", *arguments, *given, "-o", "dream.png").code == 0
        one = Path("dream.png").read_bytes(), Path("dream.png.json").read_bytes()
        seen = run("dream", *arguments, *given, "-o", "dream.png", "--scheduler", two.address)
        assert seen.code == 0, seen
        assert "160x120 in 12 tiles" in seen.err
        assert (Path("dream.png").read_bytes(), Path("dream.png.json").read_bytes()) == one


def test_tiles_of_tensorflow(run, large):
    arguments = ["large.png", "--layer", "fire2/concat", "--dtype", "float64", *SHORT, "--tile", "80"]
    assert run("dream", *arguments, "-o", "one.png").code == 0
    assert run("dream", *arguments, "-o", "many.png", "--workers", "1").code == 0
    assert Path("many.png").read_bytes() == Path("one.png").read_bytes()


def test_workers_that_are_lost_in_the_middle_of_a_picture(run, large, two, tmp_path_factory, monkeypatch):
    """What there is so far is written, as after Ctrl-C, and says what it is."""
    monkeypatch.setattr(cluster, "_ASK_EVERY", 0.2)
    step = Progress.step
    arguments = ["large.png", *NETWORK, *SHORT, "--tile", "64"]
    with Processes(tmp_path_factory.mktemp("dask"), workers=1) as processes:

        def killing(self, octave, iteration, image):
            step(self, octave, iteration, image)
            if (octave, iteration) == (0, 1):
                processes.workers[0].kill()
                monkeypatch.setattr(cluster, "LONELY", 1.0)  # no earlier: the worker may take long to start

        monkeypatch.setattr(Progress, "step", killing)
        seen = run("dream", *arguments, "-o", "dream.png", "--scheduler", processes.address)
    assert seen.code == 1
    assert re.search(r"has had no workers for 1 seconds; .*; wrote 'dream.png' after 2 of 4 steps\n$", seen.err)
    monkeypatch.setattr(Progress, "step", step)
    again = run("replay", "dream.png", "--input", "large.png")
    assert (again.code, "identical: every byte" in again.out) == (0, True), again


def test_ctrl_c_in_the_middle_of_a_step(run, large, two, monkeypatch):
    count = []

    def between():
        count.append(1)
        if len(count) == 30:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "between_steps", between)
    seen = run(
        "dream",
        "large.png",
        *NETWORK,
        *SHORT,
        "-n",
        "50",
        "--tile",
        "48",
        "-o",
        "dream.png",
        "--scheduler",
        two.address,
    )
    assert seen.code == 130
    assert re.search(r"interrupted; wrote 'dream.png' after \d+ of 100 steps", seen.err)


def test_one_picture_without_tiles(refused, large, two):
    line = refused(2, "dream", "large.png", *NETWORK, "-o", "dream.png", "--scheduler", two.address)
    assert "it is for several pictures, or for one in tiles" in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_every_process(pictures, tmp_path_factory, number):
    """As a terminal's Ctrl-C: one line, and nobody is left; after SIGKILL of the command there is no line."""
    scratch = tmp_path_factory.mktemp("scratch")
    arguments = [pictures, "-o", "out", *NETWORK, *SHORT, "-n", "40", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pydream", "dream", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(Path(cluster.__file__).parents[2]), "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: list(Path("out").glob("*.png")) or process.poll() is not None, 60)
    (process.send_signal if number == signal.SIGKILL else partial(os.killpg, process.pid))(number)
    told = process.communicate(timeout=60)[1].splitlines()
    until(lambda: not in_session(process.pid), 20)
    written = len(list(Path("out").glob("*.png")))
    if number == signal.SIGKILL:
        assert process.returncode == -number
        return
    assert process.returncode == 128 + number, told
    assert told[-1] == f"pydream: interrupted; {written} of 6 pictures were written; the same command makes the others"
    at_once = [line for line in told if line.startswith("pydream: stopping") and line.endswith("once more stops now")]
    assert len(told) == 2 + written + len(at_once)
    assert len(at_once) <= 1
    assert os.listdir(scratch) == []


def in_session(leader):
    """List the processes of a session that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            found += [stat.parent.name] * (int(session) == leader and state != "Z")
    return found


SWEEP = [
    "sweep",
    "in/0.png",
    "-m",
    "squeezenet_v1.1",
    "--layer",
    "conv1",
    "--layer",
    "pool1",
    "--layer",
    "fire2/concat",
    "--layer",
    "pool10",
    *SHORT,
]
CHANNELS = ["channels", "noise:30x20", "--layer", "fire2/squeeze1x1:0-5", "-n", "2", "--seed", "1", "--sidecar"]
ATLAS = [
    "atlas",
    "in/0.png",
    "-l",
    "conv1",
    "--side",
    "2",
    "--cell",
    "24",
    "--size",
    "32x32",
    "-n",
    "1",
    "--seed",
    "1",
    "--sidecar",
]


@pytest.mark.parametrize("command", [SWEEP, CHANNELS, ATLAS])
def test_a_sheet_is_the_same(run, pictures, two, command):
    """And so are its single pictures; one layer cannot dream at this size, which costs itself."""
    command = [*command, "--runtime", "numpy", "--dtype", "float64", "-o", "sheet.png", "--pictures"]
    one = run(*command, "one")
    sheet, sidecar = Path("sheet.png").read_bytes(), Path("sheet.png.json").read_bytes()
    seen = run(*command, "many", "--force", "--scheduler", two.address)
    assert seen.code == one.code, seen
    assert files("many") == files("one")
    assert Path("sheet.png").read_bytes() == sheet
    assert Path("sheet.png.json").read_bytes() == sidecar
    assert sorted(line for line in seen.err.splitlines() if "error" in line) == sorted(
        line for line in one.err.splitlines() if "error" in line
    )


@pytest.mark.parametrize("command", [SWEEP, CHANNELS, ATLAS])
def test_a_sheet_goes_on(run, pictures, two, command, monkeypatch):
    """Ctrl-C at the second; what one process made and what workers made are each other's to go on with."""
    from pydream.cli.input import Target

    command = [*command, "--runtime", "numpy", "--dtype", "float64", "-o", "sheet.png", "--pictures", "made"]
    write, written = Target.write, []

    def interrupting(self, *args, **options):
        write(self, *args, **options)
        written.append(self.given)
        if len(written) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Target, "write", interrupting)
    assert run(*command, "--scheduler", two.address).code == 130
    held = {path: path.stat().st_mtime_ns for path in Path("made").glob("*.png")}
    assert len(held) == 2
    monkeypatch.setattr(Target, "write", write)
    again = run(*command, "--resume", "--scheduler", two.address)
    assert held == {path: path.stat().st_mtime_ns for path in held}
    sheet = Path("sheet.png").read_bytes()
    once = run(*command, "--resume")
    assert (once.code, Path("sheet.png").read_bytes()) == (again.code, sheet)


@pytest.fixture
def film(folder):
    write_clip(folder / "in.mp4", moving_square(7), Fraction(25), tone="aac")
    return ["video", "in.mp4", "-o", "out.mp4", *NETWORK, *[each for each in SHORT if each != "--sidecar"]]


def test_a_film_without_blending(run, film, two):
    assert run(*film, "--carry", "0").code == 0
    one = Path("out.mp4").read_bytes()
    seen = run(*film, "--carry", "0", "--force", "--scheduler", two.address)
    assert seen.code == 0, seen
    assert Path("out.mp4").read_bytes() == one


def test_a_film_goes_on(run, film, two, monkeypatch):
    """Frames are written in order, whoever is faster: those that are there are the first ones, and not made again."""
    write, written = Target.write, []

    def interrupting(target, *args, **options):
        write(target, *args, **options)
        written.append(target.path.name)
        if len(written) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Target, "write", interrupting)
    arguments = [*film, "--carry", "0", "--scheduler", two.address]
    seen = run(*arguments)
    assert (seen.code, "3 of 7 frames are in" in seen.err) == (130, True), seen
    assert run(*arguments, "--resume").code == 0
    assert written == [f"{number:08d}.png" for number in range(7)]
    resumed = Path("out.mp4").read_bytes()
    assert run(*film, "--carry", "0", "--force").code == 0
    assert Path("out.mp4").read_bytes() == resumed


def test_a_film_with_blending_is_one_processs(refused, film, two):
    line = refused(2, *film, "--scheduler", two.address)
    assert "a frame that starts from the last dream waits for it: --carry 0" in line


def test_a_worker_with_other_weights_refuses(run, pictures, own_network, folder, tmp_path_factory):
    """Two registries, each with a network of that name: the files differ, and are told apart by their hashes."""
    assert run("models", "add", "mine", "own.prototxt", "own.caffemodel").code == 0
    other = tmp_path_factory.mktemp("data")
    shutil.copytree(folder / "data", other, dirs_exist_ok=True)
    weights = next(other.rglob("*.caffemodel"))
    before = weights.read_bytes()
    weights.write_bytes(before + b"\xa2\x06\x00")  # one more layer, empty
    with Processes(tmp_path_factory.mktemp("dask"), workers=0) as processes:
        processes.worker("--no-nanny", environment={"XDG_DATA_HOME": str(other)})
        arguments = [pictures, "-o", "out", "--model", "mine", "--layer", "light", "--runtime", "numpy"]
        seen = run("dream", *arguments, *SHORT, "--scheduler", processes.address)
    assert seen.code == 1
    assert seen.err.count("\n") == 1
    assert re.search(r"the worker on .* cannot have mine .* its weights_sha256 is \w{64}, not \w{64}\n", seen.err)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["in", "-o", "out", "--workers", "2", "--scheduler", "tcp://a:1"], "'--workers'"),
        (
            ["in", "-o", "out", "--scheduler", "localhost"],
            "'localhost' is not an address (expected PROTOCOL://HOST:PORT, e.g. tcp://10.0.0.1:8786)",
        ),
        (["in", "-o", "out", "--workers", "0"], "0 is not in the range"),
    ],
)
def test_bad_usage(refused, pictures, arguments, why):
    assert why in refused(2, "dream", *arguments)


def test_without_dask(run, pictures, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    seen = run("dream", pictures, "-o", "out", *NETWORK, *SHORT, "--workers", "2")
    assert seen.code == 1
    assert re.fullmatch(r"pydream: error: workers need Dask \(.*\): pip install 'pydeepdream\[dask\]'\n", seen.err)


def test_ctrl_c_while_a_scheduler_does_not_answer(run, pictures):
    def interrupt():
        with silent.accept()[0]:
            os.kill(os.getpid(), signal.SIGINT)
            released.wait(20)

    released = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        pool.submit(interrupt)
        began = time.monotonic()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        seen = run("dream", pictures, "-o", "out", *NETWORK, *SHORT, "--scheduler", address)
        released.set()
    assert seen.code == 130
    assert time.monotonic() - began < cluster.CONNECT - 2


@pytest.mark.parametrize(("quiet", "line"), [(False, "pydream: a worker at \\x1b[31m\n"), (True, "")])
def test_what_is_said_of_a_worker(capsys, quiet, line):
    with click.Context(click.Command("dream")) as ctx:
        ctx.params["quiet"] = quiet
        _say("a worker at \x1b[31m")
    assert capsys.readouterr() == ("", line)
