"""Mutators change files whose bytes hang together: lengths, syntax and checksums are right behind the change.

Each returns other content for `data`, or raises `ValueError` or `IndexError` where `data` is not of its kind.
"""

import json
import struct
from random import Random

_NUMBERS = (0, 1, 2, 3, 7, 20, 64, 127, 2**15, 2**31 - 1, 2**31, 2**40, 2**62, 2**63, 2**64 - 2, 2**64 - 1)
_TEXTS = (
    b"",
    b"x",
    b"^x",
    b"x:1",
    b"x:99999",
    b"Const",
    b"Identity",
    b"StatefulPartitionedCall",
    b"WriteFile",
    b"\xff",
)


def wire(data, rng, depth=0):
    """Change one field of a protobuf message: a number, a text, a message inside; or drop it, double it or move it."""
    fields = _fields(data)
    if not fields:
        return _varint(rng.randrange(1, 16) << 3) + _varint(rng.choice(_NUMBERS))
    place = rng.randrange(len(fields))
    key, value = fields[place]
    how = rng.random()
    if how < 0.05:
        del fields[place]
    elif how < 0.1:
        fields.insert(rng.randrange(len(fields) + 1), (key, value))
    elif key & 7 == 0:
        fields[place] = key, rng.choice((*_NUMBERS, value + 1, value - 1)) % 2**64
    elif key & 7 == 2:
        fields[place] = key, _changed(value, rng, depth)
    else:
        fields[place] = key, rng.randbytes(len(value))
    return b"".join(map(_field, fields))


def _changed(value, rng, depth):
    try:
        if depth < 16 and value and rng.random() < 0.9:
            return wire(value, rng, depth + 1)
    except (ValueError, IndexError):
        pass
    if value and rng.random() < 0.3:
        place = rng.randrange(len(value))
        return value[:place] + rng.randbytes(1) + value[place + 1 :]
    return rng.choice(_TEXTS)


def _fields(data):
    """Return (key, value) for each field; a text and a message inside are bytes."""
    found, place = [], 0
    while place < len(data):
        key, place = _read_varint(data, place)
        if key >> 3 == 0 or key & 7 not in (0, 1, 2, 5):
            raise ValueError("no message")
        if key & 7 == 0:
            value, place = _read_varint(data, place)
        else:
            size, place = _read_varint(data, place) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], place)
            value, place = data[place : place + size], place + size
            if len(value) != size:
                raise ValueError("cut short")
        found.append((key, value))
    return found


def _field(field):
    key, value = field
    if key & 7 == 0:
        return _varint(key) + _varint(value)
    return _varint(key) + (_varint(len(value)) if key & 7 == 2 else b"") + value


def _read_varint(data, place):
    number = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise ValueError("no number")


def _varint(number):
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def tree(data, rng):
    """Change one value or one key of a JSON document."""
    document = json.loads(data)
    places = []
    waiting = [document]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict | list):
            items = each.items() if isinstance(each, dict) else enumerate(each)
            places += [(each, key) for key, _ in items]
            waiting += [value for _, value in items]
    parent, key = rng.choice(places)
    values = [owner[place] for owner, place in places if (owner, place) != (parent, key)]
    how = rng.random()
    if how < 0.1:
        del parent[key]
    elif how < 0.4:
        parent[key] = json.loads(json.dumps(rng.choice(values)))
    else:
        odd = [
            None,
            True,
            "",
            "relu",
            "x" * 300,
            "../x",
            0,
            -1,
            2,
            3,
            7,
            2**31,
            2**63,
            10**30,
            0.5,
            -1e300,
            [],
            {},
            [1, 2],
        ]
        parent[key] = rng.choice([*odd, float("nan"), [parent[key]] * 3, {"class_name": "function", "config": "relu"}])
    return json.dumps(document).encode()


def table(data, rng):
    """Change one entry of the index of a SavedModel's variables."""
    entries = _entries(data)
    place = rng.randrange(len(entries))
    key, value = entries[place]
    how = rng.random()
    if how < 0.05:
        del entries[place]
    elif how < 0.1:
        key = key[: rng.randrange(len(key) + 1)] + rng.randbytes(1)
        entries[place] = key, value
    elif how < 0.15:
        entries[place] = key, rng.randbytes(rng.randrange(40))
    else:
        entries[place] = key, wire(value, rng)
    return _table(entries)


_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)


def _entries(data):
    """Return the (key, value) pairs of an index."""
    if data[-8:] != _MAGIC:
        raise ValueError("no table")
    place, handle = 0, []
    for _ in range(4):
        number, place = _read_varint(data[-48:], place)
        handle.append(number)
    found = []
    for _, value in _block(data, *handle[2:]):
        begin, place = _read_varint(value, 0)
        found += _block(data, begin, _read_varint(value, place)[0])
    return found


def _block(data, begin, size):
    block = data[begin : begin + size]
    end = len(block) - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    place, key, found = 0, b"", []
    while place < end:
        shared, place = _read_varint(block, place)
        own, place = _read_varint(block, place)
        size, place = _read_varint(block, place)
        key = key[:shared] + block[place : place + own]
        found.append((key, block[place + own : place + own + size]))
        place += own + size
    return found


def _table(entries):
    """Write an index: one block of entries, with the right checksums."""
    written = b""
    handles = []
    for pairs in (entries, [], [(entries[-1][0] + b"\xff", None)]):
        block = b"".join(
            b"\0" + _varint(len(key)) + _varint(len(value)) + key + value
            for key, value in ((key, handles[0] if value is None else value) for key, value in pairs)
        )
        block += struct.pack("<II", 0, 1)
        handles.append(_varint(len(written)) + _varint(len(block)))
        written += block + b"\0" + struct.pack("<I", _masked(block + b"\0"))
    return written + (handles[1] + handles[2]).ljust(40, b"\0") + _MAGIC


def _masked(data):
    """Compute LevelDB's checksum: CRC-32C, turned."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _crc(byte):
    for _ in range(8):
        byte = byte >> 1 ^ 0x82F63B78 * (byte & 1)
    return byte


_CRC = [_crc(byte) for byte in range(256)]

MUTATORS = {"keras_config": tree, "onnx_copy": wire, "saved_graph": wire, "saved_index": table}


def mutate(name, data, most, seed, otherwise):
    """Return other content for a target's file; now and then, and where `data` is damaged, libFuzzer's own."""
    rng = Random(seed)
    try:
        if name in MUTATORS and rng.random() < 0.9:
            for _ in range(rng.choice((1, 1, 1, 2, 4))):
                data = MUTATORS[name](data, rng)
            return data[:most]
    except (ValueError, IndexError, RecursionError, struct.error):
        pass
    return otherwise(data, most)
