"""The worker's process, through its socket: one dream after the other, previews, stop, and its end."""

import os
import socket
import subprocess
import sys
from io import BytesIO
from time import monotonic

import msgspec
import numpy as np
import pytest
from PIL import Image

from pydream import classify, load_net
from pydream.cli import main
from pydream.media import read_image, read_note
from pydream.picture import to_pixels
from pydream.record import read_provenance
from pydream.studio.messages import (
    HEADER,
    Began,
    Classify,
    Failed,
    Finished,
    FromWorker,
    Preview,
    Progress,
    Run,
    Stop,
    Warm,
    packed,
    sizes,
)
from pydream.studio.orders import Network, Order


class Process:
    """The program, and what it says."""

    def __init__(self):
        server, its = socket.socketpair()
        with its:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pydream.studio.worker", str(its.fileno()), "1000000"],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        self.socket, self.input = server, server.makefile("rb")
        self.began = self.warming = 0.0

    def send(self, message):
        self.began = monotonic()
        self.socket.sendall(packed(message))

    def messages(self):
        """Yield (seconds after the last `send`, message, bytes) until a task is over."""
        while True:
            length, more = sizes(self.input.read(HEADER.size))
            message = msgspec.json.decode(self.input.read(length), type=FromWorker)
            yield monotonic() - self.began, message, self.input.read(more)
            if isinstance(message, (Finished, Failed)):
                return

    def carry_out(self, message):
        self.send(message)
        return [each for _, each, _ in self.messages()]

    def end(self):
        """End as the server does when it is killed; return what was printed."""
        self.input.close()
        self.socket.close()
        return self.process.communicate(timeout=10)


@pytest.fixture(scope="module")
def program():
    found = Process()
    yield found
    if found.process.poll() is None:
        found.end()


