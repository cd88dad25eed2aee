"""Classes by name: whose list, in which order, and what is said of names that are none or several."""

import hashlib

import pytest

from pydream.dream.labels import find_classes, imagenet_names, imagenet_words
from pydream.errors import UnknownNameError


def test_the_list_is_the_one_that_its_readme_tells_of(root):
    folder = root / "pydream" / "dream" / "labels"
    for name in ("ilsvrc2012.txt", "words.txt"):
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert digest in (folder / "README.md").read_text(encoding="utf-8"), name
    assert len(imagenet_names()) == len(set(imagenet_names())) == 1000
    for number, name in ((0, "tench"), (281, "tabby"), (504, "coffee mug"), (985, "daisy"), (999, "toilet tissue")):
        assert imagenet_names()[number] == name


@pytest.mark.parametrize(
    ("label", "number"),
    [(281, 281), ("281", 281), (" 7 ", 7), ("tabby", 281), ("TABBY", 281), ("crane", 517), ("crane bird", 134),
     ("soccer", 805), ("occer bal", 805), ("maillot", 638)],
)  # fmt: skip
def test_found(label, number):
    assert find_classes(label, 1000) == (number,)


@pytest.mark.parametrize(
    ("word", "numbers"),
    [
        ("dog", range(151, 269)),
        ("Dogs", range(151, 269)),
        ("bird", [*range(7, 25), *range(80, 101), *range(127, 147)]),
        ("cat", range(281, 294)),
        ("shark", [2, 3, 4]),
        ("bear", range(294, 298)),
        (" 3-5,9,4", [3, 4, 5, 9]),
    ],
)
def test_a_word_for_several(word, numbers):
    assert find_classes(word, 1000) == tuple(numbers)


def test_words_are_for_several_classes_and_not_for_all():
    words = imagenet_words()
    assert {"vehicle", "flower", "building", "musical instrument"} < words.keys()
    for word, numbers in words.items():
        assert 2 <= len(numbers) <= 500, word
        assert sorted(set(numbers)) == list(numbers), word
        assert set(numbers) < set(range(1000)), word
    # the other list, of other people, agrees: what is called a snake there is one here
    named = {number for number, name in enumerate(imagenet_names()) if name.lower().endswith(" snake")}
    assert len(named) > 5
    assert named <= set(words["snake"])


@pytest.mark.parametrize(
    ("label", "count", "text"),
    [
        (1000, 1000, "^no class 1000; there are 1000, 0 to 999$"),
        (-1, 1000, "^no class -1; there are 1000"),
        ("1-1000", 1000, "^no class 1000; there are 1000, 0 to 999$"),
        ("7-3", 1000, "^no class '7-3'"),
        ("281", 200, "^no class 281; there are 200, 0 to 199$"),
        (
            "tabby",
            1008,
            "^no class 'tabby': no names are known for a network with 1008 classes; use a number, 0 to 1007$",
        ),
        ("irish", 1000, "^class 'irish' could be 170 'Irish wolfhound', 184 'Irish terrier'.*; use a number or more"),
        ("a", 1000, "^class 'a' could be .* and [0-9]+ more; use a number or more of the name$"),
        ("tabbi", 1000, "^no class 'tabbi'; close: 281 'tabby'"),
        ("vehicel", 1000, r"^no class 'vehicel'; close: 'vehicle' \(67 classes\), "),
        ("qqqqqq", 1000, "^no class 'qqqqqq' among the 1000 of ImageNet$"),
        ("", 1000, "^no class ''"),
    ],
)
def test_not_found(label, count, text):
    with pytest.raises(UnknownNameError, match=text):
        find_classes(label, count)
