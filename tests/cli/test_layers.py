"""`pydream layers`."""

import json
import re

import pytest

from pydream.cli.commands.layers import _short
from pydream.zoo.registry import find_network, find_weights

TITLES = ["name", "type", "shape", "channels", "sees", "stride", "MACs", "in all", "to dream with"]


def table(out):
    """Rows by name, each a dict; the columns are where the titles are."""
    titles, *lines = [line for line in out.splitlines() if not line.startswith("worth dreaming of: ")]
    cells = [re.split(r" {2,}", line) for line in lines]
    names = re.split(r" {2,}", titles)
    assert all(len(row) == len(names) for row in cells), out
    return {row[0]: dict(zip(names, row, strict=True)) for row in cells}


def test_blobs_in_order(run, folder):
    seen = run("layers", "-m", "squeezenet_v1.1")
    assert (seen.code, seen.err) == (0, "")
    rows = table(seen.out)
    assert list(next(iter(rows.values()))) == TITLES
    assert next(iter(rows)) == "data"
    assert list(rows)[-1] == "prob"
    assert list(rows["data"].values()) == ["data", "Input", "1×3×227×227", "3", "1", "1", "-", "-", "input"]
    assert list(rows["conv1"].values()) == [
        "conv1", "Convolution", "1×64×113×113", "64", "3", "2", "22.1M", "22.1M", "yes",
    ]  # fmt: skip
    assert [name for name, row in rows.items() if row["to dream with"] == "default"] == ["fire8/concat"]
    assert (rows["prob"]["shape"], rows["prob"]["sees"], rows["prob"]["stride"]) == ("1×1000×1×1", "all", "-")
    assert (rows["prob"]["type"], rows["prob"]["to dream with"]) == ("Softmax", "yes")
    assert not any(line.endswith(" ") for line in seen.out.splitlines())


def test_the_network_may_come_first(run, folder):
    assert run("layers", "squeezenet_v1.1").out == run("layers", "-m", "squeezenet_v1.1").out
    two = run("layers", "bvlc_googlenet", "-m", "squeezenet_v1.1")
    assert two.code == 2
    assert "two networks, 'bvlc_googlenet' and --model 'squeezenet_v1.1'; expected one" in two.err


def test_columns_are_aligned(run, folder):
    lines = run("layers", "-m", "bvlc_googlenet").out.splitlines()[1:]
    at = lines[0].index("to dream with")
    assert all(line[at - 2 : at] == "  " and line[at] != " " for line in lines)


def test_a_size_of_ones_own(run, folder):
    rows = table(run("layers", "-m", "bvlc_googlenet", "--image-size", "1024x575").out)
    assert rows["inception_4c/output"]["shape"] == "1×512×36×64"
    assert rows["inception_4c/output"]["in all"] == "13.8G"
    assert rows["inception_4c/output"]["to dream with"] == "default"
    assert rows["loss3/classifier"]["to dream with"] == rows["prob"]["to dream with"] == "at 224x224"
    assert rows["prob"]["shape"] == rows["prob"]["MACs"] == "-"
    rows = table(run("layers", "-m", "squeezenet_v1.1", "--image-size", "12x12").out)
    assert rows["conv1"]["to dream with"] == "yes"
    assert rows["pool5"]["to dream with"] == "not at this size"


def test_what_is_fixed_is_said_at_the_declared_size_too(run, folder):
    rows = table(run("layers", "-m", "bvlc_alexnet").out)
    assert (rows["fc6"]["shape"], rows["fc6"]["to dream with"]) == ("1×4096", "at 227x227")
    assert rows["pool5"]["to dream with"] == "yes"


def test_like(run, refused):
    rows = table(run("layers", "-m", "bvlc_googlenet", "--like", "4c").out)
    assert len(rows) == 8
    assert all("4c" in name for name in rows)
    assert rows["inception_4c/output"]["in all"] == "1.17G"  # of all that it needs, shown or not
    assert "no blob like '9z'; there are: 'conv1/7x7_s2', 'conv2/3x3_reduce'" in refused(
        2, "layers", "-m", "bvlc_googlenet", "--like", "9z"
    )


def test_json(run, folder):
    seen = run("layers", "-m", "bvlc_googlenet", "--image-size", "1024x575", "--json", "--check-weights", built_in())
    found = json.loads(seen.out)
    assert found["input"] == {"data": [1, 3, 575, 1024]}
    blobs = {blob["name"]: blob for blob in found["blobs"]}
    assert blobs["inception_4c/output"] == {
        "name": "inception_4c/output",
        "layer": "inception_4c/output",
        "type": "Concat",
        "shape": [1, 512, 36, 64],
        "channels": 512,
        "receptive_field": [299, 299],
        "stride": [16, 16],
        "start": [-135, -135],
        "macs": 0,
        "macs_in_all": 13769441280,
        "dream": True,
        "fixed_size": False,
        "default": True,
        "worthwhile": True,
        "weights": 0,
        "wrong_weights": {},
    }
    assert blobs["conv2/3x3"]["weights"] == 192 * 64 * 9 + 192
    assert blobs["conv2/3x3"]["wrong_weights"] == {"conv2/3x3": "missing"}
    assert blobs["prob"]["shape"] is None
    assert blobs["prob"]["receptive_field"] == "all"
    assert blobs["data"]["dream"] is False


def built_in():
    return find_weights(find_network("squeezenet_v1.1"))


