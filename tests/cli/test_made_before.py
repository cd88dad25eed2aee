"""Pictures, films and stopped runs of pydream 0.1.0, before its redesign, are replayed, read and resumed.

`tests/data/made_before/make.py` has the commands that made them.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

EXACT = [
    "plain.png", "plain.jpg", "plain.tif", "plain.webp", "guide.png", "retouched.png", "score.png", "mask.png",
    "noise.png", "sidecar.png", "sidecar.png.json", "no_clip.png", "era.png", "preset.png", "numpy.png",
    "interrupted.png", "reproduced.png", "deepdream.png", "lapnorm.png", "multiscale.png", "naive.png",
    "zoomed/00000000.png", "zoomed/00000002.png", "zoomed/00000001.png.json", "zoomed.mp4",
    "stopped_atlas/channel-000003.png", "stopped_sweep/015-squeezenet_v1.1-fire4-concat.png",
]  # fmt: skip
DREAM = "--octaves 2 --iterations 2 --dtype float64"
ATLAS = "--layer fire3/squeeze1x1:2-5 --renderer naive --iterations 2 --dtype float64"
FIGURES = {
    "sweep.png": f"pydream sweep sky.png -o sweep.png --layers conv1,fire4/concat,fire8/concat {DREAM}",
    "octaves.jpg": f"pydream octaves sky.png -o octaves.jpg {DREAM}",
    "history.webp": f"pydream history sky.png -o history.webp {DREAM}",
    "history.gif": f"pydream history sky.png -o history.gif {DREAM}",
    "atlas.jpg": f"pydream atlas small.png -o atlas.jpg {ATLAS}",
    "film.mp4": f"pydream video clip.mp4 dream.mp4 {DREAM}",
}
# No seed: it is in what the stopped run left, and without it the pictures would be others.
RESUME = "--device cpu --resume --quiet"
RESUMED = {
    "stopped_zoom": f"zoom small.png -o stopped_zoom --frames 4 --grid 0.015625 {DREAM} {RESUME}",
    "stopped_sweep": "sweep small.png -o sheet.png --pictures stopped_sweep"
    f" --layer conv1 --layer fire4/concat --layer fire8/concat {DREAM} {RESUME}",
    "stopped_atlas": f"channels small.png -o sheet.png --pictures stopped_atlas {ATLAS} {RESUME}",
}


@pytest.fixture
def made_before(folder, data):
    shutil.copytree(data / "made_before", folder, dirs_exist_ok=True)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def sha256(path):
    return hashlib.sha256(pixels(path).tobytes()).hexdigest()


def frames(path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24").astype(float) for frame in film.decode(video=0)]


@pytest.mark.parametrize("name", EXACT)
def test_replayed(run, made_before, name):
    """In float64: the same pixels on every machine."""
    seen = run("replay", name, "--quiet")
    assert (seen.code, seen.err) == (0, "")
    assert seen.out.startswith("identical: every byte ")
    assert seen.out.endswith(" pixels, float64\n")


def test_replayed_with_its_own_network(run, made_before):
    seen = run("replay", "own.png", "--model", "own.prototxt", "--weights", "own.caffemodel", "--quiet")
    assert (seen.code, seen.err) == (0, "")
    assert seen.out.startswith("identical: every byte of 60x40 pixels, float64")


@pytest.mark.parametrize("name", ["float32.png", "tiles.png"])
def test_replayed_in_float32(run, made_before, name):
    """The last bits depend on the machine, so the pixels may be others, but not far away."""
    seen = run("replay", name, "-o", "again.png", "--quiet")
    assert seen.err == ""
    assert seen.out.startswith("identical: " if seen.code == 0 else "different: ")
    assert np.abs(pixels("again.png").astype(float) - pixels(name)).mean() < 0.5


@pytest.mark.parametrize("name", FIGURES)
def test_read(run, made_before, name):
    """What is not one dream is not replayed; its record is read, and the command in it is shown."""
    seen = run("replay", name)
    assert (seen.code, seen.out) == (1, "")
    assert f"`{FIGURES[name]}" in seen.err
    assert "--seed 7` makes it again" in seen.err


@pytest.mark.parametrize("name", RESUMED)
def test_resumed(run, made_before, name):
    """What is there is kept, and what is missing becomes what it is in a run that nothing stops."""
    whole = json.loads(Path("whole.json").read_text())
    whole = {Path(path).name: expected for path, expected in whole.items() if Path(path).parent.name == name}
    kept = list(Path(name).glob("*.png"))
    assert 0 < len(kept) < len(whole)
    for path in kept:
        os.utime(path, (0, 0))
    seen = run(*RESUMED[name].split())
    assert (seen.code, seen.err) == (0, "")
    assert {path.name: sha256(path) for path in Path(name).glob("*.png")} == whole
    assert [path.stat().st_mtime for path in kept] == [0] * len(kept)


def test_film_resumed(run, made_before):
    """Encoders differ between versions of FFmpeg, by less than dreams of another seed, which are 5 levels apart."""
    seen = run("video", "clip.mp4", "-o", "stopped.mp4", *DREAM.split(), *RESUME.split())
    assert (seen.code, seen.err) == (0, "")
    assert not Path("stopped.mp4.frames").exists()
    for made, expected in zip(frames("stopped.mp4"), frames("film.mp4"), strict=True):
        assert np.abs(made - expected).mean() < 1.5
