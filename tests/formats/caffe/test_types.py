"""Small networks of one layer each that Caffe 1.0 has: cases/caffe-types."""

import os
from pathlib import Path

import pytest

from pydream.formats.caffe.layers import graph_of
from pydream.formats.caffe.prototxt import read_model

ROOT = Path(__file__).resolve().parent.parent.parent.parent
CASES = Path(os.environ.get("PYDREAM_SHARED", ROOT.parent / "shared")) / "cases" / "caffe-types"


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("slice", {"x": (1, 6, 16, 16), "y": (1, 6, 16, 16)}),
        ("reshape", {"x": (1, 12 * 16 * 16)}),
        ("crop", {"x": (1, 8, 16, 16)}),
        ("tile", {"x": (1, 24, 16, 16)}),
        ("deconv", {"x": (1, 4, 34, 34)}),
        ("im2col", {"x": (1, 108, 14, 14)}),
        ("parameter", {"x": (1,)}),
        ("pool_mask", {"x": (1, 12, 8, 8), "mask": (1, 12, 8, 8)}),
        ("pool_stoch", {"x": (1, 12, 8, 8)}),
        ("spp", {"x": (1, 60)}),
        ("argmax", {"x": (1, 1, 1, 1)}),
        ("ip_axis2", {"x": (1, 12, 5)}),
        ("reduction", {"x": ()}),
        *((kind, {"x": (1, 12, 16, 16)}) for kind in (
            "absval", "bias", "bn_batch", "bnll", "elu", "exp", "log", "lrn_within", "mvn", "prelu", "scale_axis0",
            "scale_two", "threshold",
        )),
    ],
)  # fmt: skip
def test_types_of_caffe(name, shapes):
    path = CASES / f"tail_{name}.prototxt"
    if not path.exists():
        pytest.skip(f"NOT PROVEN HERE: the cases are not in {CASES} (PYDREAM_SHARED)")
    graph = graph_of(read_model(path), str(path))
    found = graph.shapes(graph.declared)
    assert {blob: found[blob] for blob in shapes} == shapes