@pytest.fixture(scope="module")
def warm(program):
    """The process, with the network and a step of it."""
    (answer,) = program.carry_out(Warm(task="warm", network=Network()))
    assert answer == Finished(task="warm")
    program.warming = monotonic() - program.began
    return program


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two pictures, here."""
    for number, name in enumerate(("picture", "mask")):
        coarse = Image.fromarray(np.random.default_rng(number).integers(0, 256, (4, 6, 3), np.uint8))
        coarse.resize((96, 64), Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png", dpi=(150, 150))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder, picture="picture.png", mask=None, resumed=None, output="made", **order):
    id = None if picture is None else "a" * 64
    return Run(
        task="r",
        order=Order(kind="dream", picture=id, mask=mask and "b" * 64, **order),
        picture=picture and str(folder / picture),
        guide=None,
        mask=mask and str(folder / mask),
        names={"picture": picture, "mask": mask} if mask else {"picture": picture or ""},
        folder=str(folder),
        output=str(folder / output),
        resumed=resumed,
    )


SHORT = {"iter_n": 2, "octave_n": 2, "jitter": 4, "seed": 5}


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"recipe": {"seed": 5, "iter_n": 2, "size": [48, 64]}}, "picture.png --iterations 2 --size 64x48"),
        (
            {
                "preset": "dogs",
                "strength": 0.3,
                "layer": ("fire2/concat:3-7=0.5", "fire3/concat"),
                "recipe": {"seed": 5},
            },
            "picture.png --preset dogs --strength 0.3 --layer fire2/concat:3-7=0.5 --layer fire3/concat",
        ),
        (
            {"classes": ("hen",), "mask": "mask.png", "recipe": {"seed": 5, "iter_n": 2, "pull_back": 0.1}},
            "picture.png --class hen --mask mask.png --iterations 2 --pull-back 0.1",
        ),
        (
            {"long_side": 144, "recipe": {**SHORT, "blend": 0.25}},
            "picture.png --long-side 144 --iterations 2 --octaves 2 --jitter 4 --blend 0.25",
        ),
        (
            {"layer": ("fire2/concat:3-7@center=0.5", "fire3/concat"), "recipe": {**SHORT, "depth": 16}},
            "picture.png --layer fire2/concat:3-7@center=0.5 --layer fire3/concat"
            " --iterations 2 --octaves 2 --jitter 4 --depth 16",
        ),
        (
            {"picture": None, "recipe": {**SHORT, "noise": [64, 80]}},
            "noise:80x64 --iterations 2 --octaves 2 --jitter 4",
        ),
    ],
)  # fmt: skip
def test_an_order_makes_the_bytes_of_the_command(warm, folder, order, words):
    """The whole file, its record included; the recorded command and the call in Python make the same."""
    began, *_, finished = warm.carry_out(run(folder, **order))
    assert isinstance(finished, Finished), finished
    assert isinstance(began, Began)
    made, said = (folder / "made.png").read_bytes(), read_note("made.png")
    (folder / "made.png").unlink()
    with pytest.raises(SystemExit) as ended:
        main(["dream", *words.split(), "--seed", "5", "-o", "made.png", "-q"], prog_name="pydream")
    assert not ended.value.code
    assert read_note("made.png") == said
    assert (folder / "made.png").read_bytes() == made
    assert finished.facts["command"] == began.command == read_provenance("made.png").command
    here = {}
    exec(began.python.replace("dream.png", "by-python.png"), here)
    assert np.array_equal(read_image("by-python.png"), read_image("made.png"))
    assert finished.facts["sha256"] == read_provenance("made.png").result.sha256


@pytest.mark.parametrize("picture", ["picture.png", None])
def test_what_the_network_takes_a_picture_and_its_dream_for(warm, folder, picture):
    """As `pydream classify` says it; of noise too, which the recipe draws."""
    order = {"picture": picture, "recipe": SHORT if picture else {**SHORT, "noise": [64, 80]}}
    began, *_, made = warm.carry_out(run(folder, **order))
    given = run(folder, **order)
    task = Classify(task="c", order=given.order, picture=given.picture, result=made.files["png"], recipe=began.recipe)
    (answer,) = warm.carry_out(task)
    net = load_net("squeezenet_v1.1")
    start = read_image("picture.png") if picture else to_pixels(began.recipe.start(None)[0])
    both = {"before": start, "after": read_image(made.files["png"])}
    assert answer.facts["network"] == "squeezenet_v1.1"
    for name, pixels in both.items():
        known = [each._asdict() for each in classify(net, pixels)]
        found = [{field: value for field, value in each.items() if field != "before"} for each in answer.facts[name]]
        assert found == known
    was = {each.number: each.probability for each in classify(net, start, top=1000)}
    assert [each["before"] for each in answer.facts["after"]] == [was[each["number"]] for each in answer.facts["after"]]


def test_it_is_run_again_with_what_had_begun(warm, folder):
    """A killed run's tiles and seed, whatever this one would choose."""
    began, *_, first = warm.carry_out(run(folder, recipe={**SHORT, "tile": 64}, layer=("fire3/concat",)))
    assert began.recipe.tile == 64
    order = {"recipe": {**SHORT, "seed": 6}, "layer": ("fire3/concat",), "resumed": began.recipe}
    again, *_, second = warm.carry_out(run(folder, output="again", **order))
    assert again.recipe == began.recipe
    assert second.facts["sha256"] == first.facts["sha256"]


LONG = {"iter_n": 40, "octave_n": 3, "seed": 5}


