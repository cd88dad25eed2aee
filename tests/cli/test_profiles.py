"""A picture's colours by its profile: dreamt on in sRGB, not as in 2015; replayed as they were then."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import photograph
from support.profiles import DISPLAY_P3, in_srgb, rgb_profile

from pydream.caffe.io import load_image
from pydream.cli.commands import reproduce
from pydream.media import read_image, read_note, write_image
from pydream.record.provenance import pixels_sha256

PIXELS = np.asarray(photograph(24, 32)) // 2 + 128  # what the network sees something in
P3 = rgb_profile(DISPLAY_P3)


@pytest.fixture
def photo(folder):
    Image.fromarray(PIXELS).save(folder / "p3.png", icc_profile=P3)
    return "p3.png"


def said(name):
    return json.loads(read_note(name))


def test_a_dream_is_of_the_colours_in_srgb(run, photo, quick):
    assert run("dream", photo, "-o", "out.png", "-g", photo, "--mask", photo, *quick).code == 0
    converted = read_image(photo)
    assert np.abs(converted - in_srgb(PIXELS, DISPLAY_P3)).max() < 2
    hashes = {name: said("out.png")[name]["sha256"] for name in ("input", "guide", "mask")}
    stored = pixels_sha256(PIXELS)  # a mask's numbers are no colours
    assert hashes == {"input": pixels_sha256(converted), "guide": pixels_sha256(converted), "mask": stored}
    write_image("srgb.png", converted)
    words = ("-g", "srgb.png", "--mask", photo, "--seed", said("out.png")["dream"]["seed"])
    assert run("dream", "srgb.png", "-o", "same.png", *words, *quick).code == 0
    np.testing.assert_array_equal(read_image("out.png"), read_image("same.png"))


@pytest.mark.parametrize("words", [["--era", "2015"], ["--preset", "2015"]])
def test_in_2015_the_bytes_count(run, photo, quick, words):
    assert run("dream", photo, "-o", "out.png", "-g", photo, *words, *quick).code == 0
    for name in ("input", "guide"):
        assert said("out.png")[name]["sha256"] == pixels_sha256(PIXELS)


@pytest.mark.parametrize("more", [[], ["--input", "p3.png", "--guide", "p3.png", "--mask", "p3.png"]])
def test_a_dream_is_replayed(run, photo, quick, own_network, more):
    assert run("dream", photo, "-o", "out.png", "-g", photo, "--mask", photo, *quick).code == 0
    assert run("replay", "out.png", *own_network, *more).out.startswith("identical")


@pytest.mark.parametrize("more", [[], ["--input", "p3.png"]])
def test_a_dream_of_an_earlier_version_is_replayed(run, photo, quick, own_network, more, folder):
    """It was of the bytes, whatever their profile."""
    write_image("plain.png", PIXELS)
    assert run("dream", "plain.png", "-o", "out.png", *quick).code == 0
    (folder / "plain.png").unlink()
    note = said("out.png")
    note["input"]["name"] = photo
    write_image("out.png", read_image("out.png"), json.dumps(note))
    assert run("replay", "out.png", *own_network, *more).out.startswith("identical")


def test_a_profile_that_is_ignored_is_one_line(run, folder, quick):
    Image.fromarray(PIXELS).save("broken.png", icc_profile=b"?")
    seen = run("dream", "broken.png", "-o", "out.png", *quick)
    assert (seen.code, seen.err.count("pydream: warning: the colour profile of 'broken.png' is ignored: ")) == (0, 1)
    assert "warning" not in run("dream", "broken.png", "-o", "2.png", *quick, "-q").err


def test_reproduce_and_caffe_take_the_bytes(photo):
    np.testing.assert_array_equal(reproduce._input(Path(photo), "sky.jpg").pixels, PIXELS)
    np.testing.assert_array_equal(load_image(photo), np.float32(PIXELS / 255))


def test_a_jpeg_without_its_last_bytes_is_dreamt_on(run, folder, quick):
    Image.fromarray(PIXELS).save("whole.jpg")
    Path("cut.jpg").write_bytes(Path("whole.jpg").read_bytes()[:-2])
    seen = run("dream", "cut.jpg", "-o", "out.png", *quick)
    warnings = [line for line in seen.err.splitlines() if "warning" in line]
    assert (seen.code, warnings) == (0, ["pydream: warning: 'cut.jpg' is damaged: its last bytes are missing"])


@pytest.mark.parametrize("words", [[], ["--era", "2015"]])
@pytest.mark.parametrize("name", ["frames", "moving.webp"])
def test_frames_are_read_as_pictures_are(run, folder, quick, name, words):
    Path("frames").mkdir()
    first, other = (Image.fromarray(pixels) for pixels in (PIXELS, PIXELS[::-1]))
    first.save("frames/1.png", icc_profile=P3)
    first.save("moving.webp", save_all=True, append_images=[other], lossless=True, icc_profile=P3)
    still = ["--step-size", "0.01", "--jitter", "0", "--carry", "0"]
    assert run("video", name, "-o", "out", *still, *words, *quick).code == 0
    wanted = read_image("frames/1.png", to_srgb=not words).astype(int)
    assert np.abs(read_image("out/00000000.png") - wanted).max() <= 1
