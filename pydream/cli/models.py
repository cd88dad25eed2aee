"""`pydream models`: the networks, and how to get their weights."""

from __future__ import annotations

import click

from ..zoo import DEFAULT_NETWORK, find_weights, networks, weight_folders
from .errors import debug_option


@click.command("models")
@debug_option
def command() -> None:
    """List the networks: default layer, licence, and where the weights are or how to get them.

    Weights are looked for in the folders of PYDREAM_MODELS (separated as in PATH) and in the user's cache.

    \b
    pydream models
    """  # noqa: D301 (click's mark for a block to leave as it is)
    for entry in networks():
        click.echo(f"{entry.name}{' (default)' if entry.name == DEFAULT_NETWORK else ''}: {entry.title}")
        found = find_weights(entry)
        facts = [("layer", entry.default_layer), ("licence", entry.license)]
        if found is not None:
            facts += [("weights", "built in" if entry.bundled else str(found))]
        else:
            facts += [("weights", f"missing: {entry.weights}, {entry.size / 1e6:.1f} MB")]
            facts += [("from", url) for url in entry.urls]
            facts += [("into", str(folder)) for folder in weight_folders()[-1:]]
            facts += [("sha256", entry.sha256)]
        for name, fact in facts:
            click.echo(f"  {name:<8} {fact}")
