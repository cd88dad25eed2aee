"""A net and its blobs are tables: readable, escaped, folded where they are long."""

import time

import numpy as np
import pytest
from support.nets import build, inputs, layer, normal

from pydream.net import Wrapper
from pydream.table import Table, aligned, percentage

NET = (
    inputs(data=(1, 3, 9, 7))
    + layer("conv", "Convolution", "data", "conv", "convolution_param { num_output: 4 kernel_size: 3 }")
    + layer("relu", "ReLU", "conv", "conv")
    + layer("pool", "Pooling", "conv", "pool", "pooling_param { kernel_size: 2 stride: 2 }")
)


@pytest.fixture
def net():
    rng = np.random.RandomState(0)
    return build(NET, runtime="numpy", conv=[normal(rng, 4, 3, 3, 3), normal(rng, 4)])


def test_net(net):
    net.default_end = "pool"
    title, *table = repr(net).splitlines()
    assert title == "network: float64, BGR, dreams with 'pool' by default; 3 blobs"
    assert table == [
        "blob  type               shape",
        "data  Input              1×3×9×7",
        "conv  Convolution, ReLU  1×4×7×5",
        "pool  Pooling            1×4×4×3",
    ]
    assert repr(net.blobs).splitlines() == ["3 blobs", *table]
    assert repr(Wrapper(net)) == repr(net)


def test_present_size(net):
    net.resize(30, 20)
    assert "1×4×14×9" in repr(net)
    net.resize(2, 2)
    assert repr(net.blobs).splitlines()[-2:] == [
        "conv  Convolution, ReLU  none",
        "pool  Pooling            none",
    ]
    assert net.shapes() == {"data": (1, 3, 2, 2)}


def test_html(net):
    for shown in (net, net.blobs):
        html = shown._repr_html_()
        assert "overflow: auto" in html
        assert html.count("<tr>") == 4
        assert '<td style="text-align: left">Convolution, ReLU</td><td style="text-align: left">1×4×7×5</td>' in html


def test_names_are_escaped():
    name = "<script>alert('x')</script>\\033\\n" + 100 * "z"
    net = build(inputs(data=(1, 3, 4, 4)) + layer("p", "Power", "data", "TOP").replace("TOP", name.replace("'", "\\'")))
    assert "<script>" in list(net.blobs)[1]
    html, text = net._repr_html_(), repr(net)
    assert "<script>" not in html
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;\\x1b\\nzzz" in html
    assert "<script>alert('x')</script>\\x1b\\nzzz" in text
    assert max(map(len, text.splitlines())) < 120


def test_long_networks_are_folded():
    chain = [layer(f"p{i}", "Power", f"p{i - 1}" if i else "data", f"p{i}") for i in range(2000)]
    net = build(inputs(data=(1, 3, 4, 4)) + "".join(chain), runtime="numpy")
    begun = time.perf_counter()
    text, html = repr(net), net._repr_html_()
    assert time.perf_counter() - begun < 5
    lines = text.splitlines()
    assert len(lines) == 43
    assert lines[22] == "… 1,961 more …"
    assert [line.split()[0] for line in (lines[2], lines[21], lines[23], lines[-1])] == [
        "data",
        "p18",
        "p1980",
        "p1999",
    ]
    assert html.count("<tr>") == 402
    assert "… 1,601 more …" in html
    assert len(html) < 100_000


@pytest.mark.parametrize(("rows", "left_out"), [(0, 0), (1, 0), (40, 0), (41, 1), (42, 2)])
def test_every_row_is_shown_or_counted(rows, left_out):
    table = Table("title", ["n"], [str(row) for row in range(rows)], lambda key: [f"row {key}"])
    lines = table.text().splitlines()[2:]
    assert sum(line.startswith("row") for line in lines) == rows - left_out
    assert ("… 1 more …" in lines, "… 2 more …" in lines) == (left_out == 1, left_out == 2)


def test_aligned():
    assert aligned([["a", "bb"], ["ccc", "d"]], right=[1]) == ["a    bb", "ccc   d"]


def test_a_percentage_is_never_nothing_for_something():
    assert [percentage(part) for part in (1.0, 0.5, 0.0001, 0.00009, 0.0)] == [
        *("100.00%", "50.00%", "0.01%", "<0.01%", "0.00%")
    ]
    assert percentage(0.0004, 1) == "<0.1%"
