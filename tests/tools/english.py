"""Plain English: `python tests/tools/english.py` prints words that the code and the pages do not use, and fails.

A docstring says what a function does (Return, Compute, Read, Write, Check, …), and a name is a noun of the field.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Words that stood for many things at once, or for programs and values as if they were people.
WORDS = re.compile(
    r"\b(told|untold|retold|held|sow|sown|spelt|staffed|crew|hush|whoever|whomever|nobody|somebody|likewise)\b"
    r"|\bgone on with\b|\b(?:is|are) no [a-z]+, (?:as|want)\b",
    re.IGNORECASE,
)
# Parts of names, snake_case or CamelCase.
NAMES = frozenset(
    {
        "told",
        "untold",
        "retold",
        "held",
        "sow",
        "sown",
        "sows",
        "spelt",
        "staffed",
        "crew",
        "hush",
        "dreamt",
        "decisive",
    }
)
OPENING = re.compile(r"\s*(Give|Gives|Tell|Tells)\b")


def parts(name: str) -> set[str]:
    """Return the words that a name is made of, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def in_python(path: Path) -> list[tuple[int, str]]:
    """Return (line, fault) of a Python file."""
    text = path.read_text(encoding="utf-8")
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            docstring = ast.get_docstring(node, clean=False)
            if docstring and (match := OPENING.match(docstring)):
                found.append((getattr(node, "lineno", 1), f"a docstring begins with {match[1]!r}"))
        names = [
            getattr(node, field)
            for field in ("name", "id", "attr", "arg")
            if isinstance(getattr(node, field, None), str)
        ]
        for name in names:
            found += [(getattr(node, "lineno", 1), f"the name {name!r}")] if parts(name) & NAMES else []
    return found + in_text(text)


def in_text(text: str) -> list[tuple[int, str]]:
    """Return (line, fault) of words in a text."""
    return [
        (number, f"the word {match[0]!r}")
        for number, line in enumerate(text.splitlines(), start=1)
        for match in WORDS.finditer(line)
    ]


def main() -> int:
    """Print what is found; return how the process ends."""
    faults = 0
    pages = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(path for path in (ROOT / "csrc").rglob("*") if path.is_file()),
    ]
    for path in [*sorted((ROOT / "pydream").rglob("*.py")), *sorted(pages)]:
        for line, fault in sorted(set(in_python(path) if path.suffix == ".py" else in_text(path.read_text("utf-8")))):
            print(f"{path.relative_to(ROOT)}:{line}: {fault}")
            faults += 1
    print(f"{faults} found" if faults else "plain English")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
