"""The TensorFlow tutorial of 2016: four ways up the gradient of a score, with its names, defaults and order.

A score, the tutorial's `t_obj` reduced by its mean, is made of a layer's activations: the mean of one channel, of the
sum of some, or of the square of all. Pictures are (H, W, 3), RGB; the network sees them as it always does. Noise is
float64, as `numpy.random` draws it, and stays so until it is resized; what comes of the network or of resizing has the
network's dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..errors import SilentScoreError, UnknownNameError, ZeroGradientError
from ..net import Affine, Array, Blob, Net
from ..picture import as_picture
from ..tiles.fitting import choose_side
from ..tiles.net import OnTile, tiled
from .images import noise, picture_gradient, preprocess
from .laplacian import MOST_LEVELS, lap_normalize
from .notebook import DreamInterrupted
from .objectives import Objective, spelt
from .octaves import Size, check_octaves
from .params import check_params, find_end, want, whole
from .watch import Watch

NOISE_SIZE: Size = (224, 224)  # of the tutorial's img_noise
TILE_SIZE = 512
MOST_PIXELS = 10**8  # of a picture that grows with its octaves
NAIVE_COPIES = 7.25  # arrays of the picture's size that `render_naive` holds at most, as docs/tiles.md counts them

Channels = int | Sequence[int] | None
Gradient = Callable[[Array], Array]  # (h, w, 3) picture -> (h, w, 3) gradient of the score at it
Steps = Iterator[tuple[int, int, Array]]  # octave, iteration, the picture after that step
Renderer = Callable[..., Array]


def render_naive(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 20,
    step: float = 1.0,
    *,
    rng: np.random.RandomState | None = None,
    watch: Watch | None = None,
    tile: int | None = None,
) -> Array:
    """Climb the gradient of the whole picture, divided by its standard deviation.

    Parameters
    ----------
    net : Net
    layer : str, optional
        Whose activations are scored; a Caffe layer before its in-place ReLU gives those before it. None: the network's
        own default.
    channel : int or sequence of int, optional
        Score the mean of that channel, or of the sum of these. None: the mean of the square of all.
    img0 : (H, W, 3) array_like, optional
        RGB, 0..255, what to start from; left as it is. None: `noise` of `NOISE_SIZE`.
    iter_n : int
        Steps in each octave.
    step : float
        Factor of the normalised gradient; above 0, at most `pydream.dream.params.LARGEST_STEP`.
    rng : numpy.random.RandomState, optional
        Draws the noise, and then the shifts of tiles; None: NumPy's global legacy state, as the tutorial does.
    watch : Watch, optional
        Looks on: its `step` sees the picture so far; it has no `octave`, and `tile` where there are tiles.
    tile : int, optional
        As for `pydream.deepdream`: exact tiles, to save memory. The other renderers have none: the network sees no more
        of a picture than the tutorial's own tiles, see `calc_grad_tiled`.

    Returns
    -------
    (H, W, 3) array
        RGB, neither clipped nor scaled: `shown` tells how the tutorial shows it.

    Raises
    ------
    DreamInterrupted
        On Ctrl-C, with what there is so far.
    SilentScoreError
        Where no step found a gradient.
    ZeroGradientError
        Where one is not finite.
    ShapeError
        Before anything is computed, where an octave is too small for `layer`.
    UnknownNameError
        For a layer or channel that the network does not have.
    ValueError
        For a parameter out of its range, or a picture that is none.
    """
    img, t_grad = _begin(net, "naive", layer, channel, img0, rng, iter_n, step)
    check_params(tile=tile)
    h, w = img.shape[:2]
    side = choose_side(net, [t_grad.layer], h, w, copies=NAIVE_COPIES) if tile is None else tile
    t_grad.divide(side, (watch or Watch()).tile)

    def steps() -> Steps:
        here = img
        for i in range(iter_n):
            here = here + _by_deviation(t_grad(here)) * step
            yield 0, i, here

    return _climb(img, steps(), t_grad, watch)


def render_multiscale(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 10,
    step: float = 1.0,
    octave_n: int = 3,
    octave_scale: float = 1.4,
    *,
    rng: np.random.RandomState | None = None,
    watch: Watch | None = None,
) -> Array:
    """Climb tile by tile while the picture grows: `octave_n` sizes, each `octave_scale` times the last, rounded down.

    Parameters and errors are those of `render_naive`; the result is larger than `img0`, see `grown_sizes`.
    """
    img, t_grad = _begin(net, "multiscale", layer, channel, img0, rng, iter_n, step, octave_n, octave_scale)
    steps = _growing(net, img, t_grad, _by_deviation, iter_n, step, octave_n, octave_scale, rng)
    return _climb(img, steps, t_grad, watch)


def render_lapnorm(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 10,
    step: float = 1.0,
    octave_n: int = 3,
    octave_scale: float = 1.4,
    lap_n: int = 4,
    *,
    rng: np.random.RandomState | None = None,
    watch: Watch | None = None,
) -> Array:
    """Climb as `render_multiscale` does, with gradients whose bands of detail are equally strong: `lap_normalize`.

    Parameters and errors are those of `render_naive` and `render_multiscale`; `lap_n` is the number of levels that are
    split off, at most `pydream.dream.laplacian.MOST_LEVELS`.
    """
    img, t_grad = _begin(net, "lapnorm", layer, channel, img0, rng, iter_n, step, octave_n, octave_scale, lap_n)

    def normalized(g: Array) -> Array:
        # Of the network's dtype, be the picture noise or not: the tutorial's runs in the graph.
        return lap_normalize(g.astype(net.dtype), lap_n)

    steps = _growing(net, img, t_grad, normalized, iter_n, step, octave_n, octave_scale, rng)
    return _climb(img, steps, t_grad, watch)


def render_deepdream(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 10,
    step: float = 1.5,
    octave_n: int = 4,
    octave_scale: float = 1.4,
    *,
    rng: np.random.RandomState | None = None,
    watch: Watch | None = None,
) -> Array:
    """Split the picture into octaves, climb in the smallest, and give each of the others its details back in turn.

    Parameters and errors are those of `render_naive`. The gradient is divided by its mean; pixels are not clipped. What
    an interrupted dream has so far is brought to full size.
    """
    img, t_grad = _begin(net, "deepdream", layer, channel, img0, rng, iter_n, step, octave_n, octave_scale)
    h, w = img.shape[:2]
    details = []
    for size in split_sizes(h, w, octave_n, octave_scale)[1:]:
        lo = resize(img, size, net.dtype)
        details.append(img - resize(lo, img.shape[:2], net.dtype))
        img = lo

    def enlarged(img: Array, octave: int) -> Array:
        hi = details[-octave]
        larger: Array = resize(img, hi.shape[:2], net.dtype) + hi
        return larger

    def steps() -> Steps:
        here = img
        for octave in range(octave_n):
            if octave > 0:
                here = enlarged(here, octave)
            for i in range(iter_n):
                g = calc_grad_tiled(here, t_grad, rng=rng)
                here = here + g * (step / (np.abs(g).mean() + 1e-7))
                yield octave, i, here

    def at_full_size(here: Array, octave: int) -> Array:
        for later in range(octave + 1, octave_n):
            here = enlarged(here, later)
        return here

    return _climb(img, steps(), t_grad, watch, at_full_size)


RENDERERS: dict[str, Renderer] = {
    "naive": render_naive,
    "multiscale": render_multiscale,
    "lapnorm": render_lapnorm,
    "deepdream": render_deepdream,
}


def score_gradient(net: Net, layer: str | None = None, channel: Channels = None) -> Gradient:
    """Give what the tutorial calls `t_grad`: the function from a picture to the gradient of the score at it.

    Parameters
    ----------
    net, layer, channel
        As for `render_naive`.

    Returns
    -------
    callable
        (h, w, 3) picture, RGB → (h, w, 3) gradient, of the network's dtype.
    """
    return _ScoreGradient(net, layer, channel)


class _ScoreGradient:
    """A `Gradient` that remembers whether it was ever other than zero."""

    def __init__(self, net: Net, layer: str | None, channel: Channels) -> None:
        self._net = net
        self.layer = find_end(net, layer)
        self._objective = _score(net, self.layer, channel)
        self._what = repr(self.layer) if channel is None else f"{self.layer!r}:{spelt(_channels(channel))}"
        self._found = False

    def divide(self, side: int, on_tile: OnTile) -> None:
        """Compute the gradient in tiles of that side from now on; 0: in one run."""
        self._net = tiled(self._net, [self.layer], side, on_tile)

    def __call__(self, img: Array) -> Array:
        net = self._net
        src = net.blobs["data"]
        src.reshape(1, 3, *img.shape[:2])
        preprocess(net, img, out=src.data[0])
        net.forward(end=self.layer)
        self._objective(net.blobs[self.layer])
        g = picture_gradient(net, net.backward(start=self.layer))
        largest = np.abs(g).max()
        if not math.isfinite(largest):
            raise ZeroGradientError(
                f"the gradient of {self._what} at the image is not finite: values overflow; try a smaller step,"
                " float64, or an earlier layer"
            )
        self._found |= bool(largest > 0)
        return g

    def check_found(self) -> None:
        """Raise `SilentScoreError` where nothing ever moved the score."""
        if not self._found:
            raise SilentScoreError(
                f"the gradient of {self._what} was zero at every step: nothing in the picture moves it; try another"
                " seed or picture, or a layer before its ReLU"
            )


def _score(net: Net, layer: str, channel: Channels) -> Objective:
    """Give the objective that writes the gradient of the score at the layer."""
    if channel is None:

        def mean_square(dst: Blob) -> None:
            dst.drive(Affine(2 / math.prod(dst.shape)))

        return mean_square

    channels = _channels(channel)
    check_channels(net, layer, channels)

    def mean_of_channels(dst: Blob) -> None:
        count, *sizes = dst.shape[1:]
        bias = np.zeros((count, *[1] * len(sizes)))
        bias[channels] = 1 / math.prod(sizes)
        dst.drive(Affine(0, bias))

    return mean_of_channels


def _channels(channel: int | Sequence[int]) -> list[int]:
    return [channel] if isinstance(channel, int) else list(channel)


def check_channels(net: Net, layer: str, channels: Sequence[int]) -> None:
    """Raise `UnknownNameError` where a layer does not have all these channels."""
    count = net.blobs[layer].shape[1]
    for each in channels:
        if not 0 <= each < count:
            raise UnknownNameError(f"no channel {each} in {layer!r}, which has {count}: 0 to {count - 1}")


def calc_grad_tiled(
    img: Array, t_grad: Gradient, tile_size: int = TILE_SIZE, rng: np.random.RandomState | None = None
) -> Array:
    """Compute a gradient tile by tile, so that memory is a tile's, with a random shift that hides the seams.

    Parameters
    ----------
    img : (H, W, 3) array
    t_grad : callable
        As `score_gradient` gives it; called for each tile.
    tile_size : int
        Height and width of a tile, in pixels.
    rng : numpy.random.RandomState, optional
        Draws the shift of width, and then that of height; None: NumPy's global legacy state.

    Returns
    -------
    (H, W, 3) array
        Of the image's dtype. A remainder of at most half a tile at the end of the shifted image has no gradient this
        time: zeros.
    """
    sz = tile_size
    h, w = img.shape[:2]
    sx, sy = (np.random if rng is None else rng).randint(sz, size=2)
    img_shift = np.roll(np.roll(img, sx, 1), sy, 0)
    grad = np.zeros_like(img)
    for y in _tile_starts(h, sz):
        for x in _tile_starts(w, sz):
            grad[y : y + sz, x : x + sz] = t_grad(img_shift[y : y + sz, x : x + sz])
    return np.roll(np.roll(grad, -sx, 1), -sy, 0)


def _tile_starts(size: int, tile_size: int) -> range:
    return range(0, max(size - tile_size // 2, tile_size), tile_size)


def resize(img: Array, size: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Resize as TensorFlow's `resize_bilinear` of 2016 does: bilinear, legacy corners, no antialiasing.

    Output pixel i is the input at i * in / out, without an offset of half a pixel; at the end the last one is repeated.
    In float32 every rounding is TensorFlow's.

    Parameters
    ----------
    img : (H, W, C) array
    size : (height, width)
    dtype : dtype
        Of the arithmetic and the result.

    Returns
    -------
    (height, width, C) array
    """
    img = img.astype(dtype)
    for axis in (1, 0):  # a row's pixels first, then the rows: TensorFlow's order
        lower, upper, lerp = _interpolation(img.shape[axis], size[axis], img.dtype)
        nearer = img.take(lower, axis)
        img = nearer + (img.take(upper, axis) - nearer) * np.expand_dims(lerp, (0, 2) if axis else (1, 2))
    return img


