"""A report is all that `pydream bench` measures: image operations, the network, a whole dream; as text or for JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..dream.octaves import Size, check_octaves, octave_sizes
from . import operations, table
from .floor import MATRIX, gflops
from .inputs import image
from .machine import as_lines, machine
from .network import EXACT, FAST, FLOOR, FORWARD, Subject, contest, expect_same_gradients, floor_of, passes_of
from .timing import Quartiles, Timings, race
from .whole import Breakdown, DreamCost, Request, whole_dream

OnContest = Callable[[int, int, str], None]  # contests done, all contests, the next one's name

PARTS = {
    "network": "network, forward and back",
    "image": "image operations of the steps",
    "zoom": "zooms between octaves",
    "building": "building functions",
    "rest": "copies and all else",
}


@dataclass(frozen=True)
class BenchPlan:
    """How much to measure.

    Attributes
    ----------
    sizes : sequence of (height, width)
        The first is the dream's, and the one at which float64 is timed, which is slow.
    seconds : float
        Duration of each contest of the network; that of an image operation has a sixth of it, alone, and again inside a
        dream.
    least : int
        Rounds of each contest, even if they take longer.
    octave_n, iter_n : int
        Parameters of the dream.
    more_sizes : sequence of (height, width)
        Those at which the image operations are measured, but not the network.
    """

    sizes: Sequence[Size]
    seconds: float
    least: int
    octave_n: int = 4
    iter_n: int = 10
    more_sizes: Sequence[Size] = ()


FULL = BenchPlan([(575, 1024), (210, 373), (1150, 2048)], 0.9, 5, more_sizes=[(48, 64), (512, 768)])
QUICK = BenchPlan([(210, 373)], 0.1, 3, 2, 3)


@dataclass(frozen=True)
class BenchReport:
    """All that was measured.

    Attributes
    ----------
    machine : dict
        As `machine.machine` returns it.
    operations, inside : list of (name, size, Timings)
        Alone, and inside a dream: with the network's passes between the calls.
    network : list of (size, Timings)
    subject : Subject
        The network.
    request, cost
        The dream.
    """

    machine: dict[str, Any]
    operations: list[tuple[str, Size, Timings]]
    inside: list[tuple[str, Size, Timings]]
    network: list[tuple[Size, Timings]]
    subject: Subject
    request: Request
    cost: DreamCost

    def floor(self, size: Size, outcome: Timings) -> Quartiles:
        """Return the minimum seconds for the network's arithmetic."""
        return floor_of(outcome, self.subject, size)


def measure(subject: Subject, plan: BenchPlan, on_contest: OnContest = lambda done, of, name: None) -> BenchReport:
    """Measure everything.

    Parameters
    ----------
    subject : Subject
    plan : BenchPlan
    on_contest : callable, optional
        Called before each contest.

    Raises
    ------
    ResultsDifferError
        Where the results of a contest differ.
    ShapeError
        Where a size, or an octave of the dream, does not fit the layers.
    BenchError
        Where the dream in a process of its own failed.
    """
    height, width = plan.sizes[0]
    check_octaves(subject.net, subject.end, octave_sizes(height, width, plan.octave_n))
    for size in plan.sizes:
        check_octaves(subject.net, subject.end, [size])
    found = machine()
    fast = passes_of(subject.net, subject.end, FAST)
    exact = passes_of(subject.load("float64"), subject.end, EXACT)
    expect_same_gradients(subject, [fast, exact], plan.sizes[0])
    sizes, image_sizes = sorted(plan.sizes), sorted({*plan.sizes, *plan.more_sizes})
    of = 1 + len(sizes) + 2 * len(image_sizes) * len(operations.names())
    # The dream first: the other measurements heat the machine.
    on_contest(0, of, "a dream in a process of its own")
    weights = None if subject.weights is None else str(subject.weights)
    request = Request(subject.model, weights, subject.end, width, height, octave_n=plan.octave_n, iter_n=plan.iter_n)
    cost = whole_dream(request)
    done = 1
    passes = []
    for size in sizes:
        each = contest(subject, size, [fast, exact] if size == plan.sizes[0] else [fast])
        on_contest(done, of, each.name)
        passes.append((size, race(each, plan.seconds, plan.least)))
        done += 1
    # Those of the dream's smallest octave are enough to fill the caches, and to start TensorFlow's threads.
    smallest = octave_sizes(height, width, plan.octave_n)[0]
    between = fast.way(image(*smallest, subject.net.mean)[: len(subject.net.mean)])
    between()
    alone, inside = [], []
    for size in image_sizes:
        for name, each in zip(operations.names(), operations.contests(size), strict=True):
            on_contest(done, of, each.name)
            alone.append((name, size, race(each, plan.seconds / 6, plan.least)))
            on_contest(done + 1, of, f"{each.name}, inside a dream")
            inside.append((name, size, race(each, plan.seconds / 6, plan.least, between=between)))
            done += 2
    return BenchReport(found, alone, inside, passes, subject, request, cost)


