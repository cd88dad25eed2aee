"""The site names every page and every public name; `bash docs/build.sh`, which tests/run.sh runs, makes it."""

import re
from pathlib import Path

import pydream

DOCS = Path(__file__).parents[2] / "docs"
MADE_OTHERWISE = {"README", "api", "commands"}


def test_every_page_is_in_the_order_that_the_site_has():
    listed = re.findall(r"^\| \[.*?\]\(([\w-]+)\.md\)", (DOCS / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted({page.stem for page in DOCS.glob("*.md")} - MADE_OTHERWISE)


def test_every_public_name_is_in_the_reference():
    named = set(re.findall(r"^\.\. auto\w+:: pydream\.(\w+)", (DOCS / "api.md").read_text(), re.MULTILINE))
    files = {"video"}  # reading and writing of films, which commands are for
    assert set(pydream.__all__) - files <= named
