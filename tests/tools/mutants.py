"""Change one thing in the code at a time and see which changes no test notices: objectives, tiles and record.

    pip install -e '.[mutation]'
    python tests/tools/mutants.py make
    python tests/tools/mutants.py reach tests/cli/test_replay.py tests/cli/test_zoom.py
    python tests/tools/mutants.py run --each 100 --seed 20 objectives
    python tests/tools/mutants.py show

mutmut writes a copy of the package with all mutants in it, and which tests reach which function: `[tool.mutmut]` in
pyproject.toml says of what; `reach` adds the tests of further files. There are too many mutants to try all, so `run`
draws as many of each part, by a seed, and tries them one after the other, each in a fork of a process that has imported
everything: the tests that reach its function, the fastest first, until one fails. It keeps what it found, and goes on
where it was stopped. `show` prints the score, and what survived, as differences.
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("pydream", "tests", "models", "examples", "csrc", "README.md", "pyproject.toml")
PARTS = {"objectives": "pydream.dream.objectives.", "tiles": "pydream.tiles.", "record": "pydream.record."}
STATS = Path("mutmut-stats.json")  # in mutmut's copy
PYTEST = ["-x", "-q", "--rootdir=.", "--tb=no", "-p", "no:cacheprovider"]
PATIENCE = 20  # times as long as its tests take a mutant may take, and SECONDS more; of processor time
SECONDS = 20
WAITING = 10  # times as long it may take altogether
KILLED, SURVIVED, TIME, UNREACHED = "killed", "survived", "over time", "no quick test"


@click.group()
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=Path("build/mutants"))
@click.pass_context
def main(context: click.Context, folder: Path) -> None:
    """Try mutants of the code."""
    context.obj = folder.resolve()


@main.command()
@click.pass_obj
def make(folder: Path) -> None:
    """Write all mutants, and find out which tests reach them."""
    folder.mkdir(parents=True)
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, folder / name)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # None has this name: mutmut stops when it has made them and measured the tests.
    subprocess.run(["mutmut", "run", "--max-children", "1", "none"], cwd=folder, env=environment, check=False)
    if not (folder / "mutants" / STATS).exists():
        raise click.ClickException("mutmut ended before it had measured the tests")


@main.command()
@click.argument("files", nargs=-1, required=True)
@click.pass_obj
def reach(folder: Path, files: tuple[str, ...]) -> None:
    """Find out which functions the tests of further files reach; a test that fails is left out."""
    _enter(folder)
    os.environ["MUTANT_UNDER_TEST"] = "stats"  # mutmut's word: functions say that they are called
    import pytest
    from mutmut.configuration import config
    from mutmut.state import state

    config()  # of this folder; tests go into others
    seconds: dict[str, float] = {}
    tests: dict[str, set[str]] = {}

    class Reached:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.when == "call" and report.passed:
                seconds[report.nodeid] = report.duration
                for function in state()._stats:
                    tests.setdefault(function, set()).add(report.nodeid)
            if report.when == "teardown":
                state()._stats.clear()

    for file in files:
        pytest.main(["-q", "--rootdir=.", "--tb=no", "-p", "no:cacheprovider", file], plugins=[Reached()])
        found = json.loads(STATS.read_text()) if STATS.exists() else {}
        reached = found.setdefault("tests_by_mangled_function_name", {})
        for function, names in tests.items():
            reached[function] = sorted(names.union(reached.get(function, ())))
        found["duration_by_test"] = {**found.get("duration_by_test", {}), **seconds}
        STATS.write_text(json.dumps(found))


@main.command()
@click.option("--each", type=click.IntRange(1), default=100, show_default=True, help="Mutants of each part.")
@click.option("--seed", type=int, default=20, show_default=True)
@click.option("--minutes", type=float, default=600, show_default=True, help="After which no further one is begun.")
@click.option("--slowest", type=float, default=5, show_default=True, help="Seconds of the slowest test to be used.")
@click.option("--again", is_flag=True, help="Try what survived or was not tried once more.")
@click.argument("part", type=click.Choice(list(PARTS)))
@click.pass_obj
def run(folder: Path, each: int, seed: int, minutes: float, slowest: float, again: bool, part: str) -> None:
    """Try a sample of a part's mutants."""
    known = _known(folder, part)
    stop = time.monotonic() + minutes * 60
    reached, seconds = _tests(folder)
    left = [
        name
        for name in _sample(folder, part, each, seed)
        if name not in known or (again and known[name] in (SURVIVED, UNREACHED))
    ]
    _enter(folder)
    os.environ["MUTANT_UNDER_TEST"] = ""
    sys.dont_write_bytecode = False  # or every fork would compile the tests
    import pytest

    quick = {test for test in seconds if seconds[test] <= slowest}
    files = {test.partition("::")[0] for name in left for test in quick.intersection(reached.get(_function(name), ()))}
    pytest.main([*PYTEST, "-qq", "--collect-only", *sorted(files)])  # so that forks have imported it all
    for number, name in enumerate(left):
        if time.monotonic() > stop:
            break
        tests = sorted(quick.intersection(reached.get(_function(name), ())), key=seconds.__getitem__)
        known[name] = _try(name, tests, sum(seconds[test] for test in tests)) if tests else UNREACHED
        _results(folder, part).write_text(json.dumps(known, indent=1))
        click.echo(f"{number + 1}/{len(left)} {known[name]}: {name}")


