"""The same dream in Python: a call of `pydream.dream_picture`, written from its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..dream.octaves import sizes_text
from ..record.command import DIRECTION, Words, changed
from ..record.names import file_word, model_word
from ..record.recipe import Recipe
from ..runtime.engines import usual_runtime
from ..zoo.registry import DEFAULT_NETWORK
from .preparation import Prepared

_ARGUMENTS = {"octave_n": "octaves", "iter_n": "iterations"}  # whose names are not those of the recipe's fields


def snippet_of(picture: str, output: str, prepared: Prepared, recipe: Recipe) -> str | None:
    """Write the call for a picture's word, and save it as `output`; None for what `dream_picture` cannot make."""
    if recipe.loop or recipe.rendering or recipe.grid is not None:
        return None
    recipe, network = prepared.as_recorded(recipe), prepared.network
    named = Words.of(recipe)
    sizes = {} if recipe.octave_sizes is None else {"octave_sizes": sizes_text(recipe.octave_sizes)}
    arguments: dict[str, Any] = {
        "model": None if prepared.model == DEFAULT_NETWORK else model_word(prepared.model),
        "weights": prepared.weights and file_word(prepared.weights),
        "layer": _one(named.layers),
        "objective": None if named.kind == "l2" else named.kind,
        "class_": _one(named.classes),
        "direction": named.direction and DIRECTION,
        "direction_power": (named.direction and named.direction.power) or None,
        "guide": prepared.guide and file_word(prepared.guide.given),
        "mask": prepared.mask and file_word(prepared.mask.given),
        "size": recipe.size and f"{recipe.size[1]}x{recipe.size[0]}",
        **{_ARGUMENTS.get(name, name): value for name, value in changed(recipe, bool(named.classes)).items()},
        **sizes,
        "mean": network.mean,
        "pixel_scale": network.scale,
        "channel_order": network.channel_order,
        "input_node": network.input,
        "runtime": None if network.runtime == usual_runtime(network.dtype) else network.runtime,
        "exact": network.dtype == "float64" or None,
        "tile": recipe.tile or None,
        "seed": recipe.seed,
    }
    lines = [f"    {name}={value!r},\n" for name, value in arguments.items() if value is not None]
    call = f"pydream.dream_picture(\n    {picture!r},\n{''.join(lines)})"
    return f"import pydream\n\ndream = {call}\ndream.save({output!r})\n"


def _one(words: Sequence[str]) -> str | list[str] | None:
    """Return words as an argument: one by itself."""
    return words[0] if len(words) == 1 else list(words) or None
