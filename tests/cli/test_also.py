"""`--also`: other networks beside a dream's own, recorded, replayed, and refused before anything is loaded."""

import json

import numpy as np
import pytest
from google.protobuf import text_format
from support import nets

import pydream
from pydream.dream.together import Also, Together
from pydream.errors import ParameterError, UnknownNameError
from pydream.media.image import read_image
from pydream.record.provenance import read_provenance

SHORT = ["--octaves", "1", "--iterations", "1", "--seed", "3", "--runtime", "numpy", "--layer", "fire2/concat"]
BUILT_IN = "squeezenet_v1.1"


@pytest.fixture
def tiny(folder):
    """A network's file in another folder, with its weights beside it."""
    (folder / "nets").mkdir()
    text = nets.inputs(data=(1, 3, 9, 8)) + nets.layer(
        "a", "Convolution", "data", "a", "convolution_param { num_output: 4 kernel_size: 3 }"
    )
    weights = nets.weights(a=[nets.normal(np.random.default_rng(0), 4, 3, 3, 3), np.zeros(4)])
    (folder / "nets" / "tiny.prototxt").write_text(text_format.MessageToString(nets.parse(text)))
    (folder / "nets" / "tiny.caffemodel").write_bytes(weights.SerializeToString())
    return "nets/tiny.prototxt"


def test_it_is_the_librarys_dream_recorded_and_replayed(run, picture, tiny):
    seen = run("dream", picture, "-o", "out.png", *SHORT, "--also", f"{tiny}:a:0-2=-0.5", "--also", BUILT_IN)
    assert seen.code == 0, seen
    what = "fire2/concat + tiny.prototxt:a:0-2=-0.5 + squeezenet_v1.1:fire8/concat on CPU:0"
    assert f"{BUILT_IN} {what}" in seen.err
    net, other = (pydream.load_net(each, runtime="numpy") for each in (BUILT_IN, tiny))
    score = pydream.objectives.l2("a", (0, 1, 2))
    together = Together(net, Also(other, objective=score, weight=-0.5), Also(net, "fire8/concat"))
    expected = pydream.deepdream(
        together, read_image(picture), end="fire2/concat", octave_n=1, iter_n=1, rng=np.random.RandomState(3)
    )
    np.testing.assert_array_equal(read_image("out.png"), np.uint8(np.clip(expected, 0, 255)))

    made = read_provenance("out.png")
    assert made.recipe.also == ("tiny.prototxt:a:0-2=-0.5", f"{BUILT_IN}:fire8/concat")
    assert [each.name for each in made.also] == ["tiny", BUILT_IN]
    assert " --also tiny.prototxt:a:0-2=-0.5 --also squeezenet_v1.1:fire8/concat " in made.command
    refused = run("replay", "out.png", "-i", picture)
    assert refused.code == 1
    assert "it was made with 'tiny.prototxt' too, which is none of" in refused.err
    assert "name its file with --also" in refused.err
    assert run("replay", "out.png", "-i", picture, "--also", tiny).out.startswith("identical")


def test_without_others_a_record_says_nothing_of_them(run, picture):
    assert run("dream", picture, "-o", "out.png", *SHORT).code == 0
    assert '"also"' not in read_provenance("out.png").to_json()


def test_another_network_of_that_name_is_named(run, picture, tiny, folder):
    assert run("dream", picture, "-o", "out.png", *SHORT, "--also", f"{tiny}:a").code == 0
    weights = nets.weights(a=[np.ones((4, 3, 3, 3)), np.zeros(4)])
    (folder / "nets" / "tiny.caffemodel").write_bytes(weights.SerializeToString())
    seen = run("replay", "out.png", "-i", picture, "--also", tiny)
    assert seen.code == 1
    assert "weights was tiny.caffemodel (sha256" in seen.out


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--also nothing:a", "no network 'nothing'"),
        ("--also squeezenet_v1.1:fire8/conct", "squeezenet_v1.1: no blob 'fire8/conct'; close: 'fire8/concat'"),
        ("--also squeezenet_v1.1:conv1:x", "squeezenet_v1.1: 'x' in 'conv1:x' is not a list of channels"),
        ("--also squeezenet_v1.1:conv1:strongest3", "of another network name channels by their numbers"),
        ("--also squeezenet_v1.1:conv1=0:1,9:2", "a network's weight has no keyframes"),
        ("--also squeezenet_v1.1 --workers 2", "'--also': a worker has one network"),
    ],
)
def test_what_cannot_be(refused, picture, options, text):
    assert text in refused(2, "dream", "in.png", "-o", "out.png", *options.split(), *SHORT)


def test_in_python(picture):
    """The network itself, in equal parts: its bytes, one by its text, one as a list."""
    params = {"runtime": "numpy", "layer": "fire2/concat", "octaves": 1, "iterations": 1, "seed": 3, "progress": False}
    one = pydream.dream_picture("in.png", **params)
    for also in (f"{BUILT_IN}:fire2/concat", [f"{BUILT_IN}:fire2/concat"]):
        two = pydream.dream_picture("in.png", also=also, **params)
        np.testing.assert_array_equal(two.pixels, one.pixels)
    assert "--also squeezenet_v1.1:fire2/concat" in two.command
    assert "fire2/concat + squeezenet_v1.1:fire2/concat, 1 steps" in two.caption
    with pytest.raises(UnknownNameError, match="no network 'nothing'"):
        pydream.dream_picture("in.png", also="nothing", **params)
    with pytest.raises(ParameterError, match=r"^also: "):
        pydream.dream_picture("in.png", also=f"{BUILT_IN}:conv1:strongest2", **params)


def test_a_record_of_strangers_is_bounded(run, picture):
    assert run("dream", picture, "-o", "out.png", *SHORT).code == 0
    record = json.loads(read_provenance("out.png").to_json())
    record["dream"]["also"] = ["/etc/passwd:a"]
    (picture.parent / "evil.json").write_text(json.dumps(record))
    seen = run("replay", "evil.json", "-i", picture)
    assert "it was made with '/etc/passwd' too, which is none of" in seen.err
