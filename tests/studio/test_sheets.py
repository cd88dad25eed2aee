"""Sheets of dreams: what is there is kept, and goes on after an end with the same bytes."""

import json

import numpy as np
import pytest
from PIL import Image

from pydream.media import read_image, read_note
from pydream.studio.messages import Preview, Run, Stop
from pydream.studio.orders import Axis, Order
from pydream.studio.worker.sheets import run
from pydream.studio.worker.task import Task

STEPS = Axis(parameter="iter_n", values=(1, 2))
LAYERS = Axis(parameter="layer", values=("fire2/concat", "fire3/concat", "fire99"))


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    file = tmp_path_factory.mktemp("picture") / "sky.png"
    Image.fromarray(np.random.RandomState(0).randint(0, 255, (32, 48, 3), np.uint8)).save(file)
    return str(file)


def made(folder, picture, stop_after=None, discard=False, **fields):
    """Carry out a sheet, stopped when so many of its dreams are there; return the answer, and what was sent."""
    folder.mkdir(exist_ok=True)
    recipe = {"seed": 1, "octave_n": 1, "iter_n": 1}
    order = Order(kind="sweep", picture="0" * 64, **{"recipe": recipe, **fields})
    message = Run(
        task="t", order=order, picture=picture, guide=None, mask=None, names={"picture": "sky.png"},
        folder=str(folder), output=str(folder / "sheet"),
    )  # fmt: skip
    sent = []

    def send(each, data):
        sent.append(each)
        if stop_after is not None and len(list((folder / "cells").glob("*.png"))) >= stop_after:
            task.stopped = Stop(task="t", discard=discard)

    task = Task(message, send)
    return run(task), sent


def test_two_parameters_against_each_other(tmp_path, picture):
    answer, sent = made(tmp_path / "a", picture, rows=LAYERS, columns=STEPS)
    assert not answer.stopped
    assert any(isinstance(each, Preview) for each in sent)
    assert sent[0].steps == 3 * (1 + 2)
    sheet = read_image(answer.files["png"])
    assert (answer.facts["height"], answer.facts["width"]) == sheet.shape[:2]
    record = json.loads(read_note(answer.files["png"]))
    assert record["figure"] == "sweep"
    assert [(look["end"], look["iter_n"]) for look in record["looks"].values()] == [
        ("fire2/concat", 1), ("fire2/concat", 2), ("fire3/concat", 1), ("fire3/concat", 2),
    ]  # fmt: skip
    assert len(list((tmp_path / "a" / "cells").glob("*.png"))) == 4  # the third layer is none, and the sheet says so
    assert answer.facts["command"] is None

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "b", picture, stop_after=1, discard=True, rows=LAYERS, columns=STEPS)
    first = (tmp_path / "b" / "cells" / "000.png").stat().st_mtime_ns
    assert not (tmp_path / "b" / "sheet.png").exists()
    stopped, _ = made(tmp_path / "b", picture, stop_after=2, rows=LAYERS, columns=STEPS)
    assert stopped.stopped
    assert json.loads(read_note(stopped.files["png"]))["layers"] == [["fire2/concat"] * 2]
    again, _ = made(tmp_path / "b", picture, rows=LAYERS, columns=STEPS)
    assert (tmp_path / "b" / "cells" / "000.png").stat().st_mtime_ns == first
    assert not again.stopped
    assert (tmp_path / "b" / "sheet.png").read_bytes() == (tmp_path / "a" / "sheet.png").read_bytes()


def test_the_networks_layers(tmp_path, picture):
    answer, _ = made(tmp_path, picture, stop_after=2)
    record = json.loads(read_note(answer.files["png"]))
    assert record["layers"] == [["conv1", "pool1"]]
    assert record["command"] == answer.facts["command"]
    assert record["command"].startswith("pydream sweep sky.png -o sheet.png ")
    assert "--layer" not in record["command"]
