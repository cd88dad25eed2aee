"""The page is well-formed, stands alone, shows what it should and lets no name of a file become HTML."""

import json
import re

import msgspec
import numpy as np
import pytest
from support.markup import Checked, shown

from pydream.record.provenance import NetFacts, pixels_sha256
from pydream.record.recipe import Loop, Recipe
from pydream.reproduce.known import Known, facts_of, judge
from pydream.reproduce.page import page, seconds
from pydream.reproduce.report import Input, ReproductionReport, Row
from pydream.reproduce.results import GRID, RESULTS, Reproduction, Snapshot

A, B = "a" * 64, "b" * 64
NASTY = "<img src=x onerror='alert(1)'>&amp;\"\x1b[31m.jpg"


def picture(seed, height=30, width=40):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3), np.uint8)


def outcome(key, interrupted=False, snapshots=3):
    loop = Loop(frame=snapshots - 1, scale=0.05, rotate=0, shift=(0, 0)) if RESULTS[key].loop else None
    recipe = Recipe(end="fire8/concat", seed=7, octave_n=3, era="2015", loop=loop, grid=GRID if loop else None)
    pictures = [picture(seed) for seed in range(snapshots)]
    return Reproduction(
        result=RESULTS[key],
        recipe=recipe,
        picture=pictures[-1],
        snapshots=[Snapshot(pixels_sha256(pixels), pixels) for pixels in pictures],
        steps=28 if interrupted else 30,
        steps_wanted=30,
        seconds=12.5,
        network_seconds=10.0,
        interrupted=interrupted,
    )


def row(made, known=None, exact=True):
    facts = facts_of("squeezenet_v1.1", A, made.recipe, (30, 40), A, B if made.result.guided else None)
    there = [] if known is None else [Known(result=made.result.key, by="Caffe", facts=facts, pictures=known)]
    verdict = judge(
        made.result.key, facts, made.hashes, made.picture, exact=exact, interrupted=made.interrupted, known=there
    )
    return Row(made, facts, verdict, f"dream_{made.result.key}.png")


def report(*rows, **changes):
    sky = Input("sky.jpg", True, picture(9), A)
    network = NetFacts(
        name="squeezenet_v1.1",
        weights="squeezenet_v1.1.caffemodel",
        weights_sha256=B,
        definition_sha256=B,
        dtype="float64",
        runtime="tensorflow",
        device="CPU:0",
    )
    facts = {
        "rows": list(rows),
        "missing": [],
        "sky": sky,
        "guide": Input("flowers.jpg", True, picture(8), B),
        "network": network,
        "weights": A,
        "exact": True,
        "era": "2015",
        "seed": 7,
        "command": "pydream reproduce --exact",
        "threads": "PYDREAM_NUM_THREADS=1",
        "versions": {"pydream": "1.2.3", "numpy": "4.5.6"},
        "made": "2015-06-17 12:00 UTC",
    }
    return ReproductionReport(**{**facts, **changes})


@pytest.fixture
def whole():
    return report(*(row(outcome(key)) for key in RESULTS))


def test_it_is_well_formed_and_stands_alone(whole):
    html = page(whole)
    found = Checked(html)
    assert html.startswith("<!DOCTYPE html>\n<html lang=")
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in found.all("meta")
    assert found.all("script") == []
    found.check_that_it_stands_alone()
    ids = {attributes["id"] for _, attributes in found.tags if "id" in attributes}
    for _, attributes in found.tags:
        assert attributes.get("href", "#inputs")[1:] in ids
    assert "@page" in found.css
    assert "//" not in re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", "", html)


def test_every_picture_is_whole_and_has_a_text(whole):
    images = Checked(page(whole)).all("img")
    assert len(images) == 2 + 3 * (1 + 1 + 3) + (1 + 3)  # inputs; dream, before, octaves; the shown frame, frames
    for image in images:
        assert shown(image).size == (40, 30)
    np.testing.assert_array_equal(np.asarray(shown(images[2])), picture(2))  # pixel for pixel


