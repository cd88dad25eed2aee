"""Count which branches of csrc/ the tests have taken, from what gcov recorded in a build with PYDREAM_COVERAGE.

    python tests/tools/branches.py build/core

A branch is a way that a condition of the source can go. The instances of a template are one source, and so is a file
that several libraries compile: what they took is added. Left out is that a call may throw, which makes a branch too.
``// NOT COUNTED: reason`` at the end of a line takes its branches out, and is listed. Exit code 1 if a branch or a line
was not taken.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
EXCUSE = re.compile(r"// NOT COUNTED: (.+)$")

Counts = dict[
    tuple[str, int, int], list[int]
]  # by file, line and the number of branches there: how often each was taken


def records(build: Path) -> Iterator[dict]:
    """Yield what gcov says of every file that an object was compiled from."""
    notes = sorted(build.resolve().rglob("*.gcno"))
    for some in (notes[at : at + 20] for at in range(0, len(notes), 20)):
        told = subprocess.run(
            ["gcov", "--json-format", "--branch-probabilities", "--stdout", *map(str, some)],
            cwd=build,
            capture_output=True,
            check=True,
            text=True,
        )
        for line in told.stdout.splitlines():
            yield from json.loads(line)["files"]


def instances(line: dict, functions: list[dict]) -> list[list[dict]]:
    """Return the branches of each function that a line is compiled to; gcov has those of a lambda's in one list."""
    branches, number = line["branches"], line["line_number"]
    around = [each["start_line"] for each in functions if each["start_line"] <= number <= each["end_line"]]
    count = around.count(max(around, default=0))
    if "function_name" in line or count < 2 or len(branches) % count:
        return [branches]
    length = len(branches) // count
    return [branches[at : at + length] for at in range(0, len(branches), length or 1)]


def taken(branches: list[dict]) -> list[int]:
    """Return how often each was taken, without pairs of a call that returned and the same that threw."""
    kept: list[dict] = []
    for branch in branches:
        if not branch["throw"]:
            kept.append(branch)
        elif kept and kept[-1]["fallthrough"]:
            kept.pop()
    return [branch["count"] for branch in kept]


def count(build: Path) -> tuple[Counts, dict[tuple[str, int], int]]:
    """Return how often each branch and each line of csrc/ was taken."""
    branches: Counts = {}
    lines: dict[tuple[str, int], int] = defaultdict(int)
    for record in records(build):
        path = Path(record["file"])
        if not path.is_relative_to(ROOT / "csrc"):
            continue
        for line in record["lines"]:
            where = str(path.relative_to(ROOT)), line["line_number"]
            lines[where] += line["count"]
            for found in map(taken, instances(line, record["functions"])):
                before = branches.setdefault((*where, len(found)), [0] * len(found))
                before[:] = [one + other for one, other in zip(before, found, strict=True)]
    return branches, lines


def excused(branches: Counts) -> dict[tuple[str, int], str]:
    """Return the reasons of the lines whose branches are not counted."""
    reasons = {}
    for name in {name for name, _, _ in branches}:
        for number, text in enumerate((ROOT / name).read_text().splitlines(), start=1):
            if found := EXCUSE.search(text):
                reasons[name, number] = found[1]
    return reasons


@click.command()
@click.argument("build", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(build: Path) -> None:
    """Print the branches and lines that were not taken, and how many were."""
    branches, lines = count(build)
    reasons = excused(branches)
    counted = {key: counts for key, counts in branches.items() if key[:2] not in reasons}
    missed = [(*key, sum(n == 0 for n in counts)) for key, counts in counted.items() if not all(counts)]
    idle = [
        where for where, times in lines.items() if not times and where not in reasons and source(*where).strip("};")
    ]
    for name, line, every, some in sorted(missed):
        print(f"{name}:{line}: {some} of {every} branches not taken: {source(name, line)}")
    for name, line in sorted(idle):
        print(f"{name}:{line}: not run: {source(name, line)}")
    for (name, line), reason in sorted(reasons.items()):
        print(f"{name}:{line}: not counted: {reason}")
    every = sum(len(counts) for counts in counted.values())
    some = every - sum(count for *_, count in missed)
    print(
        f"csrc: {some} of {every} branches taken, {100 * some / max(every, 1):.2f} %; {len(reasons)} lines not counted"
    )
    sys.exit(bool(missed or idle or not every))


def source(name: str, line: int) -> str:
    """Return a line of a file, without its indentation."""
    return (ROOT / name).read_text(encoding="utf-8").splitlines()[line - 1].strip()


if __name__ == "__main__":
    main()
