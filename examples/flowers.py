"""A picture to guide dreams with: flowers in a garden, in the morning sun.

It is computed, so nobody's rights are in it. A guide wants shapes that a network knows and that fill it from edge to
edge. ``python examples/flowers.py`` writes ``flowers.jpg`` beside this file, with NumPy and Pillow alone.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

WIDTH, HEIGHT = 480, 320
FINE = 2  # painted so many times larger, then averaged: smooth edges
SEED = 2015

LIGHT = np.array([-0.55, -0.83])  # where the sun is, seen from the middle of the picture; y points down
GOLDEN_ANGLE = np.pi * (3 - 5**0.5)  # between neighbouring seeds of a flower's eye


def smoothstep(low, high, x):
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, t):
    """From colour `a` to colour `b` as `t` goes from 0 to 1."""
    a, b, t = np.asarray(a, np.float32), np.asarray(b, np.float32), np.asarray(t, np.float32)
    return a + (b - a) * t[..., None]


def window(picture, x, y, reach):
    """The part of the picture within `reach` of (x, y), and its pixels' coordinates; nothing if that is outside."""
    top, left = max(int(y - reach), 0), max(int(x - reach), 0)
    part = picture[top : max(int(y + reach) + 1, 0), left : max(int(x + reach) + 1, 0)]
    rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]].astype(np.float32)
    return part, columns + 0.5, rows + 0.5


def lay(part, colour, alpha):
    """`colour` over `part` where `alpha` is 1."""
    part += alpha[..., None] * (colour - part)


class Petal:
    """A blade from a point outwards: of petals, and of leaves."""

    def __init__(self, length, breadth, belly=0.62, notch=0.0, bend=0.0):
        self.length, self.breadth = length, breadth
        self.belly = belly  # where it is broadest, from base 0 to tip 1
        self.notch = notch  # how deep its tip is cut
        self.bend = bend  # how far the tip swings aside

    def local(self, x, y, angle, squash):
        """Where pixels are: along (0 base, 1 tip), aside of the midline in pixels, and half the breadth there."""
        y = y / squash
        along = (x * np.cos(angle) + y * np.sin(angle)) / self.length
        aside = y * np.cos(angle) - x * np.sin(angle) - self.bend * self.length * np.clip(along, 0, 1) ** 2
        u = np.clip(along, 0, 1)
        half = self.breadth * np.maximum(np.sin(np.pi * u ** (np.log(0.5) / np.log(self.belly))), 0) ** 0.62
        tip = smoothstep(0.72, 1.0, u) * self.notch * (1 - smoothstep(0, 0.5, np.abs(aside) / self.breadth))
        return along + tip, aside, half

    def cover(self, along, aside, half, soft=1.0):
        """1 inside, 0 outside, between them an edge `soft` pixels wide."""
        ends = np.clip(along * self.length / soft, 0, 1) * np.clip((1 - along) * self.length / soft + 0.5, 0, 1)
        return ends * np.clip((half - np.abs(aside)) / soft + 0.5, 0, 1)

    def paint(self, picture, rng, x, y, angle, colours, squash=1.0, shadow=0.35, gloss=0.5):
        """Lay the petal over the picture: its shadow, then itself with veins, lit from the sun's side."""
        middle_x, middle_y = x + 0.5 * self.length * np.cos(angle), y + 0.5 * self.length * np.sin(angle) * squash
        part, columns, rows = window(picture, middle_x, middle_y, 0.66 * self.length + self.breadth + 4)
        if part.size == 0:
            return
        dx, dy = columns - x, rows - y
        cast = 0.05 * self.length
        shade = self.cover(*self.local(dx + LIGHT[0] * cast, dy + LIGHT[1] * cast, angle, squash), soft=2.2 * cast)
        part *= 1 - shadow * shade[..., None]
        along, aside, half = self.local(dx, dy, angle, squash)
        alpha = self.cover(along, aside, half)
        across = np.clip(aside / np.maximum(half, 1e-3), -1, 1)
        base, middle, tip = colours
        colour = mix(mix(base, middle, smoothstep(0.02, 0.45, along)), tip, smoothstep(0.45, 1.0, along))
        phase = rng.uniform(0, 2 * np.pi, 3)
        veins = sum(np.sin(across * f + p + 2.5 * along) for f, p in zip((9, 15, 23), phase, strict=True)) / 3
        groove = np.exp(-((across / 0.12) ** 2)) * (1 - along)
        sideways = np.array([-np.sin(angle), np.cos(angle)])  # towards across = 1
        slope = across * (sideways @ LIGHT) * 0.26 + (np.array([np.cos(angle), np.sin(angle)]) @ LIGHT) * 0.14
        light = 0.92 + slope + 0.05 * veins - 0.16 * groove - 0.24 * (1 - smoothstep(0, 0.38, along))
        light *= rng.uniform(0.93, 1.05)
        shine = gloss * np.clip(slope, 0, 1) * smoothstep(0.3, 0.9, along)
        lay(part, colour * light[..., None] + shine[..., None], alpha)


