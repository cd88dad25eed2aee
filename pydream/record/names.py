"""Files in an account are names: their folders, a home among them, are not written down."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from ..zoo.registry import is_name

NOISE = "noise"  # in the place of a picture's name: the dream starts from that
NOISE_SIZE = (512, 512)  # (height, width), where none is given
_OF_FILES = {"-o", "--guide", "--mask", "--model", "--weights"}  # options whose value is a file
_WORD = re.compile(r"""(?:\$'(?:[^'\\]|\\.)*'|'[^']*'|"[^"\\]*"|[^\s'"])+""")


def file_word(path: str | os.PathLike[str], taken: bool = False) -> str:
    """Return a file's name as a word of a command line; `taken`: as a bare word the name means something else."""
    name = Path(path).name
    if name in ("", ".."):
        name = Path(path).resolve().name
    return f"./{name}" if taken or name.startswith("-") else name


def source_word(path: str | os.PathLike[str]) -> str:
    """Return the name of a picture as a word of a command line, where a bare ``noise`` is none."""
    return file_word(path, Path(path).name.partition(":")[0] == NOISE)


def noise_word(size: tuple[int, int]) -> str:
    """Return noise of a (height, width) as a word of a command line: ``noise:640x480``."""
    return f"{NOISE}:{size[1]}x{size[0]}"


def model_word(model: str) -> str:
    """Return a network's name, or its file's."""
    return file_word(model, is_name(Path(model).name)) if os.sep in model else model


def without_folders(line: str) -> str:
    """Return an account's command line without the folders of its files, which older versions wrote down."""
    words = _WORD.findall(line)
    if os.sep not in line or " ".join(words) != line:  # the second is not a line of ours
        return line
    options = (number for number, word in enumerate(words) if number >= 2 and word.startswith("-") and word != "-")
    first = next(options, len(words))  # what comes before it are files
    return " ".join(
        _without_folders(word) if 2 <= number < first or words[number - 1] in _OF_FILES else word
        for number, word in enumerate(words)
    )


def quoting_names(message: str) -> str:
    """Return a message without the folders of the files that it quotes."""

    def short(quoted: re.Match[str]) -> str:
        folder, name = os.path.split(quoted[1])
        return f"'{name}'" if folder and os.path.isdir(folder) else quoted[0]

    return re.sub(r"'([^']+)'", short, message)


def _without_folders(word: str) -> str:
    if word.startswith("$'"):
        return "$'" + word.removeprefix("$'").rpartition(os.sep)[2]
    path = "".join(shlex.split(word))
    return shlex.quote(file_word(path)) if os.sep in path else word
