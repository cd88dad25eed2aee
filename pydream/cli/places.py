"""What a command reads and what it writes: known before the work begins, and never the same.

A file on the command line has a type that notes it as read: `ReadFile` or `Model`. What is going to be written is
claimed, which checks that it can be, that it is not read, and that no other run writes it until this one ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from ..errors import OverwriteError
from ..files import check_place, make_folder, reason
from ..locks import locked
from ..reads import reads
from ..zoo.load import network_files

OUTPUT = "'--output'"


def note_read(file: Path | int) -> None:
    """Note a file, or a descriptor, that is going to be read; `click.BadParameter` if it is going to be written."""
    try:
        if (run := reads()) is not None:
            run.add(file)
    except OverwriteError as error:
        raise click.BadParameter(str(error)) from error


def note_network(name: str) -> None:
    """Note the files of a network, as `note_read` does; that there are none is said where it is loaded."""
    for path in network_files(name):
        note_read(path)


class ReadFile(click.Path):
    """The path of a file that is read."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check that there is one, and note it."""
        path: Any = super().convert(value, param, ctx)
        note_read(path)
        return path


class Model(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    """A network's name, or its file."""

    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Note its files."""
        note_network(value)
        return value


def check(path: Path, hint: str = OUTPUT) -> None:
    """Raise `click.BadParameter` if a file cannot be written."""
    with _usage(path, hint):
        check_place(path)


def claim(paths: Iterable[Path], hint: str = OUTPUT, lock: bool = True) -> None:
    """Claim files that are going to be written, until the command ends.

    Raises
    ------
    click.BadParameter
        If one cannot be written, is read, or would be written twice.
    BusyError
        If another run writes it.
    """
    for path in paths:
        check(path, hint)
        _claim(path, hint)
        if lock:
            _lock(path)


def claim_made(paths: Iterable[Path], hint: str = OUTPUT) -> None:
    """Claim files of a folder that is claimed, of which most are not there yet."""
    for path in paths:
        _claim(path, hint)


def claim_folder(folder: Path, hint: str = OUTPUT, lock: bool = True) -> None:
    """Make a folder that is going to be written into, and claim it, until the command ends; as `claim` raises.

    It is removed again if nothing was written into it.
    """
    ctx = click.get_current_context()
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    ctx.call_on_close(lambda: _remove_empty(missing))
    with _usage(folder, hint):
        if (run := reads()) is not None:
            run.claim_folder(folder)
        make_folder(folder)
        check_place(folder / ".pydream")
    if lock:
        _lock(folder)


def _claim(path: Path, hint: str) -> None:
    with _usage(path, hint):
        if (run := reads()) is not None:
            run.claim(path)


def _lock(place: Path) -> None:
    """Hold a place's lock, where it can have one, until the command ends."""
    click.get_current_context().with_resource(locked(place))


def _remove_empty(folders: Iterable[Path]) -> None:
    with suppress(OSError):  # one that is not empty, and those above it
        for folder in folders:
            folder.rmdir()


@contextmanager
def _usage(path: Path, hint: str) -> Iterator[None]:
    try:
        yield
    except OverwriteError as error:
        raise click.BadParameter(str(error), param_hint=hint) from error
    except OSError as error:
        raise click.BadParameter(f"cannot write '{path}': {reason(error)}", param_hint=hint) from error
