"""`--runtime`: a built-in runtime, or one that an installed package adds."""

from __future__ import annotations

from typing import Any

import click

from ..runtime.engines import AUTO, runtime_names

_BUILT_IN = [AUTO, "tensorflow", "native", "numpy"]  # the slow reference last


class RuntimeName(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    """A runtime's name; packages are looked for when it is not built in, and when help or completion list them."""

    name = "choice"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a name that there is."""
        return value if value in _BUILT_IN else self._choice().convert(value, param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: Any = None) -> str | None:
        """Return all names, for help."""
        choice = self._choice()
        metavar: str | None = choice.get_metavar(param) if ctx is None else choice.get_metavar(param, ctx)
        return metavar

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Return the names that begin so."""
        items: list[Any] = self._choice().shell_complete(ctx, param, incomplete)
        return items

    def _choice(self) -> Any:
        return click.Choice(_BUILT_IN + [name for name in runtime_names() if name not in _BUILT_IN])
