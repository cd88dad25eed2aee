"""Whole dreams, in seconds, beside what was published: for those who know DeepDream's times from elsewhere.

Published times are of other machines, networks and sizes, which their rows name; so these are no ratios.
"""

import sys

from pydream.bench import table
from pydream.bench.network import EXACT, FAST
from pydream.bench.whole import Request, whole_dream
from pydream.errors import PydreamError

HEAD = ["what", "picture", "layer", "where", "a dream of 4×10 steps", "source"]
HERE = "this machine, its processor"
# The post's text has no size; 800x536 is a guess. It climbs one channel of its layer, before the ReLU; ours, the same
# layer of the same architecture, climbs all of them.
RUBASHKIN = "M. Rubashkin, DeepDream: Accelerating Deep Learning With Hardware, 2017-03-29"
PUBLISHED = [
    ["TensorFlow 1.0.1, Inception 5h", "not stated", "mixed4d_3x3_bottleneck_pre_relu", where, taken, RUBASHKIN]
    for where, taken in (
        ("consumer hardware, processor", "45 to 90 s"),
        ("Google Cloud, 2 virtual processors", "more than 60 s"),
        ("the same with a K80", "about 30 s"),
        ("Google Cloud, 4 virtual processors, a K80", "less than 20 s"),
    )
]
DREAMS = [
    ("bvlc_googlenet", "inception_4d/3x3_reduce", (536, 800)),
    ("bvlc_googlenet", "inception_4c/output", (575, 1024)),
    ("squeezenet_v1.1", "fire8/concat", (575, 1024)),
]


def measured():
    """Make the dreams, each in a fresh process; return the table's head and rows."""
    return HEAD, [*PUBLISHED, *(row(*each, dtype) for each in DREAMS for dtype in (FAST, EXACT))]


def row(model, layer, size, dtype):
    """Return a dream's cells: the whole call of `deepdream`, the next one in the same process, and what came before."""
    height, width = size
    print(f"measuring: {model}, {table.size(*size)}, {dtype}", file=sys.stderr)
    try:
        made = whole_dream(Request(model, None, layer, width, height, dtype=dtype, dreams=2))
        first, second = (table.seconds(dream.total) for dream in made.dreams)
        loaded = table.seconds(made.importing + made.loading)
        taken = f"{first}, another {second}; {loaded} before the first to load TensorFlow and the network"
    except PydreamError as error:
        taken = f"not measured: {error}"
    mode = "float32" if dtype == FAST else "exact (float64)"
    return [f"pydream, {model}, {mode}", table.size(*size), layer, HERE, taken, "this table"]