# For people.


def as_text(report: BenchReport) -> str:
    """Format a report as tables."""
    parts = ["\n".join(as_lines(report.machine)), _operations(report), _network(report), _dream(report)]
    return "\n\n".join(parts)


def _operations(report: BenchReport) -> str:
    names = operations.names()
    pairs = list(zip(report.operations, report.inside, strict=True))
    pairs.sort(key=lambda pair: names.index(pair[0][0]))
    rows = [
        [name, table.size(*size), *_contestants(alone), *_contestants(inside), f"{operations.bound(size)}"]
        for (name, size, alone), (_, _, inside) in pairs
    ]
    head = ["", "size", "NumPy", "C++", "C++ / NumPy", "in a dream: NumPy", "C++", "C++ / NumPy", "at most"]
    return (
        "Image operations, float32: the notebook's NumPy and SciPy, and C++, to the same bits. Median (quartiles).\n"
        "Alone, and in a dream: after the network's passes, which leave other data in the caches and busy threads.\n"
        "\n" + table.table(head, rows)
    )


def _contestants(outcome: Timings) -> list[str]:
    times = [table.quartiles(outcome.seconds(backend)) for backend in operations.BACKENDS]
    return [*times, table.digits(outcome.ratio("native", "numpy"), 2)]


def _network(report: BenchReport) -> str:
    subject = report.subject
    rows = []
    for size, outcome in report.network:
        floor = report.floor(size, outcome)
        rows.append(
            [
                table.size(*size),
                table.digits(subject.gmac(size)),
                table.quartiles(floor),
                table.seconds(outcome.seconds(FORWARD).median),
                table.quartiles(outcome.seconds(FAST)),
                table.digits(outcome.seconds(FAST).median / floor.median) if floor.median else "",
                *_exact(outcome),
            ]
        )
    rates = ", ".join(f"{gflops(outcome.seconds(FLOOR).median):.0f}" for _, outcome in report.network)
    head = ["size", "GMAC", "floor", "forward alone", "float32", "/ floor", "float64", "/ float32"]
    return (
        f"{subject.title}: forward, objective, gradient at the image.\n"
        f"The floor: forward and back, 4 operations for each of the forward pass's multiplications (GMAC), at the\n"
        f"rate of float32 matrix products of {MATRIX}x{MATRIX} in the same rounds ({rates} GFLOP/s).\n\n"
        + table.table(head, rows)
    )


def _exact(outcome: Timings) -> list[str]:
    if EXACT not in outcome.samples:
        return ["", ""]
    return [table.quartiles(outcome.seconds(EXACT)), table.digits(outcome.ratio(EXACT, FAST), 2)]


