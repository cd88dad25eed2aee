"""What a command reads and what it writes: known before the work begins, and never the same.

A file on the command line has a type that notes it as read: `ReadFile` or `Model`. What is going to be written is
claimed, which checks that it can be, that it is not read, that no other run writes it until this one ends, and that it
replaces nothing: an existing file goes only with --force, or where someone at a terminal says so.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import click

from ..errors import OverwriteError, VideoFileError
from ..files import check_place, is_blank, make_folder, reason
from ..locks import locked
from ..media import video
from ..reads import reads
from ..record.made import note_of
from ..zoo.load import network_files
from . import completion
from .streams import echo

OUTPUT = "'--output'"
_FORCED = f"{__name__}.forced"


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


class ReadPlace(ReadFile):
    """The path of a file that is read, or of a folder of such files, which are noted as they are opened."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check that there is one; an empty name is none, and not this folder."""
        return Path(value) if value and Path(value).is_dir() else super().convert(value, param, ctx)


class Model(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    """A network's name, or its file."""

    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Note its files."""
        note_network(value)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Return the networks that begin so, and files."""
        return completion.models(ctx, param, incomplete)


class OtherModel(Model):
    """A network's name, or its file, and what of it grows behind a colon."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Note its files."""
        super().convert(value.partition(":")[0], param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Return the networks that begin so, and files; behind a colon the network's layers."""
        return completion.layers_of_others(ctx, param, incomplete)


class NewFolder(click.Path):
    """The path of a folder that is written into, and made if it is not there."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check that it is a folder's name."""
        if (wrong := wrong_folder(value)) is not None:
            self.fail(wrong, param, ctx)
        return super().convert(value, param, ctx)


def wrong_folder(name: str | Path) -> str | None:
    """Return what is wrong with a new folder's name that is a file's: ``out.png``, not ``out.png/`` or ``v1.2``."""
    is_files = re.fullmatch(r"\.[A-Za-z]\w*", Path(name).suffix) is not None
    if not is_files or str(name)[-1:] == "/" or Path(name).exists():
        return None
    return f"these go into a folder, and '{name}' names a file; '{name}/' names a folder"


def check(path: Path, hint: str = OUTPUT) -> None:
    """Raise `click.BadParameter` if a file cannot be written."""
    with _usage(path, hint):
        check_place(path)


def take_force(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Note that this run may replace what is there; the callback of --force."""
    ctx.meta[_FORCED] = wanted


def forced() -> bool:
    """Return whether --force was given."""
    return bool(click.get_current_context().meta.get(_FORCED))


def claim(paths: Iterable[Path], hint: str = OUTPUT, lock: bool = True, new: bool = True) -> None:
    """Claim files that are going to be written, until the command ends, and that are `new`, unless the caller looks.

    Raises
    ------
    click.BadParameter
        If one cannot be written, is read, would be written twice, or is there already.
    BusyError
        If another run writes it.
    """
    paths = list(paths)
    for path in paths:
        check(path, hint)
        _claim(path, hint)
        if lock:
            _lock(path, hint)
    if new:
        check_new(paths, hint)


def check_new(paths: Iterable[Path], hint: str = OUTPUT) -> None:
    """Raise `click.BadParameter` for a file that would be replaced, unless --force or someone at the terminal says so.

    With --resume, one that says that it was made here is the last run's. Without content nothing can be lost.
    """
    if forced():
        return
    resume = click.get_current_context().params.get("resume")  # None: the command cannot
    kept = [path for path in paths if path.is_file() and not (is_blank(path) or (resume and _says_made_here(path)))]
    if kept and not _may_replace(kept):
        if resume:
            ways = "it does not say that it was made here, and would be lost"
        else:
            ways = "--force replaces it" + ("" if resume is None else ", --resume continues an earlier run")
        raise click.BadParameter(f"'{kept[0]}' is there already: {ways}", param_hint=hint)


def _says_made_here(path: Path) -> bool:
    try:
        note = video.read_comment(path) if video.is_film(path) else note_of(path)[0]
    except VideoFileError:  # damaged
        return True
    return note is not None and note.startswith("{")


def _may_replace(paths: Sequence[Path]) -> bool:
    """Ask at a terminal whether files may be replaced; elsewhere they may not."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    names = ", ".join(f"'{path}'" for path in paths)
    what = "is there already: replace it" if len(paths) == 1 else "are there already: replace them"
    echo(f"pydream: {names} {what}? [y/N]", err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def unnamed(beside: Path | None, stem: str, suffix: str = ".png", taken: Container[Path] | None = None) -> Path:
    """Return the name of an output that --output does not name: of ``portrait.jpg``, ``portrait.dream.png`` beside it.

    The next one is ``portrait.dream.2.png``, and so on. With --force it is the first, with --resume the last that is
    there. Where these names are given as `taken`, others count as free, whatever is there.
    """
    ctx = click.get_current_context()
    folder = Path() if beside is None else beside.parent
    last = None
    for number in count(1):
        name = folder / f"{stem}.{ctx.command.name}{'' if number == 1 else f'.{number}'}{suffix}"
        if name not in taken if taken is not None else forced() or not os.path.exists(name):
            break
        last = name
    begun = any(os.path.exists(f"{name}{of_it}") for of_it in (".frames", ".tiles"))
    return last if ctx.params.get("resume") and last is not None and not begun else name


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
        _lock(folder, hint)


def _claim(path: Path, hint: str) -> None:
    with _usage(path, hint):
        if (run := reads()) is not None:
            run.claim(path)


def _lock(place: Path, hint: str) -> None:
    """Hold a place's lock, where it can have one, until the command ends."""
    with _usage(place, hint):
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
