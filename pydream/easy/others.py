"""Other networks that a dream takes part of: MODEL[:LAYER[:CHANNELS][@PLACE][=WEIGHT]] → what `Together` takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..dream.keyframes import Curve
from ..dream.objectives import Score, Strongest, Term
from ..dream.together import Also
from ..errors import ParameterError, ProvenanceError, PydreamError
from ..net import Net
from ..record.command import term_word
from ..record.names import model_word
from ..record.provenance import NetFacts
from ..record.scoring import aim_of
from ..zoo.load import read_outline
from ..zoo.registry import networks


class Other(NamedTuple):
    """A network's name or file, and what of it grows, as text; none: its own layer."""

    model: str
    layer: str

    @classmethod
    def of(cls, given: str) -> Other:
        """Read the text of `--also`: what is before the first colon is the network."""
        model, _, layer = given.partition(":")
        return cls(model, layer)

    def term(self, net: Net) -> tuple[Term, float]:
        """Return what grows, and the weight of the network; errors name the network."""
        try:
            aim = aim_of(net, [self.layer] if self.layer else [], "l2", ())
        except ParameterError as error:
            raise ParameterError("also", f"{self.model}: {error.problem}") from error
        except PydreamError as error:
            raise type(error)(f"{self.model}: {error}") from error
        (term,) = aim.terms or (Term(aim.end),)
        if isinstance(term, Strongest):
            raise ParameterError("also", f"{self.layer!r}: of another network name channels by their numbers")
        if isinstance(term.weight, Curve):
            raise ParameterError("also", f"{self.layer!r}: a network's weight has no keyframes")
        return replace(term, weight=1.0), term.weight

    def check(self) -> None:
        """Raise the errors of `term`, where the network can be read without TensorFlow."""
        outline = read_outline(self.model)
        if outline is not None:
            self.term(outline)


def registered(words: Sequence[str], files: Sequence[str] = ()) -> list[str]:
    """Return a record's words, with files in place of the networks that the registry lacks, in their order.

    A name in a record is not a path: `ProvenanceError` where no file is left for one.
    """
    names, left, found = [entry.name for entry in networks()], list(files), []
    for other in map(Other.of, words):
        if other.model not in names and not left:
            raise ProvenanceError(
                f"it was made with {other.model!r} too, which is none of {', '.join(names)}: name its file with --also"
            )
        found.append(f"{other.model if other.model in names else left.pop(0)}:{other.layer}")
    return found


class Others(NamedTuple):
    """The networks beside a dream's own.

    Attributes
    ----------
    also : tuple of Also
    facts : tuple of NetFacts
    words : tuple of str
        What of them grows, for the recipe: with its layer, and without folders of files.
    """

    also: tuple[Also, ...]
    facts: tuple[NetFacts, ...]
    words: tuple[str, ...]

    @classmethod
    def load(cls, given: Sequence[str], load: Callable[[str], tuple[Net, NetFacts]]) -> Others:
        """Load the networks that the texts name, each once."""
        loaded: dict[str, tuple[Net, NetFacts]] = {}
        also, facts, words = [], [], []
        for other in map(Other.of, given):
            if other.model not in loaded:
                loaded[other.model] = load(other.model)
            net, own_facts = loaded[other.model]
            term, weight = other.term(net)
            also.append(Also(net, objective=Score((term,)), weight=weight))
            facts.append(own_facts)
            words.append(f"{model_word(other.model)}:{term_word(replace(term, weight=weight))}")
        return cls(tuple(also), tuple(facts), tuple(words))


ALONE: Others = Others((), (), ())
