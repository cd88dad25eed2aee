"""A picture to start dreams from: clouds over hills and a lake, in the evening.

It is computed, so nobody's rights are in it; and it has something to find at every scale, which is what a
dream wants. ``python examples/sky.py`` writes ``sky.jpg`` beside this file, with NumPy and Pillow alone.
"""

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 768, 512
HORIZON = 408  # the row where the lake begins
SEED = 2015

SUN = np.array([1.00, 0.83, 0.62], np.float32)  # the light on the clouds,
SHADE = np.array([0.36, 0.40, 0.54], np.float32)  # what they get from the sky,
HAZE = np.array([0.93, 0.76, 0.62], np.float32)  # and the air before the sunset


def noise(rng, shape, scale, slope, stretch=None):
    """Gaussian noise without a grid: mean 0, deviation 1, features of `scale` pixels and smaller.

    Its amplitude falls as frequency**-slope. `stretch` gives each axis's scale relative to the others.
    """
    stretch = stretch or (1,) * len(shape)
    spectrum = np.fft.rfftn(rng.standard_normal(shape, dtype=np.float32))
    square = np.zeros(spectrum.shape, np.float32)
    for axis, (size, factor) in enumerate(zip(shape, stretch, strict=True)):
        frequency = np.fft.rfftfreq(size) if axis == len(shape) - 1 else np.fft.fftfreq(size)
        ones = [1] * len(shape)
        ones[axis] = -1
        square += np.float32((frequency * scale * factor) ** 2).reshape(ones)
    field = np.fft.irfftn(spectrum / (1 + square) ** (slope / 2), shape, axes=range(len(shape))).astype(np.float32)
    return (field - field.mean()) / field.std()


def smoothstep(low, high, x):
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def shifted(volume, dz, dy, dx):
    """The volume as seen from (dz, dy, dx) away; its edges repeat."""
    z, y, x = (np.clip(np.arange(n) + d, 0, n - 1) for n, d in zip(volume.shape, (dz, dy, dx), strict=True))
    return volume[z][:, y][:, :, x]


