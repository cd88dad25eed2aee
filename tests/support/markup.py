"""HTML as a strict reader sees it."""

from __future__ import annotations

import base64
import hashlib
import html as entities
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from PIL import Image

VOID = {"meta", "img", "br"}


class Checked(HTMLParser):
    """Every tag is closed where it should be; attributes, text, style and scripts are kept."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.css = "", ""
        self.scripts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "style":
            self.css += data
        elif inside == "script":
            self.scripts[-1] += data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def record(self) -> dict[str, Any]:
        (number,) = (n for n, script in enumerate(self.all("script")) if script.get("id") == "record")
        return dict(json.loads(self.scripts[number]))

    def check_that_it_stands_alone(self) -> None:
        """Nothing is fetched, and nothing runs or is styled but what the policy names."""
        (policy,) = (each["content"] for each in self.all("meta") if "http-equiv" in each)
        codes = {"style-src": self.css}
        for script, attributes in zip(self.scripts, self.all("script"), strict=True):
            if attributes.get("type") != "application/json":
                codes["script-src"] = script
        for code in codes.values():
            assert "url(" not in code
            assert "@import" not in code
            assert "innerHTML" not in code
        hashes = {
            name: base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for name, code in codes.items()
        }
        expected = [f"{name} 'sha256-{code}'" for name, code in hashes.items()]
        assert policy == "; ".join(
            ["default-src 'none'", "img-src data:", *expected, "base-uri 'none'", "form-action 'none'"]
        )
        assert not {tag for tag, _ in self.tags} & {"link", "iframe", "object", "form"}
        for _, attributes in self.tags:
            assert "style" not in attributes
            assert (attributes.get("src") or "data:").startswith("data:")
            assert not [name for name in attributes if name.startswith("on")]


def shown(image: dict[str, Any]) -> Image.Image:
    """Return the picture of an ``img``, checked."""
    assert image["alt"]
    kind, encoded = re.fullmatch(r"data:image/(png|jpeg);base64,(.*)", image["src"]).groups()  # type: ignore[union-attr]
    with Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))) as read:
        read.load()
        assert (read.format or "").lower() == kind
        assert read.size == (int(image["width"]), int(image["height"]))
        return read


def commands(path: str | Path) -> list[str]:
    """Return the commands on a page, as they are copied."""
    codes = re.findall(r"<code>(.+?)</code>", Path(path).read_text(encoding="utf-8"))
    return [entities.unescape(re.sub("</?span>", "", code)) for code in codes]
