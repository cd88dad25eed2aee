"""A text becomes a message as protobuf's own parser makes it, but for fields that are not known: these are noted.

Forks of Caffe add fields and values. Such a field is kept in its message as protobuf keeps what is unknown in binary
files, so that `unknown_in` finds it in both. Comments may have any encoding; what is needed later must be UTF-8.
"""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.unknown_fields import UnknownFieldSet

MOST_NESTED = 64

_SKIPPED = re.compile(r"(?:\s+|#[^\n]*)*", re.ASCII)
_TOKEN = re.compile(
    r"""(?P<name>[A-Za-z_]\w*)
    |(?P<number>(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?)(?![\w.]))
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>[{}<>\[\]:;,\-./])""",
    re.ASCII | re.VERBOSE,
)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_BOOLS = {"true": True, "t": True, "True": True, "1": True, "false": False, "f": False, "False": False, "0": False}
_CLOSING = {"{": "}", "<": ">"}

_FLOATS = {FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE}
_TEXTS = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}
_NEEDED = {"name", "type", "input", "bottom", "top", "stage", "not_stage"}  # strings that are read later

_NOTE = 2**29 - 1  # the largest number of a field: here, the name of one that is not known
# Fields of a layer that decide nothing but how it is trained, filled where there are no weights, or which code runs it.
_HARMLESS = re.compile(r"param|loss_param|transform_param|(\w+_)?filler|engine(: .*)?")


class TextError(Exception):
    """The text is not one of the message: what is wrong, after its line and column.

    Attributes
    ----------
    byte : int or None
        A place that is no text at all.
    """

    byte: int | None = None


def parse(content: bytes, message: Any) -> None:
    """Read a text into an empty message.

    Parameters
    ----------
    content : bytes
        With or without a byte order mark.
    message : protobuf message
        A field that it does not have is an error; one that a message in it does not have is noted there.

    Raises
    ------
    TextError
    """
    _Parser(content.removeprefix(b"\xef\xbb\xbf").decode("latin-1")).message(message, "", 0)


def unknown_in(message: Any) -> str | None:
    """Return a field of a layer's message that is not known, or has an unknown value; None: there is none.

    What only decides how the layer is trained, or which of equal code runs it, does not count.
    """
    each: Any
    for each in UnknownFieldSet(message):  # type: ignore[attr-defined]  # its stub is not whole
        known = message.DESCRIPTOR.fields_by_number.get(each.field_number)
        if each.field_number == _NOTE:
            found = str(each.data.decode("utf-8", "replace"))
        else:
            found = f"{known.name}: {each.data}" if known else str(each.field_number)
        if not _HARMLESS.fullmatch(found):
            return found
    for field, value in message.ListFields():
        if field.message_type and field.name != "blobs" and not _HARMLESS.fullmatch(field.name):
            for inner in value if is_repeated(field) else [value]:
                if (deeper := unknown_in(inner)) is not None:
                    return f"{field.name}.{deeper}"
    return None


def is_repeated(field: FieldDescriptor) -> bool:
    """Return whether a message has any number of values of a field."""
    if hasattr(field, "is_repeated"):  # since protobuf 6, where `label` is going away
        return bool(field.is_repeated)
    return bool(field.label == FieldDescriptor.LABEL_REPEATED)  # type: ignore[attr-defined]


