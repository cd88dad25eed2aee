"""A report is what a reproduction made, from what, how and in which time: for the page, and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from ..picture import Picture
from ..record.provenance import NetFacts
from .known import Facts, Verdict
from .results import Outcome


@dataclass(frozen=True)
class Input:
    """A picture that went in.

    Attributes
    ----------
    name : str
        Of its file.
    ours : bool
        Whether it is the one that comes with pydream.
    pixels : (h, w, 3) uint8 array
    sha256 : str
        Of the pixels.
    """

    name: str
    ours: bool
    pixels: Picture
    sha256: str


@dataclass(frozen=True)
class Row:
    """A result, and what is said of it.

    Attributes
    ----------
    outcome : Outcome
    facts : dict
        All that decides its pixels.
    verdict : Verdict
    file : str
        Where the picture is, from the report's folder.
    """

    outcome: Outcome
    facts: Facts
    verdict: Verdict
    file: str


@dataclass(frozen=True)
class Report:
    """All that the page tells.

    Attributes
    ----------
    rows : list of Row
    missing : list of str
        Titles of results that were wanted and not made.
    sky : Input
    guide : Input, optional
    network : NetFacts
    weights : str
        Hash of the network's numbers.
    exact : bool
    era : str
    seed : int
    command : str
    threads : str
    versions : dict of str to str
        Of pydream too.
    made : str
        When.
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

    def to_json(self) -> str:
        """Give all but the pictures, for programs: `tests/make_known.py` is one."""
        told: dict[str, Any] = {
            "command": self.command,
            "made": self.made,
            "exact": self.exact,
            "threads": self.threads,
            "versions": self.versions,
            "network": msgspec.to_builtins(self.network),
            "inputs": {
                name: {"name": given.name, "sha256": given.sha256}
                for name, given in (("sky", self.sky), ("guide", self.guide))
                if given is not None
            },
            "results": [_row(row) for row in self.rows],
        }
        return json.dumps(told, indent=1) + "\n"


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
        "told": row.verdict.text,
        "steps": outcome.steps,
        "interrupted": outcome.interrupted,
        "seconds": round(outcome.seconds, 3),
        "network_seconds": round(outcome.network_seconds, 3),
    }
