"""Known results: what decides the pixels, what a comparison says, and that the file is in order."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from pydream.media.image import read_image
from pydream.record.provenance import pixels_sha256
from pydream.record.recipe import Loop, Recipe
from pydream.reproduce import known as module
from pydream.reproduce.known import FILE, OTHER, Known, facts_of, known_results, weights_sha256
from pydream.reproduce.results import GRID, RESULTS, example, make, recipe_for

A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
PICTURE = np.random.RandomState(0).randint(2, 254, (20, 30, 3), np.uint8)


def facts(recipe=None, network="net", weights=C, size=(512, 768), sky=A, guide=None):
    return facts_of(network, weights, recipe or Recipe(end="layer", seed=0), size, sky, guide)


def looped(grid=GRID, era="modern", **move):
    loop = Loop(**{"frame": 4, "scale": 0.05, "rotate": 0, "shift": (0, 0), **move})
    return Recipe(end="layer", seed=0, grid=grid, era=era, loop=loop)


def judge(result, facts, hashes, picture=PICTURE, **options):
    return module.judge(result, facts, hashes, picture, **options)


def known(facts, *pictures, result="4c"):
    return [Known(result=result, by="Caffe", facts=facts, pictures=list(pictures))]


def test_the_same_pixels():
    verdict = judge("4c", facts(), [A, B], exact=True, known=known(facts(), A, B))
    assert (verdict.kind, verdict.first) == ("identical", None)
    assert verdict.text == "identical to Caffe's result (Caffe), in every pixel"


@pytest.mark.parametrize(("found", "first"), [([A, C], 1), ([C, B], 0), ([C, D], 0)])
def test_other_pixels(found, first):
    verdict = judge("4c", facts(), found, exact=True, known=known(facts(), A, B))
    assert (verdict.kind, verdict.first, verdict.known) == ("differs", first, [A, B])
    assert verdict.text == f"differs from Caffe's result (Caffe), first in octave {first + 1} of 2"


BORDERS = {5: int(PICTURE.flat[5]), 71: int(PICTURE.flat[71]), 1799: int(PICTURE.flat[1799])}


def beside(*indexes, by=1):
    """A picture that is `by` levels off in places."""
    picture = PICTURE.copy()
    for index in indexes:
        picture.flat[index] = int(picture.flat[index]) + by
    return picture


@pytest.mark.parametrize(
    ("picture", "off"),
    [
        *[(beside(71), 1), (beside(5, 1799), 2), (beside(5, by=-1), 1)],
        *[(beside(71, by=2), None), (beside(72), None), (beside(71, 72), None), (PICTURE[:1], None)],
    ],
)
def test_values_on_a_border_may_be_one_level_off(picture, off):
    """What rounding can do to a dream, and nothing more than that."""
    pictures = [A, pixels_sha256(PICTURE)]
    there = [Known(result="4c", by="Caffe", facts=facts(), pictures=pictures, borders=BORDERS)]
    verdict = judge("4c", facts(), [A, pixels_sha256(picture)], picture, exact=True, known=there)
    assert verdict.kind == ("identical" if off else "differs")
    if off:
        expected = f"except {off} of 1800 values on the border between two levels, which are one level off"
        assert verdict.text == f"identical to Caffe's result (Caffe), {expected}"
    earlier = judge("4c", facts(), [B, pixels_sha256(picture)], picture, exact=True, known=there)
    assert (earlier.kind, earlier.first) == ("differs", 0)


def test_frames():
    there = known(facts(looped()), A, B, C, result="zoom")
    more = judge("zoom", facts(looped(frame=9)), [A, B, C, D, A], exact=True, known=there)
    assert more.kind == "identical"
    assert more.text.endswith("in every pixel, up to frame 2, the last known one")
    assert judge("zoom", facts(looped()), [A, B], exact=True, known=there).kind == "identical"
    other = judge("zoom", facts(looped()), [A, D, C, B], exact=True, known=there)
    assert (other.kind, other.first) == ("differs", 1)
    assert other.text.endswith("first in frame 1")


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({"sky": B}, "another picture"),
        ({"guide": B}, "another guide"),
        ({"weights": B}, "other weights"),
        ({"size": (512, 770)}, "other octaves"),
        ({"recipe": Recipe(end="layer", seed=1)}, "another seed"),
        ({"recipe": Recipe(end="other", seed=0)}, "another layer"),
        ({"recipe": Recipe(end="layer", seed=0, iter_n=9)}, "another number of iterations"),
        ({"recipe": Recipe(end="layer", seed=0, step_size=2)}, "another step size"),
        ({"recipe": Recipe(end="layer", seed=0, jitter=2)}, "another jitter"),
        ({"sky": B, "recipe": Recipe(end="layer", seed=1, octave_n=3)}, "another picture, other octaves, another seed"),
    ],
)
def test_what_was_made_otherwise_is_not_compared(run, expected):
    verdict = judge("4c", facts(**run), [A], exact=True, known=known(facts(), A))
    assert (verdict.kind, verdict.known) == ("not compared", ())
    assert verdict.text == f"not compared: the nearest known result has {expected}"


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (looped(grid=None), "another grid"),
        (looped(scale=0.1), "another zoom between frames"),
        (looped(era="2015"), "another era"),
    ],
)
def test_loops_that_move_otherwise_are_not_compared(recipe, expected):
    there = known(facts(looped()), A, result="zoom")
    assert judge("zoom", facts(recipe), [A], exact=True, known=there).text.endswith(expected)


def test_the_nearest_is_named_and_the_right_one_is_found():
    several = known(facts(sky=B, guide=B), A) + known(facts(sky=D), B) + known(facts(), C)
    assert judge("4c", facts(), [C], exact=True, known=several).kind == "identical"
    assert judge("4c", facts(guide=B), [C], exact=True, known=several).text.endswith("has another picture")


def test_float32_is_not_compared():
    verdict = judge("zoom", facts(looped(grid=None)), [A], exact=False, known=known(facts(looped()), A, result="zoom"))
    assert (verdict.kind, verdict.known) == ("not compared", [A])
    assert "float32" in verdict.text
    assert "--exact" in verdict.text


def test_an_interrupted_one_is_not_compared():
    verdict = judge("4c", facts(), [], exact=True, interrupted=True, known=known(facts(), A))
    assert verdict.kind == "not compared"
    assert "interrupted" in verdict.text


@pytest.mark.parametrize("others", [[], known(facts(network="another"), A), known(facts(), A, result="guided")])
def test_nothing_is_known(others):
    verdict = judge("4c", facts(), [A], exact=True, known=others)
    assert verdict.text == "not compared: no known result of net"


def test_an_era_that_changes_no_size_changes_no_fact_of_a_dream():
    then, now = (facts(Recipe(end="layer", seed=0, era=era)) for era in ("2015", "modern"))
    assert then == now
    narrow = [facts(Recipe(end="layer", seed=0, era=era, octave_scale=2), size=(64, 93)) for era in ("2015", "modern")]
    assert narrow[0] != narrow[1]


def test_weights_are_hashed_by_their_numbers(squeezenet32, squeezenet64):
    assert weights_sha256(squeezenet32) == weights_sha256(squeezenet64)

    layer, (first, *others) = next(iter(squeezenet64.params.items()))
    changed = first.data.copy()
    changed.flat[0] = np.nextafter(changed.flat[0], 9)
    params = {**squeezenet64.params, layer: [type(first)(changed), *others]}
    assert weights_sha256(SimpleNamespace(params=params)) != weights_sha256(squeezenet64)


def test_the_file_is_in_order():
    assert known_results()
    seen = [json.dumps([one.result, one.facts]) for one in known_results()]
    assert len(set(seen)) == len(seen)
    for one in known_results():
        assert one.result in RESULTS
        assert set(one.facts) == set(OTHER) - (set() if RESULTS[one.result].loop else {"zoom", "era", "grid"})
        assert (one.facts["guide"] is not None) == RESULTS[one.result].guided
        if RESULTS[one.result].loop:
            assert one.facts["grid"] == GRID
        else:
            assert len(one.pictures) == len(one.facts["sizes"].split())
        for digest in [*one.pictures, one.facts["sky"], one.facts["weights"]]:
            assert re.fullmatch("[0-9a-f]{64}", digest)
        assert bool(one.borders) == one.by.startswith("Caffe")
    assert FILE.stat().st_size < 100_000


def test_the_2015_dream_is_caffes(shared):
    """The dream of dreams: what Caffe made is in the file, and equals the golden result."""
    golden = np.load(shared / "golden" / "googlenet_4c_1024x575.npz")
    (dream,) = [one for one in known_results() if one.by.startswith("Caffe")]
    assert (dream.result, dream.facts["network"], dream.facts["seed"]) == ("4c", "bvlc_googlenet", 0)
    assert dream.pictures[-1] == str(golden["sha256"])


def _name(one):
    ours = one.facts["sky"] == pixels_sha256(read_image(example("sky.jpg")))
    pictures = "ours" if ours else "the notebook's"
    return (
        f"{one.facts['network']}-{one.result}-{pictures}-{one.facts['sizes'].count(' ') + 1}x{one.facts['iterations']}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("one", known_results(), ids=_name)
def test_a_known_result_is_made_again(one, request):
    """All of them at full size, of a loop the first three frames."""
    short = {"squeezenet_v1.1": "squeezenet64", "bvlc_googlenet": "googlenet64"}
    net = request.getfixturevalue(short[one.facts["network"]])
    files = [example("sky.jpg"), example("flowers.jpg")]
    pictures = {pixels_sha256(pixels): pixels for pixels in map(read_image, files)}
    if one.facts["sky"] not in pictures:
        photographs = (request.getfixturevalue("shared") / "images").glob("*.jpg")
        pictures = {pixels_sha256(pixels): pixels for pixels in map(read_image, photographs)}
    sky, guide = pictures[one.facts["sky"]], pictures.get(one.facts["guide"])
    frames = min(3, len(one.pictures))
    recipe = recipe_for(
        RESULTS[one.result],
        one.facts["layer"],
        exact=True,
        frames=frames,
        era=one.facts.get("era", "2015"),
        seed=one.facts["seed"],
        octave_n=len(one.facts["sizes"].split()),
        iter_n=one.facts["iterations"],
    )
    weights = weights_sha256(net)
    assert facts_of(net.name, weights, recipe, sky.shape[:2], one.facts["sky"], one.facts["guide"]) == one.facts
    outcome = make(net, RESULTS[one.result], recipe, sky, guide)
    verdict = judge(one.result, one.facts, outcome.hashes, outcome.picture, exact=True)
    assert verdict.kind == "identical", verdict