def test_it_is_watched_and_stopped(warm, folder):
    """Previews of each octave's size, progress, and a stop that keeps what there is."""
    previews, steps = [], []
    warm.send(run(folder, recipe={**LONG, "jitter": 4}))
    for _, message, data in warm.messages():
        if isinstance(message, Preview):
            with Image.open(BytesIO(data)) as shown:
                assert (shown.format, shown.size) == ("JPEG", (message.width, message.height))
            previews.append((message.width, message.height))
        if isinstance(message, Progress):
            steps.append(message.step)
            assert message.steps == 120
            if len(previews) == 2:
                warm.socket.sendall(packed(Stop(task="r")))
    assert previews[0] == (49, 33)
    assert message.stopped
    assert steps == sorted(steps)
    account = read_provenance(message.files["png"])
    assert steps[-1] <= account.recipe.steps < 120
    assert message.facts["sha256"] == account.result.sha256
    again = warm.carry_out(run(folder, output="again", recipe={**LONG, "jitter": 4, "steps": account.recipe.steps}))
    assert again[-1].facts["sha256"] == account.result.sha256  # so a record of it is an order of it


def test_what_is_discarded_leaves_nothing(warm, folder):
    warm.send(run(folder, recipe=LONG))
    for _, message, _ in warm.messages():
        if isinstance(message, Preview):
            warm.socket.sendall(packed(Stop(task="r", discard=True)))
    assert message == Finished(task="r", stopped=True)
    assert sorted(os.listdir(folder)) == ["mask.png", "picture.png"]


def test_one_that_waits_is_stopped_before_it_begins(warm, folder):
    warm.socket.sendall(packed(run(folder, recipe=SHORT)))
    waiting = msgspec.structs.replace(run(folder, output="other", recipe=SHORT), task="s")
    warm.socket.sendall(packed(waiting) + packed(Stop(task="s")) + packed(Stop(task="nobody's")))
    assert list(warm.messages())[-1][1].files
    assert [each for _, each, _ in warm.messages()] == [Finished(task="s", stopped=True)]


@pytest.mark.parametrize(
    ("order", "line"),
    [
        ({"layer": ("fire99",)}, "no blob 'fire99'"),
        ({"network": Network(name="../net.prototxt")}, "no network 'net.prototxt'"),
        ({"recipe": {"iter_n": "many"}}, "iter_n: 'many'"),
        ({"recipe": {"rendering": {}}}, "'rendering'"),
        ({"recipe": {"noise": [64, 64]}}, "noise: there is a picture"),
        ({"recipe": {"end": "fire2/concat"}, "layer": ("fire3/concat",)}, "layer, objective and classes are left out"),
        ({"preset": "dog"}, "dogs"),
        ({"picture": "none.png"}, "none.png"),
        ({"mask": "picture.png", "recipe": {"clip": False}}, "mask: it keeps pixels as they are"),
        ({"long_side": 5000}, "more than 1000000 pixels"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(warm, folder, order, line):
    (failed,) = warm.carry_out(run(folder, **order))
    assert isinstance(failed, Failed)
    assert line in failed.error
    assert failed.fault == "input"
    assert "\n" not in failed.error
    assert str(folder) not in failed.error


def test_the_first_step_is_quick_when_it_is_warm(warm, folder):
    """Of a layer that has never been dreamt with, too."""
    warm.send(run(folder, recipe=SHORT, layer=("fire6/squeeze1x1", "fire5/concat:1")))
    first = next(after for after, message, _ in warm.messages() if isinstance(message, Preview))
    assert first < warm.warming / 3
    assert isinstance(list(warm.messages())[-1][1], Finished)


def test_it_ends_with_the_server(program):
    """At once, in the middle of a dream; nothing was printed into the protocol's way."""
    program.send(run_for_ever())
    for _, message, _ in program.messages():
        if isinstance(message, Preview):
            break
    begun = monotonic()
    out, err = program.end()
    assert monotonic() - begun < 1
    assert program.process.returncode == 0
    assert (out, err) == (b"", b"")


def run_for_ever():
    recipe = {"iter_n": 1000, "seed": 1, "noise": [256, 256]}
    order = Order(kind="dream", recipe=recipe)
    return Run(
        task="r", order=order, picture=None, guide=None, mask=None, names={}, folder="/", output="/nonexistent/made"
    )
