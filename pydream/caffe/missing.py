"""Names of pycaffe that are not here: asking for one says what to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn


def missing(module: str, names: Mapping[str, str]) -> Callable[[str], NoReturn]:
    """Make a module's ``__getattr__``.

    Parameters
    ----------
    module : str
        Its name.
    names : mapping of str to str
        Name that pycaffe has, and the module not → what to use in its place.
    """

    def fail(name: str) -> NoReturn:
        more = f": {names[name]}" if name in names else ""
        raise AttributeError(f"module {module!r} has no attribute {name!r}{more}", name=name)

    return fail
