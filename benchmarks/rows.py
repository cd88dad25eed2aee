"""The rows of docs/performance.md: what is promised, and what one run on this machine measures.

A group of rows is measured together. What cannot be measured says why.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import NamedTuple

import sizes
import start
from contests import OURS, SETTLE, SIZE, exact, ours, present
from rivals import RIVALS

import pydream
from pydream.bench import network, operations, table
from pydream.bench.inputs import image
from pydream.bench.timing import race
from pydream.bench.whole import Request, whole_dream

AT = f"{SIZE[0]}×{SIZE[1]}"
GOOGLENET = "bvlc_googlenet", "inception_4c/output"
SQUEEZENET = "squeezenet_v1.1", "fire8/concat"
ALEXNET = "bvlc_alexnet", "conv4"
STRAIGHTFORWARD = "tensorflow"
SMALL = ((48, 64), (96, 128), (144, 256), (210, 373), (293, 522), (411, 731))
LARGE = (SIZE, (1080, 1920))
MEGAPIXELS = (0.1, 0.5, 2, 8)
HEAD = ["what", "promised", "measured", "kept", "in processor time"]


class Found(NamedTuple):
    """A measured value: a ratio or a number of the promise's unit."""

    value: float
    work: float | None = None  # the same ratio in processor time
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that are measured together.

    Attributes
    ----------
    rows : dict of str to str
        What → the promised maximum, with its unit.
    measure : callable
        Yields for each row, in order, a `Found` or the reason why there is none.
    """

    rows: dict[str, str]
    measure: Callable


def measured(seconds, only=()):
    """Measure the rows that contain all the words; return the table's head and rows."""
    rows = []
    for group in groups(seconds):
        wanted = [all(word.lower() in what.lower() for word in only) for what in group.rows]
        if not any(wanted):
            continue
        print(f"measuring: {next(iter(group.rows))}", file=sys.stderr)
        try:
            found = list(group.measure())
        except pydream.PydreamError as error:
            found = [str(error) if each == wanted.index(True) else "likewise" for each in range(len(wanted))]
        for (what, most), each, asked in zip(group.rows.items(), found, wanted, strict=True):
            if asked:
                rows.append(cells(what, most, each))
                print(f"{len(rows)}: {what}: {rows[-1][2]}", file=sys.stderr)
    return HEAD, rows


def cells(what, most, found):
    """Return a row's cells."""
    if isinstance(found, str):
        return [what, f"≤ {most}", f"not measured: {found}", "", ""]
    bound, _, unit = most.partition(" ")
    kept = "yes" if found.value <= float(bound) else "NO"
    note = f"({found.note})" if found.note else ""
    shown = " ".join(filter(None, [table.digits(found.value), unit, note]))
    return [what, f"≤ {most}", shown, kept, "" if found.work is None else table.digits(found.work)]


def groups(seconds):
    """Return all groups, promises of issue 18 first."""
    googlenet = f"GoogLeNet 4c, {AT}, gradient"
    squeezenet, alexnet = f"SqueezeNet fire8/concat, {AT}, gradient", f"AlexNet conv4, {AT}, gradient"
    dream = f"GoogLeNet's dream, {AT}, 4×10"
    return [
        Group({f"{googlenet}: float64 over float32": "3.5"}, partial(exact_rows, *GOOGLENET, seconds)),
        Group({f"{squeezenet}: float64 over float32": "3.5"}, partial(exact_rows, *SQUEEZENET, seconds)),
        Group({f"{dream}: the exact one over the float32 one, whole calls": "3.5"}, exact_dream_rows),
        Group(
            {f"{googlenet} over the best rival": "0.70"}
            | {f"{googlenet} over {name}": "0.72" if name == STRAIGHTFORWARD else "0.70" for name in RIVALS}
            | {f"{googlenet} over the floor": "1.25"},
            partial(rival_rows, seconds),
        ),
        Group({f"{squeezenet} over the floor": "1.7"}, partial(floor_rows, *SQUEEZENET, seconds)),
        Group({f"{alexnet} over the floor": "1.6"}, partial(floor_rows, *ALEXNET, seconds)),
        Group(
            {
                "every image operation, 64×48 to 731×411: C++ over NumPy, the largest": "1.0",
                "the same inside a running dream": "1.0",
            },
            partial(worst, SMALL),
        ),
        Group(
            {
                "every image operation, 1024×575 and 1920×1080: C++ over NumPy, the largest": "0.5",
                "the same inside a running dream, 1024×575 and 1920×1080": "0.5",
            },
            partial(worst, LARGE),
        ),
        Group(
            {
                f"image side of a step, {AT}: C++ over the notebook's NumPy": "0.1",
                "zoom 411×731 → 575×1024: C++ over SciPy's": "0.033",
                "zoom 575×1024 → 411×731: C++ over SciPy's": "0.033",
            },
            partial(image_rows, seconds),
        ),
        Group(
            {"first dream of 768×512, built-in network: all that is not steps": "0.35 s"}, partial(start_row, "first")
        ),
        Group(
            {"`pydream dream` of 768×512: beyond TensorFlow's import and the steps": "0.7 s"},
            partial(start_row, "command"),
        ),
        Group(
            {"a batch of 100 pictures of 320×240: a picture beyond its steps": "0.015 s"}, partial(start_row, "batch")
        ),
        Group(
            {
                f"{dream}: memory beyond TensorFlow's import": "0.6 GB",
                f"{dream}: most memory resident, the whole process": "1.2 GB",
                f"{dream}: image operations and zooms, of the whole": "2 %",
                f"{dream}: all that is not steps, over the steps": "10 %",
                f"{dream}: building functions again in a later dream, over its steps": "1 %",
            },
            dream_rows,
        ),
        *(
            Group(
                {f"SqueezeNet, 0.1 to 8 megapixels, {dtype}: exponent of a step's time": "1.0"}, partial(growth, dtype)
            )
            for dtype in (network.FAST, network.EXACT)
        ),
    ]