def ball(picture, x, y, radius, colour, squash=1.0):
    """A seed: a small lit sphere."""
    part, columns, rows = window(picture, x, y, radius + 2)
    if part.size == 0:
        return
    dx, dy = (columns - x) / radius, (rows - y) / radius / squash
    distance = np.hypot(dx, dy)
    light = 0.72 + 0.42 * (dx * LIGHT[0] + dy * LIGHT[1]) - 0.25 * distance**2
    lay(part, np.asarray(colour, np.float32) * light[..., None] * 1.25, np.clip((1 - distance) * radius + 0.5, 0, 1))


def eye(picture, rng, x, y, radius, inner, outer, squash):
    """The middle of a flower: seeds in two families of spirals."""
    part, columns, rows = window(picture, x, y, 1.5 * radius)
    distance = np.hypot(columns - x, (rows - y) / squash) / radius
    part *= 1 - 0.5 * (1 - smoothstep(0.8, 1.35, distance))[..., None]
    count = 190
    for k in range(count, 0, -1):
        far = (k / count) ** 0.5
        angle = k * GOLDEN_ANGLE
        colour = mix(inner, outer, np.float32(smoothstep(0.25, 0.85, far))) * rng.uniform(0.85, 1.1)
        rise = 0.16 * radius * (1 - far**2)  # it is a dome
        seed = radius * (0.062 + 0.03 * far)
        ball(picture, x + radius * far * np.cos(angle), y + squash * radius * far * np.sin(angle) - rise, seed, colour)


# Colours of a petal at its base, middle and tip, and of the eye's middle and rim.
DAISY = [(0.80, 0.84, 0.70), (0.96, 0.96, 0.95), (1.00, 1.00, 1.00)], [(0.74, 0.66, 0.10), (0.98, 0.72, 0.06)]
COSMOS = [(0.42, 0.03, 0.26), (0.86, 0.22, 0.54), (0.98, 0.55, 0.74)], [(0.90, 0.62, 0.08), (0.95, 0.75, 0.12)]
GERBERA = [(0.58, 0.06, 0.03), (0.93, 0.26, 0.07), (1.00, 0.50, 0.16)], [(0.30, 0.26, 0.06), (0.26, 0.07, 0.05)]
RUDBECKIA = [(0.62, 0.20, 0.02), (0.97, 0.66, 0.05), (1.00, 0.83, 0.20)], [(0.24, 0.14, 0.07), (0.16, 0.06, 0.03)]
ASTER = [(0.22, 0.16, 0.45), (0.45, 0.36, 0.80), (0.66, 0.60, 0.95)], [(0.92, 0.72, 0.10), (0.93, 0.58, 0.05)]

# Rings of petals, the outermost first: how many, length and breadth in radii of the flower; then the eye's radius.
SHAPES = {
    "daisy": ([(21, 1.0, 0.115), (19, 0.93, 0.105)], 0.29, {"notch": 0.05, "belly": 0.66}),
    "cosmos": ([(8, 1.0, 0.36)], 0.17, {"notch": 0.10, "belly": 0.72}),
    "gerbera": ([(26, 1.0, 0.10), (24, 0.88, 0.095), (22, 0.68, 0.08), (18, 0.50, 0.06)], 0.27, {"belly": 0.7}),
    "rudbeckia": ([(13, 1.0, 0.17), (12, 0.95, 0.15)], 0.27, {"notch": 0.06, "belly": 0.6}),
    "aster": ([(30, 1.0, 0.07), (28, 0.93, 0.065), (24, 0.8, 0.055)], 0.25, {"belly": 0.6}),
}
KINDS = {"daisy": DAISY, "cosmos": COSMOS, "gerbera": GERBERA, "rudbeckia": RUDBECKIA, "aster": ASTER}


