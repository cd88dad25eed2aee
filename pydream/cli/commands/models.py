"""`pydream models`: the networks, how to get their weights, and how to add one's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from ...zoo.own import add_network
from ...zoo.registry import (
    DEFAULT_NETWORK,
    Entry,
    damaged_networks,
    fault,
    fetched_place,
    find_network,
    find_weights,
    networks,
    own_folder,
    url_variable,
    weight_folders,
)
from ..errors import Failed, debug_option, interruption, printable
from ..help import Command
from ..job import quiet_tensorflow
from ..options import input_options, layer_option, quiet_option
from ..progress import FetchProgress
from ..signals import signals_as_ctrl_c


@click.group("models", invoke_without_command=True)
@debug_option
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the networks, fetch their weights, add your own.

    Weights are looked for in the folders of PYDREAM_MODELS (separated as in PATH) and in the user's cache. Nothing is
    fetched unless you say `fetch`.

    \b
    pydream models
    pydream models fetch bvlc_googlenet
    pydream models add mine deploy.prototxt mine.caffemodel --layer conv4
    """  # noqa: D301 (click's mark for a block to leave as it is)
    if ctx.invoked_subcommand is None:
        _list()


@command.command("list")
@debug_option
def list_command() -> None:
    """List the networks: default layer, licence, and where the weights are or how to get them.

    \b
    pydream models list
    """  # noqa: D301
    _list()


def _list() -> None:
    for entry in networks():
        click.echo(f"{entry.name}{' (default)' if entry.name == DEFAULT_NETWORK else ''}: {printable(entry.title)}")
        facts = [("layer", entry.default_layer or "none"), ("licence", entry.license), ("weights", _where(entry))]
        if find_weights(entry) is None:
            facts += [("from", address) for address in entry.addresses]
            facts += [("into", str(fetched_place(entry).parent)), ("sha256", entry.sha256)]
            facts += [("fetch", f"pydream models fetch {entry.name}")]
        _show(facts)
    for name, error in damaged_networks().items():
        click.echo(f"{name}: damaged: {printable(str(error))}")


def _where(entry: Entry) -> str:
    found = find_weights(entry)
    if found is None:
        return f"missing: {entry.weights}, {entry.size / 1e6:.1f} MB"
    return "built in" if entry.bundled else str(found)


def _show(facts: Iterable[tuple[str, str]]) -> None:
    for name, fact in facts:
        click.echo(f"  {name:<8} {printable(fact)}")


@command.command("info")
@click.argument("name")
@debug_option
def info_command(name: str) -> None:
    """Show all that is known of the network NAME.

    \b
    pydream models info bvlc_googlenet
    """  # noqa: D301
    entry = find_network(name)
    click.echo(f"{entry.name}: {printable(entry.title)}")
    facts = [
        ("licence", entry.license),
        ("layer", entry.default_layer or "none"),
        ("mean", f"{', '.join(f'{value:g}' for value in entry.mean)} ({entry.channel_order})"),
        *([] if entry.scale == 1 else [("scale", f"{entry.scale:.9g}")]),
        *([("input", entry.input)] if entry.input else []),
        ("network", "in the file" if entry.frozen else str(entry.definition)),
        ("about", str(entry.folder / "README.md")),
        ("file", entry.weights),
        ("bytes", str(entry.size)),
        ("sha256", entry.sha256),
    ]
    if entry.archive:
        facts += [("in", f"{entry.archive.name}, {entry.archive.size} bytes, as {entry.archive.member}")]
    facts += [("from", address) for address in entry.addresses]
    facts += [("weights", _where(entry))]
    if find_weights(entry) is None:
        facts += [("into", str(fetched_place(entry).parent)), ("fetch", f"pydream models fetch {entry.name}")]
        facts += [("mirror", f"--url, or {url_variable(entry.name)}")]
    _show(facts)


