"""A report is everything that `pydream reproduce` made, with inputs, settings and times: for the page, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..media import Share
from ..picture import Picture
from ..record.provenance import NetFacts
from ..record.text import to_json
from .known import Facts, Verdict
from .results import Reproduction


@dataclass(frozen=True)
class Input:
    """An input picture.

    Attributes
    ----------
    name : str
        Name of its file.
    ours : bool
        Whether it is the picture that comes with pydream.
    pixels : (h, w, 3) uint8 array
    sha256 : str
        Hash of the pixels.
    """

    name: str
    ours: bool
    pixels: Picture
    sha256: str


@dataclass(frozen=True)
class Row:
    """A result, compared with the known ones.

    Attributes
    ----------
    outcome : Reproduction
    facts : dict
        All that decides its pixels.
    verdict : Verdict
    file : str
        Path of the picture, relative to the report's folder.
    shares : sequence of Share
        What the network takes it for, if it has classes.
    """

    outcome: Reproduction
    facts: Facts
    verdict: Verdict
    file: str
    shares: Sequence[Share] = ()


@dataclass(frozen=True)
class ReproductionReport:
    """The contents of the page.

    Attributes
    ----------
    rows : list of Row
    missing : list of str
        Titles of results that were requested and not made.
    sky : Input
    guide : Input, optional
    network : NetFacts
    weights : str
        Hash of the network's weights.
    exact : bool
    era : str
    seed : int
    command : str
    threads : str
    versions : dict of str to str
        Versions of pydream and its libraries.
    made : str
        Date and time.
    shares : sequence of Share
        What the network takes the sky for, if it has classes.
    """

    rows: list[Row]
    missing: list[str]
    sky: Input
    guide: Input | None
    network: NetFacts
    weights: str
    exact: bool
    era: str
    seed: int
    command: str
    threads: str
    versions: dict[str, str]
    made: str
    shares: Sequence[Share] = ()

    def to_json(self) -> str:
        """Return all but the pictures as JSON, which `tests/tools/make_known.py` reads, for instance."""
        content: dict[str, Any] = {
            "command": self.command,
            "made": self.made,
            "exact": self.exact,
            "threads": self.threads,
            "versions": self.versions,
            "network": self.network,
            "inputs": {
                name: {"name": given.name, "sha256": given.sha256}
                for name, given in (("sky", self.sky), ("guide", self.guide))
                if given is not None
            },
            "results": [_row(row) for row in self.rows],
        }
        return to_json(content, indent=1) + "\n"


def _row(row: Row) -> dict[str, Any]:
    outcome = row.outcome
    return {
        "result": outcome.result.key,
        "file": row.file,
        "facts": row.facts,
        "pictures": outcome.hashes,
        "borders": outcome.borders,
        "known": list(row.verdict.known),
        "verdict": row.verdict.kind,
        "whose": row.verdict.whose,
        "text": row.verdict.text,
        "steps": outcome.steps,
        "interrupted": outcome.interrupted,
        "seconds": round(outcome.seconds, 3),
        "network_seconds": round(outcome.network_seconds, 3),
    }
