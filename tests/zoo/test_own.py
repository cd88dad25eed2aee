"""Networks of one's own in the registry: added, replaced, damaged, removed; and ways to load that are not everyday."""

from types import SimpleNamespace

import numpy as np
import pytest
from support import nets

import pydream
from pydream import zoo
from pydream.errors import NetFileError, ShapeError, UnknownNameError, UnlikeCaffeWarning
from pydream.formats import pytorch
from pydream.zoo import load, registry
from pydream.zoo.own import add_network
from pydream.zoo.removal import removable, remove_network

TEXT = nets.inputs(data=(1, 3, 6, 5)) + nets.layer(
    "conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 3 }"
)
WEIGHTS = nets.weights(conv=[np.ones((2, 3, 3, 3)), np.zeros(2)])


@pytest.fixture(autouse=True)
def own_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)


@pytest.fixture
def files(tmp_path):
    def files(text=TEXT):
        (tmp_path / "it.prototxt").write_text(text)
        (tmp_path / "it.caffemodel").write_bytes(WEIGHTS.SerializeToString())
        return [tmp_path / "it.prototxt", tmp_path / "it.caffemodel"]

    return files


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "pydream" / "models"


def test_a_network_is_added_and_replaced(files, folder):
    entry = add_network("mine", files(), title=" my \n own ", layer="conv", mean=(1, 2, 3))
    assert (entry.title, entry.weights, entry.default_layer, entry.mean) == (
        "my own", "mine.caffemodel", "conv", (1, 2, 3)
    )  # fmt: skip
    assert {path.name for path in (folder / "mine").iterdir()} == {"README.md", "deploy.prototxt", "mine.caffemodel"}
    net = pydream.load_net("mine", runtime="numpy")
    assert (net.name, net.default_end) == ("mine", "conv")
    assert net.params["conv"][0].shape == (2, 3, 3, 3)
    assert load.find_files("mine").frozen is False
    other = TEXT.replace('"conv"', '"other"')
    (folder / "mine" / "README.md").write_text("damaged")  # one that is damaged can be replaced too
    with pytest.raises(NetFileError, match="weights for"):
        add_network("mine", files(other), replace=True)
    add_network("mine", files(), title="again", replace=True)
    assert zoo.find_network("mine").title == "again"
    assert add_network("mine", files(), replace=True).title == "it"


@pytest.mark.parametrize(
    ("name", "replace", "words"),
    [
        (
            "not/a name",
            False,
            r"'not/a name' is not a name for a network \(expected letters, digits and ._\+-, at",
        ),
        ("x" * 65, False, "is not a name for a network"),
        ("a.caffemodel", False, "'a.caffemodel' is not a name for a network: it would be taken for a file"),
        ("VGG16", False, "there is a network 'vgg16' already, which comes with pydream; choose another name"),
        ("vgg16", True, "there is a network 'vgg16' already, which comes with pydream; choose another name"),
        ("mine", False, "there is a network 'mine' already: --force replaces it"),
        ("Mine", True, "there is a network 'mine' already: choose another name"),
        ("empty", False, "/empty' is there already: choose another name, or delete it first"),
        ("mine", True, "/mine/notes.txt' was not written by pydream, and would be lost: move it"),
    ],
)
def test_names_that_cannot_be(files, folder, name, replace, words):
    add_network("mine", files())
    (folder / "mine" / "notes.txt").touch()
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=words):
        add_network(name, files(), replace=replace)


ARGMAX = nets.layer("most", "ArgMax", "conv", "most")
FC = nets.layer("fc", "InnerProduct", "conv", "fc", "inner_product_param { num_output: 2 axis: 7 }")


@pytest.mark.parametrize(
    ("text", "layer", "kind", "words"),
    [
        (TEXT, "cnv", UnknownNameError, "no blob 'cnv'; close: 'conv'"),
        (TEXT + ARGMAX, "most", UnknownNameError, "'most' cannot be dreamt with: it passes no gradient back to the"),
        (TEXT + FC, "fc", ShapeError, "layer 'fc'"),
        (TEXT.replace("dim: 3", "dim: 4", 1), None, NetFileError,
         r"it.prototxt: no input of four axes with three channels or one, for a picture, but 'data' \(1, 4, 6, 5\)"),
    ],
)  # fmt: skip
def test_networks_that_cannot_be_dreamt_with(files, text, layer, kind, words):
    paths = files(text)
    if "dim: 4" in text:
        paths[1].write_bytes(nets.weights(conv=[np.ones((2, 4, 3, 3)), np.zeros(2)]).SerializeToString())
    with pytest.raises(kind, match=words):
        add_network("mine", paths, layer=layer)
    assert not registry.is_name("mine")


def test_files_that_cannot_be(files, tmp_path):
    with pytest.raises(UnknownNameError, match=r"no such file: '.*gone.caffemodel'"):
        add_network("mine", [tmp_path / "gone.caffemodel"])
    with pytest.raises(NetFileError, match=f"^{tmp_path}: not a regular file$"):
        add_network("mine", [tmp_path])