def _interpolation(in_size: int, out_size: int, dtype: np.dtype[Any]) -> tuple[Array, Array, Array]:
    """Give, of each output pixel along an axis, the two input pixels that it lies between, and where between them."""
    scale = dtype.type(in_size) / dtype.type(out_size)
    place = np.arange(out_size).astype(dtype) * scale
    lower = np.floor(place)
    upper = np.minimum(np.ceil(place), in_size - 1)
    return lower.astype(np.intp), upper.astype(np.intp), place - lower


def visstd(a: Array, s: float = 0.1) -> Array:
    """Bring an image to a mean of 0.5 and a standard deviation of `s`, to be seen as 0..1."""
    scaled: Array = (a - a.mean()) / max(a.std(), 1e-4) * s + 0.5
    return scaled


def shown(renderer: str, img: Array) -> Array:
    """Give a rendered image as the tutorial shows it, 0..255 once clipped: a dream as it is, others by `visstd`."""
    return img if renderer == "deepdream" else visstd(img) * 255


def rendered_sizes(renderer: str, height: int, width: int, octave_n: int = 1, octave_scale: float = 1.4) -> list[Size]:
    """Give the (height, width) of every octave that a renderer goes through, the largest first: the result's."""
    if renderer == "naive":
        return [(height, width)]
    sizes = split_sizes if renderer == "deepdream" else grown_sizes
    return sizes(height, width, octave_n, octave_scale)


