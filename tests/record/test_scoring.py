"""Layers, channels, places, weights and classes in the words of the command line, as what a dream makes larger."""

import numpy as np
import pytest
from support import nets
from support.accounts import NETWORK, SKY

from pydream.dream.keyframes import Curve
from pydream.dream.objectives import MOST_CHANNELS, Score, Strongest, Term
from pydream.errors import ParameterError, UnknownNameError
from pydream.net import NOTEBOOK_END
from pydream.record import DreamAccount, Recipe
from pydream.record.command import command_of
from pydream.record.scoring import Aim, Direction, aim_of, crossing, guide_weights, least_in_record, score_of, weight_of

ALONG = Direction((1.0, -2.0, 0.5, 3.0), 1.5)


@pytest.fixture(scope="module")
def net():
    text = (
        nets.inputs(data=(1, 3, 9, 8))
        + nets.layer("low", "Convolution", "data", "low", "convolution_param { num_output: 4 kernel_size: 3 }")
        + nets.layer("a", "Convolution", "low", "mid@1:2", "convolution_param { num_output: 4 kernel_size: 2 }")
        + nets.layer("b", "ReLU", "mid@1:2", "mid@1")
        + nets.layer("c", "Convolution", "mid@1", "top", "convolution_param { num_output: 6 kernel_size: 1 }")
        + nets.layer("logits", "Pooling", "top", "logits", "pooling_param { pool: AVE global_pooling: true }")
        + nets.layer("prob", "Softmax", "logits", "prob")
        + nets.layer("notebook", "ReLU", "low", NOTEBOOK_END)
    )
    rng = np.random.default_rng(3)
    weights = {"low": (4, 3, 3, 3), "a": (4, 4, 2, 2), "c": (6, 4, 1, 1)}
    arrays = {name: [nets.normal(rng, *shape), nets.normal(rng, shape[0])] for name, shape in weights.items()}
    return nets.build(text, "float64", "numpy", **arrays)


@pytest.mark.parametrize(
    ("word", "term"),
    [
        ("low", None),
        ("low=1", None),
        ("low=-0.5", Term("low", weight=-0.5)),
        ("low:3", Term("low", channels=(3,))),
        ("low:0-2,3@1,2=2", Term("low", "l2", (0, 1, 2, 3), 2.0, (1, 2))),
        ("low@center", Term("low", place="center")),
        ("low=0:1,9:2", Term("low", weight=Curve(((0, 1.0), (9, 2.0))))),
        ("low:strongest2", Strongest("low", "l2", (3, 2))),
        ("low:strongest4@0,0=2", Strongest("low", "l2", (3, 2, 1, 0), 2.0, (0, 0))),
        ("mid@1:2", None),  # a name, and the longest
        ("mid@1:3", Term("mid@1", channels=(3,))),
        ("mid@1:2:1@center", Term("mid@1:2", channels=(1,), place="center")),
    ],
)
def test_a_layer_in_words(net, word, term):
    assert score_of(net, [word], "l2", []) == (None if term is None else Score((term,)))


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("low:x", "'x' in 'low:x' is not a list of channels (expected e.g. 3 or 3-7 or 3-7,12, or strongest10)"),
        ("low:3-1", "'3-1' in 'low:3-1' is not a range of channels (expected e.g. 3-7)"),
        (f"low:0-{MOST_CHANNELS}",
         f"'0-{MOST_CHANNELS}' in 'low:0-{MOST_CHANNELS}' is not a range of channels (expected e.g. 3-7)"),
        ("low@left", "'left' in 'low@left' is not a place of the layer's grid (expected e.g. 3,7 or center)"),
        ("low=much", "'much' in 'low=much' is not a weight (expected a number, e.g. 0.5 or -1)"),
        ("low=inf", "'inf' in 'low=inf' is not a weight (expected a number, e.g. 0.5 or -1)"),
        ("low=0:x", "'0:x' in 'low=0:x' is not a weight (expected a number, e.g. 0.5 or -1, or keyframes, e.g."
         " 0:1,60:0)"),
        ("low:strongest5",
         "'strongest5' in 'low:strongest5' is not a number of channels of 'low' (expected 1 to 4)"),
        ("low:strongest0",
         "'strongest0' in 'low:strongest0' is not a number of channels of 'low' (expected 1 to 4)"),
    ],
)  # fmt: skip
def test_what_is_no_layer_in_words(net, word, why):
    with pytest.raises(ParameterError) as raised:
        score_of(net, [word], "l2", [])
    assert str(raised.value) == f"layer: {why}"


@pytest.mark.parametrize("word", ["lowe", "lowe:3@1,2=0.5"])
def test_an_unknown_layer_lists_close_ones(net, word):
    with pytest.raises(UnknownNameError, match=r"^net has no blob 'lowe'.*'low'|^no blob 'lowe'.*low"):
        score_of(net, [word], "l2", [])


@pytest.mark.parametrize(
    ("layers", "kind", "classes", "terms"),
    [
        ([], "l2", [], None),
        (["low", "top=2"], "mean", [], (Term("low", "mean"), Term("top", "mean", weight=2.0))),
        (["low"], "sum", [], (Term("low", "sum"),)),
        ([], "l2", ["3"], (Term("logits", "sum", (3,)),)),
        (["low"], "l2", ["1-2=0.5"], (Term("low"), Term("logits", "sum", (1, 2), 0.5))),
    ],
)
def test_layers_and_classes(net, layers, kind, classes, terms):
    assert score_of(net, layers, kind, classes) == (None if terms is None else Score(terms))