def _dream(report: BenchReport) -> str:
    request, cost = report.request, report.cost
    rows = []
    for key, name in PARTS.items():
        rows.append([name])
        for dream in cost.dreams:
            part = getattr(dream, key)
            rows[-1] += [table.seconds(part), table.percent(part / dream.total)]
    rows.append(["all of it", *(cell for dream in cost.dreams for cell in (table.seconds(dream.total), ""))])
    rows.append(["all that is not steps, over the steps", *_pairs(cost.dreams, lambda s: s.not_steps)])
    rows.append(["image operations and zooms, of all", *_pairs(cost.dreams, lambda s: s.image_share)])
    head = ["", "first", "", "second", ""][: 1 + 2 * len(cost.dreams)]
    return (
        f"A dream, {table.size(request.height, request.width)}, {request.octave_n} octaves × {request.iter_n} steps, "
        f"and once more, in a process of their own.\n\n"
        + table.table(head, rows)
        + f"\n\nmost memory {table.memory(cost.peak)}, of which {table.memory(cost.before)} before the first dream and "
        f"{table.memory(cost.own_memory)} beyond TensorFlow's import; "
        f"importing TensorFlow {table.seconds(cost.importing)}, loading the network {table.seconds(cost.loading)}"
    )


def _pairs(dreams: Sequence[Breakdown], share: Callable[[Breakdown], float]) -> list[str]:
    return [cell for dream in dreams for cell in ("", table.percent(share(dream)))]


# For programs.


def as_json(report: BenchReport) -> dict[str, Any]:
    """Convert a report to JSON types: times in seconds, memory in bytes, sizes as width and height."""
    subject, request, cost = report.subject, report.request, report.cost
    found = {
        "machine": report.machine,
        "operations": [
            {
                "operation": name,
                "dtype": "float32",
                **_size(size),
                **_outcome(alone),
                "ratios": {"native / numpy": alone.ratio("native", "numpy")},
                "inside a dream": {
                    **_outcome(inside),
                    "ratios": {"native / numpy": inside.ratio("native", "numpy")},
                },
                "bound": operations.bound(size),
            }
            for (name, size, alone), (_, _, inside) in zip(report.operations, report.inside, strict=True)
        ],
        "network": {
            "model": subject.name,
            "layer": subject.end,
            "floor": f"4 operations a multiplication, at the rate of a float32 matrix product of {MATRIX}x{MATRIX}",
            "sizes": [_passes(report, size, outcome) for size, outcome in report.network],
        },
        "dream": {
            **msgspec.to_builtins(request),
            "model": subject.name,
            "weights": request.weights and Path(request.weights).name,
            "import_seconds": cost.importing,
            "load_seconds": cost.loading,
            "memory_bytes": {
                "TensorFlow's import": cost.imported,
                "before the first dream": cost.before,
                "peak of the first dream": cost.peak,
            },
            "dreams": [
                {
                    "seconds": {"total": each.total, **{part: getattr(each, part) for part in PARTS}},
                    "step_seconds": each.step,
                    "ratios": {"not steps / steps": each.not_steps, "image operations / total": each.image_share},
                }
                for each in cost.dreams
            ],
        },
    }
    return {key: _rounded(part) for key, part in found.items()}


def _rounded(part: Any) -> Any:
    """Round every measured number to five digits: the others are noise."""
    if isinstance(part, float):
        return float(f"{part:.5g}")
    if isinstance(part, dict):
        return {key: _rounded(each) for key, each in part.items()}
    return [_rounded(each) for each in part] if isinstance(part, list) else part


def _passes(report: BenchReport, size: Size, outcome: Timings) -> dict[str, Any]:
    floor, found = report.floor(size, outcome), _outcome(outcome)
    del found["processor_seconds"][FLOOR]
    found["seconds"][FLOOR] = floor.as_json()
    return {
        **_size(size),
        "gmac": report.subject.gmac(size),
        "gflops": gflops(outcome.seconds(FLOOR).median),
        **found,
        "ratios": {
            **({f"{FAST} / {FLOOR}": outcome.seconds(FAST).median / floor.median} if floor.median else {}),
            **({f"{EXACT} / {FAST}": outcome.ratio(EXACT, FAST)} if EXACT in outcome.samples else {}),
        },
    }


def _outcome(outcome: Timings) -> dict[str, Any]:
    return {
        "agreement": outcome.contest.agreement.words,
        "rounds": outcome.rounds,
        "seconds": {name: outcome.seconds(name).as_json() for name in outcome.samples},
        "processor_seconds": {name: Quartiles.of(work).as_json() for name, work in outcome.work.items()},
    }


def _size(size: Size) -> dict[str, int]:
    return {"width": size[1], "height": size[0]}
