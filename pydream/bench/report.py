"""A report is all of `pydream bench`: image operations, the network, and a whole dream; as text or for JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..dream.octaves import Size, check_octaves, octave_sizes
from . import operations, table
from .floor import MATRIX, gflops
from .machine import as_lines, machine
from .network import EXACT, FAST, FLOOR, FORWARD, Subject, contest, expect_same_gradients, floor_of, passes_of
from .timing import Outcome, Spread, race
from .whole import Request, Split, Whole, whole_dream

Tell = Callable[[int, int, str], None]  # how much is done, of how much, and what comes next

PARTS = {
    "network": "network, forward and back",
    "image": "image operations of the steps",
    "zoom": "zooms between octaves",
    "building": "building functions",
    "rest": "copies and all else",
}


@dataclass(frozen=True)
class Plan:
    """How much to measure.

    Attributes
    ----------
    sizes : sequence of (height, width)
        The first is the dream's, and the one at which float64 is timed, which takes long.
    seconds : float
        For each contest.
    least : int
        Rounds of each contest, even if they take longer.
    octave_n, iter_n : int
        Of the dream.
    """

    sizes: Sequence[Size]
    seconds: float
    least: int
    octave_n: int = 4
    iter_n: int = 10


FULL = Plan([(575, 1024), (210, 373), (1150, 2048)], 0.9, 5)
QUICK = Plan([(210, 373)], 0.1, 3, 2, 3)


@dataclass(frozen=True)
class Report:
    """What was measured.

    Attributes
    ----------
    machine : dict
        As `machine.machine` gives it.
    operations : list of (name, size, Outcome)
    network : list of (size, Outcome)
    subject : Subject
        The network.
    request, whole
        The dream.
    """

    machine: dict[str, Any]
    operations: list[tuple[str, Size, Outcome]]
    network: list[tuple[Size, Outcome]]
    subject: Subject
    request: Request
    whole: Whole

    def floor(self, size: Size, outcome: Outcome) -> Spread:
        """Give the seconds that the network's arithmetic takes at least."""
        return floor_of(outcome, self.subject, size)