def test_a_class_with_what_is_no_weight_is_a_name(net):
    with pytest.raises(UnknownNameError, match="3=much"):
        score_of(net, [], "l2", ["3=much"])


@pytest.mark.parametrize(("kind", "along"), [("l2", "mean"), ("mean", "mean"), ("sum", "sum")])
def test_a_direction_is_of_the_last_layer(net, kind, along):
    wanted = Term("low", along, weight=2.0, vector=ALONG.vector, cosine_power=1.5)
    assert score_of(net, ["top", "low=2"], kind, [], ALONG) == Score((Term("top", kind), wanted))


@pytest.mark.parametrize(
    ("direction", "word", "why"),
    [
        (ALONG, "low:3", "it has a number for each channel of the layer: leave the channels out"),
        (ALONG._replace(power=-1.0), "low", "cosine_power: -1.0, "),
    ],
)
def test_a_direction_that_is_none(net, direction, word, why):
    with pytest.raises(ParameterError) as raised:
        score_of(net, [word], "mean", [], direction)
    assert str(raised.value).startswith(f"direction: {why}")


@pytest.mark.parametrize(
    ("given", "aim"),
    [
        ({}, Aim(NOTEBOOK_END, None)),
        ({"guided": True}, Aim("low", None, "the guide shows in 'low'")),
        ({"layers": ["low"]}, Aim("low", None)),
        ({"layers": ["low"], "guided": True}, Aim("low", None)),
        ({"layers": ["low"], "channels": (3,)}, Aim("low", None)),
        ({"layers": ["low"], "channels": ()}, Aim("low", None)),
        ({"layers": ["top", "low"]}, Aim("top", Score((Term("top"), Term("low"))))),
        ({"layers": ["low", "top=2"], "guided": True}, Aim("low", Score((Term("low"), Term("top", weight=2.0))))),
        ({"classes": ["3"]}, Aim("logits", Score((Term("logits", "sum", (3,)),)))),
        ({"layers": ["low"], "direction": ALONG},
         Aim("low", Score((Term("low", "mean", vector=ALONG.vector, cosine_power=1.5),)))),
    ],
)  # fmt: skip
def test_what_a_dream_makes_larger(net, given, aim):
    found = aim_of(net, **{"layers": [], "kind": "l2", "classes": [], **given})
    assert found == aim
    assert found.terms == (aim.score.terms if aim.score else ())


def test_another_layer_than_the_notebooks_is_said(net, monkeypatch):
    monkeypatch.setattr(net, "default_end", "top")
    assert aim_of(net, [], "l2", []) == Aim("top", None, "'top', the last convolution that sees most of the picture")


@pytest.mark.parametrize(
    ("given", "error", "why"),
    [
        ({"layers": ["low=2"], "channels": ()}, ParameterError,
         "layer: the renderers take 'low=2' without a weight, and channels by their numbers, and without a place, as"
         " their tiles are shifted"),
        ({"layers": ["low:3"], "guided": True}, ParameterError,
         "guide: a guide takes up whole layers, without channels and places"),
        ({"layers": ["low=0:1,9:2"], "guided": True}, ParameterError,
         "guide: a guide's layers have numbers as weights, without keyframes"),
        ({"layers": ["low"], "channels": (4,)}, UnknownNameError, "no channel 4 in 'low', which has 4: 0 to 3"),
        ({"layers": ["low:9"]}, UnknownNameError, "no channel 9 in 'low', which has 4: 0 to 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_larger(net, given, error, why):
    with pytest.raises(error) as raised:
        aim_of(net, **{"layers": [], "kind": "l2", "classes": [], **given})
    assert str(raised.value) == why


def test_a_layer_twice_has_both_weights():
    assert guide_weights(Score((Term("low"), Term("top", weight=2.0), Term("low", weight=-0.5)))) == {
        "low": 0.5,
        "top": 2.0,
    }


def test_a_crossing_fades():
    terms = (Term("a"), Term("b", weight=2.0), Term("c", channels=(3,)))
    recipe = Recipe(end="a", seed=7, objective=terms)
    faded = [crossing(recipe, number, 4) for number in range(5)]
    assert [each.end for each in faded] == ["a", "a", "b", "b", "c"]
    assert [each.objective for each in faded] == [
        (),  # the notebook's
        (Term("a", weight=0.5), Term("b", weight=1.0)),
        (Term("b", weight=2.0),),
        (Term("b", weight=1.0), Term("c", channels=(3,), weight=0.5)),
        (Term("c", channels=(3,)),),
    ]


@pytest.mark.parametrize("word", ["low", "low=-0.5", "low:3,0", "low:0-3@1,2", "low:strongest3@center=2"])
def test_a_record_takes_at_least_so_much(net, word):
    """What cannot be kept in a picture is refused before it is made."""
    base = Term("top", weight=2.0)
    term = (score_of(net, [word], "l2", []) or Score((Term(word),))).terms[0]
    assert 0.8 * _kept(base, term) < least_in_record(word) + _kept(base) <= _kept(base, term)


def _kept(*terms):
    recipe = Recipe(end="top", seed=7, objective=terms)
    command = command_of("dream", [], recipe, NETWORK)
    return len(DreamAccount(recipe=recipe, command=command, network=NETWORK, input=SKY, result=SKY).to_json())


@pytest.mark.parametrize(
    ("text", "weight"),
    [("2", 2.0), ("-1e3", -1000.0), ("nan", None), ("-inf", None), ("", None), ("0:1,9:2", Curve(((0, 1), (9, 2)))),
     ("9:1,0:2", None), (":", None)],
)  # fmt: skip
def test_weights(text, weight):
    assert weight_of(text) == weight
