"""ICC profiles, written by their specification, and what they mean, by their formulas."""

import struct
from collections.abc import Sequence

import numpy as np

# Columns: XYZ of red, green and blue, adapted to D50.
SRGB = np.float64([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
DISPLAY_P3 = np.float64([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
ADOBE_RGB = np.float64([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
D50 = (0.9642, 1, 0.8249)


def _fixed(values: Sequence[float]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def decode_srgb(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def encode_srgb(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)


def _curve(gamma: float | None) -> bytes:
    """A gamma, or sRGB's curve in 1024 values."""
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    table = np.rint(decode_srgb(np.linspace(0, 1, 1024)) * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", 1024) + table.tobytes()


def _profile(space: bytes, kind: bytes, tags: dict[bytes, bytes], pcs: bytes = b"XYZ ", more: int = 0) -> bytes:
    description = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78 + 3)
    tags = {b"desc": description, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": _xyz(D50), **tags}
    if more:
        tags[b"more"] = b"text\0\0\0\0" + np.random.default_rng(0).integers(1, 255, more, np.uint8).tobytes()
    table, content, place = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", place + len(content), len(data))
        content += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", 128 + len(table + content), b"test", 0x02400000, kind, space, pcs)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(D50)
    return head.ljust(128, b"\0") + table + content


def rgb_profile(primaries: np.ndarray, gamma: float | None = None, kind: bytes = b"mntr", more: int = 0) -> bytes:
    """A profile of a matrix and a curve, sRGB's without `gamma`, with `more` bytes that mean nothing."""
    columns = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.T, strict=True)}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma))
    return _profile(b"RGB ", kind, columns | curves, more=more)


def grey_profile(gamma: float | None) -> bytes:
    return _profile(b"GRAY", b"mntr", {b"kTRC": _curve(gamma)})


def cmyk_profile() -> bytes:
    """Inks that make white less light, each by a quarter, and no colour."""
    steps = bytes(range(256))
    lightness = [255 - round(255 * (c + m + y + k) / 4) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    corners = b"".join(bytes([each, 128, 128]) for each in lightness)
    matrix = _fixed([1, 0, 0, 0, 1, 0, 0, 0, 1])
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + steps * 4 + corners + steps * 3
    return _profile(b"CMYK", b"prtr", {b"A2B0": table, b"A2B1": table}, b"Lab ")


def in_srgb(pixels: np.ndarray, primaries: np.ndarray, gamma: float | None = None) -> np.ndarray:
    """8-bit colours of a profile in sRGB: the formula, in float64."""
    values = pixels / 255
    linear = decode_srgb(values) if gamma is None else values**gamma
    return encode_srgb((linear @ primaries.T @ np.linalg.inv(SRGB).T).clip(0, 1)) * 255
