"""A GraphDef as text, ``.pbtxt``: TensorFlow's names of types become their numbers, and protobuf reads it."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf import text_format

from ...errors import NetFileError
from .proto import GraphDef

# protobuf reads some megabytes a second, and takes ten times as much memory.
_MAX_BYTES = 2**25
_TEXT = re.compile(rb"\s*(?:#[^\n]*\n\s*)*(?:node|versions|library)\s*[:{<]")
_TYPE = re.compile(r"\b(d?type|types?)(\s*:\s*)DT_([A-Z0-9]+)(_REF)?\b")
# In the order of their numbers.
_NAMES = """
    INVALID FLOAT DOUBLE INT32 UINT8 INT16 INT8 STRING COMPLEX64 INT64 BOOL QINT8 QUINT8 QINT32 BFLOAT16 QINT16 QUINT16
    UINT16 COMPLEX128 HALF RESOURCE VARIANT UINT32 UINT64
"""
_NUMBERS = {name: number for number, name in enumerate(_NAMES.split())}
_REF = 100  # what TensorFlow adds for the type of a variable
_DEEPEST = 50  # braces within braces


def is_text(content: bytes) -> bool:
    """Return whether a file's content begins as a GraphDef in text does."""
    return _TEXT.match(content) is not None


def parse(content: bytes, source: str) -> Any:
    """Read a GraphDef from text; `NetFileError` where it is damaged or too large."""
    if len(content) > _MAX_BYTES:
        raise NetFileError(f"{source}: {len(content)} bytes of text, more than the {_MAX_BYTES} that a graph can have")
    try:
        text = content.decode("utf-8-sig")
        if _depth(text) > _DEEPEST:
            raise NetFileError(f"{source}: not a GraphDef in text: braces more than {_DEEPEST} deep")
        return text_format.Parse(_TYPE.sub(_numbered, text), GraphDef(), allow_unknown_field=True)
    except (UnicodeDecodeError, text_format.ParseError, RecursionError) as error:
        what = " ".join(str(error).split())[:300]
        raise NetFileError(f"{source}: not a GraphDef in text, or damaged: {what}") from error


def _numbered(found: re.Match[str]) -> str:
    number = _NUMBERS.get(found[3], 0) + (_REF if found[4] else 0)
    return f"{found[1]}{found[2]}{number}"


def _depth(text: str) -> int:
    """Return how deep braces are nested, those in strings included."""
    depth = deepest = 0
    for brace in re.finditer(r"[{}<>\[\]]", text):
        depth = max(depth + (1 if brace[0] in "{<[" else -1), 0)
        deepest = max(deepest, depth)
    return deepest