@main.command()
@click.option("--each", type=click.IntRange(1), default=100, show_default=True)
@click.option("--seed", type=int, default=20, show_default=True)
@click.option("--differences/--no-differences", default=True, show_default=True, help="Of what survived.")
@click.pass_obj
def show(folder: Path, each: int, seed: int, differences: bool) -> None:
    """Print the score of the sample, and what survived."""
    for part in PARTS:
        known = _known(folder, part)
        names = [name for name in _sample(folder, part, each, seed) if name in known]
        count = Counter(known[name] for name in names)
        outcomes = ", ".join(f"{count[outcome]} {outcome}" for outcome in (KILLED, TIME, SURVIVED, UNREACHED))
        click.echo(f"{part}: {len(names)} of {len(list(_mutants(folder, part)))} mutants: {outcomes}")
        for name in names if differences else ():
            if known[name] in (SURVIVED, UNREACHED):
                done = subprocess.run(["mutmut", "show", name], cwd=folder, capture_output=True, text=True, check=False)
                lines = [line for line in done.stdout.splitlines() if not line.startswith(("---", "+++", "#"))]
                click.echo("\n".join([f"# {known[name]}: {name}", *lines]))


def _enter(folder: Path) -> None:
    """Make the copy of the package, and of its tests, the one that is imported."""
    os.chdir(folder / "mutants")
    sys.path[:0] = [str(folder / "mutants"), str(folder / "mutants" / "tests")]


def _results(folder: Path, part: str) -> Path:
    return folder / f"results-{part}.json"


def _known(folder: Path, part: str) -> dict[str, str]:
    file = _results(folder, part)
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return known


def _mutants(folder: Path, part: str) -> Iterator[str]:
    """Name all mutants of a part."""
    for file in sorted((folder / "mutants" / "pydream").rglob("*.meta")):
        names = json.loads(file.read_text())["exit_code_by_key"]
        yield from (name for name in names if name.startswith(PARTS[part]))


def _sample(folder: Path, part: str, each: int, seed: int) -> list[str]:
    names = list(_mutants(folder, part))
    random.Random(f"{part} {seed}").shuffle(names)
    return names[:each]


def _tests(folder: Path) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Return the tests that reach each function, and how long each takes."""
    found = json.loads((folder / "mutants" / STATS).read_text())
    return found["tests_by_mangled_function_name"], found["duration_by_test"]


def _function(name: str) -> str:
    return name.rpartition("__mutmut_")[0]


def _try(name: str, tests: list[str], seconds: float) -> str:
    """Run tests with a mutant in place of what it was made of, in a process of its own."""
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        try:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            limit = int(time.process_time() + SECONDS + PATIENCE * seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            signal.alarm(WAITING * limit)
            os.environ["MUTANT_UNDER_TEST"] = name
            for module, found in list(sys.modules.items()):  # tests may use the mutant while they are imported
                if (getattr(found, "__file__", None) or "").startswith(str(Path("tests").resolve())):
                    del sys.modules[module]
            import pytest

            code = int(pytest.main([*PYTEST, *tests]))
        except BaseException:
            code = 99
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if code == 0:
        return SURVIVED
    return TIME if code < 0 else KILLED


if __name__ == "__main__":
    main()
