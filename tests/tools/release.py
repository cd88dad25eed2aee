"""Check that this checkout may be released under a tag: `python tests/tools/release.py v0.1.0`.

The tag's version is that of every place that names one, CHANGELOG.md has a dated section of it, and pyproject.toml says
where the sources are and where to report what is wrong. Needs nothing but Python.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = ("Source", "Issues")  # of [project.urls]


def versions(root: Path) -> dict[str, str]:
    """Read the version from each file that has it."""

    def found(name: str, pattern: str) -> str:
        return ".".join(re.findall(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE))

    return {
        "pydream/__init__.py": found("pydream/__init__.py", r'^__version__ = "(.+)"$'),
        "csrc/pydream.h": found("csrc/pydream.h", r"^#define PYDREAM_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$"),
        "CITATION.cff": found("CITATION.cff", r"^version: (.+)$"),
    }


def obstacles(root: Path, tag: str) -> Iterator[str]:
    """Yield a line for each reason not to release `root` as `tag`."""
    version = tag.removeprefix("v")
    if tag == version:
        yield f"{tag}: a tag of a release begins with v, as v0.1.0"
    for name, its in versions(root).items():
        if its != version:
            yield f"{name}: version {its}, but the tag is {tag}"
    dated = rf"^## {re.escape(version)}\b.*\d{{4}}-\d\d-\d\d"
    if not re.search(dated, (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE):
        yield f"CHANGELOG.md: no section '## {version}' with a date, such as 2026-11-30"
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name in ADDRESSES:
        if not project.get("urls", {}).get(name, "").startswith("https://"):
            yield f"pyproject.toml: no address {name} in [project.urls]"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if lines := list(obstacles(ROOT, sys.argv[1])):
        sys.exit("\n".join(lines))
    print(f"{sys.argv[1]}: ready")
