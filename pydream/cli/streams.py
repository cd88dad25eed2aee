"""Standard input, output and error: what is shown is printable, and a stream that is lost costs no picture.

Names come from folders, files and networks of strangers: `echo` is the one place that prints, a line a text. A standard
error that is closed, or whose reader is gone, is silence; so is a closed standard output. Where the reader of standard
output is gone the command ends without a word, with 128 + SIGPIPE, once its pictures are written.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import click

from ..errors import printable, shortened
from ..files import reason, write_all
from ..host import signals

READER_GONE = 128 + signals.READER_GONE
_HANGING = "  "  # what the second line of a message begins with


class _Stream:
    """A text stream that escapes what its encoding lacks, and whose loss is silence, or the end of the command."""

    def __init__(self, stream: TextIO, descriptor: int, silent: bool) -> None:
        self._stream = stream
        self._descriptor = descriptor
        self._silent = silent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text."""
        data = text.encode(self._stream.encoding or "utf-8", "backslashreplace")
        if hasattr(self._stream, "buffer"):
            self.write_bytes(data)
        else:  # a notebook's
            with self._losses():
                self._stream.write(data.decode(self._stream.encoding or "utf-8"))
        return len(text)

    def write_bytes(self, data: bytes | memoryview) -> None:
        """Write all bytes, also where a write takes only some of them."""
        with self._losses():
            self._stream.flush()
            write_all(self._stream.buffer, data)

    def flush(self) -> None:
        """Flush the stream."""
        with self._losses():
            self._stream.flush()

    @contextmanager
    def _losses(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._lose()
            if self._silent:
                return
            if signals.is_readers_end(error):
                raise click.exceptions.Exit(READER_GONE) from error
            raise OSError(f"cannot write to standard output: {reason(error)}") from error

    def _lose(self) -> None:
        """Put the null device in the stream's place, for what is in its buffer, for libraries and child processes."""
        with suppress(OSError):  # of a stream without a descriptor
            if self._stream.fileno() == self._descriptor:
                null = os.open(os.devnull, os.O_RDWR)
                os.dup2(null, self._descriptor)
                os.close(null)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Put streams that can be lost in the place of the standard ones, for this block.

    Descriptors that are closed become the null device: otherwise a file that is opened next gets that number, and
    messages go into it. `sys.stdout` stays None then, so that no picture is written there.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one
    before = sys.stdin, sys.stdout, sys.stderr
    with ExitStack() as files:

        def null() -> TextIO:  # not opened where nothing is missing
            return files.enter_context(open(os.devnull, "r+", encoding="utf-8"))

        sys.stdin = sys.stdin or null()
        if sys.stdout is not None:
            sys.stdout = _Stream(sys.stdout, 1, silent=False)
        sys.stderr = _Stream(sys.stderr or null(), 2, silent=True)
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = before


def echo(*lines: object, err: bool = False) -> None:
    """Print each of `lines` as one line, whatever is in it, on standard output or, if it is long, in part, on error.

    Where standard error is a terminal, a line that is longer than it is wide is wrapped at words. For a pipe or a file
    it stays one line.
    """
    stream = sys.stderr if err else sys.stdout
    if stream is not None:
        shown = (printable(str(line)) for line in lines)
        width = _width(stream) if err else None
        stream.write("".join(f"{_wrapped(shortened(line), width) if err else line}\n" for line in shown))
        stream.flush()


def _width(stream: TextIO) -> int | None:
    """Return the width of a terminal; None: it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):  # io.UnsupportedOperation is both
        return None


def _wrapped(line: str, width: int | None) -> str:
    """Wrap a line at words, with a hanging indent; a traceback's lines, which are indented themselves, stay."""
    if width is None or len(line) <= width or line.startswith(" "):
        return line
    return textwrap.fill(
        line, width, subsequent_indent=_HANGING, break_long_words=False, break_on_hyphens=False, expand_tabs=False
    )


def echo_path(path: Path) -> None:
    """Print a path on standard output: on a terminal as `echo` does, for another program in its own bytes."""
    if sys.stdout is None or sys.stdout.isatty():
        echo(path)
    else:
        write_bytes(os.fsencode(path) + b"\n")


def write_bytes(data: bytes | memoryview) -> None:
    """Write bytes to standard output, which is there."""
    _Stream(sys.stdout, 1, silent=False).write_bytes(data)
