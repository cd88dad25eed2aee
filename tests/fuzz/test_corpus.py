"""Every file that fuzzing starts from, and every finding: read, or refused in one line."""

import pytest
from fuzz import targets
from fuzz.targets import CORPUS, TARGETS, feed

from pydream.errors import PydreamError


@pytest.fixture(autouse=True)
def _readers(readers, monkeypatch):
    monkeypatch.setattr(targets, "readers", readers)


FILES = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_strangers_file(path):
    feed(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_files_that_are_read(name):
    """Or nothing behind the first refusal would be reached."""
    read = 0
    for path in FILES:
        if path.parent.name == name and not path.name.startswith("finding-"):
            try:
                TARGETS[name](path.read_bytes())
            except PydreamError:
                continue
            read += 1
    assert read


def test_files_are_small():
    assert sum(path.stat().st_size for path in FILES) < 210_000
