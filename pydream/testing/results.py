"""The results of a port in another language, as files, compared with the vectors."""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from lzma import LZMAError
from pathlib import Path
from typing import IO

import numpy as np

from ..errors import NetFileError
from ..files import open_regular, reason
from ..formats.npy import HEADER, parse_npy
from .case import Case
from .report import Array, Report, difference
from .vectors import MANIFEST, OUTPUT, VectorsError, array_name, numbered

_LARGEST = 16  # bytes of a number
_MOST_FILES = 10_000  # in an archive
_OF_THE_NETWORK = ("network", "step", "dream")  # of these all that comes behind the first fault has it too

Open = Callable[[], IO[bytes]]

_UNREADABLE = (OSError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile, zlib.error, LZMAError)


def check_vectors(results: str | os.PathLike[str]) -> Report:
    """Compare the results of a port with what the vectors expect.

    Parameters
    ----------
    results : path
        A folder with a .npy file for each output, under the name that vectors.json gives it, or with .npz files of
        these; or one .npz file. Cases of which nothing is there are counted, and not compared.

    Returns
    -------
    Report
        With a step for each output of each case that was compared.

    Raises
    ------
    VectorsError
        If there is nothing to compare, the folder is that of the vectors themselves, or a file cannot be read.
    ConformanceError
        Where an output differs, or is missing beside others of its case: with the difference and, for a known mistake,
        its name.
    """
    path = Path(results)
    with ExitStack() as stack:
        found = _outputs(path, stack)
        if not found:
            raise VectorsError(f"'{path}' has no results: names are those of the outputs in {MANIFEST}, with .npy")
        report = Report(f"results of '{path}'")
        left: Counter[str] = Counter()
        failed: set[str] = set()
        single: set[str] = set()  # stages that the port computes in float32
        for number, case in numbered():
            names = {output: array_name(number, case, "out", output) for output in case.outputs}
            if found.keys().isdisjoint(names.values()):
                left[case.stage] += 1
                continue
            for output, name in names.items():
                step = f"{number:03d} {case.name}, {output}"
                if name in found:
                    behind = case.stage in _OF_THE_NETWORK and "network" in failed
                    if not _compare(report, step, case, output, found.pop(name), behind, single):
                        failed.add(case.stage)
                else:
                    report.holds(step, False, f"there is no {name}.npy")
        for name in found:
            report.holds(name, False, "no case has an output of that name")
    if left:
        report.notes.append(f"not there: {', '.join(f'{count} {stage}' for stage, count in left.items())}")
    return report.finish()


def _compare(report: Report, step: str, case: Case, output: str, open_it: Open, behind: bool, single: set[str]) -> bool:
    """Compare an output; one that is float32 adds its stage to `single`."""
    expected = np.asarray(case.outputs[output])
    most = expected.size * _LARGEST + HEADER
    try:
        with open_it() as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise NetFileError(f"it has more bytes than an array of {expected.shape}")
        array = parse_npy(content, "its file")
    except (NetFileError, *_UNREADABLE) as error:
        return report.holds(step, False, reason(error))
    if array.size == expected.size == 1:  # a number has no shape in some languages
        array = array.reshape(expected.shape)
    if array.dtype == np.float32:
        single.add(case.stage)
    limit = case.tolerance
    # What a float32 network makes is float32's, though it be 8 bits, or a number that was computed in float64.
    if case.tolerance_float32 is not None and (
        array.dtype == np.float32 or (case.stage == "dream" and not single.isdisjoint(_OF_THE_NETWORK))
    ):
        limit = case.tolerance_float32
    if behind:
        return report.compare(step, array, expected, limit, hint="as what is before it")
    if difference(array, expected) <= limit:
        return report.compare(step, array, expected, limit)
    return report.compare(step, array, expected, limit, case.mistakes(output), _where(array, expected))


def _where(found: Array, expected: Array) -> str:
    """Return where the first value is that differs, for what no known mistake explains."""
    if found.shape != expected.shape or not expected.shape:
        return ""
    apart = np.abs(np.float64(found) - np.float64(expected))
    place = np.unravel_index(int((~(apart <= apart.max() / 100)).argmax()), apart.shape)
    at = ", ".join(str(int(index)) for index in place)
    return f"first at [{at}]: {found[place]:.6g}, expected {expected[place]:.6g}"


def _outputs(path: Path, stack: ExitStack) -> dict[str, Open]:
    """Return the outputs that are there: name → what opens it."""
    if not path.is_dir():
        return _archived(path, stack)
    if (path / MANIFEST).exists():
        raise VectorsError(f"'{path}' is the folder of the vectors: results go into another")
    found: dict[str, Open] = {}
    for file in sorted(path.iterdir()):
        if file.suffix == ".npz":
            found |= _archived(file, stack)
        elif file.suffix == ".npy" and OUTPUT.fullmatch(file.stem):
            found[file.stem] = partial(open_regular, file, "result", VectorsError)
    return found


def _archived(path: Path, stack: ExitStack) -> dict[str, Open]:
    file = stack.enter_context(open_regular(path, ".npz file", VectorsError))
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
        members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise VectorsError(f"'{path}' is not a .npz file: {reason(error)}") from error
    if len(members) > _MOST_FILES:
        raise VectorsError(f"'{path}' has {len(members)} arrays, more than the vectors")
    named = ((re.sub(r"(\.npy)+$", "", member.filename), member) for member in members)
    return {name: partial(archive.open, member) for name, member in named if OUTPUT.fullmatch(name)}
