"""Runtimes that installed packages add: entry points of the group `GROUP`, each a name and a subclass of `Runtime`.

They are read when a name is asked for that no built-in runtime has, and when all names are listed; a package's module
is imported when its runtime is asked for.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from importlib.metadata import Distribution, EntryPoint, distributions

from ..errors import PluginError
from .base import Runtime

GROUP = "pydream.runtimes"


def plugged_names() -> list[str]:
    """Return the names of the runtimes that packages add, in order; what cannot be read has none."""
    found: set[str] = set()
    for package in _packages():
        with suppress(PluginError):
            found.update(point.name for point in _points(package))
    return sorted(found)


def plugged_runtime(name: str) -> type[Runtime] | None:
    """Return the runtime that a package adds under this name; None: no package does.

    Raises
    ------
    PluginError
        In one line, which names the package: it cannot be imported, or adds something else, or is one of several.
        Entry points that cannot be read count only where no other package has the name.
    """
    found = _find(name)
    if found is None:
        return None
    package, point = found
    about = f"the package {package!r} adds the runtime {name!r}"
    try:
        with redirect_stdout(sys.stderr):  # a dream may be on its way there
            runtime = point.load()
    except (Exception, SystemExit) as error:  # a library may end a script that lacks something
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise PluginError(f"{about}, which cannot be imported: {reason}") from error
    if not (isinstance(runtime, type) and issubclass(runtime, Runtime)) or inspect.isabstract(runtime):
        raise PluginError(f"{about}, but {point.value} is not a runtime (a subclass of pydream.runtime.Runtime)")
    if runtime.name != name:  # records have the class's
        raise PluginError(f"{about}, but the name of {point.value} is {runtime.name!r}")
    if not isinstance(getattr(runtime, "runners", None), Mapping):
        raise PluginError(f"{about}, but {point.value} has no runners")
    if not (isinstance(runtime.libraries, tuple) and all(isinstance(each, str) for each in runtime.libraries)):
        raise PluginError(f"{about}, but the libraries of {point.value} are not a tuple of names")
    return runtime


def plugged_libraries(name: str) -> tuple[str, ...]:
    """Return the distributions that a package's runtime takes, its own first; none for a name that no package adds."""
    found = _find(name)
    runtime = plugged_runtime(name)
    return () if found is None or runtime is None else (found[0], *runtime.libraries)


def _find(name: str) -> tuple[str, EntryPoint] | None:
    """Return the package that adds a runtime, and its entry point; None: there is none."""
    found, unread = [], None
    for package in _packages():
        try:
            found += [(package.name, point) for point in _points(package) if point.name == name]
        except PluginError as error:
            unread = error
    packages = sorted({repr(package) for package, _ in found})
    if len(packages) > 1:
        raise PluginError(
            f"the packages {' and '.join(packages)} all add the runtime {name!r}; one alone can be installed"
        )
    if len(found) > 1:
        raise PluginError(f"the package {packages[0]} adds the runtime {name!r} {len(found)} times")
    if unread is not None and not found:
        raise unread
    return found[0] if found else None


def _packages() -> Iterator[Distribution]:
    """Yield the installed packages that add runtimes; of several of one name the one that is imported."""
    seen = set()
    for package in distributions():
        try:
            name, text = package.name, package.read_text("entry_points.txt") or ""
        except (OSError, ValueError):  # not UTF-8; most likely it is of no concern here
            continue
        if name and GROUP in text and name not in seen:  # what was half removed has no name
            seen.add(name)
            yield package


def _points(package: Distribution) -> list[EntryPoint]:
    """Return a package's runtimes."""
    try:
        return [point for point in package.entry_points if point.group == GROUP]
    except Exception as error:
        raise PluginError(f"the package {package.name!r} adds runtimes, but its entry points cannot be read") from error
