"""A page is one HTML file with its pictures and style inside: nothing is fetched, and no script runs but its own."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..files import open_file
from ..picture import Picture
from ..table import percentage
from .sheet import Share, drawable

_STYLE = Path(__file__).with_name("page.css")
PAGES = (".html", ".htm")
WIDEST = 1024  # pixels; wider pictures are shown smaller
_RECORD = '<script id="record" type="application/json">'
_HEAD = 2**18  # bytes in which a note ends
_LESS = "\\u003c"
_MOST_PNG = 2_000_000  # bytes; a larger picture is shown as JPEG


class Embedded(NamedTuple):
    """A picture inside a page, and its size there in pixels."""

    uri: str
    width: int
    height: int


def document(title: str, body: str, style: str = "", script: str = "", note: str | None = None) -> str:
    """Return a whole page.

    A browser runs and shows nothing that is not in it: the policy in its head names style and script by their hashes.

    Parameters
    ----------
    title : str
        As text.
    body : str
        As HTML, without styles and scripts; what came from files passes through `escaped`.
    style : str
        CSS for this page alone; what pages share comes before it.
    script : str
        JavaScript, run at the end.
    note : str, optional
        JSON that says how the page was made, kept as ``<script id="record" type="application/json">``.
    """
    style = _STYLE.read_text(encoding="utf-8") + style
    allowed = {"style-src": style, **({"script-src": script} if script else {})}
    hashes = [f"{name} '{_hash(code)}'" for name, code in allowed.items()]
    policy = "; ".join(["default-src 'none'", "img-src data:", *hashes, "base-uri 'none'", "form-action 'none'"])
    record = "" if note is None else f"{_RECORD}{note.replace('<', _LESS)}</script>\n"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n{record}<style>{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        + (f"<script>{script}</script>\n" if script else "")
        + "</body>\n</html>\n"
    )


def is_page(path: str | os.PathLike[str]) -> bool:
    """Return whether a file's name is that of a page."""
    return Path(path).suffix.lower() in PAGES


def page_note(path: str | os.PathLike[str]) -> str | None:
    """Read the note of a page, which stands before its pictures; None if it has none. `OSError` if it is no file."""
    with open_file(path, noted=False) as file:
        head = file.read(_HEAD).decode("utf-8", "replace")
    note = head.partition(_RECORD)[2].partition("</script>")
    return note[0] if note[1] else None


def _hash(code: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}"


def escaped(value: object) -> str:
    """Return a text as HTML: escaped, and what is not printable replaced. Names of files are strangers'."""
    return escape("".join(c if c.isprintable() else "�" for c in str(value)))


def figure(picture: Embedded, alt: str, caption: str, style: str = "") -> str:
    """Return a picture with a caption, which is HTML, as HTML; `style` is a class."""
    shown = f' class="{style}"' if style else ""
    return f"<figure{shown}>{picture_html(picture, alt)}<figcaption>{caption}</figcaption></figure>"


def shares_html(shares: Sequence[Share]) -> str:
    """Return parts of a whole as HTML, each with its bar; nothing for none."""
    return f'<ol class="shares">{"".join(map(_share, shares))}</ol>' if shares else ""


def _share(share: Share) -> str:
    before = "" if share.before is None else f" <small>before {escaped(percentage(share.before, 1))}</small>"
    bar = f'<rect width="{share.part:.4f}" height="1"></rect>'
    return (
        f"<li>{escaped(drawable(share.label))} <b>{escaped(percentage(share.part, 1))}</b>{before}"
        f'<svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">{bar}</svg></li>'
    )


def picture_html(picture: Embedded, alt: str) -> str:
    """Return a picture as HTML; `alt` says what it shows."""
    return f'<img src="{picture.uri}" width="{picture.width}" height="{picture.height}" alt="{escaped(alt)}">'


def lossless(pixels: Picture) -> Embedded:
    """Encode a picture without loss, unless that takes too many bytes."""
    if max(pixels.shape) <= WIDEST:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", optimize=True)
        if file.tell() <= _MOST_PNG:
            return _embedded("png", file, pixels)
    return jpeg(pixels, 93)


def jpeg(pixels: Picture, quality: int) -> Embedded:
    """Encode a picture as JPEG, smaller if it is wider or higher than a page shows it."""
    pixels = small(pixels, WIDEST)
    file = io.BytesIO()
    # Dreams are colours: all of them are kept, without `optimize`, for which Pillow takes too little memory then.
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:4:4")
    return _embedded("jpeg", file, pixels)


def small(pixels: Picture, most: int) -> Picture:
    """Return a picture made small enough: at most so many pixels wide and high."""
    image = Image.fromarray(pixels)
    image.thumbnail((most, most), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _embedded(kind: str, file: io.BytesIO, pixels: Picture) -> Embedded:
    height, width = pixels.shape[:2]
    return Embedded(f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}", width, height)