def measure(subject: Subject, plan: Plan, tell: Tell = lambda done, of, what: None) -> Report:
    """Measure everything.

    Parameters
    ----------
    subject : Subject
    plan : Plan
    tell : callable, optional
        Told before each contest.

    Raises
    ------
    ResultsDifferError
        Where contestants do not compute the same.
    ShapeError
        Where a size, or an octave of the dream, does not go through the layers.
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
    names = operations.names()
    sizes = sorted(plan.sizes)
    of = len(sizes) * (len(names) + 1) + 1
    # The dream first: then the machine has not been heated by the rest.
    tell(0, of, "a dream in a process of its own")
    weights = None if subject.weights is None else str(subject.weights)
    request = Request(subject.model, weights, subject.end, width, height, octave_n=plan.octave_n, iter_n=plan.iter_n)
    whole = whole_dream(request)
    done, raced, passes = 1, [], []
    for size in sizes:
        for name, each in zip(names, operations.contests(size), strict=True):
            tell(done, of, each.name)
            raced.append((name, size, race(each, plan.seconds, plan.least)))
            done += 1
        each = contest(subject, size, [fast, exact] if size == plan.sizes[0] else [fast])
        tell(done, of, each.name)
        passes.append((size, race(each, plan.seconds, plan.least)))
        done += 1
    return Report(found, raced, passes, subject, request, whole)


# For people.


def as_text(report: Report) -> str:
    """Tell a report as tables."""
    parts = ["\n".join(as_lines(report.machine)), _operations(report), _network(report), _dream(report)]
    return "\n\n".join(parts)


def _operations(report: Report) -> str:
    rows = [
        [
            name,
            table.size(*size),
            *(table.spread(outcome.seconds(backend)) for backend in operations.BACKENDS),
            table.digits(outcome.ratio("native", "numpy"), 2),
        ]
        for name, size, outcome in sorted(report.operations, key=lambda each: operations.names().index(each[0]))
    ]
    return (
        "Image operations, float32: the notebook's NumPy and SciPy, and C++, to the same bits. Median (quartiles).\n\n"
        + table.table(["", "size", "NumPy", "C++", "C++ / NumPy"], rows)
    )


def _network(report: Report) -> str:
    subject = report.subject
    rows = []
    for size, outcome in report.network:
        floor = report.floor(size, outcome)
        rows.append(
            [
                table.size(*size),
                table.digits(subject.gmac(size)),
                table.spread(floor),
                table.seconds(outcome.seconds(FORWARD).median),
                table.spread(outcome.seconds(FAST)),
                table.digits(outcome.seconds(FAST).median / floor.median) if floor.median else "",
                *_exact(outcome),
            ]
        )
    rates = ", ".join(f"{gflops(outcome.seconds(FLOOR).median):.0f}" for _, outcome in report.network)
    head = ["size", "GMAC", "floor", "forward alone", "float32", "/ floor", "float64", "/ float32"]
    return (
        f"{subject.model} to {subject.end}: forward, objective, gradient at the image.\n"
        f"The floor: forward and back, 4 operations for each of the forward pass's multiplications (GMAC), at the\n"
        f"rate of float32 matrix products of {MATRIX}x{MATRIX} in the same rounds ({rates} GFLOP/s).\n\n"
        + table.table(head, rows)
    )


def _exact(outcome: Outcome) -> list[str]:
    if EXACT not in outcome.samples:
        return ["", ""]
    return [table.spread(outcome.seconds(EXACT)), table.digits(outcome.ratio(EXACT, FAST), 2)]


def _dream(report: Report) -> str:
    request, whole = report.request, report.whole
    rows = []
    for key, name in PARTS.items():
        rows.append([name])
        for split in whole.dreams:
            part = getattr(split, key)
            rows[-1] += [table.seconds(part), table.percent(part / split.total)]
    rows.append(["all of it", *(cell for split in whole.dreams for cell in (table.seconds(split.total), ""))])
    rows.append(["all that is not steps, over the steps", *_pairs(whole.dreams, lambda s: s.not_steps)])
    rows.append(["image operations and zooms, of all", *_pairs(whole.dreams, lambda s: s.image_share)])
    head = ["", "first", "", "second", ""][: 1 + 2 * len(whole.dreams)]
    return (
        f"A dream, {table.size(request.height, request.width)}, {request.octave_n} octaves × {request.iter_n} steps, "
        f"and once more, in a process of their own.\n\n"
        + table.table(head, rows)
        + f"\n\nmost memory {table.memory(whole.peak)}, of which {table.memory(whole.before)} before the first dream; "
        f"importing TensorFlow {table.seconds(whole.importing)}, loading the network {table.seconds(whole.loading)}"
    )


def _pairs(dreams: Sequence[Split], share: Callable[[Split], float]) -> list[str]:
    return [cell for split in dreams for cell in ("", table.percent(share(split)))]


# For programs.


def as_json(report: Report) -> dict[str, Any]:
    """Give a report as what JSON can hold: times in seconds, memory in bytes, sizes as width and height."""
    subject, request, whole = report.subject, report.request, report.whole
    found = {
        "machine": report.machine,
        "operations": [
            {
                "operation": name,
                "dtype": "float32",
                **_size(size),
                **_outcome(outcome),
                "ratios": {"native / numpy": outcome.ratio("native", "numpy")},
            }
            for name, size, outcome in report.operations
        ],
        "network": {
            "model": subject.model,
            "layer": subject.end,
            "floor": f"4 operations a multiplication, at the rate of a float32 matrix product of {MATRIX}x{MATRIX}",
            "sizes": [_passes(report, size, outcome) for size, outcome in report.network],
        },
        "dream": {
            **msgspec.to_builtins(request),
            "import_seconds": whole.importing,
            "load_seconds": whole.loading,
            "memory_bytes": {"before the first dream": whole.before, "peak of the first dream": whole.peak},
            "dreams": [
                {
                    "seconds": {"total": each.total, **{part: getattr(each, part) for part in PARTS}},
                    "step_seconds": each.step,
                    "ratios": {"not steps / steps": each.not_steps, "image operations / total": each.image_share},
                }
                for each in whole.dreams
            ],
        },
    }
    return {key: _rounded(part) for key, part in found.items()}


def _rounded(part: Any) -> Any:
    """Leave five digits of every measured number: more would tell of noise."""
    if isinstance(part, float):
        return float(f"{part:.5g}")
    if isinstance(part, dict):
        return {key: _rounded(each) for key, each in part.items()}
    return [_rounded(each) for each in part] if isinstance(part, list) else part


def _passes(report: Report, size: Size, outcome: Outcome) -> dict[str, Any]:
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


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "agreement": outcome.contest.agreement.words,
        "rounds": outcome.rounds,
        "seconds": {name: outcome.seconds(name).as_json() for name in outcome.samples},
        "processor_seconds": {name: Spread.of(work).as_json() for name, work in outcome.work.items()},
    }


def _size(size: Size) -> dict[str, int]:
    return {"width": size[1], "height": size[0]}
