"""TIFFs of any kind of samples, by TIFF 6.0 and its supplements; what they hold is checked by tifffile in the tests."""

import lzma
import struct
import zlib

import numpy as np

STORED, LZW, DEFLATE, PACKBITS, LZMA = 1, 5, 8, 32773, 34925
_STRUCT = {1: "B", 3: "H", 4: "I", 16: "Q"}


def tiff(
    samples,  # (H, W, C)
    photometric,
    *,
    bits=None,  # of each sample; None: the dtype's
    order="<",
    compression=STORED,
    predictor=1,
    planar=False,
    tile=None,  # its side; None: strips of two rows
    extra=(),
    fill_order=1,
    big=False,
    tags=(),  # more of them: (tag, type, values)
):
    """Return the bytes of a TIFF."""
    height, width, count = samples.shape
    bits = bits or 8 * samples.itemsize
    form = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    planes = [samples[..., plane : plane + 1] for plane in range(count)] if planar else [samples]
    blocks = [
        _packed(_encoded(block, bits, order, predictor), compression, fill_order)
        for plane in planes
        for block in (_tiles(plane, tile) if tile else (plane[y : y + 2] for y in range(0, height, 2)))
    ]
    start = 16 if big else 8
    places = [start + sum(map(len, blocks[:number])) for number in range(len(blocks))]
    found = [
        *[(256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * count), (259, 3, [compression])],
        *[(262, 3, [photometric]), (266, 3, [fill_order]), (277, 3, [count]), (284, 3, [1 + planar])],
        *[(324 if tile else 273, 4, places), (325 if tile else 279, 4, [len(block) for block in blocks])],
        *([(322, 4, [tile]), (323, 4, [tile])] if tile else [(278, 4, [2])]),
        *([(317, 3, [predictor])] if predictor > 1 else []),
        *([(338, 3, list(extra))] if extra else []),
        *([(339, 3, [form] * count)] if form > 1 else []),
        *tags,
    ]
    return _file(sorted(found), b"".join(blocks), order, big)


def _file(tags, data, order, big):
    size, entry = ("Q", "HHQ8s") if big else ("I", "HHI4s")
    data += bytes(len(data) % 2)
    start = (16 if big else 8) + len(data)
    behind = start + struct.calcsize(order + ("Q" if big else "H")) + struct.calcsize(order + entry) * len(tags)
    behind += struct.calcsize(order + size)
    entries, more = b"", b""
    for tag, kind, values in tags:
        raw = values if isinstance(values, bytes) else struct.pack(f"{order}{len(values)}{_STRUCT[kind]}", *values)
        if len(raw) > (8 if big else 4):
            place = struct.pack(order + size, behind + len(more))
            more += raw + bytes(len(raw) % 2)
        else:
            place = raw
        entries += struct.pack(order + entry, tag, kind, len(values), place)
    head = b"II" if order == "<" else b"MM"
    head += struct.pack(order + "HHHQ", 43, 8, 0, start) if big else struct.pack(order + "HI", 42, start)
    return head + data + struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + bytes(8 if big else 4) + more


def _tiles(plane, side):
    height, width, count = plane.shape
    padded = np.zeros((-(-height // side) * side, -(-width // side) * side, count), plane.dtype)
    padded[:height, :width] = plane
    for y in range(0, height, side):
        for x in range(0, width, side):
            yield padded[y : y + side, x : x + side]


def _encoded(block, bits, order, predictor):
    rows, width, count = block.shape
    block = np.ascontiguousarray(block)
    if predictor == 3:  # bytes of equal weight side by side, then their differences
        heavy_first = block.astype(block.dtype.newbyteorder(">")).view(np.uint8).reshape(rows, width * count, -1)
        planes = np.ascontiguousarray(heavy_first.swapaxes(1, 2)).reshape(rows, -1, count)
        return np.diff(planes, axis=1, prepend=np.zeros((rows, 1, count), np.uint8)).tobytes()
    if predictor == 2:
        block = block.view(f"u{block.itemsize}")
        block = np.diff(block, axis=1, prepend=np.zeros((rows, 1, count), block.dtype))
    if bits == 8 * block.itemsize:
        return block.astype(block.dtype.newbyteorder(order)).tobytes()
    ones = (block.reshape(rows, -1, 1) >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(ones.reshape(rows, -1).astype(bool), axis=1).tobytes()


def _packed(raw, compression, fill_order):
    packed = {
        STORED: lambda: raw,
        LZW: lambda: _lzw(raw),
        DEFLATE: lambda: zlib.compress(raw),
        PACKBITS: lambda: b"".join(
            bytes([len(raw[x : x + 128]) - 1]) + raw[x : x + 128] for x in range(0, len(raw), 128)
        ),
        LZMA: lambda: lzma.compress(raw),
    }[compression]()
    return (
        packed
        if fill_order == 1
        else np.packbits(np.unpackbits(np.frombuffer(packed, np.uint8)), bitorder="little").tobytes()
    )


def _lzw(raw):
    """Literals only, the table cleared before codes have 10 bits."""
    codes = [code for x in range(0, len(raw), 200) for code in (256, *raw[x : x + 200])]
    return np.packbits(
        np.array([(code >> bit) & 1 for code in [*codes, 257] for bit in range(8, -1, -1)], bool)
    ).tobytes()
