"""`dream_picture`: the command line's words as arguments → a dream."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from ..dream.bounds import whole_number
from ..dream.colors import Correlations
from ..dream.notebook import DreamInterrupted
from ..dream.objectives import Kind
from ..dream.retouch import Robust
from ..errors import DreamInterruptedWarning, ParameterError
from ..formats import PixelScale
from ..net import ChannelOrder
from ..picture import Depth, to_samples
from ..record.names import noise_word
from ..record.recipe import MOST_SEED
from ..runtime.engines import AUTO
from ..zoo.load import numbers_of
from .inputs import Input, Resizing, noise_size, octave_sizes_of, size_of
from .live import Live
from .look import Look, as_recorded
from .preparation import SidePicture, prepare
from .result import Dream

PictureLike = str | os.PathLike[str] | Image.Image | ArrayLike


def dream_picture(
    picture: PictureLike,
    *,
    model: str | os.PathLike[str] | None = None,
    weights: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    strength: float = 1.0,
    layer: str | Sequence[str] | None = None,
    objective: Kind | None = None,
    caricature: float | None = None,
    also: str | Sequence[str] = (),
    class_: str | int | Sequence[str | int] = (),
    direction: str | os.PathLike[str] | ArrayLike | None = None,
    direction_power: float | None = None,
    guide: PictureLike | None = None,
    invert: bool | None = None,
    octaves: int | Literal["auto"] | None = None,
    octave_scale: float | None = None,
    octave_sizes: str | None = None,
    iterations: int | None = None,
    step_size: float | None = None,
    jitter: int | None = None,
    clip: bool | None = None,
    era: str | None = None,
    size: str | None = None,
    long_side: int | None = None,
    blend: float | None = None,
    depth: Literal[8] | Depth | None = None,
    mask: PictureLike | None = None,
    keep_colors: bool | None = None,
    tv: float | None = None,
    pull_back: float | None = None,
    smooth: float | None = None,
    laplacian: int | None = None,
    decorrelate: float | None = None,
    decorrelate_color: bool | None = None,
    color_correlations: Correlations | None = None,
    robust: bool = False,
    robust_scale: float | None = None,
    robust_rotate: float | None = None,
    stretch: float | None = None,
    seamless: bool | None = None,
    seed: int | None = None,
    exact: bool = False,
    runtime: str = AUTO,
    device: str = "auto",
    backend: str | None = None,
    mean: Sequence[float] | str | os.PathLike[str] | None = None,
    pixel_scale: PixelScale | None = None,
    channel_order: ChannelOrder | None = None,
    input_node: str | None = None,
    tile: int | None = None,
    memory: int | None = None,
    progress: bool = True,
) -> Dream:
    """Dream on a picture, with the words of ``pydream dream`` as arguments.

    What is None is the preset's, or as in ``pydream dream``. Ctrl-C, or a notebook's interrupt, ends the dream after
    the step that it comes in: what is there is returned, with a warning. A second one raises `DreamInterrupted`.

    Parameters
    ----------
    picture : path, PIL.Image.Image or array_like
        A file; or a picture in memory, converted as a file of it would be; or (H, W), (H, W, 3) or (H, W, 4) numbers of
        0..255; or ``"noise:640x480"``, which the seed draws.
    model, weights : str or path, optional
        A network's name (``pydream models``) or file. None: the preset's, or the built-in one. A network stays loaded
        until another is asked for.
    preset : str, optional
        A named look (``pydream presets``), which every other argument overrides.
    strength : float
        Factor of the iterations.
    layer : str or sequence of str, optional
        ``LAYER[:CHANNELS][@PLACE][=WEIGHT]``, as for ``--layer``.
    objective : {"l2", "mean", "sum"}, optional
    caricature : float, optional
        The power of the cosine, as for ``--caricature``.
    also : str or sequence of str
        ``MODEL[:LAYER[:CHANNELS][@PLACE][=WEIGHT]]``: other networks that the dream takes part of, as for ``--also``.
    class_ : str, int or sequence of these
        Classes to dream of, by name or number.
    direction : path or (c,) array_like, optional
        A number for each channel of the last layer, or a .npy file of them, as for ``--direction``.
    direction_power : float, optional
        Of its cosine.
    guide, mask : as `picture`, optional
    invert : bool, optional
        Whether the guide's activations themselves are dreamt, as for ``--invert``.
    size : str, optional
        ``WIDTHxHEIGHT`` that the picture is resized to.
    long_side : int, optional
        The same by its long side; adds octaves.
    octaves : int or "auto", optional
        Number of sizes; "auto": down to about 160 pixels.
    octave_sizes : str, optional
        ``WIDTHxHEIGHT,…``, smallest first: in place of `octaves` and `octave_scale`.
    octave_scale, iterations, step_size, jitter, clip, era
        As the options.
    keep_colors, tv, pull_back, smooth, laplacian, decorrelate, decorrelate_color, stretch, blend
        As the options.
    color_correlations : (float, float, float), optional
        As `pydream.retouch.color_correlations` finds them in pictures; `decorrelate_color` with others.
    robust, robust_scale, robust_rotate
        As the options.
    seamless : bool, optional
        Whether the dream tiles without a seam.
    depth : {8, 16, "float"}, optional
        Bits of each colour that `Dream.save` writes; float: 32, not clipped.
    seed : int, optional
        None: a new one, which the result has.
    exact : bool
        float64: the same on any machine; slower.
    runtime, device, backend, mean, pixel_scale, channel_order, input_node, tile
        As the options.
    memory : int, optional
        Bytes that the process may take.
    progress : bool
        Whether to show a bar, and in a notebook the picture so far.

    Returns
    -------
    Dream
        It shows and saves itself; `Dream.pixels` is the picture.

    Raises
    ------
    ParameterError, ValueError
        An argument has a wrong value, or does not go with another.
    UnknownNameError
        There is no such network, layer, class or preset.
    ImageFileError, NetFileError
        A file cannot be read.
    DreamInterrupted
        On a second Ctrl-C, with the dream so far.
    ShapeError, MemoryTooSmallError, ZeroGradientError
        As `pydream.deepdream`.

    Warns
    -----
    DreamInterruptedWarning
        The dream was interrupted.
    """
    if seed is not None:
        seed = whole_number("seed", seed, 0, MOST_SEED)
    if long_side is not None:
        long_side = whole_number("long_side", long_side, 1)
    classes = [str(each) for each in ([class_] if isinstance(class_, str | int | np.integer) else class_)]
    if octave_sizes is not None and (octaves is not None or octave_scale is not None):
        raise ParameterError("octave_sizes", "it says all sizes: leave octaves and octave_scale out")
    usual = Robust() if robust else None
    given = {
        "layer": layer,
        "kind": objective,
        "caricature": caricature,
        "invert": invert,
        "also": ((also,) if isinstance(also, str) else tuple(also)) or None,
        "classes": classes or None,
        "direction": Path(direction) if isinstance(direction, str | os.PathLike) else direction,
        "direction_power": direction_power,
        "octave_n": octaves,
        "octave_scale": octave_scale,
        "octave_sizes": None if octave_sizes is None else octave_sizes_of(octave_sizes),
        "iter_n": iterations,
        "step_size": step_size,
        "jitter": jitter,
        "clip": clip,
        "era": era,
        "keep_colors": keep_colors,
        "tv": tv,
        "pull_back": pull_back,
        "smooth": smooth,
        "laplacian": laplacian,
        "decorrelate": decorrelate,
        "decorrelate_color": decorrelate_color,
        "color_correlations": color_correlations,
        "robust_scale": usual and usual.scale if robust_scale is None else robust_scale,
        "robust_rotate": usual and usual.rotate if robust_rotate is None else robust_rotate,
        "backend": backend,
        "blend": blend,
        "stretch": stretch,
        "seamless": seamless,
        "depth": None if depth == 8 else depth,
    }
    look = Look.of(preset, strength, given)
    model = look.model if model is None else os.fspath(model)
    resizing = Resizing(None if size is None else size_of(size), long_side)
    noise = noise_size(picture)
    if noise is not None and resizing.wanted:
        raise ParameterError("size", f"noise has its size in its name, as {noise_word((1000, 1500))!r}")
    start, pixels, given_size = None, None, noise
    if given_size is None:
        start = Input.of(picture, "picture", look.to_srgb)
        pixels, given_size = start.pixels, start.pixels.shape[:2]
    height, width = result_size = resizing.of(*given_size)
    prepared = prepare(
        model=model,
        weights=None if weights is None else Path(weights),
        guide=_beside(guide, "guide", look.to_srgb),
        mask=_beside(mask, "mask", to_srgb=False),
        seed=seed,
        dtype="float64" if exact else "float32",
        runtime=runtime,
        device=device,
        mean=numbers_of(mean),
        pixel_scale=pixel_scale,
        channel_order=channel_order,
        input_node=input_node,
        tile=as_recorded("tile", tile),
        memory=memory,
        noise=noise,
        **look.params_for(given_size, resizing),
    )
    prepared.check()
    unchosen, prepared = prepared, prepared.on(pixels)
    notes = [
        look.preset and look.preset.note(model),
        prepared.why and f"no layer: {prepared.why}",
        *unchosen.choices(prepared.recipe, "the picture" if noise is None else noise_word(noise)),
    ]
    for note in filter(None, notes if progress else []):
        print(note, file=sys.stderr)
    side, _ = prepared.in_tiles(result_size)
    recipe = msgspec.structs.replace(prepared.recipe, tile=side)
    with Live(recipe.sizes(height, width), recipe.iter_n, progress) as live:
        try:
            made = prepared.dream(recipe, pixels, live)
        except DreamInterrupted as interrupted:
            if live.at_once or interrupted.steps == 0:
                raise
            recipe = msgspec.structs.replace(recipe, steps=interrupted.steps)
            made = to_samples(recipe.shown(interrupted.image, pixels), recipe.depth)
    dream = Dream(made, recipe, start, prepared)
    if recipe.steps is not None:
        done = f"{recipe.steps} of {recipe.octave_n * recipe.iter_n} steps"
        warnings.warn(f"interrupted after {done}: it is the dream so far", DreamInterruptedWarning, stacklevel=2)
    live.show(dream.pixels)
    dream.on_show = live.clear
    return dream


def _beside(given: PictureLike | None, parameter: str, to_srgb: bool) -> SidePicture | None:
    return None if given is None else SidePicture(*Input.of(given, parameter, to_srgb)[:2])