def test_weights(run, refused, folder):
    for choice in (["--check-weights"], ["--check-weights", built_in()]):
        rows = table(run("layers", "-m", "squeezenet_v1.1", *choice).out)
        assert rows["conv1"]["weights"] == "1,792"
        assert rows["fire8/concat"]["weights"] == "-"
    rows = table(run("layers", "-m", "bvlc_googlenet", "--check-weights", built_in()).out)
    assert rows["inception_3a/1x1"]["weights"] == "inception_3a/1x1: missing"
    assert rows["inception_3a/output"]["weights"] == "-"
    assert "no weights for bvlc_googlenet" in refused(1, "layers", "-m", "bvlc_googlenet", "--check-weights")
    assert "No such file" in refused(1, "layers", "-m", "bvlc_googlenet", "--check-weights", "absent.caffemodel")


def test_weights_of_another_shape(run, folder, root):
    text = (root / "models" / "squeezenet_v1.1" / "deploy.prototxt").read_text()
    (folder / "net.prototxt").write_text(text.replace("num_output: 16", "num_output: 17", 1))
    rows = table(run("layers", "-m", folder / "net.prototxt", "--check-weights", built_in()).out)
    assert rows["fire2/squeeze1x1"]["weights"].startswith("fire2/squeeze1x1: 16x64x1x1, 16, not 17x64x1x1, 17")
    assert rows["fire2/expand1x1"]["weights"].startswith("fire2/expand1x1: 64x16x1x1, 64, not 64x17x1x1")


def test_a_file_that_holds_both(run, shared):
    rows = table(
        run("layers", "-m", shared / "models" / "bvlc_googlenet.caffemodel", "--check-weights", "--like", "4c").out
    )
    assert rows["inception_4c/1x1"]["weights"] == "65,664"


def test_weights_of_in_place_layers_count(run, folder):
    (folder / "net.prototxt").write_text(
        'input: "data" input_dim: [1, 3, 8, 8]'
        'layer { name: "c" type: "Convolution" bottom: "data" top: "c"'
        " convolution_param { num_output: 2 kernel_h: 1 kernel_w: 3 stride_h: 1 stride_w: 2 } }"
        'layer { name: "s" type: "Scale" bottom: "c" top: "c" }'
    )
    rows = table(run("layers", "-m", folder / "net.prototxt", "--check-weights", built_in()).out)
    assert rows["c"]["weights"] == "c: missing; s: missing"
    assert (rows["c"]["sees"], rows["c"]["stride"]) == ("3x1", "2x1")  # width and height, as sizes are given


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "-"), (0, "-"), (7, "7"), (999, "999"), (1000, "1.00k"), (9_994, "9.99k"), (9_996, "10.0k"),
     (99_960, "100k"), (999_499, "999k"), (999_500, "1.00M"), (13_769_441_280, "13.8G"), (5 * 10**15, "5.00P")],
)  # fmt: skip
def test_costs_are_short(number, text):
    assert _short(number) == text


def test_in_place_layers_are_not_listed(run, folder):
    assert "relu" not in run("layers", "-m", "squeezenet_v1.1").out


def test_unknown_network(refused):
    line = refused(2, "layers", "-m", "squeezenet")
    assert "squeezenet_v1.1" in line


def test_the_default_network(run):
    assert run("layers") == run("layers", "--model", "squeezenet_v1.1")


def test_without_weights(run, folder):
    seen = run("layers", "-m", "bvlc_googlenet")
    assert (seen.code, seen.err) == (0, "")
    assert "inception_4c/output" in seen.out


def test_no_such_file(refused):
    assert "no such file: 'nets/deploy.prototxt'" in refused(2, "layers", "-m", "nets/deploy.prototxt")


def test_random_bytes_as_network(refused, folder):
    for name in ["net.prototxt", "net.caffemodel"]:
        (folder / name).write_bytes(bytes(range(255, 0, -1)) * 40)
        assert name in refused(1, "layers", "-m", folder / name)


def test_weights_alone_are_told(refused, root):
    weights = root / "models" / "squeezenet_v1.1" / "squeezenet_v1.1.caffemodel"
    assert "it holds weights but no network; name its prototxt" in refused(1, "layers", "-m", weights)


def test_names_of_strangers_are_shown_and_not_obeyed(run, folder):
    (folder / "net.prototxt").write_text(
        'input: "data" input_dim: [1, 3, 8, 8] layer { name: "a" type: "ReLU" bottom: "data" top: "x\\n\\033[31m" }'
    )
    line = next(line for line in run("layers", "-m", folder / "net.prototxt").out.splitlines() if "ReLU" in line)
    assert line.split()[:3] == [
        "x\\n\\x1b[31m",
        "ReLU",
        "1×3×8×8",
    ]


def test_a_text_of_another_name(run, refused, folder, root):
    text = (root / "models" / "squeezenet_v1.1" / "deploy.prototxt").read_text()
    (folder / "net.txt").write_text("\ufeff" + text)
    assert "fire8/concat" in run("layers", "-m", folder / "net.txt").out
    (folder / "net.txt").write_text(text[:3000])
    assert "net.txt: not a prototxt that Caffe would read: " in refused(1, "layers", "-m", folder / "net.txt")


def test_no_regular_file(refused, folder):
    (folder / "net").mkdir()
    assert "not a regular file" in refused(1, "layers", "-m", folder / "net")
