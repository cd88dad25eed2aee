"""The command line that makes a dream again, written from its recipe and its network's facts."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..dream.objectives import Kind, Term, channels_text, part_text
from ..dream.octaves import sizes_text
from ..dream.renderers import DEFAULT, RENDERERS
from ..dream.zoom import zoom_loop
from ..runtime.engines import usual_runtime
from ..zoo.registry import DEFAULT_NETWORK
from .names import file_word, model_word
from .provenance import NetFacts
from .recipe import DEFAULTS, Recipe
from .scoring import Direction
from .text import as_unicode, number_text, to_bytes

# Fields of a recipe as options, in the order in which they are written; flags turn the default around.
_OPTIONS = {
    "grid": "--grid",
    "caricature": "--caricature",
    "invert": "--invert",
    "also": "--also",
    "octave_n": "--octaves",
    "octave_scale": "--octave-scale",
    "octave_sizes": "--octave-sizes",
    "iter_n": "--iterations",
    "step_size": "--step-size",
    "jitter": "--jitter",
    "clip": "--no-clip",
    "era": "--era",
    "backend": "--backend",
    "seamless": "--seamless",
    "robust_scale": "--robust-scale",
    "robust_rotate": "--robust-rotate",
    "smooth": "--smooth",
    "laplacian": "--laplacian",
    "decorrelate": "--decorrelate",
    "decorrelate_color": "--decorrelate-color",
    "color_correlations": "--color-correlations",
    "tv": "--tv",
    "pull_back": "--pull-back",
    "keep_colors": "--keep-colors",
    "stretch": "--stretch",
    "blend": "--blend",
    "depth": "--depth",
}
DIRECTION = "direction.npy"  # in a command: the numbers of a file are in the record, and not its name
_WITH_CLASS = ("octave_n", "iter_n", "smooth")  # given, --class takes no defaults of its own


class Words(NamedTuple):
    """What a recipe's dream makes larger, in the words of the command line.

    Attributes
    ----------
    layers : list of str
        As `--layer` takes them.
    kind : {"l2", "mean", "sum"}
        Of their objective.
    classes : list of str
        As `--class` takes them: numbers.
    direction : Direction or None
        Of the last layer.
    """

    layers: list[str]
    kind: Kind
    classes: list[str]
    direction: Direction | None = None

    @classmethod
    def of(cls, recipe: Recipe) -> Words:
        """Return the layer, or the terms of a score: of mixed kinds, the sums are classes."""
        if recipe.rendering is not None:
            return cls([recipe.end + part_text(recipe.rendering.channels or ())], "l2", [])
        if not recipe.objective:
            return cls([recipe.end], "l2", [])
        # A direction is of the last layer, so what follows it is classes; and it has no squares.
        last = max((number for number, term in enumerate(recipe.objective) if term.vector), default=None)
        layers = recipe.objective if last is None else recipe.objective[: last + 1]
        kinds = [term.kind for term in [term for term in layers if not term.vector] or layers]
        along = [Direction(term.vector, term.cosine_power) for term in layers if term.vector]
        found = cls([], next((each for each in kinds if each != "sum"), "sum"), [], next(iter(along), None))
        for number, term in enumerate(recipe.objective):
            if term.vector or (term.kind == found.kind and number < len(layers)):
                found.layers.append(term_word(term))
            else:
                found.classes.append(channels_text(term.channels) + _weight(term))
        return found

    @property
    def options(self) -> list[str]:
        """The same as options of a command line."""
        objective = None if self.kind == "l2" else self.kind
        words = option_words({"--layer": self.layers, "--objective": objective, "--class": self.classes})
        if self.direction is not None:
            words += option_words({"--direction": DIRECTION, "--direction-power": self.direction.power or None})
        return words


def term_word(term: Term) -> str:
    """Return a term as `--layer` takes it."""
    return term.layer + part_text(term.channels, term.place) + _weight(term)


def _weight(term: Term) -> str:
    return "" if term.weight == 1 else f"={term.weight!r}"


def changed(recipe: Recipe, classes: bool) -> dict[str, Any]:
    """Return the fields of a recipe that a command line names: those that are not the defaults.

    `classes`: for a dream of a class, whose own defaults are others, those that these would stand for, too.
    """
    values = {name: getattr(recipe, name) for name in _OPTIONS}
    always = [name for name in _WITH_CLASS if classes and not (recipe.loop and name in recipe.loop.curves)]
    said = {name: value for name, value in values.items() if name in always or value != DEFAULTS[name]}
    if recipe.octave_sizes is not None:  # which say how many
        said.pop("octave_n", None)
    return said


def command_of(
    command: str,
    arguments: Sequence[str],
    recipe: Recipe,
    network: NetFacts,
    *,
    model: str | None = None,
    weights: Path | None = None,
    layers: Sequence[str] | None = None,
    guide: str | None = None,
    mask: str | None = None,
) -> str:
    """Write a command line: what differs from the defaults, the layer and the seed.

    Parameters
    ----------
    command : str
        Its name.
    arguments : sequence of str
        The words that no recipe has: input, output, options of the command alone.
    recipe : Recipe
        A dream that was interrupted is made to its end.
    network : NetFacts
    model, weights : str, path
        Where the network is found; None: the default network.
    layers : sequence of str, optional
        As the command takes them; None: the recipe's.
    guide, mask : str, optional
        The files; of all files the line has the names, without folders.
    """
    words = ["pydream", command, *arguments, *_loop(recipe)]
    if recipe.size is not None:
        words += ["--size", f"{recipe.size[1]}x{recipe.size[0]}"]
    words += network_words(network, model, weights)
    guide_name, mask_name = (path and file_word(path) for path in (guide, mask))
    named_by = Words.of(recipe).options if layers is None else option_words({"--layer": list(layers)})
    words += named_by + option_words({"--guide": guide_name})
    if recipe.rendering is not None:
        words += _rendering(recipe)
    else:
        given = changed(recipe, "--class" in named_by)
        if recipe.octave_sizes is not None:
            given["octave_sizes"] = sizes_text(recipe.octave_sizes)
        given["also"] = list(recipe.also)  # an option that repeats
        words += option_words({_OPTIONS[name]: _value(value) for name, value in given.items()})
    words += option_words({"--mask": mask_name})
    words += runtime_words(network) + option_words({"--tile": recipe.tile or None})
    return shell_line([*words, "--seed", str(recipe.seed)])


def network_words(network: NetFacts, model: str | None, weights: Path | None) -> list[str]:
    """Write the options of where a network is found, as for `command_of`, and of what pictures it wants."""
    named = None if model is None or model == DEFAULT_NETWORK else model_word(model)
    mean = None if network.mean is None else ",".join(map(number_text, network.mean))
    scale = ",".join(map(str, network.scale)) if isinstance(network.scale, tuple) else network.scale
    return option_words(
        {
            "--model": named,
            "--weights": weights and file_word(weights),
            "--mean": mean,
            "--pixel-scale": scale,
            "--channel-order": network.channel_order,
            "--input-node": network.input,
        }
    )


def runtime_words(network: NetFacts) -> list[str]:
    """Write the options of how a network runs."""
    runtime = None if network.runtime == usual_runtime(network.dtype) else network.runtime
    return option_words({"--runtime": runtime, "--exact": network.dtype == "float64"})


def shell_line(words: Iterable[str]) -> str:
    r"""Quote words for a shell, in one printable line; what is not printable, or not UTF-8, as ``$'\377.png'``."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    word = as_unicode(word)
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(c if c.isprintable() and c not in "\\'" else _octal(c) for c in word) + "'"


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in to_bytes(character))


