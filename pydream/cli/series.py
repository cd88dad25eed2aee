"""A series is several dreams on one picture, each in a file of its own, that differ in one thing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

from ..dream.diversity import apart
from ..dream.objectives import Score, Term
from ..media import read_image
from ..net import Net
from ..record.recipe import Recipe
from ..record.replay import LOSSLESS
from ..record.scoring import crossing
from .errors import bad_value
from .input import Target


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
