"""A job is an order on its way: what is kept of it on the disk, and what clients see of it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ..record.recipe import Recipe
from .orders import JobId, Order, OrderKind

State = Literal["queued", "running", "done", "stopped", "failed"]
ENDED: frozenset[State] = frozenset(("done", "stopped", "failed"))

PlainName = Annotated[str, msgspec.Meta(pattern=r"^[^/\x00.][^/\x00]*\Z", max_length=255)]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sees of a result; `files` has the address of each kind that is there, others are made of it."""

    width: int | None
    height: int | None
    sha256: str | None
    stopped_after: int | None
    files: dict[str, str]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sees of a job."""

    id: str
    number: int
    kind: OrderKind
    state: State
    order: Order
    name: str
    step: int
    steps: int
    what: str | None
    seconds_left: float | None
    seconds: float | None
    error: str | None
    result: Result | None
    attempts: int
    command: bool  # whether there is one
    python: bool


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a result: its names where it was made and where it is kept, and what tells it from another one."""

    made: PlainName
    name: PlainName
    size: int
    modified: int


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a job: files, by their kind, and what is known of them."""

    files: dict[str, Written]
    stopped: bool
    width: int | None = None
    height: int | None = None
    sha256: str | None = None


class Record(msgspec.Struct, kw_only=True, eq=False):
    """What is kept of a job.

    Attributes
    ----------
    id : str
    number : int
        Jobs are counted from 1.
    order : Order
        With its seed.
    name : str
        Of its result, without a suffix.
    names : dict of str
        What its pictures were called when it was ordered, by their roles: a record has them.
    replaces : str or None
        The id of the job whose place it took.
    state : {"queued", "running", "done", "stopped", "failed"}
        Running with `made`: its files are on their way to where they are kept.
    step, steps, what, seconds_left
        How far it is.
    attempts : int
        How often it was begun.
    dropped : bool
        It goes, with all that it made.
    stopping : bool
        What there is of it is kept.
    recipe, command, python
        Of its `Began`.
    made : Made or None
    seconds : float or None
        How long it took.
    error : str or None
    """

    id: JobId
    number: int
    order: Order
    name: PlainName
    names: dict[str, str] = {}
    replaces: JobId | None = None
    state: State = "queued"
    step: int = 0
    steps: int = 0
    what: str | None = None
    seconds_left: float | None = None
    attempts: int = 0
    dropped: bool = False
    stopping: bool = False
    recipe: Recipe | None = None
    command: str | None = None
    python: str | None = None
    made: Made | None = None
    seconds: float | None = None
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ENDED

    @property
    def leaves_parts(self) -> bool:
        """Whether frames, or cells of a sheet, are there of it after a process that ended: they are its result too."""
        return self.attempts > 0 and self.order.kind != "dream"

    def shown(self) -> Job:
        """Return what a client sees of it."""
        result = None
        if self.made is not None and self.ended:
            result = Result(
                width=self.made.width,
                height=self.made.height,
                sha256=self.made.sha256,
                stopped_after=self.step if self.made.stopped else None,
                files={kind: f"/api/jobs/{self.id}/result.{kind}" for kind in self.made.files},
            )
        shared = {name: getattr(self, name) for name in Job.__struct_fields__ if name in self.__struct_fields__}
        copies = {name: getattr(self, name) is not None for name in ("command", "python")}
        return Job(**{**shared, **copies}, kind=self.order.kind, result=result)
