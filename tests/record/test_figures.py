"""What the dreams of a figure have in common, in words; and what tells a cell of an atlas."""

import msgspec
import pytest
from support.accounts import NETWORK, RECIPE, SKY

from pydream.dream.objectives import Term
from pydream.record import DreamAccount, Figure, Rendering
from pydream.record.atlas import AtlasFigure, is_cell
from pydream.record.figures import in_words
from pydream.record.provenance import LooksFigure, SightFigure, noise_facts
from pydream.record.text import from_json

STEPS = "10 iterations of step 1.5"
DREAM = DreamAccount(recipe=RECIPE, command="pydream dream", network=NETWORK, input=SKY, result=SKY)


def figure(kind=Figure, **facts):
    facts = {"figure": "sweep", "layers": [["conv"]], "networks": [NETWORK], **facts}
    return kind(**{"recipe": RECIPE, "command": "pydream sweep", "network": NETWORK, "input": SKY, **facts})


def recipe(**changes):
    return msgspec.structs.replace(RECIPE, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, f"{STEPS} in each of 4 octaves, 1.4 apart; jitter 32; clipped"),
        ({"iter_n": 1, "octave_n": 1, "clip": False, "jitter": 0}, "1 iteration of step 1.5; jitter 0; not clipped"),
        ({"octave_n": 2, "octave_sizes": ((2, 3), (4, 6))},
         f"{STEPS} in each of 2 octaves, of 3x2,6x4; jitter 32; clipped"),
        ({"octave_n": 1, "size": (4, 6), "caricature": 1.5, "smooth": 0.5, "tv": 0.25, "seamless": True,
          "decorrelate_color": True, "keep_colors": True, "era": "2015"},
         f"{STEPS}; jitter 32; clipped; resized to 6×4; caricature, power 1.5; smooth 0.5; tv 0.25; seamless;"
         " colours decorrelated; colours kept; rounded as in 2015"),
        ({"octave_n": 1, "rendering": Rendering(renderer="naive")}, f"naive; {STEPS}"),
        ({"octave_n": 1, "rendering": Rendering(renderer="lapnorm", lap_n=1)},
         f"lapnorm with 1 Laplacian level; {STEPS}"),
        ({"octave_n": 1, "rendering": Rendering(renderer="lapnorm", lap_n=4)},
         f"lapnorm with 4 Laplacian levels; {STEPS}"),
    ],
)  # fmt: skip
def test_in_words(changes, words):
    said = in_words(figure(recipe=recipe(**changes)))
    assert said == f"sky.png, 6×4 pixels. {words}. net in float64, seed 7."


@pytest.mark.parametrize(("invert", "how"), [(False, "guided by"), (True, "inverting")])
def test_pictures_and_networks_in_words(invert, how):
    networks = [NETWORK, msgspec.structs.replace(NETWORK, name="other")]
    shown = figure(recipe=recipe(octave_n=1, invert=invert), networks=networks, guide=SKY, mask=SKY)
    assert in_words(shown) == (
        f"sky.png, 6×4 pixels. {STEPS}; jitter 32; clipped; {how} sky.png; only where sky.png is white."
        " net and other in float64, seed 7."
    )


def test_noise_in_words():
    assert str(noise_facts((4, 6))) == "noise (6x4)"
    assert in_words(figure(recipe=recipe(octave_n=1), input=noise_facts((4, 6)))).startswith("noise, 6×4 pixels. ")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (LooksFigure, {"looks": {"dogs": RECIPE}}),
        (AtlasFigure, {"pictures": 9, "pictures_sha256": "b" * 64, "activations": 90, "places": 10, "side": 3}),
    ],
)
def test_a_figure_is_read_as_it_was_written(kind, more):
    made = figure(kind, **more)
    assert from_json(made.to_json(), kind) == made
    if kind is AtlasFigure:
        with pytest.raises(msgspec.ValidationError, match=r"`int` >= 0 - at `\$\.places`"):
            from_json(msgspec.structs.replace(made, places=-1).to_json(), kind)


def test_a_sight_is_read_as_it_was_written():
    made = SightFigure(figure="classify", pictures=[SKY], network=NETWORK, command="pydream classify")
    assert from_json(made.to_json(), SightFigure) == made
    assert made.to_json().startswith('{\n "')


@pytest.mark.parametrize(
    ("objective", "cell"),
    [((), False), ((Term("conv", "mean"),), False), ((Term("conv", "mean", vector=(1.0, -2.0)),), True)],
)
def test_a_cell_has_a_direction(objective, cell):
    note = msgspec.structs.replace(DREAM, recipe=recipe(objective=objective)).to_json()
    assert is_cell(note, 3) is cell


@pytest.mark.parametrize("note", [None, "", "a camera"])
def test_what_is_no_dream_is_no_cell(note):
    assert not is_cell(note, 0)
