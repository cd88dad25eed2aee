"""Accounts: what is different between two dreams, and what is read of old and of damaged ones."""

import hashlib
import json

import msgspec
import numpy as np
import pytest
from support.accounts import INGREDIENTS, NETWORK, RECIPE, SKY

from pydream.dream.light import Light
from pydream.errors import PluginError, ProvenanceError
from pydream.files import file_sha256
from pydream.formats import InputSpec, caffe
from pydream.media import write_image
from pydream.media.page import document
from pydream.media.video import write_video
from pydream.record import DreamAccount, Figure, Film, Ingredients, Loop, Recipe, provenance, read_provenance
from pydream.record import loop as checkpoint
from pydream.record.loop import LoopFacts
from pydream.record.provenance import parse, sidecar_of
from pydream.zoo.load import NetFiles

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


@pytest.mark.parametrize(
    ("runtime", "why"),
    [("numpy", None), ("abacus", "^it was made on a runtime that is not installed here: ")],
)
def test_a_runtime_is_one_that_is_here(runtime, why):
    network = changed(NETWORK, runtime=runtime)
    if why is None:
        assert network.known_runtime == runtime
    else:
        with pytest.raises(ProvenanceError, match=why):
            network.known_runtime  # noqa: B018 (raises)


def test_a_package_that_is_broken_says_so_itself(monkeypatch):
    monkeypatch.setattr(provenance, "named_runtime", lambda _: (_ for _ in ()).throw(PluginError("it is broken")))
    with pytest.raises(PluginError, match=r"^it is broken$"):
        NETWORK.known_runtime  # noqa: B018 (raises)


def test_versions_of_libraries(monkeypatch):
    found = NETWORK.library_versions
    assert list(found) == ["python", "machine", *provenance.LIBRARIES]
    assert found["numpy"] == np.__version__
    assert provenance.versions("no such library")["no such library"] == "unknown"


def test_other_networks_differ_one_by_one():
    two = changed(INGREDIENTS, also=(NETWORK, NETWORK))
    other = changed(two, also=(NETWORK, changed(NETWORK, channel_order="RGB")))
    assert list(map(str, two.differences(other))) == ["channel_order was none, now RGB"]


def test_runtimes_differ_where_they_count():
    """In float64 all built-in ones make the same bytes, and between two dtypes the dtype is the difference."""
    for before, after, lines in (
        ({}, {"runtime": "tensorflow"}, []),
        ({}, {"runtime": "abacus"}, ["runtime was numpy, now abacus"]),
        ({}, {"runtime": "abacus", "dtype": "float32"}, ["dtype was float64, now float32"]),
        ({"dtype": "float32"}, {"runtime": "tensorflow"}, ["runtime was numpy, now tensorflow"]),
    ):
        old = changed(NETWORK, **before)
        assert list(map(str, old.differences(changed(old, **after)))) == lines


def test_another_frame_of_the_loop_is_another_dream():
    at = [changed(RECIPE, loop=Loop(frame=frame, scale=0.05, rotate=0.0, shift=(0.0, 0.0))) for frame in (1, 2)]
    assert list(map(str, changed(DREAM, recipe=at[0]).unlike(at[1], INGREDIENTS))) == ["frame was 1, now 2"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (60_001 * " ", "it is longer than 60000 characters"),
        ("{", "it is not as pydream writes it: Input data was truncated"),
        (5_000 * "[", "it is not as pydream writes it: "),
        ("{}", "it is not as pydream writes it: Object missing required field `"),
        ("\ud800", "it is not as pydream writes it: 'utf-8' codec can't encode character"),
    ],
)
def test_what_is_no_account(text, why):
    with pytest.raises(ProvenanceError) as raised:
        parse(text)
    assert str(raised.value).startswith(why)


@pytest.mark.parametrize("kept", ["in the picture", "beside it", "beside it, and a caption in it", "the record itself"])
def test_a_picture_or_its_sidecar_says(tmp_path, kept):
    path = tmp_path / "dream.png"
    note = {"in the picture": DREAM.to_json(), "beside it, and a caption in it": "a camera"}.get(kept)
    write_image(path, np.zeros((4, 6, 3)), note)
    if kept != "in the picture":
        sidecar_of(path).write_text(f"{DREAM.to_json()}\n")
    assert read_provenance(sidecar_of(path) if kept == "the record itself" else path) == DREAM


def test_a_page_says(tmp_path):
    page = tmp_path / "dream.html"
    page.write_text(document("a dream", "", note=DREAM.to_json()))
    assert read_provenance(page) == DREAM


def test_a_film_says(tmp_path):
    path = tmp_path / "dream.mp4"
    write_video(path, iter([np.zeros((16, 16, 3), np.uint8)]), note=DREAM.to_json())
    assert read_provenance(path) == DREAM


def test_what_does_not_say(tmp_path):
    path = tmp_path / "dream.png"
    write_image(path, np.zeros((4, 6, 3)))
    with pytest.raises(ProvenanceError) as raised:
        read_provenance(path)
    assert str(raised.value) == (
        f"'{path}' does not say how it was made: it is not pydream's, or lost that on the way; there is no"
        f" '{path}.json' either"
    )
    for content, why in ((b"\xff", "'utf-8' codec can't decode byte 0xff"), (None, "not a regular file")):
        sidecar_of(path).unlink(missing_ok=True)
        sidecar_of(path).mkdir() if content is None else sidecar_of(path).write_bytes(content)
        with pytest.raises(ProvenanceError) as raised:
            read_provenance(path)
        assert str(raised.value).startswith(f"cannot read '{path}.json': {why}")
    write_image(path, np.zeros((4, 6, 3)), "{}")
    with pytest.raises(ProvenanceError) as raised:
        read_provenance(path)
    assert str(raised.value).startswith(
        f"what '{path}' says of itself cannot be used: it is not as pydream writes it: "
    )


@pytest.mark.parametrize(("weights", "wanted"), [("w.caffemodel", "w.caffemodel"), (None, "n.prototxt")])
def test_the_facts_of_a_network(tmp_path, weights, wanted):
    (tmp_path / "n.prototxt").write_text("definition")
    (tmp_path / "w.caffemodel").write_text("weights")
    files = NetFiles(None, caffe, tmp_path / "n.prototxt", weights and tmp_path / weights)
    facts = provenance.net_facts("net", files, np.dtype(np.float64), "numpy", "CPU:0", InputSpec(scale=0.5))
    hashes = {name: file_sha256(tmp_path / name) for name in ("n.prototxt", "w.caffemodel")}
    assert facts == changed(
        NETWORK, weights=wanted, weights_sha256=hashes[wanted], definition_sha256=hashes["n.prototxt"], scale=0.5
    )


def test_deep_pixels_are_hashed_the_same_on_every_machine():
    deep = np.arange(24, dtype=np.uint16).reshape(2, 4, 3)
    hashed = hashlib.sha256(deep.astype("<u2").tobytes()).hexdigest()
    assert provenance.pixels_sha256(deep) == provenance.pixels_sha256(deep.astype(">u2")) == hashed
    assert provenance.pixels_sha256(deep[:, ::-1]) != hashed
