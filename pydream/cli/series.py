"""A series is several dreams on one picture, each in a file of its own, that differ in one thing; and its options."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import click
import msgspec

from ..dream.diversity import apart, between, shown
from ..dream.objectives import Score, Term
from ..dream.params import check_params
from ..media import read_image
from ..net import Array, Net
from ..record.presets import series_iterations
from ..record.recipe import Recipe
from ..record.replay import LOSSLESS
from ..record.scoring import crossing
from .errors import bad_value
from .input import Target, reads_profiles
from .making import option, together
from .places import ReadFile
from .ranges import FiniteRange

series_options = together(
    option("--series", "Number of dreams from mild to wild, in a folder.", click.IntRange(2, 100)),
    option(
        "--diverse",
        "Weight with which each dream of a --series is led away from those before; try 0.5.",
        FiniteRange(0, 1000, min_open=True),
    ),
    option(
        "--across", "A --series from the first --layer or --class to the last, in place of mild to wild.", is_flag=True
    ),
    option(
        "--between",
        "A --series from what the layer finds in one picture to what it finds in another.",
        ReadFile(),
        nargs=2,
        metavar="FILE FILE",
    ),
)


class Series(ABC):
    """What differs; `targets` are the dreams' files, in their order."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.files = [target.given for target in targets]

    def recipe(self, net: Net, recipe: Recipe, target: Target) -> Recipe:
        """Return a target's recipe, made of that of all."""
        return self.at(net, recipe, self.files.index(target.given))

    @abstractmethod
    def at(self, net: Net, recipe: Recipe, number: int) -> Recipe:
        """Return the recipe of a dream by its number, from 0."""


class Strengths(Series):
    """The iterations."""

    def __init__(self, targets: Sequence[Target], iterations: Sequence[int]) -> None:
        super().__init__(targets)
        self._iterations = iterations

    def at(self, net: Net, recipe: Recipe, number: int) -> Recipe:
        """See `Series.at`."""
        return msgspec.structs.replace(recipe, iter_n=self._iterations[number])


class Across(Series):
    """The weights of the layers and classes: see `crossing`."""

    def at(self, net: Net, recipe: Recipe, number: int) -> Recipe:
        """See `Series.at`."""
        return crossing(recipe, number, len(self.files) - 1)


class Diverse(Series):
    """What was shown before: see `apart`. The files of the dreams before are read."""

    def __init__(self, targets: Sequence[Target], weight: float) -> None:
        super().__init__(targets)
        self._weight = weight
        if targets[0].form not in LOSSLESS:
            raise bad_value("--diverse", "the dreams before are read again: it takes --format png or tiff")

    def at(self, net: Net, recipe: Recipe, number: int) -> Recipe:
        """See `Series.at`."""
        if number == 0:
            return recipe
        before = [read_image(file) for file in self.files[:number]]
        score = apart(net, recipe.score or Score((Term(recipe.end),)), before, self._weight)
        return msgspec.structs.replace(recipe, objective=score.terms)


class Between(Series):
    """How near the score is to each of two pictures: see `between`."""

    def __init__(self, targets: Sequence[Target], files: Sequence[Path]) -> None:
        super().__init__(targets)
        self._pictures = [read_image(file, to_srgb=reads_profiles()) for file in files]
        self._shown: list[Array] = []

    def at(self, net: Net, recipe: Recipe, number: int) -> Recipe:
        """See `Series.at`."""
        if recipe.objective:
            raise bad_value("--between", "it takes one whole layer, without channels, places and weights")
        self._shown = self._shown or [shown(net, recipe.end, picture) for picture in self._pictures]
        first, last = self._shown
        score = between(recipe.end, first, last, number / (len(self.files) - 1))
        return msgspec.structs.replace(recipe, objective=score.terms)


@dataclass(frozen=True)
class SeriesOptions:
    """The values of `series_options`, which do not all go together."""

    count: int | None
    diverse: float | None
    across: bool
    between: tuple[Path, Path] | None

    @classmethod
    def taken(cls, options: dict[str, Any]) -> Self:
        """Take the options out of a command's; raise `click.BadParameter` for what does not go together."""
        found = cls(*(options.pop(name) for name in ("series", "diverse", "across", "between")))
        kinds = {"--diverse": found.diverse is not None, "--across": found.across, "--between": bool(found.between)}
        given = [name for name, is_given in kinds.items() if is_given]
        if given and found.count is None:
            raise bad_value(given[0], "it is of a --series")
        if len(given) > 1:
            raise bad_value(given[0], f"it is for a --series without {given[1]}")
        if found.across and len(options["layer"]) + len(options["classes"]) < 2:
            raise bad_value("--across", "it takes two layers or classes, or more")
        beside = ("guide", "direction", "caricature", "classes")
        if found.between and (len(options["layer"]) > 1 or any(options[name] not in (None, ()) for name in beside)):
            raise bad_value(
                "--between", "it takes one whole layer, without a guide, a direction, a caricature or classes"
            )
        return found

    def of(self, targets: Sequence[Target], iter_n: int) -> Series | None:
        """Return the series of files, for dreams of so many iterations; None: there is none."""
        if self.count is None:
            return None
        if self.diverse is not None:
            return Diverse(targets, self.diverse)
        if self.across:
            return Across(targets)
        if self.between:
            return Between(targets, self.between)
        numbers = series_iterations(iter_n, self.count)
        check_params(iter_n=numbers[-1])
        return Strengths(targets, numbers)