def option_words(options: Mapping[str, Any]) -> list[str]:
    """Write options by name: True is a flag, a list repeats, a tuple is several words, None and False are left out."""
    words: list[str] = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        for each in value if isinstance(value, list) else [value]:
            words.append(name)
            if each is not True:
                words += map(str, each if isinstance(each, tuple) else [each])
    return words


def _value(value: Any) -> Any:
    """Return a field's value as its option takes it: a flag, or numbers in one word."""
    if isinstance(value, tuple):
        return ",".join(map(number_text, value))
    return isinstance(value, bool) or value


def _loop(recipe: Recipe) -> Iterator[str]:
    """Write a loop up to the recipe's frame."""
    if recipe.loop is not None:
        known = inspect.signature(zoom_loop).parameters
        move = {f"--{name}": value for name, value in recipe.loop.move.items() if value != known[name].default}
        curves = {_OPTIONS[name]: curve for name, curve in recipe.loop.curves.items()}
        yield from option_words({"--frames": recipe.loop.frame + 1, **move, **curves, "--hold": recipe.loop.hold})


def _rendering(recipe: Recipe) -> list[str]:
    assert recipe.rendering is not None
    name = recipe.rendering.renderer
    known = inspect.signature(RENDERERS[name]).parameters
    chosen: dict[str, Any] = {"iter_n": recipe.iter_n, "step": recipe.step_size, "lap_n": recipe.rendering.lap_n}
    chosen |= {"power": recipe.rendering.power, "magnitudes": recipe.rendering.magnitudes}
    chosen |= {"robust_scale": recipe.robust_scale, "robust_rotate": recipe.robust_rotate}
    chosen |= {"octave_n": recipe.octave_n, "octave_scale": recipe.octave_scale}
    options = {"iter_n": "iterations", "step": "step-size", "octave_n": "octaves"}
    options |= {
        "octave_scale": "octave-scale",
        "lap_n": "laplacian",
        "power": "decorrelate",
        "magnitudes": "magnitudes",
    }
    options |= {"robust_scale": "robust-scale", "robust_rotate": "robust-rotate"}
    written = {
        f"--{option}": _value(chosen[parameter])
        for parameter, option in options.items()
        if parameter in known and chosen.get(parameter, known[parameter].default) != known[parameter].default
    }
    return option_words({"--renderer": None if name == DEFAULT else name, **written})
