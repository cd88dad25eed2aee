"""`pydream atlas`: a page and a map of what a layer makes of pictures; stopped, and on, to the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support.interrupting import interrupt_at
from support.markup import Checked, shown

import pydream
from pydream.media import look_at, read_image, read_note

LAYER = "fire2/concat"
SHORT = [
    "--layer",
    LAYER,
    "--runtime",
    "numpy",
    "--places",
    "6",
    "--side",
    "2",
    "--cell",
    "24",
    "-n",
    "1",
    "--size",
    "40x32",
]
ATLAS = ["atlas", "photos", *SHORT, "-q"]


@pytest.fixture
def photos(folder, draw):
    (folder / "photos").mkdir()
    for number in range(3):
        draw(folder / "photos" / f"{number}.png", 40 + 9 * number, 48)
    return folder / "photos"


@pytest.fixture
def whole(run, photos):
    """The page, made in one go."""
    assert run(*ATLAS, "-o", "whole.html", "--seed", "3").code == 0
    return Path("whole.html").read_bytes()


def test_the_page_and_the_map(run, photos):
    (photos / "bad.png").write_bytes(b"no picture")
    seen = run(*ATLAS[:-1], "--seed", "3", "--pictures", "tiles", "--sidecar")
    assert seen.code == 1
    first, *titles, wrote, last = seen.err.splitlines()
    assert first.startswith("squeezenet_v1.1 fire2/concat, 4 pictures on CPU:0, float32, seed 3")
    assert "'photos/bad.png' is not a picture" in titles[0]
    assert titles[1] == "squeezenet_v1.1 fire2/concat, 4 cells on CPU:0, float32, seed 3"
    assert wrote == "wrote 'photos.atlas.html'"
    assert last == "pydream: error: 1 of 4 pictures failed; the others are in the atlas"
    found = Checked(Path("photos.atlas.html").read_text(encoding="utf-8"))
    found.check_that_it_stands_alone()
    assert json.loads(Path("photos.atlas.html.json").read_text()) == found.record
    record = found.record
    assert (record["figure"], record["pictures"], record["activations"], record["side"]) == ("atlas", 3, 18, 2)
    assert record["command"] == (
        f"pydream atlas photos -o atlas.html --places 6 --side 2 --cell 24 --iterations 1 --size 40x32 --layer {LAYER}"
        " --runtime numpy --seed 3"
    )
    for text in (
        f"What {LAYER} of squeezenet_v1.1 makes of photos",
        "4 groups of 18",
        "Without bad.png, which could not",
    ):
        assert text in found.text
    rows = Path("photos.atlas.html").read_text().split("<tr id=")[1:]
    assert len(rows) == 4
    tiles = sorted(Path("tiles").iterdir())
    cells = [image for image in found.all("img") if image.get("width") == "24"]
    for tile, image in zip(tiles, cells, strict=True):
        assert np.abs(np.int32(read_image(tile)) - np.asarray(shown({**image, "alt": "x"}))).mean() < 12
        assert run("replay", tile).out.startswith("identical")
    seen = run(*ATLAS, "-o", "map.png", "--pictures", "tiles", "--resume", "--no-caption", "--title", "", "--dpi", "50")
    assert seen.code == 1
    assert json.loads(read_note("map.png"))["pictures_sha256"] == record["pictures_sha256"]
    assert look_at("map.png").size[1] == 335  # 170 mm


def test_resume_ends_with_the_same_bytes(run, whole, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5, signal.SIGTERM)
        seen = run(*ATLAS[:-1], "-o", "out.html", "--seed", "3")
    assert seen.code == 143
    told = "pydream: interrupted; 2 of 4 cells are in 'out.html.tiles'; --resume continues"
    assert seen.err.splitlines()[-1] == told
    assert not Path("out.html").exists()
    assert run(*ATLAS, "-o", "out.html", "--resume").code == 0
    assert Path("out.html").read_bytes() == whole
    assert not Path("out.html.tiles").exists()


def test_killed(run, whole):
    """SIGKILL, with one cell drawn."""
    environment = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}
    arguments = [sys.executable, "-m", "pydream", *ATLAS, "-o", "out.html", "--seed", "3"]
    process = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
    while not Path("out.html.tiles/cell-000000.png").exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not Path("out.html").exists()
    assert run(*ATLAS, "-o", "out.html", "--resume").code == 0
    assert Path("out.html").read_bytes() == whole
    assert not Path("out.html.tiles").exists()


def test_a_damaged_cell_and_a_missing_one(run, whole):
    assert run(*ATLAS, "-o", "out.html", "--seed", "3", "--pictures", "tiles").code == 0
    assert Path("out.html").read_bytes() == whole
    first, second, *_ = sorted(Path("tiles").iterdir())
    made = first.read_bytes()
    first.write_bytes(made[:-20])
    second.unlink()
    assert run(*ATLAS, "-o", "out.html", "--pictures", "tiles", "--resume").code == 0
    assert Path("out.html").read_bytes() == whole
    assert first.read_bytes() == made


def test_other_pictures_are_another_atlas(run, photos, draw):
    assert run(*ATLAS, "-o", "out.html", "--seed", "3", "--pictures", "tiles").code == 0
    shutil.rmtree(photos)
    photos.mkdir()
    draw(photos / "other.png", 90, 60)
    seen = run(*ATLAS, "-o", "out.html", "--pictures", "tiles", "--resume")
    assert seen.code == 1
    assert "' is another dream: objective was " in seen.err
    assert len(seen.err) < 1000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "-"], "name a file"),
        (["-o", "out.xyz"], "its suffix names no known format"),
        (["-o", "out.html", "--dpi", "90"], "it is for a sheet"),
        (["-o", "out.html", "-l", f"{LAYER}:1"], "an atlas is of a whole layer"),
        (["noise", "-o", "out.html"], "an atlas is of files and folders"),
        (["-o", "out.html", "--resume", "--force"], "choose one"),
        (["-o", "out.html", "--cell", "1024", "--side", "32"], "the map is too large"),
    ],
)
def test_refused(refused, photos, arguments, said):
    assert said in refused(1 if "too large" in said else 2, "atlas", "photos", *arguments)


def test_nothing_to_look_at(run, photos):
    for path in photos.iterdir():
        path.write_bytes(b"no picture")
    seen = run(*ATLAS, "-o", "out.html")
    assert (seen.code, len(seen.err.splitlines())) == (1, 4)
    assert seen.err.endswith("pydream: error: no picture could be read: nothing was written\n")
    assert not Path("out.html").exists()


def test_the_documented_command_made_the_documented_picture(root):
    lines = (root / "docs" / "atlas.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith("pydream atlas") and "docs/atlas.jpg" in line]
    made = json.loads(read_note(root / "docs" / "atlas.jpg"))["command"]
    words = line.replace("examples/", "").replace("docs/", "").replace("106 --dpi 110", "106.0 --dpi 110.0").split()
    assert sorted(words) == sorted(made.replace(" --layer fire8/concat", "").split())
    assert (root / "docs" / "atlas.jpg").stat().st_size < 160_000