# The network.


def exact_rows(model, layer, seconds):
    """Yield float64's time over float32's."""
    outcome = race(exact(network.Subject.find(model, None, layer), SIZE), seconds / 2)
    yield ratio(outcome, network.EXACT, network.FAST)


def rival_rows(seconds):
    """Yield the ratio to the best rival, to each of them, and to the floor."""
    subject = network.Subject.find(GOOGLENET[0], None, GOOGLENET[1])
    with present(subject, SIZE) as (found, missing):
        outcome = race(network.contest(subject, SIZE, [ours(subject), *found]), 2 * seconds, 9, between=SETTLE)
        about = {each.name: each.about for each in found}
    ratios = {name: ratio(outcome, OURS, name) for name in about}
    if ratios:
        best = max(ratios, key=lambda name: ratios[name].value)
        yield ratios[best]._replace(note=best)
    else:
        yield "there is none"
    for name in RIVALS:
        yield ratios[name]._replace(note=about[name]) if name in about else missing[name]
    yield over_floor(outcome, subject)


def floor_rows(model, layer, seconds):
    """Yield the ratio to the floor."""
    subject = network.Subject.find(model, None, layer, stand_in=True)
    outcome = race(network.contest(subject, SIZE, [ours(subject)]), seconds / 2)
    yield over_floor(outcome, subject)._replace(note="random weights" if subject.stand_in else "")


def over_floor(outcome, subject):
    """Return the ratio of ours to the floor."""
    floor = network.floor_of(outcome, subject, SIZE).median / outcome.seconds(network.FLOOR).median
    found = ratio(outcome, OURS, network.FLOOR)
    return Found(found.value / floor, found.work / floor)


def ratio(outcome, name, over):
    """Return the ratio of two ways of a contest."""
    return Found(outcome.ratio(name, over), median(outcome.work[name]) / median(outcome.work[over]))


# The image side.


def image_rows(seconds):
    """Yield the ratio of the step's image side, and of both zooms."""
    wanted = (operations.STEP, "zoom up", "zoom down")
    contests = dict(zip(operations.names(), operations.contests(SIZE), strict=True))
    for name in wanted:
        yield ratio(race(contests[name], min(seconds, 5), 9), "native", "numpy")


def worst(all_sizes):
    """Yield the largest ratio of all operations and sizes: alone, and with a network's passes between the calls."""
    for between in (None, small_passes()):
        found = [
            (race(contest, 0.3, 9, between=between).ratio("native", "numpy"), f"{name}, {width}×{height}")
            for height, width in all_sizes
            for name, contest in zip(operations.names(), operations.contests((height, width)), strict=True)
        ]
        value, where = max(found)
        yield Found(value, note=where)


def small_passes():
    """Return a function that runs a network: other data in the caches, and TensorFlow's threads busy."""
    subject = network.Subject.find(SQUEEZENET[0], None, SQUEEZENET[1])
    way = ours(subject).way(image(210, 373, subject.net.mean))
    way()
    return way


# Whole dreams.


@cache
def googlenet_dreams():
    """Make four dreams in one process, float32."""
    return whole_dream(Request(GOOGLENET[0], None, GOOGLENET[1], SIZE[1], SIZE[0], dreams=4))


def exact_dream_rows():
    """Yield the time of the exact dream over that of the float32 one, each the first of its process."""
    request = Request(GOOGLENET[0], None, GOOGLENET[1], SIZE[1], SIZE[0], dtype=network.EXACT, dreams=1)
    found = googlenet_dreams().dreams[0].total
    slow = whole_dream(request).dreams[0].total
    yield Found(slow / found, note=f"{table.seconds(slow)} over {table.seconds(found)}")


def dream_rows():
    """Yield the memory of a dream, and what takes its time."""
    whole = googlenet_dreams()
    first, *others = whole.dreams
    again = median(each.building / each.steps for each in others)
    yield Found(whole.own_memory / 1e9, note=f"the import {table.memory(whole.imported)}")
    yield Found(whole.peak / 1e9)
    for share in (first.image_share, first.not_steps, again):
        yield Found(100 * share)


def start_row(what):
    """Yield a row of start.py."""
    with tempfile.TemporaryDirectory() as folder:
        _, _, value = next(iter(getattr(start, what)(Path(folder), SimpleNamespace(rounds=3, pictures=100))))
    yield Found(value)


def growth(dtype):
    """Yield the exponent of a step's time against the pixels."""
    asked = SimpleNamespace(megapixels=MEGAPIXELS, rounds=1, steps=3)
    yield Found(sizes.growth(sizes.measure(SQUEEZENET[0], dtype, asked)))
