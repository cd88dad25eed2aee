"""`pydream models`: the networks, how to get their weights, and how to add one's own."""

from __future__ import annotations

from typing import Any

import click

from ...errors import FetchError
from ...formats import PixelScale
from ...record.presets import PRESETS
from ...record.text import as_unicode
from ...zoo import registry
from ...zoo.addresses import without_secrets
from ...zoo.check import check, recognised
from ...zoo.own import add_network
from ...zoo.registry import find_network, find_weights
from ...zoo.removal import removable, remove_network
from .. import completion
from ..errors import Failed, debug_option, interruption
from ..help import Command
from ..job import quiet_tensorflow
from ..options import force_option, input_options, layer_option, no_sync_option, option, quiet_option, yes_option
from ..places import Model, forced
from ..progress import FetchProgress
from ..streams import echo, echo_path


@click.group("models", invoke_without_command=True, params=[debug_option])
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the networks, fetch their weights, add your own, remove them.

    Weights are looked for in the folders of PYDREAM_MODELS (separated as in PATH) and in the user's cache. Nothing is
    fetched unless you say `fetch`.

    \b
    pydream models
    pydream models fetch bvlc_googlenet
    pydream models add mine deploy.prototxt mine.caffemodel --layer conv4
    """  # noqa: D301 (click's mark for a block to leave as it is)
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command)


command.command_class = Command


@command.command("list")
def list_command() -> None:
    """List the networks: default layer, licence, and where the weights are or how to get them.

    \b
    pydream models list
    """  # noqa: D301
    entries, damaged = registry.all_networks()
    for entry in entries:
        mark = " (default)" if entry.name == registry.DEFAULT_NETWORK else ""
        echo(f"{entry.name}{mark}: {entry.title}")
        found = find_weights(entry)
        _show(entry, "layer licence size weights" if found else "layer licence weights first into sha256 fetch")
    for name, error in damaged.items():
        echo(f"{name}: damaged: {error}")


def _show(entry: registry.Entry, names: str) -> None:
    """Print those of a network's facts that are not None."""
    archive, found, addresses = entry.archive, find_weights(entry), tuple(map(without_secrets, entry.addresses))
    scales = entry.scale if isinstance(entry.scale, tuple) else (entry.scale,)
    facts: dict[str, object] = {
        "layer": entry.default_layer or "none",
        "licence": entry.license,
        "mean": f"{', '.join(f'{value:g}' for value in entry.mean)} ({entry.channel_order})",
        "scale": None if entry.scale == 1 else ", ".join(f"{value:.9g}" for value in scales),
        "input": entry.input or None,
        "network": "in the file" if entry.frozen else entry.definition,
        "about": entry.folder / "README.md",
        "file": entry.weights,
        "bytes": entry.size or "unknown",
        "sha256": entry.sha256,
        "sha1": None if entry.sha256 else entry.sha1 or "unknown",
        "numbers": entry.numbers,
        "or": tuple(map(str, entry.copies)),
        "in": archive and f"{archive.name}, {archive.size} bytes, as {archive.member}",
        "from": addresses,
        "first": " or ".join([*addresses[:1], *([f"{len(addresses) - 1} more"] if addresses[1:] else [])]) or None,
        "weights": "built in" if found and entry.bundled else found,
        "size": found and f"{found.stat().st_size / 1e6:.1f} MB",
    }
    if found is None:
        facts |= {
            "weights": f"missing: {entry.weights}"
            + (f", {entry.size / 1e6:.1f} MB" if entry.size else " of unknown size"),
            "into": registry.fetched_place(entry).parent,
            "fetch": f"pydream models fetch {entry.name}",
            "mirror": f"--url, or {registry.url_variable(entry.name)}",
        }
    for name in names.split():
        fact = facts.get(name)
        for each in fact if isinstance(fact, tuple) else (fact,):
            if each is not None:
                echo(f"  {'from' if name == 'first' else name:<8} {each}")


@command.command("info")
@click.argument("name", shell_complete=completion.network_names)
def info_command(name: str) -> None:
    """Show all that is known of the network NAME.

    \b
    pydream models info bvlc_googlenet
    """  # noqa: D301
    entry = find_network(name)
    echo(f"{entry.name}: {entry.title}")
    _show(entry, "licence layer mean scale input network about file bytes sha256 sha1 numbers in or from")
    _show(entry, "weights into fetch mirror")


@command.command("fetch")
@click.argument("name", required=False, shell_complete=completion.network_names)
@option("--looks", "The networks of the looks that `pydream presets` lists, in place of NAME.", is_flag=True)
@option("--url urls", "Address to try before the known ones; can be repeated.", multiple=True, metavar="URL")
@no_sync_option
@quiet_option
def fetch_command(name: str | None, looks: bool, urls: tuple[str, ...], quiet: bool) -> None:
    """Get the weights of the network NAME into the user's cache, and print where they are.

    Addresses are tried in turn: those of --url, those in a variable (for bvlc_googlenet it is
    PYDREAM_MODEL_URL_BVLC_GOOGLENET), then the network's own. An interrupted fetch is continued by the next
    one. Size and hash are checked. A network may come as one of several files, an ONNX file for instance, whose
    numbers have a hash of their own; of such a file a caffemodel is made.

    \b
    pydream models fetch bvlc_googlenet
    pydream models fetch --looks
    pydream models fetch bvlc_googlenet --url https://mirror.example.org/bvlc_googlenet.caffemodel
    """  # noqa: D301
    if looks == (name is not None) or (looks and urls):
        raise click.UsageError("expected the NAME of a network, or --looks without --url")
    if not looks:
        _fetch(find_network(str(name)), urls, quiet)
        return
    networks = map(find_network, dict.fromkeys(preset.network for preset in PRESETS.values()))
    wanted = [entry for entry in networks if not entry.bundled]
    missing = [entry for entry in wanted if find_weights(entry) is None]
    if missing and not quiet:
        sizes = " and ".join(f"{entry.name} ({_size(entry)}, {entry.license})" for entry in missing)
        echo(f"pydream: it fetches {sizes}", err=True)
    failed = []
    for entry in wanted:
        try:
            _fetch(entry, (), quiet)
        except FetchError as error:
            failed += [str(error)]
    if failed:
        raise Failed("; ".join(failed))