@command.command("fetch", cls=Command)
@click.argument("name")
@click.option(
    "--url", "urls", multiple=True, metavar="URL", help="Address to try before the known ones; can be repeated."
)
@quiet_option
@debug_option
@click.pass_context
def fetch_command(ctx: click.Context, name: str, urls: tuple[str, ...], quiet: bool) -> None:
    """Get the weights of the network NAME into the user's cache, and print where they are.

    Addresses are tried in turn: those of --url, those in a variable (for bvlc_googlenet it is
    PYDREAM_MODEL_URL_BVLC_GOOGLENET), then the network's own. An interrupted fetch is continued by the next
    one. Size and sha256 are checked.

    \b
    pydream models fetch bvlc_googlenet
    pydream models fetch bvlc_googlenet --url https://mirror.example.org/bvlc_googlenet.caffemodel
    """  # noqa: D301
    from ...zoo.fetch import fetch  # with requests, which the other commands do not wait for

    entry = find_network(name)
    try:
        with signals_as_ctrl_c(), FetchProgress(entry.name, quiet) as progress:
            place = fetch(entry, urls, progress.on_bytes, progress.message)
    except KeyboardInterrupt:
        raise interruption("what has come is kept, and fetch continues with it") from None
    click.echo(place)


@command.command("add", cls=Command)
@click.argument("name")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@input_options
@layer_option(default="none")
@click.option(
    "--description", metavar="TEXT", help="Description of the network in lists.  [default: the network's own name]"
)
@debug_option
@click.pass_context
def add_command(
    ctx: click.Context,
    /,
    name: str,
    files: tuple[Path, ...],
    layer: str | None,
    description: str | None,
    input_node: str | None,
    pixel_scale: float | None,
    **input_spec: Any,
) -> None:
    """Add a network of your own as NAME, for --model; prints its folder.

    FILE is a prototxt and a caffemodel, a caffemodel that holds its network, or a frozen TensorFlow graph, which ends
    with .pb. They are checked and copied. A Keras model (.keras, .h5) and the folder of a SavedModel are frozen.

    \b
    pydream models add mine deploy.prototxt mine.caffemodel --layer conv4 --mean 104,117,123
    pydream models add theirs graph.pb --layer mixed5a --mean 128,128,128 --pixel-scale 0.0078125
    pydream models add yesterdays model.keras --layer block3_conv1
    """  # noqa: D301
    quiet_tensorflow()
    input_spec |= {"scale": pixel_scale, "input": input_node}
    with signals_as_ctrl_c():
        click.echo(add_network(name, files, layer=layer, title=description, **input_spec).folder)


@command.command("verify")
@click.argument("name", required=False)
@debug_option
def verify_command(name: str | None) -> None:
    """Compare the weights that are there with the size and sha256 that they should have; NAME or all.

    Exit code 1 tells that something is wrong, or that the weights of NAME are missing.

    \b
    pydream models verify
    """  # noqa: D301
    wrong = []
    for entry in networks() if name is None else [find_network(name)]:
        found = find_weights(entry)
        if found is None:
            click.echo(f"{entry.name}: missing")
            if name is not None or entry.bundled or entry.own:
                wrong += [f"{entry.name} is missing"]
            continue
        what = fault(found, entry.size, entry.sha256)
        click.echo(f"{entry.name}: {'wrong' if what else 'right'}, {found}")
        if what:
            wrong += [f"'{found}' has {what}"]
    if name is None:
        for damaged, error in damaged_networks().items():
            click.echo(f"{damaged}: damaged")
            wrong += [str(error)]
    if wrong:
        raise Failed("; ".join(wrong))


@command.command("path")
@click.argument("name", required=False)
@debug_option
def path_command(name: str | None) -> None:
    """Print where the weights of NAME are, or where they are to be put; without NAME, the folders that are looked into.

    \b
    install -D bvlc_googlenet.caffemodel "$(pydream models path bvlc_googlenet)"
    pydream models path
    """  # noqa: D301
    if name is None:
        for folder in (*weight_folders(), own_folder()):
            click.echo(folder)
        return
    entry = find_network(name)
    found = find_weights(entry)
    click.echo(found or fetched_place(entry))