def grown_sizes(height: int, width: int, octave_n: int = 3, octave_scale: float = 1.4) -> list[Size]:
    """Give the sizes that a picture grows to, the last first; each is ``int32(float32(hw) * octave_scale)``."""
    sizes = [(height, width)]
    for _ in range(octave_n - 1):
        larger = np.array(sizes[-1], np.float32) * np.float32(octave_scale)
        want(
            bool(larger.prod() <= MOST_PIXELS),
            "octave_n, octave_scale",
            (octave_n, octave_scale),
            f"octaves of at most {MOST_PIXELS} pixels from {width}x{height}",
        )
        sizes.append((int(larger[0]), int(larger[1])))
    return sizes[::-1]


def split_sizes(height: int, width: int, octave_n: int = 4, octave_scale: float = 1.4) -> list[Size]:
    """Give the sizes that a picture is split into, its own first; each is ``int32(float32(hw) / octave_scale)``."""
    sizes = [(height, width)]
    for _ in range(octave_n - 1):
        smaller = np.array(sizes[-1], np.float32) / np.float32(octave_scale)
        sizes.append((int(smaller[0]), int(smaller[1])))
    return sizes


def _begin(
    net: Net,
    renderer: str,
    layer: str | None,
    channel: Channels,
    img0: ArrayLike | None,
    rng: np.random.RandomState | None,
    iter_n: int,
    step: float,
    octave_n: int = 1,
    octave_scale: float = 1.0,
    lap_n: int = 0,
) -> tuple[Array, _ScoreGradient]:
    """Check what a renderer was given, and give the picture to start from and the gradient to climb."""
    check_params(iter_n=iter_n, step_size=step, octave_n=octave_n, octave_scale=octave_scale, rng=rng)
    whole("lap_n", lap_n, 0, MOST_LEVELS)
    t_grad = _ScoreGradient(net, layer, channel)
    img = noise(*NOISE_SIZE, rng) if img0 is None else as_picture(img0, "img0")
    h, w = img.shape[:2]
    sizes = rendered_sizes(renderer, h, w, octave_n, octave_scale)
    if renderer != "naive":
        sizes = [(min(h, TILE_SIZE), min(w, TILE_SIZE)) for h, w in sizes]
    check_octaves(net, t_grad.layer, sizes)
    return img.astype(np.result_type(img, net.dtype) if img.dtype.kind == "f" else net.dtype), t_grad