def test_facts_that_could_not_be_read_again_are_not_written(files, folder, monkeypatch):
    monkeypatch.setattr(registry, "_MAX_README", 1000)
    with pytest.raises(NetFileError, match=f"^{folder / 'mine' / 'README.md'}: not the front matter of a network: "):
        add_network("mine", files(), title="x" * 1000)
    assert not registry.is_name("mine")
    assert list(folder.iterdir()) == []


# Damaged ones, and those that go.


def test_a_damaged_network_is_listed_by_its_error_and_removed(files, folder):
    add_network("mine", files())
    add_network("yours", files())
    readme = folder / "mine" / "README.md"
    whole = readme.read_text()
    for text, words in (
        (whole.replace("name: mine", "name: other"), "its name is 'other', its folder's 'mine'"),
        (whole.replace("title: ", "titel: "), "not the front matter of a network: "),
        (whole.replace("scale: 1.0", "scale: 0.0").replace("scale: null", "scale: 0.0"), "scale"),
    ):
        readme.write_text(text)
        assert list(registry.damaged_networks()) == ["mine"]
        with pytest.raises(NetFileError, match=f"^{readme}: {words}"):
            zoo.find_network("mine")
    assert [entry.name for entry in zoo.networks() if entry.own] == ["yours"]
    gone = [folder / "mine" / name for name in ("deploy.prototxt", "mine.caffemodel", "README.md")]
    assert removable("mine") == gone
    assert remove_network("mine") == [*gone, folder / "mine"]
    assert [path.name for path in folder.iterdir()] == ["yours"]


def test_a_network_of_ones_own_is_removed_but_for_what_else_is_there(files, folder):
    add_network("mine", files())
    (folder / "mine" / "notes.txt").touch()
    (folder / "mine" / "mine.caffemodel.part").touch()
    names = ("deploy.prototxt", "mine.caffemodel.part", "mine.caffemodel", "README.md")
    assert remove_network("mine") == [folder / "mine" / name for name in names]
    assert [path.name for path in (folder / "mine").iterdir()] == ["notes.txt"]
    with pytest.raises(UnknownNameError, match="no network 'mine'"):
        removable("mine")


def test_what_was_fetched_is_removed():
    entry = zoo.find_network("bvlc_googlenet")
    place = zoo.fetched_place(entry)
    assert remove_network("bvlc_googlenet") == []
    place.parent.mkdir(parents=True)
    mine = place.with_name("mine.txt")
    parts = [place.with_name(f"{place.name}.part"), place.with_name(f"{place.name}.layers.part")]
    for file in (place, mine, *parts):
        file.touch()
    assert remove_network("bvlc_googlenet") == [*parts, place]
    assert [path for path in place.parent.iterdir() if path.suffix != ".lock"] == [mine]
    with pytest.raises(ValueError, match=r"squeezenet_v1.1 comes with pydream and stays"):
        removable("squeezenet_v1.1")


def test_an_archive_leaves_its_part_too(tmp_path):
    entry = zoo.find_network("inception5h")
    place = zoo.fetched_place(entry)
    place.parent.mkdir(parents=True)
    place.with_name("inception5h.zip.part").touch()
    assert removable("inception5h") == [place.with_name("inception5h.zip.part")]


def test_an_installation_without_the_networks(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "pydream" / "zoo" / "registry.py"))
    with pytest.raises(NetFileError, match=rf"folder {tmp_path / 'pydream' / 'models'} is missing; install pydream"):
        registry._built_in.__wrapped__()


# Loading.


def test_files_of_a_network(files, tmp_path, folder):
    text, weights = files()
    add_network("mine", [text, weights])
    assert load.network_files("mine") == [folder / "mine" / "deploy.prototxt", folder / "mine" / "mine.caffemodel"]
    weights.unlink()
    assert load.network_files(str(text)) == [text]
    assert load.network_files(str(tmp_path / "gone.prototxt")) == []


def test_the_net_of_a_live_pytorch_module_is_its_own(monkeypatch):
    module = type("Mine", (type("Module", (), {"__module__": "torch.nn.modules.module"}),), {})()
    made = SimpleNamespace(name="")
    monkeypatch.setitem(load._NET, pytorch, lambda *given, **more: made)
    assert pydream.load_net(module) is made
    assert made == SimpleNamespace(name="Mine")


def test_a_net_that_is_unlike_caffe_says_so():
    layers = ["a", "b", "c", "d", "e"]
    net = SimpleNamespace(name="mine", runtime=SimpleNamespace(unlike_caffe=lambda: layers))
    said = r"^mine: Caffe's gradient may be another where .*: 'a', 'b', 'c' and 2 more$"
    with pytest.warns(UnlikeCaffeWarning, match=said):
        load._warn_of_gradients(net)
