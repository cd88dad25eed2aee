"""Let the n-th open, read, write, fsync, rename, mkdir, unlink, mmap or listing of every command fail, for every n.

    python tests/tools/torture.py
    python tests/tools/torture.py --only dream --turn 2 --every 5

Errors take turns: no space, I/O error, no permission, interrupted, and half of what was asked for. A command has to
succeed, with the bytes of a run that nothing disturbed, or to end in one line; no half file and no temporary one may be
left, no older file may be gone, and the command again has to end with those bytes. Anything else is an exit code of 1.

The commands run in forks of one process that has imported all they need. `torture/shim.c` is what fails.
"""

from __future__ import annotations

import errno
import importlib
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.faults import ERRORS, KINDS, RETRIED, SHORT, Ended, Fault, forked, preloaded, sha256
from support.tortured import COMMANDS, UNTOLD, Command, make_inputs

from pydream.cli import COMMANDS as ALL
from pydream.cli import main as pydream
from pydream.files import is_temporary

Files = dict[str, str]  # hashes of files by their names


def hidden(name: str) -> bool:
    """Return whether a file is temporary, or in a folder that is."""
    return any(is_temporary(Path(part)) for part in Path(name).parts)


def files(folder: Path) -> Files:
    """Return what is in a folder; a folder in it that is temporary too."""
    found = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))}
    return {
        name: sha256(path.read_bytes()) if path.is_file() else ""
        for name, path in found.items()
        if (path.is_file() and path.name not in UNTOLD) or is_temporary(path)
    }