def test_its_text(whole):
    text = Checked(page(whole)).text
    for expected in [
        *(result.title for result in RESULTS.values()),
        *["fire8/concat", "stands for inception_4c/output", "seed 7", "3, scale 1.4: 21x15 29x21 40x30", "jitter 32"],
        *["12.5 s: 10.0 s in the network, 2.5 s on the image side; 30 steps, 0.42 s each"],
        *["scale 0.05, read at matrix × (o + offset)", "to multiples of 0.015625 after each step"],
        *["pydream 1.2.3, numpy 4.5.6", "PYDREAM_NUM_THREADS=1", "pydream reproduce --exact", "2015-06-17", A, B],
        *[whole.rows[0].outcome.hashes[-1], "dream_4c.png"],
        "not compared: no known result of squeezenet_v1.1"[1:],
        "Compared with the known results: 4 not compared.",
    ]:
        assert expected in text, expected


def test_identical():
    made = outcome("4c")
    html = page(report(row(made, made.hashes)))
    found = Checked(html)
    assert "Compared with the known results: 1 identical." in found.text
    assert "Identical to Caffe's result (Caffe), in every pixel." in found.text
    assert found.text.count("✓") == 3
    assert "differs" not in found.text


def test_differs():
    made = outcome("4c")
    guided = outcome("guided")
    known = [made.hashes[0], B, A]
    text = Checked(page(report(row(made, known), row(guided, guided.hashes), row(guided)))).text
    assert "Compared with the known results: 1 identical, 1 different, 1 not compared." in text
    assert "Differs from Caffe's result (Caffe), first in octave 2 of 3." in text
    assert f"SHA-256 of the known one{A}" in text  # the expected hash
    assert re.findall(r"octave (\d): 40×30\w{8} (✓|differs)", text)[:3] == [
        ("1", "✓"),
        ("2", "differs"),
        ("3", "differs"),
    ]


def test_frames_that_differ():
    made = outcome("zoom")
    text = Checked(page(report(row(made, [made.hashes[0], B])))).text
    assert "first in frame 1" in text
    short = [digest[:8] for digest in made.hashes]
    assert f"0 {short[0]} ✓1 {short[1]} differs2 {short[2]}" in text
    assert text.count("✓") == text.count(" differs") == 1


def test_float32_shows_the_hash_to_expect_and_no_marks():
    made = outcome("4c")
    text = Checked(page(report(row(made, [B, B, A], exact=False), exact=False))).text
    assert f"SHA-256 of the known one{A}" in text
    assert "✓" not in text
    assert "float32, as the libraries of 2015 did it" in text


def test_interrupted():
    text = Checked(page(report(row(outcome("4c", interrupted=True, snapshots=2)), missing=["The dream", "x"]))).text
    assert "The run ended early; not made: The dream, x." in text
    assert "Interrupted after 28 of 30 steps" in text
    assert "SHA-256 of its pixels" not in text


def test_modern():
    text = Checked(page(report(row(outcome("4c")), era="modern"))).text
    assert "as today's libraries do it" in text


def test_names_are_text():
    made = outcome("4c")
    network = msgspec.structs.replace(report().network, name=NASTY, weights=NASTY, device=NASTY)
    sky = Input(NASTY, False, picture(9), A)
    html = page(report(row(made), network=network, sky=sky, guide=sky, command=NASTY, threads=NASTY, made=NASTY))
    found = Checked(html)
    assert "<img src=x" in found.text
    assert not [image for image in found.all("img") if image["src"] == "x" or "onerror" in image]
    assert "\x1b" not in html


def test_large_pictures_are_shown_smaller():
    noise = picture(1, 1500, 2000)
    made = outcome("4c")
    made.picture, made.snapshots = noise, [Snapshot(A, noise)]
    html = page(report(row(made), sky=Input("sky.jpg", True, noise, A)))
    for image in Checked(html).all("img"):
        assert int(image["width"]) <= 1024
    assert len(html) < 8e6


def test_json():
    made = outcome("4c")
    content = json.loads(report(row(made, [made.hashes[0], B, A])).to_json())
    (result,) = content["results"]
    assert result["pictures"] == made.hashes
    assert result["known"] == [made.hashes[0], B, A]
    assert (result["result"], result["verdict"], result["seconds"]) == ("4c", "differs", 12.5)
    assert content["inputs"] == {"sky": {"name": "sky.jpg", "sha256": A}, "guide": {"name": "flowers.jpg", "sha256": B}}
    assert content["network"]["weights_sha256"] == B


@pytest.mark.parametrize(
    ("count", "expected"), [(0.04, "0.0 s"), (41.26, "41.3 s"), (119.9, "119.9 s"), (1503, "25 min 3 s")]
)
def test_seconds(count, expected):
    assert seconds(count) == expected
