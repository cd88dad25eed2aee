"""`--natural`: how near a drawing is to a folder of pictures, on stderr and on the sheet."""

import json
import re

from pydream.media import read_note

SHORT = ["-n", "1", "--octaves", "1", "--seed", "1", "--runtime", "numpy", "-r", "multiscale"]


def test_visualize_says_it(run, folder, draw):
    (folder / "photos").mkdir()
    for name in "ab":
        draw(folder / "photos" / f"{name}.png", 48, 64)
    line = ["visualize", "noise:48x48", "--layer", "fire2/squeeze1x1:3", *SHORT]
    seen = run(*line, "-o", "a.png", "--natural", "photos")
    assert seen.code == 0, seen
    said = r"fire2/squeeze1x1:3: cosine 0\.\d\d with the nearest activations of 2 natural pictures at fire2/squeeze1x1;"
    assert re.search(said + r" of these among themselves [01]\.\d\d\nwrote 'a.png'", seen.err), seen.err
    assert run(*line, "-o", "b.png").code == 0
    assert (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()


def test_channels_show_it(run, folder, picture, monkeypatch):
    (folder / "photos").mkdir()
    picture.rename(folder / "photos" / "a.png")
    line = ["channels", "noise:48x48", "--layer", "fire2/squeeze1x1:0-1", *SHORT, "--dpi", "50"]
    assert run(*line, "-o", "a.png", "--natural", "photos").code == 0
    assert " --natural photos " in json.loads(read_note("a.png"))["command"]
    assert run(*line, "-o", "b.png").code == 0
    assert (folder / "a.png").read_bytes() != (folder / "b.png").read_bytes()


def test_what_is_no_folder(refused, picture):
    said = refused(2, "visualize", "noise:48x48", "-o", "a.png", "--natural", "in.png", *SHORT)
    assert "Invalid value for '--natural': 'in.png' is not a folder" in said
