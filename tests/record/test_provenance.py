"""Accounts: what is different between two dreams, and what is read of old and of damaged ones."""

import json

import msgspec
import numpy as np
import pytest
from support.accounts import INGREDIENTS, NETWORK, RECIPE, SKY

from pydream.dream.light import Light
from pydream.errors import ProvenanceError
from pydream.record import DreamAccount, Figure, Film, Ingredients, Loop, Recipe, provenance
from pydream.record import loop as checkpoint
from pydream.record.loop import LoopFacts
from pydream.record.provenance import parse

B = "b" * 64
DREAM = DreamAccount(
    recipe=RECIPE, command="pydream dream sky.png -o dream.png", network=NETWORK, input=SKY, result=SKY
)


def changed(what, **changes):
    return msgspec.structs.replace(what, **changes)


def test_nothing_differs_but_names():
    renamed = changed(NETWORK, name="other", weights="other.caffemodel")
    assert not list(INGREDIENTS.differences(Ingredients(network=renamed, input=changed(SKY, name="other.png"))))


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ({"input": changed(SKY, name="sea.png", sha256=B)},
         f"input was sky.png (6x4, sha256 {12 * 'a'}…), now sea.png (6x4, sha256 {12 * 'b'}…)"),
        ({"guide": SKY}, f"guide was none, now sky.png (6x4, sha256 {12 * 'a'}…)"),
        ({"network": changed(NETWORK, weights_sha256=B)},
         f"weights was w.caffemodel (sha256 {12 * 'a'}…), now w.caffemodel (sha256 {12 * 'b'}…)"),
        ({"network": changed(NETWORK, definition_sha256=B)},
         f"definition was sha256 {12 * 'a'}…, now sha256 {12 * 'b'}…"),
        ({"network": changed(NETWORK, dtype="float32")}, "dtype was float64, now float32"),
        ({"network": changed(NETWORK, device="GPU:0")}, "device was CPU:0, now GPU:0"),
        ({"network": changed(NETWORK, mean=(1.0, 2.0, 3.0))}, "mean was none, now (1.0, 2.0, 3.0)"),
    ],
)  # fmt: skip
def test_differences(other, line):
    assert [str(each) for each in INGREDIENTS.differences(changed(INGREDIENTS, **other))] == [line]


def test_recipes_differ_in_how_a_loop_moves_not_in_its_frame():
    loop = Loop(frame=1, scale=0.05, rotate=0.0, shift=(0.0, 0.0))
    moving = changed(RECIPE, loop=loop)
    assert not list(moving.differences(changed(RECIPE, loop=changed(loop, frame=8))))
    faster = changed(RECIPE, loop=changed(loop, scale=0.1), seed=8)
    assert list(map(str, moving.differences(faster))) == ["seed was 7, now 8", "scale was 0.05, now 0.1"]
    assert [each.what for each in RECIPE.differences(moving)] == ["loop"]


def test_a_loop_and_a_film_go_on_on_another_device():
    elsewhere = changed(NETWORK, device="GPU:0")
    loop = changed(RECIPE, loop=Loop(frame=1, scale=0.05, rotate=0.0, shift=(0.0, 0.0)))
    assert not LoopFacts(recipe=loop, network=NETWORK, input=SKY).unlike(
        LoopFacts(recipe=loop, network=elsewhere, input=SKY)
    )
    film = Film(
        film="video", recipe=RECIPE, command="", network=NETWORK, input=SKY, first=0, frames=2, size=(4, 6), blend=0.5,
        flow=False, cut=20.0,
    )  # fmt: skip
    assert not film.unlike(changed(film, network=elsewhere, frames=9))
    assert list(map(str, film.unlike(changed(film, blend=0.0)))) == ["blend was 0.5, now 0.0"]
    assert not DREAM.unlike(RECIPE, changed(INGREDIENTS, network=elsewhere))


def test_what_a_file_says_is_flat_as_it_always_was():
    said = json.loads(DREAM.to_json())
    assert set(said) == {
        "pydream", "command", "dream", "rng", "network", "input", "guide", "mask", "result", "versions",
    }  # fmt: skip
    assert parse(DREAM.to_json()) == DREAM


def test_what_is_not_a_dream_says_what_it_is():
    figure = Figure(
        figure="sweep", recipe=RECIPE, command="pydream sweep", network=NETWORK, input=SKY, layers=[["conv"]],
        networks=[NETWORK],
    )  # fmt: skip
    with pytest.raises(ProvenanceError, match=r"^it is a figure, not a dream; `pydream sweep` makes it again$"):
        parse(figure.to_json())


def test_versions_are_looked_up_once(monkeypatch):
    """A look lists every folder of `sys.path`; where a batch writes into one, that took longer with every picture."""
    looked = []
    monkeypatch.setattr(provenance.metadata, "version", lambda name: looked.append(name) or "1.0")
    provenance._version.cache_clear()
    try:
        assert provenance.versions() == provenance.versions("numpy")
        assert looked == list(provenance.LIBRARIES)
    finally:
        provenance._version.cache_clear()


def test_a_picture_is_known_by_its_name_alone():
    pixels = np.zeros((2, 3, 3), np.uint8)
    assert provenance.picture_facts("there/sky.png", pixels).name == "sky.png"
    assert provenance.picture_facts("/", pixels).name == "/"


def test_an_account_is_readable_as_it_is():
    assert DREAM.to_json().startswith('{\n "')


def test_what_is_no_dream_says_what_it_is():
    for kind, what in (("film", "a film of dreams"), ("figure", "a figure")):
        with pytest.raises(ProvenanceError, match=f"^it is {what}, not a dream; `pydream x` makes it again$"):
            parse(json.dumps({kind: "x", "command": "pydream x"}))


def test_a_loop_keeps_the_light_of_its_first_frame(tmp_path):
    light = Light((100.5, 90.0, 80.0), (20.25, 1.0, 2.0))
    for hold, kept in ((None, None), ("both", light)):
        loop = Loop(frame=1, scale=0.05, rotate=0.0, shift=(0.0, 0.0), hold=hold)
        facts = LoopFacts(recipe=changed(RECIPE, loop=loop), network=NETWORK, input=SKY)
        left = checkpoint.Checkpoint(facts, np.zeros((4, 6, 3)), np.random.RandomState(1), kept)
        checkpoint.save(tmp_path / "loop.npz", left)
        assert checkpoint.load(tmp_path / "loop.npz").light == kept


def test_octaves_by_hand_are_as_many_as_the_recipe_says():
    sizes = ((4, 6), (8, 12))
    assert Recipe(end="conv", seed=7, octave_n=2, octave_sizes=sizes).octave_n == 2
    with pytest.raises(ValueError, match="octave_n: 3, expected the number of octave_sizes, 2"):
        Recipe(end="conv", seed=7, octave_n=3, octave_sizes=sizes)