def cumulus(rng, rows, depth, scale, base, top, cover):
    """A bank of heaped clouds, lit from the upper left: (light, alpha), both (rows, WIDTH).

    The density lives in a volume of (depth, rows, WIDTH); `base` and `top` are the rows between which the
    clouds stand, and `cover` says how much of the sky they take.
    """
    shape = (depth, rows, WIDTH)
    towers = noise(rng, shape, scale, 3.0, (1.0, 0.85, 1.25))
    heaps = np.abs(noise(rng, shape, scale / 4, 3.0))
    wisps = np.abs(noise(rng, shape, scale / 14, 2.4))
    y = np.arange(rows, dtype=np.float32)
    profile = 3.0 * smoothstep(base - 0.15 * (base - top), base + 6, y) + 2.4 * smoothstep(base, top, y)
    z = np.abs(np.linspace(-1, 1, depth, dtype=np.float32)) ** 3
    density = towers + cover - 0.42 * heaps - 0.20 * wisps - profile[:, None] - 1.2 * z[:, None, None]
    density = np.clip(density * 1.6, 0, 1)

    # How much cloud lies between each point and the sun, and between it and the open sky before it.
    between, before = np.zeros_like(density), np.zeros_like(density)
    for step in (1, 2, 4, 7, 11, 17, 26, 40):
        between += shifted(density, -step // 4, round(-0.62 * step), round(-0.75 * step)) * step**0.5
        if step < 12:
            before += shifted(density, -step // 2, -step // 2, step // 3) * step**0.5
    sun = 0.62 * np.exp(-0.42 * between) + 0.18 * np.exp(-0.06 * between) + 0.30 * np.exp(-0.55 * before)

    # Front to back: what each slice adds, through what is before it.
    opacity = 1 - np.exp(-0.42 * density)
    through = np.cumprod(np.concatenate([np.ones_like(density[:1]), 1 - opacity[:-1]]), axis=0)
    weight = through * opacity
    alpha = weight.sum(0)
    return (weight * sun).sum(0) / np.maximum(alpha, 1e-6), alpha


def over(picture, colour, alpha):
    """`colour` laid over the picture where alpha is 1."""
    picture += alpha[..., None] * (colour - picture)


def paint_sky(rng):
    """The sky down to the horizon: (HORIZON, WIDTH, 3), 0..1."""
    y = np.linspace(0, 1, HORIZON, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, WIDTH, dtype=np.float32)[None, :]
    stops = [(0.0, (0.16, 0.31, 0.56)), (0.45, (0.38, 0.55, 0.74)), (0.78, (0.80, 0.74, 0.70)), (1.0, HAZE)]
    heights = [stop for stop, _ in stops]
    sky = np.stack([np.interp(y, heights, [c[i] for _, c in stops]) for i in range(3)], -1)
    sky = (sky + 0 * x[..., None]).astype(np.float32)
    glow = np.exp(-(((x - 0.10) / 0.42) ** 2) - ((y - 0.98) / 0.38) ** 2)
    over(sky, np.array([1.0, 0.80, 0.52], np.float32), 0.65 * glow)

    # Ice clouds, high up and drawn out by the wind.
    streaks = noise(rng, (HORIZON, WIDTH), 120, 2.0, (0.5, 2.4))
    veil = noise(rng, (HORIZON, WIDTH), 260, 2.4)
    ice = smoothstep(0.1, 2.4, streaks + 0.8 * veil) * (1 - y) ** 0.7
    over(sky, np.array([0.98, 0.93, 0.88], np.float32), 0.75 * ice)

    # Three banks, the farthest first: smaller, lower and paler.
    banks = [
        (0.35, {"depth": 24, "scale": 60, "base": 386, "top": 300, "cover": 1.0}),
        (0.16, {"depth": 32, "scale": 115, "base": 345, "top": 170, "cover": 0.72}),
        (0.02, {"depth": 40, "scale": 215, "base": 258, "top": -90, "cover": 0.62}),
    ]
    for haze, bank in banks:
        light, alpha = cumulus(rng, HORIZON, **bank)
        colour = SHADE + (1.06 * SUN + 0.10 - SHADE) * smoothstep(0.0, 0.95, light)[..., None]
        colour += haze * (HAZE - colour)
        over(sky, colour, alpha)
    return np.clip(sky, 0, 1)


def ridge(rng, height, relief, scale, slope):
    """A skyline: for every column, the row where a chain of hills begins."""
    return HORIZON - height - relief * noise(rng, (1, WIDTH), scale, slope)[0]


def paint_hills(rng, picture):
    """Four chains of hills before the sky, each darker and nearer than the last."""
    rows = np.arange(HORIZON, dtype=np.float32)[:, None]
    chains = [
        (46, 13, 240, 1.9, (0.56, 0.55, 0.63), 0.40),
        (30, 9, 170, 1.8, (0.40, 0.43, 0.50), 0.28),
        (16, 6, 120, 1.7, (0.24, 0.30, 0.32), 0.16),
        (6, 3.5, 70, 1.4, (0.12, 0.18, 0.16), 0.05),
    ]
    for height, relief, scale, slope, colour, haze in chains:
        skyline = ridge(rng, height, relief, scale, slope)
        inside = np.clip(rows - skyline + 0.5, 0, 1)
        bumps = noise(rng, (HORIZON, WIDTH), scale / 3, 2.6, (1.0, 1.2))
        lit = 1 + 0.9 * np.clip(2 * (bumps - np.roll(bumps, (-2, 3), (0, 1))), -0.35, 0.45)
        ground = np.array(colour, np.float32) * lit[..., None] * np.array([1.06, 1.0, 0.92], np.float32)
        mist = haze + 0.5 * smoothstep(HORIZON - 26, HORIZON, rows) * (haze + 0.1)
        over(ground, HAZE, np.broadcast_to(mist, inside.shape))
        over(picture[:HORIZON], ground, inside)


def paint_lake(rng, picture):
    """The lake: the picture above it upside down, in ripples that grow towards the viewer."""
    rows = np.arange(HEIGHT - HORIZON)
    near = (rows / rows[-1])[:, None].astype(np.float32)
    waves = noise(rng, (len(rows), WIDTH), 22, 2.2, (0.35, 3.2))
    fine = noise(rng, (len(rows), WIDTH), 8, 1.6, (0.4, 2.6))
    sway = (0.4 + 9 * near) * waves + (0.3 + 3 * near) * fine
    source = np.clip(HORIZON - 1 - (rows[:, None] * (1.25 + 1.3 * near) + sway), 0, HORIZON - 1).astype(int)
    drift = np.clip(np.arange(WIDTH) + np.rint(0.35 * sway).astype(int), 0, WIDTH - 1)
    water = picture[source, drift] * np.array([0.74, 0.80, 0.86], np.float32)
    water *= 1 + 0.10 * near[..., None] * (waves + 0.6 * fine)[..., None]
    over(water, np.array([0.10, 0.17, 0.22], np.float32), 0.35 * near + np.zeros_like(waves))
    picture[HORIZON:] = water


def paint_shore(rng, picture):
    """The near shore and its firs, dark against the water."""
    x = np.arange(WIDTH, dtype=np.float32)
    bank = 20 + 9 * noise(rng, (1, WIDTH), 260, 1.8)[0] + 34 * smoothstep(0.62, 1.0, x / WIDTH)
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None]
    shape = np.clip(rows - (HEIGHT - bank) + 0.5, 0, 1)
    for _ in range(34):  # a fir: a trunk, and branches that widen in steps
        centre = rng.uniform(0.58, 1.02) ** 0.8 * WIDTH
        tall = rng.uniform(38, 120) * (0.45 + 0.75 * smoothstep(0.6, 1.0, centre / WIDTH))
        foot = HEIGHT - bank[int(np.clip(centre, 0, WIDTH - 1))] + 8
        down = np.clip((rows - (foot - tall)) / tall, 0, 1)
        saw = 0.62 + 0.38 * np.modf(down * tall / rng.uniform(6, 9))[0]
        ragged = 1 + 0.25 * rng.standard_normal((HEIGHT, 1)).astype(np.float32)
        half = 0.19 * tall * down**0.9 * saw * ragged + 0.6
        fir = np.clip(half - np.abs(x - centre) + 0.5, 0, 1) * (rows >= foot - tall) * (rows <= foot)
        shape = np.maximum(shape, fir)
    leaves = noise(rng, (HEIGHT, WIDTH), 40, 1.1)
    sunny = np.clip(leaves - np.roll(leaves, (3, 2), (0, 1)), 0, 1.2)
    colour = np.array([0.055, 0.085, 0.075], np.float32) * np.clip(1 + 0.4 * leaves, 0.3, 2.2)[..., None]
    colour = colour + sunny[..., None] * np.array([0.11, 0.085, 0.04], np.float32)
    over(picture, np.clip(colour, 0, 1), shape)


def render():
    """The picture: (512, 768, 3) uint8, RGB."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    picture[:HORIZON] = paint_sky(rng)
    paint_hills(rng, picture)
    paint_lake(rng, picture)
    paint_shore(rng, picture)
    picture = np.clip(picture, 0, 1)
    picture += 0.24 * picture * (1 - picture) * (2 * picture - 1)  # a little more contrast
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def main():
    target = Path(__file__).with_name("sky.jpg")
    Image.fromarray(render()).save(target, quality=90, optimize=True)
    print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
