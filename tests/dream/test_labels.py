"""Classes by name: whose list, in which order, and what is said of names that are none or several."""

import hashlib

import pytest

from pydream.dream.labels import find_class, imagenet_names
from pydream.errors import UnknownNameError


def test_the_list_is_the_one_that_its_readme_tells_of(root):
    folder = root / "pydream" / "dream" / "labels"
    digest = hashlib.sha256((folder / "ilsvrc2012.txt").read_bytes()).hexdigest()
    assert digest in (folder / "README.md").read_text(encoding="utf-8")
    assert len(imagenet_names()) == len(set(imagenet_names())) == 1000
    for number, name in ((0, "tench"), (281, "tabby"), (504, "coffee mug"), (985, "daisy"), (999, "toilet tissue")):
        assert imagenet_names()[number] == name


@pytest.mark.parametrize(
    ("label", "number"),
    [(281, 281), ("281", 281), (" 7 ", 7), ("tabby", 281), ("TABBY", 281), ("crane", 517), ("crane bird", 134),
     ("soccer", 805), ("occer bal", 805), ("maillot", 638)],
)  # fmt: skip
def test_found(label, number):
    assert find_class(label, 1000) == number


@pytest.mark.parametrize(
    ("label", "count", "text"),
    [
        (1000, 1000, "^no class 1000; there are 1000, 0 to 999$"),
        (-1, 1000, "^no class -1; there are 1000"),
        ("281", 200, "^no class 281; there are 200, 0 to 199$"),
        (
            "tabby",
            1008,
            "^no class 'tabby': no names are known for a network with 1008 classes; use a number, 0 to 1007$",
        ),
        ("bear", 1000, "^class 'bear' could be 294 'brown bear', 295 'American black bear'.*; use a number or more"),
        ("a", 1000, "^class 'a' could be .* and [0-9]+ more; use a number or more of the name$"),
        ("tabbi", 1000, "^no class 'tabbi'; close: 281 'tabby'"),
        ("qqqqqq", 1000, "^no class 'qqqqqq' among the 1000 of ImageNet$"),
        ("", 1000, "^no class ''"),
    ],
)
def test_not_found(label, count, text):
    with pytest.raises(UnknownNameError, match=text):
        find_class(label, count)
