"""A folder that holds what a run has made until the whole is there, so that a stopped one can be gone on with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from ..files import is_temporary


@dataclass(frozen=True)
class Held(ABC):
    """Such a folder.

    Attributes
    ----------
    folder : Path
    temporary : bool
        Whether what it holds goes when the whole is there.
    """

    folder: Path
    temporary: bool

    @abstractmethod
    def is_ours(self, name: str) -> bool:
        """Tell whether a run made what has this name in the folder."""

    def held(self) -> list[Path]:
        """List what an earlier run left."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if self.is_ours(path.name))

    def clear(self) -> None:
        """Remove that, and what was being written when a run was killed."""
        if self.folder.is_dir():
            for path in [*self.held(), *filter(is_temporary, self.folder.iterdir())]:
                path.unlink()

    def finish(self) -> None:
        """Remove it all, unless it is there for good, and the folder, unless somebody else uses it."""
        if self.temporary and self.folder.is_dir():
            self.clear()
            if not any(self.folder.iterdir()):
                self.folder.rmdir()
