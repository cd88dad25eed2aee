"""What a shell may put in place of a word that is begun: names of networks, layers and classes, and files.

Nothing here imports TensorFlow, so the layers of a Keras model are not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..dream.labels import class_names, imagenet_words
from ..net import Net
from ..runtime.geometry import survey
from ..runtime.net import Net as LocalNet
from ..zoo.load import read_outline
from ..zoo.registry import networks

Items = list[Any]  # of CompletionItem, which has a parameter since click 8.5 only


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Have the shell complete files."""
    return [CompletionItem(incomplete, type="file")]


def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Have the shell complete folders."""
    return [CompletionItem(incomplete, type="dir")]


def network_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the registry's networks, and the user's own."""
    return beginning(incomplete, ((entry.name, entry.title) for entry in networks()))


def models(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the networks, and have the shell complete files too."""
    return [*files(ctx, param, incomplete), *network_names(ctx, param, incomplete)]


def layer_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the layers to dream with, of the network that the line names."""
    if param.nargs != 1:  # of `reproduce`: a layer is the second word
        return []
    net = _network_of(ctx)
    return [] if net is None else beginning(incomplete, ((name, None) for name in _layers(net)))


def layers_of_others(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return networks, and behind the colon of one its layers: MODEL:LAYER."""
    model, colon, _ = incomplete.partition(":")
    if not colon:
        return models(ctx, param, incomplete)
    net = read_outline(model)
    return [] if net is None else beginning(incomplete, ((f"{model}:{name}", None) for name in _layers(net)))


def class_labels(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the network's classes by name, and the words for several of them."""
    net = _network_of(ctx)
    names = None if net is None or net.logits is None else class_names(net.logits[1])
    if names is None:
        return []
    several = ((word, f"{len(numbers)} classes") for word, numbers in imagenet_words().items())
    return beginning(incomplete, [*((name, None) for name in dict.fromkeys(names)), *several])


def beginning(incomplete: str, found: Iterable[tuple[str, str | None]]) -> Items:
    """Return those of names, each with what is said of it, that begin with a text."""
    return [CompletionItem(name, help=about) for name, about in found if name.startswith(incomplete)]


def _network_of(ctx: click.Context) -> Net | None:
    """Read the outline of the network that the line names, by itself or by its preset; None: it is a Keras model."""
    named = ctx.params.get("model")
    model = str(named[-1] if isinstance(named, (tuple, list)) else named)
    weights: Path | None = ctx.params.get("weights")
    return read_outline(model, weights, ctx.params.get("input_node"))


def _layers(net: Net) -> list[str]:
    assert isinstance(net, LocalNet)
    return [each.name for each in survey(net.graph, dict(net.graph.declared)) if each.dreamable]