def _by_deviation(g: Array) -> Array:
    normalized: Array = g / (g.std() + 1e-8)
    return normalized


def _growing(
    net: Net,
    img: Array,
    t_grad: Gradient,
    normalized: Callable[[Array], Array],
    iter_n: int,
    step: float,
    octave_n: int,
    octave_scale: float,
    rng: np.random.RandomState | None,
) -> Steps:
    """Climb with a normalised gradient at one size after the other."""
    h, w = img.shape[:2]
    for octave, size in enumerate(grown_sizes(h, w, octave_n, octave_scale)[::-1]):
        if octave > 0:
            img = resize(img, size, net.dtype)
        for i in range(iter_n):
            g = normalized(calc_grad_tiled(img, t_grad, rng=rng))
            img = img + g * step
            yield octave, i, img


def _climb(
    img: Array,
    steps: Steps,
    t_grad: _ScoreGradient,
    watch: Watch | None,
    at_full_size: Callable[[Array, int], Array] = lambda img, octave: img,
) -> Array:
    """Take the steps from `img`, and give where they lead."""
    octave = taken = 0
    try:
        for octave, iteration, img in steps:
            taken += 1
            if watch is not None:
                watch.step(octave, iteration, partial(np.asarray, img))
    except KeyboardInterrupt as interrupt:
        raise DreamInterrupted(at_full_size(img, octave), taken) from interrupt
    t_grad.check_found()
    return img
