"""What goes out with a picture has names of files in it, and no folders: somebody's home is nobody's business."""

import json
import os
import shutil

import numpy as np
import pytest
from support.clips import moving_square, write_clip

from pydream.media import read_note, write_image

HOME = "home-of-somebody"
SHORT = ["-n", "1", "--seed", "1", "--runtime", "numpy", "-q"]
DREAM = ["--octaves", "1", "--jitter", "4"]
SHEET = [*DREAM, "--dpi", "50"]


@pytest.fixture
def home(picture, own_network, folder):
    """A folder with all that commands read; their options name it in full."""
    place = folder / HOME
    place.mkdir()
    for name in ("in.png", "own.prototxt", "own.caffemodel"):
        shutil.move(name, place)
    write_image(place / "side.png", np.full((72, 96, 3), 255, np.uint8))
    write_clip(place / "in.mp4", moving_square(2))
    return place


COMMANDS = {
    "dream": ["dream", "{}/in.png", "-o", "out.png", "--sidecar",
              "-g", "{}/side.png", "--mask", "{}/side.png", *DREAM],
    "jpeg": ["dream", "{}/in.png", "-o", "out.jpg", *DREAM],
    "own network": ["dream", "{}/in.png", "-o", "out.png", "-m", "{}/own.prototxt", "-w", "{}/own.caffemodel",
                    "-l", "light", *DREAM],
    "many": ["dream", "{}/in.png", "{}/side.png", "-o", "{}/out", *DREAM],
    "zoom": ["zoom", "{}/in.png", "-o", "{}/out", "-o", "{}/out.gif", "--frames", "2", *DREAM],
    "film": ["video", "{}/in.mp4", "-o", "{}/out.mp4", "--sidecar", "--carry", "0", *DREAM],
    "visualize": ["visualize", "{}/in.png", "-o", "out.png", "-l", "fire2/squeeze1x1:1", "-r", "naive"],
    "channels": ["channels", "{}/in.png", "-o", "out.png", "-l", "fire2/squeeze1x1:0-1", "--pictures", "{}/out",
                 "-r", "naive", "--dpi", "50"],
    "atlas": ["atlas", "{}/in.png", "-o", "out.html", "-l", "fire2/concat", "--pictures", "{}/out", "--side", "1",
              "-n", "1", "--cell", "32"],
    "sweep": ["sweep", "{}/in.png", "-o", "out.png", "-m", "{}/own.prototxt", "--pictures", "{}/out", *SHEET],
    "classify": ["classify", "{}/in.png", "--dream", "-o", "out.png", "--dpi", "50", *DREAM],
    "grid": ["grid", "{}/in.png", "-o", "out.png", "-l", "fire2/squeeze1x1", "--size", "24x24", "--dpi", "50"],
    "octaves": ["octaves", "{}/in.png", "-o", "out.webp", "--mask", "{}/side.png", *SHEET],
    "history": ["history", "{}/in.png", "-o", "out.tif", "--gif", *SHEET],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_folder_is_in_what_is_written(run, home, folder, command):
    inputs = set(home.iterdir())
    where = f"./../{folder.name}/{HOME}" if command == "jpeg" else home
    seen = run(*(word.format(where) for word in COMMANDS[command]), *SHORT)
    assert seen.code == 0, seen
    written = [path for path in folder.rglob("*") if path.is_file() and path not in inputs]
    assert written
    for path in written:
        content = path.read_bytes()
        assert HOME.encode() not in content, path
        assert os.fsencode(folder.name) not in content, path
    if command == "dream":
        for name in ("in.png", "side.png"):
            shutil.copy(home / name, folder)
        assert run("replay", "out.png").out.startswith("identical")
        line = json.loads(read_note("out.png"))["command"]
        assert " in.png -o dream.png " in line
        assert " --guide side.png " in line
        assert " --mask side.png " in line


def test_an_older_account_loses_its_folders(run, home, folder):
    """What earlier versions wrote is read, by the last part of each name; what is made of it has no folders either."""
    assert run("dream", home / "in.png", "-o", "out.png", *DREAM, *SHORT).code == 0
    account = json.loads(read_note("out.png"))
    account["command"] = account["command"].replace(" in.png", f" {home}/in.png")
    (home / "old.png.json").write_text(json.dumps(account))
    seen = run("replay", home / "old.png.json", "-o", "again.png", "--sidecar")
    assert seen.out.startswith("identical"), seen
    assert HOME not in (folder / "again.png.json").read_text()
    assert HOME.encode() not in (folder / "again.png").read_bytes()
