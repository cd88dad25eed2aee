"""A picture that is made again is the same, or is said to differ: by how much, and why."""

import msgspec
import numpy as np
import pytest
from PIL import Image
from support.accounts import NETWORK, RECIPE, SKY
from support.profiles import DISPLAY_P3, rgb_profile

from pydream.errors import ProvenanceError
from pydream.media import read_image
from pydream.record import DreamAccount, Loop
from pydream.record.provenance import picture_facts
from pydream.record.replay import LOSSLESS, compare, long_work, read_as_then, start_size

PIXELS = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
OTHER = PIXELS.copy()
OTHER[0, 0, 0] += 1


def account(pixels=PIXELS, **changes):
    recipe = {name: changes.pop(name) for name in tuple(changes) if name in RECIPE.__struct_fields__}
    return DreamAccount(
        **{
            "recipe": msgspec.structs.replace(RECIPE, **recipe), "command": "pydream dream", "network": NETWORK,
            "input": SKY, "result": picture_facts("result", pixels), "pydream": "1.0", "versions": {"numpy": "2.0"},
            **changes,
        }
    )  # fmt: skip


def test_what_is_lossless():
    assert [form.name for form in LOSSLESS] == ["PNG", "TIFF"]


@pytest.mark.parametrize("to_srgb", [True, False])
def test_a_picture_is_read_as_it_was_then(tmp_path, to_srgb):
    path = tmp_path / "in.png"
    Image.fromarray(PIXELS).save(path, icc_profile=rgb_profile(DISPLAY_P3))
    then = read_image(path, to_srgb=to_srgb)
    assert not np.array_equal(then, read_image(path, to_srgb=not to_srgb))
    for way in (True, False):
        assert np.array_equal(read_as_then(path, picture_facts("in.png", then), way), then)
    assert read_as_then(path, picture_facts("in.png", OTHER), True) is None


@pytest.mark.parametrize(
    ("recipe", "start", "size"),
    [({}, PIXELS, (4, 6)), ({"size": (2, 3)}, PIXELS, (2, 3)), ({"noise": (5, 7)}, None, (5, 7))],
)
def test_what_it_began_with(recipe, start, size):
    assert start_size(account(**recipe), start) == size


@pytest.mark.parametrize(
    ("recipe", "start", "why"),
    [
        ({}, None, "it says that it was made of noise, but not of what size"),
        ({"noise": (10**6, 10**7)}, None,
         "it says that it was made of 10000000x1000000 pixels of noise: too many"),
        ({"size": (10**7, 10**6)}, PIXELS,
         "it says that it was made of 1000000x10000000 pixels of a resized picture: too many"),
    ],
)  # fmt: skip
def test_what_it_cannot_have_begun_with(recipe, start, why):
    with pytest.raises(ProvenanceError) as raised:
        start_size(account(**recipe), start)
    assert str(raised.value) == why


@pytest.mark.parametrize(
    ("iter_n", "line"),
    [
        (1000, None),
        (864_00, None),  # a day
        (2 * 864_00, "its steps go over 1.7e+11 pixels, which takes some 2 days"),
        (10**6, "its steps go over 1.0e+12 pixels, which takes some 12 days"),
    ],
)
def test_long_work(iter_n, line):
    assert long_work(account(iter_n=iter_n, octave_n=1), (1000, 1000)) == line


def test_endless_work():
    loop = Loop(frame=10**5, scale=0.05, rotate=0.0, shift=(0.0, 0.0))
    line = long_work(account(iter_n=10**6, octave_n=1, loop=loop), (1000, 1000))
    assert line == "its steps go over 1.0e+17 pixels, which takes some 3,171 years"


def test_the_same_again():
    assert compare(account(), account(), PIXELS, PIXELS, True) == (
        True, True, "every byte of 6x4 pixels, float64", (),
    )  # fmt: skip
    assert compare(account(), account(), PIXELS, OTHER, False) == (
        True, True, "every byte that was then encoded of 6x4 pixels, float64", (),
    )  # fmt: skip
    assert compare(account(), account(pydream="2.0"), PIXELS, None, False).reasons == ()


def test_the_file_was_changed():
    why = "the file itself is not as it was made: its pixels were changed since"
    assert compare(account(), account(), PIXELS, OTHER, True) == (
        True, False, "every byte of 6x4 pixels, float64", (why,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("file", "lossless", "compared"),
    [
        (PIXELS, True, "1 of 72 values differ, by 1 at most and 0.0139 on average"),
        (PIXELS, False, "1 of 72 values differ, by 1 at most and 0.0139 on average, encoding included"),
        (PIXELS[:3], False, "6x4 pixels, was 6x3"),
        (np.uint16(PIXELS) * 257, True, "1 of 72 values differ, by 1 at most and 0.0139 on average"),
    ],
)  # fmt: skip
def test_other_pixels(file, lossless, compared):
    found = compare(account(), account(OTHER), OTHER, file, lossless)
    assert (found.again, found.identical, found.compared) == (False, False, compared)


def test_other_pixels_without_a_file():
    made, now = account(), account(OTHER)
    assert compare(made, now, OTHER, None, False).compared == (
        f"sha256 of the pixels {now.result.sha256}, was {made.result.sha256}"
    )


FLOAT32 = msgspec.structs.replace(NETWORK, dtype="float32")


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        ({}, {}, []),
        ({}, {"pydream": "2.0", "versions": {"scipy": "1.0"}},
         ["pydream was 1.0, now 2.0", "numpy was 2.0, now none"]),
        ({"versions": {"numpy": "2.0", "scipy": "1.0"}}, {"versions": {"numpy": "2.0", "scipy": "1.1"}},
         ["scipy was 1.0, now 1.1"]),
        ({"network": FLOAT32, "depth": 16}, {"network": FLOAT32},
         ["float32: such dreams depend on the processor and the number of threads; float64 ones do not"]),
        ({"depth": 16}, {"depth": 16},
         ["more than 8 bits: their last digits can depend on the processor, in float64 too"]),
        ({}, {"network": msgspec.structs.replace(NETWORK, device="GPU:0")}, ["device was CPU:0, now GPU:0"]),
    ],
)  # fmt: skip
def test_why_they_differ(before, after, reasons):
    found = compare(account(**before), account(OTHER, **after), OTHER, PIXELS, True)
    assert list(found.reasons) == reasons