class Run:
    """One command, undisturbed first.

    Parameters
    ----------
    name : str
    command : Command
    place : Path
        A folder of its own.
    inputs : Path
        What all commands read.
    everywhere : bool
        Whether calls on files elsewhere count: the package's, the system's.
    """

    def __init__(self, name: str, command: Command, place: Path, inputs: Path, everywhere: bool) -> None:
        self.name, self.command, self.everywhere = name, command, everywhere
        self._place, self._start = place, place / "start"
        self._resumed: dict[tuple[tuple[str, str], ...], str] = {}
        place.mkdir()
        shutil.copytree(inputs, self._start)
        for line in command.before:
            if (ended := self._fork(self._start, Command.of(line).run, Fault())).code:
                raise click.ClickException(f"{name}: before it, {line}: {ended.err}")
        self.before = files(self._start)
        folder = self.fresh()
        self.quiet = self._fork(folder, command.run, Fault(), placing=True)
        if self.quiet.code:
            raise click.ClickException(f"{name}: {self.quiet.code}: {self.quiet.err}")
        self.made = files(folder)
        self._import()
        # What it imported by itself it does not import in the other runs.
        self.counts = self._fork(self.fresh(), command.run, Fault()).counts

    def _import(self) -> None:
        for module in self.quiet.modules:
            if module not in sys.modules and module.partition(".")[0] != "tensorflow":
                with suppress(ImportError):
                    importlib.import_module(module)

    def fresh(self) -> Path:
        """Return a folder with what was there before the command."""
        folder = self._place / "work"
        if folder.exists():
            shutil.rmtree(folder)
        return Path(shutil.copytree(self._start, folder, symlinks=True))

    def _fork(self, folder: Path, work: Callable[[], int], fault: Fault, placing: bool = False) -> Ended:
        homes = ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
        environment = {name: str(folder / "home") for name in homes} | {"COLUMNS": "80"}
        return forked(
            work,
            folder,
            fault,
            beside=self._place,
            everywhere=self.everywhere,
            placing=placing,
            environment=environment,
        )

    def faults(self, turn: int) -> list[Fault]:
        """Return a fault for each call; `turn` says with which error they begin."""
        every = []
        for kind in KINDS:
            errors = ERRORS if kind in ("read", "write") else ERRORS[:-1]
            numbers = range(1, self.counts[kind] + 1) if turn < len(errors) else []  # each call has had each error
            every += [Fault(kind, number, errors[(number + turn) % len(errors)]) for number in numbers]
        return every

    def disturbed(self, fault: Fault) -> tuple[Ended, list[str]]:
        """Run the command with a fault, and again without; return what is wrong."""
        folder = self.fresh()
        ended = self._fork(folder, self.command.run, fault)
        left = files(folder)
        wrong = self._after_success(fault, ended, left) if ended.code == 0 else self._after_failure(fault, ended, left)
        if ended.code and not wrong and left != self.made:
            state = tuple(sorted(left.items()))
            if state not in self._resumed:
                self._resumed[state] = self._again(fault, folder)
            wrong = [self._resumed[state]] if self._resumed[state] else []
        return ended, wrong

    def _after_success(self, fault: Fault, ended: Ended, left: Files) -> list[str]:
        if hidden(ended.failed):  # a hidden file that is left is the next run's to remove
            left = {name: content for name, content in left.items() if not hidden(name)}
        if ".frames' is left: " in ended.err:
            left = {
                name: left[name] for name in left if name in self.made or (name, left[name]) not in self.quiet.placed
            }
        wrong = [] if left == self.made else [f"success, but other files: {differences(left, self.made)}"]
        unseen = (fault.kind, fault.error) == ("list", errno.EACCES)  # what one may not look at is not there
        said = fault.error != SHORT and os.strerror(fault.error).encode() in ended.out  # a list names what is damaged
        if ended.out != self.quiet.out and not (unseen or said or ended.failed.startswith("rmdir")):
            wrong.append("success, but it printed other things")
        wrong += [f"it said: {line}" for line in self._strange(ended)]
        if fault.number and not ended.failed and self.quiet.counts == self.counts:
            wrong += ["the call did not come"]
        return wrong

    def _after_failure(self, fault: Fault, ended: Ended, left: Files) -> list[str]:
        wrong = []
        lines = ended.err.splitlines()
        errors = [line for line in lines if line.startswith("pydream: error: ")]
        if ended.code not in (1, 2) or self._strange(ended):
            wrong.append(f"exit code {ended.code}, {ended.err[-3000:]}")
        elif len(errors) != 1 and self.command.parts is None:
            wrong.append(f"exit code {ended.code}, {len(errors)} lines of errors: {ended.err}")
        elif ".pydream-" in ended.err:
            wrong.append(f"a temporary name: {ended.err}")
        by_libav = ended.failed.startswith("open") and hidden(ended.failed) and ".mp4': Interrupted" in ended.err
        if fault.error == errno.EINTR and fault.kind in RETRIED and not by_libav:  # it opens a film twice
            wrong.append(f"not begun again after a signal: {ended.err[-300:]}")
        if fault.error == SHORT:
            wrong.append(f"half of what was asked for is not enough: {ended.err[-300:]}")
        unfinished = (self.command.parts or "", self.command.grows)
        for name, content in self._removed(fault, left).items():
            if hidden(name):
                wrong.append(f"left {name}")
            elif not (self._is_whole(name, content) or any(fnmatch(name, each) for each in unfinished)):
                wrong.append(f"half: {name}")
        gone = [name for name in self.before if name not in left and name in self.made]
        wrong += [f"lost: {name}" for name in gone if Path(name).parts[0] != self.command.cleared]
        return wrong

    def _is_whole(self, name: str, content: str) -> bool:
        """Return whether a file was there before, or is one that the quiet run gave this name, in the end or before."""
        return content in (self.before.get(name), self.made.get(name)) or (name, content) in self.quiet.placed

    @staticmethod
    def _removed(fault: Fault, left: Files) -> Files:
        """Return the files but hidden ones that could not be removed: who writes there next removes them."""
        keep = fault.kind not in ("unlink", "list")
        return {name: content for name, content in left.items() if keep or not hidden(name)}

    def _strange(self, ended: Ended) -> list[str]:
        """Return the lines that are neither pydream's messages nor those of the quiet run."""
        usual = set(untimed(self.quiet.err))
        return [line for line in untimed(ended.err) if not (line.startswith("pydream: ") or line in usual)]

    def _again(self, fault: Fault, folder: Path) -> str:
        ended = self._fork(folder, self.command.run_again, Fault())
        if ended.code:
            return f"again: exit code {ended.code}: {ended.err[-1000:]}"
        left = self._removed(fault, files(folder))
        return "" if left == self.made else f"again: other files: {differences(left, self.made)}"


