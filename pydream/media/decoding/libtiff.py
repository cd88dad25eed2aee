"""What libtiff says of a file goes to its reader, not to file descriptor 2."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import local
from typing import Any, Final

from PIL import _imaging

# void handler(const char* module, const char* format, va_list values); everywhere a va_list is passed as one pointer
_HANDLER: Final = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
_LONGEST = 300  # bytes of a message
_MOST = 100  # messages of a file
_OF_TAGS = (b"TIFFReadDirectory", b"TIFFFetch", b"TIFFAdvanceDirectory")  # modules that say nothing of pixels
_OF_PIXELS = (
    "CCITT",
    "Fax3",
    "Fax4",
    "JPEGLib",
    "LZMADecode",
    "LZWDecode",
    "PackBitsDecode",
    "ZIPDecode",
    "ZSTDDecode",
)
_listening = local()  # `.messages`, while this thread reads a file


@contextmanager
def messages() -> Iterator[list[str]]:
    """Collect what libtiff says in this thread, ``module: text``, unless it is about tags.

    What it says at other times, of files that another package reads, goes where it went before.
    """
    _install()
    heard: list[str] = []
    _listening.messages = heard
    try:
        yield heard
    finally:
        del _listening.messages


def damage(heard: list[str]) -> str | None:
    """Return the first of the messages that a decoder of pixels sent; None if none did."""
    return next((message for message in heard if message.startswith(_OF_PIXELS)), None)


@cache
def _install() -> list[Any]:
    """Put handlers in front of libtiff's own; return what must live as long as libtiff."""
    try:
        pillow = ctypes.CDLL(_imaging.__file__)  # a symbol is looked up in the libraries that it is linked to as well
        return [_in_front(getattr(pillow, f"TIFFSet{kind}Handler")) for kind in ("Error", "Warning")]
    except (AttributeError, OSError):  # a Pillow without libtiff, or that hides it: its lines stay where they are
        return []


def _in_front(set_handler: Any) -> Any:
    set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    vsnprintf = ctypes.CDLL(None).vsnprintf
    vsnprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]
    before: Any = None

    def handler(module: bytes | None, text: bytes, values: int | None) -> None:
        heard = getattr(_listening, "messages", None)
        if heard is None:
            if before is not None:
                before(module, text, values)
        elif len(heard) < _MOST and not (module or b"").startswith(_OF_TAGS):
            line = ctypes.create_string_buffer(_LONGEST)
            vsnprintf(line, _LONGEST, text, values)
            heard.append(b": ".join(filter(None, (module, line.value))).decode("ascii", "replace"))

    kept = _HANDLER(handler)
    replaced = set_handler(ctypes.cast(kept, ctypes.c_void_p))
    before = _HANDLER(replaced) if replaced else None
    return kept