def flower(picture, rng, kind, x, y, radius, squash=0.92):
    """A flower that looks at us, a little upwards: `squash` is how round it seems."""
    rings, eye_radius, form = SHAPES[kind]
    petals, seeds = KINDS[kind]
    for count, length, breadth in rings:
        start = rng.uniform(0, 2 * np.pi)
        for k in rng.permutation(count):  # neighbours overlap either way
            angle = start + 2 * np.pi * k / count + rng.normal(0, 0.18 / count**0.5)
            grown = radius * length * rng.uniform(0.94, 1.04)
            petal = Petal(grown, radius * breadth, bend=rng.normal(0, 0.03), **form)
            petal.paint(picture, rng, x, y, angle, petals, squash)
    eye(picture, rng, x, y, radius * eye_radius, *seeds, squash)


def leaf(picture, rng, x, y, length, angle, green, breadth=0.13):
    """A leaf, pointed at both ends."""
    dark, light = np.array(green) * 0.55, np.array(green) * 1.35
    blade = Petal(length, length * breadth, belly=0.45, bend=rng.normal(0, 0.16))
    blade.paint(picture, rng, x, y, angle, [dark, np.array(green), light], shadow=0.4, gloss=0.4)


def foliage(picture, rng, count, lengths, brightness):
    """Leaves, in every direction but mostly upwards."""
    height, width = picture.shape[:2]
    for _ in range(count):
        green = np.array([0.20, 0.42, 0.12]) + rng.uniform(-1, 1) * np.array([0.10, 0.07, 0.03])
        at = rng.uniform(-0.05, 1.05) * width, rng.uniform(0.0, 1.25) * height
        angle = -np.pi / 2 + rng.normal(0, 0.9)
        leaf(picture, rng, *at, rng.uniform(*lengths) * FINE, angle, brightness * green, rng.uniform(0.08, 0.17))


def blurred(picture, radius):
    """The picture out of focus."""
    image = Image.fromarray(np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8))
    soft = image.filter(ImageFilter.GaussianBlur(radius * FINE))
    return np.asarray(soft).astype(np.float32) / 255


def plant(picture, rng, beds):
    """Flowers at their places."""
    for kind, x, y, radius, *rest in beds:
        flower(picture, rng, kind, x * FINE, y * FINE, radius * FINE, *rest)


# Kind, place and radius in pixels of the finished picture, roundness; the farthest first.
FAR = [
    *[("aster", 40, 28, 20), ("cosmos", 150, 18, 26), ("rudbeckia", 252, 30, 22), ("daisy", 330, 14, 20)],
    *[("gerbera", 420, 24, 24), ("aster", 466, 92, 20), ("cosmos", 12, 110, 24), ("rudbeckia", 470, 190, 20)],
]
MIDDLE = [
    *[("cosmos", 86, 66, 42, 0.88), ("daisy", 196, 62, 36, 0.86), ("aster", 296, 66, 36, 0.88)],
    *[("rudbeckia", 392, 78, 40, 0.86), ("gerbera", 22, 180, 40, 0.9), ("daisy", 462, 160, 38, 0.9)],
]
NEAR = [
    *[("aster", 336, 150, 44, 0.93), ("daisy", 116, 148, 50, 0.92), ("gerbera", 228, 160, 66, 0.95)],
    *[("cosmos", 408, 236, 64, 0.95), ("rudbeckia", 60, 262, 58, 0.95), ("daisy", 292, 274, 54, 0.96)],
    *[("aster", 166, 272, 48, 0.96), ("rudbeckia", 476, 316, 44, 0.95)],
]


def render():
    """The picture: (320, 480, 3) uint8, RGB."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    height, width = HEIGHT * FINE, WIDTH * FINE
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    picture = mix((0.34, 0.46, 0.20), (0.05, 0.12, 0.05), smoothstep(0, 0.9, y))
    lay(picture, np.array([0.95, 0.90, 0.55], np.float32), 0.5 * np.exp(-((x / 0.7) ** 2) - (y / 0.35) ** 2))
    foliage(picture, rng, 160, (40, 90), 1.0)
    plant(picture, rng, FAR)
    picture = blurred(picture, 3.2)
    foliage(picture, rng, 110, (45, 100), 0.8)
    plant(picture, rng, MIDDLE)
    picture = blurred(picture, 0.9)
    foliage(picture, rng, 50, (50, 105), 0.85)
    plant(picture, rng, NEAR)
    picture = picture.reshape(HEIGHT, FINE, WIDTH, FINE, 3).mean((1, 3))
    warm = np.exp(-(((x[::FINE, ::FINE]) / 1.1) ** 2) - (y[::FINE, ::FINE] / 0.8) ** 2)[..., None]
    picture = picture * (0.94 + 0.14 * warm * np.array([1.0, 0.92, 0.72], np.float32))
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def main():
    target = Path(__file__).with_name("flowers.jpg")
    Image.fromarray(render()).save(target, quality=90, optimize=True)
    print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