def untimed(text: str) -> list[str]:
    """Return the lines of a text, without how long something took."""
    return [re.sub(r"[\d.]+ s\b", "", line) for line in text.splitlines()]


def differences(left: Files, made: Files) -> str:
    """Return the names of files that differ."""
    others = sorted(name for name in left.keys() | made.keys() if left.get(name) != made.get(name))
    return ", ".join(
        f"{name} ({'gone' if name not in left else 'new' if name not in made else 'other'})" for name in others
    )


def torture(run: Run, turn: int, every: int) -> Counter[str]:
    """Print what went wrong with a command; return how often what happened."""
    seen: Counter[str] = Counter(calls=sum(run.counts.values()))
    for fault in run.faults(turn)[:: every * run.command.every]:
        ended, wrong = run.disturbed(fault)
        seen["cases"] += 1
        seen["wrong" if wrong else "succeeded" if ended.code == 0 else "refused"] += 1
        seen["hit"] += bool(ended.failed)
        if wrong:
            click.echo(f"{run.name}, {fault} ({ended.failed}): {'; '.join(wrong)}")
    return seen


@click.command()
@click.option("--only", type=click.Choice(list(COMMANDS)), multiple=True, metavar="NAME")
@click.option(
    "--turn",
    type=click.IntRange(0, len(ERRORS) - 1),
    multiple=True,
    default=[0],
    help="Which error is the first call's.",
)
@click.option("--every", type=click.IntRange(1), default=1, help="Only every so many calls.")
@click.option("--everywhere", is_flag=True, help="Also files elsewhere: the package's, the system's.")
def main(only: tuple[str, ...], turn: tuple[int, ...], every: int, everywhere: bool) -> None:
    """Print a line for each command, and one for each case that ended otherwise."""
    if "shim.so" not in os.environ.get("LD_PRELOAD", ""):
        with tempfile.TemporaryDirectory(prefix="pydream-torture-") as temporary:
            environment = preloaded(Path(temporary))
            code = os.spawnve(os.P_WAIT, sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
        raise SystemExit(code)
    del os.environ["LD_PRELOAD"]  # of processes that commands start
    for name in ALL:
        pydream.get_command(click.Context(pydream), name)
    total: Counter[str] = Counter()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="pydream-torture-", dir=memory if memory.is_dir() else None) as temporary:
        place = Path(temporary)
        make_inputs(place / "inputs")
        for name in only or COMMANDS:
            run = Run(name, COMMANDS[name], place / "run", place / "inputs", everywhere)
            for each in turn:
                seen = torture(run, each, every)
                total += seen
                counts = ", ".join(f"{count} {kind}" for kind, count in run.counts.items() if count)
                click.echo(f"{name}, turn {each}: {counts}; {told(seen)}")
            shutil.rmtree(place / "run")
    click.echo(f"{len(only or COMMANDS)} commands: {told(total)}")
    if total["wrong"]:
        raise SystemExit(1)


def told(seen: Counter[str]) -> str:
    """Return counts in words."""
    return (
        f"{seen['calls']} calls, {seen['cases']} cases ({seen['hit']} hit): {seen['succeeded']} succeeded,"
        f" {seen['refused']} ended in one line, {seen['wrong']} ended otherwise"
    )


if __name__ == "__main__":
    main()
