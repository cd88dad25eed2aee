"""An address is where a file may be fetched from; it may hold a password or a token, which are never shown."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# What is before the host, with a slash in it too if no port is there; and what is behind the path.
_SECRETS = re.compile(
    r"""(?P<user>(?<=://)[^/\s@:]*:(?!\d+(?:[/?\#'"\s]|$))[^\s@]*@ | (?<![^/\s'"@])(?:[^/\s'"@]*+@)+)
    | (?P<query>(?<=[^\s?\#])[?\#][^\s'",;)>]+)""",
    re.VERBOSE,
)


def is_address(address: str) -> bool:
    """Return whether it is one that `fetch` takes: of http or https, with a host."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def without_secrets(text: str) -> str:
    """Return an address, or a text with addresses, without users, passwords, queries and fragments."""
    return _SECRETS.sub(lambda found: "…@" if found["user"] else f"{found['query'][0]}…", text)