class _Parser:
    """A place in a text, and the token there."""

    def __init__(self, text: str) -> None:
        self._text = text  # a character a byte
        self._behind = 0  # the token
        self._advance()

    def message(self, message: Any, end: str, depth: int) -> None:
        """Read fields up to a closing sign, or to the end of the text."""
        self._check(depth)
        fields = message.DESCRIPTOR.fields_by_name
        while self._token != end:
            place, name = self._at, self._field_name()
            colon = self._accept(":")
            field = fields.get(name)
            if field is None:
                if depth == 0:
                    raise self._error(f"no field {name!r} in {message.DESCRIPTOR.name}", place)
                self._skip(depth)
                note(message, name)
            elif not colon and not field.message_type:
                raise self._error("expected ':'")
            elif is_repeated(field) and self._accept("["):
                while not self._accept("]"):
                    self._value(message, field, depth)
                    if self._token != "]":
                        self._expect(",")
            elif not is_repeated(field) and message.HasField(name):
                raise self._error(f"{name!r} twice in one {message.DESCRIPTOR.name}", place)
            else:
                self._value(message, field, depth)
            if self._token in (",", ";"):
                self._advance()
        if end:
            self._advance()

    def _field_name(self) -> str:
        if self._accept("["):  # an extension: [package.name], [host/package.name]
            parts = []
            while not self._accept("]"):
                parts.append(self._take("name", "sign", "number"))
            return f"[{''.join(parts)}]"
        return self._take("name", "number")  # a number: an unknown field, as protobuf prints it

    def _value(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        """Read the value of a field, or one of its values."""
        place = self._at
        if field.message_type:
            closing = _CLOSING.get(self._token)
            if closing is None:
                raise self._error("expected '{'")
            self._advance()
            inner = getattr(message, field.name)
            if is_repeated(field):
                inner = inner.add()
            else:
                inner.SetInParent()
            self.message(inner, closing, depth + 1)
            return
        value = self._scalar(field)
        try:
            if value is None:
                note(message, f"{field.name}: {self._text[place : self._last]}")
            elif is_repeated(field):
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
        except ValueError as error:  # out of range
            if not field.enum_type:
                raise self._error(f"{field.name}: {error}", place) from error
            note(message, f"{field.name}: {value}")

    def _scalar(self, field: FieldDescriptor) -> Any:
        """Read the value of a field that is no message; None: an enum's value that is not known."""
        if field.type in _TEXTS:
            return self._string(field)
        if field.enum_type and self._kind == "name":
            known = field.enum_type.values_by_name.get(self._take("name"))
            return known.number if known else None
        if field.type == FieldDescriptor.TYPE_BOOL:
            if self._token not in _BOOLS:
                raise self._error("expected true or false")
            return _BOOLS[self._take("name", "number")]
        sign = -1 if self._accept("-") else 1
        if field.type in _FLOATS:
            if self._token.lower() in ("inf", "infinity", "nan"):
                return sign * float(self._take("name"))
            if self._kind != "number" or self._token[:2] in ("0x", "0X"):
                raise self._error("expected a number")
            return sign * float(self._take("number").rstrip("fF"))
        token = self._token
        base = 16 if token[:2] in ("0x", "0X") else 8 if token[:1] == "0" and len(token) > 1 else 10
        try:
            whole = int(token, base)
        except ValueError as error:
            raise self._error("expected a whole number") from error
        self._advance()
        return sign * whole

    def _string(self, field: FieldDescriptor) -> str:
        place, parts = self._at, [self._take("string")]
        while self._kind == "string":  # several count as one
            parts.append(self._take("string"))
        content = b"".join(_unescaped(part[1:-1].encode("latin-1")) for part in parts)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            if field.name in _NEEDED:
                raise self._error(f"the {field.name} is not text in UTF-8", place) from error
            return content.decode(errors="replace")

    def _skip(self, depth: int) -> None:
        """Skip the value of a field that is not known."""
        self._check(depth)
        if closing := _CLOSING.get(self._token):
            self._advance()
            while not self._accept(closing):
                self._field_name()
                self._accept(":")
                self._skip(depth + 1)
                if self._token in (",", ";"):
                    self._advance()
        elif self._accept("["):
            while not self._accept("]"):
                self._skip(depth + 1)
                if self._token != "]":
                    self._expect(",")
        elif self._kind == "string":
            while self._kind == "string":
                self._advance()
        else:
            self._accept("-")
            self._take("name", "number")

    def _accept(self, sign: str) -> bool:
        if self._token != sign:
            return False
        self._advance()
        return True

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise self._error(f"expected {sign!r}")

    def _take(self, *kinds: str) -> str:
        if self._kind not in kinds:
            raise self._error(f"expected a {' or a '.join(kinds)}")
        token = self._token
        self._advance()
        return token

    def _advance(self) -> None:
        """Go on to the next token; at the end it is "" and of the kind "end"."""
        self._last = self._behind
        skipped = _SKIPPED.match(self._text, self._behind)
        assert skipped
        self._at = skipped.end()
        found = _TOKEN.match(self._text, self._at)
        if found:
            self._kind, self._token, self._behind = str(found.lastgroup), found[0], found.end()
        elif self._at == len(self._text):
            self._kind, self._token = "end", ""
        else:
            self._kind, self._token = "nothing", self._text[self._at]
            error = self._error("a sign that has no meaning")
            error.byte = None if "!" <= self._token <= "~" else self._at
            raise error

    def _check(self, depth: int) -> None:
        if depth > MOST_NESTED:
            raise self._error(f"more than {MOST_NESTED} messages inside each other")

    def _error(self, what: str, place: int | None = None) -> TextError:
        at = self._at if place is None else place
        line = self._text.count("\n", 0, at) + 1
        column = at - self._text.rfind("\n", 0, at)
        found = f", found {self._token[:40]!r}" if place is None and self._token else ""
        return TextError(f"{line}:{column} : {what}{found}")


def _unescaped(raw: bytes) -> bytes:
    return _ESCAPE.sub(_character, raw) if b"\\" in raw else raw


def _character(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, short, long, letter = match.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    if short or long:
        return chr(min(int(short or long, 16), 0x10FFFF)).encode(errors="replace")
    return _LETTERS.get(letter, letter)


def note(message: Any, text: str) -> None:
    """Keep what is not known in a message."""
    content = text[:200].encode()
    key = bytes([0xFA, 0xFF, 0xFF, 0xFF, 0x0F])  # _NOTE << 3 | 2
    length = len(content)
    head = bytes([length]) if length < 0x80 else bytes([length & 0x7F | 0x80, length >> 7])
    message.MergeFromString(key + head + content)
