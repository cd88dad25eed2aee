"""`--depth`: the dream before it becomes 8 bits, in files that can hold it; recorded and replayed."""

import json
from pathlib import Path

import numpy as np
import pytest

import pydream
from pydream.media import read_image, read_note, read_samples, write_image, write_samples
from pydream.record.provenance import pixels_sha256

SHORT = ["--octaves", "2", "--iterations", "1", "--seed", "3", "--runtime", "numpy", "-q"]
KINDS = [("16", "deep.png"), ("16", "deep.tif"), ("float", "deep.tiff")]

kinds = pytest.mark.parametrize(("depth", "name"), KINDS)


def numbers():
    """The dream itself, by the library."""
    made = pydream.dream_picture(
        "in.png", octaves=2, iterations=1, seed=3, runtime="numpy", depth="float", progress=False
    )
    assert made.samples.dtype == np.float32
    return made.samples


@kinds
def test_dreamt_and_replayed(run, picture, depth, name):
    assert run("dream", picture.name, "-o", name, "--depth", depth, *SHORT).code == 0
    samples, dream = read_samples(name), numbers()
    expected = dream if depth == "float" else np.rint(np.clip(dream, 0, 255) * np.float32(257))
    np.testing.assert_array_equal(samples, expected)
    said = json.loads(read_note(name))
    assert said["dream"]["depth"] == (16 if depth == "16" else "float")
    assert f"--depth {depth}" in said["command"]
    assert said["result"]["sha256"] == pixels_sha256(samples)
    seen = run("replay", name, "-q", "-o", f"again-{name}")
    assert (seen.code, seen.out) == (0, "identical: every byte of 96x72 pixels, float32\n")
    np.testing.assert_array_equal(read_samples(f"again-{name}"), samples)


def test_a_record_of_8_bits_is_as_before(run, picture):
    assert run("dream", picture.name, "-o", "a.png", "--depth", "8", *SHORT).code == 0
    assert "depth" not in read_note("a.png")
    np.testing.assert_array_equal(read_image("a.png"), np.uint8(np.clip(numbers(), 0, 255)))


def test_changed_since(run, picture):
    """One number by one, and one that was made 8 bits."""
    assert run("dream", picture.name, "-o", "deep.tif", "--depth", "16", *SHORT).code == 0
    note, samples = read_note("deep.tif"), read_samples("deep.tif")
    samples[3, 4, 1] ^= 1
    write_samples("deep.tif", samples, note)
    write_image("deep.png", read_image("deep.tif"), note)
    for name in ("deep.tif", "deep.png"):
        seen = run("replay", name, "-q")
        assert seen.code == 1
        assert "its pixels were changed since" in seen.out


def test_another_one_is_compared_in_its_numbers(run, picture):
    assert run("dream", picture.name, "-o", "deep.tif", "--depth", "16", *SHORT).code == 0
    said, samples = json.loads(read_note("deep.tif")), read_samples("deep.tif")
    samples[0, 0, 0] ^= 256
    said["result"]["sha256"] = pixels_sha256(samples)
    write_samples("deep.tif", samples, json.dumps(said))
    assert "1 of 20736 values differ, by 256 at most" in run("replay", "deep.tif", "-q").out


def test_a_folder(run, picture):
    """What is there is recognised by its numbers, and is an input of another dream."""
    words = ["--format", "tiff", "-o", "many", *SHORT[:-1]]
    assert run("dream", picture.name, picture.name, "--depth", "float", *words).code == 0
    seen = run("dream", picture.name, picture.name, "--depth", "float", *words)
    assert "2 of 2 are in 'many' already" in seen.err
    assert "depth was float, now 16" in run("dream", picture.name, picture.name, "--depth", "16", *words).err
    assert run("dream", "many", "-o", "next", *SHORT).code == 0


@pytest.mark.parametrize("words", ["--mask mask.png", "--blend 0.3 --stretch 2", "--no-clip"])
def test_with_what_comes_after_the_steps(run, picture, words):
    mask = np.zeros((72, 96, 3), np.uint8)
    mask[:, 48:] = 255
    write_image("mask.png", mask)
    assert run("dream", picture.name, "-o", "deep.tif", "--depth", "float", *words.split(), *SHORT).code == 0
    samples = read_samples("deep.tif")
    if "mask" in words:  # black stays to the bit
        np.testing.assert_array_equal(samples[:, :48], read_image(picture)[:, :48])
    else:
        assert samples.max() > 255
    assert run("replay", "deep.tif", "-q").code == 0
    assert read_image("deep.tif").shape == (72, 96, 3)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("-o a.jpg --depth 16", "a JPEG file cannot hold 16 bits a colour (expected .png, .tif, .tiff)"),
        ("--depth float", "a PNG file cannot hold floats (expected .tif, .tiff)"),
        ("-o - --format webp --depth float", "a WEBP file cannot hold floats (expected .tif, .tiff)"),
        ("-o a.tif --depth 32", "'32' is not a depth (expected 8, 16, float)"),
    ],
)
def test_files_that_cannot_hold_it(refused, picture, words, line):
    assert line in refused(2, "dream", picture.name, *words.split())


def test_in_python(run, picture):
    made = pydream.dream_picture("in.png", octaves=2, iterations=1, seed=3, runtime="numpy", depth=16, progress=False)
    assert (made.samples.dtype, made.pixels.dtype, made.image.mode) == (np.uint16, np.uint8, "RGB")
    np.testing.assert_array_equal(made.pixels, made.samples // 257)
    made.save("python.png")
    assert run("dream", picture.name, "-o", "cli.png", "--depth", "16", *SHORT).code == 0
    assert Path("python.png").read_bytes() == Path("cli.png").read_bytes()
    with pytest.raises(pydream.errors.ImageFileError, match="cannot hold 16 bits"):
        made.save("python.jpg")