def _fetch(entry: registry.Entry, urls: tuple[str, ...], quiet: bool) -> None:
    from ...zoo.fetch import fetch  # with requests, which the other commands do not wait for

    try:
        with FetchProgress(entry.name, quiet) as progress:
            place = fetch(entry, urls, progress.on_bytes, progress.message)
    except KeyboardInterrupt:
        raise interruption("what has come is kept, and fetch continues with it") from None
    echo_path(place)


def _size(entry: registry.Entry) -> str:
    size = entry.archive.size if entry.archive else entry.size
    return f"{size / 1e6:.1f} MB" if size else "of unknown size"


@command.command("remove")
@click.argument("name", shell_complete=completion.network_names)
@yes_option
@no_sync_option
def remove_command(name: str, yes: bool) -> None:
    """Remove the weights that were fetched of the network NAME, or a network of your own; prints what is gone.

    What you put into a folder of PYDREAM_MODELS stays, and so does all that pydream did not write. Without --yes it
    says what it would remove.

    \b
    pydream models remove bvlc_googlenet --yes
    """  # noqa: D301
    files = removable(name)
    if not files:
        found = None if name in registry.damaged_networks() else find_weights(find_network(name))
        where = f"; '{found}' is yours to remove" if found else ""
        raise Failed(f"nothing of {name} is there that pydream put there{where}")
    if not yes:
        size = sum(file.lstat().st_size for file in files) / 1e6
        names = ", ".join(f"'{file}'" for file in files)
        raise click.UsageError(f"it would remove {names} ({size:.1f} MB): --yes does")
    for file in remove_network(name):
        echo_path(file)


@command.command("add")
@click.argument("name")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=Model())
@input_options
@layer_option(default="none")
@option(
    "--description",
    "Description of the network in lists.  [default: the network's own name]",
    as_unicode,
    metavar="TEXT",
)
@force_option
@no_sync_option
def add_command(
    name: str,
    files: tuple[str, ...],
    layer: str | None,
    description: str | None,
    input_node: str | None,
    pixel_scale: PixelScale | None,
    **input_spec: Any,
) -> None:
    """Add a network of your own as NAME, for --model; prints its folder.

    FILE is a prototxt and a caffemodel, a caffemodel that holds its network, a frozen TensorFlow graph (.pb) or an ONNX
    network. They are checked and copied. A Keras model (.keras, .h5) and the folder of a SavedModel are frozen.

    \b
    pydream models add mine deploy.prototxt mine.caffemodel --layer conv4 --mean 104,117,123
    pydream models add theirs graph.pb --layer mixed5a --mean 128,128,128 --pixel-scale 0.0078125
    pydream models add yesterdays model.keras --layer block3_conv1
    """  # noqa: D301
    quiet_tensorflow()
    input_spec |= {"scale": pixel_scale, "input": input_node}
    entry = add_network(name, files, layer=layer, title=description, replace=forced(), **input_spec)
    same = None if entry.frozen else recognised(entry.folder / entry.weights)
    if same is not None:
        echo(f"pydream: its numbers are those of {same.name}, which has a name already", err=True)
    echo_path(entry.folder)


@command.command("verify")
@click.argument("name", required=False, shell_complete=completion.network_names)
def verify_command(name: str | None) -> None:
    """Compare the weights that are there with the hash that they, or their numbers, should have; NAME or all.

    Where no hash is known, the shapes of the weights are checked; the line says so. Exit code 1 tells that something is
    wrong, or that the weights of NAME are missing.

    \b
    pydream models verify
    """  # noqa: D301
    wrong = []
    entries, damaged = registry.all_networks() if name is None else ([find_network(name)], {})
    for entry in entries:
        found = find_weights(entry)
        verdict = check(found, entry) if found else None
        wrong_with = verdict and verdict.wrong
        right = f"right ({verdict.by})" if verdict and verdict.by else "right"
        echo(f"{entry.name}: " + (f"{'wrong' if wrong_with else right}, {found}" if found else "missing"))
        if wrong_with:
            wrong += [f"'{found}' has {wrong_with}"]
        elif found is None and (name is not None or entry.bundled or entry.own):
            wrong += [f"{entry.name} is missing"]
    for broken, error in damaged.items():
        echo(f"{broken}: damaged")
        wrong += [str(error)]
    if wrong:
        raise Failed("; ".join(wrong))


@command.command("path")
@click.argument("name", required=False, shell_complete=completion.network_names)
def path_command(name: str | None) -> None:
    """Print where the weights of NAME are, or where they are to be put; without NAME, the folders that are looked into.

    \b
    install -D bvlc_googlenet.caffemodel "$(pydream models path bvlc_googlenet)"
    pydream models path
    """  # noqa: D301
    if name is None:
        for folder in (*registry.weight_folders(), registry.own_folder()):
            echo_path(folder)
        return
    entry = find_network(name)
    echo_path(find_weights(entry) or registry.fetched_place(entry))
