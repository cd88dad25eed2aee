"""A schema is a table: message -> rows of ``number name: type = default``.

The messages are built from the tables when they are needed: code that protoc generates works with one major version
of protobuf only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

_ROW = re.compile(
    r"(?P<number>\d+) (?P<name>\w+): (?:(?P<label>repeated|packed|required) )?(?P<type>\w+)(?P<default> =.*)?"
)


def describe(package: str, messages: Mapping[str, str], enums: Mapping[str, str] | None = None) -> Any:
    """Build the descriptor of a proto2 file, in a pool of its own, so that other files of that name are not in the way.

    Parameters
    ----------
    package : str
    messages : mapping of str to str
        Message → its fields, one per row. A field is optional unless its row says repeated, packed (repeated, and
        packed on the wire) or required.
    enums : mapping of str to str, optional
        Enum → ``NAME=number``, separated by spaces. ``MESSAGE.NAME`` lives inside that message.

    Returns
    -------
    google.protobuf.descriptor.FileDescriptor
    """
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file(package, messages, enums or {}).SerializeToString())
    return pool.FindFileByName(f"{package}.proto")


def _file(package: str, messages: Mapping[str, str], enums: Mapping[str, str]) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
    types = dict.fromkeys(messages, descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE)
    types |= dict.fromkeys(enums, descriptor_pb2.FieldDescriptorProto.TYPE_ENUM)
    made = {}
    for name, rows in messages.items():
        made[name] = message = file.message_type.add(name=name)
        for row in rows.strip().splitlines():
            _add_field(message, row.strip(), package, types)
    for name, values in enums.items():
        owner, _, own = name.rpartition(".")
        _add_enum(made[owner] if owner else file, own, values)
    return file


def _add_enum(parent: Any, name: str, values: str) -> None:
    enum = parent.enum_type.add(name=name)
    for value in values.split():
        key, number = value.split("=")
        enum.value.add(name=key, number=int(number))


def _add_field(message: descriptor_pb2.DescriptorProto, row: str, package: str, types: Mapping[str, Any]) -> None:
    match = _ROW.fullmatch(row)
    assert match, f"not a field of {message.name}: {row!r}"
    kind = descriptor_pb2.FieldDescriptorProto
    field = message.field.add(name=match["name"], number=int(match["number"]))
    field.label = {
        None: kind.LABEL_OPTIONAL,
        "required": kind.LABEL_REQUIRED,
        "repeated": kind.LABEL_REPEATED,
        "packed": kind.LABEL_REPEATED,
    }[match["label"]]
    if match["label"] == "packed":
        field.options.packed = True
    if match["default"] is not None:
        field.default_value = match["default"].removeprefix(" =").strip()

    inner = f"{message.name}.{match['type']}"
    known = inner if inner in types else match["type"]
    if known in types:
        field.type, field.type_name = types[known], f".{package}.{known}"
    else:
        field.type = kind.Type.Value(f"TYPE_{match['type'].upper()}")
